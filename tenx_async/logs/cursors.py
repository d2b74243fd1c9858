"""Where sources were read to, kept beyond the life of a following."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import uuid4

from attrs import define, field, frozen

from tenx_async.logs.cursor import Commit, DayKey, Edit, Stored, replay


class CursorStore(Protocol):
    """Keeps where sources were read to."""

    def load(self, source: str) -> Stored | None:
        """What was committed of a source; `None`: nothing.

        Raises:
            DamagedCursor: it cannot be trusted; it is not given again.
            SinkUnavailable: it cannot be read now, and is asked for again.
        """

    def note_look(self, sources: Iterable[str], on: dt.date, new: Sequence[Commit]) -> None:
        """Note, with the next commit, which sources there are on a day, and where new begin."""

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be after the last look: none of it was there already."""

    def looked_on(self) -> dt.date | None:
        """The day on which it was last noted which there are; `None`: it never was."""

    async def commit(self, commits: Sequence[Commit]) -> None:
        """Make commits durable, all or none, in their order.

        Raises:
            TenxError: they are not durable; they may be given again.
        """


@define(eq=False)
class MemoryCursors:
    """Keeps them as long as the process lives: one following goes on where another one ended."""

    _cursors: dict[str, bytes] = field(factory=dict, init=False, repr=False)
    _edits: dict[str, dict[DayKey, list[Edit]]] = field(
        factory=lambda: defaultdict(dict), init=False, repr=False
    )
    _seen: set[str] = field(factory=set, init=False, repr=False)
    """What there was at the last look, and an empty name."""
    _looked_on: dt.date | None = field(default=None, init=False, repr=False)
    _salt: str = field(factory=lambda: uuid4().hex, init=False, repr=False)

    def salt(self) -> str:
        """Tell these cursors from all others."""
        return self._salt

    def committed(self, source: str) -> bytes:
        """The cursor of a source as it is kept; empty: there is none."""
        return self._cursors.get(source, b"")

    def load(self, source: str) -> Stored | None:
        """What was committed of a source; `None`: nothing."""
        raw = self._cursors.get(source)
        return None if raw is None else Stored.of(raw, self._edits[source])

    def note_look(self, sources: Iterable[str], on: dt.date, new: Sequence[Commit]) -> None:
        """Note which sources there are on a day, and where new ones begin."""
        self._seen, self._looked_on = {*sources, ""}, on
        self._keep(new)

    def looked_on(self) -> dt.date | None:
        """The day on which it was last noted which there are; `None`: it never was."""
        return self._looked_on

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be after the last look."""
        return bool(self._seen) and source not in self._seen

    async def commit(self, commits: Sequence[Commit]) -> None:
        """Keep commits, in their order."""
        self._keep(commits)

    def _keep(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            self._cursors[commit.source] = commit.cursor
            known = self._edits[commit.source]
            self._edits[commit.source] = {
                key: _together(known.get(key, []), edit) for key, edit in commit.edits.items()
            }


def _together(known: list[Edit], edit: Edit) -> list[Edit]:
    """What is known of a day as one edit: a whole one."""
    return [Edit(edit.base, edit.base, replay([*known, edit]))]


@define(eq=False)
class Marks:
    """What of one source was handed on and is not committed yet, in order."""

    store: CursorStore
    turn: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)
    """Held by who commits in the store: what is durable is dropped before others commit more."""
    _open: list[Commit] = field(factory=list, init=False, repr=False)

    def add(self, commit: Commit) -> Mark:
        """Mark the end of what was handed on."""
        self._open.append(commit)
        return Mark(self, commit)

    def up_to(self, commit: Commit) -> list[Commit]:
        """What is to be committed so that a commit is."""
        places = [place for place, one in enumerate(self._open) if one is commit]
        return self._open[: places[0] + 1] if places else []

    def drop(self, count: int) -> None:
        """Note that the first ones are durable."""
        del self._open[:count]


@frozen(eq=False)
class Mark:
    """Once the lines up to here are durable where they go, this may be committed.

    A sink that keeps lines and cursors together makes `commits` durable with the lines, and then
    says `done`; all others `set` it.
    """

    _marks: Marks = field(repr=False)
    _commit: Commit

    @property
    def commits(self) -> list[Commit]:
        """What has to become durable: all of the source that is not, up to here."""
        return self._marks.up_to(self._commit)

    def done(self) -> None:
        """Note that `commits` are durable."""
        self._marks.drop(len(self.commits))

    async def set(self) -> None:
        """Commit in the store that the following was given.

        Raises:
            TenxError: it is not durable.
        """
        async with self._marks.turn:
            if commits := self.commits:
                await self._marks.store.commit(commits)
                self._marks.drop(len(commits))
