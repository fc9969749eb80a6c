"""Network policy objects, of Kubernetes and of the common plug-ins, turned into what they do to a whole namespace.

A namespace denies by default where some policy isolates *all* its pods in a direction and none lets everything in
(or out) again. Sources: NetworkPolicy (Kubernetes API reference, `NetworkPolicySpec`), CiliumNetworkPolicy (Cilium,
"Policy Enforcement Modes" and `enableDefaultDeny`), Calico NetworkPolicy and GlobalNetworkPolicy (`types`,
`selector`), AdminNetworkPolicy and its successors (network-policy-api, `subject`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policykit.unknown import Unknown
from policykit.views.objects import mapping, sequence
from policykit.views.selector import Labels, keys_of, namespace_labels, selects, selects_everything

Direction = Literal["ingress", "egress"]
DIRECTIONS: tuple[Direction, Direction] = ("ingress", "egress")
_PEERS: Mapping[Direction, str] = {"ingress": "from", "egress": "to"}
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
_CILIUM_NAMESPACE = "k8s:io.kubernetes.pod.namespace"


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """A namespace's name, and its labels where its object is among the files (None where it is not)."""

    name: str
    declared_labels: Labels | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What one policy object does to all pods of one namespace.

    `isolates`: directions in which nothing passes that no policy allows. `opens`: directions in which it allows
    everything. `unknown`: set where that hangs on labels which are not among the files.
    """

    isolates: frozenset[Direction] = frozenset()
    opens: frozenset[Direction] = frozenset()
    unknown: Unknown | None = None


NOTHING = Effect()


def effect_on(policy: Mapping[str, Any], policy_namespace: str, namespace: NamespaceFacts) -> Effect:
    """The effect of `policy`, which lives in `policy_namespace` ("" if cluster-scoped), on `namespace`.

    Objects that are no network policy have none. Never raises on a malformed object: what cannot be read has no effect.
    """
    group = str(policy.get("apiVersion", "")).partition("/")[0]
    reader = _READERS.get((group, str(policy.get("kind"))))
    if reader is None or (policy_namespace and policy_namespace != namespace.name):
        return NOTHING
    return reader(mapping(policy.get("spec")), policy, namespace)


def is_network_policy(api_version: str, kind: str) -> bool:
    """Whether `effect_on` knows objects of this kind."""
    return (api_version.partition("/")[0], kind) in _READERS


def _kubernetes(spec: Mapping[str, Any], _policy: Mapping[str, Any], _namespace: NamespaceFacts) -> Effect:
    if not selects_everything(spec.get("podSelector")):
        return NOTHING
    types = spec.get("policyTypes")
    if isinstance(types, list) and types:
        isolates = frozenset(d for d in DIRECTIONS if d.capitalize() in types)
    else:
        isolates = frozenset(DIRECTIONS if spec.get("egress") else ("ingress",))
    opens = frozenset(d for d in isolates if any(_allows_all(rule, _PEERS[d]) for rule in _mappings(spec.get(d))))
    return Effect(isolates, opens)


def _allows_all(rule: Mapping[str, Any], peers_key: str) -> bool:
    if rule.get("ports"):
        return False
    peers = _mappings(rule.get(peers_key))
    return not peers or any(_is_everywhere(mapping(peer.get("ipBlock"))) for peer in peers)


def _is_everywhere(block: Mapping[str, Any]) -> bool:
    return block.get("cidr") in _EVERYWHERE and not block.get("except")


def _cilium(spec: Mapping[str, Any], policy: Mapping[str, Any], namespace: NamespaceFacts) -> Effect:
    specs = [spec, *_mappings(policy.get("specs"))]
    return _union(_cilium_rule(one, namespace) for one in specs if "endpointSelector" in one)


def _cilium_rule(spec: Mapping[str, Any], namespace: NamespaceFacts) -> Effect:
    selector = spec.get("endpointSelector")
    if not selects_everything(selector):
        # The one label by which a clusterwide policy picks a namespace, with and without its source.
        labels = dict.fromkeys((_CILIUM_NAMESPACE, _CILIUM_NAMESPACE.removeprefix("k8s:")), namespace.name)
        if not (keys_of(selector) <= labels.keys() and selects(selector, labels)):
            return NOTHING
    default_deny = mapping(spec.get("enableDefaultDeny"))
    has_rules = {d: bool(spec.get(d) or spec.get(f"{d}Deny")) for d in DIRECTIONS}
    isolates = frozenset(d for d in DIRECTIONS if default_deny.get(d, has_rules[d]) is True)
    opens = frozenset(d for d in DIRECTIONS if any(_cilium_allows_all(r, _PEERS[d]) for r in _mappings(spec.get(d))))
    return Effect(isolates, opens)


def _cilium_allows_all(rule: Mapping[str, Any], peer: str) -> bool:
    if rule.get("toPorts") or rule.get("icmps"):
        return False
    entities = set(sequence(rule.get(f"{peer}Entities")))
    blocks = set(sequence(rule.get(f"{peer}CIDR")))
    return "all" in entities or {"world", "cluster"} <= entities or bool(_EVERYWHERE & blocks)


def _calico(spec: Mapping[str, Any], _policy: Mapping[str, Any], namespace: NamespaceFacts) -> Effect:
    if str(spec.get("selector") or "all()").replace(" ", "") != "all()" or spec.get("serviceAccountSelector"):
        return NOTHING
    chosen = str(spec.get("namespaceSelector") or "all()").replace(" ", "")
    if chosen not in ("all()", "global()"):
        return _calico_namespaces(chosen, spec, namespace)
    return _calico_effect(spec)


def _calico_namespaces(chosen: str, spec: Mapping[str, Any], namespace: NamespaceFacts) -> Effect:
    """A Calico namespace selector is a language of its own; only its commonest form is decided."""
    for key in ("projectcalico.org/name", "kubernetes.io/metadata.name"):
        for quote in ("'", '"'):
            if chosen.startswith(f"{key}=={quote}"):
                return _calico_effect(spec) if chosen == f"{key}=={quote}{namespace.name}{quote}" else NOTHING
    return Effect(unknown=Unknown((f"whether the Calico namespaceSelector `{chosen}` selects it",)))


def _calico_effect(spec: Mapping[str, Any]) -> Effect:
    types = sequence(spec.get("types"))
    if types:
        isolates = frozenset(d for d in DIRECTIONS if d.capitalize() in types)
    elif spec.get("egress"):
        isolates = frozenset(DIRECTIONS if spec.get("ingress") else ("egress",))
    else:
        isolates = frozenset[Direction]({"ingress"})
    opens = frozenset(d for d in isolates if any(_calico_allows_all(r) for r in _mappings(spec.get(d))))
    return Effect(isolates, opens)


def _calico_allows_all(rule: Mapping[str, Any]) -> bool:
    narrowing = ("protocol", "notProtocol", "icmp", "notICMP", "ipVersion", "source", "destination", "http")
    return rule.get("action") == "Allow" and not any(rule.get(key) for key in narrowing)


def _admin(spec: Mapping[str, Any], _policy: Mapping[str, Any], namespace: NamespaceFacts) -> Effect:
    subject = mapping(spec.get("subject"))
    pods = mapping(subject.get("pods"))
    if "pods" in subject and not selects_everything(pods.get("podSelector")):
        return NOTHING
    selector = pods.get("namespaceSelector") if "pods" in subject else subject.get("namespaces")
    chosen = _selects_namespace(selector, namespace)
    if chosen is False:
        return NOTHING
    isolates = frozenset(d for d in DIRECTIONS if any(_admin_denies_all(r, _PEERS[d]) for r in _mappings(spec.get(d))))
    if isinstance(chosen, Unknown):
        return Effect(unknown=chosen) if isolates else NOTHING
    return Effect(isolates)


def _admin_denies_all(rule: Mapping[str, Any], peers_key: str) -> bool:
    if rule.get("action") != "Deny" or rule.get("ports") or rule.get("protocols"):
        return False
    for peer in _mappings(rule.get(peers_key)):
        if "namespaces" in peer and selects_everything(peer["namespaces"]):
            return True
        pods = peer.get("pods")
        if isinstance(pods, Mapping) and all(
            selects_everything(pods.get(k)) for k in ("namespaceSelector", "podSelector")
        ):
            return True
        if _EVERYWHERE & set(sequence(peer.get("networks"))):
            return True
    return False


def _selects_namespace(selector: Any, namespace: NamespaceFacts) -> bool | Unknown:
    labels = namespace_labels(namespace.name, namespace.declared_labels)
    missing = keys_of(selector) - labels.keys()
    if namespace.declared_labels is None and missing:
        return Unknown((f"the labels of namespace `{namespace.name}` are not among the files",))
    return selects(selector, labels)


def _union(effects: Iterable[Effect]) -> Effect:
    isolates: frozenset[Direction] = frozenset()
    opens: frozenset[Direction] = frozenset()
    for effect in effects:
        isolates |= effect.isolates
        opens |= effect.opens
    return Effect(isolates, opens)


def _strings(value: Any) -> frozenset[str]:
    return frozenset(v for v in sequence(value) if isinstance(v, str))


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    # A null rule decodes to an empty one.
    return [mapping(v) for v in sequence(value) if v is None or isinstance(v, Mapping)]


_Reader = Callable[[Mapping[str, Any], Mapping[str, Any], NamespaceFacts], Effect]
_READERS: Mapping[tuple[str, str], _Reader] = {
    ("networking.k8s.io", "NetworkPolicy"): _kubernetes,
    ("extensions", "NetworkPolicy"): _kubernetes,
    ("cilium.io", "CiliumNetworkPolicy"): _cilium,
    ("cilium.io", "CiliumClusterwideNetworkPolicy"): _cilium,
    ("projectcalico.org", "NetworkPolicy"): _calico,
    ("projectcalico.org", "GlobalNetworkPolicy"): _calico,
    ("crd.projectcalico.org", "NetworkPolicy"): _calico,
    ("crd.projectcalico.org", "GlobalNetworkPolicy"): _calico,
    ("policy.networking.k8s.io", "AdminNetworkPolicy"): _admin,
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"): _admin,
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"): _admin,
}
