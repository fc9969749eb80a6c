from __future__ import annotations

from typing import Any

import pytest

from policykit.unknown import Unknown
from tests.views.dockerfile_subjects import fields, places

F = "FROM debian:12\n"


def call(line: str, *names: str, before: str = "") -> Any:
    """Fields of the first call in a RUN."""
    return fields("packageCommand", f"{F}{before}RUN {line}\n", *names)[0]


@pytest.mark.parametrize(
    ("line", "manager", "action", "packages"),
    [
        ("apt-get -qq -y install a b=1", "apt", "install", ["a", "b=1"]),
        ("apt-get install -t bookworm a", "apt", "install", ["a"]),
        ("sudo apt-get update", "apt", "update", []),
        ("aptitude full-upgrade", "apt", "dist-upgrade", []),
        ("apk --no-cache add -t .build a", "apk", "install", ["a"]),
        ("apk add --repository https://example.com a", "apk", "install", ["a"]),
        ("yum -y groupinstall tools", "yum", "install", []),
        ("dnf module install nodejs:22", "dnf", "install", ["nodejs:22"]),
        ("microdnf install @web a", "dnf", "install", ["a"]),
        ("zypper -n in -r repo a", "zypper", "install", ["a"]),
        ("pip3.12 install -r x.txt --index-url https://example.com a", "pip", "install", ["a"]),
        ("python3 -m pip install a", "pip", "install", ["a"]),
        ("pip install -qr x.txt", "pip", "install", []),
        ("pip install --root-user-action ignore --config-settings x=y a", "pip", "install", ["a"]),
        ("uv pip install a", "uv", "install", ["a"]),
        ("uv tool install a", "uv", "install", ["a"]),
        ("npm --prefix x install a", "npm", "install", ["a"]),
        ("yarn", "yarn", "install", []),
        ("yarn global add a", "yarn", "install", ["a"]),
        ("gem install a -- --with-b c", "gem", "install", ["a"]),
        ("go install -ldflags '-s -w' example.com/a@v1", "go", "install", ["example.com/a@v1"]),
        ("go run example.com/a@v1 --b c", "go", "install", ["example.com/a@v1"]),
        ("cargo install --version 1 a", "cargo", "install", ["a"]),
        ("apt-cache search a && apt-get moo", "apt", "", []),
    ],
)
def test_calls(line: str, manager: str, action: str, packages: list[str]) -> None:
    found = call(line, "manager", "action", "packages")
    assert found[:2] == (manager, action)
    assert action == "" or found[2] == packages


@pytest.mark.parametrize(
    "line", ["apt-key add x", "pipenv install a", "notdnf install a", "echo apt-get install a", "python -m venv x"]
)
def test_other_programs_are_no_calls(line: str) -> None:
    assert fields("packageCommand", f"{F}RUN {line}\n", "tool") == []


@pytest.mark.parametrize(
    ("line", "confirmed"),
    [
        ("apt-get install a", False),
        ("apt-get -y install a", True),
        ("apt-get install -yq a", True),
        ("apt-get install -q a", False),
        ("apt-get install -qq a", True),
        ("apt-get install -q -q a", True),
        ("apt-get install --quiet --quiet a", True),
        ("apt-get install -q=2 a", True),
        ("apt-get install --assume-yes a", True),
        ("apt-get install --force-yes a", False),
        ("apt-get -o APT::Get::Assume-Yes=true install a", True),
        ("yes | apt-get install a", True),
        ("echo a | apt-get install a", False),
        ("yum install a", False),
        ("dnf --assumeyes install a", True),
        ("zypper -n in a", True),
    ],
)
def test_confirmation(line: str, confirmed: bool) -> None:
    assert call(line, "confirmed") is confirmed


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("apt-get update", False),
        ("apt-get update && apt-get clean", False),
        ("apt-get update && rm -rf /var/lib/apt/lists/*", True),
        ("apt-get update && rm -rf /var/lib/apt /tmp/x", True),
        ("apt-get update && rm -rf /var/lib/apt/lists/partial", False),
        ("apt-get update && cd /var/lib && rm -rf apt dpkg", True),
        ("rm -rf /var/lib/apt/lists/* && apt-get update", False),
        ("--mount=type=cache,target=/var/lib/apt apt-get update", True),
        ("--mount=type=tmpfs,target=/var/lib/apt/lists/ apt-get update", True),
        ("--mount=type=bind,target=/var/lib/apt apt-get update", False),
        ("yum install a && yum clean all", True),
        ("yum clean all && yum install a", False),
        ("dnf install a && microdnf clean all", False),
        ("apk add a && rm -rf /var/cache/apk/*", True),
        ("pip install a", False),
        ("pip install --no-cache-dir a", True),
        ("PIP_NO_CACHE_DIR=1 pip install a", True),
        ("export PIP_NO_CACHE_DIR=off && pip install a", False),
        ("pip install a && rm -rf ~/.cache", True),
        ("pip install a && pip3 cache purge", True),
        ("--mount=type=cache,target=/home/app/.cache/pip pip install a", True),
        ("yarn install && yarn cache clean", True),
    ],
)
def test_what_is_left_behind(line: str, cleaned: bool) -> None:
    assert call(line, "cleaned") is cleaned


