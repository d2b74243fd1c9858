from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession

from tenx_async.errors import ConfigurationError
from tenx_async.local import LocalCloud, Quirks, quirks

from .conftest import Answer, Caller, Noon, vendor

Act = Callable[[LocalCloud, Caller, Noon], Any]
DAY = "2015.12.29"


@pytest.fixture
async def cloud(noon: Noon) -> AsyncIterator[LocalCloud]:
    async with LocalCloud(clock=noon) as cloud:
        yield cloud


async def page(call: Caller, query: str = "", *, path: str = "web/logs") -> list[str]:
    """The texts of a page."""
    answer = await call.service("GET", f"{path}?date={DAY}{query}")
    return [each if isinstance(each, str) else each["log"] for each in answer.json]


async def get_page(_: LocalCloud, call: Caller, __: Noon) -> list[str]:
    return await page(call, "&from=1&size=2")


async def get_instance_page(_: LocalCloud, call: Caller, __: Noon) -> list[str]:
    return await page(call, "&from=1&size=2", path="web/instances/web-1/logs")


async def get_past_the_end(_: LocalCloud, call: Caller, __: Noon) -> list[list[str]]:
    return [await page(call, "&from=4&size=9"), await page(call, "&from=5&size=9")]


async def get_whole_day_twice(_: LocalCloud, call: Caller, __: Noon) -> list[str]:
    return ["".join(await page(call)) for _ in range(2)]


async def get_parts_of_both_replicas(_: LocalCloud, call: Caller, __: Noon) -> list[str]:
    cuts = ("&from=0&size=1", "&from=0&size=1", "&from=1&size=3", "&from=1&size=3")
    return ["".join(await page(call, cut)) for cut in cuts]


async def get_in_two_windows(_: LocalCloud, call: Caller, __: Noon) -> list[int]:
    answers = [
        await call.service("GET", f"web/logs?date={DAY}&from={start}&size=2") for start in (2, 3)
    ]
    assert "Result window is too large" in answers[1].text
    return [answer.status for answer in answers]


async def get_missing_day(_: LocalCloud, call: Caller, __: Noon) -> tuple[int, Any]:
    answer = await call.service("GET", "web/logs?date=2015.12.30")
    return answer.status, answer.json if answer.status == 200 else None


async def get_today(cloud: LocalCloud, call: Caller, noon: Noon) -> list[str]:
    noon.advance(hours=6)
    cloud.append("web", "evening")
    queries = ("date=2015.12.29", "date=2015.12.30", "size=9")
    answers = [await call.service("GET", f"web/logs?{query}") for query in queries]
    return [query for query, each in zip(queries, answers, strict=True) if "evening" in each.text]


async def restart_and_delete(_: LocalCloud, call: Caller, __: Noon) -> list[tuple[str, str]]:
    answers = [await call.service("PUT", "web/restart"), await call.service("DELETE", "web")]
    assert [200, 200] == [answer.status for answer in answers]
    return [(answer.content_type, answer.text) for answer in answers]


async def get_unknown(_: LocalCloud, call: Caller, __: Noon) -> tuple[str, Any]:
    answer = await call.service("GET", "other")
    assert 404 == answer.status
    assert "other" in answer.text
    return answer.content_type, answer.json or answer.text.split("\r\n<")[0][:14]


async def get_old_names(_: LocalCloud, call: Caller, __: Noon) -> list[Any]:
    await call.service("POST", "db", json=vendor("service"))
    shown = (await call.service("GET", "db")).json
    mapping = shown["ports_mapping"][0]
    return [
        *(mapping["containerPort"], mapping["service_url"], mapping["service_port"]),
        *(shown["volumes"][0]["is_ready_only"], shown["target_instance_size"]),
        shown["containers"][0]["ports"],
    ]


async def get_list(_: LocalCloud, call: Caller, __: Noon) -> list[Any]:
    listed = (await call("GET", "/v1/regions/beijing1/services")).json
    return [type(listed).__name__, [each["region"] for each in listed], len(listed[0]["services"])]


async def get_memory(_: LocalCloud, call: Caller, __: Noon) -> list[str]:
    shown = []
    for amount in ("1024Mi", "1536Mi", "2097152Mi"):
        body = {"containers": [{"resource": {"limits": {"memory": amount}}}]}
        assert 200 == (await call.service("PUT", "web", json=body)).status
        container = (await call.service("GET", "web")).json["containers"][0]
        shown.append(container["resources"]["limits"]["memory"])
    return shown


