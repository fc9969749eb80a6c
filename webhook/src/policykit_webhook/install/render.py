"""Policies and choices to the manifests of an installation, as one stream of YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from policykit_webhook.install import access, certificate_objects, monitoring, webhooks, workload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policykit_webhook.decision import Policies
    from policykit_webhook.install.choices import Choices


def manifests(policies: Policies, choices: Choices, *, monitored: bool) -> list[dict[str, Any]]:
    """All objects, in the order in which to create them:

    the API server calls the webhook only when all else is there.
    """
    found = [workload.namespace(choices), *access.objects(choices)]
    if choices.watch:
        found += access.watching(choices)
    if choices.certificates == "self":
        found += certificate_objects.controller(choices)
    elif choices.certificates == "cert-manager":
        found += certificate_objects.cert_manager(choices)
    found += workload.objects(choices)
    if monitored:
        found += monitoring.objects(choices)
    return found + webhooks.configurations(policies, choices)


def as_yaml(objects: Iterable[dict[str, Any]]) -> str:
    return "---\n".join(dump(obj) for obj in objects)


def dump(obj: dict[str, Any]) -> str:
    """YAML without aliases, in the order of its keys; texts of several lines as blocks."""
    return yaml.dump(obj, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
