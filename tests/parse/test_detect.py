"""Names and glances at texts into what a file is."""

from __future__ import annotations

import time

import pytest

from policykit.parse.detect import could_be, detect

POD = "apiVersion: v1\nkind: Pod\n"
COMPOSE = "services:\n  a: {image: b}\n"


@pytest.mark.parametrize(
    "name",
    [
        *("Dockerfile", "dockerfile", "Containerfile", "a/b/Dockerfile", "a\\Dockerfile", "Dockerfile.prod"),
        *("Dockerfile-prod", "api.dockerfile", "prod.Dockerfile", "Containerfile.build", "Dockerfile.alpine3.20"),
        *("Dockerfile.go", "Dockerfile_test", "a.containerfile"),
    ],
)
def test_dockerfile(name: str) -> None:
    assert could_be(name)
    assert detect(name, "# syntax=docker/dockerfile:1\n\nFROM a\n") == "dockerfile"
    assert detect(name, "run echo fragment\n") == "dockerfile"


def test_only_the_very_name_needs_no_content() -> None:
    assert detect("Dockerfile", "") == "dockerfile"
    assert detect("Dockerfile", "what is this?") == "dockerfile"
    assert detect("Dockerfile.prod", "what is this?") is None


@pytest.mark.parametrize(
    "name",
    [
        *("Dockerfile.md", ".dockerignore", "Dockerfile.dockerignore", "Dockerfile.j2", "Dockerfile.tmpl"),
        *("MyDockerfile", "Dockerfiles", "dockerfile/readme", "main.py", "a.Dockerfile.bak"),
    ],
)
def test_no_dockerfile(name: str) -> None:
    assert not could_be(name)
    assert detect(name, "FROM a\n") is None


@pytest.mark.parametrize(
    "name",
    [
        *("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", "a/docker-compose.prod.yml"),
        *("compose.override.yaml", "docker-compose-dev.yaml", "foo.compose.yml", "foo-docker-compose.yml"),
    ],
)
def test_compose(name: str) -> None:
    assert could_be(name)
    assert detect(name, COMPOSE) == "compose"
    assert detect(name, "include:\n- a.yaml\n") == "compose"
    assert detect(name, POD) == "kubernetes"


def test_a_compose_file_that_is_broken_is_one_all_the_same() -> None:
    assert detect("compose.yaml", "") == "compose"
    assert detect("docker-compose.yml", "[" * 100) == "compose"
    assert detect("compose.prod.yaml", "[" * 100) is None


@pytest.mark.parametrize("name", ["stack.yaml", "decompose.yaml", "composer.json", "values.yaml"])
def test_no_compose(name: str) -> None:
    assert detect(name, COMPOSE) is None


@pytest.mark.parametrize(
    "text",
    [
        POD,
        f"# c\n---\na: 1\n---\n{POD}",
        "kind: Pod\nmetadata:\n  name: a\napiVersion: v1\n",
        "'apiVersion': v1\n\"kind\": Pod\n",
        "  apiVersion: v1\n  kind: Pod\n",
        '{"kind": "Pod", "apiVersion": "v1"}',
        '\n{\n  "apiVersion":"v1","kind":"Pod"}',
        "--- {apiVersion: v1, kind: Pod}\n",
        "apiVersion: {{ .x }}\nkind: Pod\n{{- end }}\n",
        "apiVersion: v1\r\nkind: Pod\r\n",
        "{{- if .Values.x }}\napiVersion: v1\nkind: Pod\n{{- end }}\n",
    ],
)
def test_kubernetes(text: str) -> None:
    assert detect("a.yaml", text) == "kubernetes"
    assert detect("b/c.json", text) == "kubernetes"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\n",
        "apiVersion: v1\n",
        "spec:\n  apiVersion: v1\n  kind: Pod\n",
        "# apiVersion: v1\n# kind: Pod\n",
        "- 1\n",
    ],
)
def test_everything_else_is_left_alone(text: str) -> None:
    assert detect("a.yaml", text) is None


def test_other_names_are_left_alone() -> None:
    assert not could_be("a.txt")
    assert detect("a.txt", POD) is None


@pytest.mark.parametrize(
    "text", [" " * 2_000_000, "#\n" * 500_000, "a:\n" * 300_000, "{" * 1_000_000, "--- " * 300_000]
)
@pytest.mark.parametrize("name", ["a.yaml", "Dockerfile.x"])
def test_a_glance_is_quick(name: str, text: str) -> None:
    began = time.perf_counter()
    assert detect(name, text) is None
    assert time.perf_counter() - began < 2
