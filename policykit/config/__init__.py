"""policykit.yaml files, found from each directory upwards to the top of its repository, into settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from policykit.config.settings import FAIL_ON, Choice, FailOn, InForce, Name, Settings, kubernetes_version
from policykit.disk import Disk
from policykit.document import Unreadable
from policykit.errors import Problem, UsageError
from policykit.files import Found, display_name, read, repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.config.model import Config

__all__ = ["FAIL_ON", "NAME", "Choice", "Configs", "FailOn", "InForce", "Name", "Settings", "kubernetes_version"]

NAME = "policykit.yaml"


class Configs:
    """Finds and reads configurations, each once."""

    def __init__(
        self,
        explicit: str | None = None,
        walked: Sequence[Path] = (),
        disk: Disk = Disk(),  # noqa: B008  it has no state
        presets: Sequence[str] = (),
    ) -> None:
        """`explicit` names the only file to use; `walked` are the directories that a run looks at as a whole.

        `presets` are the names of those that hold everywhere, before all files.
        """
        self._disk = disk
        self._walked = tuple(path.absolute() for path in walked)
        self._problems: list[Problem] = []
        self._files: dict[Path, tuple[Config, ...]] = {}
        self._settings: dict[Path, Settings] = {}
        self._only: Settings | None = None
        self._presets = Settings(self._preset(tuple(Name(name) for name in presets)))
        if explicit is not None:
            self._only = Settings((*self._presets.chain, *self._load(Path(explicit))))

    def settings(self, directory: Path) -> Settings:
        """What holds for the files of a directory."""
        if self._only is not None:
            return self._only
        directory = directory.absolute()
        if directory not in self._settings:
            is_root = directory == repository(directory, self._disk)
            above = self._presets if is_root else self.settings(directory.parent)
            configs = self._configs(directory)
            # The same object where nothing is said: who works with settings does it once for each.
            self._settings[directory] = Settings((*above.chain, *configs)) if configs else above
        return self._settings[directory]

    def excluded(self, directory: Path) -> Sequence[str]:
        """The patterns that the configuration in this very directory excludes."""
        directory = directory.absolute()
        if self._only is None:
            return tuple(pattern for config in self._configs(directory) for pattern in config.exclude)
        return next((config.exclude for config in self._only.chain if config.directory == directory), ())

    def check(self) -> None:
        """Raise UsageError with all problems of all configurations read so far."""
        if self._problems:
            raise UsageError(*self._problems)

    def _configs(self, directory: Path) -> tuple[Config, ...]:
        """What the file in a directory says, after the presets that it extends."""
        if directory not in self._files:
            path = directory / NAME
            self._files[directory] = self._load(path) if self._is_file(path) else ()
            mistaken = path.with_suffix(".yml")
            if self._is_file(mistaken):
                self._problems.append(Problem("is not read", display_name(str(mistaken)), f"rename it to {NAME}"))
        return self._files[directory]

    def _is_file(self, path: Path) -> bool:
        return self._disk.kind(str(path)) == "file"

    def _load(self, path: Path) -> tuple[Config, ...]:
        from policykit.config.load import load

        name = display_name(str(path))
        source = read(Found(name, explicit=True), self._disk)
        if isinstance(source, Unreadable):
            self._problems.append(Problem(source.message, f"{name}:{source.line}:{source.column}"))
            return ()
        directory = path.absolute().parent
        complete = any(directory.is_relative_to(walked) for walked in self._walked)
        try:
            config = load(source, directory, complete=complete)
        except UsageError as error:
            self._problems.extend(error.problems)
            return ()
        return (*self._preset(config.extends), config)

    def _preset(self, names: tuple[Name, ...]) -> tuple[Config, ...]:
        """What presets say together; nothing is read where none is named."""
        if not names:
            return ()
        from policykit.config.presets import preset

        try:
            return (preset(names, self._disk),)
        except UsageError as error:
            self._problems.extend(error.problems)
            return ()
