"""Failures on purpose: which request is struck, decided by a seed, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal, get_args

import msgspec
from attrs import Attribute, asdict, define, field, fields, frozen, validators

from tenx_async.errors import ConfigurationError
from tenx_async.local.routes import STRUCK

Kind = Literal[
    "latency", "throttle", "error", "html", "close", "reset", "stall", "truncate", "garbage"
]


def _option(default: float | None, *checks: Any) -> Any:
    bounds = validators.and_(validators.ge(0), validators.le(1e9), *checks)
    return field(default=default, kw_only=True, validator=validators.optional(bounds))


def _among(known: Sequence[str]) -> Any:
    def check(_: Any, attribute: Attribute[Any], value: str) -> None:
        if value not in known:
            raise ValueError(f"there is no {value!r} among {attribute.name}: {', '.join(known)}")

    return check


@frozen
class Fault:
    """A failure that strikes some requests.

    | kind | what happens |
    |---|---|
    | `latency` | the answer is `seconds` late, and up to `jitter`, and `spike` once in a hundred |
    | `throttle` | 429, with Retry-After when `retry_after` is given |
    | `error` | an error status, 500 or `status` |
    | `html` | a proxy's page as 502, or `status` |
    | `close` | the connection is closed without an answer |
    | `reset` | the connection is reset without an answer |
    | `stall` | no answer comes; with `after` it begins and does not go on |
    | `truncate` | half of the answer comes, then the connection is closed |
    | `garbage` | an answer of random bytes |

    `truncate` and `garbage` spoil the answer to what was carried out. The others strike before
    anything is done, or, with `after`, when it has been.
    """

    kind: Kind = field(validator=_among(get_args(Kind)))
    rate: float = _option(1.0, validators.le(1))
    """Which part of the requests is struck."""
    operations: tuple[str, ...] = field(
        default=(), kw_only=True, validator=validators.deep_iterable(_among(STRUCK))
    )
    """Such as `restart` or `logs`; none given: all."""
    path: str = field(default="*", kw_only=True)
    """A glob on the path, such as `*/services/web*`."""
    times: int | None = _option(None)
    """How many requests are struck; then it is over."""
    after: bool = field(default=False, kw_only=True)
    """Whether the operation is carried out all the same."""
    status: int | None = _option(None, validators.ge(400), validators.le(599))
    retry_after: float | None = _option(None)
    """Seconds."""
    seconds: float = _option(0.0)
    jitter: float = _option(0.0)
    spike: float = _option(0.0)

    @property
    def spoils_the_answer(self) -> bool:
        """Whether the operation is carried out."""
        return self.after or self.kind in {"truncate", "garbage"}

    def fits(self, operation: str, path: str) -> bool:
        """Whether a request is one of those that may be struck."""
        return (not self.operations or operation in self.operations) and fnmatchcase(
            path, self.path
        )


@define
class _Rule:
    fault: Fault
    random: Random
    struck: int = 0

    def strikes(self, operation: str, path: str) -> bool:
        fault = self.fault
        if not fault.fits(operation, path) or self.struck == fault.times:
            return False
        if fault.rate < 1 and self.random.random() >= fault.rate:
            return False
        self.struck += 1
        return True


@frozen
class Stroke:
    """What strikes one request."""

    delay: float = 0.0
    """Seconds of latency."""
    fault: Fault | None = None
    """The first failure that struck."""


NOTHING = Stroke()


@define(init=False)
class Faults:
    """The faults in force; the same seed strikes the same requests of the same sequence."""

    seed: int
    rules: list[_Rule]

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self.seed = seed
        self.rules = [_Rule(fault, Random(f"{seed}/{place}")) for place, fault in enumerate(faults)]

    def __iter__(self) -> Iterator[Fault]:
        return (rule.fault for rule in self.rules)

    def as_json(self) -> dict[str, Any]:
        """The faults, and how many requests each has struck."""
        return {
            "seed": self.seed,
            "faults": [asdict(rule.fault) for rule in self.rules],
            "struck": [rule.struck for rule in self.rules],
        }

    def strike(self, operation: str, path: str) -> Stroke:
        """Decide about one request."""
        if not self.rules:
            return NOTHING
        struck = [rule for rule in self.rules if rule.strikes(operation, path)]
        late = [rule for rule in struck if rule.fault.kind == "latency"]
        failures = (rule.fault for rule in struck if rule.fault.kind != "latency")
        return Stroke(sum(map(_delay, late)), next(failures, None))


def _delay(rule: _Rule) -> float:
    fault = rule.fault
    spike = fault.spike if fault.spike and rule.random.random() < 0.01 else 0.0
    return fault.seconds + rule.random.random() * fault.jitter + spike


def read_faults(raw: Mapping[str, Any]) -> Faults:
    """Faults from JSON: `{"faults": [{"kind": "error", …}, …], "seed": 0}`.

    Raises:
        ConfigurationError: there are no such faults.
    """
    try:
        asked = msgspec.convert(raw.get("faults"), list[dict[str, Any]])
        known = {f.name for f in fields(Fault)}
        if unknown := sorted({key for each in asked for key in each.keys() - known}):
            raise ConfigurationError(f"faults: no fault has a {unknown[0]!r}")
        faults = msgspec.convert(asked, list[Fault], strict=False)
        return Faults(faults, msgspec.convert(raw.get("seed", 0), int))
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError(f"faults: {error}") from None
