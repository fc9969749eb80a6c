"""A paramRef -> the objects that a policy is judged with, from the files (k8s.io/apiserver `generic.CollectParams`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.form import selector_of
from policykit.admission.resources import resource_of
from policykit.unknown import Unknown
from policykit.views.defaults import with_defaults
from policykit.views.objects import mapping, text, texts
from policykit.views.selector import selects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policykit.admission.request import Request
    from policykit.views.project import Project


class ParameterError(Exception):
    """A binding that an API server cannot use for a request; the text is its own."""


def parameters_of(params: tuple[Any, ...], request: Request, project: Project) -> Sequence[Any]:
    """The values of `params`: one for each object that is referred to. `params` are the fields of `form.Params`.

    Unknown where the files have none, unless their absence is allowed: a cluster may have it. Raises ParameterError.
    """
    kind, ref, given, value = params
    if value is not None:
        return [value]
    if ref is None:
        return [Unknown((f"no binding says which {kind.get('kind')} holds the parameters",))]
    found = _selected(ref, _candidates(kind, ref, given, request, project))
    if found or ref.get("parameterNotFoundAction") == "Allow":
        return [with_defaults(dict(obj)) for obj in found]
    what = f"`{ref['name']}`" if ref.get("name") else "that the selector matches"
    return [Unknown((f"no {kind.get('kind')} {what} is among the files",))]


def _candidates(
    kind: Mapping[str, Any],
    ref: Mapping[str, Any],
    given: Sequence[Mapping[str, Any]],
    request: Request,
    project: Project,
) -> list[Mapping[str, Any]]:
    """All objects of the kind in the namespace in question: the reference's own, or that of the request."""
    group, _, version = text(kind.get("apiVersion")).rpartition("/")
    wanted = (kind.get("apiVersion"), kind.get("kind"))
    objects = [*given, *(obj.data for obj in project.objects if (obj.api_version, obj.kind) == wanted)]
    namespace = text(ref.get("namespace"))
    resource = resource_of(group, version, text(kind.get("kind")), project)
    if resource.guessed and not namespace:
        # It may live in no namespace, so that what names none is meant as well.
        return [obj for obj in objects if _metadata(obj).get("namespace") in (None, "", request.namespace)]
    if not resource.namespaced:
        if namespace:
            raise ParameterError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        return objects
    namespace = namespace or request.namespace
    if not namespace:
        raise ParameterError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
    return [obj for obj in objects if (_metadata(obj).get("namespace") or project.facts.namespace) == namespace]


def _selected(ref: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if name := ref.get("name"):
        return [obj for obj in objects if _metadata(obj).get("name") == name][:1]
    return [obj for obj in objects if selects(selector_of(ref.get("selector")), texts(_metadata(obj).get("labels")))]


def _metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(obj.get("metadata"))
