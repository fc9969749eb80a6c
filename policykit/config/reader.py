"""Plain data of a configuration into checked values, with a problem at its place for each that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from policykit.document import Document, Route, Span


class Reader:
    """Reads values of one document. Every method gives something usable and adds to `problems` what is wrong."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = []

    def span(self, route: Route, *, key: bool = False) -> Span:
        return self._document.span(route, key=key)

    def problem(self, route: Route, message: str, hint: str = "", *, key: bool = False) -> None:
        span = self.span(route, key=key)
        self.problems.append(Problem(message, f"{span.file}:{span.line}:{span.column}", hint))

    def mapping(self, value: Any, route: Route) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        if value is not None:
            self.problem(route, f"{_said(route)} must be a mapping, not {_kind(value)}")
        return {}

    def known_keys(self, value: Any, route: Route, known: Collection[str]) -> Iterator[tuple[str, Any, Route]]:
        """The entries of a mapping that may have these keys only; those that say nothing (null) are left out."""
        for key, inner in self.mapping(value, route).items():
            if key not in known:
                self.problem((*route, key), f"unknown key `{key}`", suggestion(key, known), key=True)
            elif inner is not None:
                yield key, inner, (*route, key)

    def text(self, value: Any, route: Route) -> str:
        if isinstance(value, str) and value.strip():
            return value
        hint = "put it in quotes" if isinstance(value, bool | int | float) else ""
        self.problem(route, f"{_said(route)} must be a text, not {_kind(value)}", hint)
        return ""

    def texts(self, value: Any, route: Route) -> tuple[tuple[str, Route], ...]:
        """A list of texts, or one text alone, each with its route."""
        if isinstance(value, str):
            return ((self.text(value, route), route),)
        if not isinstance(value, list):
            self.problem(route, f"{_said(route)} must be a list, not {_kind(value)}")
            return ()
        return tuple((self.text(item, (*route, index)), (*route, index)) for index, item in enumerate(value))

    def boolean(self, value: Any, route: Route) -> bool | None:
        if isinstance(value, bool):
            return value
        self.problem(route, f"{_said(route)} must be true or false, not {_kind(value)}")
        return None

    def choice(self, value: Any, route: Route, choices: Collection[str]) -> Any:
        if isinstance(value, str) and value in choices:
            return value
        given = f"`{value}`" if isinstance(value, str) else _kind(value)
        self.problem(route, f"{_said(route)} must be one of {', '.join(choices)}, not {given}")
        return None


def suggestion(name: str, known: Collection[str]) -> str:
    """A hint for a name that is none of `known`."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f"did you mean `{near[0]}`?" if near else f"one of {', '.join(sorted(known))}"


def _said(route: Route) -> str:
    from policykit.document import route_text

    return f"`{route_text(route)}`" if route else "a configuration"


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"`{value}`" if value.strip() else "an empty text"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"
