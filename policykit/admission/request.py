"""An object -> the request that an API server puts to its admission policies for it.

Three ways lead here: an object from a file (the request that would create it), an AdmissionReview from a file, and an
object that a webhook reviews, with its request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from policykit.admission.resources import Resource, resource_of
from policykit.unknown import Unknown
from policykit.views.defaults import with_defaults
from policykit.views.objects import AdmittedObject, mapping, sequence, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.document import Route
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

#: Who asks, in lint: nobody in particular, and in no group that a cluster would trust.
USER: Mapping[str, Any] = {"username": "policykit", "groups": ["system:authenticated"]}
#: Authorization is a cluster's to decide.
_AUTHORIZER = Unknown(("what the cluster's authorizer allows",))

#: Group, version and kind, or group, version and resource.
Triple = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Request:
    """What match criteria and expressions see of a request.

    `namespace` is that of the object; a Namespace's own name for a Namespace. `namespace_object` is None for what lives
    in no namespace; its labels are Unknown where nobody said them. `route` leads to the object in its document.
    """

    operation: str
    kind: Triple
    resource: Resource
    sub_resource: str
    name: str
    namespace: str
    obj: Mapping[str, Any] | None
    old: Mapping[str, Any] | None
    namespace_object: Mapping[str, Any] | None
    user: Mapping[str, Any] = field(default_factory=lambda: USER)
    options: Mapping[str, Any] | None = None
    dry_run: bool = False
    route: Route = ()
    #: The request as somebody received it, None where it was put together here.
    received: Mapping[str, Any] | None = None

    @property
    def subject(self) -> Mapping[str, Any]:
        """The object, or the old one where it is deleted."""
        return self.obj or self.old or {}

    @property
    def is_namespace(self) -> bool:
        """Whether it is about a Namespace itself."""
        return self.resource.name == "namespaces" and self.kind[0] == ""

    @property
    def namespaced(self) -> bool:
        """Whether it is about something in a namespace."""
        return bool(self.namespace) and not self.is_namespace

    @cached_property
    def sort(self) -> tuple[Any, ...]:
        """What a policy's being about a request depends on first, and what many requests share."""
        return (self.kind, self.resource, self.sub_resource, self.operation, self.namespaced)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The labels of the object."""
        return texts(mapping(self.subject.get("metadata")).get("labels"))

    @cached_property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of the object."""
        return texts(mapping(self.subject.get("metadata")).get("annotations"))

    @cached_property
    def namespace_labels(self) -> Mapping[str, str] | Unknown:
        """The labels of the namespace it is in; a Namespace's own."""
        if self.is_namespace:
            return self.labels
        metadata = mapping((self.namespace_object or {}).get("metadata"))
        labels = metadata.get("labels")
        return labels if isinstance(labels, Unknown) else texts(labels)

    @cached_property
    def variables(self) -> dict[str, Any]:
        """The variables of expressions. Shared by all policies: never to be changed."""
        return {
            "params": None,
            "object": self.obj,
            "oldObject": self.old,
            "request": self._binding(),
            "namespaceObject": self.namespace_object,
            "authorizer": _AUTHORIZER,
            "authorizer.requestResource": _AUTHORIZER,
        }

    def _binding(self) -> dict[str, Any]:
        """The variable `request` (AdmissionRequest, admission.k8s.io/v1), without what is empty, as it is encoded."""
        group, version, kind = self.kind
        as_kind = {"group": group, "version": version, "kind": kind}
        as_resource = {"group": group, "version": version, "resource": self.resource.name}
        optional = {
            "subResource": self.sub_resource,
            "requestSubResource": self.sub_resource,
            "name": self.name,
            "namespace": self.namespace,
            "options": self.options,
        }
        binding = {
            "kind": as_kind,
            "resource": as_resource,
            "requestKind": as_kind,
            "requestResource": as_resource,
            "operation": self.operation,
            "userInfo": self.user,
            "dryRun": self.dry_run,
            # Kyverno shows these; Kubernetes does not declare them, so that its expressions cannot name them.
            "object": self.obj,
            "oldObject": self.old,
            **{key: value for key, value in optional.items() if value},
        }
        for key in ("uid", "requestKind", "requestResource", "requestSubResource"):
            if self.received and self.received.get(key):
                binding[key] = self.received[key]
        return binding


