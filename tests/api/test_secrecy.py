"""What is shown of replies and of values that hold secrets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from tenx_async import (
    ContainerSpec,
    EnvVar,
    Identity,
    Outcome,
    ServerError,
    Service,
    ServiceSpec,
)
from tenx_async.api import operations, wire
from tenx_async.api.redact import MASK, redact

SECRET = "hunter22"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"name": "P", "value": "x"}', '{"name": "P", "value": "***"}'),
        ('{"value":"a\\"b","c":"d"}', '{"value":"***","c":"d"}'),
        ('{"value" : "cut off in the mid', '{"value" : "***"'),
        ('{"value": 12345678, "n": 1}', '{"value": "***", "n": 1}'),
        ('{"value": ""}', '{"value": "***"}'),
        ('{"values": "kept"}', '{"values": "kept"}'),
        (r'{"e": "{\"value\": \"x y\", \"n\": 1}"}', r'{"e": "{\"value\": \"***\", \"n\": 1}"}'),
        (r'{"e": "{\"value\":\"a\\\"b\"}"}', r'{"e": "{\"value\":\"***\"}"}'),
        (r'{"e": "{\"value\":\"cut off in th', r'{"e": "{\"value\":\"***'),
        (r'{"e": "{\\\"value\\\":\\\"x\\\"}"}', r'{"e": "{\\\"value\\\":\\\"***\\\"}"}'),
        ("no value here", "no value here"),
    ],
)
def test_values_of_variables_are_masked(text: str, shown: str) -> None:
    """The value of every environment variable is masked, whole or cut off."""
    assert shown == redact(text)


@pytest.mark.parametrize(
    "secret", ["hunter22", 'pa"ss\\word', "пароль", "two\nlines", "a+b (c)", "1234"]
)
def test_known_secrets_are_masked(secret: str) -> None:
    """A secret that was sent is masked as it is, and as JSON writes it."""
    for text in (
        f"bad password {secret}!",
        json.dumps({"message": f"bad {secret}!"}),
        json.dumps({"message": f"bad {secret}!"}, ensure_ascii=False),
    ):
        masked = redact(text, [secret])
        assert MASK in masked
        assert secret not in masked
        assert json.dumps(secret)[1:-1] not in masked


def test_masking_takes_no_longer_than_reading() -> None:
    """A hostile body of a megabyte is masked in no time."""
    for body in ("\\" * 1_000_000, '"value":' * 100_000, '\\"value\\":\\"' * 50_000):
        assert MASK in redact(body + '"value": "x"')


def test_short_secrets_are_left() -> None:
    """A secret of three characters would mask half the text."""
    assert "the other" == redact("the other", ["the", ""])


def test_a_secret_within_another_leaves_no_rest() -> None:
    """Longer secrets are masked first."""
    assert "*** ***" == redact("hunter22-long hunter22", [SECRET, "hunter22-long"])


@given(st.text(), st.lists(st.text(min_size=4)))
def test_no_secret_survives(text: str, secrets: list[str]) -> None:
    """Whatever the text, no secret is left in it, save where the mask itself makes one."""
    masked = redact(text, secrets)

    assert all(secret not in masked for secret in secrets if not set(secret) & set('*":value '))


SPEC = ServiceSpec(
    containers=[ContainerSpec(image="nginx", env={"PASS": SECRET}, extra={"envFrom": SECRET})],
    extra={"registry": SECRET},
)
SERVICE = wire.load(Service, {"name": "web", "x": SECRET, **wire.dump(SPEC)})
CREATE = operations.create_service("us", "web", SPEC)


@pytest.mark.parametrize(
    "value",
    [
        EnvVar("PASS", SECRET),
        SPEC,
        SPEC.containers[0],
        SERVICE,
        CREATE,
        Outcome(operation="create", result="applied", value=SERVICE),
        wire.load(Identity, {"user_name": "alice", "email": SECRET, "phone": SECRET, "x": SECRET}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_repr_shows_a_secret(value: object) -> None:
    """A value can be logged; what is secret in it is not shown."""
    assert type(value).__name__ in repr(value)
    assert SECRET not in f"{value!r} {value}"


def test_an_outcome_shows_its_error_and_not_its_value() -> None:
    """An outcome shows what went wrong."""
    error = ServerError("it broke", operation="get web", status=500)

    assert "it broke" in repr(Outcome(operation="get", result="failed", error=error, value=SERVICE))


def test_an_operation_knows_its_secrets() -> None:
    """The values of a create's variables are told to whoever shows replies to it."""
    assert (SECRET,) == CREATE.secrets()
    assert () == operations.get_service("us", "web").secrets()
