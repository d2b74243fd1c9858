"""An amount of memory, in the grammar of Kubernetes quantities, compared by bytes."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Self

from attrs import field, frozen, validators

MIB = 1 << 20

_QUANTITY = re.compile(
    r"(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d{1,2})|([KMGTPE]i|[numkMGTPE]))?", re.ASCII
)
_SCALE = {
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", 1)},
    **{prefix: Decimal(1000) ** power for power, prefix in enumerate("kMGTPE", 1)},
    **{prefix: Decimal(1000) ** -power for power, prefix in enumerate("mun", 1)},
}


@frozen(order=True, repr=False)
class Memory:
    """An amount of memory: `1024Mi` equals `1Gi`.

    A plain number below 1 MiB counts MiB, as the API's `512` does; any other counts bytes.
    """

    bytes: int = field(validator=validators.ge(1))

    @classmethod
    def parse(cls, amount: Memory | int | str) -> Self:
        """Read `512`, `"512"`, `"512Mi"`, `"1Gi"`, `"0.5Gi"`, `"5e8"`; fractions round up.

        Raises:
            ValueError: not a quantity, or nothing at all.
        """
        if isinstance(amount, Memory):
            return cls(amount.bytes)
        match = None if isinstance(amount, bool) else _QUANTITY.fullmatch(str(amount).strip())
        if not match:
            raise ValueError(f"{amount!r} is not an amount of memory such as 512, '512Mi' or '1Gi'")
        number, exponent, suffix = match.groups()
        size = Decimal(number + (exponent or "")) * _SCALE.get(suffix, 1)
        if suffix is None and size < MIB:
            size *= MIB
        if not size:
            raise ValueError(f"{amount!r} is no memory at all")
        return cls(int(size.to_integral_value(ROUND_CEILING)))

    def __str__(self) -> str:
        """The notation that the API documents, `512Mi`, where the amount allows it."""
        for suffix, unit in (("Mi", MIB), ("Ki", 1024)):
            if not self.bytes % unit:
                return f"{self.bytes // unit}{suffix}"
        return str(self.bytes) if self.bytes >= MIB else f"{self.bytes * 1000}m"

    def __repr__(self) -> str:
        return f"Memory('{self}')"