@pytest.mark.parametrize(("value", "cleaned"), [("1", True), ("true", True), ("0", False), ("off", False), ("", False)])
def test_a_variable_of_the_stage_keeps_pip_from_caching(value: str, cleaned: bool) -> None:
    assert call("pip install a", "cleaned", before=f'ENV PIP_NO_CACHE_DIR="{value}"\n') is cleaned


def test_recommended_packages() -> None:
    assert call("apt-get install a", "recommends")
    assert not call("apt-get install --no-install-recommends a", "recommends")
    assert not call("apt-get -o APT::Install-Recommends=0 install a", "recommends")
    assert not call("apk add a", "recommends")


def test_what_other_calls_do_in_the_same_run() -> None:
    text = F + "RUN apt-get update && pip install a && apt-get install b\nRUN apt-get update\n"
    found = fields("packageCommand", text, "manager", "actions")
    assert found == [
        ("apt", ["update", "install"]),
        ("pip", ["install"]),
        ("apt", ["update", "install"]),
        ("apt", ["update"]),
    ]


@pytest.mark.parametrize(
    ("call_", "pinned", "free"),
    [
        ("apt-get install", "a=1 a=1.* a/stable ./a.deb a.deb", "a a-1.2 libfoo1"),
        ("apk add", "a=1 a~=1 a<2 a.apk ./a", "a a@edge"),
        (
            "yum install",
            "a-1 gcc-c++-1.1 a-1:2.3-4.el9 a-1.2.x86_64 a.rpm https://example.com/a",
            "a a-b java-17-openjdk",
        ),
        ("dnf module install", "a:9", "a"),
        ("zypper in", "a=1 a<2 a.rpm", "a a-1"),
        (
            "pip install",
            "a==1 a<2 a!=1 a~=1 a[x]==1 . ./a a/b a.whl git+https://x.org/y@v1",
            "a a[x] git+https://x.org/y",
        ),
        (
            "npm install",
            "a@1 @s/a@1 b@npm:a@1 ./a /a a.tgz https://x.org/a.tgz git+ssh://x.org/a#1",
            "a @s/a a@latest x/y git://x.org/a",
        ),
        ("gem install", "a:1 ./a a.gem", "a"),
        ("go install", "x.org/a@v1 ./... /a main.go", "x.org/a x.org/a@latest a"),
        ("cargo install", "a@1", "a"),
    ],
)
def test_pinned(call_: str, pinned: str, free: str) -> None:
    for packages, expected in ((pinned, True), (free, False)):
        for package in packages.split():
            assert fields("package", f"{F}RUN {call_} '{package}'\n", "pinned") == [expected], package


@pytest.mark.parametrize("line", ["gem install a -v 1", "pip install -c x.txt a", "cargo install --version 1 a"])
def test_a_version_for_the_whole_call(line: str) -> None:
    assert fields("package", f"{F}RUN {line}\n", "pinned") == [True]


def test_versions_in_variables() -> None:
    text = F + "ARG V=1.2\nARG W\nRUN apt-get install a=$V b=$W $W\nRUN yum install c-$V\n"
    found = fields("package", text, "pinned")
    assert found[:2] == [True, True]
    assert isinstance(found[2], Unknown)
    assert found[3] is True


def test_packages_that_are_taken_away_again() -> None:
    text = F + "RUN apt-get install gcc make && apt-get purge -y gcc\n"
    assert fields("package", text, "name", "removed") == [("gcc", True), ("make", False)]
    text = F + "RUN apk add -t .build gcc && apk del .build\n"
    assert fields("package", text, "name", "removed") == [("gcc", True)]
    text = F + "RUN apt-get install gcc && apt-get remove $(list)\n"
    assert fields("package", text, "removed") == [True]


def test_names_and_places() -> None:
    text = F + "RUN apt-get install -y \\\n  curl=7 git\n"
    assert fields("package", text, "name", "text") == [("curl", "curl=7"), ("git", "git")]
    assert places("package", text) == [(3, 3), (3, 10)]
