"""The request that an API server would put to its admission policies, for an object from a file or from a review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.admission.resources import Resource, resource_of
from policykit.unknown import Unknown
from policykit.views.objects import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

#: Who asks, in lint: nobody in particular, and in no group that a cluster would trust.
USER: Mapping[str, Any] = {"username": "policykit", "uid": "", "groups": ["system:authenticated"], "extra": {}}


class Request(NamedTuple):
    """What match criteria and expressions see of a request.

    `namespace_object` is None for what lives in no namespace; its labels are Unknown where nobody said them.
    """

    operation: str
    kind: tuple[str, str, str]  # group, version, kind
    resource: Resource
    sub_resource: str
    name: str
    namespace: str
    obj: Mapping[str, Any] | None
    old: Mapping[str, Any] | None
    namespace_object: Mapping[str, Any] | None
    user: Mapping[str, Any] = USER
    dry_run: bool = False
    options: Mapping[str, Any] | None = None

    def binding(self) -> dict[str, Any]:
        """The variable `request` (AdmissionRequest, admission.k8s.io/v1)."""
        group, version, kind = self.kind
        gvk = {"group": group, "version": version, "kind": kind}
        gvr = {"group": group, "version": version, "resource": self.resource.name}
        return {
            "kind": gvk,
            "resource": gvr,
            "subResource": self.sub_resource,
            "requestKind": gvk,
            "requestResource": gvr,
            "requestSubResource": self.sub_resource,
            "name": self.name,
            "namespace": self.namespace,
            "operation": self.operation,
            "userInfo": self.user,
            "dryRun": self.dry_run,
            "options": self.options,
        }


def create_request(obj: ApiObject, project: Project) -> Request:
    """The request that creates an object from a file."""
    group, _, version = obj.api_version.rpartition("/")
    resource = resource_of(group, version, obj.kind, project)
    namespace = ""
    if resource.namespaced:
        namespace = project.namespace(obj)
    elif (group, obj.kind) == ("", "Namespace"):
        namespace = obj.name
    data = obj.data
    if resource.namespaced and not obj.namespace:
        data = {**data, "metadata": {**mapping(data.get("metadata")), "namespace": namespace}}
    return Request(
        operation="CREATE",
        kind=(group, version, obj.kind),
        resource=resource,
        sub_resource="",
        name=obj.name,
        namespace=namespace,
        obj=data,
        old=None,
        namespace_object=_namespace_object(namespace, resource, project),
        options={"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    )


def _namespace_object(name: str, resource: Resource, project: Project) -> Mapping[str, Any] | None:
    if not resource.namespaced:
        return None
    for obj in project.objects:
        if obj.kind == "Namespace" and obj.api_version == "v1" and obj.name == name:
            metadata = mapping(obj.data.get("metadata"))
            labels = {**mapping(metadata.get("labels")), "kubernetes.io/metadata.name": name}
            return {**obj.data, "metadata": {**metadata, "labels": labels}}
    unknown = Unknown((f"the labels of namespace `{name}` are not among the files",))
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": unknown, "annotations": unknown},
    }
