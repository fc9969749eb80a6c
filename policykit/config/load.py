"""The text of a policykit.yaml into a `Config`. Hand-written rather than a pydantic model: start-up is a feature."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.config.model import Config, RuleOptions
from policykit.config.reader import Reader
from policykit.config.settings import FAIL_ON, Name, kubernetes_version
from policykit.errors import ParseError, Problem, UsageError
from policykit.files import display_name
from policykit.finding import SEVERITIES
from policykit.gitignore import Ignore
from policykit.parse.yaml import parse_yaml
from policykit.parse.yaml_scalars import KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from policykit.document import Route, Source
    from policykit.suppress.exceptions import PolicyException
    from policykit.views.base_images import BaseImage
    from policykit.views.built_images import BuiltImage

_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


def load(source: Source, directory: Path, *, complete: bool = False) -> Config:
    """Read a configuration that stands for files below `directory`.

    `complete`: all of those files are part of the run. Raises UsageError with every problem of the file.
    """
    documents = list(parse_yaml(source, KUBERNETES))
    errors = [document for document in documents if isinstance(document, ParseError)]
    if errors:
        raise UsageError(*(Problem(e.message, f"{source.name}:{e.line}:{e.column}") for e in errors))
    if len(documents) > 1:
        raise UsageError(Problem("a configuration is one YAML document, not a stream of several", f"{source.name}:1:1"))
    if not documents or documents[0].data is None:  # type: ignore[union-attr]
        return Config(directory=directory)
    return _Loader(Reader(documents[0]), directory, complete).load(documents[0].data)  # type: ignore[arg-type, union-attr]


class _Loader:
    """Reads the keys of a configuration; a method for each that is more than one value."""

    def __init__(self, reader: Reader, directory: Path, complete: bool) -> None:
        self._reader = reader
        self._directory = directory
        self._complete = complete
        self._keys: Mapping[str, tuple[str, Callable[[Any, Route], Any]]] = {
            "extends": ("extends", self._names),
            "policies": ("policies", self._policies),
            "select": ("select", self._names),
            "ignore": ("ignore", self._names),
            "rules": ("rules", self._rules),
            "exclude": ("exclude", self._patterns),
            "failOn": ("fail_on", lambda value, route: reader.choice(value, route, FAIL_ON)),
            "namespace": ("namespace", self._namespace),
            "kubernetesVersion": ("kubernetes_version", self._kubernetes_version),
            "user": ("user", self._user),
            "buildArgs": ("build_args", self._build_args),
            "baseImages": ("base_images", self._base_images),
            "images": ("built_images", self._images),
            "exceptions": ("exceptions", self._exceptions),
            "webhook": ("webhook", lambda value, _: value),
        }

    def load(self, data: Any) -> Config:
        values: dict[str, Any] = {}
        for key, value, route in self._reader.known_keys(data, (), self._keys):
            name, read = self._keys[key]
            values[name] = read(value, route)
        if self._reader.problems:
            raise UsageError(*self._reader.problems)
        return Config(directory=self._directory, **values)

    def _policies(self, value: Any, route: Route) -> tuple[Path, ...]:
        found = []
        for text, place in self._reader.texts(value, route):
            path = self._directory / text
            if text and not path.is_dir():
                self._reader.problem(place, f"`{text}` is no directory", "policies are directories of policy files")
            found.append(path)
        return tuple(found)

    def _names(self, value: Any, route: Route) -> tuple[Name, ...]:
        return tuple(Name(text, self._reader.span(place)) for text, place in self._reader.texts(value, route))

    def _patterns(self, value: Any, route: Route) -> tuple[str, ...]:
        found = self._reader.texts(value, route)
        for text, place in found:
            if text and not Ignore([text]).patterns:
                self._reader.problem(place, f"`{text}` is no pattern as in .gitignore")
        return tuple(text for text, _ in found)

    def _rules(self, value: Any, route: Route) -> Mapping[Name, RuleOptions]:
        reader = self._reader
        rules = {}
        for rule, options in reader.mapping(value, route).items():
            values: dict[str, Any] = {}
            known = ("enabled", "severity", "onUnknown", "parameters")
            for key, inner, place in reader.known_keys(options, (*route, rule), known):
                if key == "enabled":
                    values[key] = reader.boolean(inner, place)
                elif key == "severity":
                    values[key] = reader.choice(inner, place, SEVERITIES)
                elif key == "onUnknown":
                    values["on_unknown"] = reader.choice(inner, place, ("ignore", "warn", "fail"))
                else:
                    values[key] = reader.mapping(inner, place)
            rules[Name(rule, reader.span((*route, rule), key=True))] = RuleOptions(**values)
        return rules

    def _namespace(self, value: Any, route: Route) -> str:
        text = self._reader.text(value, route)
        if text and not _NAMESPACE.fullmatch(text):
            self._reader.problem(route, f"`{text}` cannot be the name of a namespace")
        return text

    def _kubernetes_version(self, value: Any, route: Route) -> tuple[int, int] | None:
        text = self._reader.text(value, route)
        version = kubernetes_version(text)
        if text and version is None:
            self._reader.problem(route, f"`{text}` is no version of Kubernetes", 'write it as "1.34"')
        return version

    def _user(self, value: Any, route: Route) -> Mapping[str, Any]:
        """Who asks for the objects in files, as admission policies see it (`userInfo`)."""
        user: dict[str, Any] = {}
        for key, inner, place in self._reader.known_keys(value, route, ("username", "groups")):
            if key == "username":
                user[key] = self._reader.text(inner, place)
            else:
                user[key] = [text for text, _ in self._reader.texts(inner, place)]
        return user

    def _build_args(self, value: Any, route: Route) -> Mapping[str, str]:
        found = {}
        for name, inner in self._reader.mapping(value, route).items():
            # An empty text is a value, too.
            found[name] = "" if inner == "" else self._number_or_text(inner, (*route, name))
        return found

    def _number_or_text(self, value: Any, route: Route) -> str:
        """A text, or an integer, which is written in one way only; `1.30` would not come back as it was written."""
        plain = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        return self._reader.text(plain, route)

    def _base_images(self, value: Any, route: Route) -> tuple[BaseImage, ...]:
        from policykit.views.base_images import BaseImage

        reader = self._reader
        found = []
        for pattern, facts in reader.mapping(value, route).items():
            place = (*route, pattern)
            given: dict[str, Any] = {}
            for key, inner, inside in reader.known_keys(facts, place, ("user", "tags", "windows")):
                given[key] = reader.boolean(inner, inside) if key == "windows" else self._number_or_text(inner, inside)
            if isinstance(facts, dict) and "user" not in given:
                reader.problem(place, "says nothing about the user of these images", "add `user:`", key=True)
            found.append(BaseImage((pattern,), **{"user": "", **given}))
        return tuple(found)

    def _images(self, value: Any, route: Route) -> tuple[BuiltImage, ...]:
        from policykit.views.built_images import BuiltImage

        reader = self._reader
        found = []
        for pattern, facts in reader.mapping(value, route).items():
            place = (*route, pattern)
            known = reader.known_keys(facts, place, ("dockerfile", "target"))
            given = {key: reader.text(inner, inside) for key, inner, inside in known}
            path = self._directory / given.get("dockerfile", "")
            if isinstance(facts, dict) and "dockerfile" not in facts:
                reader.problem(place, "says nothing about what makes these images", "add `dockerfile:`", key=True)
            elif given.get("dockerfile") and not path.is_file():
                reader.problem((*place, "dockerfile"), f"`{given['dockerfile']}` is no file")
            found.append(BuiltImage((pattern,), display_name(str(path.absolute())), given.get("target", "")))
        return tuple(found)

    def _exceptions(self, value: Any, route: Route) -> tuple[PolicyException, ...]:
        if not isinstance(value, list):
            self._reader.problem(route, "`exceptions` must be a list")
            return ()
        return tuple(self._exception(item, (*route, index)) for index, item in enumerate(value))

    def _exception(self, value: Any, route: Route) -> PolicyException:
        from policykit.suppress.exceptions import PolicyException, ResourcePattern

        reader = self._reader
        given: dict[str, Any] = {"rule": "", "reason": ""}
        patterns: tuple[str, ...] = ()
        known = ("rule", "reason", "files", "resource", "container", "expires")
        for key, inner, place in reader.known_keys(value, route, known):
            if key == "files":
                patterns = self._patterns(inner, place)
            elif key == "resource":
                kinds = reader.known_keys(inner, place, ("kind", "namespace", "name"))
                given[key] = ResourcePattern(**{name: reader.text(text, inside) for name, text, inside in kinds})
            else:
                given[key] = reader.text(inner, place)
        for key in ("rule", "reason"):
            if not given[key] and key not in reader.mapping(value, route):
                reader.problem(route, f"an exception needs a `{key}`")
        if given.get("expires") and not _is_date(given["expires"]):
            reader.problem((*route, "expires"), f"`{given['expires']}` is no date", "write it as 2027-01-31")
        return PolicyException(
            span=reader.span((*route, "rule")),
            covers_file=self._covers(patterns),
            scope_is_complete=self._complete,
            **given,
        )

    def _covers(self, patterns: tuple[str, ...]) -> Callable[[str], bool]:
        """Does a file, by its name in reports, lie below the directory and match one of the patterns, if any?"""
        base = display_name(str(self._directory.absolute()))
        prefix = "" if base == "." else f"{base.rstrip('/')}/"
        ignore = Ignore(patterns) if patterns else None

        def covers(name: str) -> bool:
            if not name.startswith(prefix):
                return False
            return ignore is None or ignore.covers(name[len(prefix) :])

        return covers


def _is_date(text: str) -> bool:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None
