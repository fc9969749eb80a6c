"""Where the parts of a Kubernetes object stand: paths below it turned into places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.document import route_text
from policykit.views.objects import parse_route
from policykit.views.view import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.document import Route
    from policykit.views.objects import ApiObject


def below(obj: ApiObject, base: Route = ()) -> Callable[[str], Place]:
    """A locator for what stands at `base`: its parts are paths from there.

    The subject itself is its first key; a whole object is its `kind`.
    """

    def locate(at: str) -> Place:
        if not at and not base:
            return Place(obj.span(("kind",), key=True), route_text(("kind",)))
        route = (*base, *parse_route(at))
        return Place(obj.span(route if at else (*base, "")), route_text(route))

    return locate
