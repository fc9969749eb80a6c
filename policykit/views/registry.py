"""All views by name. A new view is one entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.views.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESOURCES = frozenset(
    f"resources{which}{amount}"
    for which in (".limits", ".requests")
    for amount in ("", ".cpu", ".memory", ".ephemeralStorage")
)
#: Parts of a container's security context.
_SECURITY_PARTS = frozenset(
    {
        "security",
        "privileged",
        "privilegeEscalation",
        "readOnlyRootFilesystem",
        "procMount",
        "capabilities",
        "capabilities.add",
        "capabilities.drop",
        "seccomp",
        "seccompAnnotation",
        "appArmor",
        "appArmorAnnotation",
        "seLinux",
        "runAsNonRoot",
        "runAsUser",
        "runAsGroup",
        "fsGroup",
        "supplementalGroups",
        "hostProcess",
    }
)
_PROBES = frozenset({"liveness", "readiness", "startup", "postStart", "preStop"})
_CONTAINER_PARTS = (
    frozenset({"name", "user", "image", "resources", "ports", "variables", "variablesFrom", "mounts"})
    | {"pullPolicy", "restartPolicy", "command", "args", "workingDir", "tty", "stdin"}
    | _SECURITY_PARTS
    | _PROBES
)
_POD_PARTS = frozenset(
    {
        "labels",
        "annotations",
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "hostUsers",
        "shareProcessNamespace",
        "os",
        "serviceAccount",
        "deprecatedServiceAccount",
        "automountToken",
        "restartPolicy",
        "priorityClass",
        "runtimeClass",
        "nodeName",
        "nodeSelector",
        "nodeAffinity",
        "antiAffinity",
        "topologySpread",
        "tolerations",
        "hostAliases",
        "dnsPolicy",
        "dnsOptions",
        "sysctls",
        "terminationGracePeriodSeconds",
        "activeDeadlineSeconds",
        "imagePullSecrets",
        "volumes",
        "containers",
        "ephemeralContainers",
    }
)
_ANY_PATH: frozenset[str] = frozenset()

VIEWS: Mapping[str, View] = {
    view.name: view
    for view in (
        View(
            "image",
            "types:IMAGE",
            frozenset({"ref"}),
            {
                "dockerfile": "dockerfiles:dockerfile_images",
                "compose": "compose:compose_images",
                "kubernetes": "images:kubernetes_images",
            },
        ),
        View(
            "container",
            "types:CONTAINER",
            _CONTAINER_PARTS | _RESOURCES,
            {
                "dockerfile": "dockerfiles:dockerfile_containers",
                "compose": "compose:compose_containers",
                "kubernetes": "kubernetes_containers:kubernetes_containers",
            },
        ),
        View(
            "imageUse",
            "image_use:IMAGE_USE",
            _CONTAINER_PARTS,
            {"compose": "image_use:compose_image_uses", "kubernetes": "image_use:kubernetes_image_uses"},
            variable="use",
        ),
        View(
            "namespace",
            "types:NAMESPACE",
            frozenset({"workload"}),
            {"kubernetes": "namespaces:namespaces"},
            of_project=True,
            variable="ns",  # CEL reserves the word namespace
        ),
        View(
            "pod",
            "pod_types:POD",
            _POD_PARTS,
            {"compose": "compose:compose_pods", "kubernetes": "pod_views:kubernetes_pods"},
        ),
        View(
            "securityContext",
            "types:SECURITY",
            _SECURITY_PARTS,
            {"compose": "compose:compose_security_contexts", "kubernetes": "pod_views:kubernetes_security"},
        ),
        View(
            "volume",
            "pod_types:VOLUME",
            frozenset({"type", "source", "sizeLimit", "medium"}),
            {"compose": "compose:compose_volumes", "kubernetes": "pod_views:kubernetes_volumes"},
        ),
        View(
            "port",
            "container_elements:PORT_VIEW",
            frozenset({"name", "number", "protocol", "published", "hostIp"}),
            {"compose": "compose:compose_ports", "kubernetes": "kubernetes_containers:kubernetes_ports"},
        ),
        View(
            "environmentVariable",
            "container_elements:VARIABLE_VIEW",
            frozenset({"name", "value", "reference"}),
            {"compose": "compose:compose_variables", "kubernetes": "kubernetes_containers:kubernetes_variables"},
            variable="variable",
        ),
        View(
            "mount",
            "container_elements:MOUNT_VIEW",
            frozenset({"volume", "path", "readOnly", "subPath"}),
            {"compose": "compose:compose_mounts", "kubernetes": "kubernetes_containers:kubernetes_mounts"},
        ),
        View(
            "probe",
            "container_elements:PROBE_VIEW",
            frozenset({"port", "path", "host", "command", "initialDelaySeconds", "timeoutSeconds"}),
            {"compose": "compose:compose_probes", "kubernetes": "kubernetes_containers:kubernetes_probes"},
        ),
        View("apiVersion", "api_versions:API_VERSION", _ANY_PATH, {"kubernetes": "api_versions:api_versions"}),
        View(
            "schemaViolation",
            "schema_violations:SCHEMA_VIOLATION",
            _ANY_PATH,
            {"kubernetes": "schema_violations:schema_violations"},
            extra="schema",
        ),
        View(
            "volumeClaim",
            "volume_claims:VOLUME_CLAIM",
            _ANY_PATH,
            {"kubernetes": "volume_claims:volume_claims"},
            of_project=True,
        ),
        View(
            "composeEntry",
            "compose_entries:COMPOSE_ENTRY",
            frozenset({"text"}),
            {"compose": "compose_entries:compose_entries"},
            variable="entry",
        ),
        View(
            "composeService",
            "compose_entries:COMPOSE_SERVICE",
            _ANY_PATH,
            {"compose": "compose_entries:compose_services"},
            variable="service",
        ),
        View(
            "configReference",
            "object_references:CONFIG_REFERENCE",
            _ANY_PATH,
            {"kubernetes": "object_references:config_references"},
            of_project=True,
            variable="reference",
        ),
        View(
            "ingressBackend",
            "object_references:INGRESS_BACKEND",
            _ANY_PATH,
            {"kubernetes": "object_references:ingress_backends"},
            of_project=True,
            variable="backend",
        ),
        View(
            "servicePort",
            "object_references:SERVICE_PORT",
            _ANY_PATH,
            {"kubernetes": "object_references:service_ports"},
            variable="port",
        ),
        View(
            "mapping",
            "pod_views:MAPPING",
            _ANY_PATH,
            {"kubernetes": "pod_views:mappings"},
        ),
        View("object", "types:OBJECT", _ANY_PATH, {"kubernetes": "pod_views:objects"}),
        View("rbacRule", "rbac:RBAC_RULE", _ANY_PATH, {"kubernetes": "rbac:rbac_rules"}),
        View("workload", "pod_types:WORKLOAD", _ANY_PATH, {"kubernetes": "workloads:workloads"}, of_project=True),
        View("service", "relations:SERVICE", _ANY_PATH, {"kubernetes": "relations:services"}, of_project=True),
        View("ingress", "relations:INGRESS", _ANY_PATH, {"kubernetes": "relations:ingresses"}, of_project=True),
        View("autoscaler", "relations:AUTOSCALER", _ANY_PATH, {"kubernetes": "relations:autoscalers"}, of_project=True),
        View(
            "disruptionBudget",
            "relations:DISRUPTION_BUDGET",
            _ANY_PATH,
            {"kubernetes": "relations:disruption_budgets"},
            of_project=True,
        ),
        View("resource", "relations:RESOURCE", _ANY_PATH, {"kubernetes": "relations:resources"}, of_project=True),
        View(
            "networkPolicy",
            "network_views:NETWORK_POLICY",
            _ANY_PATH,
            {"kubernetes": "network_views:network_policies"},
            of_project=True,
        ),
        View(
            "serviceMonitor",
            "network_views:SERVICE_MONITOR",
            _ANY_PATH,
            {"kubernetes": "network_views:service_monitors"},
            of_project=True,
        ),
        View("roleBinding", "rbac:ROLE_BINDING", _ANY_PATH, {"kubernetes": "rbac:role_bindings"}, of_project=True),
        View(
            "instruction",
            "instructions:INSTRUCTION",
            frozenset({"keyword", "arguments", "end"}),
            {"dockerfile": "instructions:instructions"},
        ),
        View("comment", "instructions:COMMENT", frozenset({"text"}), {"dockerfile": "instructions:comments"}),
        View("command", "commands:COMMAND", frozenset({"name", "assigns"}), {"dockerfile": "commands:commands"}),
        View(
            "shellFinding",
            "shell_findings:SHELL_FINDING",
            _ANY_PATH,
            {"dockerfile": "shell_findings:shell_findings"},
            extra="shellcheck",
        ),
        View(
            "packageCommand",
            "packages:PACKAGE_COMMAND",
            frozenset({"tool"}),
            {"dockerfile": "packages:package_commands"},
            variable="call",
        ),
        View(
            "package",
            "packages:PACKAGE",
            frozenset({"text"}),
            {"dockerfile": "packages:packages"},
            variable="pkg",  # CEL reserves the word package
        ),
        View(
            "stage",
            "stages:STAGE",
            frozenset({"name", "as", "base", "platform"}),
            {"dockerfile": "stages:stages"},
        ),
        View(
            "copy",
            "copies:COPY",
            frozenset({"sources", "destination", "from"}),
            {"dockerfile": "copies:copies"},
        ),
        View("source", "copies:SOURCE", frozenset({"path"}), {"dockerfile": "copies:sources"}),
        View(
            "variable",
            "declarations:VARIABLE",
            frozenset({"name", "value"}),
            {"dockerfile": "declarations:variables"},
        ),
        View("label", "declarations:LABEL", frozenset({"key", "value"}), {"dockerfile": "declarations:labels"}),
        View(
            "exposedPort",
            "declarations:EXPOSED_PORT",
            frozenset({"text"}),
            {"dockerfile": "declarations:exposed_ports"},
            variable="port",
        ),
        View("reference", "variable_uses:REFERENCE", frozenset({"name"}), {"dockerfile": "variable_uses:references"}),
    )
}
