"""The CEL types of pods, their volumes, and what makes them."""

from __future__ import annotations

from policykit.cel.types import BOOL, INT, STRING, ListType, MapType, ObjectType
from policykit.views.types import CONTAINER, OWNER

_LABELS = MapType(STRING, STRING)
_PAIR = ObjectType("Setting", {"name": STRING, "value": STRING})

VOLUME_FIELDS = {
    "name": STRING,
    "type": STRING,  # hostPath, emptyDir, configMap, ...; a bind mount of Compose is a hostPath
    "source": STRING,  # path on the host; name of the claim, Secret, ConfigMap
    "sizeLimit": STRING,
    "medium": STRING,
    "optional": BOOL,
    "mounted": BOOL,  # some container mounts it
    "readOnly": BOOL,  # every container that mounts it does so for reading only
}
VOLUME = ObjectType("Volume", {**VOLUME_FIELDS, "target": STRING, "owner": OWNER, "containers": ListType(STRING)})

_ANTI_AFFINITY = ObjectType(
    "AntiAffinityTerm",
    {
        "required": BOOL,
        "topologyKey": STRING,
        "selectsItself": BOOL,  # the pod's own labels, in its own namespace
        "selectsLabels": BOOL,  # the pod's own labels, wherever
    },
)
_SPREAD = ObjectType(
    "SpreadConstraint",
    {"topologyKey": STRING, "whenUnsatisfiable": STRING, "maxSkew": INT, "selectorSet": BOOL, "selectsItself": BOOL},
)
_TOLERATION = ObjectType("Toleration", {"key": STRING, "operator": STRING, "value": STRING, "effect": STRING})

POD = ObjectType(
    "Pod",
    {
        "target": STRING,
        "owner": OWNER,
        "name": STRING,
        "labels": _LABELS,
        "annotations": _LABELS,
        "hostNetwork": BOOL,
        "hostPID": BOOL,
        "hostIPC": BOOL,
        "hostUsers": BOOL,
        "shareProcessNamespace": BOOL,
        "os": STRING,
        "serviceAccount": STRING,  # "" where none is named
        "deprecatedServiceAccount": STRING,  # the older field
        "automountToken": STRING,  # true, false; "" where the pod says nothing
        "tokenMounted": BOOL,  # what the pod and its ServiceAccount say together
        "restartPolicy": STRING,
        "priorityClass": STRING,
        "runtimeClass": STRING,
        "nodeName": STRING,
        "nodeSelector": _LABELS,
        "nodeAffinity": BOOL,
        "antiAffinity": ListType(_ANTI_AFFINITY),
        "topologySpread": ListType(_SPREAD),
        "tolerations": ListType(_TOLERATION),
        "hostAliases": INT,
        "dnsPolicy": STRING,
        "dnsOptions": ListType(_PAIR),
        "sysctls": ListType(_PAIR),
        "terminationGracePeriodSeconds": INT,
        "activeDeadlineSeconds": INT,  # 0 where there is none
        "imagePullSecrets": ListType(STRING),
        "volumes": ListType(ObjectType("PodVolume", VOLUME_FIELDS)),
        "containers": ListType(STRING),  # names of those that run to serve
        "initContainers": ListType(STRING),  # sidecars among them
        "ephemeralContainers": ListType(STRING),
    },
)

_STRATEGY = ObjectType("Strategy", {"type": STRING, "maxUnavailable": STRING, "maxSurge": STRING})

WORKLOAD = ObjectType(
    "Workload",
    {
        "owner": OWNER,
        "kind": STRING,
        "name": STRING,
        "namespace": STRING,  # the run's where none is written
        "assumedNamespace": BOOL,
        "pod": POD,
        "containers": ListType(CONTAINER),
        "replicas": INT,  # 1 where nothing is said
        "replicasSet": BOOL,
        "minReplicas": INT,  # what its autoscaler keeps, else `replicas`
        "strategy": _STRATEGY,
        "selectorSet": BOOL,
        "selectsItsPods": BOOL,
        "services": ListType(STRING),  # that send traffic to its pods
        "headlessService": BOOL,  # the Service a StatefulSet names is there, is headless and selects its pods
        "serviceName": STRING,
        "autoscalers": ListType(STRING),
        "disruptionBudgets": ListType(STRING),
        "ingressPolicies": ListType(STRING),  # network policies that isolate its pods
        "egressPolicies": ListType(STRING),
        "serviceAccountFound": BOOL,
        "claimTemplates": INT,
    },
)
