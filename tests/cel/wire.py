"""Typed values as the conformance data and the Go oracle write them (`["int", "1"]`), to and from CEL values."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from policykit.cel import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NONE,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    CompileError,
    Duration,
    Environment,
    EvaluationError,
    ListType,
    MapType,
    Optional,
    Timestamp,
    Type,
    TypeValue,
    UInt,
)
from policykit.cel.library.times import duration_text, timestamp_text

if TYPE_CHECKING:
    from collections.abc import Callable

CONFORMANCE = Path(os.environ.get("POLICYKIT_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))

_TYPES = {
    "bool": BOOL,
    "int": INT,
    "uint": UINT,
    "double": DOUBLE,
    "string": STRING,
    "bytes": BYTES,
    "null": NULL,
    "null_type": NULL,
    "dyn": DYN,
    "timestamp": TIMESTAMP,
    "duration": DURATION,
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": DURATION,
}


def recorded(name: str) -> list[dict[str, Any]]:
    """The lines of a file of conformance data; skips the test where there is none."""
    path = CONFORMANCE / "cel" / name
    if not path.exists():
        pytest.skip(f"no conformance data at {path} (POLICYKIT_CONFORMANCE names the folder)")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def declared(wire: Any) -> Type:
    """A declared type: `"int"`, `["list", T]`, `["map", K, V]`."""
    if isinstance(wire, str):
        return _TYPES[wire]
    if wire[0] == "list":
        return ListType(declared(wire[1]))
    assert wire[0] == "map"
    return MapType(declared(wire[1]), declared(wire[2]))


def value(wire: Any) -> Any:
    """A typed value as a CEL value."""
    kind, *rest = wire
    content: Any = rest[0] if rest else None
    if kind == "value":
        return value(content)
    if kind == "list":
        return [value(item) for item in content]
    if kind == "map":
        return {value(key): value(item) for key, item in content}
    plain: dict[str, Callable[[Any], Any]] = {
        "int": int,
        "uint": lambda t: UInt(int(t)),
        "double": float,
        "bytes": base64.b64decode,
    }
    return plain[kind](content) if kind in plain else content


def typed(result: Any) -> list[Any]:
    """A CEL value as a typed value; entries of maps in one order, doubles as numbers."""
    if result is NONE:
        return ["optional"]
    if isinstance(result, dict):
        return ["map", sorted(([typed(k), typed(v)] for k, v in result.items()), key=repr)]
    kinds: dict[type, tuple[str, Any]] = {
        type(None): ("null", None),
        bool: ("bool", lambda v: v),
        int: ("int", str),
        UInt: ("uint", lambda v: str(int(v))),
        float: ("double", lambda v: v),
        str: ("string", lambda v: v),
        bytes: ("bytes", lambda v: base64.b64encode(v).decode()),
        list: ("list", lambda v: [typed(item) for item in v]),
        Optional: ("optional", lambda v: typed(v.value)),
        TypeValue: ("type", lambda v: v.name),
        Timestamp: ("timestamp", lambda v: timestamp_text(Timestamp(v.nanoseconds))),
        Duration: ("duration", duration_text),
    }
    if type(result) not in kinds:
        return [type(result).cel_type, str(result)]
    name, convert = kinds[type(result)]
    return [name] if convert is None else [name, convert(result)]


def normal(wire: Any) -> Any:
    """A typed value of the data as `typed` gives it."""
    if wire[0] == "double":
        return ["double", float(str(wire[1]).replace("Infinity", "inf"))]
    if wire[0] == "list":
        return ["list", [normal(item) for item in wire[1]]]
    if wire[0] == "map":
        return ["map", sorted(([normal(k), normal(v)] for k, v in wire[1]), key=repr)]
    if wire[0] == "optional" and len(wire) > 1:
        return ["optional", normal(wire[1])]
    return wire


def outcome(environment: Environment, expression: str, bindings: dict[str, Any]) -> tuple[str, Any]:
    """What becomes of an expression: `compile_error`, `error` or `value`, and the text or the typed value."""
    try:
        program = environment.compile(expression)
        return "value", typed(program.evaluate(bindings))
    except EvaluationError as error:
        return "error", str(error)
    except CompileError as error:
        return "compile_error", compile_text(error)


def compile_text(error: CompileError) -> str:
    """A compile error as the oracle tells it."""
    return error.told.removeprefix("compilation failed: ")
