"""Spend no more calls a day than you allow yourself."""

import asyncio
from collections import Counter

import tenx_async as tenx


async def main() -> None:
    """Restart more services of a local cloud than a day's budget has calls."""
    async with (
        tenx.LocalCloud() as cloud,
        tenx.SessionPool(
            endpoint=cloud.endpoint,
            username=cloud.username,
            token=cloud.token,
            region="beijing1",
            limits=tenx.Limits(calls_per_day=100),
        ) as pool,
    ):
        names = [f"web-{number}" for number in range(150)]
        for name in names:
            cloud.add_service(name)

        client = pool.client()
        results: Counter[str] = Counter()
        reason: tenx.TenxError | None = None
        async for outcome in pool.run(map(client.services.calls.restart, names)):
            results[outcome.result] += 1
            reason = reason or outcome.error

        print(f"{results['applied']} applied, {results['failed']} failed: {reason}")
        if isinstance(reason, tenx.QuotaExceeded):
            print("it goes on at", reason.resumes_at)
        usage = client.usage
        print(f"{usage.calls_today} calls today, {usage.budget_left} left")
        print(f"{cloud.requests} requests came in")


if __name__ == "__main__":
    asyncio.run(main())
