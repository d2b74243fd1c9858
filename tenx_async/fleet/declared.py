"""The services that there shall be, as values."""

from __future__ import annotations

from attrs import field, frozen

from tenx_async.api.specs import ServiceSpec


@frozen(kw_only=True)
class Declared:
    """A service as the manifest wants it."""

    name: str
    spec: ServiceSpec = field(repr=False)
    depends_on: tuple[str, ...] = ()
    region: str | None = None
    """Where it is declared for, if that is said."""
    given: frozenset[str] = field(default=frozenset(), repr=False)
    """Fields that are declared, an empty list as well; what is not stays as it is."""
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    """Containers whose command comes from the environment, by field: it may hold a password."""
    line: int = 1


@frozen(kw_only=True)
class Manifest:
    """All services of a file."""

    source: str
    """What the file is called in messages."""
    services: tuple[Declared, ...]
    warnings: tuple[str, ...] = ()
    """What is strange, and taken all the same."""
