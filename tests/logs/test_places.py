"""How many polls are under way."""

from __future__ import annotations

import asyncio

from tenx_async.logs.places import MOST, Places


async def taken(places: Places, tries: int) -> int:
    """How many of so many who try get a place at once."""
    tasks = [asyncio.create_task(places.take()) for _ in range(tries)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return places.taken


async def test_there_is_always_one_place() -> None:
    """However little room there is, one may poll: it waits for its call in the order of all."""
    assert await taken(Places(lambda _: False), 3) == 1


async def test_there_are_no_more_places_than_the_most() -> None:
    """Room without end is not used up."""
    assert await taken(Places(), 2 * MOST) == MOST


async def test_there_are_as_many_places_as_there_is_room_for() -> None:
    """Who would only wait for its call does not begin."""
    assert await taken(Places(lambda beside: beside < 5), MOST) == 5


async def test_a_place_given_back_goes_to_who_waits() -> None:
    """Nobody waits for a place that is free."""
    places = Places(lambda _: False)
    await places.take()
    waiting = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    places.give_back()
    await asyncio.wait_for(waiting, 1)
    assert places.taken == 1


async def test_room_that_grows_is_seen_at_the_next_look() -> None:
    """What the server bears shows after a call: then more may poll."""
    room = 1
    places = Places(lambda beside: beside < room)
    await places.take()
    waiting = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    room = 2
    places.look()
    await asyncio.wait_for(waiting, 1)
    assert places.taken == 2
    assert not places.are_too_many


async def test_room_that_shrinks_shows_to_who_has_a_place() -> None:
    """Those who are too many go, all but one."""
    room = 3
    places = Places(lambda beside: beside < room)
    for _ in range(room):
        await places.take()
    room = 0
    for left in (2, 1):
        assert places.are_too_many
        places.give_back()
        assert places.taken == left
    assert not places.are_too_many
