"""The commands of RUN into calls of package managers, and what else in the same RUN undoes their traces."""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.unknown import Unknown
from policykit.views.managers import Manager, find_manager
from policykit.views.package_words import name_of
from policykit.views.runs import Run, pattern_of, program, resolved, runs, unwrapped, variable_lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from policykit.parse.dockerfile import Dockerfile
    from policykit.parse.shell import Command, ShellWord
    from policykit.views.project import Project


class Call(NamedTuple):
    """A command that calls a package manager.

    `position` counts the commands of its run; `packages` come with the words they stand in; `around` is what the other
    commands of the run do.
    """

    run: Run
    position: int
    manager: Manager
    tool: str
    verb: str
    action: str
    packages: tuple[tuple[ShellWord, str | Unknown], ...]
    options: tuple[str, ...]
    values: dict[str, str]
    word: ShellWord
    around: Around


class Around:
    """What the commands of one RUN do that matters to the calls of package managers among them."""

    def __init__(self, run: Run, lookup: Callable[[str], str | Unknown]) -> None:
        self.lookup = lookup
        self.calls: list[Call] = []
        self._run = run
        self._last_deleted: dict[str, int] = {}
        self._assigned: dict[str, list[tuple[int, str]]] | None = None
        self._last_cleaned: dict[tuple[str, str], int] = {}
        self._last_removed: dict[str, int] = {}
        self._last_removed_unknown = -1

    def add(self, call: Call) -> None:
        """Takes note of a call; they come in order."""
        self.calls.append(call)
        if call.action == "clean":
            self._last_cleaned[_cleaner(call)] = call.position
        elif call.action == "remove":
            for _, text in call.packages:
                if isinstance(text, Unknown):
                    self._last_removed_unknown = call.position
                self._last_removed[name_of(call.manager.name, pattern_of(text))] = call.position

    def cleaned_after(self, call: Call) -> bool:
        """Whether a later command empties the caches that a call fills. `apt-get clean` leaves the lists."""
        if call.manager.cleans_itself and self._last_cleaned.get(_cleaner(call), -1) > call.position:
            return True
        return any(self._deleted_last(cache) > call.position for cache in call.manager.caches)

    def removed_after(self, call: Call, name: str) -> bool:
        """Whether a package is, or may be, taken away again, by its name or by that of a group of apk's."""
        virtual = call.values.get("t", call.values.get("virtual", ""))
        last = max(self._last_removed_unknown, self._last_removed.get(name, -1), self._last_removed.get(virtual, -1))
        return last > call.position

    def assigned_before(self, call: Call, name: str) -> str:
        """What the script itself sets a variable to; "" where it does not."""
        if self._assigned is None:
            self._assigned = {}
            for position, command in enumerate(self._run.script.commands):
                for assigned, value in assignments(command):
                    self._assigned.setdefault(assigned, []).append((position, value or "0"))
        earlier = self._assigned.get(name, [])
        at = bisect_right(earlier, call.position, key=_position)
        return earlier[at - 1][1] if at else ""

    def _deleted_last(self, cache: str) -> int:
        """The position of the last command that deletes a directory, or -1."""
        if cache not in self._last_deleted:
            found = [at for at, path in _deleted(self._run.script.commands) if _covers(path, cache)]
            self._last_deleted[cache] = found[-1] if found else -1
        return self._last_deleted[cache]


def calls(dockerfile: Dockerfile, project: Project) -> Iterator[Call]:
    """Every call of a package manager in RUN."""
    build = project.build(dockerfile)
    for run in project.once(dockerfile, runs):
        if run.instruction.keyword != "run":
            continue
        around = Around(run, variable_lookup(run, build))
        for index, command in enumerate(run.script.commands):
            words = unwrapped(command)
            found = find_manager([program(words[0].text), *(word.text for word in words[1:3])]) if words else None
            if found is not None:
                manager, tool, start = found
                around.add(_call(around, (run, index), (manager, tool), (words[0], *words[start:])))
        yield from around.calls


