"""What the parsers make of a source: plain data, and a way back from any route in it to a span of the text.

No parsing here and no format: a document is read by views through its data, and asked for a span only
when a finding needs one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

Target = Literal["dockerfile", "compose", "kubernetes"]
TARGETS: tuple[Target, ...] = ("dockerfile", "compose", "kubernetes")

#: Keys and indexes from the root of a document's data: `("spec", "containers", 0, "image")`.
Route = tuple[str | int, ...]


class Source(NamedTuple):
    """A file's name, as the user would say it, and its decoded text (no byte order mark).

    `target` says what it is where somebody knows better than its name tells.
    """

    name: str
    text: str
    target: Target | None = None


class Unreadable(NamedTuple):
    """A file that is no text: why, and where in it. Lines and columns count from 1."""

    name: str
    message: str
    line: int = 1
    column: int = 1


class Span(NamedTuple):
    """A range of text in a file. Lines and columns count from 1, columns in characters; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Document(Protocol):
    """One parsed unit: a Dockerfile, a loaded Compose project, or one document of a YAML stream."""

    @property
    def source(self) -> Source: ...

    @property
    def target(self) -> Target: ...

    @property
    def data(self) -> Any:
        """Plain values (dict, list, str, int, float, bool, None, Unknown). Shared: never to be changed."""
        ...

    def span(self, route: Route, *, key: bool = False) -> Span:
        """Where `route` was written, in the file it was written in.

        A route that ends in a missing mapping key gives the first key of the deepest mapping that is there (the
        mapping itself where it is empty); `key` gives the key instead of the value. Never raises.
        """
        ...


def route_text(route: Iterable[str | int]) -> str:
    """A route as people write it: `spec.containers[0].image`, `metadata.annotations["a.b/c"]`."""
    parts: list[str] = []
    for step in route:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step and all(c.isalnum() or c in "_-$" for c in step):
            parts.append(f".{step}" if parts else step)
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'["{escaped}"]')
    return "".join(parts)
