"""Restart many services at once, and learn what became of each."""

import asyncio

import tenx_async as tenx


async def main() -> None:
    """Restart services of a local cloud."""
    async with (
        tenx.LocalCloud() as cloud,
        tenx.SessionPool(
            endpoint=cloud.endpoint,
            username=cloud.username,
            token=cloud.token,
            region="beijing1",
        ) as pool,
    ):
        for name in ("web", "api", "mysql"):
            cloud.add_service(name)

        calls = pool.client().services.calls
        restarts = [calls.restart(name) for name in ("web", "api", "mysql", "nosuch")]
        async for outcome in pool.run(restarts):
            print(outcome.service, outcome.result, outcome.error or "")


if __name__ == "__main__":
    asyncio.run(main())
