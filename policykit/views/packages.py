"""The views `packageCommand` and `package`: calls of package managers in RUN, and each package they install."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policykit.cel.types import BOOL, STRING, ListType, MapType, ObjectType
from policykit.unknown import Unknown
from policykit.views.managers import is_pinned
from policykit.views.package_calls import Call, calls
from policykit.views.package_words import name_of
from policykit.views.runs import locator, pattern_of
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.parse.dockerfile import Dockerfile
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
        "actions": ListType(STRING),  # what calls of the same manager do in the same RUN, each once
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
        "removed": BOOL,  # it is, or may be, taken away again in the same RUN
        "onbuild": BOOL,
        "ships": BOOL,
    },
)

#: What pip and uv take for a no.
_FALSE = frozenset({"", "0", "off", "no", "false", "f", "n"})


def package_commands(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each call."""
    found: tuple[Call, ...] = project.once(dockerfile, calls)
    actions: dict[tuple[int, str], dict[str, None]] = {}
    for call in found:
        actions.setdefault((id(call.run), call.manager.name), {})[call.action] = None
    for call in found:
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
            "cleaned": _cleaned(call),
            "actions": list(actions[id(call.run), call.manager.name]),
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
        for word, text in call.packages:
            name = name_of(call.manager.name, pattern_of(text))
            fields = {
                "manager": call.manager.name,
                "tool": call.tool,
                "verb": call.verb,
                "text": text,
                "name": text if isinstance(text, Unknown) else name,
                "pinned": _pinned(call, text),
                "removed": call.around.removed_after(call, name),
                "onbuild": call.run.placed.trigger,
                "ships": call.run.ships,
            }
            yield Subject(fields, dockerfile, locator(word.span, call.run.placed.route))


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
    if call.manager.yes & set(call.options):
        return True
    if call.manager.name == "apt":
        quiet = sum(option in ("q", "quiet") for option in call.options)
        if quiet >= 2 or call.values.get("q", "") >= "2" or call.values.get("quiet", "") >= "2":
            return True
        if re.fullmatch(r"APT::Get::Assume-Yes=(?:true|1|yes)", call.values.get("o", ""), re.IGNORECASE):
            return True
    script = call.run.script.commands
    return script[call.position].position > 0 and script[call.position - 1].name == "yes"


def _recommends(call: Call) -> bool:
    if call.manager.name != "apt" or {"no-install-recommends", "without-recommends", "R"} & set(call.options):
        return False
    said = call.values.get("o", call.values.get("option", ""))
    return not re.fullmatch(r"APT::Install-Recommends=(?:false|0|no)", said, re.IGNORECASE)


def _cleaned(call: Call) -> bool:
    for cache in call.manager.caches:
        for mount in call.run.mounts:
            in_another_home = mount.endswith(cache.removeprefix("/root"))
            if cache == mount or cache.startswith(f"{mount}/") or in_another_home:
                return True
    if call.manager.name == "apk" and "no-cache" in call.options:
        return True
    if call.manager.name in ("pip", "uv") and _without_cache(call):
        return True
    return call.around.cleaned_after(call)


def _without_cache(call: Call) -> bool:
    """Whether pip or uv is told by an option or a variable to keep no cache."""
    if {"no-cache-dir", "no-cache"} & set(call.options) or (call.manager.name == "uv" and "n" in call.options):
        return True
    name = "PIP_NO_CACHE_DIR" if call.manager.name == "pip" else "UV_NO_CACHE"
    value = call.around.assigned_before(call, name) or call.around.lookup(name)
    return not isinstance(value, Unknown) and value.lower() not in _FALSE  # unknown: nothing in the file sets it
