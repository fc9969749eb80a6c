"""Short syntaxes of ports and volumes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.document import Span
from policykit.parse.compose.short import ports, volume
from policykit.parse.compose.tree import ComposeError
from policykit.parse.yaml_nodes import Node
from policykit.unknown import HOLE, Unknown

HERE = Span("compose.yaml", 3, 7, 3, 12)


def port(spec: Any) -> list[dict[str, Any]]:
    return [node.data() for node in ports(Node(spec, HERE))]


def mapped(target: int, published: str | None = None, host: str | None = None, protocol: str = "tcp") -> dict[str, Any]:
    fields: dict[str, Any] = {"mode": "ingress", "target": target, "protocol": protocol}
    if host is not None:
        fields["host_ip"] = host
    if published is not None:
        fields["published"] = published
    return fields


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("3000", [mapped(3000)]),
        (3000, [mapped(3000)]),
        ("8000:80", [mapped(80, "8000")]),
        ("6060:6060/udp", [mapped(6060, "6060", protocol="udp")]),
        ("53/UDP", [mapped(53, protocol="udp")]),
        ("127.0.0.1:8001:80", [mapped(80, "8001", "127.0.0.1")]),
        ("127.0.0.1::80", [mapped(80, host="127.0.0.1")]),
        ("[::1]:8001:80", [mapped(80, "8001", "::1")]),
        ("::1:8001:80", [mapped(80, "8001", "::1")]),
        ("3000-3002", [mapped(3000), mapped(3001), mapped(3002)]),
        ("80-81:8080-8081", [mapped(8080, "80"), mapped(8081, "81")]),
        ("8000-9000:80", [mapped(80, "8000-9000")]),
    ],
)
def test_port(spec: Any, wanted: list[dict[str, Any]]) -> None:
    assert port(spec) == wanted


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "x",
        "80:",
        "0",
        "70000",
        "80:70000",
        "5-3",
        "1-3:1-2",
        "80/icmp",
        "host:80:80",
        "1.2.3:80:80",
        "-1",
        "٣",
        "1:2:3:4",
    ],
)
def test_no_port(spec: str) -> None:
    with pytest.raises(ComposeError, match="invalid port") as error:
        port(spec)
    assert (error.value.file, error.value.line, error.value.column) == ("compose.yaml", 3, 7)


def test_unknown_port() -> None:
    (known_target,) = port(Unknown(("why",), f"{HOLE}:80/udp"))
    assert known_target == {
        "mode": "ingress",
        "target": 80,
        "published": Unknown(("why",), HOLE),
        "protocol": "udp",
    }
    (nothing,) = port(Unknown(("why",), f"80:{HOLE}"))
    assert isinstance(nothing["target"], Unknown)
    assert isinstance(nothing["published"], Unknown)


def mount(spec: Any) -> dict[str, Any]:
    data: dict[str, Any] = volume(Node(spec, HERE)).data()
    return data


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("/data", {"type": "volume", "target": "/data", "volume": {}}),
        ("vol:/data/", {"type": "volume", "source": "vol", "target": "/data", "volume": {}}),
        ("vol:/d:ro", {"type": "volume", "source": "vol", "target": "/d", "read_only": True, "volume": {}}),
        ("vol:/d:nocopy", {"type": "volume", "source": "vol", "target": "/d", "volume": {"nocopy": True}}),
        ("./a:/d", {"type": "bind", "source": "./a", "target": "/d", "bind": {"create_host_path": True}}),
        ("~/a:/d:rw", {"type": "bind", "source": "~/a", "target": "/d", "read_only": False}),
        ("/a:/d:z,ro,rshared", {"type": "bind", "source": "/a", "target": "/d", "read_only": True}),
        ("C:\\a:/d", {"type": "bind", "source": "C:\\a", "target": "/d"}),
        ("c:/a:d:/b:ro", {"type": "bind", "source": "c:/a", "target": "d:/b", "read_only": True}),
        ("vol:/d:unheard-of", {"type": "volume", "source": "vol", "target": "/d", "volume": {}}),
        ("a", {"type": "volume", "target": "a", "volume": {}}),
        ("v:/d", {"type": "volume", "target": "v:/d", "volume": {}}),  # a Windows drive, says Compose
    ],
)
def test_volume(spec: str, wanted: dict[str, Any]) -> None:
    found = mount(spec)
    assert {key: found.get(key) for key in wanted} == wanted
    assert ("source" in found) == ("source" in wanted)


def test_bind_options() -> None:
    assert mount("/a:/d:z,rshared")["bind"] == {"create_host_path": True, "selinux": "z", "propagation": "rshared"}


@pytest.mark.parametrize("spec", ["", "abc:", ":::", "abc::ro", "abc:/b:ro:x"])
def test_no_volume(spec: str) -> None:
    with pytest.raises(ComposeError, match="volume"):
        mount(spec)


def test_unknown_volume() -> None:
    found = mount(Unknown(("why",), f"{HOLE}:/d:ro"))
    assert (found["target"], found["read_only"]) == ("/d", True)
    assert isinstance(found["type"], Unknown)
    assert mount(Unknown(("why",), f"./{HOLE}:/d"))["type"] == "bind"
    assert isinstance(mount(Unknown(("why",), f"a:{HOLE}"))["target"], Unknown)


@given(st.text("0123456789:-/.[]udptcp a\x00", max_size=14))
@settings(deadline=None)
def test_any_text(text: str) -> None:
    for read in (port, mount):
        for value in (text, Unknown(("why",), text)) if HOLE in text else (text,):
            try:
                read(value)
            except ComposeError as error:
                assert error.span is HERE  # noqa: PT017
