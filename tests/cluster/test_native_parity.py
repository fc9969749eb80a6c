"""The API server enforcing ValidatingAdmissionPolicies itself, and the webhook enforcing the same YAML:

one verdict, one message.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster import hooks
from tests.webhook import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.client import Client, Reply
    from tests.cluster.control_plane import ControlPlane

#: Kinds that can be created in a namespace without more ado.
SERVED = {
    ("v1", "Pod"): "pods",
    ("v1", "Service"): "services",
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "PersistentVolumeClaim"): "persistentvolumeclaims",
    ("apps/v1", "Deployment"): "deployments",
    ("apps/v1", "StatefulSet"): "statefulsets",
    ("apps/v1", "DaemonSet"): "daemonsets",
    ("batch/v1", "Job"): "jobs",
    ("batch/v1", "CronJob"): "cronjobs",
    ("networking.k8s.io/v1", "Ingress"): "ingresses",
    ("policy/v1", "PodDisruptionBudget"): "poddisruptionbudgets",
    ("rbac.authorization.k8s.io/v1", "Role"): "roles",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "rolebindings",
}
API = "admissionregistration.k8s.io/v1"
EACH = 4


def _data(name: str) -> list[dict[str, Any]]:
    root = Path(os.environ.get("POLICYKIT_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
    if not (root / "cel" / name).exists():
        pytest.skip(f"no conformance data in {root}")
    return [json.loads(line) for line in (root / "cel" / name).read_text().splitlines()]


def _policy(unit: dict[str, Any]) -> dict[str, Any]:
    def camel(item: dict[str, Any]) -> dict[str, Any]:
        return {key[0].lower() + key[1:]: value for key, value in item.items() if value}

    # a binding's namespace does not spare what lives in none
    rule: dict[str, Any] = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"]}
    rule["scope"] = "Namespaced"
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [camel(v) for v in unit["validations"]],
        "variables": [camel(v) for v in unit["variables"]],
        "matchConditions": [camel(v) for v in unit["matchConditions"]],
    }
    return {"apiVersion": API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": _name(unit)}, "spec": spec}


def _name(unit: dict[str, Any]) -> str:
    return f"unit-{unit['unit']}"


def _binding(unit: dict[str, Any], namespace: str) -> dict[str, Any]:
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": _name(unit)},
        "spec": {
            "policyName": _name(unit),
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": here},
        },
    }


@pytest.fixture(scope="module")
def units(plane: ControlPlane) -> Iterator[list[dict[str, Any]]]:
    """The policies that the API server accepts, bound natively in one namespace each."""
    client = plane.client
    every = int(os.environ.get("POLICYKIT_PARITY_EVERY", "3"))
    accepted = []
    for unit in [u for u in _data("units.jsonl") if u["k8s_ok"] and not u["hasParams"]][::every]:
        if client.create(_policy(unit)).ok:
            hooks.make_namespace(client, f"native-{unit['unit']}")
            hooks.make_namespace(client, f"hooked-{unit['unit']}")
            assert client.create(_binding(unit, f"native-{unit['unit']}")).ok
            accepted.append(unit)
    time.sleep(3.0)  # the API server compiles policies in its own time
    yield accepted
    for unit in accepted:
        client.delete(_binding(unit, ""))
        client.delete(_policy(unit))


def _objects(unit: dict[str, Any], verdicts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    found = [v["object"] for v in verdicts if v["unit"] == unit["unit"] and isinstance(v["object"], dict)]
    served = [
        o for o in found if (o.get("apiVersion"), o.get("kind")) in SERVED and isinstance(o.get("metadata"), dict)
    ]
    yield from served[:EACH]


def _create(client: Client, obj: dict[str, Any], namespace: str) -> Reply:
    version, kind = obj["apiVersion"], obj["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    metadata = {key: value for key, value in obj["metadata"].items() if key in ("name", "labels", "annotations")}
    prepared = {**obj, "metadata": {"name": "x", **metadata, "namespace": namespace}}
    path = f"{root}/namespaces/{namespace}/{SERVED[version, kind]}"
    return client.request("POST", path, prepared, dryRun="All", fieldValidation="Ignore")


def test_the_webhook_decides_as_the_api_server_itself(
    plane: ControlPlane, units: list[dict[str, Any]], tmp_path: Path
) -> None:
    policies = tmp_path / "native"
    policies.mkdir()
    for unit in units:
        documents = [_policy(unit), _binding(unit, f"hooked-{unit['unit']}")]
        (policies / f"{_name(unit)}.yaml").write_text(yaml.safe_dump_all(documents))
    options: dict[str, Any] = {
        "loader": "policykit_webhook.policies:load",
        "policies": [str(policies)],
        "policykit": {"select": ["admission"]},
        "kubeconfig": str(plane.kubeconfig),
    }
    verdicts, differences, compared, denied = _data("verdicts.jsonl"), [], 0, 0
    with servers.running(tmp_path / "server", **options) as server:
        hooks.until_synced(server)
        with _registered(plane, server, _hooked(units)) as client:
            for unit in units:
                for obj in _objects(unit, verdicts):
                    native = _create(client, obj, f"native-{unit['unit']}")
                    hooked = _create(client, obj, f"hooked-{unit['unit']}")
                    if native.status in (400, 403, 409, 422, 500) and "ValidatingAdmissionPolicy" not in native.text:
                        continue  # refused before any policy was asked
                    compared += 1
                    denied += not native.ok
                    if (problem := _difference(unit, native, hooked)) is not None:
                        differences.append(f"{_name(unit)} {obj['kind']}: {problem}")
    print(f"{len(units)} policies, {compared} objects compared, {denied} denied")
    assert differences == [], "\n".join(differences)
    assert compared >= 50
    assert denied >= 10


def _hooked(units: list[dict[str, Any]]) -> list[str]:
    return [f"hooked-{unit['unit']}" for unit in units]


def _difference(unit: dict[str, Any], native: Reply, hooked: Reply) -> str | None:
    if native.ok or hooked.ok:
        return (
            None if native.ok == hooked.ok else f"API server {native.status}, webhook {hooked.status}: {native.message}"
        )
    wanted = " ".join(native.message.partition("denied request: ")[2].split())[:100]
    said = " ".join(hooked.message.split())
    return None if wanted in said and _name(unit) in said else f"{wanted!r} is not in {said!r}"


@contextlib.contextmanager
def _registered(plane: ControlPlane, server: servers.Server, namespaces: list[str]) -> Iterator[Client]:
    """Registers the webhook for some namespaces, and waits until it is called."""
    here = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}]}
    config = hooks.configuration("native-parity", [server.port], server.tls.ca.certificate, namespaceSelector=here)
    client = plane.client
    assert client.create(config).ok
    try:
        end = time.monotonic() + 20
        while server.metric("policykit_admission_requests_total") < 1:
            assert time.monotonic() < end
            client.create(hooks.canary(namespaces[0]), dry_run=True)
            time.sleep(0.1)
        yield client
    finally:
        client.delete(config)
        client.close()
