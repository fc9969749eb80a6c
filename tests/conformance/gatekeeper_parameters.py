"""The parameters of a Gatekeeper constraint turned into those of our policies, template by template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.harness import equivalents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Given = dict[str, Any]
Mapped = dict[str, dict[str, Any]]

_PROBES = {
    "livenessProbe": "liveness-probe-missing",
    "readinessProbe": "readiness-probe-missing",
    "startupProbe": "startup-probe-missing",
}


def rules_for(template: str, given: Given) -> tuple[str, ...]:
    """Our policies for a template; some templates are one policy or another, as their parameters say."""
    rules = equivalents("gatekeeper", template)
    if template == "K8sRequiredProbes":
        return tuple(_PROBES[probe] for probe in given["probes"])
    if template in ("K8sPSPSeccomp", "K8sPSPSeccompV2"):
        optional = {"not configured", "*"} & set(given["allowedProfiles"])
        return ("seccomp-unconfined",) if optional else ("seccomp-profile-missing",)
    if template == "K8sPSPAllowedUsers":
        return ("user-not-allowed",)
    if template == "K8sPSPHostNetworkingPorts":
        return ("host-port",) if given.get("hostNetwork") else ("host-port", "host-network")
    if template == "K8sContainerRatios":
        return rules if "cpuRatio" in given else ("memory-limit-far-above-request",)
    if template == "K8sHorizontalPodAutoscaler" and not given.get("enforceScaleTargetRef"):
        return ("hpa-range-empty",)
    return rules


def parameters(template: str, given: Given) -> Mapped:
    """Our policies' parameters for those of a constraint."""
    mapper = _MAPPERS.get(template)
    return mapper(given) if mapper else {}


def _images(patterns: list[str]) -> list[str]:
    """Prefixes as Gatekeeper writes them, normalised: Docker Hub where no registry is named, and without tags."""
    return [_image(pattern) for pattern in patterns]


def _image(pattern: str) -> str:
    path = pattern.removesuffix("*").removesuffix("/")
    prefix = path != pattern
    host, slash, rest = path.partition("/")
    if not slash and not prefix:
        return f"docker.io/library/{host.partition(':')[0]}"
    if "." in host or ":" in host:
        return path
    return f"docker.io/{path}" if prefix else f"docker.io/{host}/{rest.partition(':')[0]}"


def _limits(given: Given, rule: str) -> Mapped:
    amounts = {"cpu": given.get("cpu", ""), "memory": given.get("memory", "")}
    amounts["ephemeralStorage"] = given.get("ephemeral-storage", "")
    return {rule: {key: "" if value == "-1" else value for key, value in amounts.items()}}


def _required(given: Given, key: str, rule: str) -> Mapped:
    entries = (
        f"{entry['key']}={entry['allowedRegex']}" if entry.get("allowedRegex") else entry["key"] for entry in given[key]
    )
    return {rule: {"required": list(entries)}}


def _autoscaler(given: Given) -> Mapped:
    bounds = {"min": given["ranges"][0]["min_replicas"], "max": given["ranges"][0]["max_replicas"]}
    return {"hpa-range-empty": {"spread": given.get("minimumReplicaSpread", 0), **bounds}}


def _seccomp(given: Given) -> Mapped:
    profiles = given["allowedProfiles"]
    files = [p.removeprefix("localhost/") for p in profiles if p.startswith("localhost/")]
    return {
        "seccomp-profile-missing": {
            "annotations": any("/" in p for p in profiles),
            "files": [*files, *given.get("allowedLocalhostFiles", [])],
        }
    }


def _sysctls(given: Given) -> Mapped:
    return {
        "unsafe-sysctl": {"forbidden": given.get("forbiddenSysctls", []), "allowed": given.get("allowedSysctls", [])}
    }


def _fs_group(given: Given) -> Mapped:
    ranges = [f"{r['min']}-{r['max']}" for r in given.get("ranges", [])]
    if given.get("rule", "RunAsAny") == "RunAsAny":
        return {}
    return {"fs-group-not-allowed": {"ranges": ranges, "required": given["rule"] == "MustRunAs"}}


def _users(given: Given) -> Mapped:
    user, group = given.get("runAsUser", {}), given.get("runAsGroup", {})
    return {
        "user-not-allowed": {
            "users": [f"{r['min']}-{r['max']}" for r in user.get("ranges", [])],
            "groups": [f"{r['min']}-{r['max']}" for r in group.get("ranges", [])],
            "nonRoot": user.get("rule") == "MustRunAsNonRoot",
        }
    }


