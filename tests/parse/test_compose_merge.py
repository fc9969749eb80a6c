"""How two Compose models become one, attribute by attribute."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.document import Source
from policykit.parse.compose.merge import merge
from policykit.parse.compose.tags import split_tags
from policykit.parse.compose.tree import ComposeError
from policykit.parse.compose.unicity import unique
from policykit.parse.yaml import YamlDocument, parse_yaml
from policykit.parse.yaml_nodes import Node, find
from policykit.parse.yaml_scalars import COMPOSE


def tree(text: str, name: str = "a.yaml") -> Node:
    (document,) = parse_yaml(Source(name, text), COMPOSE)
    assert isinstance(document, YamlDocument)
    return document.root


def service(base: str, override: str) -> Any:
    """The value of one attribute of a service in two files, merged."""
    merged = unique(merge(tree(f"services: {{a: {{{base}}}}}"), tree(f"services: {{a: {{{override}}}}}")))
    return next(iter(merged.data()["services"]["a"].values()))


@pytest.mark.parametrize(
    ("base", "override", "merged"),
    [
        ("image: a", "image: b", "b"),
        ("image: a", "image: null", "a"),
        ("image: null", "image: b", "b"),
        ("command: [a, b]", "command: c", "c"),
        ("entrypoint: a", "entrypoint: null", None),
        ("healthcheck: {test: [CMD, a], retries: 1}", "healthcheck: {test: b}", {"test": "b", "retries": 1}),
        ("environment: [A=1, B=2]", "environment: {A: 3, C: null}", ["A=3", "B=2", "C"]),
        ("environment: {B: true, A: 1.0}", "environment: [A=x]", ["A=x", "B=true"]),
        ("labels: [a, a=1]", "labels: [b]", ["a=1", "b"]),
        ("dns: a", "dns: [b, a]", ["a", "b"]),
        ("tmpfs: /a", "tmpfs: /b", ["/a", "/b"]),
        ("cap_add: [a, b]", "cap_add: [b, c]", ["a", "b", "c"]),
        ("extra_hosts: {h: [1, 2]}", "extra_hosts: [g=3]", ["h=1", "h=2", "g=3"]),
        ("ports: ['80:80']", "ports: ['80:80', '81:81']", ["80:80", "81:81"]),
        ("volumes: ['va:/x', 'vb:/y']", "volumes: ['vc:/x']", ["vc:/x", "vb:/y"]),
        (
            "volumes: ['va:/x']",
            "volumes: [{type: bind, source: ., target: /x}]",
            [{"type": "bind", "source": ".", "target": "/x"}],
        ),
        ("devices: ['/a:/x']", "devices: ['/b:/x']", ["/b:/x"]),
        (
            "secrets: [a]",
            "secrets: [{source: b, target: /run/secrets/a}]",
            [{"source": "b", "target": "/run/secrets/a"}],
        ),
        ("env_file: a", "env_file: [{path: a}, b]", [{"path": "a"}, "b"]),
        ("expose: [80]", "expose: ['80', 81]", ["80", 81]),
        ("build: .", "build: {target: x}", {"context": ".", "target": "x"}),
        ("build: {args: {A: 1}}", "build: {args: [B=2]}", {"args": ["A=1", "B=2"]}),
        ("networks: [a]", "networks: {a: {aliases: [x]}, b: null}", {"a": {"aliases": ["x"]}, "b": None}),
        ("models: null", "models: [m]", {"m": None}),
        ("ulimits: {a: 1}", "ulimits: {a: {soft: 1}}", {"a": {"soft": 1}}),
        ("logging: {driver: a, options: {x: 1}}", "logging: {driver: b}", {"driver": "b"}),
        ("logging: {options: {x: 1}}", "logging: {driver: b}", {"options": {"x": 1}, "driver": "b"}),
        ("sysctls: {a: 1}", "sysctls: {a: 2}", ["a=2"]),
    ],
)
def test_service_attribute(base: str, override: str, merged: object) -> None:
    assert service(base, override) == merged


def test_depends_on_keeps_what_a_list_means() -> None:
    started = {"condition": "service_started", "required": True}
    merged = service("depends_on: [a, b]", "depends_on: {b: {condition: service_healthy}}")
    assert merged == {"a": started, "b": {"condition": "service_healthy", "required": True}}


def test_address_pools_go_together_by_subnet() -> None:
    base = "networks: {n: {ipam: {config: [{subnet: a, gateway: x}]}}}"
    override = "networks: {n: {ipam: {config: [{subnet: a, ip_range: r}, {subnet: b}]}}}"
    merged = merge(tree(base), tree(override)).data()["networks"]["n"]["ipam"]["config"]
    assert merged == [{"subnet": "a", "gateway": "x", "ip_range": "r"}, {"subnet": "b"}]


def test_address_pools_that_meet_none_of_theirs_are_dropped() -> None:
    base = "networks: {n: {ipam: {config: [{subnet: a}]}}}"
    merged = merge(tree(base), tree(base.replace("subnet: a", "subnet: b")))
    assert merged.data()["networks"]["n"]["ipam"]["config"] == [{"subnet": "b"}]  # as Compose does


def test_address_pools_do_not_multiply() -> None:
    pools = "networks: {n: {ipam: {config: [" + "{subnet: a}, " * 1_000 + "]}}}"
    with pytest.raises(ComposeError, match="too many address pools"):
        merge(tree(pools), tree(pools))


@pytest.mark.parametrize(
    ("base", "override", "error"),
    [
        ("x-a: {b: c}", "x-a: d", "1:29: cannot override a mapping with a string"),
        ("cap_add: [a]", "cap_add: {a: b}", "1:33: cannot override a list with a mapping"),
        ("logging: x", "logging: {}", "1:30: logging must be a mapping, not a string"),
        ("networks: [[a]]", "networks: {}", "1:32: cannot use a list as a key"),
        ("environment: [1]", "environment: {}", "1:35: must be a string, not a number"),
    ],
)
def test_what_does_not_go_together(base: str, override: str, error: str) -> None:
    with pytest.raises(ComposeError) as caught:
        service(base, override)
    assert caught.value.message == error.split(": ", 1)[1]


def test_every_value_keeps_its_file_and_place() -> None:
    base = tree("services:\n  a:\n    image: x\n    environment: {B: 1}\n    user: u\n", "base.yaml")
    override = tree("services:\n  a:\n    image: y\n    environment: [A=1]\n", "override.yaml")
    merged = unique(merge(base, override))
    assert find(merged, ("services", "a", "image"))[:3] == ("override.yaml", 3, 12)
    assert find(merged, ("services", "a", "image"), key=True)[:3] == ("override.yaml", 3, 5)
    assert find(merged, ("services", "a", "user"))[:3] == ("base.yaml", 5, 11)
    assert find(merged, ("services", "a", "environment", 0))[:3] == ("base.yaml", 4, 22)
    assert find(merged, ("services", "a", "environment", 1))[:3] == ("override.yaml", 4, 19)
    assert base.data()["services"]["a"]["image"] == "x"


def test_tags() -> None:
    text = "a:\n  b: !reset x\n  c: !override {d: !reset 1}\n  e: [1, !reset 2]\n  f: 3\n"
    root, resets = split_tags(tree(text))
    assert root.data() == {"a": {"c": {"d": "1"}, "e": [1], "f": 3}}
    before = tree("a: {b: 1, c: {d: 2, g: 3}, e: [4], h: 5}")
    assert resets.apply(before).data() == {"a": {"e": [4], "h": 5}}
    assert merge(resets.apply(before), root).data() == {"a": {"c": {"d": "1"}, "e": [4, 1], "f": 3, "h": 5}}


def test_a_tag_on_an_anchor_follows_its_aliases() -> None:
    root, resets = split_tags(tree("x-a: &a !reset null\nservices:\n  s:\n    ports: *a\n"))
    assert root.data() == {"services": {"s": {}}}
    assert ("services", "s", "ports") in resets.routes


def test_attributes_that_were_extensions_once() -> None:
    text = "services: {a: {x-develop: {watch: [{x-initialSync: true}]}}, b: {develop: {}, x-develop: {}}}"
    root, _ = split_tags(tree(text))
    assert root.data()["services"]["a"] == {"develop": {"watch": [{"initial_sync": True}]}}
    assert set(root.data()["services"]["b"]) == {"develop", "x-develop"}


PLAIN = st.recursive(
    st.sampled_from([None, 1, "x", "A=1", "a:/b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["services", "a", "ports", "volumes", "environment", "build", "x-y"]), inner)
    ),
    max_leaves=12,
)


def node(data: Any) -> Node:
    import json

    return tree(json.dumps(data), "a.json")


@given(st.dictionaries(st.sampled_from(["services", "volumes", "x-y"]), PLAIN), PLAIN)
@settings(deadline=None)
def test_any_two_trees(base: Any, override: Any) -> None:
    one, two = node(base), node({"services": {"a": override}})
    before = one.data()
    try:
        merged = unique(merge(one, two))
    except ComposeError:
        return
    assert one.data() == before
    assert merged.data().keys() == {**base, "services": 1}.keys()
