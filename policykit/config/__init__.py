"""policykit.yaml files, found from each directory upwards to the top of its repository, into settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from policykit.config.settings import FAIL_ON, Choice, FailOn, InForce, Name, Settings
from policykit.disk import Disk
from policykit.document import Unreadable
from policykit.errors import Problem, UsageError
from policykit.files import Found, display_name, read, repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.config.model import Config

__all__ = ["FAIL_ON", "NAME", "Choice", "Configs", "FailOn", "InForce", "Name", "Settings"]

NAME = "policykit.yaml"


class Configs:
    """Finds and reads configurations, each once."""

    def __init__(
        self,
        explicit: str | None = None,
        walked: Sequence[Path] = (),
        disk: Disk = Disk(),  # noqa: B008  it has no state
    ) -> None:
        """`explicit` names the only file to use; `walked` are the directories that a run looks at as a whole."""
        self._disk = disk
        self._walked = tuple(path.absolute() for path in walked)
        self._problems: list[Problem] = []
        self._files: dict[Path, Config | None] = {}
        self._settings: dict[Path, Settings] = {}
        self._only: Settings | None = None
        if explicit is not None:
            self._only = Settings(self._load(Path(explicit)))

    def settings(self, directory: Path) -> Settings:
        """What holds for the files of a directory."""
        if self._only is not None:
            return self._only
        directory = directory.absolute()
        if directory not in self._settings:
            above = Settings() if directory == repository(directory, self._disk) else self.settings(directory.parent)
            config = self._config(directory)
            # The same object where nothing is said: who works with settings does it once for each.
            self._settings[directory] = above if config is None else Settings((*above.chain, config))
        return self._settings[directory]

    def excluded(self, directory: Path) -> Sequence[str]:
        """The patterns that the configuration in this very directory excludes."""
        directory = directory.absolute()
        if self._only is None:
            config = self._config(directory)
            return config.exclude if config else ()
        return next((config.exclude for config in self._only.chain if config.directory == directory), ())

    def check(self) -> None:
        """Raise UsageError with all problems of all configurations read so far."""
        if self._problems:
            raise UsageError(*self._problems)

    def _config(self, directory: Path) -> Config | None:
        if directory not in self._files:
            path = directory / NAME
            self._files[directory] = next(iter(self._load(path)), None) if self._is_file(path) else None
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
            return (load(source, directory, complete=complete),)
        except UsageError as error:
            self._problems.extend(error.problems)
            return ()
