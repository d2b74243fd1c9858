"""Lines on the standard output, each at least once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import BinaryIO

from tenx_async.errors import SinkUnavailable
from tenx_async.logs.cursors import CursorStore, MemoryCursors
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.forms import Form, encoding
from tenx_async.sinks.function import FunctionSink


def stdout_sink(
    *,
    form: Form = "jsonl",
    cursors: CursorStore | None = None,
    stream: BinaryIO | None = None,
) -> FunctionSink:
    """Make a sink of a stream of bytes.

    Args:
        form: `jsonl`, a line of JSON each; or `text`, behind the names of service and instance.
        cursors: where it is noted what was written; in memory only by default.
        stream: the standard output by default.
    """
    out = stream or sys.stdout.buffer
    encode = encoding(form, per_service=False)

    def write(batches: Sequence[LogBatch]) -> None:
        try:
            out.write(b"".join(map(encode, batches)))
            out.flush()
        except BrokenPipeError:
            raise  # nobody reads any more, and nobody will
        except OSError as error:
            raise SinkUnavailable(f"cannot write to the standard output: {error}") from error

    async def deliver(batches: Sequence[LogBatch]) -> None:
        await asyncio.to_thread(write, batches)

    return FunctionSink(deliver, cursors or MemoryCursors())