async def get_volumes(_: LocalCloud, call: Caller, __: Noon) -> list[str]:
    await call.service("POST", "db", json=vendor("service"))
    await call.service("POST", "plain", json={"containers": [{"image": "x"}]})
    shown = [(await call.service("GET", name)).json for name in ("db", "plain")]
    assert shown[0]["containers"][0]["volumeMounts"][-1]["name"] == "tenxcloud-time-zone"
    return [volume["name"] for each in shown for volume in each["volumes"]]


async def get_addresses(_: LocalCloud, call: Caller, __: Noon) -> list[str]:
    await call.service("POST", "db", json=vendor("service"))
    shown = (await call.service("GET", "db")).json
    return [shown["default_domain_name"], shown["port_mappings"][0]["service_url"]]


async def call_over_quota(_: LocalCloud, call: Caller, noon: Noon) -> list[int]:
    statuses = [(await call.service("GET", "web")).status for _ in range(3)]
    noon.advance(hours=12)
    return [*statuses, (await call.service("GET", "web")).status]


async def call_over_rate(_: LocalCloud, call: Caller, noon: Noon) -> list[tuple[int, str | None]]:
    answers: list[Answer] = []
    for pause in (0, 0, 0, 0.4, 0.1, 0):
        noon.advance(seconds=pause)
        answers.append(await call.service("GET", "web"))
    return [(answer.status, answer.headers.get("Retry-After")) for answer in answers]


async def restart_slowly(cloud: LocalCloud, call: Caller, noon: Noon) -> list[str]:
    await call.service("PUT", "web/restart")
    seen = []
    for pause in (0, 9.9, 0.1):
        noon.advance(seconds=pause)
        seen.append(cloud.service("web")["status"])
    return seen


async def get_crashing(cloud: LocalCloud, call: Caller, _: Noon) -> list[str]:
    cloud.add_service("api")
    await call.service("PUT", "web/restart")
    seen = [cloud.service(name)["status"] for name in ("web", "api")]
    await call.service("PUT", "web/stop")
    return [*seen, cloud.service("web")["status"]]


TEXT, JSON, PAGE = "text/plain", "application/json", "text/html"
DELETED = "Service was deleted successfully"
RATE = {"calls_per_second": 2, "burst": 2}

