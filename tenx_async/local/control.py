"""The cloud's own endpoint beside the API: its quirks, its faults, and what really happened."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl

from attrs import asdict, define

from tenx_async.local import checks, quirks
from tenx_async.local.calendar import Conditions
from tenx_async.local.faults import read_faults
from tenx_async.local.operations import Call, Operations
from tenx_async.local.quirks import Quirks
from tenx_async.local.refusal import Refusal
from tenx_async.local.reply import Reply, as_json


@define
class Control:
    """Answers what is asked of the cloud itself."""

    operations: Operations
    seen: Counter[str]
    """Requests by operation."""

    def answer(self, operation: str, call: Call) -> Reply:
        """Carry out what is asked.

        Raises:
            Refusal: it cannot be.
            ConfigurationError: there are no such quirks or faults.
        """
        reply: Reply = getattr(self, f"_{operation}")(call)
        return reply

    def _show_quirks(self, _: Call) -> Reply:
        return as_json(quirks.as_json(self._conditions.quirks))

    def _set_quirks(self, call: Call) -> Reply:
        self._conditions.quirks = Quirks().changed(checks.document(call.body))
        return self._show_quirks(call)

    def _change_quirks(self, call: Call) -> Reply:
        changes = checks.document(call.body)
        self._conditions.quirks = self._conditions.quirks.changed(changes)
        return self._show_quirks(call)

    def _show_faults(self, _: Call) -> Reply:
        return as_json(self._conditions.faults.as_json())

    def _set_faults(self, call: Call) -> Reply:
        self._conditions.faults = read_faults(checks.document(call.body))
        return self._show_faults(call)

    def _truth(self, _: Call) -> Reply:
        executions = self.operations.registry.executions
        return as_json(
            {
                "requests": self.seen,
                "executions": [asdict(execution) for execution in executions],
                "executed": Counter(f"{each.operation} {each.service}" for each in executions),
                "most_away": self.operations.runtime.most_away,
            }
        )

    def _logged(self, call: Call) -> Reply:
        asked = dict(parse_qsl(call.query))
        if "service" not in asked:
            raise Refusal(400, "give service=…, and maybe region=… and date=…")
        region = asked.get("region", self.operations.registry.regions[0])
        service, _ = self.operations.found(region, asked["service"])
        day = checks.window(call.query, self.operations.calendar.today()).day
        return as_json(service.logbook.day(day).lines())

    @property
    def _conditions(self) -> Conditions:
        return self.operations.calendar.conditions
