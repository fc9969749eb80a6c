"""What package managers are called, what their verbs and options do, and where their caches lie.

Facts from each manager's manual page; data for the views `packageCommand` and `package`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from policykit.unknown import Unknown
from policykit.views.package_words import (
    RPM_VERSION,
    go_local,
    go_pinned,
    local,
    npm_local,
    npm_pinned,
    pip_local,
    version_by,
)
from policykit.views.runs import pattern_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Action = Literal["install", "update", "upgrade", "dist-upgrade", "remove", "clean", "run", ""]
Text = str | Unknown


@dataclass(frozen=True, slots=True)
class Manager:
    """A package manager.

    `verbs`: what a command's first operand (two words of it first) makes it do. `taking_value`: options, without
    dashes, whose value is the next word. `pinned`: whether a package as written asks for a version; `is_local`: whether
    it is a file, a directory or an address rather than a name to look up. `yes`: options that answer every question.
    `caches`: directories that fill; `cleans_itself`: its own verb for cleaning empties them.
    """

    name: str
    verbs: Mapping[str, Action]
    taking_value: frozenset[str]
    pinned: Callable[[str], bool]
    is_local: Callable[[str], bool]
    yes: frozenset[str] = frozenset()
    caches: tuple[str, ...] = ()
    cleans_itself: bool = True


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _verbs(actions: Mapping[Action, str]) -> dict[str, Action]:
    """Verbs by action, verbs of two words written with `_`, into actions by verb."""
    return {verb.replace("_", " "): action for action, verbs in actions.items() for verb in verbs.split()}


_RPM_CACHES = ("/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5")

_APT = Manager(
    "apt",
    _verbs(
        {
            "install": "install build-dep",
            "update": "update",
            "upgrade": "upgrade safe-upgrade reinstall",
            "dist-upgrade": "dist-upgrade full-upgrade",
            "remove": "remove purge autoremove auto-remove",
            "clean": "clean autoclean",
        }
    ),
    _words("o option c config-file t target-release default-release a host-architecture"),
    version_by("[=/]"),
    local(".deb"),
    _words("y yes assume-yes qq"),
    ("/var/lib/apt/lists",),
    cleans_itself=False,
)
_APK = Manager(
    "apk",
    _verbs(
        {
            "install": "add",
            "update": "update",
            "upgrade": "upgrade",
            "remove": "del",
            "clean": "cache_clean cache_purge",
        }
    ),
    _words("t virtual X repository p root repositories-file cache-dir keys-dir wait arch"),
    version_by("[=<>~]"),
    local(".apk"),
    caches=("/var/cache/apk", "/etc/apk/cache"),
)
_RPM_VERBS = _verbs(
    {
        "install": "install in localinstall groupinstall group_install module_install builddep",
        "update": "makecache",
        "upgrade": "reinstall rei upgrade update up upgrade-minimal update-minimal up-min groupupdate",
        "remove": "remove erase rm autoremove",
        "clean": "clean",
    }
)
_RPM_OPTIONS = _words(
    "c config x exclude releasever setopt enablerepo disablerepo repo repoid installroot comment d e R forcearch "
    "disableplugin enableplugin destdir advisory cve disableexcludes"
)
_YUM, _DNF = (
    Manager(
        name,
        _RPM_VERBS,
        _RPM_OPTIONS,
        version_by(RPM_VERSION),
        local(".rpm"),
        _words("y yes assumeyes"),
        _RPM_CACHES,
    )
    for name in ("yum", "dnf")
)
_ZYPPER = Manager(
    "zypper",
    _verbs(
        {
            "install": "install in source-install si",
            "update": "refresh ref",
            "upgrade": "update up patch",
            "dist-upgrade": "dist-upgrade dup",
            "remove": "remove rm",
            "clean": "clean cc",
        }
    ),
    _words("t type r repo from R root D reposd-dir C cache-dir name c config gpg-auto-import-keys-from"),
    version_by("[=<>]"),
    local(".rpm"),
    _words("n non-interactive y no-confirm"),
    ("/var/cache/zypp",),
)
_PIP_OPTIONS = _words(
    "c constraint r requirement e editable t target platform python-version implementation abi root prefix src "
    "upgrade-strategy i index-url extra-index-url f find-links no-binary only-binary progress-bar report "
    "config-settings C global-option install-option log proxy retries timeout exists-action trusted-host cert "
    "client-cert cache-dir python build b use-feature use-deprecated group keyring-provider index-strategy with p "
    "refresh-package suffix pip-args preinstall overrides python-platform index default-index index-args "
    "root-user-action"
)
_PIP = Manager(
    "pip",
    _verbs(
        {
            "install": "install",
            "remove": "uninstall",
            "clean": "cache_purge",
        }
    ),
    _PIP_OPTIONS,
    version_by("[=<>!~]=|[<>]"),
    pip_local,
    caches=("/root/.cache/pip",),
)
_PIPX = Manager(
    "pipx",
    _verbs(
        {
            "install": "install",
            "run": "run",
        }
    ),
    _PIP_OPTIONS,
    _PIP.pinned,
    pip_local,
)
_UV = Manager(
    "uv",
    _verbs(
        {
            "install": "pip_install tool_install",
            "run": "tool_run",
            "clean": "cache_clean cache_prune",
        }
    ),
    _PIP_OPTIONS,
    version_by("[=<>!~]=|[<>]|@[0-9]"),
    pip_local,
    caches=("/root/.cache/uv",),
)
_NODE_OPTIONS = _words(
    "prefix registry loglevel cache userconfig globalconfig tag omit include C w workspace node-options script-shell "
    "install-strategy cwd dir store-dir filter F network-timeout modules-folder cache-folder mutex use-yarnrc"
)
_NPM = Manager(
    "npm",
    _verbs(
        {
            "install": "install i in ins inst isntall add",
            "update": "outdated",
            "upgrade": "update up",
            "remove": "uninstall remove rm un",
        }
    ),
    _NODE_OPTIONS,
    npm_pinned,
    npm_local,
)
_YARN = Manager(
    "yarn",
    _verbs(
        {
            "install": "add global_add install",
            "upgrade": "upgrade up",
            "remove": "remove",
            "clean": "cache_clean",
        }
    ),
    _NODE_OPTIONS,
    npm_pinned,
    npm_local,
    caches=("/usr/local/share/.cache/yarn", "/root/.cache/yarn", "/root/.yarn"),
)
_PNPM = Manager(
    "pnpm",
    _verbs(
        {
            "install": "add install i",
            "upgrade": "update up",
            "remove": "remove rm",
        }
    ),
    _NODE_OPTIONS,
    npm_pinned,
    npm_local,
)
_GEM = Manager(
    "gem",
    _verbs(
        {
            "install": "install i",
            "upgrade": "update",
            "remove": "uninstall",
            "clean": "cleanup",
        }
    ),
    _words(
        "v version i install-dir n bindir document build-root platform P trust-policy target-rbconfig s source p "
        "http-proxy B bulk-threshold config-file g file use-system-libraries"
    ),
    version_by(":"),
    local(".gem"),
)
_GO = Manager(
    "go",
    _verbs(
        {
            "install": "install get run",
            "clean": "clean",
        }
    ),
    _words(
        "C p asmflags buildmode buildvcs compiler gccgoflags gcflags installsuffix ldflags mod modfile overlay pgo "
        "pkgdir tags toolexec exec covermode coverpkg"
    ),
    go_pinned,
    go_local,
)
_CARGO = Manager(
    "cargo",
    _verbs(
        {
            "install": "install",
        }
    ),
    _words(
        "vers version git branch tag rev path index registry F features profile target target-dir root j jobs config"
    ),
    version_by("@"),
    local(),
)

#: By the name of the program.
MANAGERS: Mapping[str, Manager] = {
    **dict.fromkeys(("apt-get", "apt", "aptitude"), _APT),
    "apk": _APK,
    "yum": _YUM,
    **dict.fromkeys(("dnf", "dnf5", "microdnf", "tdnf"), _DNF),
    "zypper": _ZYPPER,
    "pip": _PIP,
    "pipx": _PIPX,
    "uv": _UV,
    "npm": _NPM,
    "yarn": _YARN,
    "pnpm": _PNPM,
    "gem": _GEM,
    "go": _GO,
    "cargo": _CARGO,
}
_PIP_PROGRAM = re.compile(r"pip[23]?(?:\.[0-9]+)?")
_PYTHON_PROGRAM = re.compile(r"python[23]?(?:\.[0-9]+)?")


def find_manager(words: list[str]) -> tuple[Manager, str, int] | None:
    """The manager that a command line calls, the name it is called by, and where its arguments begin."""
    if _PYTHON_PROGRAM.fullmatch(words[0]) and words[1:3] == ["-m", "pip"]:
        return _PIP, "pip", 3
    if _PIP_PROGRAM.fullmatch(words[0]):
        return _PIP, words[0], 1
    manager = MANAGERS.get(words[0])
    return None if manager is None else (manager, words[0], 1)


def is_pinned(manager: Manager, text: Text) -> bool | Unknown:
    """Whether a package as written asks for a version, or needs none because it is a file."""
    known = pattern_of(text)
    if manager.is_local(known) or manager.pinned(known):
        return True
    return text if isinstance(text, Unknown) else False
