"""Follow the logs of many services at once, each line once."""

import asyncio

import tenx_async as tenx


async def main() -> None:
    """Write logs on a local cloud, and read them."""
    async with (
        tenx.LocalCloud() as cloud,
        tenx.Client(
            endpoint=cloud.endpoint,
            username=cloud.username,
            token=cloud.token,
            region="beijing1",
        ) as client,
    ):
        for name in ("web", "api"):
            cloud.add_service(name)
            cloud.append(name, f"{name} is up", "ready", "ready")

        async with client.follow("*", tail=None, follow=False) as lines:
            async for line in lines:
                print(line.service, line.position, line.log)
        print(f"{lines.ledger.delivered} lines in {lines.ledger.calls} calls")


if __name__ == "__main__":
    asyncio.run(main())
