"""The services of one document with `extends` replaced by what they extend, from the same file or another.

https://github.com/compose-spec/compose-spec/blob/main/05-services.md#extends
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from policykit.finding import NotEvaluated
from policykit.parse.compose.canonical import canonical
from policykit.parse.compose.files import rebased
from policykit.parse.compose.merge import merge
from policykit.parse.compose.tags import Resets
from policykit.parse.compose.tree import ComposeError, child, children, with_entry, without
from policykit.parse.compose.unicity import unique
from policykit.parse.yaml_nodes import Node
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from policykit.parse.compose.load import Loader, Place

#: Services in one chain of extends.
_MAX_CHAIN = 50


@dataclass(slots=True)
class Scope:
    """A document whose services extend each other: where it stands, and what it resets in the services it extends.

    `loaded`: the services of other files, shared by everything that extends them.
    """

    loader: Loader
    place: Place
    resets: Resets
    loaded: dict[str, tuple[Node, Scope] | None] = field(default_factory=dict)


def apply_extends(tree: Node, scope: Scope) -> Node:
    """The document with every `extends` resolved; ComposeError where one leads nowhere or in a circle."""
    for section in ("services", "jobs"):
        services = child(tree, section)
        if services is None:
            continue
        if not isinstance(services.value, dict):
            raise ComposeError(f"{section} must be a mapping", services.span)
        for name in services.value:
            services = with_entry(services, name, _resolved(name, services, scope, ()))
        tree = with_entry(tree, section, services)
    return tree


def _resolved(name: str, services: Node, scope: Scope, trail: tuple[tuple[str, str], ...]) -> Node:
    """The service with what it extends merged in. `trail`: the services that led here, as (file, name)."""
    service: Node = services.value[name].node
    if service.value is None:
        return service
    if not isinstance(service.value, dict):
        raise ComposeError(f"services.{name} must be a mapping", service.span)
    extends = child(service, "extends")
    if extends is None:
        return service
    here = (scope.place.file, name)
    if here in trail or len(trail) >= _MAX_CHAIN:
        chain = " extends ".join(f"{step} ({file})" for file, step in (*trail, here))
        raise ComposeError(f"circular reference: {chain}", extends.span)
    reference, file = _target(extends, name)
    if isinstance(reference.value, Unknown):
        scope.loader.not_evaluated.append(NotEvaluated(reference.span, "which service this extends is unknown"))
        return without(service, "extends")
    if file is not None:
        loaded = _other_file(file, scope)
        if loaded is None:
            return without(service, "extends")
        base_services, base_scope = loaded
    else:
        base_services, base_scope = services, scope
    if reference.value not in base_services.value:
        where = f" in {file.value}" if file is not None else ""
        message = f"cannot extend service `{name}`: service `{reference.value}` not found{where}"
        raise ComposeError(message, reference.span)
    base = _resolved(reference.value, base_services, base_scope, (*trail, here))
    if base.value is None:
        return service
    base = scope.resets.apply(base, "services", name)
    return without(merge(base, service, "services", "x"), "extends")


def _target(extends: Node, name: str) -> tuple[Node, Node | None]:
    """The nodes that name the service, and the file if it is another."""
    if isinstance(extends.value, str | Unknown):
        return extends, None
    reference, file = child(extends, "service"), child(extends, "file")
    if reference is None or not isinstance(reference.value, str | Unknown):
        raise ComposeError(f"extends of `{name}` needs a service", extends.span)
    if file is not None and not isinstance(file.value, str | Unknown):
        raise ComposeError("extends.file must be a string", file.span)
    return reference, file


def _other_file(file: Node, scope: Scope) -> tuple[Node, Scope] | None:
    """The services of another file, with their paths as seen from here; None where it is out of reach."""
    if file.value not in scope.loaded:
        scope.loaded[file.value] = _load(file, scope)
    return scope.loaded[file.value]


def _load(file: Node, scope: Scope) -> tuple[Node, Scope] | None:
    place = scope.place
    source = scope.loader.source(place.folder, file)
    if source is None:
        return None
    model, resets = Node({}, file.span), Resets()
    for root in scope.loader.documents(source):
        tree, resets = scope.loader.prepared(root, place.environment)
        model = unique(canonical(unique(merge(resets.apply(model), tree))))
    services = children(model).get("services")
    if services is None or not isinstance(services.value, dict):
        raise ComposeError(f"cannot extend a service of `{file.value}`: it has no services", file.span)
    folder = posixpath.dirname(file.value)
    services = children(rebased(model, folder))["services"]
    there = replace(place, file=source.name)
    return services, Scope(scope.loader, there, resets)
