"""What is wrong with a manifest: every place at once, none of them with a secret."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field, frozen

from tenx_async.errors import InvalidManifest


@frozen(order=True)
class Complaint:
    """What is wrong at one place."""

    line: int
    field: str
    """Within a service, such as `containers[0].memory`; it may be empty."""
    text: str

    def at(self, source: str) -> str:
        """Write it as compilers do: `fleet.yaml:12: containers[0].memory: …`."""
        return ": ".join(filter(None, (f"{source}:{self.line}", self.field, self.text)))


@define
class Complaints:
    """Gathers complaints about one file."""

    source: str
    found: list[Complaint] = field(factory=list, init=False)

    def add(self, line: int, place: str, text: str) -> None:
        """Note one."""
        self.found.append(Complaint(line, place, text))

    def close(self) -> None:
        """End well if there was none.

        Raises:
            InvalidManifest: there are some.
        """
        if self.found:
            raise invalid([complaint.at(self.source) for complaint in sorted(set(self.found))])


def invalid(complaints: Sequence[str]) -> InvalidManifest:
    """Make one error of several complaints."""
    return InvalidManifest("; ".join(complaints), complaints=tuple(complaints))
