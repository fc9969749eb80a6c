"""A body and a hook to the bytes of the answer and a record of it. What both the event loop and the slow lane run.

The record is all that logs and metrics ever see: identities and rule ids, never a value out of the object or a message
that could quote one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit_webhook import json_decode, review
from policykit_webhook.decision import Decision, Policies, decide, undecided
from policykit_webhook.judge import Cut, Facts, Hook

if TYPE_CHECKING:
    from policykit_webhook.alarm import Alarm
    from policykit_webhook.review import Review


@dataclass(frozen=True, slots=True)
class Noted:
    """One finding, for metrics and logs."""

    rule: str
    outcome: str
    action: str
    mode: str
    path: str


@dataclass(frozen=True, slots=True)
class Record:
    """One answered call, for metrics and logs."""

    uid: str
    hook: Hook
    operation: str
    kind: str
    namespace: str
    name: str
    subresource: str
    user: str
    dry_run: bool
    allowed: bool
    cut: bool
    bundle: str
    results: tuple[Noted, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Answer(NamedTuple):
    """The response's body, and what is remembered of it."""

    body: bytes
    record: Record


class SlowError(Exception):
    """Not to be answered on the event loop: the slow lane's."""


def quickly(body: bytes, hook: Hook, policies: Policies, facts: Facts | None, time: tuple[Alarm, float]) -> Answer:
    """The answer, if it takes no longer than a share of time.

    Raises BadReviewError; SlowError where it takes longer.
    """
    try:
        value = json_decode.loads_fast(body)
    except ValueError:
        raise SlowError from None
    call = review.decode(value)
    alarm, seconds = time
    try:
        with alarm.limit(seconds):
            decision = decide(call, hook, policies, facts)
    except Cut:
        raise SlowError from None
    return answer(call, hook, decision, policies)


def patiently(body: bytes, hook: Hook, policies: Policies, facts: Facts | None, time: tuple[Alarm, float]) -> Answer:
    """The answer within a deadline, whatever it takes; past it, the decision that none could be reached.

    Raises BadReviewError.
    """
    alarm, seconds = time
    call: Review | None = None
    cut = False
    try:
        with alarm.limit(seconds):
            call = review.loads(body)
            decision = decide(call, hook, policies, facts)
    except Cut:
        if call is None:
            raise review.BadReviewError("the body takes too long to read") from None
        cut = True
        decision = undecided(call, hook, policies, f"no verdict within {seconds:.1f} s")
    return answer(call, hook, decision, policies, cut=cut)


def answer(call: Review, hook: Hook, decision: Decision, policies: Policies, *, cut: bool = False) -> Answer:
    user = call.request.get("userInfo")
    record = Record(
        uid=call.uid,
        hook=hook,
        operation=call.operation,
        kind=call.kind.name,
        namespace=call.namespace,
        name=call.name,
        subresource=call.subresource,
        user=str(user.get("username", "")) if isinstance(user, dict) else "",
        dry_run=call.dry_run,
        allowed=decision.allowed,
        cut=cut,
        bundle=policies.judge.digest,
        results=tuple(
            Noted(r.violation.rule, r.violation.outcome, r.action, r.mode, r.violation.path) for r in decision.results
        ),
    )
    return Answer(review.response(call.uid, decision.parts()), record)
