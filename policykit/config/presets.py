"""Names of presets into one configuration: what `extends` and `--preset` stand for.

A preset is a file of this package in the form of a policykit.yaml. None is read before somebody names one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from policykit.config.load import load
from policykit.config.model import Config, RuleOptions
from policykit.config.reader import suggestion
from policykit.document import Source
from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.config.settings import Name
    from policykit.disk import Disk

FOLDER = Path(__file__).with_name("presets")


def known_presets() -> list[str]:
    """The names of all presets."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def preset(names: Sequence[Name], disk: Disk) -> Config:
    """All that several presets say, together: what one of them selects is selected. UsageError for unknown names."""
    known = known_presets()
    problems = [_unknown(name, known) for name in names if name.text not in known]
    if problems:
        raise UsageError(*problems)
    return _together([_read(FOLDER / f"{name.text}.yaml", disk) for name in names])


def _unknown(name: Name, known: Sequence[str]) -> Problem:
    where = f"{name.span.file}:{name.span.line}:{name.span.column}" if name.span else "--preset"
    return Problem(f"no preset is called `{name.text}`", where, suggestion(name.text, known))


def _read(path: Path, disk: Disk) -> Config:
    return load(Source(path.name, disk.read(str(path)).decode()), path.parent)


def _together(configs: Sequence[Config]) -> Config:
    """Without a selection of its own, a preset leaves the default set in force, and the others add to it."""
    selected = tuple(name for config in configs for name in config.select or ())
    rules = {name: options for config in configs for name, options in config.rules.items()}
    fail_on = next((config.fail_on for config in reversed(configs) if config.fail_on), None)
    if all(config.select is not None for config in configs):
        return Config(directory=FOLDER, select=selected, rules=rules, fail_on=fail_on)
    added = {name: RuleOptions(enabled=True) for name in selected}
    return Config(directory=FOLDER, rules={**added, **rules}, fail_on=fail_on)
