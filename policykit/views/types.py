"""The CEL types of what views show: what a policy may read, field by field.

Every field is always there: a text that was not given is "", a list is empty, and what cannot be known is Unknown.
"""

from __future__ import annotations

from policykit.cel.types import BOOL, INT, STRING, ListType, ObjectType

USER = ObjectType(
    "User",
    {
        "text": STRING,  # as written: `user[:group]`
        "name": STRING,  # without the group
        "root": BOOL,
        "numeric": BOOL,
    },
)

IMAGE = ObjectType(
    "Image",
    {
        "ref": STRING,  # as written, variables expanded
        "name": STRING,  # registry/repository, normalised: docker.io/library/nginx
        "registry": STRING,
        "repository": STRING,
        "tag": STRING,
        "digest": STRING,
        "valid": BOOL,  # a runtime can read it
        "built": BOOL,  # built beside its use (Compose `build:`), so the tag is one's own
        "origin": STRING,  # FROM, COPY --from, RUN --mount, service, container, init, sidecar, ephemeral, volume
        "target": STRING,
    },
)

_AMOUNTS = ObjectType("Amounts", {"cpu": STRING, "memory": STRING, "ephemeralStorage": STRING})
_RESOURCES = ObjectType("Resources", {"limits": _AMOUNTS, "requests": _AMOUNTS})

CONTAINER = ObjectType(
    "Container",
    {
        "name": STRING,
        "kind": STRING,  # container, init, sidecar, ephemeral, service, stage
        "target": STRING,
        "image": IMAGE,
        "user": USER,  # in effect: its own, else the pod's, else the image's
        "userSource": STRING,  # container, pod, image: who decided
        "imageUser": USER,  # the image's own, from its Dockerfile or the table of well-known images
        "imageUserKnown": BOOL,
        "runAsNonRoot": BOOL,  # Kubernetes' promise to refuse root, the pod's merged in
        "windows": BOOL,
        "resources": _RESOURCES,
    },
)

STAGE = ObjectType(
    "Stage",
    {
        "index": INT,
        "name": STRING,
        "final": BOOL,  # what a build without --target makes
        "image": IMAGE,  # FROM, "" where it is an earlier stage
        "parent": STRING,  # the earlier stage it starts from
        "user": USER,  # at its end
    },
)

NAMESPACE = ObjectType(
    "Namespace",
    {
        "name": STRING,
        "assumed": BOOL,  # no object says it: the run's default namespace
        "workloads": ListType(STRING),  # Kind/name of what makes pods in it
        "deniesIngress": BOOL,  # by default
        "deniesEgress": BOOL,
        "policies": ListType(STRING),  # names of its network policies
    },
)
