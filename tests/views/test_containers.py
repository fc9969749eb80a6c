"""Containers and their parts: the same fields from a pod, a service and a Dockerfile."""

from __future__ import annotations

from policykit.cel.types import fields_of
from policykit.unknown import Unknown
from policykit.views.types import CONTAINER
from tests.views.builders import data, place, subjects

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  restartPolicy: Never
  initContainers:
    - {name: proxy, image: "proxy:1", restartPolicy: Always}
  containers:
    - name: web
      image: nginx:1.27
      command: [nginx, 1]
      ports:
        - {name: http, containerPort: 80, hostPort: 8080}
        - {containerPort: 53, protocol: UDP}
      env:
        - {name: A, value: 1}
        - {name: A, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}
      envFrom: [{prefix: P_, configMapRef: {name: c}}]
      volumeMounts:
        - {name: data, mountPath: /data, readOnly: true}
        - {name: nowhere, mountPath: /n}
      livenessProbe:
        httpGet: {path: /live, port: http}
      lifecycle: {preStop: {sleep: {seconds: 5}}}
  volumes:
    - {name: data, hostPath: {path: /srv}}
    - {name: tmp}
"""
SERVICE = """\
services:
  web:
    image: nginx:1.27
    ports: ["8080-8081:80-81", "${PORT}:82"]
    environment: {A: b, C: null}
    volumes: ["./d:/d:ro", "data:/x"]
    healthcheck: {test: [CMD, curl, localhost], interval: 1m30s}
    entrypoint: [sh]
    command: run it
    restart: always
volumes: {data: {}}
"""
DOCKERFILE = """\
FROM alpine:3.20 AS base
ENV A=b
EXPOSE 80 53/udp
FROM base
WORKDIR /app
VOLUME /data
HEALTHCHECK CMD curl localhost
ENTRYPOINT ["run"]
"""


def test_every_producer_fills_every_field() -> None:
    texts = {"objects.yaml": POD, "compose.yaml": SERVICE, "Dockerfile": DOCKERFILE}
    for name, text in texts.items():
        for container in data("container", text, name=name):
            assert container.keys() == fields_of(CONTAINER).keys(), name
            for part in ("security", "image", "user", "owner", "liveness"):
                assert container[part].keys() == fields_of(fields_of(CONTAINER)[part]).keys(), (name, part)


def test_ports() -> None:
    assert [(p["number"], p["published"], p["protocol"]) for p in data("port", POD)] == [
        (80, "8080", "TCP"),
        (53, "", "UDP"),
    ]
    ports = data("port", SERVICE, name="compose.yaml")
    assert [(p["number"], p["published"]) for p in ports[:2]] == [(80, "8080"), (81, "8081")]
    assert isinstance(ports[2]["published"], Unknown)
    (container,) = data("container", DOCKERFILE, name="Dockerfile")
    assert [(p["number"], p["protocol"]) for p in container["ports"]] == [(80, "TCP"), (53, "UDP")]


def test_variables() -> None:
    first, second = data("environmentVariable", POD)
    assert (first["value"], first["source"], first["repeated"]) == ("1", "value", False)
    assert (second["source"], second["reference"], second["key"], second["optional"]) == ("secret", "s", "k", True)
    assert second["repeated"]
    mine, theirs = data("environmentVariable", SERVICE, name="compose.yaml")
    assert (mine["value"], mine["source"], theirs["source"]) == ("b", "value", "host")


def test_mounts_know_what_they_mount() -> None:
    first, second = data("mount", POD)
    assert (first["type"], first["source"], first["readOnly"]) == ("hostPath", "/srv", True)
    assert second["type"] == ""
    bind, volume = data("mount", SERVICE, name="compose.yaml")
    assert (bind["type"], bind["source"], bind["readOnly"]) == ("hostPath", "./d", True)
    assert (volume["type"], volume["source"]) == ("volume", "data")


def test_a_volume_that_says_nothing_is_an_empty_dir() -> None:
    host, empty = data("volume", POD)
    assert (host["type"], host["mounted"], host["readOnly"]) == ("hostPath", True, True)
    assert (empty["type"], empty["mounted"]) == ("emptyDir", False)


def test_probes() -> None:
    liveness, pre_stop = data("probe", POD)
    assert (liveness["which"], liveness["type"], liveness["port"], liveness["exposed"]) == (
        "liveness",
        "httpGet",
        "http",
        True,
    )
    assert (pre_stop["which"], pre_stop["type"]) == ("preStop", "sleep")
    (check,) = data("probe", SERVICE, name="compose.yaml")
    assert (check["command"], check["periodSeconds"]) == (["curl", "localhost"], 90)


def test_a_sidecar_has_a_restart_policy_of_its_own() -> None:
    sidecar, web = data("container", POD)
    assert (sidecar["kind"], sidecar["restartPolicy"], web["restartPolicy"]) == ("sidecar", "Always", "Never")


def test_places_of_parts() -> None:
    http, _ = subjects("port", POD)
    assert place(http, "published") == (13, 53, "spec.containers[0].ports[0].hostPort")
    _, repeated = subjects("environmentVariable", POD)
    assert place(repeated, "name") == (17, 18, "spec.containers[0].env[1].name")
    liveness, _ = subjects("probe", POD)
    assert place(liveness, "port")[2] == "spec.containers[0].livenessProbe.httpGet.port"
    mine, _ = subjects("environmentVariable", SERVICE, name="compose.yaml")
    assert place(mine, "value")[2] == "services.web.environment.A"
