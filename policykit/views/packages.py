"""The views `packageCommand` and `package`: calls of package managers in RUN, and each package they install."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.cel.types import BOOL, STRING, ListType, MapType, ObjectType
from policykit.unknown import Unknown
from policykit.views.managers import Manager, find_manager, is_pinned
from policykit.views.runs import Run, locator, pattern_of, program, resolved, runs, unwrapped, variable_lookup
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policykit.parse.dockerfile import Dockerfile
    from policykit.parse.shell import Command, ShellWord
    from policykit.views.project import Project

PACKAGE_COMMAND = ObjectType(
    "PackageCommand",
    {
        "tool": STRING,  # as called: apt, apt-get, aptitude, pip3
        "manager": STRING,  # apt, apk, yum, dnf, zypper, pip, pipx, uv, npm, yarn, pnpm, gem, go, cargo
        "verb": STRING,  # as written
        "action": STRING,  # install, update, upgrade, dist-upgrade, remove, clean, run; "" for any other
        "packages": ListType(STRING),  # as written, variables replaced
        "options": ListType(STRING),  # without dashes and values
        "values": MapType(STRING, STRING),
        "confirmed": BOOL,  # it asks nobody: an option says yes, or `yes |` does
        "recommends": BOOL,  # for apt: it installs recommended packages as well
        "cleaned": BOOL,  # what it caches is not in the layer: deleted in the same RUN, not written, or in a mount
        "actions": ListType(STRING),  # what the calls of the same manager in the same RUN do, in order
        "onbuild": BOOL,
        "ships": BOOL,  # what it installs is in the image that the file makes
    },
)

PACKAGE = ObjectType(
    "Package",
    {
        "manager": STRING,
        "tool": STRING,
        "verb": STRING,
        "text": STRING,  # as written, variables replaced
        "name": STRING,  # without a version
        "pinned": BOOL,  # a version is asked for, here or for the whole call; files need none
        "removed": BOOL,  # taken away again in the same RUN
        "onbuild": BOOL,
        "ships": BOOL,
    },
)

_NAME = re.compile(r"[^=<>~!:;\[\s]+")
_FALSE = frozenset({"", "0", "off", "no", "false", "f", "n"})


class Call(NamedTuple):
    """A command that calls a package manager; `packages` with the words they stand in."""

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


def calls(dockerfile: Dockerfile, project: Project) -> Iterator[Call]:
    """Every call of a package manager in RUN."""
    build = project.build(dockerfile)
    for run in project.once(dockerfile, runs):
        if run.instruction.keyword != "run":
            continue
        lookup = variable_lookup(run, build)
        for index, command in enumerate(run.script.commands):
            words = unwrapped(command)
            found = find_manager([program(words[0].text), *(w.text for w in words[1:3])]) if words else None
            if found is not None:
                manager, tool, start = found
                yield _call(run, index, (manager, tool), (words[0], *words[start:]), lookup)


def package_commands(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each call."""
    found: tuple[Call, ...] = project.once(dockerfile, calls)
    build = project.build(dockerfile)
    for call in found:
        siblings = [c for c in found if c.run is call.run and c.manager is call.manager]
        fields = {
            "tool": call.tool,
            "manager": call.manager.name,
            "verb": call.verb,
            "action": call.action,
            "packages": [text for _, text in call.packages],
            "options": list(call.options),
            "values": call.values,
            "confirmed": _confirmed(call),
            "recommends": _recommends(call),
            "cleaned": _cleaned(call, variable_lookup(call.run, build)),
            "actions": [sibling.action for sibling in siblings],
            "onbuild": call.run.placed.trigger,
            "ships": call.run.ships,
        }
        yield Subject(fields, dockerfile, locator(call.word.span, call.run.placed.route))


