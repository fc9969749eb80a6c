"""Realistic trees of files to check, the same ones at every run: the numbers in them come from a fixed seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BASES = (
    "python:3.13-slim",
    "node:22-alpine",
    "golang:1.25",
    "debian:bookworm",
    "eclipse-temurin:21",
    "ubuntu",
    "nginx",
)
_PACKAGES = ("curl", "ca-certificates", "git", "build-essential", "libpq-dev", "openssl", "jq", "tini")
_KINDS = ("Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet", "CronJob")


def dockerfiles(root: Path, count: int) -> Path:
    """`count` Dockerfiles, one in each directory."""
    chance = random.Random(1)
    for number in range(count):
        _write(root / f"app{number:05}" / "Dockerfile", _dockerfile(chance))
    return root


def compose_files(root: Path, count: int) -> Path:
    """`count` Compose files, one in each directory."""
    chance = random.Random(2)
    for number in range(count):
        _write(root / f"stack{number:05}" / "compose.yaml", _compose(chance))
    return root


def manifests(root: Path, count: int) -> Path:
    """`count` files of four manifests each: a workload, its Service, its NetworkPolicy, its ConfigMap."""
    chance = random.Random(3)
    for number in range(count):
        name = f"app{number:05}"
        parts = (_workload(chance, name), _service(name), _network_policy(name), _config_map(chance, name))
        _write(root / f"team{number % 40:02}" / f"{name}.yaml", "---\n".join(parts))
    return root


def crds(root: Path, megabytes: int) -> Path:
    """CustomResourceDefinitions of about half a megabyte each, as operators ship them."""
    chance = random.Random(4)
    for number in range(megabytes * 2):
        _write(root / f"crd{number:03}.yaml", _crd(chance, f"thing{number}", 512 * 1024))
    return root


def monorepo(root: Path, count: int) -> Path:
    """`count` files: a fifth each of Dockerfiles, Compose files and manifests, the rest nothing to do with them."""
    dockerfiles(root / "services", count // 5)
    compose_files(root / "stacks", count // 5)
    manifests(root / "deploy", count // 5)
    chance = random.Random(5)
    for number in range(count - 3 * (count // 5)):
        ending, text = chance.choice((("py", "print('hello')\n"), ("md", "# Title\n"), ("yaml", "a: 1\nb: [2, 3]\n")))
        _write(root / "src" / f"part{number % 50:02}" / f"file{number:05}.{ending}", text)
    _write(root / ".gitignore", "*.log\nbuild/\n!keep.log\n")
    return root


def _dockerfile(chance: random.Random) -> str:
    base = chance.choice(_BASES)
    packages = " \\\n    ".join(chance.sample(_PACKAGES, chance.randint(2, 6)))
    user = chance.choice(("USER 10001\n", "USER app\n", ""))
    return (
        f"# syntax=docker/dockerfile:1\nARG VERSION=1.{chance.randint(0, 9)}\nFROM {base} AS build\n"
        f"WORKDIR /src\nRUN apt-get update && apt-get install -y --no-install-recommends \\\n    {packages} \\\n"
        "    && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt ./\n"
        "RUN --mount=type=cache,target=/root/.cache pip install -r requirements.txt\nCOPY . .\n"
        f"ENV APP_ENV=production PORT={chance.randint(3000, 9000)}\n"
        'RUN if [ -n "$VERSION" ]; then echo "$VERSION" > /src/version; fi\n'
        f"FROM {base}\nCOPY --from=build /src /app\nWORKDIR /app\n{user}EXPOSE 8080\n"
        'HEALTHCHECK CMD curl -f http://localhost:8080/healthz || exit 1\nCMD ["python", "-m", "app"]\n'
    )


def _compose(chance: random.Random) -> str:
    text = "x-common: &common\n  restart: unless-stopped\n  logging: {driver: json-file}\nservices:\n"
    for number in range(chance.randint(2, 6)):
        text += (
            f"  service{number}:\n    <<: *common\n    image: registry.example.com/app{number}:${{TAG:-1.{number}}}\n"
            f'    ports:\n      - "{8000 + number}:80"\n    environment:\n      LOG_LEVEL: info\n'
            f"      TOKEN: ${{TOKEN}}\n    volumes:\n      - data{number}:/data\n"
            + ("    user: '10001'\n    mem_limit: 256m\n" if chance.random() < 0.5 else "    privileged: true\n")
        )
    return text + "volumes:\n" + "".join(f"  data{number}: {{}}\n" for number in range(6))


def _workload(chance: random.Random, name: str) -> str:
    kind = chance.choice(_KINDS)
    pod = _pod(chance, name)
    labels = f"metadata: {{labels: {{app: {name}}}}}\n"
    head = f"kind: {kind}\nmetadata:\n  name: {name}\n  namespace: shop\n  labels: {{app: {name}}}\nspec:\n"
    if kind == "CronJob":
        job = _indented(f"template:\n{_indented(labels + 'spec:' + chr(10) + _indented(pod, 2), 2)}", 6)
        return f"apiVersion: batch/v1\n{head}  schedule: '0 3 * * *'\n  jobTemplate:\n    spec:\n{job}"
    template = _indented(labels + "spec:\n" + _indented(pod, 2), 4)
    return f"apiVersion: apps/v1\n{head}  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n{template}"


def _pod(chance: random.Random, name: str) -> str:
    text = "restartPolicy: OnFailure\n" if chance.random() < 0.1 else ""
    text += "securityContext: {runAsNonRoot: true}\n" if chance.random() < 0.5 else ""
    text += "containers:\n"
    for number in range(chance.randint(1, 3)):
        text += (
            f"  - name: c{number}\n    image: registry.example.com/{name}:{chance.choice(('1.4.2', 'latest'))}\n"
            "    ports:\n      - containerPort: 8080\n    env:\n"
            + "".join(f"      - name: VARIABLE_{i}\n        value: 'value {i}'\n" for i in range(6))
            + "    readinessProbe: {httpGet: {path: /ready, port: 8080}}\n"
        )
        if chance.random() < 0.6:
            text += (
                "    resources:\n      limits: {cpu: '1', memory: 256Mi}\n      requests: {cpu: 100m, memory: 128Mi}\n"
            )
    return text


def _service(name: str) -> str:
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec:\n  selector: {{app: {name}}}\n  ports: [{{port: 80, targetPort: 8080}}]\n"
    )


def _network_policy(name: str) -> str:
    return (
        f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec:\n  podSelector: {{matchLabels: {{app: {name}}}}}\n  policyTypes: [Ingress]\n  ingress: []\n"
    )


def _config_map(chance: random.Random, name: str) -> str:
    rows = "".join(f"  key{i}: 'value {chance.randint(0, 10**9)}'\n" for i in range(10))
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\ndata:\n{rows}"


def _crd(chance: random.Random, name: str, size: int) -> str:
    text = (
        f"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {name}s.example.com\n"
        f"spec:\n  group: example.com\n  names: {{kind: {name.capitalize()}, plural: {name}s}}\n  scope: Namespaced\n"
        "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n"
        "        type: object\n        properties:\n"
    )
    parts = [text]
    length = len(text)
    number = 0
    while length < size:
        words = " ".join(chance.choice(("the", "field", "says", "how", "pods", "are", "placed")) for _ in range(12))
        part = (
            f"          field{number}:\n            description: {words}\n            type: object\n"
            "            properties:\n              name:\n                type: string\n"
            "              values:\n                type: array\n                items: {type: string}\n"
        )
        parts.append(part)
        length += len(part)
        number += 1
    return "".join(parts)


def _indented(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}\n" for line in text.splitlines())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
