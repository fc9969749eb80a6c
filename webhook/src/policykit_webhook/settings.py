"""The `webhook:` section of policykit.yaml to settings: who is told what, about which rule, in which namespace.

Every key is checked; an unknown one is an error. Namespaces are matched by name and by nothing that their owners could
write.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from policykit.errors import Problem, UsageError
from policykit_webhook.judge import FailurePolicy

#: The most that a rule may do: deny, say, or only note. In rising order of strength.
Mode = Literal["audit", "warn", "enforce"]
MODES: tuple[Mode, ...] = get_args(Mode)
Updates = Literal["ratchet", "strict"]

#: Where the API server must go on working whatever the policies say. The webhook's own namespace is added on install.
SYSTEM_NAMESPACES = ("kube-system", "kube-node-lease", "kube-public")
#: Rules and categories that are about files. In a cluster the API server checks schemas itself, fills in the
#: deprecated field for its old readers, and is where a Secret belongs.
ABOUT_FILES = ("schema", "secret-in-manifest", "deprecated-service-account-field")


@dataclass(frozen=True, slots=True)
class RuleModes:
    """A mode for everything, and for single rules."""

    mode: Mode | None = None
    rules: Mapping[str, Mode] = field(default_factory=dict)

    def of(self, rule: str) -> Mode | None:
        return self.rules.get(rule, self.mode)


@dataclass(frozen=True, slots=True)
class NamespaceModes(RuleModes):
    """Modes for the namespaces whose name matches one of the patterns (`*` and `?`)."""

    match: tuple[str, ...] = ()

    def matches(self, namespace: str) -> bool:
        return any(fnmatch.fnmatchcase(namespace, pattern) for pattern in self.match)


@dataclass(frozen=True, slots=True)
class Settings:
    """How findings become decisions.

    `mode`, `rules`: the most that rules may do; `namespaces`: the same for namespaces, the first match counts.
    `ignore`: rules and categories that are not asked in the cluster.
    `updates`: `ratchet` denies an update only for what it adds, `strict` for all that is wrong.
    `on_error`: a rule that cannot be evaluated fails (a violation) or is ignored, by default as the policy itself says.
    `object_exceptions`: whether `policykit.dev/ignore.<rule>` annotations on the reviewed object count.
    `deadline`: seconds for one evaluation at most, whatever the API server would allow.
    """

    mode: Mode = "enforce"
    rules: Mapping[str, Mode] = field(default_factory=dict)
    namespaces: tuple[NamespaceModes, ...] = ()
    ignore: tuple[str, ...] = ABOUT_FILES
    updates: Updates = "ratchet"
    on_error: Mapping[str, FailurePolicy] = field(default_factory=dict)
    object_exceptions: bool = False
    excluded_namespaces: tuple[str, ...] = SYSTEM_NAMESPACES
    deadline: float = 2.0

    def mode_of(self, rule: str, namespace: str) -> Mode:
        """The most that `rule` may do to an object in `namespace` (empty for cluster-wide objects)."""
        if namespace:
            for entry in self.namespaces:
                if entry.matches(namespace) and (mode := entry.of(rule)) is not None:
                    return mode
        return self.rules.get(rule, self.mode)

    def strongest(self, rule: str) -> Mode:
        """The most that `rule` may do anywhere."""
        modes = [self.rules.get(rule, self.mode), *(m for n in self.namespaces if (m := n.of(rule)) is not None)]
        return max(modes, key=MODES.index)


def settings_from(section: Mapping[str, Any]) -> Settings:
    """The settings that a `webhook:` section says. Raises UsageError with every problem of the section."""
    reader = _Reader()
    settings = reader.settings(section)
    if reader.problems:
        raise UsageError(*reader.problems)
    return settings


class _Reader:
    """Reads values of known types out of plain data, and gathers what is wrong instead of stopping there."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def settings(self, section: Mapping[str, Any]) -> Settings:
        readers: dict[str, Callable[[str, Any], Any]] = {
            "mode": lambda where, value: self.choice(where, value, MODES),
            "rules": lambda where, value: self.choices(where, value, MODES),
            "namespaces": self.namespaces,
            "ignore": self.texts,
            "updates": lambda where, value: self.choice(where, value, get_args(Updates)),
            "on_error": lambda where, value: self.choices(where, value, get_args(FailurePolicy)),
            "object_exceptions": self.boolean,
            "excluded_namespaces": self.texts,
            "deadline": self.seconds,
        }
        assert readers.keys() == {f.name for f in fields(Settings)}
        return Settings(**self.mapping("webhook", section, {_camel(name): read for name, read in readers.items()}))

    def mapping(self, where: str, value: Any, readers: Mapping[str, Callable[[str, Any], Any]]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            self.problem(where, "is not a mapping")
            return {}
        read = {}
        for key, item in value.items():
            if key not in readers:
                self.problem(f"{where}.{key}", "is not a setting", f"there are {', '.join(sorted(readers))}")
            elif (parsed := readers[key](f"{where}.{key}", item)) is not None:
                read[_snake(key)] = parsed
        return read

    def namespaces(self, where: str, value: Any) -> tuple[NamespaceModes, ...]:
        if not isinstance(value, list):
            self.problem(where, "is not a list")
            return ()
        readers: dict[str, Callable[[str, Any], Any]] = {
            "match": self.texts,
            "mode": lambda at, item: self.choice(at, item, MODES),
            "rules": lambda at, item: self.choices(at, item, MODES),
        }
        entries = []
        for index, item in enumerate(value):
            entry = NamespaceModes(**self.mapping(f"{where}[{index}]", item, readers))
            if not entry.match:
                self.problem(f"{where}[{index}]", "matches no namespace", "give `match`, a list of name patterns")
            entries.append(entry)
        return tuple(entries)

    def choice(self, where: str, value: Any, allowed: tuple[str, ...]) -> Any:
        if value in allowed:
            return value
        return self.problem(where, f"is none of {', '.join(allowed)}")

    def choices(self, where: str, value: Any, allowed: tuple[str, ...]) -> Any:
        if not isinstance(value, Mapping):
            return self.problem(where, "is not a mapping of rule ids")
        return {str(rule): self.choice(f"{where}.{rule}", item, allowed) for rule, item in value.items()}

    def texts(self, where: str, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        return self.problem(where, "is not a list of texts")

    def boolean(self, where: str, value: Any) -> Any:
        return value if isinstance(value, bool) else self.problem(where, "is not true or false")

    def seconds(self, where: str, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0.05 <= value <= 30:
            return float(value)
        return self.problem(where, "is not a number of seconds from 0.05 to 30")

    def problem(self, where: str, message: str, hint: str = "") -> Any:
        """Notes a problem; returns None, the value that is not there."""
        self.problems.append(Problem(message, where, hint))
        return None


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
