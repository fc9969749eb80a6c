"""A version of Kubernetes, and the CustomResourceDefinitions of a project, into JSON Schemas of kinds of objects.

The schemas of Kubernetes' own kinds are files of the extra `schema`, made from the OpenAPI document of each release.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit import extras
from policykit.unknown import Unknown
from policykit.views.crd_schemas import json_schema
from policykit.views.objects import mapping, sequence, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

Schema = dict[str, Any]

#: apiVersion and kind.
Kind = tuple[str, str]

_FOLDER = re.compile(r"v1\.(\d+)\.\d+-local-strict")
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_INT_OR_STRING = re.compile(r"\.(?:intstr\.IntOrString|resource\.Quantity)$")


class Schemas(NamedTuple):
    """The schemas of one version of Kubernetes. References in them lead into `definitions`."""

    definitions: Mapping[str, Schema]
    kinds: Mapping[Kind, str]

    def of(self, kind: Kind) -> Schema | None:
        """The schema of a kind that Kubernetes itself has; None for another one."""
        name = self.kinds.get(kind)
        return None if name is None else {"$ref": f"#/$defs/{name}", "$defs": self.definitions}


@cache
def builtin_schemas(version: tuple[int, int]) -> Schemas | Unknown:
    """The schemas of Kubernetes in a version. Unknown where they are not installed."""
    directory = extras.schema_directory()
    if directory is None or not directory.is_dir():
        return Unknown((extras.missing("schema"),))
    folders = {int(match[1]): path for path in directory.iterdir() if (match := _FOLDER.fullmatch(path.name))}
    folder = folders.get(version[1]) if version[0] == 1 else None
    if folder is None:
        known = f"there are those of 1.{min(folders)} to 1.{max(folders)}" if folders else "there are none"
        return Unknown((f"no schemas of Kubernetes {version[0]}.{version[1]} are installed: {known}",))
    definitions = json.loads((folder / "_definitions.json").read_text("utf-8"))["$defs"]
    kinds: dict[Kind, str] = {}
    for name, schema in definitions.items():
        if _INT_OR_STRING.search(name):  # `null` is each of its alternatives, and must not break `oneOf`
            schema["anyOf"] = schema.pop("oneOf")
        entries = schema.get("x-kubernetes-group-version-kind", ())
        if len(entries) == 1:  # what is of every group (DeleteOptions) is no object
            group, kind, api = (entries[0][key] for key in ("group", "kind", "version"))
            kinds[f"{group}/{api}" if group else api, kind] = name
    return Schemas(definitions, kinds)


def schema_of(obj: ApiObject, project: Project, builtin: Schemas) -> Schema | Unknown | None:
    """The schema of an object: Kubernetes' own, or that of a definition in the project. None where there is neither."""
    kind = (obj.api_version, obj.kind)
    own = builtin.of(kind)
    if own is not None:
        return own
    found = dict(project.once(project, _custom)).get(kind)
    if not isinstance(found, dict):
        return found
    return {**found, "$defs": builtin.definitions}


def _custom(project: Project, _same: Project) -> Iterator[tuple[Kind, Schema | Unknown]]:
    """What the definitions of a project say; the last one of a kind counts."""
    for obj in project.objects:
        if obj.kind == "CustomResourceDefinition" and obj.api_version.startswith("apiextensions.k8s.io/"):
            spec = mapping(obj.data.get("spec"))
            group, kind = text(spec.get("group")), text(mapping(spec.get("names")).get("kind"))
            for name, schema in _versions(spec):
                yield (f"{group}/{name}", kind), json_schema(schema, {"$ref": f"#/$defs/{_OBJECT_META}"})


def _versions(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and schema of each version; v1beta1 may say one for all of them."""
    shared = mapping(mapping(spec.get("validation")).get("openAPIV3Schema"))
    names = [text(spec.get("version"))] if spec.get("version") and not spec.get("versions") else []
    yield from ((name, shared) for name in names)
    for version in map(mapping, sequence(spec.get("versions"))):
        own = mapping(mapping(version.get("schema")).get("openAPIV3Schema"))
        yield text(version.get("name")), own or shared
