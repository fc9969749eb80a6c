"""What the CEL environment of each Kubernetes version knows, and the variables of its admission policies.

Sources: k8s.io/apiserver pkg/cel/environment/base.go (libraries by version) and
pkg/admission/plugin/cel/compile.go (variables and their types). A version stands for what its API server lets new
policies use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import (
    BOOL,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    OpaqueType,
    Type,
)

if TYPE_CHECKING:
    from policykit.cel.macros import Macro

Version = tuple[int, int]

#: Library modules and the first version that has them; an overload's own `since` counts as well.
LIBRARIES: dict[str, Version] = {
    "standard": (1, 0),
    "times": (1, 0),
    "strings": (1, 0),
    "formatting": (1, 29),
    "lists": (1, 0),
    "regex": (1, 0),
    "url": (1, 0),
    "authorizer": (1, 27),
    "optionals": (1, 28),
    "quantity": (1, 28),
    "sets": (1, 29),
    "ip": (1, 30),
    "cidr": (1, 30),
    "format": (1, 31),
    "comprehensions": (1, 32),
    "semver": (1, 33),
}

#: cel-go's own list functions, among them the macro `sortBy`.
SORTING: Version = (1, 34)
#: Literals are validated from this version on.
VALIDATORS: Version = (1, 29)


def macros(version: Version) -> dict[tuple[str, int, bool], Macro]:
    """The macros of a version."""
    from policykit.cel.macros import OPTIONALS, SORT_BY, STANDARD, TWO_VARIABLES

    known = dict(STANDARD)
    if version >= LIBRARIES["optionals"]:
        known |= OPTIONALS
    if version >= LIBRARIES["comprehensions"]:
        known |= TWO_VARIABLES
    if version >= SORTING:
        known |= SORT_BY
    return known


_STRINGS = ListType(STRING)
_KIND = ObjectType("kubernetes.GroupVersionKind", dict.fromkeys(("group", "version", "kind"), STRING))
_RESOURCE = ObjectType("kubernetes.GroupVersionResource", dict.fromkeys(("group", "version", "resource"), STRING))
_USER = ObjectType(
    "kubernetes.UserInfo",
    {"username": STRING, "uid": STRING, "groups": _STRINGS, "extra": MapType(STRING, _STRINGS)},
)
REQUEST = ObjectType(
    "kubernetes.AdmissionRequest",
    {
        "kind": _KIND,
        "resource": _RESOURCE,
        "subResource": STRING,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        "requestSubResource": STRING,
        "name": STRING,
        "namespace": STRING,
        "operation": STRING,
        "userInfo": _USER,
        "dryRun": BOOL,
        "options": DYN,
    },
)
_METADATA = ObjectType(
    "kubernetes.NamespaceMetadata",
    {
        **dict.fromkeys(("name", "generateName", "namespace", "UID", "resourceVersion"), STRING),
        **dict.fromkeys(("labels", "annotations"), MapType(STRING, STRING)),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), TIMESTAMP),
        **dict.fromkeys(("deletionGracePeriodSeconds", "generation"), INT),
        "finalizers": _STRINGS,
    },
)
_CONDITION = ObjectType(
    "kubernetes.NamespaceCondition",
    {**dict.fromkeys(("status", "type", "message", "reason"), STRING), "lastTransitionTime": TIMESTAMP},
)
NAMESPACE = ObjectType(
    "kubernetes.Namespace",
    {
        "metadata": _METADATA,
        "spec": ObjectType("kubernetes.NamespaceSpec", {"finalizers": _STRINGS}),
        "status": ObjectType("kubernetes.NamespaceStatus", {"conditions": ListType(_CONDITION), "phase": STRING}),
    },
)
AUTHORIZER = OpaqueType("kubernetes.authorization.Authorizer")
RESOURCE_CHECK = OpaqueType("kubernetes.authorization.ResourceCheck")


def admission_variables(*, params: bool = False, authorizer: bool = True) -> dict[str, Type]:
    """The variables that expressions of a ValidatingAdmissionPolicy see (without `variables`)."""
    found = {"object": DYN, "oldObject": DYN, "namespaceObject": NAMESPACE, "request": REQUEST}
    if params:
        found["params"] = DYN
    if authorizer:
        found |= {"authorizer": AUTHORIZER, "authorizer.requestResource": RESOURCE_CHECK}
    return found


def object_types(variables: dict[str, Type]) -> dict[str, Type]:
    """The object types that declared variables are made of, by name: expressions may name them."""
    from policykit.cel.types import fields_of

    found: dict[str, Type] = {}
    waiting: list[Any] = list(variables.values())
    while waiting:
        type_ = waiting.pop()
        waiting.extend(type_.parameters)
        if type_.kind == "object" and type_.name not in found:
            found[type_.name] = type_
            waiting.extend(fields_of(type_).values())
    return found
