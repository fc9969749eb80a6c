from __future__ import annotations

from typing import Any

import pytest

from policykit.views.network_policy import NamespaceFacts, effect_on, is_network_policy

SHOP = NamespaceFacts("shop", None)
LABELLED = NamespaceFacts("shop", {"tier": "front"})

BOTH = {"ingress", "egress"}


def policy(kind: str, spec: Any, group: str = "networking.k8s.io/v1") -> dict[str, Any]:
    return {"apiVersion": group, "kind": kind, "metadata": {"name": "p"}, "spec": spec}


def kubernetes(spec: Any) -> dict[str, Any]:
    return policy("NetworkPolicy", spec)


@pytest.mark.parametrize(
    ("spec", "isolates", "opens"),
    [
        ({}, {"ingress"}, set()),
        ({"podSelector": {}}, {"ingress"}, set()),
        ({"podSelector": {"matchLabels": {}}}, {"ingress"}, set()),
        ({"podSelector": {}, "policyTypes": ["Egress"]}, {"egress"}, set()),
        ({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, BOTH, set()),
        ({"podSelector": {}, "policyTypes": []}, {"ingress"}, set()),
        ({"podSelector": {}, "egress": [{"to": [{"podSelector": {}}]}]}, BOTH, set()),
        ({"podSelector": {}, "egress": []}, {"ingress"}, set()),
        ({"podSelector": {}, "ingress": [{}]}, {"ingress"}, {"ingress"}),
        ({"podSelector": {}, "ingress": [{"from": []}]}, {"ingress"}, {"ingress"}),
        ({"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}, {"ingress"}, set()),
        ({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}, {"ingress"}, set()),
        ({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}, {"ingress"}, {"ingress"}),
        (
            {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}]},
            {"ingress"},
            set(),
        ),
        # An allow-all for a direction that the policy does not govern has no effect.
        ({"podSelector": {}, "policyTypes": ["Egress"], "ingress": [{}]}, {"egress"}, set()),
        ({"podSelector": {"matchLabels": {"app": "web"}}}, set(), set()),
        ({"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}, set(), set()),
        (None, {"ingress"}, set()),
        ("nonsense", {"ingress"}, set()),
        ({"podSelector": {}, "ingress": "nonsense"}, {"ingress"}, set()),
    ],
)
def test_kubernetes(spec: Any, isolates: set[str], opens: set[str]) -> None:
    effect = effect_on(kubernetes(spec), "shop", SHOP)
    assert (set(effect.isolates), set(effect.opens)) == (isolates, opens)


def test_a_policy_of_another_namespace_has_no_effect() -> None:
    assert not effect_on(kubernetes({}), "other", SHOP).isolates


@pytest.mark.parametrize(
    ("spec", "isolates", "opens"),
    [
        ({"endpointSelector": {}, "ingress": [{}]}, {"ingress"}, set()),
        ({"endpointSelector": {}, "ingress": [{}], "egress": [{}]}, BOTH, set()),
        ({"endpointSelector": {}, "ingress": []}, set(), set()),
        ({"endpointSelector": {}, "ingressDeny": [{"fromEntities": ["world"]}]}, {"ingress"}, set()),
        ({"endpointSelector": {}, "ingress": [{"fromEntities": ["all"]}]}, {"ingress"}, {"ingress"}),
        ({"endpointSelector": {}, "egress": [{"toCIDR": ["0.0.0.0/0"]}]}, {"egress"}, {"egress"}),
        ({"endpointSelector": {}, "egress": [{"toCIDR": ["0.0.0.0/0"], "toPorts": [{}]}]}, {"egress"}, set()),
        ({"endpointSelector": {}, "enableDefaultDeny": {"ingress": False}, "ingress": [{}]}, set(), set()),
        ({"endpointSelector": {}, "enableDefaultDeny": {"egress": True}}, {"egress"}, set()),
        ({"endpointSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]}, set(), set()),
        ({"nodeSelector": {}, "ingress": [{}]}, set(), set()),
    ],
)
def test_cilium(spec: Any, isolates: set[str], opens: set[str]) -> None:
    effect = effect_on(policy("CiliumNetworkPolicy", spec, "cilium.io/v2"), "shop", SHOP)
    assert (set(effect.isolates), set(effect.opens)) == (isolates, opens)


def test_cilium_clusterwide_picks_a_namespace_by_label() -> None:
    for name, expected in (("shop", {"ingress"}), ("other", set())):
        labels = {"k8s:io.kubernetes.pod.namespace": name}
        spec = {"endpointSelector": {"matchLabels": labels}, "ingress": [{}]}
        effect = effect_on(policy("CiliumClusterwideNetworkPolicy", spec, "cilium.io/v2"), "", SHOP)
        assert effect.isolates == expected


def test_cilium_may_hold_several_specs() -> None:
    several = {
        **policy("CiliumNetworkPolicy", None, "cilium.io/v2"),
        "specs": [{"endpointSelector": {}, "egress": [{}]}],
    }
    assert effect_on(several, "shop", SHOP).isolates == {"egress"}


@pytest.mark.parametrize(
    ("spec", "isolates", "opens"),
    [
        ({}, {"ingress"}, set()),
        ({"selector": "all()", "types": ["Ingress", "Egress"]}, BOTH, set()),
        ({"selector": "", "egress": [{"action": "Deny"}]}, {"egress"}, set()),
        ({"ingress": [{"action": "Allow"}], "egress": [{"action": "Deny"}]}, BOTH, {"ingress"}),
        ({"ingress": [{"action": "Allow", "protocol": "TCP"}]}, {"ingress"}, set()),
        ({"selector": "app == 'web'"}, set(), set()),
        ({"namespaceSelector": "kubernetes.io/metadata.name == 'shop'"}, {"ingress"}, set()),
        ({"namespaceSelector": "projectcalico.org/name == 'other'"}, set(), set()),
    ],
)
def test_calico(spec: Any, isolates: set[str], opens: set[str]) -> None:
    effect = effect_on(policy("GlobalNetworkPolicy", spec, "projectcalico.org/v3"), "", SHOP)
    assert (set(effect.isolates), set(effect.opens)) == (isolates, opens)


def test_a_calico_selector_beyond_us_is_unknown() -> None:
    spec = {"namespaceSelector": "tier in {'front'}"}
    assert effect_on(policy("GlobalNetworkPolicy", spec, "projectcalico.org/v3"), "", SHOP).unknown is not None


DENY_EVERYWHERE = [{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}]
DENY_ALL = [{"action": "Deny", "from": [{"namespaces": {}}]}]


@pytest.mark.parametrize(
    ("spec", "isolates"),
    [
        ({"subject": {"namespaces": {}}, "ingress": DENY_ALL}, {"ingress"}),
        ({"subject": {"namespaces": {"matchLabels": {"tier": "front"}}}, "ingress": DENY_ALL}, {"ingress"}),
        ({"subject": {"namespaces": {"matchLabels": {"tier": "back"}}}, "ingress": DENY_ALL}, set()),
        ({"subject": {"pods": {"namespaceSelector": {}, "podSelector": {}}}, "ingress": DENY_ALL}, {"ingress"}),
        ({"subject": {"pods": {"podSelector": {"matchLabels": {"a": "b"}}}}, "ingress": DENY_ALL}, set()),
        ({"subject": {"namespaces": {}}, "ingress": [{"action": "Allow", "from": [{"namespaces": {}}]}]}, set()),
        (
            {"subject": {"namespaces": {}}, "egress": [{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}]},
            {"egress"},
        ),
        ({"subject": {"namespaces": {}}, "ingress": [{**DENY_ALL[0], "ports": [{}]}]}, set()),
    ],
)
def test_admin(spec: Any, isolates: set[str]) -> None:
    obj = policy("AdminNetworkPolicy", spec, "policy.networking.k8s.io/v1alpha1")
    assert effect_on(obj, "", LABELLED).isolates == isolates


def test_labels_of_an_undeclared_namespace_are_unknown_but_its_name_is_not() -> None:
    def effect(labels: dict[str, str]) -> Any:
        spec = {"subject": {"namespaces": {"matchLabels": labels}}, "ingress": DENY_ALL}
        return effect_on(policy("AdminNetworkPolicy", spec, "policy.networking.k8s.io/v1alpha1"), "", SHOP)

    assert effect({"tier": "front"}).unknown is not None
    assert effect({"kubernetes.io/metadata.name": "shop"}).isolates == {"ingress"}
    assert effect({"kubernetes.io/metadata.name": "other"}).isolates == set()


def test_other_objects_have_no_effect() -> None:
    assert not is_network_policy("v1", "Pod")
    assert is_network_policy("networking.k8s.io/v1", "NetworkPolicy")
    assert not effect_on({"apiVersion": "v1", "kind": "Pod"}, "shop", SHOP).isolates
