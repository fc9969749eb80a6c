"""The syntax tree of a Dockerfile: values only. Every node knows its span, every word the place of each character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from policykit.document import Route, Source, Span, Target
    from policykit.parse.dockerfile.fragment import Fragment

Form = Literal["shell", "exec"]


class ParseProblem(NamedTuple):
    """Something that BuildKit refuses.

    `kind` is "syntax" where its parser refuses the file, "instruction" where a well-formed instruction makes no
    sense (an unknown keyword or flag, a wrong number of arguments).
    """

    message: str
    span: Span
    kind: Literal["syntax", "instruction"] = "syntax"


@dataclass(frozen=True, slots=True)
class Word:
    """One word. `text` is what BuildKit's parser reads: quotes, escapes and variables are still in it, except for
    elements of a JSON array and for flags, whose quotes and escapes the parser itself undoes. `raw` is the word as
    written, line continuations joined.
    """

    text: str
    line: Fragment
    start: int
    end: int
    decoded: Fragment | None = None

    @property
    def raw(self) -> str:
        return self.line.text[self.start : self.end]

    @property
    def span(self) -> Span:
        return self.line.span(self.start, self.end)

    @property
    def fragment(self) -> Fragment:
        """`text` with the place of each of its characters."""
        return self.decoded or self.line.slice(self.start, self.end)

    def part(self, start: int, end: int) -> Span:
        """Where `text[start:end]` was written: the tag of an image, say."""
        return self.sub(start, end).span

    def sub(self, start: int, end: int) -> Word:
        """`text[start:end]` as a word of its own."""
        if self.decoded is not None:
            return Word(self.text[start:end], self.decoded, start, end)
        return Word(self.text[start:end], self.line, self.start + start, self.start + end)


class Pair(NamedTuple):
    """`name=value`; `value` is None for `ARG name`, `separator` is "" in the old form `ENV name value`."""

    name: Word
    value: Word | None
    separator: Literal["=", ""] = "="

    @property
    def span(self) -> Span:
        return self.name.span if self.value is None else _join(self.name.span, self.value.span)


class Flag(NamedTuple):
    """A builder flag `--name[=value]`; `word` is all of it."""

    word: Word
    name: Word
    value: Word | None

    @property
    def span(self) -> Span:
        return self.word.span

    @property
    def options(self) -> tuple[Pair, ...]:
        """The comma separated `key[=value]` of `--mount`; keys as written (BuildKit compares them in lower case)."""
        if self.value is None:
            return ()
        options = []
        at = 0
        for part in self.value.text.split(","):
            end = at + len(part)
            equals = self.value.text.find("=", at, end)
            value = None if equals < 0 else self.value.sub(equals + 1, end)
            options.append(Pair(self.value.sub(at, end if equals < 0 else equals), value))
            at = end + 1
        return tuple(options)

    def option(self, *names: str) -> Pair | None:
        """The last option under one of these lower-case keys."""
        return next((o for o in reversed(self.options) if o.name.text.lower() in names), None)


class Heredoc(NamedTuple):
    """`marker` is `<<EOF` in the instruction, `content` the lines as written, `terminator` the word that closes them
    (empty where the file ends first). `expand` is false where the delimiter is quoted; `chomp`: written `<<-`.
    """

    name: str
    marker: Word
    content: Fragment
    terminator: Word
    expand: bool
    chomp: bool
    descriptor: int

    @property
    def span(self) -> Span:
        return _join(self.content.span(), self.terminator.span)

    @property
    def body(self) -> Fragment:
        """The content that the build sees: after `<<-` without the tabs at the beginning of each line."""
        return self.content.without_leading_tabs() if self.chomp else self.content


class Comment(NamedTuple):
    """A line that begins with `#`; `text` is what follows, trimmed."""

    text: str
    span: Span


class Directive(NamedTuple):
    """A parser directive `# name=value`; `name` in lower case."""

    name: str
    value: str
    span: Span
    value_span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Instruction:
    """One instruction.

    `keyword`: in lower case; `name` is the word as written.
    `words`: the arguments after the flags. One word with all of the text for the shell form and for USER, WORKDIR,
    STOPSIGNAL and MAINTAINER; the elements of a JSON array; otherwise split as BuildKit does it. For HEALTHCHECK the
    first word is NONE or CMD. For ENV, LABEL and ARG see also `pairs`; for ONBUILD see `onbuild`.
    `form`: "exec" where the arguments are a JSON array.
    `comments`: the comment lines directly above, without a blank line or a bare `#` in between.
    `span`: from the keyword to the last character, heredocs included; `first_line` and `last_line` are the lines
    that BuildKit counts (a trailing continuation belongs to it); `blank_lines`: empty lines between continuations.
    `index`: its place in `Dockerfile.instructions` (for the instruction in an ONBUILD, that of the ONBUILD).
    """

    keyword: str
    name: Word
    flags: tuple[Flag, ...]
    words: tuple[Word, ...]
    form: Form
    pairs: tuple[Pair, ...]
    heredocs: tuple[Heredoc, ...]
    onbuild: Instruction | None
    comments: tuple[Comment, ...]
    line: Fragment
    span: Span
    first_line: int
    last_line: int
    blank_lines: tuple[int, ...]
    index: int

    @property
    def raw(self) -> str:
        """The instruction as one line: continuations joined, without heredoc bodies."""
        return self.line.text

    def flag(self, name: str) -> Flag | None:
        """The first flag of that name."""
        return next((f for f in self.flags if f.name.text == name), None)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A build stage. `start` is its FROM, `name` is in lower case as BuildKit compares it ("" without AS).

    A fragment without FROM has one stage with `start` and `base` None.
    """

    index: int
    name: str
    name_word: Word | None
    base: Word | None
    platform: Word | None
    start: Instruction | None
    instructions: tuple[Instruction, ...]

    @property
    def span(self) -> Span | None:
        nodes = (self.start, *self.instructions) if self.start else self.instructions
        return _join(nodes[0].span, nodes[-1].span) if nodes else None


