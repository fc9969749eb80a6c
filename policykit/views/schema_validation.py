"""A JSON Schema and plain data into violations, each with its route and a message that quotes no value.

`jsonschema` does the work, with four keywords of ours: unknown fields are reported one by one, patterns are RE2's and
cannot be made to run for ever, formats are Kubernetes', and a schema leads to no other document.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.document import Route, route_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: What `Violation.keyword` is for a field that the schema does not know.
UNKNOWN_FIELD = "unknownField"

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_TYPE_NAMES = {bool: "a truth value", int: "an integer", float: "a number", str: "a text", list: "a list"}
_WANTED = {
    "boolean": "a truth value",
    "integer": "an integer",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
}


class Violation(NamedTuple):
    """What is wrong at a route; `keyword` is that of the schema, or `unknownField`."""

    route: Route
    keyword: str
    message: str


def violations(schema: Mapping[str, Any], data: Any) -> list[Violation]:
    """Everything that is wrong with `data`, in the order of routes. RecursionError where it is nested too deep."""
    found = {_violation(error) for error in _validator()(schema).iter_errors(data)}
    return sorted(found, key=lambda violation: (*map(str, violation.route), violation.message))


@cache
def _validator() -> Any:
    from jsonschema.validators import Draft202012Validator, extend

    ours = {"additionalProperties": _additional, "pattern": _pattern, "format": _format}
    return extend(Draft202012Validator, {**ours, "required": _required})  # type: ignore[no-untyped-call]


def _additional(validator: Any, others: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    for key in instance:
        if key in known:
            continue
        if isinstance(others, dict):
            yield from validator.descend(instance[key], others, path=key)
        elif others is False:
            yield _error(_unknown_field(key, known), UNKNOWN_FIELD, key)


def _unknown_field(key: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, 1)
    return f"is no field of this API{f'; did you mean `{near[0]}`?' if near else ''}"


def _required(_validator: Any, required: list[str], instance: Any, _schema: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(instance, dict):
        yield from (_error("is required and missing", "required", key) for key in required if key not in instance)


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Mapping[str, Any]) -> Iterator[Any]:
    from policykit.cel import regex

    if not isinstance(instance, str):
        return
    try:
        matches = regex.compile(pattern).search(instance)
    except regex.RegexError:  # the API server refuses the definition
        return
    if not matches:
        yield _error(f"does not match `{pattern}`", "pattern")


def _format(_validator: Any, name: str, instance: Any, _schema: Mapping[str, Any]) -> Iterator[Any]:
    check = _FORMATS.get(name)
    if check is not None and not check(instance):
        yield _error(f"is not of the format `{name}`", "format")


def _in_range(name: str) -> Callable[[Any], bool]:
    low, high = _RANGES[name]
    return lambda value: not isinstance(value, int) or isinstance(value, bool) or low <= value <= high


def _is_base64(value: Any) -> bool:
    if not isinstance(value, str):
        return True
    try:  # Go's decoder skips line ends
        base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_date_time(value: Any) -> bool:
    return not isinstance(value, str) or _DATE_TIME.fullmatch(value) is not None


#: Formats that the API server insists on; what others mean differs from place to place.
_FORMATS: Mapping[str, Callable[[Any], bool]] = {
    **{name: _in_range(name) for name in _RANGES},
    "byte": _is_base64,
    "date-time": _is_date_time,
}


def _error(message: str, keyword: str, *path: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, validator=keyword, path=path)


_OURS = frozenset({UNKNOWN_FIELD, "required", "pattern", "format"})


def _violation(error: Any) -> Violation:
    route = tuple(error.absolute_path)
    keyword = str(error.validator)
    said = error.message if keyword in _OURS else _said(keyword, error.validator_value, error.instance)
    return Violation(route, keyword, f"`{route_text(route)}` {said}" if route else f"the object {said}")


def _said(keyword: str, wanted: Any, instance: Any) -> str:
    if keyword == "type":
        names = [name for name in ([wanted] if isinstance(wanted, str) else wanted) if name != "null"]
        return f"must be {' or '.join(_WANTED[name] for name in names)}, not {_kind(instance)}"
    if keyword == "enum":
        values = [f"`{value}`" for value in wanted if value is not None]
        return f"must be {'' if len(values) == 1 else 'one of '}{', '.join(values)}"
    if keyword in ("anyOf", "oneOf"):
        return "is none of the alternatives" if keyword == "anyOf" else "must be exactly one of the alternatives"
    if keyword == "not":
        return "is what it must not be"
    return f"does not keep to `{keyword}: {wanted}`"


def _kind(value: Any) -> str:
    return "nothing" if value is None else _TYPE_NAMES.get(type(value), "a mapping")
