"""What files, objects and configurations say into suppressions, and into findings where they say it wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from policykit.document import Span
from policykit.parse.detect import detect
from policykit.suppress import annotation, codes, comments, directives
from policykit.suppress.directives import OURS, Directive
from policykit.suppress.match import ByException, InLines, OnObject
from policykit.suppress.names import Names
from policykit.suppress.own_rules import INVALID
from policykit.suppress.suppression import Place, Suppression, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policykit.document import Source, Target
    from policykit.finding import Finding, Judged
    from policykit.parse.dockerfile.ast import Dockerfile
    from policykit.suppress import Given
    from policykit.suppress.comments import Comment, Lines
    from policykit.suppress.exceptions import PolicyException


class Collector:
    """Gathers `suppressions`, and `problems` with those that name no rule."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self.names = Names(given.catalogue)
        self.suppressions: list[Suppression] = []
        self.problems: list[Finding] = []

    def collect(self, judged: Sequence[Judged]) -> None:
        """`judged` carry the annotations that stand over them."""
        if self._given.inline:
            self._comments(judged)
            self._own_annotations()
            self._annotations_over(judged)
        for exception in self._given.exceptions:
            self._exception(exception)

    def _rules(self, directive: Directive, place: Place) -> frozenset[str]:
        """The rules that a directive names; a name of nothing becomes a problem."""
        if directive.peer != OURS:
            return self.names.of_peer(directive.peer, directive.names)
        if directive.problem:
            self.problems.append(report(INVALID, directive.problem, place))
            return frozenset()
        rules: set[str] = set()
        for name in directive.names or ("*",):
            found = self.names.ours(name)
            if not found:
                message = f"no rule is called `{name}`"
                self.problems.append(report(INVALID, message, place, self.names.suggestion(name)))
            rules.update(found)
        return frozenset(rules)

    def _is_watched(self, directive: Directive, rules: frozenset[str], file: str) -> bool:
        return directive.peer == OURS and not {codes.rule_of(rule) for rule in rules}.isdisjoint(
            self._given.active(file)
        )

    def _comments(self, judged: Sequence[Judged]) -> None:
        # A file that is loaded by another one may have any name; its findings know what it is.
        targets = {item.finding.span.file: item.finding.target for item in judged}
        dockerfiles = {d.source.name: d.data for d in self._given.documents if d.target == "dockerfile"}
        for name, source in self._given.sources.items():
            if not directives.MENTIONS.search(source.text):
                continue
            if name in dockerfiles:
                found = _in_dockerfile(dockerfiles[name])
            elif target := source.target or detect(name, source.text) or targets.get(name):
                found = _in_yaml(source, target)
            else:
                continue
            for comment, directive, target in found:
                self._comment(name, comment, directive, target)

    def _comment(self, file: str, comment: Comment, directive: Directive, target: Target) -> None:
        place = Place(Span(file, comment.line, comment.column, comment.line, comment.end_column), target)
        rules = self._rules(directive, place)
        self.suppressions.append(
            Suppression(
                by=f"{directive.peer or 'policykit'} comment",
                reason=directive.reason,
                rules=rules,
                place=place,
                scope=_lines(file, comment, directive),
                watched=self._is_watched(directive, rules, file),
                expires=directive.expires,
            )
        )

    def _own_annotations(self) -> None:
        """All of ours, so that the unused ones are known."""
        for document in self._given.documents:
            if document.target == "kubernetes" and annotation.PREFIX in document.source.text:
                for mapping, key, route in annotation.own_annotations(document.data):
                    self._annotation(mapping, key, document.span(route, key=True))

    def _annotations_over(self, judged: Sequence[Judged]) -> None:
        """The peers', where they stand over a finding."""
        seen: set[int] = set()
        for item in judged:
            for mapping in item.annotations:
                if id(mapping) not in seen:
                    seen.add(id(mapping))
                    for key in mapping:
                        if not key.startswith(annotation.PREFIX):
                            self._annotation(mapping, key, item.finding.span)

    def _annotation(self, mapping: Mapping[str, Any], key: str, span: Span) -> None:
        directive = annotation.read_annotation(key, mapping[key])
        if directive is None:
            return
        place = Place(span, "kubernetes")
        rules = self._rules(directive, place)
        self.suppressions.append(
            Suppression(
                by=f"{directive.peer or 'policykit'} annotation",
                reason=directive.reason,
                rules=rules,
                place=place,
                scope=OnObject(id(mapping)),
                watched=self._is_watched(directive, rules, span.file),
            )
        )

    def _exception(self, exception: PolicyException) -> None:
        place = Place(exception.span, None)
        rules = self._rules(Directive(OURS, (exception.rule,), "near"), place)
        self.suppressions.append(
            Suppression(
                by="exception",
                reason=exception.reason,
                rules=rules,
                place=place,
                scope=ByException(exception),
                watched=exception.scope_is_complete,
                expires=exception.expires,
            )
        )


def _in_dockerfile(document: Dockerfile) -> Iterator[tuple[Comment, Directive, Target]]:
    for written in document.directives:
        span, nowhere = written.span, comments.Lines(0, 0)
        comment = comments.Comment("", span.line, span.column, span.end_column, nowhere, nowhere, nowhere, leading=True)
        for directive in directives.read_parser_directive(written):
            yield comment, directive, "dockerfile"
    for comment in comments.dockerfile_comments(document, directives.MENTIONS.search):
        for directive in directives.read_comment(comment, "dockerfile"):
            yield comment, directive, "dockerfile"


def _in_yaml(source: Source, target: Target) -> Iterator[tuple[Comment, Directive, Target]]:
    for comment in comments.yaml_comments(source, directives.MENTIONS.search):
        for directive in directives.read_comment(comment, target):
            yield comment, directive, target


def _lines(file: str, comment: Comment, directive: Directive) -> InLines:
    if directive.scope == "file":
        return InLines(file, 1, sys.maxsize)
    scopes: dict[str, Lines] = {
        "near": comment.near,
        "next line": comment.next_line,
        "stage": comment.stage or comment.document,
        "document": comment.document,
    }
    return InLines(file, *scopes[directive.scope])
