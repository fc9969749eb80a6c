"""The caller's trace context to a trace id for the logs, and to a span where OpenTelemetry is set up."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit_webhook.answer import Record

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def trace_id(headers: Mapping[str, str]) -> str:
    """The trace that a call belongs to (W3C Trace Context); empty where it says none."""
    match = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return match[1] if match else ""


class Tracer:
    """A span for each review; nothing at all without the `tracing` extra."""

    def __init__(self) -> None:
        self._tracer: Any = None
        self._extract: Any = None
        try:
            from opentelemetry import propagate, trace
        except ImportError:
            return
        self._tracer = trace.get_tracer("policykit_webhook")
        self._extract = propagate.extract

    @contextmanager
    def review(self, headers: Mapping[str, str]) -> Iterator[Span]:
        if self._tracer is None:
            yield Span(None)
            return
        with self._tracer.start_as_current_span("admission review", context=self._extract(headers)) as span:
            yield Span(span)


class Span:
    """What a span is told of a review: identities and the verdict, no values."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def answered(self, record: Record) -> None:
        if self._span is not None:
            self._span.set_attribute("k8s.admission.uid", record.uid)
            self._span.set_attribute("k8s.admission.operation", record.operation)
            self._span.set_attribute("k8s.object.kind", record.kind)
            self._span.set_attribute("policykit.allowed", record.allowed)
            self._span.set_attribute("policykit.bundle", record.bundle)


def configure() -> None:
    """Exports spans by OTLP as the `OTEL_*` variables say, where the `tracing` extra is installed and they name an
    endpoint.
    """
    import os

    if not {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} & os.environ.keys():
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
