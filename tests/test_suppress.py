"""Suppressions: ours and the peers', what they cover, and what is said about those that do not work."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from policykit.document import Document, Source, Span
from policykit.finding import Finding, Judged, Resource, Suppressed
from policykit.parse.detect import detect
from policykit.parse.dockerfile import parse_dockerfile
from policykit.parse.yaml import YamlDocument, parse_yaml
from policykit.parse.yaml_scalars import COMPOSE, KUBERNETES
from policykit.suppress import Given, suppress
from policykit.suppress.exceptions import PolicyException, ResourcePattern, container_name
from tests.fakes import PEERS, FakeCatalogue

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(source: Source) -> list[Document]:
    target = detect(source.name, source.text)
    if target == "dockerfile":
        return [parse_dockerfile(source)]
    rules = COMPOSE if target == "compose" else KUBERNETES
    documents = list(parse_yaml(source, rules))
    assert all(isinstance(document, YamlDocument) for document in documents)
    return [document for document in documents if isinstance(document, YamlDocument)]


class Result(NamedTuple):
    """Rule and line of the findings that stay, of those suppressed, and the findings about suppressions."""

    kept: list[tuple[str, int]]
    suppressed: list[Suppressed]
    own: list[Finding]

    @property
    def own_lines(self) -> list[tuple[str, int, int]]:
        return [(finding.rule, finding.span.line, finding.span.column) for finding in self.own]


def finding_at(name: str, rule: str, line: int, path: str = "") -> Finding:
    target = detect(name, "services:" if "compose" in name else "apiVersion: v1\nkind: Pod")
    return Finding(rule, "error", "fail", "wrong", Span(name, line, 1, line, 5), path, target, None, "")


def run(name: str, text: str, *at: tuple[str, int], today: str = "2026-06-01", **given: Any) -> Result:
    """Suppressions of one file, with findings of these rules on these lines."""
    source = Source(name, text)
    documents = parse(source)
    judged = [Judged(finding_at(name, rule, line), documents[0]) for rule, line in at]
    return judge(judged, documents, today=today, **given)


def judge(judged: Sequence[Judged], documents: list[Document], **given: Any) -> Result:
    given.setdefault("active", lambda _: set(PEERS))
    given.setdefault("today", "2026-06-01")
    sources = {document.source.name: document.source for document in documents}
    kept, suppressed = suppress(judged, Given(FakeCatalogue(), documents, sources, **given))  # type: ignore[arg-type]
    own = [finding for finding in kept if finding.rule.endswith("-suppression")]
    return Result([(f.rule, f.span.line) for f in kept if f not in own], suppressed, own)


TAG = "image-explicit-tag"
ROOT = "run-as-non-root"


class TestDockerfile:
    def test_the_next_instruction_is_covered_whole(self) -> None:
        text = f"# policykit: ignore={TAG} pinned by the builder\n\n# other\nFROM a \\\n  AS b\nFROM c\n"
        result = run("Dockerfile", text, (TAG, 4), (TAG, 5), (TAG, 6), (ROOT, 4))
        assert result.kept == [(TAG, 6), (ROOT, 4)]
        assert [(s.by, s.reason) for s in result.suppressed] == [("policykit comment", "pinned by the builder")] * 2
        assert result.own == []

    def test_between_continuation_lines_the_rest_of_the_instruction_is_covered(self) -> None:
        text = f"FROM a\nRUN a \\\n # policykit: ignore={TAG}\n && b\n"
        assert run("Dockerfile", text, (TAG, 2), (TAG, 4)).kept == [(TAG, 2)]

    def test_at_the_end_of_a_shell_command(self) -> None:
        text = f"FROM a\nRUN a \\\n && b # policykit: ignore={TAG}\nRUN c\n"
        assert run("Dockerfile", text, (TAG, 2), (TAG, 3), (TAG, 4)).kept == [(TAG, 4)]

    def test_in_a_shell_heredoc_the_next_line(self) -> None:
        text = f"FROM a\nRUN <<EOF\n# policykit: ignore={TAG}\nb\nc # policykit: ignore={ROOT}\nd\nEOF\n"
        result = run("Dockerfile", text, (TAG, 2), (TAG, 4), (TAG, 5), (ROOT, 5), (ROOT, 6))
        assert result.kept == [(TAG, 2), (TAG, 5), (ROOT, 6)]

    def test_a_file_written_by_a_heredoc_has_no_comments_of_ours(self) -> None:
        text = f"FROM a\nCOPY <<EOF /x\n# policykit: ignore={TAG}\nEOF\nRUN x\n"
        result = run("Dockerfile", text, (TAG, 5))
        assert result.kept == [(TAG, 5)]
        assert result.own == []

    def test_the_whole_file(self) -> None:
        text = f"FROM a\nFROM b\n# policykit: ignore-file={TAG},{ROOT} generated\n"
        result = run("Dockerfile", text, (TAG, 1), (TAG, 2), (ROOT, 2))
        assert result.kept == []
        assert {s.reason for s in result.suppressed} == {"generated"}

    def test_the_whole_file_from_all_rules_but_those_that_forbid_it(self) -> None:
        result = run("Dockerfile", "# policykit: ignore-file\nFROM a\n", (TAG, 2), ("locked", 2))
        assert result.kept == [("locked", 2)]

    @pytest.mark.parametrize(
        "spelling", ["# hadolint ignore=DL3006,SC2086", "#hadolint   ignore = DL9999 , DL3007 why"]
    )
    def test_hadolint(self, spelling: str) -> None:
        result = run("Dockerfile", f"{spelling}\nFROM a\nFROM b\n", (TAG, 2), (TAG, 3))
        assert result.kept == [(TAG, 3)]
        assert result.suppressed[0].by == "hadolint comment"

    def test_hadolint_for_the_whole_file(self) -> None:
        text = "# hadolint global ignore=DL3006\nFROM a\nFROM b\n"
        assert run("Dockerfile", text, (TAG, 2), (TAG, 3), (ROOT, 3)).kept == [(ROOT, 3)]

    @pytest.mark.parametrize("value", ["skip=StageNameCasing,X", "error=true;skip=X, StageNameCasing", "skip=all"])
    def test_buildkit(self, value: str) -> None:
        assert run("Dockerfile", f"# check={value}\nFROM a\n", (TAG, 2), (ROOT, 2)).kept == [(ROOT, 2)]

    def test_buildkit_for_one_instruction(self) -> None:
        text = "FROM a\n# check=skip=all // local\nFROM b\nFROM c\n"
        assert run("Dockerfile", text, (TAG, 1), (TAG, 3), (TAG, 4)).kept == [(TAG, 1), (TAG, 4)]

    def test_hadolint_for_a_stage(self) -> None:
        text = "FROM a\n# hadolint stage ignore=DL3006\nFROM b\nRUN x\nFROM c\n"
        assert run("Dockerfile", text, (TAG, 1), (TAG, 3), (TAG, 4), (TAG, 5)).kept == [(TAG, 1), (TAG, 5)]

    def test_hadolint_takes_no_notice_of_a_list_with_other_words(self) -> None:
        assert run("Dockerfile", "# hadolint ignore=nonsense,DL3006\nFROM a\n", (TAG, 2)).kept == [(TAG, 2)]

    def test_checkov_speaks_of_the_whole_file(self) -> None:
        text = "FROM a\n# checkov:skip=CKV_DOCKER_7: we know\nFROM b\n"
        result = run("Dockerfile", text, (TAG, 1), (TAG, 3))
        assert result.kept == []
        assert result.suppressed[0].reason == "we know"

    @pytest.mark.parametrize(
        "spelling", ["AVD-DS-0001", "DS001", "ds-0001", "DS-0001:exp:2026-06-01", "X trivy:ignore:DS001"]
    )
    def test_trivy(self, spelling: str) -> None:
        assert run("Dockerfile", f"#trivy:ignore:{spelling}\nFROM a\n", (TAG, 2)).kept == []

    def test_trivy_expired(self) -> None:
        result = run("Dockerfile", "#trivy:ignore:DS-0001:exp:2026-05-31\nFROM a\n", (TAG, 2))
        assert result.kept == [(TAG, 2)]
        assert [(f.rule, f.message) for f in result.own] == [("expired-suppression", "this expired on 2026-05-31")]


COMPOSE_TEXT = """\
services:
  # policykit: ignore={rule}
  a:
    image: x
    build: .
  b:
    image: x  # policykit: ignore=image-explicit-tag
    # not this one
    labels:
      note: "# policykit: ignore=run-as-non-root"
      text: |
        # policykit: ignore-file=run-as-non-root
        # nothing
