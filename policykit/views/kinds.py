"""The group, version and kind of a built-in object -> its resource: what requests to the API server name.

The data is that of `policykit/kubernetes_data/README.md`; it is read when it is first needed.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_DATA = Path(__file__).parents[1] / "kubernetes_data" / "kinds.json"


class Resource(NamedTuple):
    """`served`: this version of Kubernetes still knows it."""

    group: str
    version: str
    name: str
    kind: str
    namespaced: bool
    subresources: tuple[str, ...]
    served: bool


def resource_of(api_version: str, kind: str) -> Resource | None:
    """The resource of a built-in kind, None for any other."""
    entry = _kinds().get(api_version, {}).get(kind)
    if entry is None:
        return None
    group, _, version = api_version.rpartition("/")
    name, namespaced, subresources, *not_served = entry
    return Resource(group, version, name, kind, namespaced, tuple(subresources), not not_served)


def versions_of(group: str, kind: str) -> list[str]:
    """The versions in which a kind of a group is or was served."""
    found = []
    for api_version, kinds in _kinds().items():
        its_group, _, version = api_version.rpartition("/")
        if its_group == group and kind in kinds:
            found.append(version)
    return found


@cache
def _kinds() -> dict[str, dict[str, list[Any]]]:
    kinds: dict[str, dict[str, list[Any]]] = json.loads(_DATA.read_text(encoding="utf-8"))
    return kinds
