"""What an installation may choose, with the defaults of the Helm chart's values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from policykit_webhook import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit_webhook.judge import Hook

NAME = "policykit-webhook"
PORT = 8443
PROBES = 8081
CONFIG = "/etc/policykit"
POLICIES = "/etc/policykit-policies"
TLS = "/etc/policykit-tls"

#: The configuration object of each hook: two, so that one can be removed without the other.
CONFIGURATIONS: Mapping[Hook, str] = {"enforce": "policykit-enforce", "advise": "policykit-advise"}

#: For one process; a limit of one processor keeps it to one.
RESOURCES: Mapping[str, Any] = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"cpu": "1", "memory": "256Mi"},
}

#: Who makes the serving certificate: our own controller, cert-manager, or somebody else beforehand.
CertificatesBy = Literal["self", "cert-manager", "provided"]
CERTIFICATES_BY: tuple[CertificatesBy, ...] = get_args(CertificatesBy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What differs from one installation to the next. The chart is rendered from the same, with references to Helm's
    values in these places: hence texts that stand for numbers.

    `watch` keeps what else is in a namespace in memory, for policies that look beyond one object: it needs a token
    and a way to the API server. `ca_bundle` (base64) goes with certificates that somebody else provides.
    """

    namespace: str = "policykit-system"
    image: str = f"ghcr.io/policykit/policykit:{__version__}"
    replicas: int | str = 3
    resources: Mapping[str, Any] | str = field(default_factory=lambda: RESOURCES)
    certificates: CertificatesBy = "self"
    secret: str = f"{NAME}-tls"
    ca_bundle: str = ""
    watch: bool | str = True
    watch_argument: str = "--watch-cluster"
    config: str = ""
    policies: Mapping[str, str] | str = field(default_factory=dict)
    timeout: int | str = 5
    annotations: Mapping[str, str] | str = field(default_factory=dict)
    node_selector: Mapping[str, str] | str = field(default_factory=dict)
    tolerations: tuple[Any, ...] | str = ()


def named(kind: str, api_version: str, choices: Choices | None, name: str = NAME) -> dict[str, Any]:
    """The head of an object; without choices it lives in no namespace."""
    metadata: dict[str, Any] = {"name": name, "labels": labels(name)}
    if choices is not None:
        metadata["namespace"] = choices.namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def labels(name: str = NAME) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "policykit"}


def selector(name: str = NAME) -> dict[str, Any]:
    return {"matchLabels": {"app.kubernetes.io/name": name}}
