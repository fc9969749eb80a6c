"""Rules whose behaviour a test chooses, in place of policykit's engine: what the server does must not depend on it.

A folder's `rules.json` is a list of `{"id", "severity", "does", ...}`; `does` names a function below.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policykit.errors import UsageError
from policykit_webhook import bundle
from policykit_webhook.decision import Policies, policies
from policykit_webhook.judge import Facts, Outcome, Rule, Violation
from policykit_webhook.settings import settings_from

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from policykit.finding import Severity
    from policykit_webhook.review import Review


def containers(subject: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    spec, path = subject.get("spec", {}), "spec"
    for step in ("jobTemplate", "template"):
        if step in spec:
            spec, path = spec[step].get("spec", {}), f"{path}.{step}.spec"
            if step == "jobTemplate" and "template" in spec:
                spec, path = spec["template"].get("spec", {}), f"{path}.template.spec"
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(kind) or []):
            yield f"{path}.{kind}[{index}]", container


def moving_tag(subject: Any, _rule: Any, _facts: Any) -> Iterator[tuple[str, str]]:
    for path, container in containers(subject):
        if str(container.get("image", "")).endswith(":latest"):
            yield f"{path}.image", f"image {container['image']} uses a moving tag"


def privileged(subject: Any, _rule: Any, _facts: Any) -> Iterator[tuple[str, str]]:
    for path, container in containers(subject):
        if (container.get("securityContext") or {}).get("privileged"):
            yield f"{path}.securityContext.privileged", "container is privileged"


def no_owner(subject: Any, _rule: Any, _facts: Any) -> Iterator[tuple[str, str]]:
    if "owner" not in (subject.get("metadata", {}).get("labels") or {}):
        yield "metadata.labels", "label owner is missing"


def always(_subject: Any, rule: dict[str, Any], _facts: Any) -> Iterator[tuple[str, str]]:
    yield rule.get("path", ""), rule.get("message", "violated")


def never(_subject: Any, _rule: Any, _facts: Any) -> Iterator[tuple[str, str]]:
    yield from ()


def fails(_subject: Any, _rule: Any, _facts: Any) -> Iterator[tuple[str, str]]:
    raise RuntimeError("a value out of the object: s3cr3t")


def burns(subject: Any, rule: dict[str, Any], _facts: Any) -> Iterator[tuple[str, str]]:
    """Uses the processor for `seconds`, for objects that are labelled `slow`, or for all."""
    if rule.get("all") or (subject.get("metadata", {}).get("labels") or {}).get("slow"):
        until = time.perf_counter() + rule["seconds"]
        while time.perf_counter() < until:
            pass
    yield from ()


def backtracks(subject: Any, _rule: Any, _facts: Any) -> Iterator[tuple[str, str]]:
    """A pattern with exponential backtracking, on a text that its caller chooses."""
    if re.match("(a+)+$", subject.get("metadata", {}).get("annotations", {}).get("text", "")):
        yield "", "matched"


def wants_isolation(subject: Any, _rule: Any, facts: Facts | None) -> Iterator[tuple[str, str]]:
    if subject.get("kind") != "Pod":
        return
    namespace = subject.get("metadata", {}).get("namespace", "")
    objects = facts.objects(namespace) if facts is not None else None
    if objects is None:
        yield "?", "the cluster's network policies are not known"
    elif not any(o.get("kind") == "NetworkPolicy" for o in objects):
        yield "", f"namespace {namespace} has no network policy"


DOES = (moving_tag, privileged, no_owner, always, never, fails, burns, backtracks, wants_isolation)


class FakeJudge:
    def __init__(self, rules: list[dict[str, Any]], digest: str = "sha256:fake") -> None:
        self._rules = {rule["id"]: rule for rule in rules}
        self._does = {f.__name__: f for f in DOES}
        self.digest = digest
        self.rules = {
            rule["id"]: Rule(
                id=rule["id"],
                severity=rule.get("severity", "error"),
                failure_policy=rule.get("failurePolicy", "fail"),
                operations=frozenset(rule.get("operations", ())),
                subresources=frozenset(rule.get("subresources", ())),
                kinds=frozenset(rule["kinds"]) if "kinds" in rule else None,
            )
            for rule in rules
        }
        for rule in rules:
            if rule["does"] not in self._does:
                raise UsageError(f"{rule['id']}: no such thing to do: {rule['does']}")

    def judge(
        self, review: Review, subject: Mapping[str, Any], rules: Collection[str], facts: Facts | None
    ) -> Sequence[Violation]:
        violations = []
        for name in sorted(rules):
            rule = self._rules[name]
            try:
                for path, message in self._does[rule["does"]](subject, rule, facts):
                    outcome: Outcome = "unknown" if path == "?" else "fail"
                    severity: Severity | None = "warning" if outcome == "unknown" else None
                    violations.append(
                        Violation(name, outcome, message, path.strip("?"), rule.get("help", ""), severity)
                    )
            except Exception as error:
                violations.append(Violation(name, "error", type(error).__name__))
        return violations


def fake(*rules: dict[str, Any], **section: Any) -> Policies:
    return policies(FakeJudge(list(rules)), settings_from(section))


def load(directory: str) -> Policies:
    """The loader that servers under test are given. `policykit.yaml` holds the `webhook:` section, as JSON."""
    root = Path(directory)
    rules: list[dict[str, Any]] = []
    for folder in bundle.folders(root):
        for path in sorted(folder.rglob("rules.json")):
            try:
                rules += json.loads(path.read_text())
            except ValueError as error:
                raise UsageError(f"{path.name}: {error}") from None
    if not rules:
        raise UsageError("no rules")
    config = root / bundle.CONFIG
    section = json.loads(config.read_text())["webhook"] if config.exists() else {}
    return policies(FakeJudge(rules, f"sha256:{root.name}"), settings_from(section))
