"""Batches on their way to the consumer."""

from __future__ import annotations

import asyncio

import pytest

from tenx_async import LogBatch, LogEntry
from tenx_async.logs.buffer import Buffer
from tests.clock import NOON


def batch(lines: int, position: int = 0) -> LogBatch:
    """A batch of some lines."""
    return LogBatch("us", "web", NOON.date(), position, [LogEntry("a-1", "x")] * lines)


async def turns(count: int = 5) -> None:
    """Let everybody get on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_batches_come_in_the_order_in_which_they_went() -> None:
    """What goes in first comes out first."""
    buffer = Buffer(100)
    sent = [batch(1, position) for position in range(5)]
    for each in sent:
        await buffer.put(each)

    assert 5 == buffer.lines
    assert sent == [await buffer.get() for _ in sent]
    assert 0 == buffer.lines


async def test_a_full_buffer_makes_producers_wait() -> None:
    """The bound is on lines, and is exceeded by no more than the batch that reaches it."""
    buffer = Buffer(10)
    await buffer.put(batch(9))
    assert not buffer.is_full
    await buffer.put(batch(9))
    assert (True, 18) == (buffer.is_full, buffer.lines)

    async with asyncio.TaskGroup() as group:
        put = group.create_task(buffer.put(batch(1, position=18)))
        await turns()
        assert not put.done()
        await buffer.get()

    assert 10 == buffer.lines


async def test_room_can_be_waited_for() -> None:
    """Who would rather not ask for a page that has no room waits until there is some."""
    buffer = Buffer(10)
    await buffer.room()
    await buffer.put(batch(10))
    async with asyncio.TaskGroup() as group:
        room = group.create_task(buffer.room())
        await turns()
        assert not room.done()
        await buffer.get()


async def test_a_batch_larger_than_the_buffer_gets_through() -> None:
    """One batch always has room in an empty buffer."""
    buffer = Buffer(1)
    await buffer.put(batch(1000))

    assert 1000 == len(await buffer.get() or ())


async def test_a_consumer_waits_for_a_batch() -> None:
    """Getting takes as long as putting."""
    buffer = Buffer(10)
    async with asyncio.TaskGroup() as group:
        got = group.create_task(buffer.get())
        await turns()
        assert not got.done()
        await buffer.put(batch(1))

    assert batch(1) == got.result()


async def test_a_closed_buffer_is_emptied_first() -> None:
    """After the end, what is there is still to be had, and then nothing, again and again."""
    buffer = Buffer(10)
    await buffer.put(batch(1))
    await buffer.close()

    assert [batch(1), None, None] == [await buffer.get() for _ in range(3)]


async def test_closing_wakes_the_consumer() -> None:
    """Who waits for a batch learns that there will be none."""
    buffer = Buffer(10)
    async with asyncio.TaskGroup() as group:
        got = group.create_task(buffer.get())
        await turns()
        await buffer.close()

    assert got.result() is None


@pytest.mark.parametrize("waits", ["put", "room", "get"])
async def test_who_stops_waiting_leaves_nothing_behind(waits: str) -> None:
    """A wait that is cancelled neither adds nor takes a batch, and locks nobody out."""
    buffer = Buffer(1)
    if waits != "get":
        await buffer.put(batch(1))
    waiting = {"put": lambda: buffer.put(batch(7)), "room": buffer.room, "get": buffer.get}[waits]
    task = asyncio.ensure_future(waiting())
    await turns()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert (waits != "get") == buffer.lines
    if waits == "get":
        await buffer.put(batch(1))
    assert batch(1) == await buffer.get()
    assert 0 == buffer.lines
