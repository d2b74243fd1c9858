"""An application: restarts what is not well, and notes what the logs say about it."""

from __future__ import annotations

import tenx_async as tenx


async def restart_unwell(client: tenx.Client) -> list[str]:
    """Restart every service that is neither running nor stopped on purpose; tell which."""
    unwell = [
        service.name
        for service in await client.services.list()
        if not (service.has_status("Running") or service.has_status("Stopped"))
    ]
    for name in unwell:
        await client.services.stop(name)
        await client.services.wait(name, "Stopped")
        await client.services.start(name)
    return unwell


async def errors_of(client: tenx.Client, service: str) -> list[str]:
    """The error lines that a service has written so far."""
    async with client.follow(service, tail=None, follow=False) as lines:
        return [line.log async for line in lines if "ERROR" in line.log]
