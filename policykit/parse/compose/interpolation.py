"""`${VAR:-default}` and its kin in a Compose text into the text they stand for, or into what is known of it.

https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md, with the corners as Compose cuts them:
braces are counted, a substitution stays on its line, a lone `$` is a dollar sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policykit.unknown import HOLE, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUBSTITUTION = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|(\{))")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")
#: Defaults inside defaults; nobody writes more than two or three.
_MAX_DEPTH = 50


class InterpolationError(ValueError):
    """The text is no valid template, or a required variable is missing."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of a project.

    `is_complete`: a variable that is not here is unset, as it is to Compose. Otherwise nobody knows what the machine
    that runs the project has set, and a variable without a default is unknown.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    is_complete: bool = False

    def merged(self, more: Mapping[str, str]) -> Environment:
        """With more variables; those that are here already win."""
        return Environment({**more, **self.variables}, self.is_complete)


def interpolate(text: str, environment: Environment) -> str | Unknown:
    """The text with every substitution made; InterpolationError as Compose has it."""
    if "$" not in text:
        return text
    reasons: dict[str, None] = {}
    result = _substitute(text, environment, reasons, 0)
    return Unknown(tuple(reasons), result) if reasons else result


def _substitute(text: str, environment: Environment, reasons: dict[str, None], depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise InterpolationError("defaults are nested too deep")
    parts: list[str] = []
    position = 0
    while match := _SUBSTITUTION.search(text, position):
        parts.append(text[position : match.start()])
        position = match.end()
        escaped, name, brace = match.groups()
        if escaped:
            parts.append("$")
        elif name:
            parts.append(_value(name, "", "", environment, reasons, depth))
        elif brace:
            name, operator, operand, position = _braced(text, position)
            parts.append(_value(name, operator, operand, environment, reasons, depth))
    parts.append(text[position:])
    return "".join(parts)


def _braced(text: str, start: int) -> tuple[str, str, str, int]:
    """What stands between `${`, which ends at `start`, and its `}`: name, operator, operand, and where it ends."""
    invalid = InterpolationError(f"invalid interpolation `{text:.80}`, write `$$` for a dollar sign")
    match = _NAME.match(text, start)
    if match is None:
        raise invalid
    end = match.end()
    if text.startswith("}", end):
        return match.group(), "", "", end + 1
    operator = next((operator for operator in _OPERATORS if text.startswith(operator, end)), "")
    close = _closing(text, start)
    if not operator or close < 0:
        raise invalid
    return match.group(), operator, text[end + len(operator) : close], close + 1


def _closing(text: str, start: int) -> int:
    """The brace that closes the one before `start`; where braces do not add up, the last one on the line; else -1."""
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    last = text.rfind("}", start, line_end)
    depth, position = 1, start
    while position <= last:
        if text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        elif text[position] == "{":
            depth += 1
            position += 1
        position += 1
    return last


def _value(
    name: str, operator: str, operand: str, environment: Environment, reasons: dict[str, None], depth: int
) -> str:
    value = environment.variables.get(name)
    is_set = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return _substitute(operand, environment, reasons, depth + 1) if is_set else value or ""
    if is_set:
        return value or ""
    if operator.endswith("-"):
        return _substitute(operand, environment, reasons, depth + 1)
    if not environment.is_complete and not value:
        reasons.setdefault(f"`{name}` has no value in .env and no default")
        return HOLE
    if operator.endswith("?"):
        message = _substitute(operand, environment, reasons, depth + 1)
        raise InterpolationError(f"required variable {name} is missing a value{': ' if message else ''}{message}")
    return ""
