"""Kinds to the resources that an API server serves them under: built-in ones as data, others from the files' CRDs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.views import kinds
from policykit.views.defaults import with_defaults
from policykit.views.objects import mapping, sequence, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policykit.views.project import Project


class Resource(NamedTuple):
    """A resource: its plural name and whether it lives in namespaces.

    `equivalents` are the other (group, version)s that serve the same thing. `converts`: what is stored under one looks
    different under another. `guessed`: nobody declares it.
    """

    name: str
    namespaced: bool
    equivalents: tuple[tuple[str, str], ...] = ()
    converts: bool = False
    guessed: bool = False


#: Groups that serve one and the same thing under the same resource name (kube-apiserver, storage of cohabiting groups).
_COHABITING = (frozenset({"extensions", "apps", "networking.k8s.io", "policy"}), frozenset({"", "events.k8s.io"}))


def resource_of(group: str, version: str, kind: str, project: Project) -> Resource:
    """The resource of a kind; one that nobody declares is taken to be namespaced, under the plural one would guess."""
    return (
        _built_in(group, version, kind)
        or _custom(group, version, kind, project)
        or Resource(plural(kind), True, guessed=True)
    )


def getter(project: Project) -> Callable[[str, str, str, str], Mapping[str, Any] | None]:
    """A function from apiVersion, resource, namespace ("" for none) and name to the object among the files."""

    def get(api_version: str, name_of_resource: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        group, _, version = api_version.rpartition("/")
        for obj in project.objects:
            if obj.api_version == api_version and obj.name == name:
                resource = resource_of(group, version, obj.kind, project)
                home = project.namespace(obj) if resource.namespaced else ""
                if resource.name == name_of_resource and home == namespace:
                    return with_defaults(dict(obj.data))
        return None

    return get


def plural(kind: str) -> str:
    """The plural of a kind as apimachinery guesses it (`meta.UnsafeGuessKindToResource`)."""
    name = kind.lower()
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


@cache
def _built_in(group: str, version: str, kind: str) -> Resource | None:
    found = kinds.resource_of(f"{group}/{version}".lstrip("/"), kind)
    if found is None:
        return None
    family = next((groups for groups in _COHABITING if group in groups), frozenset({group}))
    served = {
        (other, v)
        for other in family
        for v in kinds.versions_of(other, kind)
        if (same := kinds.resource_of(f"{other}/{v}".lstrip("/"), kind)) and same.served and same.name == found.name
    }
    return Resource(found.name, found.namespaced, tuple(sorted(served - {(group, version)})), converts=True)


def _custom(group: str, version: str, kind: str, project: Project) -> Resource | None:
    """By the CustomResourceDefinitions among the files."""
    for obj in project.objects:
        if obj.kind == "CustomResourceDefinition":
            spec = mapping(obj.data.get("spec"))
            names = mapping(spec.get("names"))
            if spec.get("group") == group and names.get("kind") == kind:
                versions = {text(mapping(v).get("name")) for v in sequence(spec.get("versions"))}
                others = tuple((group, v) for v in sorted(versions - {version}))
                converts = mapping(spec.get("conversion")).get("strategy") == "Webhook"
                return Resource(text(names.get("plural")), spec.get("scope") == "Namespaced", others, converts)
    return None
