"""A collector of OpenTelemetry logs, by HTTP: what it answers decides whether it has them."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from tenx_async.errors import SinkUnavailable, excerpt
from tenx_async.sinks.otlp_requests import TooLarge
from tenx_async.telemetry.logging import logger
from tenx_async.transport.verdict import retry_after


class _Session(requests.Session):
    """Notes why the last request was not accepted; follows no redirect, which would be a GET."""

    refusal: SinkUnavailable | None = None
    pause: float = 0.0
    """Seconds that the collector asks to wait."""

    def request(self, *args: Any, **options: Any) -> requests.Response:
        try:
            response = super().request(*args, **{**options, "allow_redirects": False})
            self.pause = retry_after(response.headers, dt.datetime.now(dt.UTC)) or 0.0
            accept(response)
        except requests.RequestException as error:
            self.refusal = SinkUnavailable(f"no answer of the collector: {_cause(error)}")
            raise
        except SinkUnavailable as error:
            self.refusal = error
            raise
        self.refusal, self.pause = None, 0.0
        return response


class CollectorExporter(LogRecordExporter):
    """Sends records to a collector, set up by the environment as every exporter of OTLP is.

    A collector has taken records when it says so: by a status of 2xx and what OTLP answers, which
    may be empty. What it rejects of a request that it has taken must not be sent again, says the
    specification: how many those are is logged as a warning, in its own words. As long as it asks
    to wait, nothing is sent.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Send to this address."""
        self._session = _Session()
        self._exporter = OTLPLogExporter(endpoint=url, session=self._session)
        self._monotonic = monotonic
        self._rests_until = -math.inf

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send records.

        Raises:
            TooLarge: they are too many for one request.
            SinkUnavailable: they were not taken, or the collector asked to wait.
        """
        if self._session.refusal and self._monotonic() < self._rests_until:
            raise SinkUnavailable(self._session.refusal.message)
        self._session.refusal, self._session.pause = None, 0.0
        result = self._exporter.export(batch)
        self._rests_until = self._monotonic() + self._session.pause
        if result is not LogRecordExportResult.SUCCESS and self._session.refusal:
            raise self._session.refusal
        return result

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing is put off."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Close connections."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # of the exporter


def accept(response: requests.Response) -> None:
    """See that a collector has taken a request, and tell what of it it has rejected.

    Raises:
        TooLarge: the request is too large for it.
        SinkUnavailable: it has not.
    """
    if response.status_code == requests.codes.request_entity_too_large:
        raise TooLarge(f"the collector refuses the size of a request: {_said(response)}")
    if not 200 <= response.status_code < 300:
        raise SinkUnavailable(f"the collector did not take them: {_said(response)}")
    try:
        partial = _answer(response).partial_success
    except (DecodeError, json_format.ParseError) as error:
        raise SinkUnavailable(f"no collector of OTLP answers there: {_said(response)}") from error
    if partial.rejected_log_records:
        logger.warning(
            "lost: the collector rejected %d log records, which may not be sent again: %s",
            partial.rejected_log_records,
            excerpt(partial.error_message),
        )
    elif partial.error_message:
        logger.warning("the collector warns: %s", excerpt(partial.error_message))


def _answer(response: requests.Response) -> ExportLogsServiceResponse:
    answer = ExportLogsServiceResponse()
    kind = response.headers.get("Content-Type", "")
    if response.content and kind.startswith("text/"):
        raise DecodeError(kind)
    if response.content and "json" in kind:
        json_format.Parse(response.text, answer)
    else:
        answer.ParseFromString(response.content)
    return answer


def _cause(error: BaseException) -> str:
    """What is at the bottom of an error: the rest is how a library came to know of it."""
    while below := error.__cause__ or error.__context__:
        error = below
    return excerpt(str(error)) or type(error).__name__


def _said(response: requests.Response) -> str:
    status = f"{response.status_code} {response.reason or ''}".rstrip()
    return f"{status}: {excerpt(response.text)}" if response.text else status