def request_of(obj: ApiObject, project: Project) -> Request:
    """The request that a document of the project stands for."""
    if isinstance(obj, AdmittedObject) and obj.request is not None:
        return reviewed_request(obj.request, project, obj.namespace_object)
    if obj.kind == "AdmissionReview" and obj.api_version.startswith("admission.k8s.io/"):
        return reviewed_request(mapping(obj.data.get("request")), project, None, route=("request", "object"))
    return create_request(obj, project)


def create_request(obj: ApiObject, project: Project) -> Request:
    """The request that creates an object from a file: with its namespace, and with the defaults of its kind."""
    group, _, version = obj.api_version.rpartition("/")
    resource = resource_of(group, version, obj.kind, project)
    metadata = mapping(obj.data.get("metadata"))
    namespace = ""
    if resource.namespaced:
        namespace = project.namespace(obj)
        metadata = {**metadata, "namespace": namespace}
    elif (group, obj.kind) == ("", "Namespace"):
        namespace = obj.name
    return Request(
        operation="CREATE",
        kind=(group, version, obj.kind),
        resource=resource,
        sub_resource="",
        name=text(metadata.get("name")),
        namespace=namespace,
        obj=with_defaults({**obj.data, "metadata": metadata}),
        old=None,
        namespace_object=_namespace(namespace, project) if resource.namespaced else None,
        user=project.facts.user or USER,
        options={"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    )


def reviewed_request(
    review: Mapping[str, Any],
    project: Project,
    namespace_object: Mapping[str, Any] | None,
    *,
    route: Route = (),
) -> Request:
    """The `request` of an AdmissionReview; what it leaves out is taken from its object."""
    obj, old = (mapping(review.get(key)) or None for key in ("object", "oldObject"))
    subject = obj or old or {}
    metadata = mapping(subject.get("metadata"))
    kind, given = mapping(review.get("kind")), mapping(review.get("resource"))
    group, _, version = text(subject.get("apiVersion")).rpartition("/")
    if kind:
        group, version = text(kind.get("group")), text(kind.get("version"))
    name = text(kind.get("kind")) or text(subject.get("kind"))
    resource = resource_of(group, version, name, project)
    if given:
        resource = resource._replace(name=text(given.get("resource")))
    namespace = text(review.get("namespace")) or text(metadata.get("namespace"))
    if resource.namespaced and not namespace and "resource" not in review:
        namespace = project.facts.namespace
    seen = None
    if resource.namespaced and namespace:
        seen = namespace_object or _namespace(namespace, project)
    return Request(
        operation=text(review.get("operation")) or "CREATE",
        kind=(group, version, name),
        resource=resource,
        sub_resource=text(review.get("subResource")),
        name=text(review.get("name")) or text(metadata.get("name")),
        namespace=namespace,
        obj=obj,
        old=old,
        namespace_object=seen,
        user=mapping(review.get("userInfo")) or project.facts.user or USER,
        options=mapping(review.get("options")) or None,
        dry_run=review.get("dryRun") is True,
        route=route,
        received=review,
    )


def groups_of(user: Mapping[str, Any]) -> list[str]:
    """The groups of a user."""
    return [group for group in sequence(user.get("groups")) if isinstance(group, str)]


def _namespace(name: str, project: Project) -> Mapping[str, Any]:
    """The Namespace of that name among the files; one whose labels and annotations are not known where it is not."""
    for obj in project.objects:
        if obj.kind == "Namespace" and obj.api_version == "v1" and obj.name == name:
            return with_defaults(dict(obj.data))
    unknown = Unknown((f"the labels of namespace `{name}` are not among the files",))
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": unknown, "annotations": unknown},
    }
