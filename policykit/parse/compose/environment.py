"""The `env_file`s of services into their `environment`, under what is written there.

https://github.com/compose-spec/compose-spec/blob/main/05-services.md#env_file
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.errors import ParseError
from policykit.parse.compose.dotenv import parse_dotenv
from policykit.parse.compose.files import joined
from policykit.parse.compose.load import located
from policykit.parse.compose.tree import ComposeError, child, items, mapping, scalar, text, with_entry
from policykit.parse.yaml_nodes import Node

if TYPE_CHECKING:
    from policykit.parse.compose.interpolation import Environment
    from policykit.parse.compose.load import Loader


def with_env_files(loader: Loader, model: Node, folder: str, environment: Environment) -> Node:
    """A normalised model whose services have the variables of their env files too, each where it was written.

    A file that is not there is a ComposeError only to a complete environment: such files are often kept out of a
    repository, and say nothing about the project where they are.
    """
    services = child(model, "services")
    if services is None:
        return model
    for name, entry in services.value.items():
        if (found := _variables(loader, entry.node, folder, environment)) is not None:
            services = with_entry(services, name, with_entry(entry.node, "environment", found))
    return with_entry(model, "services", services)


def _variables(loader: Loader, service: Node, folder: str, environment: Environment) -> Node | None:
    env_files = items(child(service, "env_file"))
    if not env_files:
        return None
    found: dict[str, Node] = {}
    for entry in env_files:
        path = child(entry, "path")
        if path is None or not text(path):
            continue
        known = environment.merged({name: text(node) for name, node in found.items()})
        found |= _read(loader, entry, joined(folder, text(path)), known)
    if not found:
        return None
    own = child(service, "environment") or mapping({}, service.span)
    inherited = mapping(found, own.span)
    return Node({**inherited.value, **own.value}, own.span)


def _read(loader: Loader, entry: Node, path: str, environment: Environment) -> dict[str, Node]:
    source = loader.read(path)
    if source is None:
        if environment.is_complete and scalar(child(entry, "required")) is not False:
            raise ComposeError(f"env file `{path}` not found", entry.value["path"].node.span)
        return {}
    loader.files.append(source.name)
    try:
        return {
            name: Node(variable.value, variable.span) for name, variable in parse_dotenv(source, environment).items()
        }
    except ParseError as error:
        raise located(error, source.name) from None
