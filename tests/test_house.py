"""The house: which room may import what, and what its door shows."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import tenx_async

ROOT = Path(tenx_async.__file__).parent

FLOORS = [
    {"errors", "clock", "telemetry"},
    {"api"},
    {"settings"},
    {"transport", "logs", "fleet", "local"},
    {"client", "sinks", "cluster"},
    {"pool", "testing"},
    {"cli"},
    {"__main__"},
]
"""From the ground up; a room imports only from floors below its own."""

EVERYWHERE = {"attrs"}

LIBRARIES = {
    "aiohttp": {"transport", "local", "pool", "sinks"},
    "cattrs": {"api"},
    "msgspec": {"logs", "api", "local", "sinks", "cluster", "cli", "fleet"},
    "platformdirs": {"settings", "cli", "fleet"},
    "yarl": {"transport"},
    "multidict": {"transport", "local"},
    "tenacity": {"transport"},
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
    "textual": {"cli"},
    "yaml": {"cli", "fleet"},
    "nats": {"cluster", "sinks"},
    "opentelemetry": {"telemetry", "sinks"},
    "requests": {"sinks"},
    "google": {"sinks"},
    "prometheus_client": {"telemetry"},
    "uvloop": {"cli"},
    "xxhash": {"logs"},
    "zstandard": {"sinks", "cli"},
    "pytest": {"testing"},
    "pytest_asyncio": {"testing"},
}
"""Libraries, and the rooms that may know of them."""

PURE = [
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "api").glob("*.py"))),
    *(f"logs/{name}.py" for name in ("calendar", "day", "delivery", "order", "schedule")),
    *(f"fleet/{name}.py" for name in ("dependencies", "difference", "inheritance", "movement")),
    *(f"fleet/{name}.py" for name in ("declared", "documents", "plan", "shapes", "values")),
    *(f"fleet/{name}.py" for name in ("choice", "failures", "planning", "progress", "waves")),
]
"""Files that decide and wait for nothing."""


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}


VERSION = "tenx_async.__version__"


@cache
def tree_of(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[str]:
    """Whatever a file imports, wherever in it, as the modules that are meant."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are absolute"
            base = node.module or ""
            names = (f"{base}.{alias.name}" for alias in node.names)
            yield from (name if name in (*MODULES, VERSION) else base for name in names)


def room_of(module: str) -> str:
    """The room that a module of this package is in."""
    return [*module.split("."), ""][1]


def floor_of(room: str) -> int:
    """How high a room lies."""
    (floor,) = (number for number, rooms in enumerate(FLOORS) if room in rooms)
    return floor


INSIDE = [module for module in MODULES if module != "tenx_async"]


def test_every_room_has_a_floor() -> None:
    """Each file and folder of the package is in the plan, once."""
    rooms = {room_of(module) for module in INSIDE}

    assert [] == sorted(rooms.difference(*FLOORS))
    assert sum(map(len, FLOORS)) == len(set().union(*FLOORS))


@pytest.mark.parametrize("module", INSIDE)
def test_imports_go_down(module: str) -> None:
    """A file imports from its own room or from floors below; from the door, only the version."""
    room = room_of(module)
    ours = {name for name in imports_of(MODULES[module]) if name.split(".")[0] == "tenx_async"}
    ours.discard(VERSION)
    upward = [
        name
        for name in sorted(ours)
        if name == "tenx_async"
        or (room_of(name) != room and floor_of(room_of(name)) >= floor_of(room))
    ]

    assert [] == upward


def test_no_imports_go_in_circles() -> None:
    """No file needs one that needs it, not even within a room."""
    left = {
        module: {name for name in imports_of(path) if name in MODULES and name != module}
        for module, path in MODULES.items()
        if module != "tenx_async"
    }
    while free := [module for module, needs in left.items() if not needs & left.keys()]:
        for module in free:
            del left[module]

    assert {} == left


@pytest.mark.parametrize("module", MODULES)
def test_libraries_stay_in_their_rooms(module: str) -> None:
    """A library is known only where it is used; another one needs a line in the table."""
    room = room_of(module)
    used = {name.split(".")[0] for name in imports_of(MODULES[module])}
    foreign = used - sys.stdlib_module_names - EVERYWHERE - {"tenx_async"}

    assert [] == [name for name in sorted(foreign) if room not in LIBRARIES.get(name, set())]


def test_only_the_local_cloud_serves() -> None:
    """The web framework belongs to the embedded server."""
    serving = {
        room_of(module)
        for module, path in MODULES.items()
        if "aiohttp.web" in set(imports_of(path)) | _names_from(path, "aiohttp")
    }

    assert serving <= {"local"}


def _names_from(path: Path, library: str) -> set[str]:
    return {
        f"{library}.{alias.name}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.module == library
        for alias in node.names
    }


@pytest.mark.parametrize("file", PURE)
def test_decisions_wait_for_nothing(file: str) -> None:
    """The protocol and the decisions are plain functions of plain values."""
    libraries = {name.split(".")[0] for name in imports_of(ROOT / file)}

    assert set() == libraries & {"asyncio", "aiohttp", "time", "random", "socket", "threading"}
    assert not [node for node in ast.walk(tree_of(ROOT / file)) if isinstance(node, ast.Await)]


def test_the_door_shows_exactly_what_is_public() -> None:
    """`__all__` is the sorted list of what the package's own modules bring to its door."""
    brought = [
        alias.asname or alias.name
        for node in ast.walk(tree_of(ROOT / "__init__.py"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tenx_async.")
        for alias in node.names
    ]

    assert sorted(set(brought)) == tenx_async.__all__


@pytest.mark.parametrize("name", tenx_async.__all__)
def test_what_is_public_is_there(name: str) -> None:
    """Each public name can be had, and is documented."""
    thing = getattr(tenx_async, name)

    assert name == getattr(thing, "__name__", name)
    assert thing.__doc__


def test_what_is_not_public_is_not_there() -> None:
    """An unknown name is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="has no attribute 'LocalClout'"):
        _ = tenx_async.LocalClout


def test_importing_the_package_imports_little() -> None:
    """A web framework, the command line and every extra wait until they are used."""
    late = ["aiohttp.web", "typer", "rich", "textual", "nats", "opentelemetry", "uvloop"]
    late += ["prometheus_client", "yaml", "tenx_async.cli", "tenx_async.local", "unittest"]
    code = f"import sys, tenx_async; print(*(set({late}) & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "" == ran.stdout.strip()


def test_the_command_line_is_no_dearer_than_it_needs() -> None:
    """The embedded server is not loaded to list services."""
    code = "import sys, tenx_async.cli; print('aiohttp.web' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == ran.stdout.strip()


def test_the_package_is_typed() -> None:
    """Type checkers of users look into the package."""
    assert (ROOT / "py.typed").is_file()
