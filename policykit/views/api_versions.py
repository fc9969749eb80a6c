"""The view `apiVersion`: the API an object is written for, and until when Kubernetes serves it.

The table (`api_versions.json`) holds minor versions of Kubernetes 1: those in which an API was deprecated and in which
it was removed (0 for not planned). Source: the Deprecated API Migration Guide and the deprecations that the release
notes of each version list.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, INT, STRING, ObjectType
from policykit.views.images import at_route
from policykit.views.objects import annotations_of, owner_fields, resource
from policykit.views.types import OWNER
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

API_VERSION = ObjectType(
    "ApiVersion",
    {
        "owner": OWNER,
        "listed": BOOL,  # it is, or will be, out of use
        "deprecatedIn": INT,  # minor version
        "removedIn": INT,  # minor version, 0 where none is set
        "replacement": STRING,
        "kubernetesMinor": INT,  # the version that the run is told the cluster has
    },
)


def api_versions(obj: ApiObject, project: Project) -> Iterator[Subject]:
    """The API of an object."""
    entry = _table().get((obj.api_version, obj.kind))
    data = {
        "owner": owner_fields(obj),
        "listed": entry is not None,
        "deprecatedIn": entry["deprecated"] if entry else 0,
        "removedIn": entry["removed"] if entry else 0,
        "replacement": entry["replacement"] if entry else "",
        "kubernetesMinor": project.facts.kubernetes_version[1],
    }
    yield Subject(data, obj, at_route(obj, ("apiVersion",)), resource(obj), (annotations_of(obj.data),))


@cache
def _table() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    text = Path(__file__).with_name("api_versions.json").read_text("utf-8")
    return {(row["apiVersion"], kind): row for row in json.loads(text) for kind in row["kinds"]}