TABLE: list[tuple[dict[str, Any], Act, Any]] = [
    ({"log_order": "oldest-first"}, get_page, ["b", "c"]),
    ({"log_order": "oldest-first"}, get_past_the_end, [["e"], []]),
    ({"log_order": "newest-first"}, get_page, ["d", "c"]),
    ({"log_order": "newest-first"}, get_past_the_end, [["a"], []]),
    ({"log_order": "newest-first"}, get_instance_page, ["d", "c"]),
    ({"log_order": "newest-page"}, get_page, ["c", "d"]),
    ({"log_order": "newest-page"}, get_past_the_end, [["a"], []]),
    ({"swap_ties": False}, get_whole_day_twice, ["abcde", "abcde"]),
    ({"swap_ties": True}, get_whole_day_twice, ["abcde", "badce"]),
    ({"swap_ties": True}, get_parts_of_both_replicas, ["a", "b", "bcd", "adc"]),
    ({"swap_ties": True, "log_order": "newest-first"}, get_whole_day_twice, ["edcba", "ecdab"]),
    ({"partial_every": 2}, get_whole_day_twice, ["abcde", "acde"]),
    ({"size_cap": 1}, get_page, ["b"]),
    ({"size_cap": 1, "log_order": "newest-page"}, get_page, ["d"]),
    ({"window_limit": 4}, get_in_two_windows, [200, 400]),
    ({"window_limit": 4, "window_status": 500}, get_in_two_windows, [200, 500]),
    ({"missing_day": "empty"}, get_missing_day, (200, [])),
    ({"missing_day": "null"}, get_missing_day, (200, None)),
    ({"missing_day": "404"}, get_missing_day, (404, None)),
    ({"missing_day": "500"}, get_missing_day, (500, None)),
    ({"day_zone": 8}, get_today, ["date=2015.12.30", "size=9"]),
    ({"day_zone": 5.5}, get_today, ["date=2015.12.29", "size=9"]),
    ({"success_body": "documented"}, restart_and_delete, [(TEXT, ""), (TEXT, DELETED)]),
    ({"success_body": "text"}, restart_and_delete, [(TEXT, "OK"), (TEXT, DELETED)]),
    (
        {"success_body": "json"},
        restart_and_delete,
        [(JSON, '{"message":"OK"}'), (JSON, f'{{"message":"{DELETED}"}}')],
    ),
    ({"success_body": "empty"}, restart_and_delete, [(TEXT, ""), (TEXT, "")]),
    (
        {"error_body": "message"},
        get_unknown,
        (JSON, {"message": "there is no service 'other' in region 'beijing1'"}),
    ),
    (
        {"error_body": "error"},
        get_unknown,
        (
            JSON,
            {"error": "Not Found", "details": "there is no service 'other' in region 'beijing1'"},
        ),
    ),
    (
        {"error_body": "status"},
        get_unknown,
        (
            JSON,
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": "there is no service 'other' in region 'beijing1'",
                "reason": "NotFound",
                "code": 404,
            },
        ),
    ),
    ({"error_body": "text"}, get_unknown, (TEXT, "there is no se")),
    ({"error_body": "html"}, get_unknown, (PAGE, "<html>")),
    (
        {"old_names": True},
        get_old_names,
        [
            *(3306, "db-demo.tenxapp.com", "50000", False, "1"),
            [{"containerPort": 3306, "protocol": "TCP"}],
        ],
    ),
    ({"old_list": True}, get_list, ["list", ["beijing1"], 1]),
    ({"memory_reworded": False}, get_memory, ["1024Mi", "1536Mi", "2097152Mi"]),
    ({"memory_reworded": True}, get_memory, ["1Gi", "1536Mi", "2Ti"]),
    ({"time_zone_volume": True}, get_volumes, ["volume-name1", "tenxcloud-time-zone"]),
    ({"no_ports": True}, get_addresses, ["db-demo.tenxapp.com"] * 2),
    ({"calls_per_day": 2}, call_over_quota, [200, 200, 403, 200]),
    ({"calls_per_day": 2, "quota_status": 429}, call_over_quota, [200, 200, 429, 200]),
    (
        RATE,
        call_over_rate,
        [(200, None), (200, None), (429, "1"), (429, "1"), (200, None), (429, "1")],
    ),
    (RATE | {"burst": 5}, call_over_rate, [(200, None)] * 6),
    (
        RATE | {"retry_after": False},
        call_over_rate,
        [(200, None), (200, None), (429, None), (429, None), (200, None), (429, None)],
    ),
    ({"transition": 10}, restart_slowly, ["Restarting", "Restarting", "Running"]),
    ({"transition": 0}, restart_slowly, ["Running"] * 3),
    ({"crash_loops": ("w*",)}, get_crashing, ["Deploying", "Running", "Stopped"]),
]
ELSEWHERE = {"flush_every", "refresh_every"}
"""Tested by what they do to lines as time passes."""


@pytest.mark.parametrize(
    "row",
    TABLE,
    ids=[f"{' '.join(f'{k}={v}' for k, v in q.items())} {a.__name__}" for q, a, _ in TABLE],
)
async def test_a_quirk_does_what_it_says(
    cloud: LocalCloud, call: Caller, noon: Noon, row: tuple[dict[str, Any], Act, Any]
) -> None:
    """Each quirk, set while the cloud runs, shows in the replies."""
    given, act, expected = row
    cloud.add_service("web")
    cloud.append("web", *"abcde", instance="web-1")
    cloud.quirks = Quirks(**given)

    assert expected == await act(cloud, call, noon)


def test_every_quirk_is_in_the_table() -> None:
    """No quirk is without its test."""
    tested = {name for given, _, _ in TABLE for name in given} | ELSEWHERE

    assert tested == {f.name for f in attrs.fields(Quirks)}


def test_the_documentation_has_the_table_of_the_code() -> None:
    """The room's README shows every quirk as the code describes it."""
    readme = Path(quirks.__file__).with_name("README.md").read_text(encoding="utf-8")

    assert quirks.table() in readme


