"""What holds in a cloud at the moment."""

from __future__ import annotations

from attrs import define, field

from tenx_async.local.faults import Faults
from tenx_async.local.quirks import Quirks


@define
class Conditions:
    """The quirks and faults that may be changed while the cloud runs."""

    quirks: Quirks = field(factory=Quirks)
    faults: Faults = field(factory=Faults)
