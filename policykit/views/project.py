"""All documents of one run and the facts it was given: what a view may look at beyond its own document."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from policykit.document import Source
from policykit.unknown import Unknown
from policykit.views.objects import ApiObject, mapping, sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from policykit.document import Document, Span, Target
    from policykit.finding import NotEvaluated
    from policykit.parse.dockerfile import Build, Dockerfile
    from policykit.views.base_images import BaseImage
    from policykit.views.built_images import BuiltImage
    from policykit.views.shell_findings import ShellComment, ShellScript

NOT_ASKED = Unknown(("ShellCheck was not run",))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run is told, because no file says it.

    `namespace`: of objects that name none. `build_args`: given to every build. `environment`: the variables that
    Compose interpolates, None where they are not known. `base_images`: users of images, before the built-in table.
    `built_images`: the Dockerfiles that make images.
    `user`: who asks for objects from files (`userInfo` of an AdmissionRequest), None for nobody in particular.
    """

    namespace: str = "default"
    kubernetes_version: tuple[int, int] = (1, 36)
    build_args: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None
    base_images: tuple[BaseImage, ...] = ()
    built_images: tuple[BuiltImage, ...] = ()
    user: Mapping[str, Any] | None = None


class InvalidFile(NamedTuple):
    """Why a file, or a part of it, cannot be read as what it is, and where."""

    message: str
    span: Span
    target: Target | None


class Project:
    """The documents of one run, by format, and what joins them."""

    def __init__(
        self,
        documents: Iterable[Document],
        facts: Facts,
        *,
        read: Callable[[str], Source | None] = lambda _name: None,
        problems: Iterable[InvalidFile] = (),
        not_evaluated: Iterable[NotEvaluated] = (),
    ) -> None:
        """`read` gives a file that a document refers to, None where there is none; it is asked for few files."""
        self.documents = tuple(documents)
        self.facts = facts
        self.problems = tuple(problems)
        self.not_evaluated = tuple(not_evaluated)
        #: What ShellCheck says of the scripts of the project, by script (`policykit.views.shell_findings`).
        self.shell_comments: Mapping[ShellScript, tuple[ShellComment, ...]] | Unknown = NOT_ASKED
        self._read = read
        self._made: dict[tuple[int, Any], tuple[Any, ...]] = {}
        self._builds: dict[tuple[int, int], Build] = {}
        self._dockerfiles: dict[str, Dockerfile | None] = {}

    @cached_property
    def objects(self) -> tuple[ApiObject, ...]:
        """The Kubernetes objects among the documents."""
        return tuple(cast("ApiObject", d) for d in self.documents if d.target == "kubernetes")

    @cached_property
    def _limit_ranges(self) -> Mapping[str, dict[str, dict[str, Any]]]:
        found: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: {"default": {}, "defaultRequest": {}})
        for obj in self.objects:
            if obj.kind == "LimitRange" and obj.api_version == "v1":
                for item in sequence(mapping(obj.data.get("spec")).get("limits")):
                    if mapping(item).get("type") == "Container":
                        for key in ("default", "defaultRequest"):
                            found[self.namespace(obj)][key].update(mapping(item.get(key)))
        return found

    def limit_range(self, obj: ApiObject) -> Mapping[str, Mapping[str, Any]]:
        """`default` and `defaultRequest` for containers in the namespace of an object, by resource."""
        return self._limit_ranges.get(self.namespace(obj), {})

    @cached_property
    def _tokenless(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of the ServiceAccounts whose token pods do not get by default."""
        return frozenset(
            (self.namespace(obj), obj.name)
            for obj in self.objects
            if obj.kind == "ServiceAccount" and obj.data.get("automountServiceAccountToken") is False
        )

    def automounts_token(self, obj: ApiObject, account: str) -> bool:
        """Whether pods of `obj` that say nothing get the token of their ServiceAccount ("" is the default one)."""
        return (self.namespace(obj), account or "default") not in self._tokenless

    def namespace(self, obj: ApiObject) -> str:
        """The namespace of an object; the run's where it names none."""
        return obj.namespace or self.facts.namespace

    def once(self, document: Any, make: Callable[[Any, Project], Iterable[Any]]) -> tuple[Any, ...]:
        """What `make` gives for a document of this project, made once: views that build on another share its work."""
        key = (id(document), make)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = tuple(make(document, self))
        return found

    def forget(self, document: Document) -> None:
        """Drop what was made of a document that nobody will ask about again, so that a large run stays small.

        All goes but what was made of the project: some of it is known by the identity of what else was made.
        """
        whole = id(self)
        self._made = {key: made for key, made in self._made.items() if key[0] == whole}
        self._builds.pop((id(document), 0), None)

    def file(self, name: str) -> Source | None:
        """A file that stands beside a document, by its name; None where there is none."""
        return self._read(name)

    def build(self, dockerfile: Dockerfile) -> Build:
        """What the words of a Dockerfile mean in a build of its own, with the run's build arguments."""
        return self._build(dockerfile, {})

    def compose_build(self, document: Document, build: Mapping[str, Any]) -> Build | None:
        """What a service's `build` makes: its Dockerfile with its arguments. None where that is not among the files."""
        dockerfile = self._dockerfile_of(document, build)
        return None if dockerfile is None else self._build(dockerfile, mapping(build.get("args")))

    def dockerfile_build(self, name: str) -> Build | None:
        """The same for the Dockerfile of that name, with the run's build arguments alone."""
        dockerfile = self._dockerfile(name)
        return None if dockerfile is None else self._build(dockerfile, {})

    def _build(self, dockerfile: Dockerfile, args: Mapping[str, Any]) -> Build:
        from policykit.parse.dockerfile import Build

        key = (id(dockerfile), id(args) if args else 0)
        if key not in self._builds:
            self._builds[key] = Build(dockerfile, {**self.facts.build_args, **args})
        return self._builds[key]

    def _dockerfile_of(self, document: Document, build: Mapping[str, Any]) -> Dockerfile | None:
        inline, context = build.get("dockerfile_inline"), build.get("context", ".")
        file = build.get("dockerfile") or "Dockerfile"
        if isinstance(inline, str):
            return _parse(Source(f"{document.source.name} (dockerfile_inline)", inline))
        if not isinstance(context, str) or not isinstance(file, str):
            return None
        return self._dockerfile(beside(document.source.name, posixpath.join(context, file)))

    def _dockerfile(self, name: str) -> Dockerfile | None:
        if name not in self._dockerfiles:
            source = self._read(name)
            self._dockerfiles[name] = None if source is None else _parse(source)
        return self._dockerfiles[name]


def beside(name: str, path: str) -> str:
    """The file that `path`, written in the file `name`, leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _parse(source: Source) -> Dockerfile:
    from policykit.parse.dockerfile import parse_dockerfile

    return parse_dockerfile(source)