def _position(entry: tuple[int, str]) -> int:
    return entry[0]


def assignments(command: Command) -> Iterator[tuple[str, str]]:
    """The variables a command sets: `A=1 program`, `export A=1`."""
    for assignment in command.assignments:
        yield assignment.name, assignment.value.text
    if command.name == "export":
        for word in command.arguments:
            name, equals, value = word.text.partition("=")
            if equals:
                yield name, value


def _call(around: Around, place: tuple[Run, int], called: tuple[Manager, str], words: tuple[ShellWord, ...]) -> Call:
    manager, tool = called
    options, values, operands = _sort(manager, words[1:])
    texts = [word.text for word in operands]
    verb = " ".join(texts[:2]) if " ".join(texts[:2]) in manager.verbs else " ".join(texts[:1])
    action = manager.verbs.get(verb, "install" if manager.name == "yarn" and not verb else "")
    rest = operands[len(verb.split()) :]
    if action == "run" or (manager.name == "go" and verb == "run"):
        rest = rest[:1]  # what follows is for the program
    named = tuple((word, resolved(word, around.lookup)) for word in rest if _is_package(manager, verb, word.text))
    return Call(*place, manager, tool, verb, action, named, options, values, words[0], around)


def _sort(manager: Manager, words: Sequence[ShellWord]) -> tuple[tuple[str, ...], dict[str, str], list[ShellWord]]:
    """The options, the values of those that take one, and the operands of a call."""
    options: list[str] = []
    values: dict[str, str] = {}
    operands: list[ShellWord] = []
    rest = iter(words)
    for word in rest:
        text = word.text
        if text == "--":
            break  # what follows is for the package's own build (gem) or names files
        if not text.startswith("-") or text == "-":
            operands.append(word)
            continue
        name, equals, value = text.lstrip("-").partition("=")
        options.append(name)
        letters = not text.startswith("--") and name not in manager.taking_value
        options += name if letters and len(name) > 1 else ()
        if equals:
            values[name] = value
        elif name in manager.taking_value or (letters and name[-1:] in manager.taking_value):
            following: Any = next(rest, None)
            values[name if name in manager.taking_value else name[-1]] = following.text if following else ""
        elif letters and name[:1] in manager.taking_value:
            values[name[0]] = name[1:]
    return tuple(options), values, operands


def _is_package(manager: Manager, verb: str, text: str) -> bool:
    """Groups of packages have no version, and `yarn install` takes no packages."""
    if manager.name in ("yum", "dnf"):
        return not text.startswith("@") and not verb.startswith(("group", "local"))
    return manager.name != "yarn" or verb not in ("", "install")


def _cleaner(call: Call) -> tuple[str, str]:
    """Programs that share a cache share this: all of pip's, while dnf and microdnf each have their own."""
    return call.manager.name, "" if call.manager.name == "pip" else call.tool


def _deleted(script: Sequence[Command]) -> Iterator[tuple[int, str]]:
    """The paths that `rm` and `find` are given, each with the position of the command; `cd` before it counts."""
    directory = ""
    for position, command in enumerate(script):
        words = unwrapped(command)
        name = program(words[0].text) if words else ""
        if name == "cd" and len(words) > 1:
            directory = posixpath.join(directory, words[1].text)[:4096]
        elif name in ("rm", "find"):
            for word in words[1:]:
                path = word.text.partition("*")[0].rstrip("/")
                if path and path[0] != "-":
                    yield position, path if path[0] in "~$" else posixpath.join(directory, path)


def _covers(path: str, cache: str) -> bool:
    for home in ("~", "$HOME", "${HOME}"):
        if path == home or path.startswith(f"{home}/"):
            path = "/root" + path[len(home) :]
    return cache == path or cache.startswith(f"{path}/")
