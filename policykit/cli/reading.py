"""Files that were found into projects, and every text that was read on the way."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policykit import files
from policykit.disk import MAX_SIZE
from policykit.document import Source
from policykit.parse.detect import could_be, detect
from policykit.views.read import read_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policykit.cli.evaluation import Request
    from policykit.cli.progress import Progress
    from policykit.disk import Disk
    from policykit.document import Target, Unreadable
    from policykit.views.project import Facts, Project


#: The first line of a file that is no comment and not empty.
_FIRST_LINE = re.compile(r"\s*(?:#[^\n]*\n\s*)*([^\n]*)")


def _detect_content(text: str) -> Target | None:
    """What a file with a name of no meaning is."""
    target = detect("manifest.yaml", text) or detect("app.compose.yaml", text)
    first = _FIRST_LINE.match(text)
    return target or (detect("app.dockerfile", first[1] + "\n") if first else None)


class Reading:
    """Reads each file once; `sources` are all texts so far, by name."""

    def __init__(self, request: Request, progress: Progress, disk: Disk, total: int) -> None:
        self._request = request
        self._progress = progress
        self._disk = disk
        self._progress.total = total
        self.sources: dict[str, Source] = {}
        places = [Path(path) for path in request.paths if path != files.STDIN] or [Path()]
        directories = (place if disk.kind(str(place)) == "directory" else place.parent for place in places)
        self._read_inside = files.reader((files.repository(directory, disk) for directory in directories), disk)

    def projects(self, facts: Facts, found: Iterable[files.Found | Unreadable]) -> Iterator[Project]:
        """One project of all files, or one of each where each is to be judged alone."""
        if self._request.per_file:
            for item in found:
                yield read_project(self._texts([item]), facts, self._read_other)
        else:
            yield read_project(self._texts(found), facts, self._read_other)

    def _texts(self, found: Iterable[files.Found | Unreadable]) -> Iterator[Source | Unreadable]:
        for item in found:
            self._progress.step()
            source = self._read(item) if isinstance(item, files.Found) else item
            if isinstance(source, Source):
                if not could_be(source.name):  # somebody named it, so it is worth a look inside
                    source = source._replace(target=_detect_content(source.text))
                self.sources[source.name] = source
            yield source

    def _read(self, found: files.Found) -> Source | Unreadable:
        if files.STDIN in self._request.paths and found.name == self._request.stdin_name:
            return files.decode(found.name, sys.stdin.buffer.read(MAX_SIZE + 1))
        return files.read(found, self._disk)

    def _read_other(self, name: str) -> Source | None:
        """A file that another one refers to."""
        if name not in self.sources and (source := self._read_inside(name)) is not None:
            self.sources[name] = source
        return self.sources.get(name)
