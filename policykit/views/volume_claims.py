"""The project view `volumeClaim`: each PersistentVolumeClaim, and each that a StatefulSet makes for its pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, STRING, ListType, MapType, ObjectType
from policykit.views.container_parts import strings
from policykit.views.inventory import inventory
from policykit.views.objects import annotations_of, mapping, owner_fields, resource, sequence, text, texts
from policykit.views.places import below
from policykit.views.types import OWNER
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Route
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

VOLUME_CLAIM = ObjectType(
    "VolumeClaim",
    {
        "owner": OWNER,
        "name": STRING,
        "annotations": MapType(STRING, STRING),
        "storageClass": STRING,  # "" where none is named
        "storageClassFound": BOOL,
        "accessModes": ListType(STRING),
    },
)


def volume_claims(_document: None, project: Project) -> Iterator[Subject]:
    """Every claim among the files."""
    known = inventory(project)
    found: list[tuple[ApiObject, Route, Any]] = [(o, (), o.data) for o in known.of_kind("PersistentVolumeClaim")]
    for obj in known.of_kind("StatefulSet"):
        templates = sequence(mapping(obj.data.get("spec")).get("volumeClaimTemplates"))
        found += [(obj, ("spec", "volumeClaimTemplates", i), item) for i, item in enumerate(templates)]
    for obj, route, item in found:
        metadata, spec = mapping(mapping(item).get("metadata")), mapping(mapping(item).get("spec"))
        storage_class = text(spec.get("storageClassName"))
        data = {
            "owner": owner_fields(obj),
            "name": text(metadata.get("name")),
            "annotations": texts(metadata.get("annotations")),
            "storageClass": storage_class,
            "storageClassFound": known.find("StorageClass", storage_class, None) is not None,
            "accessModes": strings(sequence(spec.get("accessModes"))),
        }
        yield Subject(data, obj, below(obj, route), resource(obj), (annotations_of(obj.data),))
