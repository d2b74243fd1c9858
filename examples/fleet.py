"""Restart a fleet in waves, and learn what became of each service."""

import asyncio

import tenx_async as tenx


async def main() -> None:
    """Restart all that run on a local cloud, a tenth at a time."""
    async with (
        tenx.LocalCloud() as cloud,
        tenx.Client(
            endpoint=cloud.endpoint,
            username=cloud.username,
            token=cloud.token,
            region="beijing1",
        ) as client,
    ):
        for number in range(30):
            cloud.add_service(f"web-{number:02}")

        run = client.fleet("web-*", status="Running").restart(
            max_unavailable="10%", stable=0.1, tick=0.1
        )
        async for outcome in run:
            print(outcome.service, outcome.result)
        report = await run
        report.raise_for_failures()
        print(f"{len(report.outcomes)} restarted")


if __name__ == "__main__":
    asyncio.run(main())
