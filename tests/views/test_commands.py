from __future__ import annotations

from typing import Any

import pytest

from policykit.unknown import Unknown
from tests.views.dockerfile_subjects import fields, places

F = "FROM alpine:3.20\n"


def command(line: str, *names: str) -> Any:
    """Fields of the first command of a RUN."""
    return fields("command", f"{F}RUN {line}\n", *names)[0]


def test_commands_of_every_instruction_that_runs_some() -> None:
    text = F + 'RUN a && b\nCMD ["c", "d"]\nENTRYPOINT e\nHEALTHCHECK CMD f\nONBUILD RUN g\n'
    found = fields("command", text, "name", "keyword", "form", "onbuild")
    assert found == [
        ("a", "run", "shell", False),
        ("b", "run", "shell", False),
        ("c", "cmd", "exec", False),
        ("e", "entrypoint", "shell", False),
        ("f", "healthcheck", "shell", False),
        ("g", "run", "shell", True),
    ]


@pytest.mark.parametrize(
    "line",
    ["apt-get x", "/usr/bin/apt-get x", "sudo -E -u root apt-get x", "env A=1 B=2 apt-get x", "exec apt-get x",
     "sudo env A=1 nice -n 5 apt-get x", "gosu root apt-get x", "eatmydata apt-get x"],
)  # fmt: skip
def test_the_program_behind_what_only_runs_it(line: str) -> None:
    assert command(line, "program", "operands") == ("apt-get", ["x"])


def test_options_and_what_may_be_their_values() -> None:
    options, values = command("useradd -ru 10 --gid=20 --home /x -okey name", "options", "values")
    assert {"r", "u", "gid", "home", "o"} <= set(options)
    assert (values["u"], values["gid"], values["home"], values["o"]) == ("10", "20", "/x", "key")


def test_variables_of_the_file_are_replaced() -> None:
    text = F + "ARG V=1\nENV W=2\nRUN a $V ${W}x $U $(b)\n"
    v, w, u, substitution = fields("command", text, "arguments")[-1]
    assert (v, w, u) == ("1", "2x", "")  # alpine sets no U
    assert isinstance(substitution, Unknown)


@pytest.mark.parametrize("script", ["U=3; a $U", "for U in 1 2; do a $U; done", "read U; a $U"])
def test_a_variable_of_the_script_is_unknown(script: str) -> None:
    assert isinstance(fields("command", f"{F}RUN {script}\n", "arguments")[-1][0], Unknown)


@pytest.mark.parametrize(
    ("shell", "script", "pipefail"),
    [
        ("", "a | b", False),
        ("", "set -o pipefail && a | b", True),
        ("", "set -euo pipefail; a | b", True),
        ("", "bash -o pipefail -c 'a | b'", True),
        ("", "bash -c 'a | b'", False),
        ('"/bin/bash", "-eo", "pipefail", "-c"', "a | b", True),
        ('"/bin/ash", "-o", "pipefail", "-c"', "a | b", True),
        ('"/usr/bin/env", "bash", "-o", "pipefail", "-c"', "a | b", True),
        ('"/bin/sh", "-o", "pipefail", "-c"', "a | b", False),
        ('"/bin/bash", "-c"', "a | b", False),
    ],
)
def test_pipefail(shell: str, script: str, pipefail: bool) -> None:
    text = F + (f"SHELL [{shell}]\n" if shell else "") + f"RUN {script}\n"
    found = dict(zip(fields("command", text, "name"), fields("command", text, "pipesTo", "pipefail"), strict=True))
    assert found["a"] == ("b", pipefail)


def test_pipes_substitutions_and_the_background() -> None:
    text = F + "CMD a | b & exec c $(d | e)\n"
    found = {
        name: rest for name, *rest in fields("command", text, "name", "piped", "pipesTo", "substituted", "background")
    }
    assert found["a"] == [False, "b", False, False]
    assert found["b"] == [True, "", False, True]
    assert found["d"] == [False, "e", True, False]
    assert found["exec"] == [False, "", False, False]


def test_where_a_command_stands_in_its_instruction() -> None:
    assert fields("command", F + "RUN a; b && c\n", "count", "last", "programs") == [
        (3, False, ["a", "b", "c"]),
        (3, False, ["a", "b", "c"]),
        (3, True, ["a", "b", "c"]),
    ]


def test_assignments() -> None:
    assert command("A=1 B='x y' prog", "assigns", "name") == ({"A": "1", "B": "x y"}, "prog")
    assert command("export A=1 B", "assigns") == {"A": "1"}
    assert places("command", F + "RUN x && A=1 prog\n", "assigns")[1] == (2, 10)


def test_a_builder_does_not_ship() -> None:
    text = "FROM a AS build\nRUN x\nFROM b AS base\nRUN y\nFROM base\nRUN z\n"
    assert fields("command", text, "name", "ships", "stage") == [("x", False, 0), ("y", True, 1), ("z", True, 2)]


def test_no_commands_for_other_shells() -> None:
    assert fields("command", F + 'SHELL ["pwsh", "-c"]\nRUN Get-Item | Select-Object\n', "name") == []
