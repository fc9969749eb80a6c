"""Certificates to the objects of a cluster and back: two Secrets, a Lease, and the `caBundle` of the configurations."""

from __future__ import annotations

import base64
import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from policykit_webhook.authority import Credential
from policykit_webhook.certificates import Managed
from policykit_webhook.kubernetes import KubernetesKind, resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightkube import AsyncClient

#: Whoever leads renews in time; another takes over when this long has gone without.
LEASE = timedelta(seconds=30)
_ABSENT, _CONFLICT = 404, 409
_AUTHORITY = "-authority"


@dataclass(frozen=True, slots=True)
class Places:
    """Names of the objects: `secret` holds what is served, and its namesake with `-authority` what signs it."""

    namespace: str
    secret: str
    lease: str
    configurations: tuple[str, ...]


@dataclass(slots=True)
class ClusterStore:
    """Reads and writes them. Every write names the version it goes by: two leaders cannot both win."""

    client: AsyncClient
    places: Places
    identity: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    _versions: dict[str, str] = field(default_factory=dict)

    async def lead(self) -> bool:
        """Takes or renews the Lease; False while somebody else has it."""
        now = datetime.now(UTC)
        lease = await self._get(_LEASE, self.places.lease)
        spec: Mapping[str, Any] = (lease or {}).get("spec") or {}
        holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
        if holder not in (None, "", self.identity) and renewed and now - _time(renewed) < LEASE:
            return False
        wanted = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(LEASE.total_seconds()),
            "renewTime": now.strftime(_MICRO),
            "acquireTime": spec.get("acquireTime") if holder == self.identity else now.strftime(_MICRO),
            "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (holder != self.identity),
        }
        return await self._put(_LEASE, self.places.lease, {"spec": wanted})

    async def read(self) -> Managed | None:
        """What is held; None where there is nothing, or not all of it."""
        served = _decoded(await self._get(_SECRETS, self.places.secret))
        signing = _decoded(await self._get(_SECRETS, self.places.secret + _AUTHORITY))
        try:
            following = signing.get("next.crt")
            return Managed(
                authority=Credential(signing["tls.crt"], signing["tls.key"]),
                leaf=Credential(served["tls.crt"], served["tls.key"]),
                bundle=tuple(_certificates(signing["bundle.crt"])),
                changed=datetime.fromisoformat(signing["changed"].decode("ascii")),
                next_authority=Credential(following, signing["next.key"]) if following else None,
            )
        except (KeyError, ValueError):
            return None

    async def write(self, managed: Managed) -> None:
        """The authority first: a leaf must never be there without what signed it. Raises RuntimeError on a conflict."""
        signing = {
            "tls.crt": managed.authority.certificate,
            "tls.key": managed.authority.key,
            "bundle.crt": b"".join(managed.bundle),
            "changed": managed.changed.isoformat().encode("ascii"),
        }
        if managed.next_authority is not None:
            signing |= {"next.crt": managed.next_authority.certificate, "next.key": managed.next_authority.key}
        served = {
            "tls.crt": managed.leaf.certificate,
            "tls.key": managed.leaf.key,
            "ca.crt": b"".join(managed.bundle),
        }
        for name, data, type_ in (
            (self.places.secret + _AUTHORITY, signing, "Opaque"),
            (self.places.secret, served, "kubernetes.io/tls"),
        ):
            encoded = {key: base64.b64encode(value).decode("ascii") for key, value in data.items()}
            if not await self._put(_SECRETS, name, {"type": type_, "data": encoded}):
                raise RuntimeError("somebody else wrote the Secret")

    async def trust(self, bundle: str) -> None:
        """Writes the bundle into every webhook of the configurations that do not have it yet."""
        for name in self.places.configurations:
            config = await self._get(_CONFIGURATIONS, name)
            webhooks = (config or {}).get("webhooks") or []
            patch = [
                {"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": bundle}
                for index, webhook in enumerate(webhooks)
                if webhook.get("clientConfig", {}).get("caBundle") != bundle
            ]
            if patch:
                # a test of the version first: the list may have changed under its indexes
                version = {"op": "test", "path": "/metadata/resourceVersion", "value": self._versions[name]}
                await self._patch(name, [version, *patch])

    async def _get(self, kind: KubernetesKind, name: str) -> Mapping[str, Any] | None:
        from lightkube.core.exceptions import ApiError

        try:
            found = await self.client.get(resource(kind), name, **self._within(kind))
        except ApiError as error:
            if error.status.code == _ABSENT:
                self._versions.pop(name, None)
                return None
            raise
        self._versions[name] = (found.get("metadata") or {}).get("resourceVersion", "")
        return dict(found)

    async def _put(self, kind: KubernetesKind, name: str, content: Mapping[str, Any]) -> bool:
        """Creates or replaces; False where somebody was faster."""
        from lightkube.core.exceptions import ApiError

        metadata: dict[str, Any] = {"name": name, "namespace": self.places.namespace}
        metadata["labels"] = {"app.kubernetes.io/part-of": "policykit"}
        obj = resource(kind)({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content})
        try:
            if version := self._versions.get(name):
                metadata["resourceVersion"] = version
                written = await self.client.replace(obj, name=name, **self._within(kind))
            else:
                written = await self.client.create(obj, **self._within(kind))
        except ApiError as error:
            if error.status.code == _CONFLICT:
                return False
            raise
        self._versions[name] = (written.get("metadata") or {}).get("resourceVersion", "")
        return True

    async def _patch(self, name: str, patch: Sequence[Mapping[str, Any]]) -> None:
        from lightkube.types import PatchType

        await self.client.patch(resource(_CONFIGURATIONS), name, list(patch), patch_type=PatchType.JSON)

    def _within(self, kind: KubernetesKind) -> dict[str, Any]:
        return {"namespace": self.places.namespace} if kind.namespaced else {}


_SECRETS = KubernetesKind("", "v1", "Secret", "secrets")
_LEASE = KubernetesKind("coordination.k8s.io", "v1", "Lease", "leases")
_CONFIGURATIONS = KubernetesKind(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
)
_MICRO = "%Y-%m-%dT%H:%M:%S.%fZ"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _decoded(secret: Mapping[str, Any] | None) -> dict[str, bytes]:
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value) for key, value in data.items()}


def _certificates(bundle: bytes) -> list[bytes]:
    end = b"-----END CERTIFICATE-----\n"
    return [part + end for part in bundle.split(end) if part.strip()]
