"""Sends spans through the OpenTelemetry SDK, which is set up by the usual environment variables (``OTEL_…``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.errors import NotSupportedError
from tidewheel.values.spans import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NANOSECONDS = 1_000_000_000


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment says where spans go."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return any(environ.get(name) for name in ENDPOINTS)


class OtelExporter:
    """Batches spans in a thread of its own and sends them over OTLP/HTTP."""

    def __init__(self, *, exporter: Any = None) -> None:
        """``exporter``: an SDK exporter to use in place of OTLP's.

        Raises:
            NotSupportedError: when the SDK is not installed.
        """
        try:
            from opentelemetry.sdk import trace as sdk  # noqa: PLC0415 - 0.2 s, and only where spans are wanted
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                    OTLPSpanExporter,
                )

                exporter = OTLPSpanExporter()
        except ModuleNotFoundError as exc:
            raise NotSupportedError(
                f"expected OpenTelemetry's SDK for spans, got no module {exc.name!r}; install it: "
                "pip install 'tidewheel[otel]'"
            ) from exc
        self._sdk = sdk
        self._resource = Resource.create({"service.name": "tidewheel"})
        self._processor = BatchSpanProcessor(exporter)

    def export(self, spans: Sequence[Span]) -> None:
        """Hand spans to the sending thread."""
        for span in spans:
            self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """Send the rest."""
        self._processor.shutdown()

    def _readable(self, span: Span) -> Any:
        from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags  # noqa: PLC0415

        def context(span_id: int) -> SpanContext:
            flags = TraceFlags(TraceFlags.SAMPLED)
            return SpanContext(span.trace_id, span_id, is_remote=False, trace_flags=flags)

        status = Status(StatusCode.OK) if span.succeeded else Status(StatusCode.ERROR, span.message or None)
        return self._sdk.ReadableSpan(
            name=span.name,
            context=context(span.span_id),
            parent=None if span.parent_id is None else context(span.parent_id),
            resource=self._resource,
            attributes=span.attributes,
            status=status,
            start_time=int(span.started_at * NANOSECONDS),
            end_time=int(span.ended_at * NANOSECONDS),
        )
