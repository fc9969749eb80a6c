"""What the webhook asks of a policy engine: the rules there are, and what they say about one object.

The decision depends on these types alone; `policies.py` fulfils them with policykit's engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from policykit.finding import Severity
    from policykit_webhook.review import Review

#: `error`: the rule could not be evaluated; what follows is the rule's failure policy.
Outcome = Literal["fail", "unknown", "error"]
FailurePolicy = Literal["fail", "ignore"]
Hook = Literal["enforce", "advise"]


class Cut(BaseException):
    """The time of an evaluation is over.

    Not an Exception: an engine that catches its rules' errors must not take the end of its time for one of them.
    """


@dataclass(frozen=True, slots=True)
class Rule:
    """What the decision needs to know of a policy.

    `operations` and `subresources` are those that the policy itself names (a ValidatingAdmissionPolicy does);
    empty where it speaks about objects and not about requests. `kinds`: of the objects that it can say anything about,
    None for any. `matches`: the rules (of admissionregistration.k8s.io) that the policy itself names.
    """

    id: str
    severity: Severity
    failure_policy: FailurePolicy = "fail"
    operations: frozenset[str] = frozenset()
    subresources: frozenset[str] = frozenset()
    kinds: frozenset[str] | None = None
    matches: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """What one rule says of one object. `path` reads `spec.containers[0].image`; `help` says what to change.

    `severity` is the rule's where it is None; an unknown verdict that is only to be told of is a `warning`.
    """

    rule: str
    outcome: Outcome
    message: str
    path: str = ""
    help: str = ""
    severity: Severity | None = None


class Facts(Protocol):
    """What is known about the rest of the cluster. Answers at once, from memory; None where it is not known."""

    def namespace_labels(self, name: str) -> Mapping[str, str] | None: ...

    def objects(self, namespace: str) -> Sequence[Mapping[str, Any]] | None: ...


class Judge(Protocol):
    """A loaded set of policies: immutable, shared by all requests, pure."""

    @property
    def digest(self) -> str: ...

    @property
    def rules(self) -> Mapping[str, Rule]: ...

    def judge(
        self, review: Review, subject: Mapping[str, Any], rules: Collection[str], facts: Facts | None
    ) -> Sequence[Violation]:
        """What those rules say about `subject` under this request. Raises nothing but Cut."""
        ...
