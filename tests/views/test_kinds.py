"""Built-in kinds and their resources."""

from __future__ import annotations

import pytest

from policykit.views.kinds import resource_of, versions_of


@pytest.mark.parametrize(
    ("api_version", "kind", "name", "namespaced"),
    [
        ("v1", "Pod", "pods", True),
        ("v1", "Endpoints", "endpoints", True),
        ("v1", "Namespace", "namespaces", False),
        ("apps/v1", "Deployment", "deployments", True),
        ("networking.k8s.io/v1", "Ingress", "ingresses", True),
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", False),
        ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", True),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False),
        ("apiregistration.k8s.io/v1", "APIService", "apiservices", False),
    ],
)
def test_served(api_version: str, kind: str, name: str, namespaced: bool) -> None:
    resource = resource_of(api_version, kind)
    assert resource is not None
    assert (resource.name, resource.namespaced, resource.served) == (name, namespaced, True)
    assert f"{resource.group}/{resource.version}".lstrip("/") == api_version


def test_subresources() -> None:
    pod = resource_of("v1", "Pod")
    assert pod is not None
    assert {"status", "exec", "ephemeralcontainers", "eviction"} <= set(pod.subresources)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("extensions/v1beta1", "Deployment"), ("policy/v1beta1", "PodSecurityPolicy"), ("batch/v1beta1", "CronJob")],
)
def test_removed(api_version: str, kind: str) -> None:
    resource = resource_of(api_version, kind)
    assert resource is not None
    assert not resource.served


def test_unknown() -> None:
    assert resource_of("example.com/v1", "Pod") is None
    assert resource_of("v1", "Deployment") is None


def test_versions() -> None:
    assert {"v1", "v1beta1", "v1beta2"} <= set(versions_of("apps", "Deployment"))
    assert versions_of("", "Deployment") == []
