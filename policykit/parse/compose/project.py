"""The Compose files of one project into a document, or into what is wrong with them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from policykit.parse import yaml_nodes
from policykit.parse.compose.consistency import contradictions, dangling
from policykit.parse.compose.environment import with_env_files
from policykit.parse.compose.files import folder_of, joined
from policykit.parse.compose.interpolation import Environment, InterpolationError, interpolate
from policykit.parse.compose.load import Loader
from policykit.parse.compose.normal import normalised
from policykit.parse.compose.tree import ComposeError, child, text, with_entry
from policykit.parse.yaml_nodes import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from policykit.document import Route, Source, Span, Target
    from policykit.finding import NotEvaluated

#: Files that `docker compose` takes without being told, the first that is there.
_DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDE_NAMES = (
    *("compose.override.yml", "compose.override.yaml"),
    *("docker-compose.override.yml", "docker-compose.override.yaml"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a project is loaded.

    `environment`: variables that win over `.env`. `complete`: nothing else is set, so that an unset variable is empty
    and every file has to be there, as when Compose runs; otherwise it is unknown. `profiles`: those that are active.
    `name`: the project's name, "" to take it from the files. `consistent`: do the parts of the model have to agree?
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    profiles: Sequence[str] = ()
    name: str = ""
    consistent: bool = True


class ComposeProject:
    """A loaded project; implements `policykit.document.Document`.

    `data` is the merged model in canonical form, `root` the same as a tree of nodes.
    """

    __slots__ = ("_data", "_source", "root")

    def __init__(self, source: Source, root: Node) -> None:
        self.root = root
        self._source = source
        self._data = root.data()

    @property
    def source(self) -> Source:
        return self._source

    @property
    def target(self) -> Target:
        return "compose"

    @property
    def data(self) -> Any:
        return self._data

    def span(self, route: Route, *, key: bool = False) -> Span:
        return yaml_nodes.find(self.root, route, key=key)


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """`project` is None where the files cannot be loaded; `files` are all that were read, in order.

    `not_evaluated`: the parts of the project that are out of reach, on the network or under an unknown name. Where
    there are some, nothing is said about what the others refer to.
    """

    project: ComposeProject | None
    problems: tuple[ComposeError, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    files: tuple[str, ...]


def load_project(
    sources: Sequence[Source], read: Callable[[str], Source | None], options: Options | None = None
) -> LoadedProject:
    """The project of one or more files in `-f` order. Never raises: what is wrong is in `problems`.

    `read` gives the text of another file by its name, as seen from where the sources' names are, or None.
    """
    options = options or Options()
    loader = Loader(read)
    problems: list[ComposeError] = []
    root: Node | None = None
    try:
        root = _load(loader, sources, options, problems)
    except* ComposeError as group:
        problems += _flat(group)
    project = ComposeProject(sources[0], root) if root is not None else None
    return LoadedProject(project, tuple(problems), tuple(loader.not_evaluated), tuple(dict.fromkeys(loader.files)))


def _flat(group: BaseExceptionGroup[ComposeError]) -> Iterator[ComposeError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error


def _load(loader: Loader, sources: Sequence[Source], options: Options, problems: list[ComposeError]) -> Node:
    folder = folder_of(sources[0].name)
    environment = Environment(dict(options.environment), options.complete)
    if (dotenv := loader.read(joined(folder, ".env"))) is not None:
        environment = environment.merged(loader.variables(dotenv, environment))
    name = options.name or _project_name(loader, sources, environment, folder)
    environment = Environment({**environment.variables, "COMPOSE_PROJECT_NAME": name}, options.complete)
    model = loader.model(sources, folder, environment, ())
    if not model.value and not loader.not_evaluated:
        raise ComposeError("empty compose file", model.span)
    if options.consistent and not loader.not_evaluated:
        problems += contradictions(model, options.profiles)
        problems += dangling(model, options.profiles)
    written = child(model, "name")
    model = with_entry(model, "name", Node(name, written.span if written else yaml_nodes.first_key(model)))
    return with_env_files(loader, normalised(model), folder, environment)


def _project_name(loader: Loader, sources: Sequence[Source], environment: Environment, folder: str) -> str:
    """The name that the last file gives, or else that of the folder, in the letters a name may have."""
    found = ""
    for source in sources:
        for root in loader.documents(source):
            found = text(child(root, "name")) or found
    try:
        name = interpolate(found, environment)
    except InterpolationError:
        name = ""  # said again, with its place, when the file is loaded
    written = name if isinstance(name, str) and name else posixpath.basename(folder)
    return re.sub(r"[^a-z0-9_-]", "", written.lower()).lstrip("_-")


def project_files(name: str, exists: Callable[[str], bool]) -> tuple[str, ...]:
    """The files that `docker compose` loads together, given one of them: the project's file and its override.

    A file by another name is a project of its own.
    """
    base = posixpath.basename(name.replace("\\", "/"))
    if base not in _DEFAULT_NAMES and base not in _OVERRIDE_NAMES:
        return (name,)
    folder = name[: len(name) - len(base)]
    main = next((path for path in (folder + file for file in _DEFAULT_NAMES) if exists(path)), None)
    override = next((path for path in (folder + file for file in _OVERRIDE_NAMES) if exists(path)), None)
    if main is None or (base in _DEFAULT_NAMES and main != name):
        return (name,)
    return (main,) if override is None else (main, override)
