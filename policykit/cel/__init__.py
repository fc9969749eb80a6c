"""CEL exactly as Kubernetes runs it: expressions compiled to Python code objects.

    environment = Environment({"object": DYN})
    program = environment.compile("object.spec.replicas <= 5")
    program.evaluate({"object": {"spec": {"replicas": 3}}})        # True

`Environment.compile` raises `CelSyntaxError` or `CelTypeError` (both `CompileError`): the fault of the expression.
`Program.evaluate` raises `EvaluationError`: the expression has no value for these inputs; it returns a
`policykit.unknown.Unknown` where the value depends on one.

Importing this package loads nothing; a name is loaded when it is used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would take longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    from policykit.cel.composition import Composition
    from policykit.cel.environment import Environment
    from policykit.cel.errors import (
        BudgetError,
        CelSyntaxError,
        CelTypeError,
        CompileError,
        EvaluationError,
        Issue,
        PlanningError,
    )
    from policykit.cel.program import Program, StaleProgram
    from policykit.cel.types import (
        BOOL,
        BYTES,
        DOUBLE,
        DURATION,
        DYN,
        INT,
        NULL,
        STRING,
        TIMESTAMP,
        UINT,
        ListType,
        MapType,
        ObjectType,
        OptionalType,
        Type,
        TypeType,
    )
    from policykit.cel.values import NONE, Duration, Optional, Timestamp, TypeValue, UInt

_HOMES = {
    "composition": ("Composition",),
    "environment": ("Environment",),
    "errors": (
        "BudgetError",
        "CelSyntaxError",
        "CelTypeError",
        "CompileError",
        "EvaluationError",
        "Issue",
        "PlanningError",
    ),
    "program": ("Program", "StaleProgram"),
    "types": (
        "BOOL",
        "BYTES",
        "DOUBLE",
        "DURATION",
        "DYN",
        "INT",
        "NULL",
        "STRING",
        "TIMESTAMP",
        "UINT",
        "ListType",
        "MapType",
        "ObjectType",
        "OptionalType",
        "Type",
        "TypeType",
    ),
    "values": ("NONE", "Duration", "Optional", "Timestamp", "TypeValue", "UInt"),
}

__all__ = [
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "INT",
    "NONE",
    "NULL",
    "STRING",
    "TIMESTAMP",
    "UINT",
    "BudgetError",
    "CelSyntaxError",
    "CelTypeError",
    "CompileError",
    "Composition",
    "Duration",
    "Environment",
    "EvaluationError",
    "Issue",
    "ListType",
    "MapType",
    "ObjectType",
    "Optional",
    "OptionalType",
    "PlanningError",
    "Program",
    "StaleProgram",
    "Timestamp",
    "Type",
    "TypeType",
    "TypeValue",
    "UInt",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"policykit.cel.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
