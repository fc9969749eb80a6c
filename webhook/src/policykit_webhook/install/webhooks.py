"""Loaded policies to a ValidatingWebhookConfiguration: which requests each hook is called for, and which never.

Two hooks: `enforce` fails closed and holds the policies that may deny; `advise` fails open and holds the others.
Neither is called for what a cluster needs to come up, heal or be repaired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit_webhook.install.choices import CONFIGURATIONS, NAME, Choices, named
from policykit_webhook.scope import KINDS
from policykit_webhook.settings import SYSTEM_NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policykit_webhook.decision import Policies
    from policykit_webhook.judge import Hook, Rule

#: What stands for every kind, with the subresources that carry a whole pod.
EVERYTHING = ("*", "pods/ephemeralcontainers", "pods/resize")

#: Requests that must never wait for a webhook, as CEL over `request`.
NEVER: tuple[tuple[str, str], ...] = (
    ("leases", '!(request.resource.group == "coordination.k8s.io" && request.resource.resource == "leases")'),
    ("events", '!(request.resource.group in ["", "events.k8s.io"] && request.resource.resource == "events")'),
    ("nodes", '!(request.resource.group == "" && request.resource.resource == "nodes")'),
    ("certificate-requests", '!(request.resource.group == "certificates.k8s.io")'),
    ("access-reviews", '!(request.resource.group in ["authentication.k8s.io", "authorization.k8s.io"])'),
)

_FAILURE: dict[Hook, str] = {"enforce": "Fail", "advise": "Ignore"}


def configurations(policies: Policies, choices: Choices) -> list[dict[str, Any]]:
    """One configuration for each hook that has policies."""
    return [configuration(h, hook_rules(policies, h), choices) for h in CONFIGURATIONS if policies.hooks[h]]


def configuration(hook: Hook, rules: list[dict[str, Any]] | str, choices: Choices) -> dict[str, Any]:
    """The configuration object of one hook."""
    config = named("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", None, CONFIGURATIONS[hook])
    if choices.certificates == "cert-manager":
        config["metadata"]["annotations"] = {"cert-manager.io/inject-ca-from": f"{choices.namespace}/{NAME}"}
    config["webhooks"] = [_webhook(hook, rules, choices)]
    return config


def hook_rules(policies: Policies, hook: Hook) -> list[dict[str, Any]]:
    """The `rules` of one hook: what its policies judge."""
    rules = [policies.judge.rules[rule] for rule in sorted(policies.hooks[hook])]
    about_objects = [rule for rule in rules if not rule.matches]
    kinds: set[str] = set()
    for rule in about_objects:
        if rule.kinds is None or not rule.kinds <= KINDS.keys():
            return [_rule("*", "*", EVERYTHING), *_own_matches(rules)]
        kinds |= rule.kinds
    served: dict[tuple[str, str], set[str]] = {}
    for kind in kinds:
        api = KINDS[kind]
        served.setdefault((api.group, api.version), set()).update(api.resources)
    return [_rule(*api, sorted(resources)) for api, resources in sorted(served.items())] + _own_matches(rules)


def _own_matches(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """What policies of the API's own kind say they match, each once."""
    found: list[dict[str, Any]] = []
    for rule in rules:
        for match in rule.matches:
            if dict(match) not in found:
                found.append(dict(match))
    return found


def _rule(group: str, version: str, resources: Iterable[str]) -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
        "scope": "*",
    }


def _webhook(hook: Hook, rules: list[dict[str, Any]] | str, choices: Choices) -> dict[str, Any]:
    client: dict[str, Any] = {
        "service": {"name": NAME, "namespace": choices.namespace, "path": f"/{hook}", "port": 443}
    }
    if choices.ca_bundle:
        client["caBundle"] = choices.ca_bundle
    never_in = [choices.namespace, *SYSTEM_NAMESPACES]
    return {
        "name": f"{hook}.policykit.dev",
        "admissionReviewVersions": ["v1"],
        "clientConfig": client,
        "failurePolicy": _FAILURE[hook],
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": choices.timeout,
        "namespaceSelector": {
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": never_in},
            ]
        },
        "matchConditions": [{"name": f"not-{name}", "expression": expression} for name, expression in NEVER],
        "rules": rules,
    }
