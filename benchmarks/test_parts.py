"""The parts of a check, one by one: `pytest benchmarks` (needs the dependency group `benchmark`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from benchmarks import trees
from policykit.catalogue import Catalogue, load_catalogue
from policykit.catalogue.rules import RuleSet, default_settings, rule_set
from policykit.cel import DYN, Environment
from policykit.document import Source
from policykit.engine import Judge, evaluate
from policykit.finding import Run
from policykit.parse.dockerfile import parse_dockerfile
from policykit.parse.kubernetes import parse_manifests
from policykit.report import FORMATS, Report, render
from policykit.views.objects import AdmittedObject
from policykit.views.project import Facts, Project
from policykit.views.read import read_project
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

_MAKERS = {"dockerfile": trees.dockerfiles, "compose": trees.compose_files, "kubernetes": trees.manifests}
_EXPRESSION = 'c.image.startsWith("registry.example.com/") && c.ports.all(p, p > 1024) && !(c.name in ["a", "b"])'


@pytest.fixture(scope="module", params=_MAKERS)
def sources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Fifty files of one format."""
    return _sources(_MAKERS[request.param](tmp_path_factory.mktemp("tree"), 50))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def rules(catalogue: Catalogue) -> RuleSet:
    return rule_set(catalogue, {p.id: default_settings(p) for p in catalogue.policies if p.enabled})


def _sources(root: Path) -> list[Source]:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return [Source(str(path.relative_to(root)), path.read_text()) for path in found]


def _project(sources: list[Source]) -> Project:
    return read_project(sources, Facts(), lambda _: None)


def test_bare_yaml_events(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The floor of what reads YAML with libyaml."""
    texts = [source.text for source in _sources(trees.manifests(tmp_path, 50))]
    benchmark(lambda: [sum(1 for _ in yaml.parse(text, yaml.CSafeLoader)) for text in texts])


def test_parse_manifests(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    sources = _sources(trees.manifests(tmp_path, 50))
    benchmark(lambda: [parse_manifests(source) for source in sources])


def test_parse_dockerfiles(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    sources = _sources(trees.dockerfiles(tmp_path, 50))
    benchmark(lambda: [parse_dockerfile(source) for source in sources])


def test_read(benchmark: BenchmarkFixture, sources: list[Source]) -> None:
    assert benchmark(_project, sources).documents


def test_views(benchmark: BenchmarkFixture, sources: list[Source]) -> None:
    """Every subject of every view."""

    def make(project: Project) -> int:
        count = 0
        for target in {document.target for document in project.documents}:
            for view in VIEWS.values():
                if subjects := view.subjects(target):
                    documents: list[Any] = [None] if view.of_project else list(project.documents)
                    count += sum(1 for document in documents for _ in subjects(document, project))
        return count

    assert benchmark.pedantic(make, setup=lambda: ((_project(sources),), {}), rounds=20)


def test_compile(benchmark: BenchmarkFixture) -> None:
    environment = Environment({"c": DYN})
    benchmark(environment.compile, _EXPRESSION)


def test_evaluate_an_expression(benchmark: BenchmarkFixture) -> None:
    program = Environment({"c": DYN}).compile(_EXPRESSION)
    bindings = {"c": {"image": "registry.example.com/app:1", "ports": [8080, 9090], "name": "c"}}
    assert benchmark(program.evaluate, bindings) is True


def test_judge(benchmark: BenchmarkFixture, sources: list[Source], catalogue: Catalogue, rules: RuleSet) -> None:
    def judge(project: Project) -> int:
        return len(evaluate(project, catalogue, lambda _: rules))

    assert benchmark.pedantic(judge, setup=lambda: ((_project(sources),), {}), rounds=20)


def test_judge_an_admitted_object(
    benchmark: BenchmarkFixture, catalogue: Catalogue, rules: RuleSet, tmp_path: Path
) -> None:
    """What the webhook asks for each request."""
    documents = _project(_sources(trees.manifests(tmp_path, 20))).documents
    data = max((d.data for d in documents if d.data["kind"] == "Deployment"), key=lambda data: len(str(data)))
    obj = AdmittedObject(data, "apps/v1", "Deployment", data["metadata"]["name"], "shop")
    benchmark(Judge(catalogue, rules, Facts()).findings, obj)


@pytest.mark.parametrize("form", FORMATS)
def test_report(
    benchmark: BenchmarkFixture, sources: list[Source], catalogue: Catalogue, rules: RuleSet, form: str
) -> None:
    judged = evaluate(_project(sources), catalogue, lambda _: rules)
    run = Run("bundle", tuple(item.finding for item in judged), (), (), len(sources))
    report = Report(run, {source.name: source for source in sources}, catalogue.get)
    assert benchmark(render, form, report)
