"""What is kept of a day until it is certain how the server orders its pages."""

from __future__ import annotations

from array import array
from collections import Counter

from attrs import define, field

from tenx_async.logs.order import Order


@define
class Clues:
    """What was seen of a day that may tell the order."""

    front: array[int] = field(factory=lambda: array("Q"))
    """The digests of the first page from 0."""
    is_all: bool = True
    """Whether that page was the whole day."""
    shown: Counter[Order] = field(factory=Counter, init=False)
    """How often a change of a first page that holds all looked like growth in an order."""
    undecided: int = field(default=0, init=False)
    """Polls that could not tell the order although it mattered."""
    is_guess: bool = field(default=False, init=False)
    """Whether the order is assumed for want of anything that shows it, and nobody was told."""
    is_placed: bool = field(default=False, init=False)
    """Whether it was looked where a page stands that begins within the first one."""
    quiet: int = field(default=0, init=False)
    """Polls that found nothing new while the order was a guess, or not borne out."""
    end: int | None = field(default=None, init=False)
    """Where the log ended when that was looked for."""
