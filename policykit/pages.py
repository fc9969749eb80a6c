"""Policies into their pages: one Markdown file each, and an index by category and by the ids of other linters.

python -m policykit.pages docs/rules            writes them
python -m policykit.pages --check docs/rules    says which are not what the policies give, and exits with 1
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policykit.catalogue.examples import read_examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policykit.catalogue.schema import PolicyFile
    from policykit.policy import Example, Policy

_LANGUAGES = {"dockerfile": "dockerfile", "compose": "yaml", "kubernetes": "yaml"}
_GENERATED = "<!-- Made from the policy file by `python -m policykit.pages`; change that instead. -->\n"


def pages(files: Sequence[PolicyFile]) -> dict[str, str]:
    """File name to text, for every policy and for the index."""
    return {"README.md": _index(files)} | {f"{file.policy.id}.md": _page(file) for file in files}


def _page(file: PolicyFile) -> str:
    policy = file.policy
    parts = [
        _GENERATED,
        f"# {policy.id}\n",
        f"{policy.summary}.\n",
        _facts(policy),
        "## Why\n",
        policy.rationale.strip() + "\n",
        "## What to do\n",
        *(f"{line}\n" for line in policy.fixes.splitlines()),
    ]
    for title, examples in (("Violates", file.examples.failing), ("Complies", file.examples.passing)):
        parts += [f"## {title}\n", *(part for example in _one_of_each_target(examples) for part in _example(example))]
    if policy.parameters:
        parts += ["## Parameters\n", *_parameters(policy)]
    parts += ["## To silence it\n", _silence(policy)]
    if policy.equivalents:
        parts += ["## Elsewhere\n", *_equivalents(policy)]
    if policy.references:
        parts += ["## References\n", "".join(f"- <{reference}>\n" for reference in policy.references)]
    return "\n".join(parts)


def _facts(policy: Policy) -> str:
    facts = {
        "Severity": policy.severity,
        "In the default set": "yes" if policy.enabled else "no",
        "Judges": ", ".join(policy.targets),
        "Category": policy.category,
        "Since": policy.since,
    }
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in facts.items())


def _one_of_each_target(examples: Sequence[Example]) -> list[Example]:
    """The first example of each target: a page shows what is meant, the policy file shows the edges."""
    return list({example.target: example for example in reversed(examples)}.values())[::-1]


def _example(example: Example) -> Iterator[str]:
    parameters = f", with `{json.dumps(dict(example.parameters))}`" if example.parameters else ""
    yield f"{example.name[:1].upper()}{example.name[1:]}{parameters}:\n"
    for name, text in (example.files or {"": example.input}).items():
        language = "dockerfile" if name.rpartition("/")[2].startswith("Dockerfile") else _LANGUAGES[example.target]
        title = f"`{name}`\n\n" if name else ""
        yield f"{title}```{language}\n{text.rstrip()}\n```\n"


def _parameters(policy: Policy) -> Iterator[str]:
    for name, schema in policy.parameters.items():
        description = str(schema.get("description", "")).strip()
        yield f"- `{name}` (default `{json.dumps(schema['default'])}`): {description}\n"


def _silence(policy: Policy) -> str:
    if not policy.suppressible:
        return "It cannot be silenced.\n"
    comment = f"`# policykit: ignore={policy.id} <reason>` on the line or the one above"
    annotation = f", or the annotation `policykit.dev/ignore.{policy.id}: <reason>` on the object"
    return f"{comment}{annotation if 'kubernetes' in policy.targets else ''}.\n"


def _equivalents(policy: Policy) -> Iterator[str]:
    for peer, ids in sorted(policy.equivalents.items()):
        yield f"- {peer}: {', '.join(f'`{peer_id}`' for peer_id in ids)}\n"


def _index(files: Sequence[PolicyFile]) -> str:
    by_category: dict[str, list[Policy]] = {}
    by_peer: dict[str, dict[str, list[str]]] = {}
    for file in sorted(files, key=lambda file: file.policy.id):
        by_category.setdefault(file.policy.category, []).append(file.policy)
        for peer, ids in file.policy.equivalents.items():
            for peer_id in ids:
                by_peer.setdefault(peer, {}).setdefault(peer_id, []).append(file.policy.id)
    parts = [_GENERATED, "# Rules\n", f"{len(files)} rules; those in **bold** are in the default set.\n"]
    for category, policies in sorted(by_category.items()):
        parts += [
            f"## {category}\n",
            "| Rule | Severity | Judges | |\n|---|---|---|---|\n" + "".join(map(_row, policies)),
        ]
    parts.append("## By the ids of other linters\n")
    for peer, known in sorted(by_peer.items()):
        rows = "".join(
            f"| `{peer_id}` | {', '.join(map(_link, rules))} |\n" for peer_id, rules in sorted(known.items())
        )
        parts += [f"### {peer}\n", f"| {peer} | here |\n|---|---|\n{rows}"]
    return "\n".join(parts)


def _row(policy: Policy) -> str:
    link = f"**{_link(policy.id)}**" if policy.enabled else _link(policy.id)
    return f"| {link} | {policy.severity} | {', '.join(policy.targets)} | {policy.summary} |\n"


def _link(rule: str) -> str:
    return f"[{rule}]({rule}.md)"


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with `--check` say which differ; 0 if all is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m policykit.pages", description="Write a page for each policy.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--check", action="store_true", help="write nothing, say which pages are not current")
    parsed = parser.parse_args(arguments)
    folder: Path = parsed.folder
    wanted = pages(read_examples())
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")} if folder.is_dir() else {}
    stale = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if parsed.check:
        hint = f"not what the policies give; run `python -m policykit.pages {folder}`"
        sys.stderr.writelines(f"{folder / name}: {hint}\n" for name in stale)
        return 1 if stale else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (folder / name).write_text(wanted[name], "utf-8")
        else:
            (folder / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
