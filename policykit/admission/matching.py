"""Match criteria -> a function that says whether a request meets them.

Every engine has its own notation for what a policy is about; all are read into the few criteria here, which are plain
values, so that a cache can hold them. True, False, or Unknown where something decides that nobody said.

- `("all", criterion, ...)`, `("any", criterion, ...)`, `("not", criterion)`
- `("rules", [rule, ...], how)`: one of the RuleWithOperations (admissionregistration.k8s.io) matches: `exactly`, also
  by another version or group that serves the same thing (`equivalently`), or so that it is judged in that (`converted`)
- `("kinds", [(group, version, kind, subresource), ...])`: patterns
- `("groups", [(groups, kinds), ...])`: one of the groups and one of the kinds; empty lists and `*` stand for all
- `("operations", [operation, ...])`
- `("names", [pattern, ...])`, of the object; `("namespaces", [pattern, ...])`, a Namespace's own name for a Namespace
- `("labels", selector)`, of the object or the old object
- `("namespaceLabels", selector)`, of its namespace; a Namespace's own labels
- `("like", "labels" | "annotations" | "namespaceLabels", {key pattern: value pattern})`
- `("scope", "Namespaced" | "Cluster")`, where a Namespace counts as cluster-scoped
- `("user", kind, [pattern, ...])`, with the kinds `User`, `Group`, `roles`, `clusterRoles`
- `("unknown", reason)`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from policykit.admission.request import groups_of
from policykit.admission.wildcards import like, like_any
from policykit.unknown import Unknown, merge
from policykit.views.objects import mapping, sequence, texts
from policykit.views.selector import keys_of, selects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policykit.admission.request import Request

Criterion = tuple[Any, ...]
Meets = Callable[["Request"], bool | Unknown]

#: Met by every request, and by none.
ALWAYS: Criterion = ("all",)
NEVER: Criterion = ("any",)

_DIFFERS = Unknown(("requests of a sort differ in it",))
#: What depends on more than `Request.sort`.
_INDIVIDUAL = frozenset({"names", "namespaces", "labels", "namespaceLabels", "like", "user"})


def matcher(criterion: Criterion, *, of_sort: bool = False) -> Meets:
    """The function that a criterion stands for.

    `of_sort`: of all requests of one sort at once, which leaves Unknown what differs between them.
    """
    name, *arguments = criterion
    if name in ("all", "any"):
        return _combined([matcher(part, of_sort=of_sort) for part in arguments], decisive=name == "any")
    if name == "not":
        return _negated(matcher(arguments[0], of_sort=of_sort))
    if of_sort and (
        name in _INDIVIDUAL or (name == "rules" and any(rule.get("resourceNames") for rule in arguments[0]))
    ):
        return lambda _request: _DIFFERS
    make = _MAKERS[name]
    made: Meets = make(*arguments)
    return made


def _combined(parts: Sequence[Meets], *, decisive: bool) -> Meets:
    """A part with the decisive value decides; else one that is unknown leaves the whole unknown."""
    if len(parts) == 1:
        return parts[0]

    def combined(request: Request) -> bool | Unknown:
        doubt: Unknown | None = None
        for part in parts:
            value = part(request)
            if value is decisive:
                return decisive
            if isinstance(value, Unknown):
                doubt = value if doubt is None else merge(doubt, value)
        return (not decisive) if doubt is None else doubt

    return combined


def _negated(part: Meets) -> Meets:
    def negated(request: Request) -> bool | Unknown:
        value = part(request)
        return value if isinstance(value, Unknown) else not value

    return negated


def _rules(rules: Sequence[Mapping[str, Any]], how: Literal["exactly", "equivalently", "converted"]) -> Meets:
    """k8s.io/apiserver `pkg/admission/plugin/policy/matching` and `plugin/webhook/predicates/rules`."""
    wanted = [_Rule(rule) for rule in rules]

    def matches(request: Request) -> bool | Unknown:
        group, version, _ = request.kind
        candidates = [rule for rule in wanted if rule.covers(request)]
        if any(rule.serves(group, version) for rule in candidates):
            return True
        if how != "exactly":
            for other in request.resource.equivalents:
                if any(rule.serves(*other) for rule in candidates):
                    return how == "equivalently" or _converted(request, *other)
        return False

    return matches


def _converted(request: Request, group: str, version: str) -> bool | Unknown:
    if not request.resource.converts:
        return True
    written = f"{request.kind[0]}/{request.kind[1]}".lstrip("/")
    wanted = f"{group}/{version}".lstrip("/")
    return Unknown((f"the API server converts {request.kind[2]} from {written} to {wanted} for this policy",))


class _Rule:
    """A RuleWithOperations, read once."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self._groups, self._versions, self._operations = (
            frozenset(_strings(rule.get(key))) for key in ("apiGroups", "apiVersions", "operations")
        )
        self._names = frozenset(_strings(rule.get("resourceNames")))
        self._scope = rule.get("scope") or "*"
        self._resources = [entry.partition("/")[::2] for entry in _strings(rule.get("resources"))]

    def serves(self, group: str, version: str) -> bool:
        return _holds(self._groups, group) and _holds(self._versions, version)

    def covers(self, request: Request) -> bool:
        """Everything but group and version; a resource without a slash means no subresource."""
        return (
            any(
                name in ("*", request.resource.name) and sub in ("*", request.sub_resource)
                for name, sub in self._resources
            )
            and _holds(self._operations, request.operation)
            and (not self._names or request.name in self._names)
            and (self._scope == "*" or (self._scope == "Namespaced") is request.namespaced)
        )