def _host_paths(given: Given) -> Mapped:
    paths = given.get("allowedHostPaths", [])
    return {
        "host-path-volume": {
            "allowed": [p["pathPrefix"] for p in paths if not p.get("readOnly")],
            "allowedReadOnly": [p["pathPrefix"] for p in paths if p.get("readOnly")],
        }
    }


def _probe_types(given: Given) -> Mapped:
    return {rule: {"types": given.get("probeTypes", [])} for rule in _PROBES.values()}


def _ratios(given: Given) -> Mapped:
    ratio = float(given["ratio"])
    cpu = float(given.get("cpuRatio", ratio))
    return {"memory-limit-far-above-request": {"ratio": ratio}, "cpu-limit-far-above-request": {"ratio": cpu}}


_MAPPERS: Mapping[str, Callable[[Given], Mapped]] = {
    "K8sAllowedRepos": lambda g: {"image-untrusted-registry": {"allow": _images(g["repos"])}},
    "K8sAllowedReposv2": lambda g: {"image-untrusted-registry": {"allow": _images(g["allowedImages"])}},
    "K8sContainerEphemeralStorageLimit": lambda g: _limits(g, "limits-above-maximum"),
    "K8sContainerLimits": lambda g: _limits(g, "limits-above-maximum"),
    "K8sContainerRequests": lambda g: _limits(g, "requests-above-maximum"),
    "K8sContainerRatios": _ratios,
    "K8sDisallowAnonymous": lambda g: {
        "anonymous-binding": {
            "allowedRoles": g.get("allowedRoles", []),
            "authenticated": g.get("disallowAuthenticated", False),
        }
    },
    "K8sDisallowedRepos": lambda g: {"image-untrusted-registry": {"deny": _images(g["repos"])}},
    "K8sDisallowedTags": lambda g: {"image-explicit-tag": {"movingTags": g["tags"]}},
    "K8sExternalIPs": lambda g: {"service-external-ips": {"allowed": g.get("allowedIPs", [])}},
    "K8sHorizontalPodAutoscaler": _autoscaler,
    "K8sHttpsOnly": lambda g: {"ingress-tls-missing": {"https": True, "tlsOptional": g.get("tlsOptional", False)}},
    "K8sPSPAllowedUsers": _users,
    "K8sPSPAppArmor": lambda g: {"apparmor-unconfined": {"required": True}},
    "K8sPSPCapabilities": lambda g: {
        "capability-beyond-baseline": {
            "allowed": g.get("allowedCapabilities", []),
            "requiredDrop": g.get("requiredDropCapabilities", []),
        }
    },
    "K8sPSPFSGroup": _fs_group,
    "K8sPSPFlexVolumes": lambda g: {"flex-volume-driver": {"drivers": [v["driver"] for v in g["allowedFlexVolumes"]]}},
    "K8sPSPForbiddenSysctls": _sysctls,
    "K8sPSPHostFilesystem": _host_paths,
    "K8sPSPHostNetworkingPorts": lambda g: {"host-port": {"min": g.get("min", 1), "max": g.get("max", 0)}},
    "K8sPSPProcMount": lambda g: {
        # Gatekeeper does not know that Pod Security lets it pass in a user namespace since 1.35.
        "proc-mount-unmasked": {"allowed": "Unmasked" if g.get("procMount") == "Unmasked" else "", "version": "1.34"}
    },
    "K8sPSPSELinuxV2": lambda g: {
        "selinux-custom-options": {"types": [o["type"] for o in g["allowedSELinuxOptions"] if "type" in o]}
    },
    "K8sPSPSeccomp": _seccomp,
    "K8sPSPSeccompV2": _seccomp,
    "K8sPSPVolumeTypes": lambda g: {"volume-type-restricted": {"types": g["volumes"]}},
    "K8sReplicaLimits": lambda g: {
        "replicas-out-of-range": {"min": g["ranges"][0]["min_replicas"], "max": g["ranges"][0]["max_replicas"]}
    },
    "K8sRequiredAnnotations": lambda g: _required(g, "annotations", "required-annotation-missing"),
    "K8sRequiredLabels": lambda g: _required(g, "labels", "required-label-missing"),
    "K8sRequiredProbes": _probe_types,
    "K8sRequiredResources": lambda g: {
        "resources-incomplete": {"limits": g.get("limits", []), "requests": g.get("requests", [])}
    },
    "K8sStorageClass": lambda g: {
        "storage-class-missing": {"known": True, "allowed": g.get("allowedStorageClasses", [])}
    },
    "VerifyDeprecatedAPI": lambda g: {"api-version-removed": {"version": str(g["k8sVersion"])}},
}
