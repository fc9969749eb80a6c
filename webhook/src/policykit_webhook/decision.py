"""A review and what the policies say of it, to a decision. No HTTP and no I/O.

A bad *object* is a decision (HTTP 200, `allowed: false`); a bad *request* never gets here (`review.BadReviewError`).

What a finding does is the weaker of what its severity asks for (error: deny, warning: say, info: note) and what the
mode of its rule allows in that namespace (enforce, warn, audit). DELETE and CONNECT are denied by policies that name
these operations, by no other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from policykit_webhook import ratchet, wording
from policykit_webhook.judge import Facts, Hook, Judge, Rule, Violation
from policykit_webhook.review import POD_SPEC_SUBRESOURCES, Review
from policykit_webhook.settings import MODES, Mode, Settings

Action = Literal["audit", "warn", "deny"]
_ACTIONS: tuple[Action, ...] = ("audit", "warn", "deny")
_BY_SEVERITY: Mapping[str, Action] = {"error": "deny", "warning": "warn", "info": "audit"}

#: What the object-centred rules judge; others take part where they name the operation.
_CHANGES = frozenset({"CREATE", "UPDATE"})


@dataclass(frozen=True, slots=True)
class Result:
    """One finding and what became of it; `standing` where an update found it in the object already."""

    violation: Violation
    action: Action
    mode: Mode
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one review. `status` is None where it is allowed."""

    allowed: bool
    status: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    audit_annotations: Mapping[str, str] = field(default_factory=dict)
    results: tuple[Result, ...] = ()

    def parts(self) -> dict[str, Any]:
        """The keys of the response, without its uid."""
        parts: dict[str, Any] = {"allowed": self.allowed}
        if self.status is not None:
            parts["status"] = self.status
        if self.warnings:
            parts["warnings"] = self.warnings
        if self.audit_annotations:
            parts["auditAnnotations"] = self.audit_annotations
        return parts


@dataclass(frozen=True, slots=True)
class Policies:
    """What decides: the judge, the settings, and the rules of each hook, worked out once per load."""

    judge: Judge
    settings: Settings
    hooks: Mapping[Hook, frozenset[str]]


#: Loads the policies of a directory. Raises UsageError.
Loader = Callable[[str], Policies]


def policies(judge: Judge, settings: Settings) -> Policies:
    """Sorts the judge's rules by hook: those that may deny somewhere, and those that never do."""
    enforced = frozenset(r.id for r in judge.rules.values() if _may_deny(r, settings))
    return Policies(judge, settings, {"enforce": enforced, "advise": frozenset(judge.rules) - enforced})


def decide(review: Review, hook: Hook, policies: Policies, facts: Facts | None = None) -> Decision:
    """The decision of one hook on one review. Raises nothing but `judge.Cut`."""
    subject = review.subject
    rules = _applying(review, policies, policies.hooks[hook])
    if subject is None or not rules:
        return Decision(True, audit_annotations=_bundle(policies))
    judge = policies.judge
    results = _results(judge.judge(review, subject, rules, facts), review, policies)
    denied = {r.violation.rule for r in results if r.action == "deny"}
    if (
        denied
        and review.old_object is not None
        and review.operation == "UPDATE"
        and _ratchets(review, policies.settings)
    ):
        before = judge.judge(_as_it_was(review), review.old_object, denied, facts)
        results = _spared(results, subject, [v for v in before if v.outcome == "fail"], review.old_object)
    return _decision(results, policies)


def undecided(review: Review, hook: Hook, policies: Policies, reason: str) -> Decision:
    """The decision where none could be reached in time:

    every rule that applies counts as one that cannot be evaluated.
    """
    rules = _applying(review, policies, policies.hooks[hook])
    violations = [Violation(rule, "error", reason) for rule in sorted(rules)]
    return _decision(_results(violations, review, policies), policies)


def _may_deny(rule: Rule, settings: Settings) -> bool:
    return rule.severity == "error" and settings.strongest(rule.id) == "enforce"


def _applying(review: Review, policies: Policies, rules: Collection[str]) -> frozenset[str]:
    if review.namespace in policies.settings.excluded_namespaces and review.kind.name != "Namespace":
        return frozenset()
    facts = policies.judge.rules
    return frozenset(rule for rule in rules if _applies(facts[rule], review))


def _applies(rule: Rule, review: Review) -> bool:
    if not ({review.operation, "*"} & (rule.operations or _CHANGES)):
        return False
    subresources = rule.subresources or POD_SPEC_SUBRESOURCES
    return review.subresource in subresources or (bool(review.subresource) and "*" in subresources)


def _results(violations: Sequence[Violation], review: Review, policies: Policies) -> list[Result]:
    results = []
    for violation in violations:
        rule = policies.judge.rules[violation.rule]
        mode = policies.settings.mode_of(rule.id, review.namespace)
        results.append(Result(violation, _action(violation, rule, mode, policies.settings), mode))
    return results


def _action(violation: Violation, rule: Rule, mode: Mode, settings: Settings) -> Action:
    asked = _BY_SEVERITY[violation.severity or rule.severity]
    if violation.outcome == "error" and settings.on_error.get(rule.id, rule.failure_policy) == "ignore":
        asked = _weaker(asked, "warn")
    return _weaker(asked, _ACTIONS[MODES.index(mode)])


def _weaker(first: Action, second: Action) -> Action:
    return min(first, second, key=_ACTIONS.index)


def _ratchets(review: Review, settings: Settings) -> bool:
    """An object on its way out keeps the ratchet even in strict mode: else its finalizers could never be removed."""
    metadata = (review.object or {}).get("metadata")
    going = isinstance(metadata, Mapping) and metadata.get("deletionTimestamp") is not None
    return review.operation == "UPDATE" and (settings.updates == "ratchet" or going)


def _as_it_was(review: Review) -> Review:
    return replace(review, object=review.old_object)


def _spared(
    results: list[Result], subject: Mapping[str, Any], before: Sequence[Violation], old: Mapping[str, Any]
) -> list[Result]:
    """Denied for what is new; what stood there before is only said."""
    denied = [r.violation for r in results if r.action == "deny" and r.violation.outcome == "fail"]
    _, known = ratchet.split(denied, subject, before, old)
    spared = {id(violation) for violation in known}
    return [replace(r, action="warn", standing=True) if id(r.violation) in spared else r for r in results]


def _decision(results: Sequence[Result], policies: Policies) -> Decision:
    said = {action: [_item(r) for r in results if r.action == action] for action in _ACTIONS}
    noted = [(item.rule, f"{item.path}: {item.message}" if item.path else item.message) for item in said["audit"]]
    noted += [("rules.denied", item.rule) for item in said["deny"]]
    noted += [("rules.warned", item.rule) for item in said["warn"]]
    denied = said["deny"]
    status = {"code": 403, "reason": "Forbidden", "message": wording.denial(denied)} if denied else None
    return Decision(
        allowed=not denied,
        status=status,
        warnings=wording.warnings(said["warn"]),
        audit_annotations={**wording.audit_annotations(noted), **_bundle(policies)},
        results=tuple(results),
    )


def _item(result: Result) -> wording.Item:
    violation = result.violation
    message = violation.message
    if violation.outcome == "error":
        message = f"could not be evaluated: {message}"
    elif result.standing:
        message = f"as before this update, {message}"
    return wording.Item(violation.rule, violation.path, message, violation.help)


def _bundle(policies: Policies) -> dict[str, str]:
    return {"bundle": policies.judge.digest}
