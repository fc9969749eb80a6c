"""Every way to change an object, through a real API server: who is denied, in which words, and who is not."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import hooks
from tests.cluster.client import APPLY, JSON_PATCH, STRATEGIC, Client, collection, path_of
from tests.webhook import servers
from tests.webhook.conftest import RULES
from tests.webhook.test_acceptance_functional import same_pod_everywhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.control_plane import ControlPlane
    from tests.webhook.servers import Server

NAMESPACE = "shop"
GOOD, BAD = "registry.example/app:1.2", "registry.example/app:latest"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    connects = {"id": "no-exec", "does": "always", "operations": ["CONNECT"], "subresources": ["exec"]}
    with servers.running(tmp_path_factory.mktemp("server"), *RULES, {**connects, "message": "no shells"}) as running:
        yield running


@pytest.fixture(scope="module")
def client(plane: ControlPlane, server: Server) -> Iterator[Client]:
    hooks.make_namespace(plane.client, NAMESPACE)
    with hooks.registered(plane, server, NAMESPACE) as client:
        yield client


_names = iter(range(10_000))


def pod(image: str = GOOD, **metadata: Any) -> dict[str, Any]:
    name = {} if "generateName" in metadata else {"name": f"pod-{next(_names)}"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": NAMESPACE, "labels": {"owner": "a"}, **name, **metadata},
        "spec": {"containers": [{"name": "app", "image": image}]},
    }


def created(client: Client, obj: dict[str, Any]) -> dict[str, Any]:
    reply = client.create(obj)
    assert reply.ok, reply.text
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **reply.body}


def with_image(obj: dict[str, Any], image: str) -> dict[str, Any]:
    changed = copy.deepcopy(obj)
    changed["spec"]["containers"][0]["image"] = image
    return changed


def test_create_is_denied_in_these_words(client: Client) -> None:
    reply = client.create(pod(BAD))
    assert reply.status == 403
    assert reply.body["reason"] == "Forbidden"
    assert reply.message.startswith(
        'admission webhook "enforce.policykit.dev" denied the request: 1 violation of 1 policy:\n'
        "- image-explicit-tag at spec.containers[0].image: "
    )
    assert "policykit explain image-explicit-tag" in reply.message
    assert client.create(pod()).ok


def test_kubectl_shows_the_denial_and_the_warnings(plane: ControlPlane, client: Client) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    unlabelled = pod(labels={})
    for obj, wanted in (
        (pod(BAD), "denied the request: 1 violation"),
        (unlabelled, "Warning: label-owner at metadata"),
    ):
        done = subprocess.run(
            [kubectl, "create", "--dry-run=server", "-f", "-"],
            input=json.dumps(obj),
            env={**os.environ, "KUBECONFIG": str(plane.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert wanted in done.stderr


def test_warnings_and_audit_annotations_arrive(plane: ControlPlane, client: Client) -> None:
    obj = pod(labels={})
    reply = client.create(obj)
    assert reply.ok
    assert reply.warnings == ("label-owner at metadata.labels: label owner is missing",)
    end = time.monotonic() + 10
    annotations: dict[str, str] = {}
    while not annotations and time.monotonic() < end:
        for event in plane.audit_events():
            if event.get("objectRef", {}).get("name") == obj["metadata"]["name"] and event["verb"] == "create":
                annotations = event.get("annotations", {})
        time.sleep(0.1)
    assert annotations["advise.policykit.dev/note"] == "noted"
    assert annotations["advise.policykit.dev/rules.warned"] == "label-owner"
    assert annotations["enforce.policykit.dev/bundle"].startswith("sha256:")


def test_a_dry_run_gives_the_verdict_of_the_real_run(client: Client) -> None:
    bad, good = pod(BAD), pod()
    assert client.create(bad, dry_run=True).message == client.create(bad).message
    assert client.create(good, dry_run=True).ok
    assert client.get(path_of(good)).status == 404


def test_update_denies_what_is_new(client: Client) -> None:
    obj = created(client, pod())
    assert client.update(with_image(obj, BAD)).status == 403
    assert client.update(with_image(obj, "registry.example/app:1.3")).ok


@pytest.mark.parametrize(
    ("type_", "patch"),
    [
        ("application/merge-patch+json", None),
        (STRATEGIC, {"spec": {"containers": [{"name": "app", "image": BAD}]}}),
        (JSON_PATCH, [{"op": "replace", "path": "/spec/containers/0/image", "value": BAD}]),
    ],
)
def test_every_kind_of_patch_is_judged(client: Client, type_: str, patch: Any) -> None:
    obj = created(client, pod())
    # a merge patch has lists whole
    reply = client.patch(obj, patch or {"spec": {"containers": with_image(obj, BAD)["spec"]["containers"]}}, type_)
    assert reply.status == 403
    assert "image-explicit-tag" in reply.message


def test_server_side_apply_creates_and_updates(client: Client) -> None:
    bad = pod(BAD)
    assert client.apply(bad).status == 403
    good = pod()
    assert client.apply(good).status == 201
    assert client.apply(good, dry_run=True).ok
    assert client.apply(with_image(good, BAD)).status == 403
    assert client.request("PATCH", path_of(good), good, APPLY, fieldManager="other", force="true").ok


def test_scale_is_not_taken_for_a_workload(client: Client) -> None:
    deployment = same_pod_everywhere({"containers": [{"name": "app", "image": GOOD}]})[1]
    deployment = {**deployment, "metadata": {"name": f"d-{next(_names)}", "namespace": NAMESPACE}}
    deployment["spec"]["selector"] = {"matchLabels": {"app": "web"}}
    created(client, deployment)
    reply = client.patch(deployment, {"spec": {"replicas": 3}}, subresource="scale")
    assert reply.ok
    assert not reply.warnings


def test_ephemeral_containers_are_judged(client: Client) -> None:
    obj = created(client, pod())
    debug = {"spec": {"ephemeralContainers": [{"name": "debug", "image": BAD}]}}
    reply = client.patch(obj, debug, STRATEGIC, subresource="ephemeralcontainers")
    assert reply.status == 403
    assert "spec.ephemeralContainers[0].image" in reply.message
    debug["spec"]["ephemeralContainers"][0]["image"] = GOOD
    assert client.patch(obj, debug, STRATEGIC, subresource="ephemeralcontainers").ok


def test_exec_is_judged_by_policies_that_name_it(client: Client) -> None:
    obj = created(client, pod())
    reply = client.request("POST", f"{path_of(obj)}/exec", command="sh", container="app", stdout="true")
    assert reply.status == 403
    assert "no shells" in reply.message
    attach = client.request("POST", f"{path_of(obj)}/attach", container="app", stdout="true")
    assert "policykit" not in attach.message


def test_generated_names_are_judged(client: Client) -> None:
    obj = pod(BAD, generateName="web-")
    reply = client.request("POST", collection(obj), obj)
    assert reply.status == 403
    obj = pod(generateName="web-")
    reply = client.request("POST", collection(obj), obj)
    assert reply.ok
    assert reply.body["metadata"]["name"].startswith("web-")


def test_delete_and_deletecollection_are_never_blocked(plane: ControlPlane, client: Client, server: Server) -> None:
    namespace = hooks.make_namespace(plane.client, "gone")
    for index in range(3):
        created(client, pod(namespace=namespace, labels={"batch": "x"}, name=f"gone-{index}"))
    listed = collection(pod(namespace=namespace))
    assert client.request("DELETE", listed, labelSelector="batch=x", gracePeriodSeconds=0).ok
    assert client.get(listed).body["items"] == []
    assert server.metric('policykit_admission_requests_total{dry_run="false",kind="Pod",operation="DELETE"') >= 3


def test_eviction_and_binding_do_not_misfire(client: Client) -> None:
    obj = created(client, pod())
    target = {"apiVersion": "v1", "kind": "Node", "name": "node-1"}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": obj["metadata"]["name"]}, "target": target}
    assert client.request("POST", f"{path_of(obj)}/binding", binding).ok
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": obj["metadata"]["name"]}}
    assert client.request("POST", f"{path_of(obj)}/eviction", eviction).ok


def test_custom_resources_are_sent_and_do_no_harm(plane: ControlPlane, client: Client) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    assert plane.client.create(crd).ok
    thing: dict[str, Any] = {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "one", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "app", "image": BAD}], "deep": {}},
    }
    end = time.monotonic() + 20
    while (reply := client.create(thing)).status == 404 and time.monotonic() < end:
        time.sleep(0.2)
    assert reply.status == 403
    thing["spec"] = {"replicas": 1 << 62, "text": "\u2028\u0000", "nothing": None}
    assert client.create(thing).ok
    assert client.delete(thing).ok


def test_a_violating_object_can_lose_its_finalizer(plane: ControlPlane, client: Client, server: Server) -> None:
    """Created while the webhook was away, deleted while it is back: the ratchet lets the finalizer go."""
    config = hooks.configuration("under-test", [server.port], server.tls.ca.certificate)
    assert client.delete(config).ok
    hooks.wait_allowed(client, NAMESPACE)
    bad = created(client, pod(BAD, finalizers=["example.com/wait"]))
    assert client.create(config).ok
    hooks.wait_denied(client, NAMESPACE)
    assert client.delete(bad).ok
    going = client.get(path_of(bad)).body
    assert going["metadata"]["deletionTimestamp"]
    worse = copy.deepcopy(going)
    worse["spec"]["containers"][0]["image"] = "other.example/app:latest"
    assert client.update({**worse, "apiVersion": "v1", "kind": "Pod"}).status == 403
    assert client.patch(bad, {"metadata": {"finalizers": None}}).ok
    assert client.get(path_of(bad)).status == 404


def test_the_webhook_configuration_itself_can_always_be_deleted(plane: ControlPlane, client: Client) -> None:
    config = hooks.configuration("other", [1], b"-----BEGIN CERTIFICATE-----")
    del config["webhooks"][0]["clientConfig"]["caBundle"], config["webhooks"][1]["clientConfig"]["caBundle"]
    config["webhooks"] = config["webhooks"][:1]
    config["webhooks"][0]["name"] = "unreachable.policykit.dev"
    config["webhooks"][0]["rules"] = [{**hooks.EVERYTHING[0], "scope": "*", "resources": ["*/*"]}]
    admin = plane.client
    assert admin.create(config).ok
    assert admin.delete(config).ok
    hooks.wait_denied(client, NAMESPACE)


@pytest.mark.parametrize(("failure", "status"), [("Fail", 500), ("Ignore", 201)])
def test_a_webhook_that_is_away_follows_its_failure_policy(
    plane: ControlPlane, tmp_path: Any, failure: str, status: int
) -> None:
    namespace = hooks.make_namespace(plane.client, f"away-{failure.lower()}")
    only_here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    config = hooks.configuration(
        f"away-{failure.lower()}", [servers.free_port()], servers.make_tls(tmp_path).ca.certificate,
        failurePolicy=failure, namespaceSelector=only_here,
    )  # fmt: skip
    admin = plane.client
    assert admin.create(config).ok
    try:
        end = time.monotonic() + 10
        name = "pod-away"
        while (reply := admin.create(pod(namespace=namespace, name=name), dry_run=True)).status != status:
            assert time.monotonic() < end
            time.sleep(0.1)
        if failure == "Fail":
            assert "failed calling webhook" in reply.message
        else:
            time.sleep(1)
            assert plane.metric("apiserver_admission_webhook_fail_open_count") > 0
    finally:
        admin.delete(config)
