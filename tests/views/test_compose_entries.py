"""What a Compose file says in the order and the way it was written, and what its services take from each other."""

from __future__ import annotations

import pytest

from tests.views.builders import data, place, subjects


def entries(section: str, text: str) -> list[tuple[str, str, bool]]:
    found = data("composeEntry", text, name="compose.yaml")
    return [(e["text"], e["quote"], e["first"]) for e in found if e["section"] == section]


def test_order_and_quotes() -> None:
    text = "services:\n  b: {image: x}\n  a:\n    image: y\n    ports: [80:80, '9:9', \"443:443\", {target: 1}]\n"
    assert entries("services", text) == [("b", "", False), ("a", "", True)]
    assert entries("ports", text) == [
        ("80:80", "", False),
        ("9:9", "'", True),
        ("443:443", '"', False),
        ("1", "", False),
    ]


def test_ports_are_ordered_by_the_port_of_the_host() -> None:
    text = "services:\n  a:\n    image: y\n    ports: ['79', '127.0.0.1:80:9', '3000-3005', '8080:1/udp']\n"
    assert not any(first for _, _, first in entries("ports", text))


def test_a_key_stands_where_it_is_written() -> None:
    text = "services:\n  a:\n    image: y\n    build: .\n"
    found = {s.data["text"]: s for s in subjects("composeEntry", text, name="compose.yaml")}
    assert place(found["build"], "text") == (4, 5, "services.a.build")


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("8080:80", "8080:81", True),
        ("8080-8090:80", "8085:81", True),
        ("127.0.0.1:80:80", "127.0.0.2:80:80", False),
        ("127.0.0.1:80:80", "0.0.0.0:80:80", True),
        ("53:53/udp", "53:53", False),
        ("80", "80", False),
        ("${PORT}:80", "80:80", False),
    ],
)
def test_ports_that_clash(one: str, other: str, clash: bool) -> None:
    text = f"services:\n  a: {{image: x, ports: ['{one}']}}\n  b: {{image: y, ports: ['{other}']}}\n"
    first, second = data("composeService", text, name="compose.yaml")
    assert first["portsTaken"] == []
    assert bool(second["portsTaken"]) is clash
    assert second["takenBy"] == ("a" if clash else "")


def test_what_a_service_does_not_wait_for() -> None:
    text = """\
services:
  web: {image: x, depends_on: [db, cache]}
  ready: {image: x, depends_on: {db: {condition: service_healthy}}}
  db: {image: y, healthcheck: {test: [CMD, ok]}}
  cache: {image: z, healthcheck: {disable: true}}
"""
    found = {s["name"]: s["dependsOnUnready"] for s in data("composeService", text, name="compose.yaml")}
    assert found == {"web": ["db"], "ready": [], "db": [], "cache": []}
