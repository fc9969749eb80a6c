"""All policies of a run: read from folders, checked as a whole, compiled, and kept compiled in a cache."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from policykit.catalogue.check import PolicyCheck
from policykit.catalogue.folder import builtin_folder, load_folder
from policykit.catalogue.outcome import Check, Outcome
from policykit.disk import Disk
from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from policykit.catalogue.folder import Entry
    from policykit.policy import Policy

__all__ = ["Catalogue", "Check", "Outcome", "load_catalogue"]


def load_catalogue(
    directories: Sequence[Path] = (),
    *,
    cache: Path | None = None,
    disk: Disk = Disk(),  # noqa: B008  it has no state
) -> Catalogue:
    """The built-in policies and every policy below `directories`.

    UsageError with all problems of all files: a catalogue is loaded whole or not at all. `cache` is the directory of
    compiled policies, None for none; without it, or where it cannot be used, policies are compiled anew.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for folder in (builtin_folder(), *directories):
        found, wrong = load_folder(folder, cache, disk)
        entries += found
        problems += wrong
    first: dict[str, Entry] = {}
    for entry in entries:
        other = first.setdefault(entry.policy.id, entry)
        if other is not entry:
            problems.append(Problem(f"`{entry.policy.id}` is already the id of {other.file}", entry.file, "rename it"))
    if problems:
        raise UsageError(*problems)
    if not entries:
        raise UsageError(Problem("there is no policy to check by", str(builtin_folder()), "the installation is broken"))
    return Catalogue(entries)


class Catalogue:
    """Policies by id. Never changes once it is loaded."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = {entry.policy.id: entry for entry in sorted(entries, key=lambda entry: entry.policy.id)}
        self._checks: dict[str, Check] = {}

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All policies, by id."""
        return tuple(entry.policy for entry in self._entries.values())

    def get(self, rule: str) -> Policy | None:
        """The policy of that id."""
        entry = self._entries.get(rule)
        return entry.policy if entry else None

    def file(self, rule: str) -> str:
        """The file a policy was read from. KeyError for an id that is none."""
        return self._entries[rule].file

    def digest(self, rule: str) -> str:
        """SHA-256 of a policy's text, hexadecimal; "" for an id that is none."""
        entry = self._entries.get(rule)
        return entry.digest if entry else ""

    def check(self, rule: str) -> Check:
        """The policy of that id, ready to judge. KeyError for an id that is none."""
        check = self._checks.get(rule)
        if check is None:
            entry = self._entries[rule]
            check = self._checks[rule] = _check(entry)
        return check

    def resolve(self, name: str) -> tuple[str, ...]:
        """The ids that a name stands for: an id, a category, a peer's id in any case, `all`; empty for nothing."""
        if name in self._entries:
            return (name,)
        return tuple(self._entries) if name in ("all", "*") else self._names.get(name.lower(), ())

    @cached_property
    def _names(self) -> dict[str, tuple[str, ...]]:
        names: dict[str, tuple[str, ...]] = {}
        for policy in self.policies:
            peers = (peer_id for ids in policy.equivalents.values() for peer_id in ids)
            for name in {policy.category, *peers}:
                names[name.lower()] = (*names.get(name.lower(), ()), policy.id)
        return names


def _check(entry: Entry) -> Check:
    if entry.form == "policy":
        return PolicyCheck(entry.policy, entry.programs)
    from policykit.admission.check import AdmissionCheck

    return AdmissionCheck(entry.policy, entry.programs)
