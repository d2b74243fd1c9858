from __future__ import annotations

from tenx_async import LocalCloud
from tenx_async.local.quirks import Quirks

from .conftest import Shell, variables


async def test_services_are_waited_for_together(stranger: Shell) -> None:
    """A look at all of them is one call."""
    async with LocalCloud(quirks=Quirks(transition=0.5)) as cloud:
        for name in ("web", "api", "db"):
            cloud.add_service(name)

        ended = await stranger("wait", "web", "api", "db", **variables(cloud))

        assert cloud.requests <= 2
    assert (ended.status, ended.err) == (0, "")
    assert sorted(ended.out.splitlines()) == ["api: Running", "db: Running", "web: Running"]


async def test_a_wait_can_be_for_any_status(tenx: Shell, cloud: LocalCloud) -> None:
    """In any case."""
    cloud.add_service("web", status="Stopped")

    assert (await tenx("wait", "web", "--until", "stopped")).out == "web: Stopped\n"


async def test_a_wait_ends(tenx: Shell, cloud: LocalCloud) -> None:
    """One that is late is an error; of several it is told which ones."""
    cloud.add_service("web")
    cloud.add_service("api", status="Stopped")

    one = await tenx("wait", "api", "--timeout", "0")
    several = await tenx("wait", "web", "api", "--timeout", "0")

    assert (one.status, one.out) == (1, "")
    assert "wait api: not Running after 0 s: api is Stopped" in one.complaint
    assert (several.status, several.out) == (3, "web: Running\n")
    assert "1 of 2 not Running after 0 s: api is Stopped" in several.complaint


async def test_nobody_waits_for_what_is_not_there(tenx: Shell, cloud: LocalCloud) -> None:
    """It may be a slip."""
    cloud.add_service("web")

    ended = await tenx("wait", "web", "wbe")

    assert (ended.status, ended.out) == (1, "")
    assert "wait wbe: there is no such service" in ended.complaint
