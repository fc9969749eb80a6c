"""What a policy file says, as values. Checked and compiled elsewhere (`policykit.catalogue`); nothing here runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from policykit.document import Target
from policykit.finding import Severity

API_VERSION = "policykit.dev/v1"

OnUnknown = Literal["ignore", "warn", "fail"]
JsonSchema = Mapping[str, Any]


class NamedExpression(NamedTuple):
    """A variable or a match condition: a CEL expression under a name."""

    name: str
    expression: str


class Validation(NamedTuple):
    """One CEL condition that holds for a compliant subject, and what to say where it does not.

    `at` names the part of the subject to blame: one of its view's parts, or a path within it.
    """

    expression: str
    message: str
    message_expression: str = ""
    at: str = ""


class Example(NamedTuple):
    """An input and where findings of the policy stand in it.

    One file (`input`), or several (`files`, by name). `at` lists every finding as `line:column`, with the
    file's name in front where there are several files; empty in passing examples.
    """

    name: str
    target: Target
    input: str = ""
    files: Mapping[str, str] = {}
    at: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = {}


class Examples(NamedTuple):
    """A policy's inputs that comply, that violate, and that cannot be judged from the files alone.

    They stand in the policy's file (`spec.examples`) and are read when somebody runs or prints them.
    """

    passing: tuple[Example, ...] = ()
    failing: tuple[Example, ...] = ()
    unknown: tuple[Example, ...] = ()


class Policy(NamedTuple):
    """One policy file. `id` is its file's stem, `category` its folder.

    `fix` says what to do, for each target where that differs. `for_each` names the view whose subjects it judges;
    `parameters` maps a name to a JSON Schema with a default. `on_unknown` is None where the severity decides: `warn`
    for errors, `ignore` otherwise.
    """

    id: str
    summary: str
    category: str
    severity: Severity
    targets: tuple[Target, ...]
    for_each: str
    validations: tuple[Validation, ...]
    fix: str | Mapping[Target, str]
    rationale: str = ""
    since: str = ""
    enabled: bool = True
    suppressible: bool = True
    on_unknown: OnUnknown | None = None
    parameters: Mapping[str, JsonSchema] = {}
    variables: tuple[NamedExpression, ...] = ()
    match_conditions: tuple[NamedExpression, ...] = ()
    references: tuple[str, ...] = ()
    equivalents: Mapping[str, tuple[str, ...]] = {}

    def fix_for(self, target: Target) -> str:
        """What to do about a finding in a document of that target."""
        return self.fix if isinstance(self.fix, str) else self.fix[target]

    @property
    def fixes(self) -> str:
        """What to do, as one text: a line for each target where they differ."""
        if isinstance(self.fix, str):
            return self.fix.strip()
        return "\n".join(f"{target.capitalize()}: {text.strip()}" for target, text in self.fix.items())

    def defaults(self) -> dict[str, Any]:
        """The parameters' default values."""
        return {name: schema["default"] for name, schema in self.parameters.items()}
