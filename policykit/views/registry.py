"""All views by name. A new view is one entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
            "types:IMAGE",
            frozenset({"ref"}),
            {
                "dockerfile": "dockerfiles:dockerfile_images",
                "compose": "compose:compose_images",
                "kubernetes": "images:kubernetes_images",
            },
        ),
        View(
            "container",
            "types:CONTAINER",
            frozenset({"user", "image", "resources"}) | _RESOURCES,
            {
                "dockerfile": "dockerfiles:dockerfile_containers",
                "compose": "compose:compose_containers",
                "kubernetes": "kubernetes_containers:kubernetes_containers",
            },
        ),
        View(
            "namespace",
            "types:NAMESPACE",
            frozenset({"workload"}),
            {"kubernetes": "namespaces:namespaces"},
            of_project=True,
            variable="ns",  # CEL reserves the word namespace
        ),
    )
}
