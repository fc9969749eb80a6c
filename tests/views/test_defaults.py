"""Defaults, against Kubernetes' own: decoded, defaulted, converted and encoded again."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from policykit.views.defaults import with_defaults
from policykit.views.quantities import canonical
from tests.oracle import go_program_or_skip

ROOT = Path(__file__).parents[2]
CONFORMANCE = Path(os.environ.get("POLICYKIT_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
DATA = ROOT / "policykit" / "kubernetes_data"

Object = dict[str, Any]


def pod(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def defaulted(obj: Object) -> Object:
    before = copy.deepcopy(obj)
    result = with_defaults(obj)
    assert obj == before
    return result


def test_pod() -> None:
    spec = defaulted(pod(containers=[{"name": "c", "image": "nginx"}]))["spec"]
    assert spec["restartPolicy"] == "Always"
    assert spec["enableServiceLinks"] is True
    assert spec["securityContext"] == {}
    container = spec["containers"][0]
    assert container["imagePullPolicy"] == "Always"
    assert container["resources"] == {}
    assert container["terminationMessagePath"] == "/dev/termination-log"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        (f"nginx@sha256:{'a' * 64}", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("Not An Image", "IfNotPresent"),
    ],
)
def test_pull_policy(image: str, policy: str) -> None:
    container = defaulted(pod(containers=[{"name": "c", "image": image}]))["spec"]["containers"][0]
    assert container["imagePullPolicy"] == policy


def test_requests_follow_limits_in_pods_alone() -> None:
    containers = [
        {"name": "c", "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5}}}
    ]
    resources = defaulted(pod(containers=containers))["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}
    template = {"metadata": {}, "spec": {"containers": containers}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": template}}
    spec = defaulted(deployment)["spec"]["template"]["spec"]
    assert spec["containers"][0]["resources"]["requests"] == {"cpu": "500m"}
    assert "enableServiceLinks" not in spec


def test_strategies_depend_on_their_type() -> None:
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}}
    assert defaulted(deployment)["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    deployment["spec"] = {"strategy": {"type": "Recreate"}}
    assert defaulted(deployment)["spec"]["strategy"] == {"type": "Recreate"}


def test_what_says_nothing_goes_and_what_is_required_comes() -> None:
    seen = defaulted(pod(containers=None, hostNetwork=False, unknown=1, initContainers=[], hostPID=True))
    assert seen["status"] == {}
    assert seen["spec"]["containers"] is None
    assert seen["spec"]["hostPID"] is True
    assert not {"hostNetwork", "unknown", "initContainers"} & seen["spec"].keys()


def test_secrets_have_no_plain_text() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ=="}, "stringData": {"b": "b"}}
    seen = defaulted(secret)
    assert (seen["data"], seen["type"]) == ({"a": "YQ==", "b": "Yg=="}, "Opaque")
    assert "stringData" not in seen


@pytest.mark.parametrize("obj", [{}, {"apiVersion": 1, "kind": []}, {"apiVersion": "example.com/v1", "kind": "Pod"}])
def test_other_kinds_stay_as_they_are(obj: Object) -> None:
    assert with_defaults(obj) is obj


@pytest.mark.parametrize("spec", ["text", 1, [], {"containers": "c"}, {"containers": [1, None, {"ports": {"a": 1}}]}])
def test_what_is_of_the_wrong_type_does_no_harm(spec: Any) -> None:
    assert defaulted({"apiVersion": "v1", "kind": "Pod", "spec": spec})["kind"] == "Pod"


def test_an_object_of_any_depth() -> None:
    schema: Object = {"type": "object"}
    for _ in range(5_000):
        schema = {"properties": {"a": schema}}
    version = {"name": "v1", "schema": {"openAPIV3Schema": schema}}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": [version]}}
    assert with_defaults(crd)["kind"] == "CustomResourceDefinition"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1000m", "1"),
        (1, "1"),
        (0.5, "500m"),
        ("1.5Gi", "1536Mi"),
        ("1000", "1k"),
        ("100Ki", "100Ki"),
        ("1e3", "1e3"),
        ("x", "x"),
    ],
)
def test_quantities(written: Any, text: str) -> None:
    assert canonical(written) == text


# Against the real code.


@pytest.fixture(scope="module")
def program() -> Path:
    return go_program_or_skip(ROOT / "tools" / "kubernetes-data")


def differing(program: Path, objects: list[Object]) -> list[tuple[Object, Object, Object]]:
    """The objects for which Kubernetes has another result, with ours and its. What it cannot decode is left out."""
    lines = "\n".join(map(json.dumps, objects))
    run = subprocess.run([program, "default"], input=lines, capture_output=True, text=True, timeout=300, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(objects)
    cases = [
        (obj, with_defaults(obj), a["object"]) for obj, a in zip(objects, answers, strict=True) if "error" not in a
    ]
    assert cases
    return [case for case in cases if case[1] != case[2]]


def test_objects_of_the_conformance_data(program: Path) -> None:
    path = CONFORMANCE / "cel" / "verdicts.jsonl"
    if not path.exists():
        pytest.skip(f"no conformance data at {path} (POLICYKIT_CONFORMANCE names the folder)")
    kinds = json.loads((DATA / "types.json").read_text(encoding="utf-8"))["kinds"]
    objects = [json.loads(line)["object"] for line in path.read_text(encoding="utf-8").splitlines()]
    served = [obj for obj in objects if obj.get("kind") in kinds.get(obj.get("apiVersion"), {})]
    assert differing(program, served) == []


def test_random_objects(program: Path) -> None:
    """Objects with any fields, of the kinds that people write; values are those that rules look at."""
    maker = Maker(random.Random(7))
    assert differing(program, [maker.object(*kind) for _ in range(15) for kind in KINDS]) == []


#: What is left out is what Kubernetes' conversions do beyond defaults, and what no cluster would accept.
KINDS = [
    *(("v1", kind) for kind in ("ConfigMap", "LimitRange", "Namespace", "PersistentVolumeClaim", "Secret", "Service")),
    *(("v1", kind) for kind in ("Pod", "ReplicationController", "ResourceQuota", "ServiceAccount")),
    *(("apps/v1", kind) for kind in ("ReplicaSet", "StatefulSet", "Deployment", "DaemonSet")),
    *(("batch/v1", kind) for kind in ("CronJob", "Job")),
    *(("networking.k8s.io/v1", kind) for kind in ("Ingress", "IngressClass", "NetworkPolicy")),
    *(("rbac.authorization.k8s.io/v1", kind) for kind in ("ClusterRole", "ClusterRoleBinding", "RoleBinding")),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("storage.k8s.io/v1", "StorageClass"),
]
CHOICES = {
    "type": [
        "",
        "RollingUpdate",
        "OnDelete",
        "ClusterIP",
        "NodePort",
        "LoadBalancer",
        "ExternalName",
        "Container",
        "Opaque",
    ],
    "kind": ["User", "Group", "ServiceAccount"],
    "image": ["", "nginx", "nginx:latest", "nginx:1", "UPPER:latest", f"nginx@sha256:{'a' * 64}"],
    "sessionAffinity": ["", "None", "ClientIP"],
}
QUANTITIES = ["1", "1000m", "0.5", "1Gi", "1024Mi", "1.5Gi", "100u", "500", "0", "1k", "1000", "1e3", 1, 0.25, "512Mi"]
#: Fields of which a valid object has a certain value or none, and the status, which is not written.
LEFT_OUT = frozenset({"status", "managedFields", "rollingUpdate", "completionMode", "podReplacementPolicy", "behavior"})
#: Pod-level resources take their requests from sums over containers: not among the rules.
LEFT_OUT_OF = {"core/v1.PodSpec": {"resources"}, "core/v1.ServiceSpec": {"internalTrafficPolicy"}}


class Maker:
    """Makes objects out of the types that the project ships."""

    def __init__(self, choose: random.Random) -> None:
        data = json.loads((DATA / "types.json").read_text(encoding="utf-8"))
        self.kinds, self.types, self.choose = data["kinds"], data["types"], choose

    def object(self, api_version: str, kind: str) -> Object:
        made = self.struct(self.kinds[api_version][kind], 8)
        return made | {"apiVersion": api_version, "kind": kind}

    def struct(self, name: str, depth: int) -> Object:
        made = {}
        share = self.choose.choice([0.1, 0.3, 0.6])
        for field, notation in self.types[name]["fields"].items():
            if field in LEFT_OUT or field in LEFT_OUT_OF.get(name, ()):
                continue
            likely = field in {"spec", "template", "containers", "ports", "metadata"}
            if depth > 0 and self.choose.random() < (0.8 if likely else share):
                made[field] = self.value(notation.lstrip("~*"), depth, field)
        return {field: value for field, value in made.items() if value is not None}

    def value(self, notation: str, depth: int, field: str) -> Any:
        choice = self.choose.choice
        if notation.startswith("[]"):
            return [self.value(notation[2:], depth - 1, field) for _ in range(choice([0, 1, 1, 2]))]
        if notation.startswith("{}"):
            keys = [key for key in ("cpu", "memory", "a/b") if choice([True, False])]
            return {key: self.value(notation[2:], depth - 1, field) for key in keys}
        if notation in self.types:
            return self.struct(notation, depth - 1)
        values: dict[str, list[Any]] = {
            "string": CHOICES.get(field, ["a", "b"]),
            "bytes": ["YQ=="],
            "int": [0, 1, 80],
            "number": [1.5],
            "bool": [True, False],
            "quantity": QUANTITIES,
            "milli": QUANTITIES,
            "any(0)": [1, 8080, "50%"],
        }
        return choice(values.get(notation, [None]))


def test_every_rule_names_what_there_is() -> None:
    """No rule is about a type or a field that the data does not have."""
    types = json.loads((DATA / "types.json").read_text(encoding="utf-8"))
    rules = json.loads((DATA / "rules.json").read_text(encoding="utf-8"))
    for subject in rules:
        api_version, _, kind = subject.partition(" ")
        assert subject in types["types"] or kind in types["kinds"][api_version]


def test_the_shipped_data_is_that_of_the_program(program: Path) -> None:
    folder = ROOT / "tools" / "kubernetes-data"
    for name in ("kinds", "types"):
        run = subprocess.run([program, name], cwd=folder, capture_output=True, text=True, timeout=300, check=True)
        assert json.loads(run.stdout) == json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def test_documents_of_many_kinds_do_not_stop_it() -> None:
    for document in yaml.safe_load_all("kind: Pod\n---\napiVersion: v1\nkind: Pod\nspec: null\n"):
        assert with_defaults(document)["kind"] == "Pod"
