"""Amounts of memory."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tenx_async import Memory
from tenx_async.api.memory import MIB

AMOUNTS: list[tuple[int | str, int, str]] = [
    (256, 256 * MIB, "256Mi"),
    ("512", 512 * MIB, "512Mi"),
    ("512Mi", 512 * MIB, "512Mi"),
    (" 512Mi\n", 512 * MIB, "512Mi"),
    ("1Gi", 1024 * MIB, "1024Mi"),
    ("1024Mi", 1024 * MIB, "1024Mi"),
    ("0.5Gi", 512 * MIB, "512Mi"),
    (".5Gi", 512 * MIB, "512Mi"),
    ("1.Gi", 1024 * MIB, "1024Mi"),
    ("1Ti", 1024 * 1024 * MIB, "1048576Mi"),
    ("64Ki", 64 * 1024, "64Ki"),
    ("1Ei", 1 << 60, "1099511627776Mi"),
    ("1k", 1000, "1000000m"),
    ("1M", 1_000_000, "1000000000m"),
    ("1G", 1_000_000_000, "1000000000"),
    ("5e8", 500_000_000, "500000000"),
    ("5E8", 500_000_000, "500000000"),
    ("1048576", MIB, "1Mi"),
    (1048575, 1048575 * MIB, "1048575Mi"),
    (1048577, 1048577, "1048577"),
    ("1.5", 3 * MIB // 2, "1536Ki"),
    ("100m", 1, "1000m"),
    ("1n", 1, "1000m"),
]


@pytest.mark.parametrize(("amount", "size", "shown"), AMOUNTS)
def test_an_amount_is_read_and_shown(amount: int | str, size: int, shown: str) -> None:
    """Every notation stands for bytes, and is shown as the API documents where that can be."""
    memory = Memory.parse(amount)

    assert (size, shown) == (memory.bytes, str(memory))
    assert f"Memory('{shown}')" == repr(memory)


NO_QUANTITY = ["", " ", "Mi", "-1", "-1Mi", "1 Gi", "1mi", "1GB", "1Zi", "0x10", "1e999", "1e3Mi"]
NO_NUMBER = ["½", "٣", "nan", "inf", "1_000", True, None, 1.5j, []]
NOTHING = ["0", 0, "0Mi", "0e5"]


@pytest.mark.parametrize("nonsense", [*NO_QUANTITY, *NO_NUMBER, *NOTHING])
def test_what_is_no_amount_is_refused(nonsense: object) -> None:
    """What is no amount of memory, or none at all, raises a ValueError that shows it."""
    with pytest.raises(ValueError, match="memory"):
        Memory.parse(nonsense)  # type: ignore[arg-type]  # on purpose


def test_amounts_are_compared_by_bytes() -> None:
    """Two notations of one amount are equal, and amounts have an order."""
    assert Memory.parse("1024Mi") == Memory.parse("1Gi")
    assert 1 == len({Memory.parse("1024Mi"), Memory.parse("1Gi")})
    assert Memory.parse("900Mi") < Memory.parse("1G") < Memory.parse("1Gi")


def test_no_amount_is_nothing() -> None:
    """There is no memory of no bytes."""
    with pytest.raises(ValueError):
        Memory(0)


@given(st.integers(1, 1 << 70).map(Memory))
def test_what_is_shown_is_read_again(memory: Memory) -> None:
    """The notation of an amount stands for that amount, to the byte."""
    assert memory == Memory.parse(str(memory)) == Memory.parse(memory)


@given(st.integers(1, 1 << 40), st.sampled_from(["", "Ki", "Mi", "Gi", "k", "M", "G"]))
def test_the_notation_is_a_fixed_point(number: int, suffix: str) -> None:
    """Showing, reading and showing again gives the same text."""
    shown = str(Memory.parse(f"{number}{suffix}"))

    assert shown == str(Memory.parse(shown))
