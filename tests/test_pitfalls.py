"""What linters of this field are known to get wrong, each row with the right answer, to the line and column."""

from __future__ import annotations

import pytest

from tests.acceptance import findings, lines

DIGEST = "sha256:" + "0123456789abcdef" * 4

TAG, USER, REGISTRY, DENY = (
    "image-explicit-tag",
    "run-as-non-root",
    "image-untrusted-registry",
    "namespace-default-deny-missing",
)


def pod(*containers: str, kind: str = "containers", head: str = "") -> str:
    items = "".join(f"    - {container}\n" for container in containers)
    return f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: shop\nspec:\n{head}  {kind}:\n{items}"


DOCKERFILES = {
    "USER 0 is root": (USER, "FROM alpine:3\nUSER 0\n", ["2:6 fail"]),
    "USER with a group": (USER, "FROM alpine:3\nUSER root:root\n", ["2:6 fail"]),
    "the builder's user is not the image's": (
        USER,
        "FROM alpine:3 AS build\nUSER node\nFROM alpine:3\nRUN true\n",
        ["3:1 fail"],
    ),
    "an unknown base below a builder with a user": (
        USER,
        "FROM alpine:3 AS build\nUSER node\nFROM example.com/base:1\n",
        ["3:1 unknown"],
    ),
    "an ARG names root": (USER, "FROM alpine:3\nARG U=root\nUSER $U\n", ["3:6 fail"]),
    "a stage inherits its user": (USER, "FROM alpine:3 AS base\nUSER 10001\nFROM base AS x\nRUN true\n", []),
    "a builder may be root": (USER, "FROM alpine:3 AS b\nUSER root\nFROM alpine:3\nUSER 10001\n", []),
    "no USER on an unknown base": (USER, "FROM example.com/base:1\nRUN true\n", ["1:1 unknown"]),
    "an ARG's default pins": (TAG, "ARG BASE=alpine:3.20\nFROM $BASE\n", []),
    "an ARG's default is latest": (TAG, "ARG TAG=latest\nFROM alpine:$TAG\n", ["2:6 fail"]),
    "a default within the reference": (TAG, "ARG TAG\nFROM alpine:${TAG:-latest}\n", ["2:6 fail"]),
    "an ARG without a default": (TAG, "ARG TAG\nFROM alpine:$TAG\n", ["2:6 unknown"]),
    "an ARG without a default that leaves no doubt": (TAG, "ARG V\nFROM node:$V-alpine\n", []),
    "a port is no tag": (TAG, "FROM registry:5000/app\n", ["1:6 fail"]),
    "FROM 0 is an image": (TAG, "FROM alpine:3\nFROM 0\n", ["2:6 fail"]),
    "COPY --from=0 is a stage": (TAG, "FROM alpine:3\nFROM alpine:3\nCOPY --from=0 /a /a\n", []),
    "a digest pins": (TAG, f"FROM img@{DIGEST}\n", []),
    "a digest beside latest pins": (TAG, f"FROM img:latest@{DIGEST}\n", []),
    "a stage with a platform": (TAG, "FROM --platform=$BUILDPLATFORM x:1 AS base\nFROM base\n", []),
    "a stage in other letters": (TAG, "FROM x:1 AS Base\nFROM bASE\n", []),
    "scratch": (TAG, "FROM scratch\n", []),
    "in a continuation": (TAG, "FROM \\\n  # why\n  alpine\n", ["3:3 fail"]),
}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_dockerfile(name: str) -> None:
    rule, text, expected = DOCKERFILES[name]
    assert lines(findings({"Dockerfile": text}, rule)) == [
        f"Dockerfile:{place.split()[0]} {place.split()[1]} {rule}" for place in expected
    ]


COMPOSE = {
    "defaults decide": ("image: ${R:-docker.io}/nginx:${TAG:-latest}", ["3:12 fail"]),
    "a default pins": ("image: nginx:${TAG:-1.27}", []),
    "nothing says what it is": ("image: ${IMAGE}", ["3:12 unknown"]),
    "the tag is not known": ("image: nginx:${TAG}", ["3:12 unknown"]),
    "quoted": ('image: "nginx:latest"', ["3:12 fail"]),
}


@pytest.mark.parametrize("name", COMPOSE)
def test_compose(name: str) -> None:
    image, expected = COMPOSE[name]
    found = findings({"compose.yaml": f"services:\n  web:\n    {image}\n"}, TAG)
    assert lines(found) == [f"compose.yaml:{p.split()[0]} {p.split()[1]} {TAG}" for p in expected]


def test_compose_merge_key_is_blamed_where_it_was_written() -> None:
    text = "x-base: &base\n  image: nginx:latest\nservices:\n  web:\n    <<: *base\n"
    assert lines(findings({"compose.yaml": text}, TAG)) == [f"compose.yaml:2:10 fail {TAG}"]


