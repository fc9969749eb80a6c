"""Groups, versions and kinds to what the client library calls a resource; each is made once, as it demands."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple


class KubernetesKind(NamedTuple):
    """A kind of object that an API server serves."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


@cache
def resource(kind: KubernetesKind) -> Any:
    """The library's class for the objects of a kind."""
    from lightkube import generic_resource

    make = generic_resource.create_namespaced_resource if kind.namespaced else generic_resource.create_global_resource
    return make(kind.group, kind.version, kind.kind, kind.plural)
