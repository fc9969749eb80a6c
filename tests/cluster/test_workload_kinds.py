"""The same policies at both doors: `policykit check` on a file and a server-side dry run through the webhook agree.

Also acceptance tests 8 (every kind that makes pods) and 9 (parity) against the real API server, with the built-in
policies.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import hooks
from tests.webhook import servers
from tests.webhook.test_acceptance_functional import same_pod_everywhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.client import Client
    from tests.cluster.control_plane import ControlPlane
    from tests.webhook.servers import Server

NAMESPACE = "parity"
GOOD = {
    "name": "app",
    "image": "docker.io/library/nginx:1.27.3",
    "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
}
BAD: dict[str, Any] = {"name": "app", "image": "docker.io/library/nginx:latest"}
DENY_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "default-deny", "namespace": NAMESPACE},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the built-in policies, all of them, at their own severities."""
    directory = tmp_path_factory.mktemp("server")
    with servers.running(directory, loader="policykit_webhook.policies:load", policies=[]) as running:
        yield running


@pytest.fixture(scope="module")
def client(plane: ControlPlane, server: Server) -> Iterator[Client]:
    hooks.make_namespace(plane.client, NAMESPACE)
    with hooks.registered(plane, server, NAMESPACE) as client:
        yield client


def as_created(template: dict[str, Any], name: str) -> dict[str, Any]:
    """What the API server asks for beside the pod: selectors, labels, restart policies."""
    obj = copy.deepcopy(template)
    obj["metadata"] = {"name": name, "namespace": NAMESPACE}
    spec = obj.get("spec", {})
    if "template" in spec:
        spec["template"]["metadata"] = {"labels": {"app": "web"}}
        if obj["kind"] == "ReplicationController":
            spec["selector"] = {"app": "web"}
        elif obj["kind"] != "Job":
            spec["selector"] = {"matchLabels": {"app": "web"}}
    if obj["kind"] == "StatefulSet":
        spec["serviceName"] = "web"
    if obj["kind"] == "Job":
        spec["template"]["spec"]["restartPolicy"] = "Never"
    if obj["kind"] == "CronJob":
        spec["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    return obj


@pytest.mark.parametrize(("container", "status"), [(GOOD, 201), (BAD, 403)], ids=["good", "bad"])
def test_08_every_kind_that_makes_pods_has_the_verdict_of_its_pod(
    client: Client, container: dict[str, Any], status: int
) -> None:
    objects = same_pod_everywhere({"containers": [container]})
    replies = {o["kind"]: client.create(as_created(o, f"w-{n}"), dry_run=True) for n, o in enumerate(objects)}
    assert {kind: reply.status for kind, reply in replies.items()} == dict.fromkeys(replies, status)
    assert len(replies) == 9
    rules = {kind: frozenset(_said(reply.message, list(reply.warnings))) for kind, reply in replies.items()}
    assert set(rules.values()) == {rules["Pod"]}


_RULE = re.compile(r"^(?:- )?([a-z0-9][a-z0-9-]*)(?: at [^:]+)?: ", re.MULTILINE)
_REST = re.compile(r"^- and \d+ more: (.*)$", re.MULTILINE)


def _said(message: str, warnings: list[str]) -> set[str]:
    """The rules that a denial and warnings name."""
    listed = {name.split(" ")[0] for rest in _REST.findall(message) for name in rest.split(", ")}
    text = "\n".join([*(line for line in message.splitlines() if line.startswith("- ")), *warnings])
    return listed | {name for name in _RULE.findall(text) if name != "and"}
