"""What a user may ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tenx_async import (
    ContainerSpec,
    EnvVar,
    InvalidSpec,
    Memory,
    PortSpec,
    ServiceSpec,
    ServiceUpdate,
)

NGINX = ContainerSpec(image="nginx")


def container(**fields: Any) -> ContainerSpec:
    """A container of nginx, and more."""
    return ContainerSpec(image="nginx", **fields)


INVALID: list[tuple[Callable[[], object], str]] = [
    (lambda: ContainerSpec(image=""), "image: a container needs one"),
    (lambda: ContainerSpec(image=None), "image: a container needs one"),  # type: ignore[arg-type]  # on purpose
    (lambda: container(memory="lots"), "memory: 'lots' is not an amount of memory"),
    (lambda: container(memory=0), "memory: 0 is no memory at all"),
    (lambda: container(ports=[0]), "port: 0 is not"),
    (lambda: container(ports=[65536]), "port: 65536 is not"),
    (lambda: container(ports=[True]), "port: True is not"),
    (lambda: PortSpec("80"), "port: '80' is not"),  # type: ignore[arg-type]  # on purpose
    (lambda: container(env={"PORT": 8012}), "env: the value of 'PORT' is not a text"),
    (lambda: container(env=[EnvVar("PORT", 8012)]), "env: the value of 'PORT' is not a text"),  # type: ignore[arg-type]  # on purpose
    (lambda: container(env=["PASS=8012"]), "env: give EnvVar"),
    (lambda: ContainerSpec(image=5), "image: has to be text"),  # type: ignore[arg-type]  # on purpose
    (lambda: container(command=["nice", 5]), "command: has to be text"),
    (lambda: PortSpec(80, 6), "protocol: has to be text"),  # type: ignore[arg-type]  # on purpose
    (lambda: ServiceUpdate(binding_domain_name=[5]), "binding_domain_name: has to be text"),  # type: ignore[list-item]  # on purpose
    (lambda: ServiceUpdate(binding_domain_name="\ud800"), "binding_domain_name[0]: holds half"),
    (
        lambda: ServiceSpec(containers=[container(env={"PORT": "8012\ud800"})]),
        "containers[0].env[0].value: holds half a character",
    ),
    (
        lambda: ServiceSpec(containers=[NGINX], extra={"labels": ["\ud800"]}),
        "labels[0]: holds half a character",
    ),
    (lambda: ServiceSpec(containers=[]), "containers: a service needs at least one"),
    (lambda: ServiceSpec(containers=["nginx"]), "each has to be a ContainerSpec"),  # type: ignore[list-item]  # on purpose
    (lambda: ServiceSpec(containers=[NGINX], target_instance_size=-1), "-1 is not a whole number"),
    (lambda: ServiceSpec(containers=[NGINX], target_instance_size=1.0), "1.0 is not a whole"),  # type: ignore[arg-type]  # on purpose
    (ServiceUpdate, "nothing to update: give target_instance_size, memory or"),
    (lambda: ServiceUpdate(target_instance_size=-1), "-1 is not a whole number from 0 up"),
    (lambda: ServiceUpdate(target_instance_size=True), "True is not a whole number from 0 up"),
    (lambda: ServiceUpdate(memory="1 GB"), "memory: '1 GB' is not an amount"),
]


@pytest.mark.parametrize(("make", "message"), INVALID)
def test_what_no_server_would_accept_is_refused(make: Callable[[], object], message: str) -> None:
    """A specification is checked where it is written, and the error says what is wrong."""
    with pytest.raises(InvalidSpec) as caught:
        make()

    assert message in str(caught.value)
    assert "8012" not in str(caught.value)


def test_variables_are_taken_from_a_mapping() -> None:
    """A mapping's items are the variables, in its order."""
    expected = (EnvVar("B", "1"), EnvVar("A", "2"))

    assert expected == container(env={"B": "1", "A": "2"}).env == container(env=expected).env


def test_plain_numbers_are_tcp_ports() -> None:
    """A port that is only a number is a TCP port."""
    assert (PortSpec(80, "TCP"), PortSpec(53, "UDP")) == container(
        ports=[80, PortSpec(53, "UDP")]
    ).ports


def test_a_command_may_be_one_text() -> None:
    """A text is a command without arguments, and is not cut into letters."""
    assert ("/run.sh",) == container(command="/run.sh").command
    assert ("sh", "-c", "x") == container(command=["sh", "-c", "x"]).command


def test_a_domain_may_be_one_text() -> None:
    """A text is one domain; none at all is not the same as an empty list."""
    domains = [
        ServiceUpdate(memory=512, binding_domain_name=given).binding_domain_name
        for given in ("a.cn", ["a.cn", "b.cn"], [], None)
    ]

    assert [("a.cn",), ("a.cn", "b.cn"), (), None] == domains


@pytest.mark.parametrize("memory", [512, "512", "512Mi", "0.5Gi", Memory.parse("512Mi")])
def test_memory_may_be_given_in_any_notation(memory: Memory | int | str) -> None:
    """The same amount makes the same specification."""
    assert container(memory="512Mi") == container(memory=memory)
    assert ServiceUpdate(memory="512Mi").body() == ServiceUpdate(memory=memory).body()


def test_what_is_made_of_iterators_can_be_used_twice() -> None:
    """A specification holds what it was given, even if that could be read only once."""
    spec = ServiceSpec(containers=iter([container(command=iter(["a"]), ports=iter([80]))]))

    assert 1 == len(spec.containers) == len(spec.containers[0].ports)
    assert spec == ServiceSpec(containers=[container(command=["a"], ports=[80])])
