"""An image reference, as text of which pieces may be unknown, turned into registry, repository, tag and digest.

Grammar and normalisation are those of the distribution project's `reference` package (grammar in its
`reference.go`), which Docker, containerd and the kubelet share. No document and no policy here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from policykit.unknown import HOLE, Unknown

DOCKER_HUB = "docker.io"
#: Hosts that serve Docker Hub's own content; an allow-list or deny-list must not tell them apart.
_DOCKER_HUB_HOSTS = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_OFFICIAL = "library"

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(_HOST)
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
#: An image ID: Docker refuses it as a name, because it could not be told from one.
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_MAXIMUM_NAME = 255

Text = str | Unknown


class ImageReference(NamedTuple):
    """A reference and its parts; each part is Unknown where the pieces that decide it are.

    `ref` as it was written, `registry` lower case with Docker Hub's aliases folded and without `:443`,
    `repository` with Hub's implicit `library/`, `tag` and `digest` empty where there is none,
    `name` is `registry/repository`. `valid` is false for what no runtime accepts; the parts are then a best reading.
    """

    ref: Text
    registry: Text
    repository: Text
    name: Text
    tag: Text
    digest: Text
    valid: bool


def parse_image_reference(ref: Text) -> ImageReference:
    """Split `ref` (with `Unknown.pattern` for a text known in part). Never raises: see `ImageReference.valid`."""
    reasons = ref.reasons if isinstance(ref, Unknown) else ()
    pattern = ref.pattern if isinstance(ref, Unknown) else ref

    def text(part: str) -> Text:
        return Unknown(reasons, part) if HOLE in part else part

    rest, tag, digest = _split_version(pattern)
    registry, repository = _split_registry(rest)
    # An unknown registry may be Docker Hub, which would put `library/` between the two.
    name = f"{registry}/{repository}" if registry != HOLE else f"{HOLE}{repository}".replace(HOLE * 2, HOLE)
    return ImageReference(
        ref,
        text(registry),
        text(repository),
        text(name),
        text(tag),
        text(digest),
        not pattern.partition("@")[0].endswith(":")
        and not pattern.endswith("@")
        and _is_valid(rest, registry, repository, tag, digest),
    )


def _split_version(pattern: str) -> tuple[str, str, str]:
    """Name, tag and digest. A hole at the end may hold a tag and a digest of its own: then both are unknown."""
    rest, at, digest = pattern.partition("@")
    start = rest.rfind("/") + 1
    colon = rest.find(":", start)
    tag = rest[colon + 1 :] if colon >= 0 else ""
    name = rest[:colon] if colon >= 0 else rest
    if not at and rest.endswith(HOLE):
        digest = HOLE
    if colon < 0 and HOLE in rest[start:]:
        tag = HOLE
    return name, tag, digest


def _split_registry(name: str) -> tuple[str, str]:
    """Registry and repository by Docker's rule: the first component is a host if it looks like one."""
    first, slash, rest = name.partition("/")
    if HOLE in first:
        return HOLE, (rest if slash and first == HOLE else HOLE)
    if slash and _is_host(first):
        registry = _normal_registry(first)
        if registry == DOCKER_HUB and "/" not in rest and HOLE not in rest:
            rest = f"{_OFFICIAL}/{rest}"
        return registry, rest
    return DOCKER_HUB, (name if slash else f"{_OFFICIAL}/{name}")


def _is_host(component: str) -> bool:
    return any(c in component for c in ".:") or component == "localhost" or component.lower() != component


def _normal_registry(host: str) -> str:
    registry = host.lower().removesuffix(":443")
    return DOCKER_HUB if registry in _DOCKER_HUB_HOSTS else registry


def _is_valid(rest: str, registry: str, repository: str, tag: str, digest: str) -> bool:
    if _IDENTIFIER.fullmatch(rest):
        return False
    checks = ((_REGISTRY, registry), (_REPOSITORY, repository), (_TAG, tag), (_DIGEST, digest))
    return len(registry) + 1 + len(repository) <= _MAXIMUM_NAME and all(
        HOLE in part or form.fullmatch(part) is not None
        for form, part in checks
        if part or form in (_REGISTRY, _REPOSITORY)
    )


def matches_any(name: Text, patterns: list[str]) -> bool | Unknown:
    """Whether an image name (`ImageReference.name`) lies under one of `patterns`.

    A pattern is a registry, a repository or a prefix of one at a `/` boundary: `ghcr.io`, `ghcr.io/our-org`. Without a
    host it is on Docker Hub: one plain word is an official image, `our-org/*` an organisation; `docker.io/name` is
    both. `*` stands for any characters within one component.
    Unknown where the known pieces of `name` decide it for no pattern and may for one.
    """
    have = (name.pattern if isinstance(name, Unknown) else name).split("/")
    verdicts = {_lies_under(have, wanted) for pattern in patterns for wanted in _readings(pattern)}
    if True in verdicts:
        return True
    return name if None in verdicts and isinstance(name, Unknown) else False


def _lies_under(have: list[str], wanted: list[str]) -> bool | None:
    for index, glob in enumerate(wanted):
        if index >= len(have):
            return False
        if HOLE in have[index]:
            # A hole may hold slashes, so nothing after it has a certain place.
            return None if _may_match(glob, have[index]) else False
        if not (_glob(glob).fullmatch(have[index]) if "*" in glob else glob == have[index]):
            return False
    return True


@lru_cache(maxsize=1024)
def _readings(pattern: str) -> tuple[list[str], ...]:
    """The components that a name must begin with; the official image of Docker Hub's `name` has just those."""
    trimmed = pattern.removesuffix("/*").removesuffix("/")
    first, slash, rest = trimmed.partition("/")
    if _is_host(first) or first == "*":
        registry = _normal_registry(first)
        if registry == DOCKER_HUB and rest and "/" not in rest:
            return [registry, rest], [registry, _OFFICIAL, rest]
        return ([registry, *rest.split("/")] if rest else [registry],)
    if slash or pattern != trimmed:
        return ([DOCKER_HUB, *trimmed.split("/")],)
    return ([DOCKER_HUB, _OFFICIAL, trimmed],)


@lru_cache(maxsize=1024)
def _glob(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in glob.split("*")), re.DOTALL)


def _may_match(glob: str, component: str) -> bool:
    """Whether some filling of the holes may make `component` start or equal `glob`; decided by its known beginning."""
    known = component.split(HOLE, maxsplit=1)[0]
    fixed = glob.split("*", maxsplit=1)[0]
    return known.startswith(fixed) or (fixed.startswith(known) if "*" not in glob or len(known) < len(fixed) else False)
