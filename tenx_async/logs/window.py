"""The end of a log as its last pages show it, joined while it goes on growing."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial
from statistics import mode

from attrs import evolve, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, TELLING, going_on, landmarks
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.digests import digests_of
from tenx_async.logs.order import BeyondWindow, PageRequest
from tenx_async.logs.replies import fitting

_TRIES = 5


@frozen
class Window:
    """The end of a log."""

    entries: Sequence[LogEntry]
    whole: bool
    """Whether it begins with the day's first entry."""
    pages: int = 1
    appended: int = 0
    """How many entries came after its last one while it was read."""
    is_outgrown: bool = False
    """Whether the log grew faster than it was read back."""
    is_torn: bool = False
    """Whether two of its pages did not fit together."""
    is_cut: bool = False
    """Whether what stands before it is past what the server lets anyone read."""

    @property
    def digests(self) -> array[int]:
        """The digests of its entries."""
        return digests_of(self.entries)

    @property
    def head(self) -> int:
        """How many equal lines it begins with, unless it is whole.

        Lines inserted among them move the window's head along them, which does not show.
        """
        if self.whole:
            return 0
        changes = (n for n, entry in enumerate(self.entries) if entry != self.entries[0])
        return next(changes, len(self.entries))


def checked(day: Day, window: Window) -> Reading[Window]:
    """Look before a window that seems whole, where a short page need not be the last one.

    Nor need it be when a log is read back for the first time. What stands there may be the
    window's own beginning, which new entries pushed on.
    """
    if not window.whole or window.is_torn or (day.begun and not day.habits.cuts):
        return window
    page = yield day.habits.request(len(window.entries) + window.appended)
    before = list(day.ascending(page))
    return evolve(window, whole=before == list(window.entries[: len(before)]))


def widen(day: Day, window: Window) -> Reading[Window]:
    """Put the page before a window in front of it.

    What was appended since the window was read makes the page overlap the window by more, or lie
    behind its beginning altogether. Where they do not fit one of them lacks lines.
    """
    entries, appended = window.entries, window.appended
    overlap = min(len(entries) // 2, day.habits.most // 2, ANCHOR)
    for _ in range(_TRIES):
        request = day.habits.request(len(entries) + appended - overlap)
        if request.size <= overlap:
            raise BeyondWindow
        page = yield from fitting(day, request, partial(_fits, day, entries, overlap))
        whole = not day.habits.is_full(request, len(page))
        older = day.ascending(page)
        place = _joint(older, entries, overlap)
        if place or (whole and place == 0):
            joined = [*older[:place], *entries]
            appended = max(0, request.from_ + len(older) - place - len(entries))
            return evolve(
                window, entries=joined, whole=whole, pages=window.pages + 1, appended=appended
            )
        moved = _appended(request, older, entries)
        if moved is None or moved == appended:
            break
        appended = moved
    shared = min(max(0, len(entries) + appended - request.from_), len(older))
    unseen, fits = going_on(entries[::-1], older[::-1], shared)
    joined = [*unseen[::-1], *entries]
    fits = fits and bool(older)
    whole = whole if fits else not unseen and not appended
    return evolve(window, entries=joined, whole=whole, pages=window.pages + 1, is_torn=not fits)


def _fits(day: Day, window: Sequence[LogEntry], overlap: int, page: Sequence[LogEntry]) -> bool:
    """Tell whether a page fits before a window where it is expected, or certainly elsewhere.

    What fits elsewhere may be another replica's, unless lines tell that do not recur.
    """
    older = day.ascending(page)
    expected, place = len(older) - overlap, _joint(older, window, overlap)
    if place == expected or expected < 0:
        return True
    apart = [mark - at for mark, at in landmarks(digests_of(window), digests_of(older))]
    return place is not None and apart.count(-place) >= TELLING


def _appended(
    request: PageRequest, older: Sequence[LogEntry], window: Sequence[LogEntry]
) -> int | None:
    """How many entries were appended since a window was read, if a page shows it."""
    apart = [mark - place for mark, place in landmarks(digests_of(window), digests_of(older))]
    if not apart and list(older) == list(window[: len(older)]):
        apart = [0]
    if not apart and not set(older).intersection(window):
        apart = [len(window)]  # all of the page is newer
    if not apart or not older:
        return None
    return max(0, request.from_ + len(older) - len(window) + mode(apart))


def _joint(older: Sequence[LogEntry], window: Sequence[LogEntry], overlap: int) -> int | None:
    """Find where in an older page a window begins, as far as the page goes."""
    for place in range(len(older) - overlap, -1, -1):
        if list(older[place:]) == list(window[: len(older) - place]):
            return place
    return None
