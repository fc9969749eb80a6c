"""All views by name. A new view is one entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.views import types
from policykit.views.compose import compose_containers, compose_images
from policykit.views.dockerfiles import dockerfile_containers, dockerfile_images
from policykit.views.images import kubernetes_images
from policykit.views.kubernetes_containers import kubernetes_containers
from policykit.views.namespaces import namespaces
from policykit.views.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESOURCES = frozenset(
    f"resources{which}{amount}"
    for which in (".limits", ".requests")
    for amount in ("", ".cpu", ".memory", ".ephemeralStorage")
)

VIEWS: Mapping[str, View] = {
    view.name: view
    for view in (
        View(
            "image",
            types.IMAGE,
            frozenset({"ref"}),
            {"dockerfile": dockerfile_images, "compose": compose_images, "kubernetes": kubernetes_images},
        ),
        View(
            "container",
            types.CONTAINER,
            frozenset({"user", "image", "resources"}) | _RESOURCES,
            {"dockerfile": dockerfile_containers, "compose": compose_containers, "kubernetes": kubernetes_containers},
        ),
        View(
            "namespace",
            types.NAMESPACE,
            frozenset({"workload"}),
            {"kubernetes": namespaces},
            of_project=True,
            variable="ns",  # CEL reserves the word namespace
        ),
    )
}
