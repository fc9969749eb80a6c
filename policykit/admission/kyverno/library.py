"""The functions and variables that Kyverno's CEL has beyond Kubernetes'. A library of `policykit.cel`.

Source: kyverno/sdk `extensions/cel/libs`. What needs a cluster, a registry, a network, a clock or chance is unknown;
single objects that are among the files are found there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policykit.cel.errors import EvaluationError
from policykit.cel.kubernetes import REQUEST, admission_variables
from policykit.cel.library import function, member
from policykit.cel.types import (
    BOOL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    OpaqueType,
    fields_of,
)
from policykit.unknown import Unknown
from policykit.views.image_reference import parse_image_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RESOURCE = OpaqueType("resource.Context")
GVR = OpaqueType("resource.GVR")
HTTP = OpaqueType("http.Context")
GLOBAL_CONTEXT = OpaqueType("globalcontext.Context")
IMAGE_DATA = OpaqueType("imagedata.Context")
IMAGE = OpaqueType("kyverno.Image")
JSON = OpaqueType("json.Json")
YAML = OpaqueType("yaml.Yaml")
SERVICE_ACCOUNT = ObjectType("user.ServiceAccount", {"Name": STRING, "Namespace": STRING})
EXCEPTIONS = ObjectType("libs.Exception", {"allowedImages": ListType(STRING), "allowedValues": ListType(STRING)})

_STRINGS = MapType(STRING, STRING)
_MAP = MapType(STRING, DYN)

#: `request` shows the objects as well.
_REQUEST = ObjectType(REQUEST.name, {**fields_of(REQUEST), "object": DYN, "oldObject": DYN})
VARIABLES = admission_variables(authorizer=False) | {
    "request": _REQUEST,
    "resource": RESOURCE,
    "http": HTTP,
    "globalContext": GLOBAL_CONTEXT,
    "image": IMAGE_DATA,
    "json": JSON,
    "yaml": YAML,
    "exceptions": EXCEPTIONS,
}


@dataclass(frozen=True, slots=True)
class Resources:
    """The variable `resource`: `get` gives the object of an apiVersion, resource, namespace and name, None for none."""

    get: Callable[[str, str, str, str], Mapping[str, Any] | None]
    cel_type = "resource.Context"


@dataclass(frozen=True, slots=True)
class GroupVersionResource:
    """What `resource.ToGVR` makes."""

    api_version: str
    resource: str
    cel_type = "resource.GVR"


@dataclass(frozen=True, slots=True)
class Image:
    """A parsed image reference, as go-containerregistry names its parts."""

    registry: str
    repository: str
    tag: str
    digest: str
    cel_type = "kyverno.Image"


class _Json:
    """The variable `json`: nothing but what its functions are called on."""

    __slots__ = ()
    cel_type = "json.Json"


class _Yaml:
    """The variable `yaml`."""

    __slots__ = ()
    cel_type = "yaml.Yaml"


_JSON, _YAML = _Json(), _Yaml()


def bindings(get: Callable[[str, str, str, str], Mapping[str, Any] | None]) -> dict[str, Any]:
    """The values of the variables that Kyverno adds, but for `exceptions`; `get` as in `Resources`."""
    return {
        "resource": Resources(get),
        "http": Unknown(("what an HTTP service answers",)),
        "globalContext": Unknown(("what the cluster's GlobalContextEntries hold",)),
        "image": Unknown(("what the registry knows of the image",)),
        "json": _JSON,
        "yaml": _YAML,
    }


def get(resources: Resources, api_version: str, resource: str, namespace: str, name: str) -> Any:
    """One object, where it is among the files."""
    found = resources.get(api_version, resource, namespace, name)
    if found is not None:
        return found
    path = "/".join(part for part in (namespace, name) if part)
    return Unknown((f"{resource} `{path}` is not among the files",))


def get_clusterwide(resources: Resources, api_version: str, resource: str, name: str) -> Any:
    """One object that lives in no namespace."""
    return get(resources, api_version, resource, "", name)


def get_by_gvr(resources: Resources, gvr: GroupVersionResource, namespace: str, name: str) -> Any:
    """One object of a resource that `ToGVR` made."""
    return get(resources, gvr.api_version, gvr.resource, namespace, name)


def list_all(_: Resources, _version: str, resource: str, *_rest: Any) -> Unknown:
    """Files are never all that a cluster has."""
    return Unknown((f"which {resource} the cluster has",))


def list_by_gvr(_: Resources, gvr: GroupVersionResource, *_rest: Any) -> Unknown:
    """As `list_all`."""
    return Unknown((f"which {gvr.resource} the cluster has",))


def post(_: Resources, _version: str, resource: str, *_rest: Any) -> Unknown:
    """What an API server would answer."""
    return Unknown((f"what the cluster answers to {resource}",))


def to_gvr(_: Resources, api_version: str, resource: str) -> GroupVersionResource:
    """A resource by its name."""
    return GroupVersionResource(api_version, resource)


def outside(*_: Any) -> Unknown:
    """For functions of contexts that are unknown themselves: they are declared, but never called."""
    return Unknown(("what is outside of the files",))


def now() -> Unknown:
    """An evaluation here is the same at any time."""
    return Unknown(("the time of the request",))


def chance(*_: Any) -> Unknown:
    """An evaluation here is the same every time."""
    return Unknown(("what is drawn at random",))


def parse_service_account(user: str) -> dict[str, str]:
    """Namespace and name out of `system:serviceaccount:namespace:name`, empty for any other user."""
    prefix, namespace, name = "system:serviceaccount:", "", ""
    if user.startswith(prefix):
        first, colon, rest = user.removeprefix(prefix).partition(":")
        if colon:
            namespace, name = first, rest
    return {"Name": name, "Namespace": namespace}


def _digest(algorithm: str) -> Callable[[str], str]:
    def digest(text: str) -> str:
        return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()

    digest.__name__ = algorithm
    return digest


def image(ref: str) -> Image:
    """The parts of an image reference. Docker Hub is `index.docker.io`; without tag and digest the tag is `latest`."""
    parsed = parse_image_reference(ref)
    if not parsed.valid:
        raise EvaluationError(f"could not parse reference: {ref}")
    registry, repository, tag, digest = map(str, (parsed.registry, parsed.repository, parsed.tag, parsed.digest))
    return Image(
        "index.docker.io" if registry == "docker.io" else registry,
        repository,
        tag or ("" if digest else "latest"),
        digest,
    )


def is_image(ref: str) -> bool:
    """Whether a text is an image reference."""
    return parse_image_reference(ref).valid


def identifier(value: Image) -> str:
    """Tag, digest, or both."""
    return f"{value.tag}@{value.digest}" if value.tag and value.digest else value.digest or value.tag


def contains_digest(value: Image) -> bool:
    """Whether a reference names its image by digest."""
    return bool(value.digest)


def _part(name: str) -> Callable[[Image], str]:
    def part(value: Image) -> str:
        found: str = getattr(value, name)
        return found

    part.__name__ = name
    return part


def unmarshal(_: Any, text: Any) -> Any:
    """JSON as a value."""
    if not isinstance(text, str):
        raise EvaluationError("no such overload")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(str(error)) from None


def marshal(_: Any, value: Any) -> str:
    """A value as JSON."""
    try:
        return json.dumps(value, separators=(",", ":"), sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise EvaluationError(str(error)) from None


def parse_yaml(_: Any, text: str) -> Any:
    """YAML as a value."""
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise EvaluationError(str(error)) from None


def list_to_map(keys: list[Any], values: list[Any], key: str, value: str) -> dict[str, Any]:
    """A map out of two lists of objects: a field of the one as keys, a field of the other as values."""
    if len(keys) != len(values):
        lengths = f"list1: {len(keys)}, list2: {len(values)}"
        raise EvaluationError(f"listObjToMap must take lists of equal length. {lengths}")
    made: dict[str, Any] = {}
    for first, second in zip(keys, values, strict=True):
        if not (isinstance(first, dict) and isinstance(first.get(key), str)):
            raise EvaluationError("the passed key name cannot be handled as a string in the key object list")
        made[first[key]] = second.get(value) if isinstance(second, dict) else None
    return made


def round_to(number: float, digits: int) -> float:
    """A number with so many digits after the point."""
    return round(number, max(-308, min(digits, 308)))


def _both(name: str, prefix: str, *overload: Any, **options: Any) -> tuple[Any, ...]:
    """A function under its name of old and under that with a prefix."""
    return function(name, *overload, **options), function(f"{prefix}.{name}", *overload, **options)


FUNCTIONS = (
    member("Get", (RESOURCE, STRING, STRING, STRING, STRING), _MAP, get),
    member("Get", (RESOURCE, STRING, STRING, STRING), _MAP, get_clusterwide),
    member("Get", (RESOURCE, GVR, STRING, STRING), _MAP, get_by_gvr),
    member("List", (RESOURCE, STRING, STRING), _MAP, list_all),
    member("List", (RESOURCE, STRING, STRING, STRING), _MAP, list_all),
    member("List", (RESOURCE, STRING, STRING, _STRINGS), _MAP, list_all),
    member("List", (RESOURCE, STRING, STRING, STRING, _STRINGS), _MAP, list_all),
    member("List", (RESOURCE, GVR), _MAP, list_by_gvr),
    member("List", (RESOURCE, GVR, STRING), _MAP, list_by_gvr),
    member("List", (RESOURCE, GVR, STRING, _STRINGS), _MAP, list_by_gvr),
    member("Post", (RESOURCE, STRING, STRING, _MAP), _MAP, post),
    member("Post", (RESOURCE, STRING, STRING, STRING, _MAP), _MAP, post),
    member("ToGVR", (RESOURCE, STRING, STRING), GVR, to_gvr),
    member("Get", (HTTP, STRING), DYN, outside),
    member("Get", (HTTP, STRING, _STRINGS), DYN, outside),
    member("Post", (HTTP, STRING, DYN), DYN, outside),
    member("Post", (HTTP, STRING, DYN, _STRINGS), DYN, outside),
    member("Client", (HTTP, STRING), HTTP, outside),
    member("Get", (GLOBAL_CONTEXT, STRING), DYN, outside),
    member("Get", (GLOBAL_CONTEXT, STRING, STRING), DYN, outside),
    member("GetMetadata", (IMAGE_DATA, STRING), DYN, outside),
    *_both("parseServiceAccount", "user", (STRING,), SERVICE_ACCOUNT, parse_service_account),
    *(f for name in ("sha1", "sha256", "md5") for f in _both(name, "hash", (STRING,), STRING, _digest(name))),
    # Where a function gives an Unknown instead of a text, its type must not promise one.
    *_both("random", "random", (), DYN, chance),
    *_both("random", "random", (STRING,), DYN, chance),
    function("time.now", (), TIMESTAMP, now),
    function("time.toCron", (TIMESTAMP,), DYN, outside),
    function("time.truncate", (TIMESTAMP, DURATION), TIMESTAMP, outside),
    function("x509.decode", (STRING,), DYN, outside),
    function("math.round", (DOUBLE, INT), DOUBLE, round_to),
    *_both("listObjToMap", "transform", (ListType(DYN), ListType(DYN), STRING, STRING), _MAP, list_to_map, linear=True),
    member("unmarshal", (JSON, DYN), DYN, unmarshal, linear=True),
    member("marshal", (JSON, DYN), STRING, marshal, linear=True),
    member("parse", (YAML, STRING), DYN, parse_yaml, linear=True),
    function("image", (STRING,), IMAGE, image),
    function("parseImageReference", (STRING,), IMAGE, image),
    function("isImage", (STRING,), BOOL, is_image),
    member("containsDigest", (IMAGE,), BOOL, contains_digest),
    member("identifier", (IMAGE,), STRING, identifier),
    *(member(name, (IMAGE,), STRING, _part(name)) for name in ("registry", "repository", "tag", "digest")),
)
TYPES = {
    t.name: t for t in (RESOURCE, GVR, HTTP, GLOBAL_CONTEXT, IMAGE_DATA, IMAGE, JSON, YAML, SERVICE_ACCOUNT, EXCEPTIONS)
}
