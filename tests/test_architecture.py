"""The house keeps its shape: sizes, names, and the seams through which time, chance and the network come in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import papertrade

ROOT = Path(papertrade.__file__).resolve().parent
MODULES = sorted(ROOT.rglob("*.py"))
DRAWERS = {"utils", "util", "helpers", "common", "misc", "manager", "service"}

SEAMS: dict[str, set[str]] = {
    "time.time": set(),
    "time.time_ns": {"runs/clock.py"},
    "time.monotonic": {"runs/clock.py"},
    "time.sleep": {"runs/clock.py"},
    "datetime.now": set(),
    "datetime.today": set(),
    "datetime.utcnow": set(),
    "date.today": set(),
    "random.random": set(),
    "uuid.uuid4": set(),
    "httpx.get": set(),
    "httpx.Client": set(),
    "sqlite3.connect": {"store/database.py", "store/backup.py"},
    "yaml.load": set(),
    "yaml.unsafe_load": set(),
    "pickle.loads": set(),
    "os._exit": {"runs/stop_signals.py"},
    "sys.exit": {"cli.py", "__main__.py"},
}
"""Calls that reach the world, and the only files that may make them."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name):
                yield f"{owner.id}.{node.func.attr}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_is_a_room_and_not_a_hall(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    assert path.stem not in DRAWERS
    assert ast.get_docstring(ast.parse(text)) is not None


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_fits_a_screen(path: Path) -> None:
    long = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in functions(ast.parse(path.read_text(encoding="utf-8")))
        if (node.end_lineno or 0) - node.lineno + 1 > 60
    ]
    assert long == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_world_comes_in_through_its_seams(path: Path) -> None:
    found = [
        call
        for call in calls(ast.parse(path.read_text(encoding="utf-8")))
        if name_of(path) not in SEAMS.get(call, {name_of(path)})
    ]
    assert found == []


@pytest.mark.parametrize("path", [p for p in MODULES if name_of(p).startswith("engine/")], ids=name_of)
def test_the_engine_has_no_float(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    literals = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "float"]
    assert (literals, names) == ([], [])
