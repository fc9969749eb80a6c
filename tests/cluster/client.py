"""Requests to an API server as kubectl makes them: JSON in, JSON and warnings out."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"

#: Plurals that are not the kind with an s.
_PLURALS = {"NetworkPolicy": "networkpolicies", "PriorityClass": "priorityclasses", "Ingress": "ingresses"}
_CLUSTER_WIDE = {
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Reply:
    """`message` is what kubectl would print of a failure."""

    status: int
    text: str
    warnings: tuple[str, ...] = ()

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        return "" if self.ok else str(self.body.get("message", ""))


class Client:
    """One connection at a time; a new one for each thread or task."""

    def __init__(self, host: str, port: int, ca: bytes, token: str) -> None:
        self._where = host, port
        self._tls = ssl.create_default_context(cadata=ca.decode())
        self._token = token
        self._connection: http.client.HTTPSConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()

    def request(self, method: str, path: str, body: Any = None, type_: str = "application/json", **query: Any) -> Reply:
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": type_, "Accept": "application/json, */*"}
        content = json.dumps(body).encode() if body is not None else None
        for attempt in (1, 2):
            if self._connection is None:
                self._connection = http.client.HTTPSConnection(*self._where, context=self._tls, timeout=60)
            try:
                self._connection.request(method, target, content, headers)
                reply = self._connection.getresponse()
                text = reply.read().decode("utf-8", "replace")
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if attempt == 2:
                    raise
        warnings = tuple(
            _unquoted(w) for header in reply.headers.get_all("Warning", []) for w in _WARNING.findall(header)
        )
        return Reply(reply.status, text, warnings)

    def get(self, path: str, **query: Any) -> Reply:
        return self.request("GET", path, **query)

    def create(self, obj: dict[str, Any], *, dry_run: bool = False) -> Reply:
        return self.request("POST", collection(obj), obj, **_dry(dry_run))

    def update(self, obj: dict[str, Any], *, dry_run: bool = False) -> Reply:
        return self.request("PUT", path_of(obj), obj, **_dry(dry_run))

    def patch(self, obj: dict[str, Any], patch: Any, type_: str = MERGE, subresource: str = "") -> Reply:
        path = path_of(obj) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, patch, type_)

    def apply(self, obj: dict[str, Any], *, dry_run: bool = False) -> Reply:
        return self.request("PATCH", path_of(obj), obj, APPLY, fieldManager="test", force="true", **_dry(dry_run))

    def delete(self, obj: dict[str, Any]) -> Reply:
        return self.request("DELETE", path_of(obj), gracePeriodSeconds=0)


def collection(obj: dict[str, Any]) -> str:
    version, kind = obj["apiVersion"], obj["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    if kind.endswith("Policy") and kind not in _PLURALS:
        plural = f"{kind[:-1].lower()}ies"
    if kind in _CLUSTER_WIDE:
        return f"{root}/{plural}"
    return f"{root}/namespaces/{obj['metadata'].get('namespace', 'default')}/{plural}"


def path_of(obj: dict[str, Any]) -> str:
    return f"{collection(obj)}/{obj['metadata']['name']}"


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
