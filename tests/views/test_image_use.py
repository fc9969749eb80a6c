"""A container together with the Dockerfile stage that makes its image."""

from __future__ import annotations

from typing import Any

import pytest

from policykit.cel.types import fields_of
from policykit.unknown import Unknown
from policykit.views.image_ports import exposed_ports
from policykit.views.image_use import IMAGE_USE
from tests.views.images_built import built, image_uses

DOCKERFILE = """\
FROM alpine:3.20 AS base
EXPOSE 53/udp 8000-8010
USER app
FROM base
WORKDIR /srv
VOLUME /data
EXPOSE 80
ENTRYPOINT ["tini", "--"]
CMD date > /tmp/started && web
"""
COMPOSE = """\
services:
  web:
    build: .
    image: registry.example.com/web:1
    ports: ["53:53/udp", "8005", "81", "${PORT}"]
    read_only: true
    tmpfs: /tmp
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  shareProcessNamespace: true
  initContainers:
    - {name: other, image: "busybox:1"}
  containers:
    - name: web
      image: registry.example.com/web:2
      command: [web]
      args: [-v]
      volumeMounts: [{name: v, mountPath: /data/x}]
  volumes: [{name: v, emptyDir: {}}]
"""
FILES = {"compose.yaml": COMPOSE, "Dockerfile": DOCKERFILE, "pod.yaml": POD}


def service(text: str, dockerfile: str = DOCKERFILE) -> Any:
    (use,) = image_uses({"compose.yaml": f"services:\n  web: {{build: ., {text}}}\n", "Dockerfile": dockerfile})
    return use.data


def container(text: str, dockerfile: str = DOCKERFILE) -> Any:
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers: [{{name: c, image: x/y, {text}}}]\n"
    compose = "services:\n  web: {build: ., image: x/y}\n"
    return image_uses({"compose.yaml": compose, "Dockerfile": dockerfile, "pod.yaml": pod})[1].data


def test_every_field_is_always_there() -> None:
    for use in image_uses(FILES):
        assert use.data.keys() == fields_of(IMAGE_USE).keys()
        for part in ("image", "container"):
            assert use.data[part].keys() == fields_of(fields_of(IMAGE_USE)[part]).keys()


def test_what_the_image_says() -> None:
    image = image_uses(FILES)[0].data["image"]
    assert (image["stage"], image["stageAt"], image["user"]["name"]) == ("1", "Dockerfile:4", "app")
    assert (image["ports"], image["portsAt"]) == (["80", "53/udp", "8000-8010"], "Dockerfile:7")
    assert (image["entrypoint"], image["entrypointAt"]) == (["tini", "--"], "Dockerfile:8")
    assert (image["cmd"][:2], image["cmdAt"]) == (["/bin/sh", "-c"], "Dockerfile:9")
    assert (image["init"], image["volumes"], image["workingDir"]) == ("tini", ["/data"], "/srv")


def test_a_service() -> None:
    use = image_uses(FILES)[0]
    assert [port["exposed"] for port in use.data["ports"][:3]] == [True, True, False]
    assert isinstance(use.data["ports"][3]["exposed"], Unknown)
    assert use.data["writes"] == [
        {"path": "/data", "how": "volume", "at": "Dockerfile:6", "mounted": True},
        {"path": "/tmp/started", "how": "command", "at": "Dockerfile:9", "mounted": True},
    ]
    assert not use.data["entrypointReplaced"]
    assert use.data["runs"][:3] == ["tini", "--", "/bin/sh"]
    assert use.locate("readOnlyRootFilesystem").span[:3] == ("compose.yaml", 6, 16)


def test_a_container_of_a_pod() -> None:
    _, use = image_uses(FILES)
    assert (use.data["container"]["name"], use.data["init"]) == ("web", True)
    assert use.data["entrypointReplaced"]
    assert use.data["runs"] == ["web", "-v"]
    assert [(write["path"], write["mounted"]) for write in use.data["writes"]] == [("/data", True)]
    assert use.data["container"]["imageUserAt"] == "Dockerfile:3"
    assert use.locate("command").span[:3] == ("pod.yaml", 11, 16)


def test_nothing_is_said_of_images_of_others() -> None:
    assert image_uses({"pod.yaml": POD, "Dockerfile": DOCKERFILE}) == []
    assert image_uses({"compose.yaml": COMPOSE}) == []


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("command: [a, b]", ["tini", "--", "a", "b"]),
        ("command: 'a \"b c\"'", ["tini", "--", "a", "b c"]),
        ("entrypoint: a b", ["a", "b"]),
        ("entrypoint: []", []),  # the image's is taken away
        ("entrypoint: '', command: [a]", ["a"]),
    ],
)
def test_what_a_service_runs(text: str, runs: list[str]) -> None:
    assert service(text)["runs"] == runs
    assert service(text)["entrypointReplaced"] is text.startswith("entrypoint")


def test_what_a_container_runs() -> None:
    assert container("args: [a]")["runs"] == ["tini", "--", "a"]
    assert container("command: [], args: []")["entrypointReplaced"] is False
    assert isinstance(container("args: [a]", "FROM alpine:3.20\n")["runs"], Unknown)
    assert isinstance(service("command: 'a \"'")["runs"], Unknown)


def test_an_init_of_compose() -> None:
    assert [service(text)["init"] for text in ("init: true", "pid: host", "init: false")] == [True, True, False]


def test_writes_that_the_container_replaces() -> None:
    start = "FROM alpine:3.20\nCMD touch /started\n"
    assert [write["path"] for write in container("tty: true", start)["writes"]] == ["/started"]
    assert container("args: [web]", start)["writes"] == []
    assert container("command: [web]", start)["writes"] == []


def test_mounts() -> None:
    volume = "FROM alpine:3.20\nVOLUME /data/a\n"
    for path, mounted in (("/data", True), ("/data/a/b", True), ("/data/ab", False), ("/", True)):
        (write,) = container(f"volumeMounts: [{{name: v, mountPath: {path}}}]", volume)["writes"]
        assert write["mounted"] is mounted
    start = "FROM alpine:3.20\nCMD touch /started\n"
    (write,) = service('volumes: ["v:/${WHERE}"]', start)["writes"]
    assert isinstance(write["mounted"], Unknown)


@pytest.mark.parametrize(
    ("text", "number", "protocol", "exposed"),
    [
        ("FROM node:22\nEXPOSE 1 2/tcp", 2, "TCP", True),
        ("FROM node:22\nEXPOSE 80", 80, "UDP", False),
        ("FROM nginx:1.27", 80, "TCP", True),
        ("FROM php:8-fpm", 80, "TCP", False),
        ("FROM scratch\nEXPOSE x 8080:80", 80, "TCP", True),
        ("FROM scratch", 80, "TCP", False),
    ],
)
def test_exposed_ports(text: str, number: int, protocol: str, *, exposed: bool) -> None:
    assert exposed_ports(*built(text)).hold(number, protocol) is exposed


@pytest.mark.parametrize("text", ["FROM mine:1\nEXPOSE 80", "FROM $BASE", "FROM node:22\nARG P\nEXPOSE $P"])
def test_exposed_ports_that_are_not_known(text: str) -> None:
    assert isinstance(exposed_ports(*built(text)).hold(81, "TCP"), Unknown)


def test_a_port_of_the_dockerfile_on_a_base_image_that_is_not_known() -> None:
    assert exposed_ports(*built("FROM mine:1\nEXPOSE 81")).hold(81, "TCP") is True
