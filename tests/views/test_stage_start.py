"""ENTRYPOINT and CMD as they stand in an image."""

from __future__ import annotations

import pytest

from policykit.unknown import Unknown
from policykit.views.stage_start import start
from tests.views.images_built import built


@pytest.mark.parametrize(
    ("text", "entrypoint", "cmd", "init"),
    [
        ('FROM scratch\nENTRYPOINT ["/tini", "--"]\nCMD ["a", "b"]', ("/tini", "--"), ("a", "b"), "tini"),
        ("FROM scratch\nCMD run it", (), ("/bin/sh", "-c", "run it"), ""),
        ('FROM scratch\nSHELL ["bash", "-ec"]\nENTRYPOINT run', ("bash", "-ec", "run"), (), ""),
        ('FROM scratch\nCMD ["a"]\nENTRYPOINT ["b"]', ("b",), ("a",), ""),  # the same stage keeps CMD
        ('FROM scratch AS x\nCMD ["a"]\nFROM x\nENTRYPOINT ["b"]', ("b",), (), ""),  # another one drops it
        ('FROM scratch AS x\nENTRYPOINT ["/init"]\nFROM x\nCMD ["a"]', ("/init",), ("a",), "init"),
        ('FROM scratch\nENTRYPOINT ["/usr/bin/tini-amd64", "x"]', ("/usr/bin/tini-amd64", "x"), (), "tini-amd64"),
        ("FROM scratch\nENTRYPOINT []", (), (), ""),
        ("FROM scratch", (), (), ""),
    ],
)
def test_arguments(text: str, entrypoint: tuple[str, ...], cmd: tuple[str, ...], init: str) -> None:
    found = start(*built(text))
    assert (found.entrypoint, found.cmd, found.init) == (entrypoint, cmd, init)


def test_what_the_base_image_starts_is_not_known() -> None:
    found = start(*built("FROM alpine:3.20"))
    assert isinstance(found.entrypoint, Unknown)
    assert isinstance(found.cmd, Unknown)
    assert isinstance(found.init, Unknown)
    assert start(*built('FROM alpine:3.20\nENTRYPOINT ["x"]')).cmd == ()
    assert start(*built('FROM alpine:3.20\nCMD ["x"]')).cmd == ("x",)


def test_what_runs_by_itself() -> None:
    for text, lines in (
        ('ENTRYPOINT ["tini"]\nCMD ["a"]', [2, 3]),
        ('ENTRYPOINT ["x"]\nCMD ["a"]', [2]),
        ('CMD ["a"]', [2]),
        ("", []),
    ):
        found = start(*built(f"FROM alpine:3.20\n{text}"))
        assert [instruction.first_line for instruction in found.instructions] == lines
