"""Which services a run is for: all conditions have to hold; of several values, any one will do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from attrs import Attribute, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.selection import Selection
from tenx_async.errors import ConfigurationError


def _texts(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _expression(_: object, __: Attribute[Any], value: str | None) -> None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise ConfigurationError(f"regex: {value!r} is no regular expression: {error}") from None


@frozen(kw_only=True)
class Choice:
    """Which services a run is for.

    Raises:
        ConfigurationError: the regular expression is none.
    """

    names: Selection = field(factory=Selection)
    regex: str | None = field(default=None, validator=_expression)
    """Is searched for in the name."""
    status: Sequence[str] = field(default=(), converter=_texts)
    """Any of these, in any case."""
    image: Sequence[str] = field(default=(), converter=_texts)
    """Globs; any container's image has to match any of them."""
    where: Callable[[Service], bool] | None = None

    def of(self, services: Iterable[Service]) -> list[Service]:
        """Choose among services; by name, each once, however often a list shows it."""
        chosen = {service.name: service for service in services if self._fits(service)}
        return [chosen[name] for name in sorted(chosen)]

    def missing(self, services: Iterable[Service]) -> list[str]:
        """Names that were asked for without a wildcard, and that there are not."""
        return sorted(set(self.names.exact) - {service.name for service in services})

    def _fits(self, service: Service) -> bool:
        return (
            service.name in self.names
            and (self.regex is None or re.search(self.regex, service.name) is not None)
            and (not self.status or any(map(service.has_status, self.status)))
            and (not self.image or self._has_image(service))
            and (self.where is None or self.where(service))
        )

    def _has_image(self, service: Service) -> bool:
        images = [container.image or "" for container in service.containers]
        return any(fnmatchcase(image, glob) for image in images for glob in self.image)
