"""The views `composeEntry` and `composeService`: what a Compose file says in the order and the way it was written.

The merged model knows neither order nor quotes, so entries are read from the project's first file as it is.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.cel.types import BOOL, STRING, ListType, ObjectType
from policykit.document import route_text
from policykit.errors import ParseError
from policykit.parse.yaml import parse_yaml
from policykit.parse.yaml_scalars import COMPOSE
from policykit.unknown import Unknown
from policykit.views.objects import mapping, sequence
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from policykit.document import Document, Route
    from policykit.views.project import Project

COMPOSE_ENTRY = ObjectType(
    "ComposeEntry",
    {
        "section": STRING,  # top, services, service, depends_on, ports, expose, volumes
        "service": STRING,  # "" outside of one
        "text": STRING,
        "before": ListType(STRING),  # the entries before it
        "siblings": ListType(STRING),  # all entries of its section
        "follows": BOOL,  # it is not less than the one before it, numbers compared as numbers
        "first": BOOL,  # of its section, the first that does not follow
        "quote": STRING,  # ', " or "" for a plain text; "" for what is no text
        "scalar": BOOL,
    },
)
COMPOSE_SERVICE = ObjectType(
    "ComposeService",
    {
        "name": STRING,
        "containerName": STRING,
        "image": STRING,
        "built": BOOL,
        "pullPolicy": STRING,
        "containerNameTaken": STRING,  # the earlier service that has the same container_name
        "portsTaken": ListType(STRING),  # published ports that earlier services publish
        "takenBy": STRING,
        "dependsOnUnready": ListType(STRING),  # services with a health check that it does not wait for
    },
)


class _Entry(NamedTuple):
    section: str
    service: str
    route: Route
    text: str
    scalar: bool
    key: bool


def compose_entries(document: Document, project: Project) -> Iterator[Subject]:  # noqa: ARG001
    """Every key and list item whose order or quotes somebody may care about."""
    for parsed in parse_yaml(document.source, COMPOSE):
        if isinstance(parsed, ParseError):
            return
        data = mapping(parsed.data)
        for group in _groups(data):
            yield from _subjects(group, parsed, document)


def _groups(data: Mapping[str, Any]) -> Iterator[list[_Entry]]:
    yield _keys("top", "", (), data)
    services = mapping(data.get("services"))
    yield _keys("services", "", ("services",), services)
    for name, value in services.items():
        service, base = mapping(value), ("services", name)
        yield _keys("service", name, base, service)
        needs = service.get("depends_on")
        if isinstance(needs, dict):
            yield _keys("depends_on", name, (*base, "depends_on"), needs)
        sections = ("depends_on", "ports", "expose", "volumes")
        for section in sections:
            items = sequence(service.get(section))
            yield [_item(section, name, (*base, section, i), item) for i, item in enumerate(items)]


def _keys(section: str, service: str, base: Route, value: Mapping[str, Any]) -> list[_Entry]:
    return [_Entry(section, service, (*base, key), str(key), True, True) for key in value]


def _item(section: str, service: str, route: Route, item: Any) -> _Entry:
    if isinstance(item, dict):
        shown = str(item.get("published", item.get("target", item.get("source", ""))))
        return _Entry(section, service, route, shown, False, False)
    return _Entry(section, service, route, item.pattern if isinstance(item, Unknown) else str(item), True, False)


def _subjects(group: list[_Entry], parsed: Document, document: Document) -> Iterator[Subject]:
    texts = [entry.text for entry in group]
    orders = [_order(entry) for entry in group]
    unsorted = [i + 1 for i, (a, b) in enumerate(pairwise(orders)) if b < a]
    for index, entry in enumerate(group):
        span = parsed.span(entry.route, key=entry.key)
        line = parsed.source.text.splitlines()[span.line - 1][span.column - 1 :]
        data = {
            "section": entry.section,
            "service": entry.service,
            "text": entry.text,
            "before": texts[:index],
            "siblings": texts,
            "follows": index not in unsorted,
            "first": bool(unsorted) and index == unsorted[0],
            "quote": line[:1] if entry.scalar and line[:1] in ("'", '"') else "",
            "scalar": entry.scalar,
        }
        yield Subject(data, document, _at(Place(span, route_text(entry.route))))


def _at(place: Place) -> Callable[[str], Place]:
    return lambda _at: place


def _order(entry: _Entry) -> tuple[tuple[int, int, str], ...]:
    """What entries are compared by: texts with their numbers as numbers; ports by the port on the host."""
    text = entry.text.lower()
    if entry.section == "ports":
        host = text.split("/")[0].rsplit(":", 1)[0]
        text = host.rsplit(":", 1)[-1]
    pieces = re.findall(r"\d+|\D+", text)
    return tuple((0, int(piece), "") if piece.isdecimal() else (int(piece > "$~"), 0, piece) for piece in pieces)


def compose_services(document: Document, project: Project) -> Iterator[Subject]:  # noqa: ARG001
    """Every service, with what it takes from those before it."""
    services = {name: mapping(value) for name, value in mapping(document.data.get("services")).items()}
    names: dict[str, str] = {}
    taken: list[tuple[str, _Published]] = []
    for name, service in services.items():
        container = _text(service.get("container_name"))
        own = container if isinstance(container, str) else ""
        published = [p for item in sequence(service.get("ports")) if (p := _published(mapping(item))) is not None]
        clashes = [(other, mine) for mine in published for other, theirs in taken if _overlap(mine, theirs)]
        data = {
            "name": name,
            "containerName": container,
            "image": _text(service.get("image")),
            "built": "build" in service,
            "pullPolicy": _text(service.get("pull_policy")),
            "containerNameTaken": names.get(own, "") if own else "",
            "portsTaken": sorted({mine.text for _, mine in clashes}),
            "takenBy": clashes[0][0] if clashes else "",
            "dependsOnUnready": _unready(service, services),
        }
        yield Subject(data, document, _locator(document, ("services", name)))
        if own:
            names.setdefault(own, name)
        taken += [(name, mine) for mine in published]


class _Published(NamedTuple):
    ip: str
    first: int
    last: int
    protocol: str
    text: str


def _published(port: Mapping[str, Any]) -> _Published | None:
    text = port.get("published")
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", str(text)) if not isinstance(text, Unknown) and text else None
    if match is None or isinstance(port.get("host_ip"), Unknown):
        return None
    ip = str(port.get("host_ip") or "")
    protocol = str(port.get("protocol") or "tcp")
    first = int(match[1])
    return _Published(ip, first, int(match[2] or first), protocol, match[0])


def _overlap(one: _Published, other: _Published) -> bool:
    everywhere = ("", "0.0.0.0", "::")  # noqa: S104  an address in a file, nothing is bound here
    same_ip = one.ip == other.ip or one.ip in everywhere or other.ip in everywhere
    return same_ip and one.protocol == other.protocol and one.first <= other.last and other.first <= one.last


def _unready(service: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    for name, needed in mapping(service.get("depends_on")).items():
        check = mapping(mapping(services.get(name)).get("healthcheck"))
        if mapping(needed).get("condition") == "service_started" and check.get("test") and not check.get("disable"):
            found.append(name)
    return found


def _locator(document: Document, base: Route) -> Callable[[str], Place]:
    def locate(at: str) -> Place:
        route = (*base, at) if at else base
        return Place(document.span(route, key=not at), route_text(route))

    return locate


def _text(value: Any) -> str | Unknown:
    if isinstance(value, Unknown):
        return value
    return "" if value is None else str(value)