"""


class TestYaml:
    def test_the_node_below_or_the_line(self) -> None:
        at = [(TAG, line) for line in (3, 4, 6, 7, 9)]
        result = run("compose.yaml", COMPOSE_TEXT.format(rule=TAG), *at)
        assert result.kept == [(TAG, 6), (TAG, 9)]
        assert result.own == []

    def test_a_scalar_is_no_comment(self) -> None:
        result = run(
            "compose.yaml", COMPOSE_TEXT.format(rule=TAG), (ROOT, 3), (ROOT, 10), (ROOT, 13), (TAG, 7), (TAG, 4)
        )
        assert result.kept == [(ROOT, 3), (ROOT, 10), (ROOT, 13)]
        assert result.own == []

    def test_an_item_of_a_sequence_and_a_sequence_at_the_indentation_of_its_key(self) -> None:
        text = (
            "apiVersion: v1\nkind: Pod\nspec:\n"
            f"  # policykit: ignore={ROOT}\n  containers:\n  - name: a\n    image: x\n"
            f"  # policykit: ignore={TAG}\n  - name: b\n    image: x\n  - name: c\n    image: x\n  other: 1\n"
        )
        result = run("pod.yaml", text, (ROOT, 6), (ROOT, 11), (ROOT, 13), (TAG, 7), (TAG, 10), (TAG, 12))
        assert result.kept == [(ROOT, 13), (TAG, 7), (TAG, 12)]

    def test_a_flow_collection_closes_at_the_indentation_of_its_key(self) -> None:
        text = f"apiVersion: v1\nkind: Pod\n# policykit: ignore={TAG}\nspec: {{\n  a: 1\n}}\nb: 2\n"
        assert run("pod.yaml", text, (TAG, 5), (TAG, 6), (TAG, 7)).kept == [(TAG, 7)]

    def test_after_the_header_of_a_block_scalar(self) -> None:
        text = f"apiVersion: v1\nkind: Pod\na: | # policykit: ignore={TAG}\n  x\n# policykit: ignore={TAG}\nb: 1\n"
        assert run("pod.yaml", text, (TAG, 3), (TAG, 4), (TAG, 6)).kept == [(TAG, 4)]

    def test_the_whole_stream(self) -> None:
        text = f"apiVersion: v1\nkind: Pod\n---\n# policykit: ignore-file={TAG}\napiVersion: v1\nkind: Pod\n"
        assert run("pod.yaml", text, (TAG, 1), (TAG, 5)).kept == []

    def test_the_node_below_ends_with_its_document(self) -> None:
        text = f"apiVersion: v1\nkind: Pod\n# policykit: ignore={TAG}\nspec:\n---\n  a: 1\n"
        assert run("pod.yaml", text, (TAG, 4), (TAG, 6)).kept == [(TAG, 6)]

    def test_checkov_speaks_of_one_document(self) -> None:
        text = (
            "kind: Pod\napiVersion: v1\n---\nkind: Pod\n# checkov:skip=CKV_K8S_14:why\napiVersion: v1\n---\nkind: Pod\n"
        )
        result = run("pod.yaml", text, (TAG, 1), (TAG, 4), (TAG, 6), (TAG, 8))
        assert result.kept == [(TAG, 1), (TAG, 8)]

    def test_dclint(self) -> None:
        text = (
            "services:\n  a:\n    image: x # dclint disable-line\n  b:\n"
            "    # dclint disable-line service-image-require-explicit-tag\n    image: x\n    x: 1\n"
        )
        assert run("compose.yaml", text, (TAG, 3), (TAG, 6), (TAG, 7)).kept == [(TAG, 7)]

    @pytest.mark.parametrize("rules", ["", " service-image-require-explicit-tag other-rule"])
    def test_dclint_for_the_whole_file_at_its_top(self, rules: str) -> None:
        text = f"# dclint disable{rules}\nservices:\n  a:\n    image: x\n"
        assert run("compose.yaml", text, (TAG, 4), (ROOT, 4)).kept == [(ROOT, 4)]
        late = f"services:\n  # dclint disable{rules}\n  a:\n    image: x\n"
        assert run("compose.yaml", late, (TAG, 4)).kept == [(TAG, 4)]

    def test_a_peer_of_another_format_has_no_say(self) -> None:
        assert run("compose.yaml", "# hadolint ignore=DL3006\nservices:\n", (TAG, 2)).kept == [(TAG, 2)]
        assert run("Dockerfile", "# dclint disable\nFROM a\n", (TAG, 2)).kept == [(TAG, 2)]

    def test_crlf(self) -> None:
        text = f"services:\r\n  a:\r\n    # policykit: ignore={TAG} because\r\n    image: x\r\n    b: 1\r\n"
        result = run("compose.yaml", text, (TAG, 4), (TAG, 5))
        assert result.kept == [(TAG, 5)]
        assert result.suppressed[0].reason == "because"


class TestSaid:
    """What is reported about suppressions that do not work."""

    def test_unused(self) -> None:
        result = run("Dockerfile", f"FROM a\n  # policykit: ignore={TAG} why\nFROM b:1\n")
        assert result.own_lines == [("unused-suppression", 2, 3)]
        assert result.own[0].severity == "info"
        assert result.own[0].span.end_column == 3 + len(f"# policykit: ignore={TAG} why")

    def test_a_rule_that_is_not_in_force_cannot_be_unused(self) -> None:
        assert run("Dockerfile", f"# policykit: ignore={TAG}\nFROM a\n", active=lambda _: {ROOT}).own == []

    def test_a_peers_suppression_is_never_unused(self) -> None:
        assert run("Dockerfile", "# hadolint ignore=DL3006\nFROM a:1\n").own == []

    def test_unknown_rule_with_a_hint(self) -> None:
        result = run("Dockerfile", "# policykit: ignore=image-explicit-tags,DL3006 x\nFROM a\n", (TAG, 2))
        assert result.kept == []
        (finding,) = result.own
        assert (finding.rule, finding.severity) == ("invalid-suppression", "warning")
        assert finding.message == "no rule is called `image-explicit-tags`"
        assert finding.help == "Did you mean `image-explicit-tag`?"

    @pytest.mark.parametrize(
        "comment", ["policykit: ignore", "policykit: ignore=", "policykit:disable=x", "policykit: "]
    )
    def test_malformed(self, comment: str) -> None:
        result = run("Dockerfile", f"# {comment}\nFROM a\n", (TAG, 2))
        assert result.kept == [(TAG, 2)]
        assert result.own_lines == [("invalid-suppression", 1, 1)]
        assert "ignore=RULE" in result.own[0].message

    def test_prose_about_us_is_no_suppression(self) -> None:
        assert run("Dockerfile", "# policykit checks this; see policykit: docs\nFROM a\n").own == []

    def test_forbidden(self) -> None:
        result = run("Dockerfile", "# policykit: ignore=locked\nFROM a\n", ("locked", 2))
        assert result.kept == [("locked", 2)]
        assert result.own_lines == [("invalid-suppression", 1, 1)]
        assert "cannot be suppressed" in result.own[0].message

    def test_switched_off(self) -> None:
        result = run("Dockerfile", f"# policykit: ignore={TAG}\nFROM a\n", (TAG, 2), inline=False)
        assert result.kept == [(TAG, 2)]
        assert result.own == []


POD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    {outer}
spec:
  template:
    metadata:
      annotations:
        {inner}
    spec:
      containers: [{{name: app, image: x}}]
"""


