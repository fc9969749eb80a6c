"""The views `rbacRule` (a rule of a Role or ClusterRole) and `roleBinding` (who gets which rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, STRING, ListType, ObjectType
from policykit.views.container_parts import strings
from policykit.views.inventory import inventory
from policykit.views.objects import annotations_of, mapping, owner_fields, resource, sequence, text
from policykit.views.places import below
from policykit.views.types import OWNER
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

_RULE_FIELDS = {
    "apiGroups": ListType(STRING),
    "resources": ListType(STRING),
    "verbs": ListType(STRING),
    "resourceNames": ListType(STRING),
    "nonResourceUrls": ListType(STRING),
}
RBAC_RULE = ObjectType("RbacRule", {**_RULE_FIELDS, "owner": OWNER, "builtIn": BOOL})
_SUBJECT = ObjectType("BindingSubject", {"kind": STRING, "name": STRING, "namespace": STRING})
ROLE_BINDING = ObjectType(
    "RoleBinding",
    {
        "owner": OWNER,
        "roleKind": STRING,
        "roleName": STRING,
        "roleFound": BOOL,
        "rules": ListType(ObjectType("BoundRule", _RULE_FIELDS)),  # of the role, where it is among the files
        "subjects": ListType(_SUBJECT),
        "builtIn": BOOL,
    },
)
_GROUP = "rbac.authorization.k8s.io"


def rbac_rules(obj: ApiObject, _project: Project) -> Iterator[Subject]:
    """Every rule of a Role or ClusterRole."""
    if not _is_rbac(obj) or obj.kind not in ("Role", "ClusterRole"):
        return
    for index, rule in enumerate(sequence(obj.data.get("rules"))):
        data = {**_rule(mapping(rule)), "owner": owner_fields(obj), "builtIn": _built_in(obj)}
        locate = below(obj, ("rules", index))
        yield Subject(data, obj, locate, resource(obj), (annotations_of(obj.data),))


def role_bindings(_document: None, project: Project) -> Iterator[Subject]:
    """Every RoleBinding and ClusterRoleBinding, with the rules of its role."""
    known = inventory(project)
    for obj in known.of_kind("RoleBinding", "ClusterRoleBinding"):
        if not _is_rbac(obj):
            continue
        reference = mapping(obj.data.get("roleRef"))
        kind, name = text(reference.get("kind")), text(reference.get("name"))
        role = known.find(kind, name, project.namespace(obj) if kind == "Role" else None)
        data = {
            "owner": owner_fields(obj),
            "roleKind": kind,
            "roleName": name,
            "roleFound": role is not None,
            "rules": [_rule(mapping(rule)) for rule in sequence(role.data.get("rules"))] if role else [],
            "subjects": [
                {key: text(mapping(item).get(key)) for key in ("kind", "name", "namespace")}
                for item in sequence(obj.data.get("subjects"))
            ],
            "builtIn": _built_in(obj),
        }
        yield Subject(data, obj, below(obj), resource(obj), (annotations_of(obj.data),))


def _is_rbac(obj: ApiObject) -> bool:
    return obj.api_version.partition("/")[0] in (_GROUP, "authorization.openshift.io")


def _built_in(obj: ApiObject) -> bool:
    """Made by Kubernetes itself; it puts this label on what it makes."""
    labels = mapping(mapping(obj.data.get("metadata")).get("labels"))
    return labels.get("kubernetes.io/bootstrapping") == "rbac-defaults"


def _rule(rule: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        "apiGroups": strings(sequence(rule.get("apiGroups"))),
        "resources": strings(sequence(rule.get("resources"))),
        "verbs": strings(sequence(rule.get("verbs"))),
        "resourceNames": strings(sequence(rule.get("resourceNames"))),
        "nonResourceUrls": strings(sequence(rule.get("nonResourceURLs"))),
    }
