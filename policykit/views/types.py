"""The CEL types of what views show: what a policy may read, field by field.

Every field is always there: a text that was not given is "", a list is empty, and what cannot be known is Unknown.
"""

from __future__ import annotations

from policykit.cel.types import BOOL, DYN, INT, STRING, ListType, MapType, ObjectType

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

OWNER = ObjectType(
    "Owner",
    {
        "apiVersion": STRING,
        "kind": STRING,  # "" outside of Kubernetes
        "name": STRING,
        "namespace": STRING,  # "" where none is written
        "labels": MapType(STRING, STRING),
        "annotations": MapType(STRING, STRING),
    },
)

_CAPABILITIES = ObjectType("Capabilities", {"add": ListType(STRING), "drop": ListType(STRING), "set": BOOL})
_PROFILE = ObjectType(
    "Profile",
    {
        "type": STRING,  # RuntimeDefault, Localhost, Unconfined; "" where nothing is said
        "file": STRING,  # of a Localhost profile
        "source": STRING,  # container, pod: where it is said
        "annotation": STRING,  # the older way to say it, for this container (or for the pod)
    },
)
_SELINUX = ObjectType("SELinux", {"type": STRING, "user": STRING, "role": STRING, "level": STRING})
SECURITY = ObjectType(
    "SecurityContext",
    {
        "level": STRING,  # container, pod
        "name": STRING,  # of the container, "" for the pod
        "kind": STRING,  # of the container, "" for the pod
        "target": STRING,
        "os": STRING,  # what `spec.os` says
        "image": STRING,
        "hostUsers": BOOL,  # user ids are those of the host (no user namespace)
        "privileged": BOOL,
        "privilegeEscalation": STRING,  # true, false; "" where nothing is said
        "readOnlyRootFilesystem": BOOL,
        "procMount": STRING,  # "" and Default mean the same
        "capabilities": _CAPABILITIES,
        "runAsNonRoot": BOOL,
        "runAsNonRootSource": STRING,  # container, pod; "" where nothing is said
        "runAsUser": INT,  # -1 where nothing is said
        "runAsUserSource": STRING,
        "runAsGroup": INT,
        "runAsGroupSource": STRING,
        "fsGroup": INT,
        "supplementalGroups": ListType(INT),
        "windowsUser": STRING,
        "hostProcess": BOOL,
        "hostProcessSource": STRING,
        "seccomp": _PROFILE,
        "appArmor": _PROFILE,
        "seLinux": _SELINUX,  # its own, not what it inherits
        "set": BOOL,  # anything at all is said here
    },
)

PORT_FIELDS = {
    "name": STRING,
    "number": INT,  # inside the container; 0 where it is none
    "protocol": STRING,  # TCP, UDP, SCTP
    "published": STRING,  # on the host, a number or a range; "" where it is not
    "hostIp": STRING,
}
VARIABLE_FIELDS = {
    "name": STRING,
    "value": STRING,  # "" where it comes from elsewhere
    "source": STRING,  # value, secret, configMap, field, resource, file, host
    "reference": STRING,  # name of the Secret or ConfigMap
    "key": STRING,
    "optional": BOOL,
    "repeated": BOOL,  # an earlier one has the same name
}
MOUNT_FIELDS = {
    "volume": STRING,  # its name
    "type": STRING,  # hostPath, emptyDir, ... (bind and volume of Compose are hostPath and volume)
    "source": STRING,  # path on the host; name of the claim, Secret, ConfigMap or volume
    "path": STRING,  # in the container
    "readOnly": BOOL,
    "subPath": STRING,
    "propagation": STRING,
}
PROBE_FIELDS = {
    "defined": BOOL,
    "type": STRING,  # exec, httpGet, tcpSocket, grpc; "" for one that does nothing
    "path": STRING,
    "port": STRING,  # number or name
    "host": STRING,
    "command": ListType(STRING),
    "initialDelaySeconds": INT,
    "periodSeconds": INT,
    "timeoutSeconds": INT,
    "failureThreshold": INT,
}
PORT = ObjectType("ContainerPort", PORT_FIELDS)
VARIABLE = ObjectType("ContainerVariable", VARIABLE_FIELDS)
MOUNT = ObjectType("Mount", MOUNT_FIELDS)
PROBE = ObjectType("Probe", PROBE_FIELDS)

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
        "imageUserAt": STRING,  # where its Dockerfile decides it, as `file:line`; "" where none is known
        "runAsNonRoot": BOOL,  # Kubernetes' promise to refuse root, the pod's merged in
        "windows": BOOL,
        "resources": _RESOURCES,
        "owner": OWNER,
        "security": SECURITY,
        "ports": ListType(PORT),
        "variables": ListType(VARIABLE),
        "variablesFrom": ListType(VARIABLE),  # all of a Secret, a ConfigMap or a file; `name` is the prefix
        "mounts": ListType(MOUNT),
        "liveness": PROBE,  # a HEALTHCHECK or `healthcheck` is one
        "readiness": PROBE,
        "startup": PROBE,
        "postStart": PROBE,
        "preStop": PROBE,
        "pullPolicy": STRING,
        "restartPolicy": STRING,  # the pod's for all but sidecars
        "command": ListType(STRING),  # what replaces the image's ENTRYPOINT
        "args": ListType(STRING),  # what replaces the image's CMD
        "workingDir": STRING,
        "tty": BOOL,
        "stdin": BOOL,
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

#: A Kubernetes object as it is: whatever it holds.
OBJECT = DYN
