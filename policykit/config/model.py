"""What one configuration file says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from policykit.config.settings import FailOn, Name
    from policykit.finding import Severity
    from policykit.policy import OnUnknown
    from policykit.suppress.exceptions import PolicyException
    from policykit.views.base_images import BaseImage
    from policykit.views.built_images import BuiltImage


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

    `extends` names presets; `webhook` is the section of that name as it stands: the webhook's own package reads it.
    """

    directory: Path
    extends: tuple[Name, ...] = ()
    policies: tuple[Path, ...] = ()
    select: tuple[Name, ...] | None = None
    ignore: tuple[Name, ...] = ()
    rules: Mapping[Name, RuleOptions] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    fail_on: FailOn | None = None
    namespace: str | None = None
    kubernetes_version: tuple[int, int] | None = None
    user: Mapping[str, Any] | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    base_images: tuple[BaseImage, ...] = ()
    built_images: tuple[BuiltImage, ...] = ()
    exceptions: tuple[PolicyException, ...] = ()
    webhook: Any = None
