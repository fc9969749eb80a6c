"""What happened, as Prometheus metrics.

Labels are bounded: rule ids, modes and kinds, never the names of objects, namespaces or users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from policykit_webhook.answer import Record

#: Kyverno's buckets, with two finer ones below.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 25, 30)
#: Kinds beyond this many share the label `other`: anybody may create kinds.
KINDS = 100


class Metrics:
    """The webhook's metrics in a registry of their own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._kinds: set[str] = set()
        labels = ["webhook", "operation", "kind", "verdict"]
        self.requests = Counter(
            "policykit_admission_requests", "Reviews answered.", [*labels, "dry_run"], registry=registry
        )
        self.duration = Histogram(
            "policykit_admission_review_duration_seconds",
            "From the last byte of a review to its answer.",
            labels,
            buckets=BUCKETS,
            registry=registry,
        )
        self.results = Counter(
            "policykit_policy_results",
            "Findings by rule, by what the rule's mode is and by what was done.",
            ["rule", "outcome", "mode", "action"],
            registry=registry,
        )
        self.bad_requests = Counter(
            "policykit_admission_bad_requests", "Calls that were no reviews.", ["code"], registry=registry
        )
        self.shed = Counter("policykit_admission_shed", "Calls sent elsewhere unread.", ["reason"], registry=registry)
        self.slow = Counter("policykit_admission_slow_lane", "Reviews left to the slow lane.", registry=registry)
        self.cut = Counter(
            "policykit_admission_deadline_exceeded", "Reviews without a verdict in time.", registry=registry
        )
        self.in_flight = Gauge(
            "policykit_admission_in_flight",
            "Reviews being read or judged.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.reloads = Counter("policykit_policy_reloads", "Loads of policies.", ["result"], registry=registry)
        self.bundle = Gauge(
            "policykit_bundle_info",
            "The policies in force.",
            ["digest"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.loaded = Gauge(
            "policykit_bundle_loaded_timestamp_seconds",
            "When the policies in force were loaded; the age of the bundle is time() less this.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.certificate_reloads = Counter(
            "policykit_certificate_reloads", "Loads of the certificate.", ["result"], registry=registry
        )
        self.certificate_expiry = Gauge(
            "policykit_certificate_expiry_timestamp_seconds",
            "When the certificate being served ends.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.certificate_days = Gauge(
            "policykit_certificate_days_left",
            "Days until then; negative where it is over.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.synced = Gauge(
            "policykit_cluster_cache_synced",
            "Whether what policies ask about the cluster is known (1) or not (0).",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._digest = ""

    def answered(self, record: Record, seconds: float) -> None:
        labels = (record.hook, record.operation, self._kind(record.kind), "allowed" if record.allowed else "denied")
        self.requests.labels(*labels, "true" if record.dry_run else "false").inc()
        self.duration.labels(*labels).observe(seconds)
        for noted in record.results:
            self.results.labels(noted.rule, noted.outcome, noted.mode, noted.action).inc()
        if record.cut:
            self.cut.inc()

    def in_force(self, digest: str, now: float) -> None:
        if self._digest and self._digest != digest:
            self.bundle.labels(self._digest).set(0)
        self._digest = digest
        self.bundle.labels(digest).set(1)
        self.loaded.set(now)

    def _kind(self, kind: str) -> str:
        if kind not in self._kinds:
            if len(self._kinds) >= KINDS:
                return "other"
            self._kinds.add(kind)
        return kind