def test_compose_extends_is_blamed_in_the_other_file() -> None:
    files = {
        "compose.yaml": "services:\n  web:\n    extends: {file: base.yml, service: base}\n",
        "base.yml": "services:\n  base:\n    image: nginx\n",
    }
    assert lines(findings(files, TAG)) == [f"base.yml:3:12 fail {TAG}"]


def test_compose_override_file_wins() -> None:
    files = {
        "compose.yaml": "services:\n  web:\n    image: nginx:latest\n",
        "compose.override.yaml": "services:\n  web:\n    image: nginx:1.27\n",
    }
    assert findings(files, TAG) == []


def test_compose_dotenv_counts() -> None:
    files = {"compose.yaml": "services:\n  web:\n    image: nginx:${TAG}\n", ".env": "TAG=latest\n"}
    assert lines(findings(files, TAG)) == [f"compose.yaml:3:12 fail {TAG}"]


def test_an_init_container_is_judged_by_itself() -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  initContainers:\n    - name: i\n      image: i:1\n"
        "      securityContext:\n        runAsUser: 0\n  containers:\n    - name: c\n      image: c:1\n"
        "      securityContext: {runAsNonRoot: true, runAsUser: 1000}\n"
    )
    assert lines(findings({"pod.yaml": text}, USER)) == [f"pod.yaml:9:20 fail {USER}"]


def test_a_container_overrides_its_pod() -> None:
    head = "  securityContext: {runAsUser: 1000, runAsNonRoot: true}\n"
    text = pod("{name: c, image: c:1, securityContext: {runAsUser: 0}}", head=head)
    assert lines(findings({"pod.yaml": text}, USER)) == [f"pod.yaml:9:58 fail {USER}"]


def test_every_list_of_containers_counts() -> None:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        text = pod("{name: c, image: nginx}", kind=kind)
        assert lines(findings({"pod.yaml": text}, TAG)) == [f"pod.yaml:8:24 fail {TAG}"], kind


TEMPLATE = """\
apiVersion: {api}
kind: {kind}
metadata: {{name: a}}
spec: {path}
"""
POD_SPEC = "{template: {spec: {containers: [{name: c, image: nginx}]}}}"


@pytest.mark.parametrize(
    ("api", "kind", "path"),
    [
        ("apps/v1", "Deployment", POD_SPEC),
        ("apps/v1", "StatefulSet", POD_SPEC),
        ("apps/v1", "DaemonSet", POD_SPEC),
        ("apps/v1", "ReplicaSet", POD_SPEC),
        ("v1", "ReplicationController", POD_SPEC),
        ("batch/v1", "Job", POD_SPEC),
        ("batch/v1", "CronJob", f"{{jobTemplate: {{spec: {POD_SPEC}}}}}"),
        ("argoproj.io/v1alpha1", "Rollout", POD_SPEC),
        ("example.com/v1", "Fleet", f"{{groups: [{POD_SPEC}]}}"),
    ],
)
def test_whatever_makes_pods_is_judged(api: str, kind: str, path: str) -> None:
    text = TEMPLATE.format(api=api, kind=kind, path=path)
    column = text.splitlines()[3].index("nginx") + 1
    assert lines(findings({"a.yaml": text}, TAG)) == [f"a.yaml:4:{column} fail {TAG}"]


def test_a_policy_in_another_namespace_isolates_nothing() -> None:
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: other}\n"
        "spec: {podSelector: {}, policyTypes: [Egress]}\n"
    )
    found = findings({"policy.yaml": policy, "pod.yaml": pod("{name: c, image: c:1}")}, DENY)
    assert lines(found) == [f"pod.yaml:2:1 fail {DENY}"] * 2
    assert [f.message.rsplit("denies ")[1] for f in found] == ["egress by default", "ingress by default"]


def test_the_default_namespace_is_said() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: c:1}]}\n"
    found = findings({"pod.yaml": text}, DENY)
    assert all("namespace `default` (assumed" in f.message for f in found)
    assert len(found) == 2


def test_a_users_name_is_fine_for_docker_and_refused_by_kubernetes() -> None:
    assert findings({"Dockerfile": "FROM alpine:3\nUSER app\n"}, USER) == []
    text = pod("{name: c, image: 'prom/node-exporter:v1', securityContext: {runAsNonRoot: true}}")
    (found,) = findings({"pod.yaml": text}, USER)
    assert "cannot verify" in found.message


@pytest.mark.parametrize("ref", ["myregistry.io.evil.com/app:1", "myregistry.iox/app:1", "nginx:1", "library/nginx:1"])
def test_an_allow_list_is_no_prefix(ref: str) -> None:
    found = findings({"Dockerfile": f"FROM {ref}\n"}, REGISTRY, parameters={"allow": ["myregistry.io"]})
    assert lines(found) == [f"Dockerfile:1:6 fail {REGISTRY}"]
