"""A file's name, and a glance at its text, into what it is: Dockerfile, Compose file, Kubernetes manifest, or none.

No full parse: large trees go through here. A broken file still is what its name or its keys say it is, so that the
parser gets to report it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policykit.document import Target

_DOCKERFILE = re.compile(r"(?:dockerfile|containerfile)\Z", re.IGNORECASE)
_DOCKERFILE_LIKE = re.compile(
    r"(?:dockerfile|containerfile)[._-][^/]+\Z|[^/]+[._-](?:dockerfile|containerfile)\Z", re.IGNORECASE
)
#: Endings that make something else of `Dockerfile.<ending>`: its ignore file, a page about it, a template, a backup.
_OTHER_ENDINGS = frozenset(
    (
        *("dockerignore", "md", "rst", "adoc", "html", "yaml", "yml", "json", "bak", "orig", "rej", "patch", "diff"),
        *("j2", "jinja", "jinja2", "erb", "tmpl", "gotmpl", "tpl", "template", "mustache", "in", "m4"),
    )
)
_COMPOSE = re.compile(r"(?:docker-)?compose\.(?:ya?ml|json)\Z", re.IGNORECASE)
_COMPOSE_LIKE = re.compile(r"(?:[^/]*[._-])?compose(?:[._-][^/]*)?\.(?:ya?ml|json)\Z", re.IGNORECASE)
_YAML_LIKE = re.compile(r"[^/]*\.(?:ya?ml|json)\Z", re.IGNORECASE)

_INSTRUCTION_FIRST = re.compile(
    r"(?:\s|#[^\n]*(?:\n|\Z))*(?:FROM|ARG|RUN|COPY|ADD|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL"
    r"|STOPSIGNAL|USER|VOLUME|WORKDIR)[ \t]",
    re.IGNORECASE,
)
_KEY = re.compile(r"^([ \t]*)(?:---[ \t]+)?[\"']?([A-Za-z][\w.-]*)[\"']?[ \t]*:(?=\s|\Z)", re.MULTILINE)
_FLOW_KEY = re.compile(r"[{,]\s*[\"']?([A-Za-z][\w.-]*)[\"']?\s*:")
_FLOW_START = re.compile(r"(?:\s|#[^\n]*\n|---)*\{(?!\{)")
_COMPOSE_SECTIONS = frozenset(("services", "include", "networks", "volumes", "secrets", "configs", "models"))


def could_be(name: str) -> bool:
    """Is the file worth reading at all, by its name?"""
    base = _base(name)
    return _YAML_LIKE.match(base) is not None or _is_dockerfile_name(base)


def detect(name: str, text: str) -> Target | None:
    """What a file is meant to be, by name and content; None for everything that is not ours to judge."""
    base = _base(name)
    if _is_dockerfile_name(base):
        return "dockerfile" if _DOCKERFILE.match(base) or _INSTRUCTION_FIRST.match(text) else None
    if not _YAML_LIKE.match(base):
        return None
    keys = _top_level_keys(text)
    if "apiVersion" in keys and "kind" in keys:
        return "kubernetes"
    if _COMPOSE.match(base):
        return "compose"
    return "compose" if _COMPOSE_LIKE.match(base) and keys & _COMPOSE_SECTIONS else None


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _is_dockerfile_name(base: str) -> bool:
    if _DOCKERFILE.match(base):
        return True
    return _DOCKERFILE_LIKE.match(base) is not None and base.rpartition(".")[2].lower() not in _OTHER_ENDINGS


def _top_level_keys(text: str) -> set[str]:
    """The keys of the outermost mappings: those with the least indentation; in flow style, all keys."""
    if _FLOW_START.match(text):
        return set(_FLOW_KEY.findall(text))
    found: dict[str, set[str]] = {}
    for indentation, key in _KEY.findall(text):
        found.setdefault(indentation, set()).add(key)
    return found[min(found, key=len)] if found else set()
