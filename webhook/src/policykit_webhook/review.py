"""An AdmissionReview's bytes to a `Review`; a decision's parts back to the bytes that the API server accepts.

Wire format only: no policy, no HTTP. The rules are those of the client in kube-apiserver
(k8s.io/apiserver/pkg/admission/plugin/webhook), which is strict about responses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import orjson

from policykit.errors import PolicykitError
from policykit_webhook import json_decode

if TYPE_CHECKING:
    from collections.abc import Mapping

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
_OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")

#: Subresources whose object is the whole Pod, with a specification that a policy can judge.
POD_SPEC_SUBRESOURCES = frozenset({"", "ephemeralcontainers", "resize"})


class BadReviewError(PolicykitError):
    """The request is not an AdmissionReview that can be answered: the caller's fault, an HTTP 400."""


class Kind(NamedTuple):
    """A group, version and kind; also a group, version and resource."""

    group: str
    version: str
    name: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Review:
    """One call of the API server. `uid` belongs to the call, not to the object.

    `request` is the request as sent, without the two objects: what a policy sees as `request`.
    `object` and `old_object` come without `managedFields`; on DELETE `object` is None, on CONNECT it holds the options.
    """

    uid: str
    operation: Operation
    kind: Kind
    resource: Kind
    subresource: str
    namespace: str
    name: str
    dry_run: bool
    request: Mapping[str, Any]
    object: Mapping[str, Any] | None
    old_object: Mapping[str, Any] | None

    @property
    def subject(self) -> Mapping[str, Any] | None:
        """What there is to judge: the object, on DELETE the object that goes."""
        return self.object if self.object is not None else self.old_object

    @property
    def identity(self) -> str:
        """`Kind namespace/name`, as people say it."""
        return f"{self.kind.name} {self.namespace}/{self.name}" if self.namespace else f"{self.kind.name} {self.name}"


def decode(value: object) -> Review:
    """The review in a decoded JSON value. Raises BadReviewError."""
    if not isinstance(value, dict):
        raise BadReviewError("the body is not a JSON object")
    if value.get("apiVersion") != API_VERSION or value.get("kind") != KIND:
        raise BadReviewError(f"expected apiVersion {API_VERSION} and kind {KIND}")
    request = value.get("request")
    if not isinstance(request, dict):
        raise BadReviewError("the review has no request")
    uid = request.get("uid")
    if not isinstance(uid, str) or not uid or len(uid) > 256:
        raise BadReviewError("request.uid is missing")
    operation = request.get("operation")
    if operation not in _OPERATIONS:
        raise BadReviewError(f"request.operation is none of {', '.join(_OPERATIONS)}")
    new, old = _object(request, "object"), _object(request, "oldObject")
    namespace = _text(request, "namespace")
    return Review(
        uid=uid,
        operation=cast("Operation", operation),
        kind=_kind(request, "kind", "kind"),
        resource=_kind(request, "resource", "resource"),
        subresource=_text(request, "subResource"),
        namespace=namespace,
        name=_name(request, new, old),
        dry_run=request.get("dryRun") is True,
        request={key: item for key, item in request.items() if key not in ("object", "oldObject")},
        object=new,
        old_object=old,
    )


def loads(body: bytes) -> Review:
    """The review in a body. Raises BadReviewError."""
    try:
        return decode(json_decode.loads(body))
    except json_decode.NotJsonError as error:
        raise BadReviewError(f"the body is not JSON: {error}") from None


def response(uid: str, parts: Mapping[str, Any]) -> bytes:
    """The AdmissionReview that answers `uid`. The request is not echoed; only keys of the v1 response are sent."""
    return orjson.dumps({"apiVersion": API_VERSION, "kind": KIND, "response": {"uid": uid, **parts}})


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadReviewError(f"request.{key} is not a string")
    return value


def _kind(request: Mapping[str, Any], key: str, last: str) -> Kind:
    value = request.get(key)
    if not isinstance(value, dict):
        raise BadReviewError(f"request.{key} is missing")
    parts = [value.get(part, "") for part in ("group", "version", last)]
    if not all(isinstance(part, str) for part in parts) or not parts[2]:
        raise BadReviewError(f"request.{key} is not a group, version and {last}")
    return Kind(*parts)


def _object(request: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = request.get(key)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadReviewError(f"request.{key} is not an object")
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and "managedFields" in metadata:
        kept = {name: item for name, item in metadata.items() if name != "managedFields"}
        value = {**value, "metadata": kept}
    return value


def _name(request: Mapping[str, Any], new: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> str:
    """The object's name; `prefix*` where the server has yet to generate it, so that it stays the same over retries."""
    name = _text(request, "name")
    if name:
        return name
    for candidate in (new, old):
        metadata = candidate.get("metadata") if candidate else None
        if isinstance(metadata, dict):
            for key, suffix in (("name", ""), ("generateName", "*")):
                value = metadata.get(key)
                if isinstance(value, str) and value:
                    return value + suffix
    return ""
