"""Where logs grow: the check of an order that was found out, which may have been a mistake.

A late line that is inserted before all others looks like growth at a log's other end. So what
was found out from it is kept an eye on, until it has been borne out often enough.
"""

from __future__ import annotations

from attrs import define

_CERTAIN = 8


@define
class Growth:
    """How often logs were seen to grow at the end that an order says, and how often elsewhere."""

    here: int = 1
    there: int = 0

    @property
    def is_certain(self) -> bool:
        """Whether the order was borne out so often that it need not be looked at any more."""
        return self.here - self.there >= _CERTAIN

    @property
    def is_refuted(self) -> bool:
        """Whether logs grow at the other end."""
        return self.there > self.here
