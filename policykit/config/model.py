"""What one configuration file says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from policykit.document import Span
    from policykit.finding import Severity
    from policykit.policy import OnUnknown
    from policykit.suppress.exceptions import PolicyException
    from policykit.views.base_images import BaseImage

NAME = "policykit.yaml"

FailOn = Literal["error", "warning", "info", "never"]
FAIL_ON: tuple[FailOn, ...] = ("error", "warning", "info", "never")


class Name(NamedTuple):
    """A rule, a category or a peer's id, as written; no span on the command line."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """What is said about one rule; None where nothing is."""

    enabled: bool | None = None
    severity: Severity | None = None
    on_unknown: OnUnknown | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One file. None (or empty) where it says nothing; paths are resolved against its directory.

    `webhook` is the section of that name as it stands: the webhook's own package reads it.
    """

    directory: Path
    policies: tuple[Path, ...] = ()
    select: tuple[Name, ...] | None = None
    ignore: tuple[Name, ...] = ()
    rules: Mapping[Name, RuleOptions] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    fail_on: FailOn | None = None
    namespace: str | None = None
    kubernetes_version: tuple[int, int] | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    base_images: tuple[BaseImage, ...] = ()
    exceptions: tuple[PolicyException, ...] = ()
    webhook: Any = None