def packages(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each package that a call installs."""
    found: tuple[Call, ...] = project.once(dockerfile, calls)
    for call in found:
        if call.action not in ("install", "run"):
            continue
        removed = _removed(call, found)
        for word, text in call.packages:
            name = _name(call.manager, pattern_of(text))
            fields = {
                "manager": call.manager.name,
                "tool": call.tool,
                "verb": call.verb,
                "text": text,
                "name": name if not isinstance(text, Unknown) else text,
                "pinned": _pinned(call, text),
                "removed": removed is True or (removed is not False and name in removed),
                "onbuild": call.run.placed.trigger,
                "ships": call.run.ships,
            }
            yield Subject(fields, dockerfile, locator(word.span, call.run.placed.route))


def _call(run: Run, index: int, called: tuple[Manager, str], words: tuple[ShellWord, ...], lookup: Any) -> Call:
    manager, tool = called
    options, values, operands = _sort(manager, words[1:])
    texts = [word.text for word in operands]
    verb = " ".join(texts[:2]) if " ".join(texts[:2]) in manager.verbs else " ".join(texts[:1])
    action = manager.verbs.get(verb, "install" if manager.name == "yarn" and not verb else "")
    rest = operands[len(verb.split()) :]
    if manager.name == "go" and verb == "run":
        rest = rest[:1]
    if manager.name in ("uv", "pipx") and action == "run":
        rest = rest[:1]
    named = tuple((word, resolved(word, lookup)) for word in rest if _is_package(manager, verb, word.text))
    return Call(run, index, manager, tool, verb, action, named, options, values, words[0])


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
            following = next(rest, None)
            values[name if name in manager.taking_value else name[-1]] = following.text if following else ""
        elif letters and name[:1] in manager.taking_value:
            values[name[0]] = name[1:]
    return tuple(options), values, operands


def _is_package(manager: Manager, verb: str, text: str) -> bool:
    """Groups of packages have no version, and `yarn install` takes no packages."""
    if manager.name in ("yum", "dnf"):
        return not text.startswith("@") and not verb.startswith(("group", "local"))
    return manager.name != "yarn" or verb not in ("", "install")


def _name(manager: Manager, text: str) -> str:
    if manager.name in ("yum", "dnf"):
        return re.sub(r"-(?:[0-9]+:)?[0-9][^-]*(?:-[0-9][^-]*)?$", "", text)
    if manager.name in ("npm", "yarn", "pnpm", "go", "cargo"):
        return text[:1] + text[1:].partition("@")[0]
    match = _NAME.match(text)
    return match[0].partition("/")[0] if match and manager.name == "apt" else match[0] if match else text


def _pinned(call: Call, text: str | Unknown) -> bool | Unknown:
    """For dnf modules a stream after `:` is the version; some managers take it by an option of the call."""
    if call.manager.name == "dnf" and call.verb.startswith("module") and ":" in pattern_of(text):
        return True
    if call.manager.name in ("gem", "cargo") and {"v", "version", "vers", "rev", "tag", "path"} & call.values.keys():
        return True
    if call.manager.name in ("pip", "uv") and {"c", "constraint"} & call.values.keys():
        return True
    return is_pinned(call.manager, text)


def _confirmed(call: Call) -> bool:
    if call.manager.yes & set(call.options) or call.manager.yes & {"".join(call.options)}:
        return True
    if call.manager.name == "apt":
        quiet = sum(len(o) if set(o) == {"q"} else o == "quiet" for o in call.options)
        if quiet >= 2 or call.values.get("q", "") >= "2" or call.values.get("quiet", "") >= "2":
            return True
        if re.fullmatch(r"APT::Get::Assume-Yes=(?:true|1|yes)", call.values.get("o", ""), re.IGNORECASE):
            return True
    commands = call.run.script.commands
    command = commands[call.position]
    return command.position > 0 and any(c.pipeline == command.pipeline and c.name == "yes" for c in commands)


def _recommends(call: Call) -> bool:
    if call.manager.name != "apt" or {"no-install-recommends", "without-recommends", "R"} & set(call.options):
        return False
    said = call.values.get("o", call.values.get("option", ""))
    return not re.fullmatch(r"APT::Install-Recommends=(?:false|0|no)", said, re.IGNORECASE)


def _cleaned(call: Call, lookup: Any) -> bool | Unknown:
    caches = call.manager.caches
    mounts = call.run.mounts
    if any(cache == mount or cache.startswith(f"{mount}/") for cache in caches for mount in mounts):
        return True
    if any(mount.endswith(cache.removeprefix("/root")) for cache in caches for mount in mounts):
        return True  # the cache of another home
    if call.manager.name == "apk" and "no-cache" in call.options:
        return True
    if call.manager.name in ("pip", "uv"):
        without = _without_cache(call, lookup)
        if without is not False:
            return without
    return _cleaned_later(call)


def _without_cache(call: Call, lookup: Any) -> bool | Unknown:
    """Whether pip or uv is told by an option or a variable to keep no cache."""
    if {"no-cache-dir", "no-cache", "n"} & set(call.options) - ({"n"} if call.manager.name == "pip" else set()):
        return True
    name = "PIP_NO_CACHE_DIR" if call.manager.name == "pip" else "UV_NO_CACHE"
    value: str | Unknown = _assigned(call, name) or lookup(name)
    if isinstance(value, Unknown):
        return False  # nothing in the file sets it
    return value.lower() not in _FALSE


def _assigned(call: Call, name: str) -> str:
    """What the script itself sets a variable to before the call."""
    for command in reversed(call.run.script.commands[: call.position + 1]):
        for assignment in command.assignments:
            if assignment.name == name:
                return assignment.value.text or "0"
        if command.name == "export":
            for word in command.arguments:
                if word.text.startswith(f"{name}="):
                    return word.text.partition("=")[2] or "0"
    return ""


def _cleaned_later(call: Call) -> bool:
    """Whether a command after the call deletes what it cached; `cd` before an `rm` counts."""
    directory = ""
    for position, command in enumerate(call.run.script.commands):
        if command.name == "cd" and len(command.words) > 1:
            directory = posixpath.join(directory, command.words[1].text)
        if position > call.position and _cleans(call, command, directory):
            return True
    return False


def _cleans(call: Call, command: Command, directory: str) -> bool:
    """Whether a command, run in a directory, deletes what a call cached."""
    words = unwrapped(command)
    if not words:
        return False
    name = program(words[0].text)
    if name in ("rm", "find"):
        paths = [word.text.partition("*")[0].rstrip("/") for word in words[1:] if not word.text.startswith("-")]
        absolute = [path if path[0] in "~$" else posixpath.join(directory, path) for path in paths if path]
        return any(_covers(path, cache) for path in absolute for cache in call.manager.caches)
    line = " ".join([name, *(word.text for word in words[1:] if not word.text.startswith("-"))])
    tool = "pip" if call.manager.name == "pip" else call.tool
    return any(
        cleaner != "rm" and re.match(rf"{re.escape(cleaner.replace(call.manager.name, tool, 1))}\b", line)
        for cleaner in call.manager.cleaners
    )


def _covers(path: str, cache: str) -> bool:
    if path.startswith(("~", "$HOME", "${HOME}")):
        path = "/root" + path[path.find("/") :] if "/" in path else "/root"
    return cache == path or cache.startswith(f"{path}/")


def _removed(call: Call, found: tuple[Call, ...]) -> bool | set[str]:
    """The packages that are taken away again in the same RUN; True where those of a call are, or may be, as a whole."""
    names: set[str] = set()
    for other in found:
        if other.run is call.run and other.position > call.position and other.action == "remove":
            if any(isinstance(text, Unknown) for _, text in other.packages):
                return True  # which ones only the shell knows
            names |= {_name(other.manager, pattern_of(text)) for _, text in other.packages}
    virtual = call.values.get("t", call.values.get("virtual", ""))
    return True if virtual and virtual in names else names
