"""What a shell script is made of, as far as rules ask: simple commands with their words, and how they are joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from policykit.parse.dockerfile.ast import Word

if TYPE_CHECKING:
    from collections.abc import Collection

    from policykit.document import Span
    from policykit.parse.dockerfile.fragment import Fragment

#: What joins a command to the one before it in the same list; "" for the first. A line feed counts as `;`.
Connective = Literal["", ";", "&", "&&", "||", "|", "|&"]

#: What a command stands in, from the outside in. "argument": the script of `sh -c`; "stdin": a here-document for `sh`.
Context = Literal[
    "subshell", "group", "if", "while", "until", "for", "case", "function", "substitution", "argument", "stdin"
]


@dataclass(frozen=True, slots=True)
class ShellWord(Word):
    """A word of a script. `text` is without quotes and escapes; `$x`, `$(...)` and the like stand in it as written.

    `dynamic`: it holds such an expansion, so that `text` is not what the command gets. `quoted`: some of it is quoted.
    """

    dynamic: bool = False
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Redirection:
    """`2>>file`: descriptor ("" for the default), operator and target; `body` is the text of a here-document."""

    descriptor: str
    operator: str
    target: ShellWord
    body: Fragment | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` before a command, or alone."""

    name: str
    value: ShellWord
    word: ShellWord


class Option(NamedTuple):
    """An option of a command: `-y`, `--yes`, `--file=x`. `name` is without dashes; `value` what is written with `=`."""

    name: str
    value: str | None
    word: ShellWord


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command. `words` is empty where there are assignments or redirections only.

    `connective` joins it to the command before; commands of one pipeline share the number `pipeline`, `position`
    counts in it; `context` says what it stands in.
    """

    words: tuple[ShellWord, ...]
    assignments: tuple[Assignment, ...]
    redirections: tuple[Redirection, ...]
    connective: Connective
    pipeline: int
    position: int
    context: tuple[Context, ...]
    span: Span

    @property
    def name(self) -> str:
        """The first word: `apt-get`, `/usr/bin/apt-get`, `$TOOL`; "" where there is none."""
        return self.words[0].text if self.words else ""

    @property
    def arguments(self) -> tuple[ShellWord, ...]:
        return self.words[1:]

    @property
    def options(self) -> tuple[Option, ...]:
        """The options before `--`: `-xyz` gives x, y and z, `--long[=value]` one."""
        return self._split(())[0]

    def operands(self, taking_value: Collection[str] = ()) -> tuple[ShellWord, ...]:
        """The arguments that are not options. An option named in `taking_value` takes the next word with it, unless its
        value is attached (`--file=x`, `-fx`)."""
        return self._split(taking_value)[1]

    def has_flag(self, *names: str) -> bool:
        """Whether one of the options is given: `has_flag("y", "yes", "assume-yes")`. A long name counts with one dash
        as well (`-tool`)."""
        if any(option.name in names for option in self.options):
            return True
        return any(word.text[0] == "-" and word.text[1:] in names for word in self.arguments if len(word.text) > 2)

    def flag_value(self, *names: str) -> str | None:
        """The value of the first of the options, written `--name=value`, `--name value`, `-n value` or `-nvalue`."""
        arguments = self.arguments
        for index, word in enumerate(arguments):
            text = word.text
            if text == "--":
                break
            for name in names:
                dashed = f"--{name}" if len(name) > 1 else f"-{name}"
                if text == dashed:
                    return arguments[index + 1].text if index + 1 < len(arguments) else None
                if len(name) > 1 and text.startswith(dashed + "="):
                    return text[len(dashed) + 1 :]
                if len(name) == 1 and text.startswith(dashed) and not text.startswith("--"):
                    return text[2:].removeprefix("=")
        return None

    def _split(self, taking_value: Collection[str]) -> tuple[tuple[Option, ...], tuple[ShellWord, ...]]:
        options: list[Option] = []
        operands: list[ShellWord] = []
        words = iter(self.arguments)
        for word in words:
            text = word.text
            if text == "--":
                operands += words
            elif text.startswith("--"):
                name, equals, value = text[2:].partition("=")
                options.append(Option(name, value if equals else None, word))
                if not equals and name in taking_value:
                    next(words, None)
            elif len(text) > 1 and text[0] == "-":
                options += (Option(letter, None, word) for letter in text[1:])
                if text[1:] in taking_value or _last_takes_value(text[1:], taking_value):
                    next(words, None)
            else:
                operands.append(word)
        return tuple(options), tuple(operands)


def _last_takes_value(letters: str, taking_value: Collection[str]) -> bool:
    """Whether `-xyf` leaves its value to the next word: f takes one, and none of the letters before it does."""
    return letters[-1] in taking_value and not any(letter in taking_value for letter in letters[:-1])


@dataclass(frozen=True, slots=True)
class Script:
    """The commands of a script in the order in which they are reached; those of a substitution before the command
    that uses it.

    `incomplete`: where the text could not be read further (an open quote, `if` without `fi`); what was read before it
    is there. `posix` is false where another kind of shell or no shell reads the text: there are no commands then.
    """

    commands: tuple[Command, ...] = ()
    incomplete: Span | None = None
    posix: bool = True
