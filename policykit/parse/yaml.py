"""The text of a YAML or JSON file into documents: plain data at once, positions when somebody asks.

The data is built straight from libyaml's events. What needs care (aliases, merge keys, tags, errors) and every
span comes from the tree of `yaml_nodes`, composed for the one document in question.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from yaml import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from policykit.errors import ParseError
from policykit.parse import yaml_json, yaml_nodes
from policykit.parse.yaml_nodes import MAX_DEPTH, Lines, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from policykit.document import Route, Source, Span, Target
    from policykit.parse.yaml_scalars import Rules

#: Documents in one stream; a file of ten thousand manifests is far beyond any real one.
MAX_DOCUMENTS = 100_000

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BOUNDARY = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)

#: In place of data that the fast path leaves to the tree.
_SPECIAL: Any = object()


class YamlFile:
    """What all documents of one file share: its source, the rules it is read by, and its lines."""

    __slots__ = ("_lines", "rules", "source")

    def __init__(self, source: Source, rules: Rules) -> None:
        self.source = source
        self.rules = rules
        self._lines: Lines | None = None

    @property
    def lines(self) -> Lines:
        if self._lines is None:
            self._lines = Lines(self.source)
        return self._lines


class YamlDocument:
    """One document of a stream; implements `policykit.document.Document`."""

    __slots__ = ("_data", "_file", "_is_json", "_range")

    def __init__(self, file: YamlFile, start: int, end: int, data: Any = _SPECIAL, *, is_json: bool = False) -> None:
        """`start` and `end` are offsets in the file's text; without `data` it comes from the tree (ParseError)."""
        self._file = file
        self._range = start, end
        self._is_json = is_json
        self._data = self.root.data() if data is _SPECIAL else data

    @property
    def source(self) -> Source:
        return self._file.source

    @property
    def target(self) -> Target:
        return self._file.rules.target

    @property
    def data(self) -> Any:
        return self._data

    @property
    def root(self) -> Node:
        """The document as a tree of nodes, composed when asked for."""
        return _compose(self._file, *self._range, self._is_json)

    def span(self, route: Route, *, key: bool = False) -> Span:
        return yaml_nodes.find(self.root, route, key=key)


@lru_cache(maxsize=64)
def _compose(file: YamlFile, start: int, end: int, is_json: bool) -> Node:
    """A tree takes fifty times the memory of its text, so that of a large run only the latest are kept."""
    if is_json:
        return yaml_json.compose(file.source.text, start, file.rules, file.lines)
    return yaml_nodes.compose(file.source, start, file.rules, file.lines, events(file.source.text[start:end]))


def parse_yaml(source: Source, rules: Rules) -> Iterator[YamlDocument | ParseError]:
    """The documents of a stream in order, with an error in the place of each one that cannot be read.

    A file that is JSON (by its name, or by its first character if the rest agrees) is read by JSON's rules.
    Never raises.
    """
    file = YamlFile(source, rules)
    text = source.text
    if source.name.endswith(".json") or text.lstrip(" \t\r\n").startswith("{"):
        documents = list(_parse_json(file))
        if source.name.endswith(".json") or not any(isinstance(document, ParseError) for document in documents):
            yield from documents
            return
    try:
        yield from list(_parse_stream(file, 0, len(text)))
    except ParseError as error:
        ranges = document_ranges(text)
        if 1 < len(ranges) <= MAX_DOCUMENTS:
            yield from parse_ranges(source, rules, ranges)
        else:
            yield error


def _parse_json(file: YamlFile) -> Iterator[YamlDocument | ParseError]:
    try:
        for start, end, data in yaml_json.parse(file.source.text, file.rules, file.lines):
            yield YamlDocument(file, start, end, data, is_json=True)
    except ParseError as error:
        yield error


def document_ranges(text: str) -> list[tuple[int, int]]:
    """Where a stream may be cut: each `---` at the start of a line begins a new document, whatever came before."""
    starts = [_with_directives(text, match.start()) for match in _BOUNDARY.finditer(text)]
    if not starts or text[: starts[0]].strip():
        starts.insert(0, 0)
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _with_directives(text: str, start: int) -> int:
    """The start of the `%` lines right before `start`, which belong to the document that begins there."""
    while start and text[(line := text.rfind("\n", 0, start - 1) + 1)] == "%":
        start = line
    return start


def parse_ranges(
    source: Source, rules: Rules, ranges: Iterable[tuple[int, int]]
) -> Iterator[YamlDocument | ParseError]:
    """`parse_yaml` for some parts of the text, each on its own, so that a broken one hides no other."""
    file = YamlFile(source, rules)
    for start, end in ranges:
        try:
            yield from list(_parse_stream(file, start, end))
        except ParseError as problem:
            yield problem


