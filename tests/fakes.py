"""A catalogue of policies that do nothing, for tests of what only looks names up."""

from __future__ import annotations

from policykit.policy import Policy

PEERS: dict[str, dict[str, tuple[str, ...]]] = {
    "image-explicit-tag": {
        "hadolint": ("DL3006", "DL3007"),
        "kube-linter": ("latest-tag",),
        "kube-score": ("container-image-tag",),
        "checkov": ("CKV_DOCKER_7", "CKV_K8S_14"),
        "dclint": ("service-image-require-explicit-tag",),
        "trivy": ("DS-0001", "KSV-0013"),
        "polaris": ("tagNotSpecified",),
        "buildkit": ("StageNameCasing",),
    },
    "run-as-non-root": {"kube-linter": ("run-as-non-root",), "checkov": ("CKV_K8S_23",), "hadolint": ("DL3002",)},
    "locked": {"hadolint": ("DL4000",)},
    "off-by-default": {},
}


def policy(name: str) -> Policy:
    return Policy(
        id=name,
        summary=name,
        category="image",
        severity="error",
        since="0.1",
        targets=("dockerfile", "compose", "kubernetes"),
        for_each="image",
        validations=(),
        rationale="",
        fix="",
        suppressible=name != "locked",
        equivalents=PEERS[name],
        enabled=name != "off-by-default",
        parameters={"movingTags": {"type": "array", "default": ["latest"]}} if name == "image-explicit-tag" else {},
    )


class FakeCatalogue:
    """A few policies: one forbids suppressions, one is not in the default set."""

    policies = tuple(policy(name) for name in sorted(PEERS))

    def get(self, name: str) -> Policy | None:
        return next((policy for policy in self.policies if policy.id == name), None)

    def resolve(self, name: str) -> tuple[str, ...]:
        if name in ("*", "all", "image"):  # all are of the category image
            return tuple(sorted(PEERS))
        return tuple(
            policy.id
            for policy in self.policies
            if name == policy.id or any(name in ids for ids in policy.equivalents.values())
        )
