"""Finding where a day's log ends."""

from __future__ import annotations

from hypothesis import given, strategies as st

from tenx_async.logs.order import EndSearch, PageRequest


def search(entries: int, size: int) -> tuple[int, int]:
    """Find the end of a log; tell it, and how many pages that took."""
    found, calls = EndSearch(size), 0
    while found.found is None:
        request = found.request()
        assert size == request.size
        found.feed(request, max(0, min(size, entries - request.from_)))
        calls += 1
        assert calls < 200
    return found.found, calls


@given(st.integers(0, 3_000_000), st.integers(1, 2_000))
def test_the_end_is_found(entries: int, size: int) -> None:
    """Whatever the length of the log and of a page, the number of entries is exact."""
    found, calls = search(entries, size)

    assert entries == found
    pages = entries // size
    assert 2 * pages.bit_length() + 3 >= calls


def test_a_million_lines_take_few_pages() -> None:
    """The end of a day of a million lines is found in some twenty pages of a thousand."""
    for entries in (999_999, 1_000_000, 1_000_001, 1_048_576, 1_234_567):
        assert 24 >= search(entries, 1000)[1]


def test_a_short_log_takes_one_page() -> None:
    """Less than a page needs no search."""
    assert [(0, 1), (1, 1), (999, 1)] == [search(entries, 1000) for entries in (0, 1, 999)]


@given(st.integers(1, 100), st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_a_growing_log_has_an_end(size: int, growth: list[int]) -> None:
    """What is found lies between the length at first and the length at last."""
    first = entries = growth[0] * 50
    found, rest = EndSearch(size), iter(growth[1:])
    while found.found is None:
        request = found.request()
        found.feed(request, max(0, min(size, entries - request.from_)))
        entries += next(rest, 0)

    assert first <= found.found <= entries


def test_pages_are_asked_for_further_and_further() -> None:
    """The search doubles its reach until it is past the end."""
    found, asked = EndSearch(10), []
    for _ in range(4):
        request = found.request()
        asked.append(request)
        found.feed(request, 10)

    assert [PageRequest(at, 10) for at in (0, 20, 60, 140)] == asked
