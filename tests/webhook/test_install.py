"""What an installation consists of:

plain manifests, the Helm chart, and acceptance tests 14, 15, 17 and 26 for them.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from policykit.cli.main import main as policykit_main
from policykit_webhook import cli
from policykit_webhook.install import chart, webhooks
from policykit_webhook.install.choices import CONFIGURATIONS, Choices
from tests.webhook.fake_policies import fake

CHART = Path(__file__).parents[2] / "webhook" / "chart" / "policykit-webhook"
EVERY_WAY: tuple[list[str], ...] = (
    [],
    ["--no-watch-cluster"],
    ["--certificates=cert-manager"],
    ["--certificates=provided", "--monitoring"],
)


def manifests(*arguments: str) -> list[dict[str, Any]]:
    said = io.StringIO()
    with redirect_stdout(said):
        assert cli.main(["manifests", *arguments]) == 0
    return list(yaml.safe_load_all(said.getvalue()))


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [obj for obj in objects if obj["kind"] == kind]


def hooks(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    configs = of_kind(objects, "ValidatingWebhookConfiguration")
    return {webhook["name"].split(".")[0]: webhook for config in configs for webhook in config["webhooks"]}


def _resources(webhook: dict[str, Any]) -> set[str]:
    return {resource for rule in webhook["rules"] for resource in rule["resources"]}


def test_14_the_configuration_keeps_the_rules_of_registration() -> None:
    names = []
    for config in of_kind(manifests(), "ValidatingWebhookConfiguration"):
        for webhook in config["webhooks"]:
            names.append(webhook["name"])
            assert len(webhook["name"].split(".")) >= 3
            assert webhook["admissionReviewVersions"] == ["v1"]
            assert webhook["sideEffects"] == "None"
            assert 1 <= webhook["timeoutSeconds"] <= 30
            assert set(webhook["clientConfig"]) <= {"service", "caBundle"}
            path = webhook["clientConfig"]["service"]["path"]
            assert re.fullmatch(r"(/[a-z0-9]([-a-z0-9.]*[a-z0-9])?)+", path)
            conditions = [condition["name"] for condition in webhook["matchConditions"]]
            assert len(conditions) == len(set(conditions)) <= 64
            assert webhook["matchPolicy"] == "Equivalent"
    assert len(names) == len(set(names)) > 0


def test_14_what_a_cluster_needs_to_live_is_never_sent() -> None:
    for webhook in hooks(manifests("--namespace=guard")).values():
        expression = webhook["namespaceSelector"]["matchExpressions"]
        assert expression == [
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": ["guard", "kube-system", "kube-node-lease", "kube-public"],
            }
        ]
        said = " ".join(condition["expression"] for condition in webhook["matchConditions"])
        for word in (
            "leases",
            "events",
            "nodes",
            "certificates.k8s.io",
            "authentication.k8s.io",
            "authorization.k8s.io",
        ):
            assert word in said


def test_15_enforce_fails_closed_and_advise_fails_open() -> None:
    policies = fake({"id": "a", "does": "always"}, {"id": "b", "severity": "warning", "does": "always"})
    configs = webhooks.configurations(policies, Choices())
    found = {webhook["name"]: webhook["failurePolicy"] for config in configs for webhook in config["webhooks"]}
    assert found == {"enforce.policykit.dev": "Fail", "advise.policykit.dev": "Ignore"}


def test_17_pods_are_seen_through_every_door() -> None:
    enforce = hooks(manifests())["enforce"]
    assert {"pods", "pods/ephemeralcontainers", "pods/resize", "deployments", "cronjobs"} <= _resources(enforce)
    everything = webhooks.hook_rules(fake({"id": "any", "does": "always"}), "enforce")
    assert {"*", "pods/ephemeralcontainers", "pods/resize"} == {r for rule in everything for r in rule["resources"]}


@pytest.mark.parametrize("arguments", EVERY_WAY, ids=" ".join)
def test_26_every_pod_is_restricted(arguments: list[str]) -> None:
    objects = manifests(*arguments)
    for deployment in of_kind(objects, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert not security["allowPrivilegeEscalation"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])


def test_26_without_a_watch_there_is_no_token_and_no_way_out() -> None:
    objects = manifests("--no-watch-cluster", "--certificates=provided")
    (server,) = of_kind(objects, "Deployment")
    assert server["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert "--watch-cluster" not in server["spec"]["template"]["spec"]["containers"][0]["args"]
    assert not of_kind(objects, "ClusterRole")
    for policy in of_kind(objects, "NetworkPolicy"):
        assert "Egress" in policy["spec"]["policyTypes"]
        assert not policy["spec"].get("egress")


@pytest.mark.parametrize("arguments", EVERY_WAY, ids=" ".join)
def test_the_manifests_pass_policykits_own_rules(arguments: list[str], tmp_path: Path) -> None:
    path = tmp_path / "manifests.yaml"
    path.write_text(yaml.safe_dump_all(manifests(*arguments)))
    with redirect_stdout(io.StringIO()) as said:
        code = policykit_main(["check", str(path)])
    assert code == 0, said.getvalue()


def test_nobody_may_do_more_than_he_needs() -> None:
    rules = [
        (obj["metadata"]["name"], rule)
        for obj in manifests()
        if obj["kind"] in ("Role", "ClusterRole")
        for rule in obj["rules"]
    ]
    for _, rule in rules:
        assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
        if "secrets" in rule["resources"]:
            assert rule.get("resourceNames") or rule["verbs"] == ["create"]
        if "validatingwebhookconfigurations" in rule["resources"]:
            assert sorted(rule["resourceNames"]) == sorted(CONFIGURATIONS.values())
            assert set(rule["verbs"]) == {"get", "patch"}
    server = [rule for name, rule in rules if name == "policykit-webhook"]
    assert server
    assert all(set(rule["verbs"]) == {"list", "watch"} and "secrets" not in rule["resources"] for rule in server)


def test_the_charts_templates_are_the_generated_ones() -> None:
    written = {path.name: path.read_text() for path in (CHART / "templates").glob("*.yaml")}
    assert written == dict(chart.templates())


def test_the_charts_rules_are_those_of_the_built_in_policies(tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "chart")
    assert cli.main(["chart", str(tmp_path / "chart")]) == 0
    assert (tmp_path / "chart" / "values.yaml").read_text() == (CHART / "values.yaml").read_text()


def _helm() -> str:
    found = shutil.which("helm") or str(Path.home() / ".cache/policykit/bin/helm")
    if not os.access(found, os.X_OK):
        pytest.skip("helm is not installed (go install helm.sh/helm/v3/cmd/helm@latest)")
    return found


KUBE = ("--kube-version", "1.36.0")
HELM_VALUES: tuple[tuple[list[str], list[str]], ...] = (
    ([], []),
    (["watch=false"], ["--no-watch-cluster"]),
    (["certificates.by=cert-manager"], ["--certificates=cert-manager"]),
    (["monitoring=true"], ["--monitoring"]),
)


@pytest.mark.parametrize(("values", "arguments"), HELM_VALUES, ids=[" ".join(v) or "defaults" for v, _ in HELM_VALUES])
def test_helm_renders_what_the_manifests_say(values: list[str], arguments: list[str]) -> None:
    sets = [part for value in values for part in ("--set", value)]
    command = [_helm(), "template", "policykit", str(CHART), "--namespace", "policykit-system", *KUBE, *sets]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rendered = {_identity(obj): _plain(obj) for obj in yaml.safe_load_all(done.stdout) if obj}
    said = {_identity(obj): _plain(obj) for obj in manifests(*arguments) if obj["kind"] != "Namespace"}
    assert rendered.keys() == said.keys()
    for identity, obj in said.items():
        assert rendered[identity] == obj, identity


def _identity(obj: dict[str, Any]) -> tuple[str, str]:
    return obj["kind"], obj["metadata"]["name"]


def _plain(obj: dict[str, Any]) -> dict[str, Any]:
    """Without what stands for nothing: `annotations: {}`, and the line end of a configuration."""
    if obj["metadata"].get("annotations") == {}:
        del obj["metadata"]["annotations"]
    if obj["kind"] == "ConfigMap" and "policykit.yaml" in (obj["data"] or {}):
        obj["data"]["policykit.yaml"] = obj["data"]["policykit.yaml"].strip()
    return obj


@pytest.mark.parametrize(
    "value",
    ["replicas=0", "certificates.by=magic", "unheardOf=1", "webhooks.timeoutSeconds=31", "certificates.by=provided"],
)
def test_helm_refuses_values_that_mean_nothing(value: str) -> None:
    done = subprocess.run(
        [_helm(), "template", "policykit", str(CHART), *KUBE, "--set", value],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "schema" in done.stderr
