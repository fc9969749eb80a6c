"""The text of a would-be manifest into the first sign that it is a template, to be rendered before it is one.

Braces alone prove nothing: Argo workflows, Prometheus rules, Kyverno policies and every ConfigMap may hold `{{ }}`
that is meant for somebody else. A text is a template where an action keeps it from being YAML, or where an action
stands in a place that Kubernetes would refuse it in.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from policykit.parse.yaml import events

if TYPE_CHECKING:
    from collections.abc import Iterator

_HINTS = ("{{", "${", "{%", "<%", "#@")
_BRACES = (("{{", "}}"), ("{%", "%}"), ("<%", "%>"))
_VARIABLE = re.compile(r"\$\{[A-Za-z_][^{}]*\}")
#: An action at the start of a line or of a value, where YAML wants a mapping to begin.
_LEADING = re.compile(r"^ *(?:- +)*(?:[\w./\"'-]+: +)?(\{\{|\{%|<%)", re.MULTILINE)
_YTT = re.compile(r"^ *#@|: +#@", re.MULTILINE)
#: What only a Helm template calls.
_HELM = re.compile(
    r"\{\{-?[\s(]*(?:\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|(?:include|template|tpl|define|block)\s)"
)
#: An API group that is not Kubernetes' own: its controller may have a use for braces.
_FOREIGN_GROUP = re.compile(
    r"^ *[\"']?apiVersion[\"']?\s*:\s*[\"']?(?![\w.-]*\.k8s\.io/)[\w-]+\.[\w.-]+/", re.MULTILINE
)
#: Fields whose value Kubernetes checks, so that no braces in them can be meant for anybody else.
_CHECKED = frozenset(("apiVersion", "kind", "name", "namespace", "image", "replicas"))


class Template(NamedTuple):
    """What kind of template it is and what to do, and the range of the text that shows it."""

    reason: str
    start: int
    end: int


def may_be_template(text: str) -> bool:
    """Is it worth looking closer? Fast, and false for nearly every manifest."""
    return any(hint in text for hint in _HINTS)


def template_in(name: str, text: str) -> Template | None:
    """The first sign that `text` is a template, or None where it is meant to be read as it is."""
    if ytt := _YTT.search(text):
        return Template("ytt template: render it (`ytt -f`) and check the result", *ytt.span())
    reason = "template that is not YAML yet: render it and check the result"
    if _HELM.search(text):
        reason = "Helm template that is not YAML yet: render it (`helm template`) and check the result"
    if "templates" in PurePosixPath(name.replace("\\", "/")).parts[:-1] and (action := _action(text)):
        return Template(reason, *action)
    has_own_braces = _FOREIGN_GROUP.search(text) is not None
    try:
        for scalar in _scalars(text):
            if sign := _sign(scalar, has_own_braces=has_own_braces):
                start = text.find(sign, scalar.start)
                whole = _action(text, start) if sign == "{{" else None
                return Template(reason, *(whole or (start, start + len(sign))))
    except yaml.YAMLError as error:
        if action := _cause(text, error):
            return Template(reason, *action)
    except UnicodeEncodeError:
        return None  # the parser says where
    return None


def _action(text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """The range of the first action between two offsets."""
    found = []
    for opening, closing in _BRACES:
        begin = text.find(opening, start, end)
        stop = text.find(closing, begin, end) if begin >= 0 else -1
        if stop >= 0:
            found.append((begin, stop + len(closing)))
    return min(found, default=None)


class _Scalar(NamedTuple):
    key: str
    value: str
    is_plain: bool
    start: int


def _scalars(text: str) -> Iterator[_Scalar]:
    """Every value but block scalars, with the key it stands under; `{{` where a mapping begins as an action does."""
    next_event = events(text)
    keys: list[str | None] = []  # per open collection: None where a key comes next, the key's text where a value does
    in_mapping: list[bool] = []
    while (event := next_event()) is not None:
        is_key = bool(in_mapping) and in_mapping[-1] and keys[-1] is None
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if event.flow_style and text.startswith("{{", _start(event)):
                yield _Scalar("", "{{", True, _start(event))
            in_mapping.append(isinstance(event, yaml.MappingStartEvent))
            keys.append(None if in_mapping[-1] else (keys[-1] if keys else ""))
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            in_mapping.pop()
            keys.pop()
            is_key = bool(in_mapping) and in_mapping[-1] and keys[-1] is None
        elif isinstance(event, yaml.ScalarEvent) and not is_key and event.style not in ("|", ">"):
            yield _Scalar((keys[-1] if keys else "") or "", event.value, not event.style, _start(event))
        elif not isinstance(event, yaml.NodeEvent):
            continue
        if in_mapping and in_mapping[-1]:
            keys[-1] = getattr(event, "value", "") if is_key else None


def _sign(scalar: _Scalar, *, has_own_braces: bool) -> str:
    """The action in a scalar that makes a template of the text, or ""."""
    value = scalar.value
    if helm := _HELM.search(value):
        return helm.group()
    if value == "{{" and scalar.is_plain:
        return value
    if has_own_braces or not (scalar.is_plain or scalar.key in _CHECKED):
        return ""
    if action := _action(value):
        return value[slice(*action)]
    variable = _VARIABLE.search(value) if scalar.key in _CHECKED else None
    return variable.group() if variable else ""


def _cause(text: str, error: yaml.YAMLError) -> tuple[int, int] | None:
    """The action that keeps the text from being YAML, if that is what does."""
    if leading := _LEADING.search(text):
        return _action(text, leading.start(1))
    if not isinstance(error, yaml.MarkedYAMLError) or (mark := error.problem_mark) is None:
        return None
    end = text.find("\n", mark.index)
    return _action(text, text.rfind("\n", 0, mark.index) + 1, None if end < 0 else end)


def _start(event: yaml.Event) -> int:
    mark: Any = event.start_mark  # libyaml gives one to every event
    start: int = mark.index
    return start