def _holds(values: frozenset[str], value: str) -> bool:
    return value in values or "*" in values


def _kinds(patterns: Sequence[tuple[str, str, str, str]]) -> Meets:
    """As Kyverno does: a policy on Pods is about their ephemeral containers as well."""

    def matches(request: Request) -> bool:
        group, version, kind = request.kind
        sub = "" if request.kind == ("", "v1", "Pod") and request.sub_resource == "ephemeralcontainers" else None
        return any(
            like(kinds, kind)
            and like(groups, group)
            and like(versions, version)
            and (like(subs, request.sub_resource) or (sub is not None and like(subs, sub)))
            for groups, versions, kinds, subs in patterns
        )

    return matches


def _groups(entries: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Meets:
    def matches(request: Request) -> bool:
        group, _, kind = request.kind
        return any(_none_or(groups, group) and _none_or(kinds, kind) for groups, kinds in entries)

    return matches


def _none_or(values: Sequence[str], value: str) -> bool:
    return not values or value in values or "*" in values


def _names(patterns: Sequence[str]) -> Meets:
    def matches(request: Request) -> bool:
        generated = mapping(request.subject.get("metadata")).get("generateName") or ""
        return like_any(patterns, request.name or str(generated))

    return matches


def _labels(selector: Any) -> Meets:
    def matches(request: Request) -> bool:
        if selects(selector, request.labels):
            return True
        old = mapping(mapping(request.old).get("metadata")) if request.old else None
        return old is not None and selects(selector, texts(old.get("labels")))

    return matches


def _namespace_labels(selector: Any) -> Meets:
    keys = keys_of(selector)

    def matches(request: Request) -> bool | Unknown:
        labels = request.namespace_labels
        if not isinstance(labels, Unknown):
            return selects(selector, labels)
        known = {"kubernetes.io/metadata.name": request.namespace}
        return selects(selector, known) if keys <= known.keys() else labels

    return matches


def _like(whose: str, wanted: Mapping[str, str]) -> Meets:
    attribute = "namespace_labels" if whose == "namespaceLabels" else whose

    def matches(request: Request) -> bool | Unknown:
        have = getattr(request, attribute)
        if isinstance(have, Unknown):
            return have
        return all(any(like(key, k) and like(value, v) for k, v in have.items()) for key, value in wanted.items())

    return matches


def _user(kind: Literal["User", "Group", "roles", "clusterRoles"], patterns: Sequence[str]) -> Meets:
    """Which roles a user has, a cluster knows; the user of a request made up here has none."""

    def matches(request: Request) -> bool | Unknown:
        if kind == "User":
            return like_any(patterns, str(request.user.get("username", "")))
        if kind == "Group":
            return any(like_any(patterns, group) for group in groups_of(request.user))
        if kind not in request.user and request.received is not None:
            return Unknown((f"the {kind} of the user",))
        return any(role in patterns for role in sequence(request.user.get(kind)))

    return matches


def _strings(value: Any) -> list[str]:
    return [item for item in sequence(value) if isinstance(item, str)]


_MAKERS: dict[str, Callable[..., Any]] = {
    "rules": _rules,
    "kinds": _kinds,
    "groups": _groups,
    "operations": lambda wanted: lambda request: request.operation in wanted or "*" in wanted,
    "names": _names,
    "namespaces": lambda patterns: lambda request: like_any(patterns, request.namespace),
    "labels": _labels,
    "namespaceLabels": _namespace_labels,
    "like": _like,
    "scope": lambda scope: lambda request: request.namespaced is (scope == "Namespaced"),
    "user": _user,
    "unknown": lambda reason: lambda _request: Unknown((reason,)),
}