@dataclass(frozen=True, slots=True, eq=False)
class Dockerfile:
    """A parsed Dockerfile; meets `policykit.document.Document` with itself as `data`.

    `instructions`: all of them, in order. `global_args`: the ARGs before the first FROM. `stages`: see `Stage`;
    `escape`: the escape character. `comments`: every comment line outside heredocs, directives excluded.
    `problems`: all that BuildKit would refuse, in order of position; the rest of the file is parsed all the same.
    """

    source: Source
    escape: str
    directives: tuple[Directive, ...]
    comments: tuple[Comment, ...]
    instructions: tuple[Instruction, ...]
    global_args: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    problems: tuple[ParseProblem, ...]
    whole: Span

    @property
    def target(self) -> Target:
        return "dockerfile"

    @property
    def data(self) -> Dockerfile:
        return self

    @property
    def is_fragment(self) -> bool:
        """No FROM: a piece of a Dockerfile, accepted for linting, which BuildKit would refuse."""
        return not any(stage.start for stage in self.stages)

    def span(self, route: Route, *, key: bool = False) -> Span:
        """Where a node was written: the route's steps are field names and indexes from this value on, as in
        ("instructions", 3, "words", 0). A step that leads nowhere gives the deepest node before it; `key` gives the
        keyword of an instruction and the name of a flag or a pair. Never raises.
        """
        node: Any = self
        found: Any = self
        for step in route:
            try:
                node = node[step] if isinstance(step, int) else getattr(node, step)
            except (AttributeError, IndexError, KeyError, TypeError):
                break
            if isinstance(node, _NODES):
                found = node
        if key and isinstance(found, Instruction | Flag | Pair):
            found = found.name
        if isinstance(found, Dockerfile):
            return self.whole
        span = found.span
        return self.whole if span is None else span  # a stage of a fragment may be empty


_NODES = (Instruction, Stage, Word, Pair, Flag, Heredoc, Comment, Directive, ParseProblem)


def _join(first: Span, last: Span) -> Span:
    return first._replace(end_line=last.end_line, end_column=last.end_column)