def deployment(outer: str = "a: b", inner: str = "a: b") -> tuple[Document, tuple[Any, ...]]:
    (document,) = parse(Source("deploy.yaml", POD.format(outer=outer, inner=inner)))
    template = document.data["spec"]["template"]
    return document, (document.data["metadata"]["annotations"], template["metadata"]["annotations"])


def annotated(outer: str = "a: b", inner: str = "a: b", rule: str = TAG) -> Result:
    document, annotations = deployment(outer, inner)
    on_pod = Judged(finding_at("deploy.yaml", rule, 13), document, annotations)
    on_object = Judged(finding_at("deploy.yaml", rule, 2), document, annotations[:1])
    return judge([on_pod, on_object], [document])


class TestAnnotations:
    def test_on_the_object(self) -> None:
        result = annotated(f"policykit.dev/ignore.{TAG}: legacy")
        assert result.kept == []
        assert [(s.by, s.reason) for s in result.suppressed] == [("policykit annotation", "legacy")] * 2

    def test_on_the_pod_template(self) -> None:
        assert annotated(inner=f"policykit.dev/ignore.{TAG}: legacy").kept == [(TAG, 2)]

    @pytest.mark.parametrize(
        "annotation",
        [
            "ignore-check.kube-linter.io/latest-tag: why",
            "kube-linter.io/ignore-all: why",
            "checkov.io/skip1: CKV_K8S_14=why",
            "kube-score/ignore: other, container-image-tag",
            'polaris.fairwinds.com/tagNotSpecified-exempt: "true"',
            'polaris.fairwinds.com/exempt: "true"',
        ],
    )
    def test_peers(self, annotation: str) -> None:
        assert annotated(annotation).kept == []
        assert annotated(annotation, rule="locked").kept == [("locked", 13), ("locked", 2)]

    @pytest.mark.parametrize(
        "annotation",
        [
            'polaris.fairwinds.com/exempt: "false"',
            "ignore-check.kube-linter.io/other: x",
            "kube-linter.io/ignore-all2: x",
        ],
    )
    def test_not_that(self, annotation: str) -> None:
        assert len(annotated(annotation).kept) == 2

    def test_unused_and_unknown_at_their_keys(self) -> None:
        result = annotated(f"policykit.dev/ignore.{ROOT}: x", "policykit.dev/ignore.nothing: x")
        assert sorted(result.own_lines) == [("invalid-suppression", 11, 9), ("unused-suppression", 6, 5)]

    def test_switched_off(self) -> None:
        document, annotations = deployment(f"policykit.dev/ignore.{TAG}: x")
        judged = [Judged(finding_at("deploy.yaml", TAG, 13), document, annotations)]
        assert judge(judged, [document], inline=False).kept == [(TAG, 13)]


