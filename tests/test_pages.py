from __future__ import annotations

import re
from pathlib import Path

import pytest

from policykit.catalogue.examples import read_examples
from policykit.pages import main, pages

DOCS = Path(__file__).parent.parent / "docs" / "rules"


def test_every_policy_has_a_page_with_all_that_a_reader_needs() -> None:
    made = pages(read_examples())
    for file in read_examples():
        page = made[f"{file.policy.id}.md"]
        for part in (file.policy.summary, file.policy.rationale.strip(), *file.policy.fixes.splitlines()):
            assert part in page, file.policy.id
        for heading in ("## Why", "## What to do", "## Violates", "## Complies", "## To silence it"):
            assert heading in page, file.policy.id
        assert all(f"`{peer_id}`" in page for ids in file.policy.equivalents.values() for peer_id in ids)


def test_the_index_leads_from_a_peers_id_to_ours() -> None:
    index = pages(read_examples())["README.md"]
    assert re.search(r"^\| `DL3007` \| .*\[image-explicit-tag\]\(image-explicit-tag\.md\)", index, re.MULTILINE)
    assert re.search(r"^\| \*\*\[image-explicit-tag\]\(image-explicit-tag\.md\)\*\* \| error \|", index, re.MULTILINE)
    linked = set(re.findall(r"\]\(([\w.-]+)\)", index))
    assert linked == pages(read_examples()).keys() - {"README.md"}


def test_the_pages_in_the_repository_are_current() -> None:
    if not DOCS.is_dir():
        pytest.skip("the pages are not part of an installed package")
    assert main(["--check", str(DOCS)]) == 0


def test_writing_adds_changes_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    (tmp_path / "README.md").write_text("old")
    (tmp_path / "no-such-rule.md").write_text("stray")
    assert main(["--check", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "README.md: not what the policies give" in told
    assert "no-such-rule.md" in told
    main([str(tmp_path)])
    assert main(["--check", str(tmp_path)]) == 0
    assert not (tmp_path / "no-such-rule.md").exists()
