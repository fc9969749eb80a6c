"""For the Prometheus operator and Grafana: where to scrape, when to wake somebody, what to look at."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from policykit_webhook.install.choices import NAME, Choices, named, selector


class _Alert(NamedTuple):
    name: str
    expression: str
    lasting: str
    severity: str
    summary: str


_HOOKS = '{name=~"(enforce|advise).policykit.dev"}'

ALERTS: tuple[_Alert, ...] = (
    _Alert(
        "PolicykitFailingOpen",
        f"sum(increase(apiserver_admission_webhook_fail_open_count{_HOOKS}[10m])) > 0",
        "0m",
        "warning",
        "The API server lets requests pass that it could not have judged.",
    ),
    _Alert(
        "PolicykitCallsFail",
        "sum(increase(apiserver_admission_webhook_rejection_count"
        '{name="enforce.policykit.dev",error_type="calling_webhook_error"}[5m])) > 0',
        "5m",
        "critical",
        "The API server refuses requests because calls of the webhook fail.",
    ),
    _Alert(
        "PolicykitSlow",
        "histogram_quantile(0.99, sum by (le) (rate(policykit_admission_review_duration_seconds_bucket[5m]))) > 1",
        "10m",
        "warning",
        "One review in a hundred takes longer than a second.",
    ),
    _Alert(
        "PolicykitSheds",
        'sum(rate(policykit_admission_shed_total{reason="overload"}[5m])) > 1',
        "10m",
        "warning",
        "Reviews are turned away for want of capacity: add replicas.",
    ),
    _Alert(
        "PolicykitCertificateEnds",
        "min(policykit_certificate_days_left) < 14",
        "1h",
        "critical",
        "The serving certificate ends within two weeks and was not renewed.",
    ),
    _Alert(
        "PolicykitReloadFails",
        'sum(increase(policykit_policy_reloads_total{result="failure"}[15m])) > 0',
        "0m",
        "warning",
        "New policies are not taken: the ones before stay in force.",
    ),
    _Alert(
        "PolicykitReplicasDiffer",
        "count(count by (digest) (policykit_bundle_info == 1)) > 1",
        "15m",
        "warning",
        "Replicas decide by different policies.",
    ),
    _Alert(
        "PolicykitRuleBreaks",
        'sum by (rule) (increase(policykit_policy_results_total{outcome="error"}[15m])) > 0',
        "0m",
        "warning",
        "A policy cannot be evaluated.",
    ),
    _Alert(
        "PolicykitClusterUnknown",
        "min(policykit_cluster_cache_synced) == 0",
        "10m",
        "warning",
        "What else is in a namespace is not known: policies about it give no verdict.",
    ),
)


def _rate(metric: str, *by: str) -> str:
    """The query for a counter's rate, summed by labels."""
    return f"sum by ({', '.join(by)}) (rate({metric}[$__rate_interval]))"


_P99 = f"histogram_quantile(0.99, {_rate('policykit_admission_review_duration_seconds_bucket', 'le', 'webhook')})"
_RESULTS = "policykit_policy_results_total"

#: Title, query, legend, unit.
PANELS: tuple[tuple[str, str, str, str], ...] = (
    ("Reviews", _rate("policykit_admission_requests_total", "webhook", "verdict"), "{{webhook}} {{verdict}}", "reqps"),
    ("Duration, 99th percentile", _P99, "{{webhook}}", "s"),
    ("Denials by rule", _rate(f'{_RESULTS}{{action="deny"}}', "rule"), "{{rule}}", "ops"),
    ("Warnings by rule", _rate(f'{_RESULTS}{{action="warn"}}', "rule"), "{{rule}}", "ops"),
    ("Unknown and broken", _rate(f'{_RESULTS}{{outcome!="fail"}}', "rule", "outcome"), "{{rule}} {{outcome}}", "ops"),
    ("Turned away", _rate("policykit_admission_shed_total", "reason"), "{{reason}}", "ops"),
    ("In flight", "sum(policykit_admission_in_flight)", "", "short"),
    ("Days left of the certificate", "min(policykit_certificate_days_left)", "", "d"),
    ("Policies in force", "sum by (digest) (policykit_bundle_info == 1)", "{{digest}}", "short"),
    ("Age of the policies", "time() - min(policykit_bundle_loaded_timestamp_seconds)", "", "s"),
    ("Memory", 'sum by (pod) (process_resident_memory_bytes{job="policykit-webhook"})', "{{pod}}", "bytes"),
    ("Failing open (API server)", _rate("apiserver_admission_webhook_fail_open_count", "name"), "{{name}}", "ops"),
)


def objects(choices: Choices) -> list[dict[str, Any]]:
    dashboard = named("ConfigMap", "v1", choices, f"{NAME}-dashboard")
    dashboard["metadata"]["labels"]["grafana_dashboard"] = "1"
    return [
        {
            **named("ServiceMonitor", "monitoring.coreos.com/v1", choices),
            "spec": {"selector": selector(), "endpoints": [{"port": "metrics", "path": "/metrics", "interval": "30s"}]},
        },
        {
            **named("PrometheusRule", "monitoring.coreos.com/v1", choices),
            "spec": {"groups": [{"name": NAME, "rules": [_alert(alert) for alert in ALERTS]}]},
        },
        {**dashboard, "data": {"policykit-webhook.json": json.dumps(_dashboard(), indent=1)}},
    ]


def _alert(alert: _Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasting,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary},
    }


def _dashboard() -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels = [
        {
            "id": index + 1,
            "type": "timeseries",
            "title": title,
            "datasource": source,
            "gridPos": {"x": 12 * (index % 2), "y": 8 * (index // 2), "w": 12, "h": 8},
            "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
            "targets": [{"refId": "A", "expr": query, "legendFormat": legend, "datasource": source}],
        }
        for index, (title, query, legend, unit) in enumerate(PANELS)
    ]
    variable = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    return {
        "uid": NAME,
        "title": "policykit webhook",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [variable]},
        "panels": panels,
    }
