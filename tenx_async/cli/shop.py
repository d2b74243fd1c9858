"""The sample services, as specifications."""

from __future__ import annotations

import sys
from pathlib import Path

from attrs import frozen

from tenx_async.api.specs import ContainerSpec, ServiceSpec


@frozen
class Sample:
    """A sample service."""

    name: str
    rate: float
    """Lines a second of each instance."""
    instances: int = 1
    kind: str = ""
    """What it writes; by default what its name says."""

    def spec(self, tally: Path | None = None) -> ServiceSpec:
        """Specify it; `tally` is a directory where its processes note what they write."""
        script = str(Path(__file__).with_name("sample.py"))
        return ServiceSpec(
            containers=[
                ContainerSpec(
                    image=f"samples/{self.name}",
                    command=(
                        sys.executable,
                        "-I",
                        "-S",
                        script,
                        self.kind or self.name,
                        str(self.rate),
                    ),
                    env={"TENX_TALLY": str(tally / self.name)} if tally else {},
                )
            ],
            target_instance_size=self.instances,
        )


SHOP = (
    Sample("web", 6, instances=2),
    Sample("api", 3, instances=2),
    Sample("worker", 3),
    Sample("mysql", 1.5),
    Sample("cache", 2),
)
NEWCOMER = Sample("mailer", 4)
