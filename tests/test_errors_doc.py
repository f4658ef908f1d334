"""docs/errors.md and docs/exit-codes.md name every code that the program can end with, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import papertrade
from papertrade import cli, errors
from papertrade.errors import PapertradeError

ROOT = Path(papertrade.__file__).resolve().parent
DOCS = ROOT.parent / "docs"
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ERROR_ROWS = ROW.findall((DOCS / "errors.md").read_text(encoding="utf-8"))
EXIT_ROWS = re.findall(
    r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", (DOCS / "exit-codes.md").read_text(encoding="utf-8"), re.MULTILINE
)


def constants(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can be: one, or both of a choice."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from constants(node.body)
            yield from constants(node.orelse)


def takers_of_a_code(tree: ast.AST) -> dict[str, int]:
    """Return the functions with a parameter `code`, and its place among the arguments of a call."""
    found = {"Refusal": 0}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [a.arg for a in node.args.args if a.arg not in ("self", "cls")]
            found |= {node.name: names.index("code")} if "code" in names else {}
    return found


def codes_in(tree: ast.AST) -> Iterator[str]:
    takers = takers_of_a_code(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                for keyword in node.keywords:
                    yield from constants(keyword.value) if keyword.arg == "code" else ()
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                place = takers.get(name, len(node.args))
                for argument in node.args[place : place + 1]:
                    yield from constants(argument)
            case (
                ast.Assign(targets=[ast.Name(id="code")], value=value)
                | ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value)
            ):
                yield from constants(value)


def codes_of_the_program() -> dict[str, str]:
    """Return every code in the source, with a file that has it."""
    return {
        code: path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.rglob("*.py"))
        for code in codes_in(ast.parse(path.read_text(encoding="utf-8")))
    }


def classes(of: type[PapertradeError]) -> Iterator[type[PapertradeError]]:
    yield of
    for below in of.__subclasses__():
        yield from classes(below)


def test_every_code_is_documented_and_no_other() -> None:
    used = codes_of_the_program()
    documented = [code for code, *_ in ERROR_ROWS]
    assert sorted(documented) == sorted(set(documented))
    assert set(used) - {"error"} == set(documented), {code: used.get(code) for code in set(used) ^ set(documented)}


def test_each_code_says_what_it_means_and_what_to_do() -> None:
    assert all(len(meaning.strip()) > 10 and len(advice.strip()) > 5 for _, _, meaning, advice in ERROR_ROWS)


@pytest.mark.parametrize("kind", [kind for kind in classes(PapertradeError) if kind.__module__ == errors.__name__])
def test_the_exit_code_of_each_class_is_the_documented_one(kind: type[PapertradeError]) -> None:
    documented = {code: int(exit_code) for code, exit_code, *_ in ERROR_ROWS}
    assert documented.get(kind.code, kind.exit_code) == kind.exit_code


def test_the_exit_codes_are_those_of_the_program() -> None:
    documented = {int(code) for code, *_ in EXIT_ROWS}
    own = {cli.EXIT_OUTPUT, cli.EXIT_INTERRUPTED, cli.EXIT_BROKEN_PIPE}
    known = {kind.exit_code for kind in classes(PapertradeError)}
    assert documented == known | own | {0}
    assert {int(exit_code) for _, exit_code, *_ in ERROR_ROWS} <= documented
