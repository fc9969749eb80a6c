"""The text of one YAML document into a tree of nodes, each with its value and the span it was written at.

The slow path, with every rule of the language that needs care: anchors, aliases, merge keys, tags, duplicate keys.
Data that needs none of them never comes here, except for a span.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from policykit.document import Span
from policykit.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.document import Route, Source
    from policykit.parse.yaml_scalars import Rules

#: Collections inside collections. Real manifests stay under 80; whoever walks the data may recurse.
MAX_DEPTH = 256
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_LINE_END = re.compile(r"\r\n|\n|\r")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+|#[^\n\r]*)*)+")


class Entry(NamedTuple):
    """One key of a mapping: where the key was written, and its value."""

    key: Span
    node: Node


@dataclass(slots=True)
class Node:
    """A value and where it was written: `dict[str, Entry]`, `list[Node]`, or a scalar.

    Nodes are shared by aliases and never changed once composed.
    """

    value: Any
    span: Span
    tag: str | None = None

    def data(self) -> Any:
        """The plain value; what aliases share stays shared."""
        return _data(self, {})


def _data(node: Node, known: dict[int, Any]) -> Any:
    value = node.value
    if not isinstance(value, dict | list):
        return value
    if (data := known.get(id(node))) is None:
        if isinstance(value, dict):
            data = {key: _data(entry.node, known) for key, entry in value.items()}
        else:
            data = [_data(item, known) for item in value]
        known[id(node)] = data
    return data


def find(root: Node, route: Route, *, key: bool = False) -> Span:
    """The span of `route` in the tree, as `policykit.document.Document.span` promises it."""
    node, span, mapping = root, root.span, root
    for step in route:
        value = node.value
        if isinstance(value, dict):
            mapping = node
            entry = value.get(step) if isinstance(step, str) else None
            if entry is None:
                return first_key(mapping)
            node, span = entry.node, entry.key if key else entry.node.span
        elif isinstance(value, list):
            if not isinstance(step, int) or not 0 <= step < len(value):
                return node.span
            node = value[step]
            span = node.span
        else:
            return first_key(mapping)
    return span


def first_key(node: Node) -> Span:
    """The first key written in a mapping (not merged into it), or the node itself where there is none."""
    if not isinstance(node.value, dict):
        return node.span
    keys = (entry.key for entry in node.value.values())
    return next((key for key in keys if key.file == node.span.file and key[1:3] >= node.span[1:3]), node.span)


class Lines:
    """A text's offsets as lines and columns. Lines end with LF, CR LF or CR, as in every editor."""

    __slots__ = ("_name", "_starts")

    def __init__(self, source: Source) -> None:
        self._name = source.name
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(source.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        return Span(self._name, *self.position(start), *self.position(max(start, end)))


class Anchor(NamedTuple):
    """A node with a name, and how much comes along wherever an alias repeats it."""

    node: Node
    size: int
    height: int


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read yet."""

    node: Node
    event: Any
    end: int
    size: int = 1
    height: int = 1
    key: Node | None = None
    merges: list[tuple[int, Node]] | None = None


class _Composer:
    """The events of one document, bottom up and without recursion, into its root node."""

    def __init__(self, source: Source, offset: int, rules: Rules, lines: Lines) -> None:
        self._text = source.text
        self._offset = offset
        self._rules = rules
        self._lines = lines
        self._anchors: dict[str, Anchor | None] = {}
        self._stack: list[_Open] = []
        self._aliased = 0
        self._root: Node | None = None

    def compose(self, next_event: Callable[[], Any]) -> Node:
        while not isinstance(event := next_event(), yaml.DocumentEndEvent | yaml.StreamEndEvent):
            if isinstance(event, yaml.ScalarEvent):
                node, end = self._scalar(event)
                self._add(Anchor(node, 1, 0), event, end)
            elif isinstance(event, yaml.AliasEvent):
                end_mark: Any = event.end_mark  # libyaml gives one to every event
                self._add(self._alias(event), event, end_mark.index + self._offset)
            elif isinstance(event, yaml.MappingStartEvent):
                self._open({}, event)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open([], event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
        return self._root or Node(None, self._lines.span(self._offset, self._offset))

    # -- events ------------------------------------------------------------------------------------------------------

    def _scalar(self, event: Any) -> tuple[Node, int]:
        tag, text = event.tag, event.value
        try:
            if tag is None or tag == "!":
                value = self._rules.plain(text) if event.implicit[0] and tag is None else text
            else:
                value = self._rules.tagged(tag, text)
        except ValueError as error:
            raise self._error(str(error), event) from None
        start, end = self._start(event), event.end_mark.index + self._offset
        if event.style in ("|", ">"):  # its end event stands at the next token, past blank lines
            end = start + len(self._text[start:end].rstrip())
        return Node(value, self._lines.span(start, end), self._kept(event)), end

    def _alias(self, event: Any) -> Anchor:
        if event.anchor not in self._anchors:
            raise self._error(f"alias *{event.anchor} has no anchor &{event.anchor} before it", event)
        anchor = self._anchors[event.anchor]
        if anchor is None:
            raise self._error(f"anchor &{event.anchor} contains itself", event)
        self._aliased += anchor.size
        if self._aliased > self._rules.most_aliased:
            raise self._error(f"aliases stand for more than {self._rules.most_aliased:,} nodes", event)
        if len(self._stack) + anchor.height > MAX_DEPTH:
            raise too_deep(self._lines, event.start_mark.index + self._offset)
        return anchor

    def _open(self, value: dict[str, Entry] | list[Node], event: Any) -> None:
        start = self._start(event)
        if len(self._stack) >= MAX_DEPTH:
            raise too_deep(self._lines, start)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(Node(value, self._lines.span(start, start), self._kept(event)), event, start))

    def _close(self, event: Any) -> None:
        done = self._stack.pop()
        if done.merges:
            done.node.value = self._merged(done.node.value, done.merges)
        if done.event.flow_style:  # the end event of a block stands at the next token, past comments
            done.end = event.end_mark.index + self._offset
        line, column = self._lines.position(done.end)
        done.node.span = done.node.span._replace(end_line=line, end_column=column)
        self._add(Anchor(done.node, done.size, done.height), done.event, done.end)

    # -- tree --------------------------------------------------------------------------------------------------------

    def _add(self, item: Anchor, event: Any, end: int) -> None:
        if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
            self._anchors[event.anchor] = item
        if not self._stack:
            self._root = item.node
            return
        parent = self._stack[-1]
        parent.end = end
        parent.size += item.size
        parent.height = max(parent.height, item.height + 1)
        if isinstance(parent.node.value, list):
            parent.node.value.append(item.node)
        elif parent.key is None:
            parent.key = self._key(item.node, event, parent)
        else:
            if item.node.span[1:3] == item.node.span[3:]:
                item.node.span = parent.key.span  # nothing is written there: the key is what a reader sees
            self._entry(parent, parent.key, item.node)
            parent.key = None

    def _key(self, node: Node, event: Any, parent: _Open) -> Node:
        if isinstance(node.value, dict | list):
            raise self._error("a mapping or a list cannot be a key", event)
        span = self._lines.span(event.start_mark.index + self._offset, event.end_mark.index + self._offset)
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            return Node(_MERGE, span)
        try:
            key = self._rules.key(node.value)
        except ValueError as error:
            raise self._error(str(error), event) from None
        if first := parent.node.value.get(key):
            line, column = first.key.line, first.key.column
            raise self._error(f"duplicate key `{key}`, first at {line}:{column}", event)
        return Node(key, span)

    def _entry(self, parent: _Open, key: Node, node: Node) -> None:
        if key.value is not _MERGE:
            parent.node.value[key.value] = Entry(key.span, node)
            return
        parts = node.value if isinstance(node.value, list) else [node]
        if not all(isinstance(part.value, dict) for part in parts):
            raise ParseError("`<<` wants a mapping or a list of mappings", key.span.line, key.span.column)
        if parent.merges is None:
            parent.merges = []
        elif not self._rules.last_merge_wins:
            raise ParseError("duplicate key `<<`", key.span.line, key.span.column)
        # Of a list of mappings the first wins, so it comes last.
        parent.merges += [(len(parent.node.value), part) for part in reversed(parts)]

    def _merged(self, written: dict[str, Entry], merges: list[tuple[int, Node]]) -> dict[str, Entry]:
        """What the merge keys bring in. Compose lets the written keys win, Kubernetes whatever comes last."""
        merged: dict[str, Entry] = {}
        if not self._rules.last_merge_wins:
            for _, part in merges:
                merged.update(part.value)
            return merged | written
        entries = list(written.items())
        begin = 0
        for position, part in merges:
            merged.update(entries[begin:position])
            merged.update(part.value)
            begin = position
        merged.update(entries[begin:])
        return merged

    # -- places ------------------------------------------------------------------------------------------------------

    def _kept(self, event: Any) -> str | None:
        return event.tag if event.tag in self._rules.kept_tags else None

    def _start(self, event: Any) -> int:
        """Where the value itself begins, past its anchor and tag."""
        start: int = event.start_mark.index + self._offset
        if event.tag is not None or event.anchor is not None:
            match = _PROPERTIES.match(self._text, start, event.end_mark.index + self._offset)
            return match.end() if match else start
        return start

    def _error(self, message: str, event: Any) -> ParseError:
        return ParseError(message, *self._lines.position(event.start_mark.index + self._offset))


def too_deep(lines: Lines, offset: int) -> ParseError:
    return ParseError(TOO_DEEP, *lines.position(offset))


def compose(source: Source, offset: int, rules: Rules, lines: Lines, next_event: Callable[[], Any]) -> Node:
    """The root node of the document whose events come next; `offset` is where their text starts in the source."""
    return _Composer(source, offset, rules, lines).compose(next_event)


_MERGE = object()
