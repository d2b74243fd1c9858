"""A collector of OpenTelemetry logs on this machine that answers as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define, field, frozen
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord


@frozen
class Answer:
    """What a collector answers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(factory=lambda: {"Content-Type": "application/x-protobuf"})


TAKEN = Answer()


def partial_success(rejected: int, message: str) -> Answer:
    """Say that some records were taken and others not."""
    answer = ExportLogsServiceResponse()
    answer.partial_success.rejected_log_records = rejected
    answer.partial_success.error_message = message
    return Answer(body=answer.SerializeToString())


@define
class Collector:
    """Keeps each request's records, and its size in bytes."""

    answer: Callable[[int], Answer] = lambda _: TAKEN
    """Of the size of a request."""
    url: str = ""
    requests: list[list[LogRecord]] = field(factory=list)
    sizes: list[int] = field(factory=list)
    taken: list[LogRecord] = field(factory=list)

    def take(self, body: bytes) -> Answer:
        """Keep a request, and answer."""
        records = [
            record
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
        self.requests.append(records)
        self.sizes.append(len(body))
        answer = self.answer(len(body))
        if answer.status == 200:
            self.taken += records
        return answer

    @property
    def texts(self) -> list[str]:
        """What was taken."""
        return [record.body.string_value for record in self.taken]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Listen for logs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listening = threading.Thread(target=server.serve_forever, args=(0.01,))
    listening.start()
    collector.url = f"http://127.0.0.1:{server.server_port}/v1/logs"
    try:
        yield collector
    finally:
        server.shutdown()
        listening.join()
        server.server_close()
