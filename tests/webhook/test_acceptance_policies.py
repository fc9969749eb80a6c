"""Acceptance tests 16, 19, 21 and 36 with the built-in policies: what the webhook makes of hostile pods."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from policykit_webhook import bundle, decision, policies, review
from tests.webhook.fake_apiserver import make_review

if TYPE_CHECKING:
    from pathlib import Path

    from policykit_webhook.decision import Decision, Policies

#: Everything about a container that a policy on its image or its rights may hold against it.
BAD: dict[str, Any] = {
    "name": "bad",
    "image": "evil.example/app:latest",
    "securityContext": {
        "privileged": True,
        "allowPrivilegeEscalation": True,
        "runAsUser": 0,
        "runAsNonRoot": False,
        "procMount": "Unmasked",
        "capabilities": {"add": ["SYS_ADMIN", "NET_RAW"]},
        "seccompProfile": {"type": "Unconfined"},
        "appArmorProfile": {"type": "Unconfined"},
        "seLinuxOptions": {"type": "spc_t", "user": "root", "role": "root"},
        "windowsOptions": {"hostProcess": True},
    },
}
GOOD: dict[str, Any] = {
    "name": "good",
    "image": "docker.io/library/nginx@sha256:" + "a" * 64,
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
}


def loaded(directory: Path, config: str = "") -> Policies:
    path = directory / "policykit.yaml"
    path.write_text(config)
    snapshot = bundle.read(bundle.Sources(path)).write(directory / "snapshots")
    return policies.load(str(snapshot))


@pytest.fixture(scope="module")
def built_in(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return loaded(tmp_path_factory.mktemp("policies"))


def pod(**lists: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [GOOD], "automountServiceAccountToken": False, **lists},
    }


def decided(obj: dict[str, Any], policies: Policies, hook: Any = "enforce", **request: Any) -> Decision:
    return decision.decide(review.decode(make_review(obj, **request)), hook, policies)


def _blamed(obj: dict[str, Any], policies: Policies, where: str, **request: Any) -> set[str]:
    """The rules that blame something of the one container in `where`."""
    results = [r for hook in policies.hooks for r in decided(obj, policies, hook, **request).results]
    return {r.violation.rule for r in results if r.violation.path.startswith(where)}


def test_16_what_is_bad_in_a_container_is_bad_in_every_other(built_in: Policies) -> None:
    """Init containers, sidecars and ephemeral containers, by way of the pod and of its subresource."""
    about = {"image", "security", "securityContext"}
    plain = _blamed(pod(containers=[BAD]), built_in, "spec.containers[0]")
    wanted = {rule for rule in plain if _category(rule, built_in) in about}
    assert len(wanted) >= 6
    sidecar = {**BAD, "restartPolicy": "Always"}
    subresource = {"subResource": "ephemeralcontainers", "operation": "UPDATE", "old": pod()}
    for name, obj, where, request in (
        ("init", pod(initContainers=[BAD]), "spec.initContainers[0]", {}),
        ("sidecar", pod(initContainers=[sidecar]), "spec.initContainers[0]", {}),
        ("ephemeral", pod(ephemeralContainers=[BAD]), "spec.ephemeralContainers[0]", {}),
        ("debug", pod(ephemeralContainers=[BAD]), "spec.ephemeralContainers[0]", subresource),
    ):
        missed = wanted - _blamed(obj, built_in, where, **request)
        assert not missed, (name, missed)


def _category(rule: str, loaded: Policies) -> str:
    judge = loaded.judge
    assert isinstance(judge, policies.EngineJudge)
    policy = judge._catalogue.get(rule)
    return policy.category if policy is not None else ""


def test_the_good_pod_is_let_in(built_in: Policies) -> None:
    assert decided(pod(), built_in).allowed


def test_19_annotations_count_only_where_the_operator_says_so(tmp_path: Path) -> None:
    obj = pod(containers=[{**GOOD, "image": "docker.io/library/nginx:latest"}])
    obj["metadata"]["annotations"] = {"policykit.dev/ignore.image-explicit-tag": "because"}
    (tmp_path / "off").mkdir()
    (tmp_path / "on").mkdir()
    assert not decided(obj, loaded(tmp_path / "off")).allowed
    assert decided(obj, loaded(tmp_path / "on", "webhook: {objectExceptions: true}")).allowed


def test_19_exceptions_of_the_operator_do_not_widen_each_other(tmp_path: Path) -> None:
    config = {
        "exceptions": [
            {"rule": "image-explicit-tag", "reason": "a", "resource": {"namespace": "shop", "name": "other"}},
            {"rule": "image-explicit-tag", "reason": "b", "resource": {"namespace": "bank", "name": "web"}},
            {"rule": "image-explicit-tag", "reason": "old", "expires": "2020-01-01"},
        ]
    }
    policies = loaded(tmp_path, json.dumps(config))
    bad = pod(containers=[{**GOOD, "image": "docker.io/library/nginx:latest"}])
    assert not decided(bad, policies).allowed
    assert decided({**bad, "metadata": {"name": "other", "namespace": "shop"}}, policies).allowed
    # the object says it is elsewhere; the request knows better
    assert not decided({**bad, "metadata": {"name": "web", "namespace": "bank"}}, policies, namespace="shop").allowed


REGISTRIES = (
    "",
    "docker.io/",
    "registry.example/",
    "registry.example:5000/",
    "localhost:5000/",
    "[::1]:5000/",
    "127.0.0.1/",
)
NAMES = ("nginx", "team/app", "a/b/c-d_e.f")
DIGEST = "@sha256:" + "0123456789abcdef" * 4
SUFFIXES = (("", True), (":latest", True), (":1.27.3", False), (DIGEST, False), (":latest" + DIGEST, False))


@pytest.mark.parametrize(("registry", "name"), list(itertools.product(REGISTRIES, NAMES)))
def test_21_image_references_are_read_right(built_in: Policies, registry: str, name: str) -> None:
    """105 references made of their parts, so that what is right is known:

    a port is no tag, a digest pins whatever tag.
    """
    for suffix, moves in SUFFIXES:
        ref = registry + name + suffix
        rules = {r.violation.rule for r in decided(pod(containers=[{**GOOD, "image": ref}]), built_in).results}
        assert ("image-explicit-tag" in rules) is moves, ref


@pytest.mark.parametrize(
    "config",
    [
        "webhook: {rules: {no-such-rule: warn}}",
        "webhook: {ignore: [no-such-rule]}",
        "webhook: {onError: {no-such-rule: fail}}",
        "webhook: {namespaces: [{match: [a], rules: {no-such-rule: warn}}]}",
        "rules: {image-explicit-tag: {parameters: {noSuchParameter: 1}}}",
        "noSuchKey: 1",
        "policies: [../outside]",
    ],
)
def test_a_mistake_in_the_configuration_is_no_configuration(tmp_path: Path, config: str) -> None:
    from policykit.errors import UsageError

    with pytest.raises(UsageError):
        loaded(tmp_path, config)


def test_a_category_stands_for_its_rules(tmp_path: Path) -> None:
    quiet = loaded(tmp_path, "webhook: {rules: {image: audit}}")
    obj = pod(containers=[{**GOOD, "image": "docker.io/library/nginx:latest"}])
    assert decided(obj, quiet, "enforce").allowed
    assert "image-explicit-tag" in decided(obj, quiet, "advise").audit_annotations