@pytest.mark.parametrize("success_body", ["documented", "text", "json", "empty"])
async def test_a_create_always_shows_the_service(
    cloud: LocalCloud, call: Caller, success_body: Any
) -> None:
    """The wording of a success is a matter of the other writes."""
    cloud.quirks = Quirks(success_body=success_body)

    answer = await call.service("POST", "web", json=vendor("service"))

    assert "web" == answer.json["name"]


OWN = {"memory": "lots", "service_url": 5, "default_domain_name": [], "target_instance_size": {}}


@pytest.mark.parametrize("name", ["old_names", "old_list", "memory_reworded", "no_ports"])
async def test_a_users_own_fields_are_shown_as_they_were_sent(
    cloud: LocalCloud, call: Caller, name: str
) -> None:
    """Whatever they are called, and whatever spelling is on."""
    cloud.quirks = Quirks().changed({name: True})
    body = {"containers": [{"image": "x"}], "labels": OWN, "services": 1}

    created = await call.service("POST", "web", json=body)

    assert OWN == created.json["labels"] == (await call.service("GET", "web")).json["labels"]
    assert 200 == (await call("GET", "/v1/regions/beijing1/services")).status


async def test_a_refused_call_costs_nothing(cloud: LocalCloud, call: Caller, noon: Noon) -> None:
    """Who is refused by the rate may come again when it has given a call back."""
    cloud.add_service("web")
    cloud.quirks = Quirks(calls_per_second=1, burst=1)
    statuses = [(await call.service("GET", "web")).status for _ in range(20)]
    noon.advance(seconds=1)

    assert [200, 429, 200] == [*statuses[:2], (await call.service("GET", "web")).status]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nothing": 1},
        {"log_order": "random"},
        {"size_cap": -1},
        {"burst": 0},
        {"window_status": 404},
        {"day_zone": 24},
        {"transition": "inf"},
        {"flush_every": "nan"},
        {"old_list": "perhaps"},
    ],
)
async def test_a_wrong_quirk_is_refused_by_its_name(
    cloud: LocalCloud, call: Caller, wrong: dict[str, Any]
) -> None:
    """Neither Python nor the control endpoint takes what is no quirk."""
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=name):
        Quirks().changed(wrong)

    answer = await call("PATCH", "/_control/quirks", json=wrong)

    assert 400 == answer.status
    assert name in answer.json["message"]
    assert Quirks() == cloud.quirks


def test_a_wrong_value_in_python_is_refused_by_the_cloud() -> None:
    """A value that a type checker would have refused, the cloud refuses."""
    with pytest.raises(ConfigurationError, match="log_order"):
        LocalCloud(quirks=Quirks(log_order="up"))  # type: ignore[arg-type]  # is wrong on purpose


async def test_quirks_are_changed_over_the_control_endpoint(
    cloud: LocalCloud, call: Caller
) -> None:
    """PATCH changes some, PUT sets all, GET shows them; no call of it is counted."""
    answers = [
        await call("PATCH", "/_control/quirks", json={"size_cap": 3}),
        await call("PATCH", "/_control/quirks", json={"log_order": "newest-page"}),
        await call("GET", "/_control/quirks"),
    ]
    expected = quirks.as_json(Quirks(size_cap=3, log_order="newest-page"))
    assert expected | {"crash_loops": []} == answers[2].json
    assert answers[1].json == answers[2].json

    await call("PUT", "/_control/quirks", json={"window_limit": 9})

    assert Quirks(window_limit=9) == cloud.quirks
    assert 0 == cloud.requests


@pytest.mark.parametrize("path", ["quirks", "faults", "truth", "log?service=web"])
async def test_the_control_endpoint_asks_for_the_token(cloud: LocalCloud, path: str) -> None:
    """Nobody else turns the switches, or reads what was logged."""
    async with ClientSession(cloud.endpoint) as session:
        assert 401 == (await Caller(session)("GET", f"/_control/{path}")).status


def test_the_moment_of_a_line_decides_its_day(noon: Noon) -> None:
    """The day of a log begins at midnight of its zone."""
    cloud = LocalCloud(clock=noon, quirks=Quirks(day_zone=-13))
    cloud.add_service("web")
    cloud.append("web", "line")

    assert ["line"] == [line.log for line in cloud.log("web", date=dt.date(2015, 12, 28))]