def _parse_stream(file: YamlFile, start: int, end: int) -> Iterator[YamlDocument | ParseError]:
    """The documents between two offsets; ParseError where the text is not YAML from some place on."""
    found: list[tuple[int, Any]] = []
    try:
        text = file.source.text
        next_event = events(text if (start, end) == (0, len(text)) else text[start:end])
        plain, keys = _Plain(file.rules), _Keys(file.rules)
        while (event := next_event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                if len(found) >= MAX_DOCUMENTS:
                    raise ParseError(f"more than {MAX_DOCUMENTS:,} documents in one file")
                mark: Any = event.start_mark
                # From its first column: the indentation of the first line counts.
                found.append((mark.index - mark.column + start, _read(next_event, plain, keys)))
    except yaml.YAMLError as error:
        raise _parse_error(file, error, start) from None
    except UnicodeEncodeError as error:
        raise ParseError("a lone surrogate is not a character", *file.lines.position(start + error.start)) from None
    for index, (begin, data) in enumerate(found):
        stop = found[index + 1][0] if index + 1 < len(found) else end
        try:
            yield YamlDocument(file, begin, stop, data)
        except ParseError as error:
            yield error


def events(text: str) -> Callable[[], Any]:
    """libyaml's events, or the pure Python parser's where PyYAML was built without it."""
    if yaml.__with_libyaml__:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]

        next_event: Callable[[], Any] = CParser(text).get_event
    else:
        next_event = yaml.SafeLoader(text).get_event
    return next_event


class _Plain(dict[str, Any]):
    """The values of plain scalars, each text resolved once in a file."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def __missing__(self, text: str) -> Any:
        try:
            value = self._rules.plain(text)
        except ValueError:
            value = _SPECIAL
        self[text] = value
        return value


class _Keys(dict[str, Any]):
    """The keys that plain scalars read as."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def __missing__(self, text: str) -> Any:
        try:
            key = _SPECIAL if text == "<<" else self._rules.key(self._rules.plain(text))
        except ValueError:
            key = _SPECIAL
        self[text] = key
        return key


def _read(next_event: Callable[[], Any], plain: _Plain, keys: _Keys) -> Any:
    """One document's data from its events, or `_SPECIAL` where only the tree gets it right.

    One loop without calls: this is where the time of a run goes.
    """
    special = False
    value: Any = None
    stack: list[tuple[Any, Any]] = []
    top: Any = None
    key: Any = None
    is_mapping = False
    while True:
        event = next_event()
        kind = type(event)
        if kind is ScalarEvent:
            value = event.value
            if event.anchor is not None or event.tag is not None:
                special = True
            if is_mapping and key is None:
                key = keys[value] if event.implicit[0] else value
                if key is _SPECIAL or key in top:
                    special = True
                continue
            if event.implicit[0]:
                value = plain[value]
                if value is _SPECIAL:
                    special = True
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.anchor is not None or event.tag is not None:
                special = True
            if len(stack) >= MAX_DEPTH:
                raise yaml.MarkedYAMLError(problem=yaml_nodes.TOO_DEEP, problem_mark=event.start_mark)
            stack.append((top, key))
            is_mapping = kind is MappingStartEvent
            top = {} if is_mapping else []
            key = None
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            value = top
            top, key = stack.pop()
            is_mapping = type(top) is dict
            if is_mapping and key is None:  # a collection as a key
                special, key = True, ""
                continue
        elif kind is AliasEvent:
            special = True
            if is_mapping and key is None:
                key = ""
                continue
        else:
            return _SPECIAL if special else value
        if is_mapping:
            top[key] = value
            key = None
        elif top is not None:
            top.append(value)


def _parse_error(file: YamlFile, error: yaml.YAMLError, start: int) -> ParseError:
    """libyaml's complaint at its place in the file."""
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark) is not None:
        message, context = error.problem or "not YAML", error.context_mark
        if file.source.text.startswith("\t", start + mark.index):
            message = "a tab cannot indent YAML, use spaces"
        elif error.context:
            message += f" {error.context}"
        if context is not None and context.index != mark.index:
            line, column = file.lines.position(start + context.index)
            message += f" that starts at {line}:{column}"
        return ParseError(message, *file.lines.position(start + mark.index))
    if bad := _UNPRINTABLE.search(file.source.text, start):
        message = f"control character U+{ord(bad.group()):04X} is not allowed in YAML"
        return ParseError(message, *file.lines.position(bad.start()))
    return ParseError("not YAML", *file.lines.position(start))