def exception(**changes: Any) -> PolicyException:
    default = PolicyException(
        rule=TAG, reason="why", span=Span("policykit.yaml", 3, 5, 3, 9), covers_file=lambda _: True
    )
    return replace(default, **changes)


class TestExceptions:
    def judged(self, path: str = "spec.template.spec.containers[0].image") -> tuple[list[Judged], list[Document]]:
        document, annotations = deployment()
        found_in = Resource("apps/v1", "Deployment", "shop", "web")
        finding = finding_at("deploy.yaml", TAG, 13, path)._replace(resource=found_in)
        return [Judged(finding, document, annotations)], [document]

    @pytest.mark.parametrize(
        ("changes", "covered"),
        [
            ({}, True),
            ({"rule": "DL3006"}, True),
            ({"rule": ROOT}, False),
            ({"covers_file": lambda name: name == "deploy.yaml"}, True),
            ({"covers_file": lambda name: False}, False),
            ({"resource": ResourcePattern(kind="Deployment", namespace="sh*", name="web")}, True),
            ({"resource": ResourcePattern(name="api")}, False),
            ({"container": "app"}, True),
            ({"container": "a*"}, True),
            ({"container": "sidecar"}, False),
            ({"expires": "2026-06-01"}, True),
            ({"expires": "2026-05-31"}, False),
        ],
    )
    def test_scope(self, changes: dict[str, Any], covered: bool) -> None:
        result = judge(*self.judged(), exceptions=[exception(**changes)])
        assert (result.kept == []) is covered
        assert [s.by for s in result.suppressed] == (["exception"] if covered else [])

    def test_they_hold_without_inline_suppressions(self) -> None:
        assert judge(*self.judged(), exceptions=[exception()], inline=False).kept == []

    def test_expired_is_said(self) -> None:
        result = judge(*self.judged(), exceptions=[exception(expires="2026-05-31")])
        assert result.own_lines == [("expired-suppression", 3, 5)]

    @pytest.mark.parametrize(("complete", "said"), [(True, [("unused-suppression", 3, 5)]), (False, [])])
    def test_unused_is_said_where_all_it_speaks_of_was_seen(self, complete: bool, said: list[object]) -> None:
        assert judge([], [], exceptions=[exception(scope_is_complete=complete)]).own_lines == said

    def test_a_resource_pattern_covers_no_file_without_resources(self) -> None:
        judged = [Judged(finding_at("Dockerfile", TAG, 1))]
        assert judge(judged, [], exceptions=[exception(resource=ResourcePattern())]).kept == [(TAG, 1)]

    @pytest.mark.parametrize(
        ("path", "name"),
        [("services.web.image", "web"), ('services["we\\"b.x"].image', 'we"b.x'), ("networks.web", "")],
    )
    def test_a_compose_service_is_a_container(self, path: str, name: str) -> None:
        assert container_name(Judged(finding_at("compose.yaml", TAG, 1, path))) == name

    @pytest.mark.parametrize("path", ["spec.containers[7].image", "a.containers[0].image", "kind", ""])
    def test_no_container_there(self, path: str) -> None:
        judged, _ = self.judged(path)
        assert container_name(judged[0]) == ""


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml"])
def test_many_suppressions_of_many_findings_take_no_time(name: str) -> None:
    count = 20_000
    text = f"# policykit: ignore={TAG}\nFROM a\n" if name == "Dockerfile" else f"# policykit: ignore={TAG}\na: x\n"
    source = Source(name, text * count)
    # The findings alone: the parsers have limits and times of their own.
    dockerfile = parse_dockerfile(source) if name == "Dockerfile" else None
    documents: list[Any] = [dockerfile] if dockerfile else parse(Source(name, "services: {}"))
    judged = [Judged(finding_at(name, TAG, line), documents[0]) for line in range(2, 2 * count + 1, 2)]
    sources = {name: source._replace(target=documents[0].target)}
    given = Given(FakeCatalogue(), documents, sources, lambda _: PEERS, "")  # type: ignore[arg-type]
    started = time.perf_counter()
    kept, suppressed = suppress(judged, given)
    assert (len(kept), len(suppressed)) == (0, count)
    assert time.perf_counter() - started < 10
