"""The faults that are planted are those a hurried hand makes, and a planted one is found by the tests that reach it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.__main__ import PACKAGES, interval, packages
from tests.mutation.mutants import mutants_of

ROOT = Path(__file__).resolve().parents[2]


def faults(source: str) -> set[str]:
    raw = source.encode()
    return {mutant.applied(raw).decode() for mutant in mutants_of("a.py", raw)}


@pytest.mark.parametrize(
    ("source", "planted"),
    [
        ("a < b", {"(a <= b)"}),
        ("a < b <= c", {"(a <= b <= c)", "(a < b < c)"}),
        ("a is None", {"(a is not None)"}),
        ("a - b", {"(a + b)"}),
        ("a and not b", {"(a or not b)", "a and (b)"}),
        ("x[1:]", {"x[2:]"}),
        ("f(True)", {"pass", "f(False)"}),
        ("f(a, b=c, d=e)", {"pass", "f(a, d=e)", "f(a, b=c, )"}),
        ("f(b=c,)", {"pass", "f()"}),
        ("min(a)", {"pass", "max(a)"}),
        ("value.quantize(GRID, ROUND_CEILING)", {"pass", "value.quantize(GRID, ROUND_FLOOR)"}),
        ("Decimal('0.1')", {"pass", "(Decimal('0.1') + 1)"}),
        ("a.b = c", {"pass"}),
        ("a += 1", {"pass", "a -= 1", "a += 2"}),
        ("while a: break", {"while (not a): break", "while a: continue"}),
        ("raise E", {"pass"}),
        ("def f(): return a", {"def f(): return None"}),
        ("[x for x in y if z]", {"[x for x in y if (not z)]"}),
        ("match a:\n case B: c", {"match a:\n case B if False: c"}),
        ("match a:\n case 1 if b: c", {"match a:\n case 1 if (not b): c", "match a:\n case 2 if b: c"}),
        ("match a:\n case _: assert_never(a)", set()),
    ],
)  # fmt: skip
def test_each_fault_is_planted_alone(source: str, planted: set[str]) -> None:
    assert faults(source) == planted


@pytest.mark.parametrize(
    "source",
    [
        '"""A text."""',
        "import a",
        "a: Literal[1]",
        "a = 'text' + f'{b + 1}'",
        "__slots__ = (1,)",
        "@lru_cache(maxsize=2)\ndef f(a: int | None) -> int | None: ...",
        "if TYPE_CHECKING: a = 1",
        "logger.info(1)",
        "return_type = A | B",
    ],
)
def test_texts_annotations_decorators_and_logging_are_left_alone(source: str) -> None:
    assert faults(source) == set()


def test_a_fault_is_shown_beside_what_stands_there() -> None:
    source = "é = 1\nif a < b:\n    pass\n".encode()
    shown = [mutant.diff(source) for mutant in mutants_of("a.py", source)]
    assert shown == [
        "a.py:1 (number)\n- é = 1\n+ é = 2",
        "a.py:2 (comparison)\n- if a < b:\n+ if (a <= b):",
    ]


def test_every_fault_is_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = packages()
    assert list(found) == list(PACKAGES)
    assert all(len(mutants) >= 50 for mutants in found.values())
    sources = {mutant.path: Path(mutant.path).read_bytes() for mutants in found.values() for mutant in mutants}
    for mutants in found.values():
        for mutant in mutants[::40]:
            compile(mutant.applied(sources[mutant.path]), mutant.path, "exec")


def test_a_share_of_half_is_known_to_a_third_after_six_and_to_a_tenth_after_a_hundred() -> None:
    assert [round(bound, 2) for bound in interval(3, 6)] == [0.19, 0.81]
    assert [round(bound, 2) for bound in interval(50, 100)] == [0.40, 0.60]
    assert interval(5, 5)[1] == pytest.approx(1)


TRIED = """
from pathlib import Path
from tests.mutation.mutants import mutants_of
from tests.mutation.reach import Reach
from tests.mutation.trial import tried, warm_up

warm_up()
path = "papertrade/engine/money.py"
source = Path(path).read_bytes()
at = source.index(b"ROUND_CEILING", source.index(b"def up_to_grid"))
(fault,) = (mutant for mutant in mutants_of(path, source) if mutant.start == at)
for name in ("test_money_rounds_half_to_even_and_fees_up", "test_a_long_text_is_shown_cut"):
    test = f"tests/engine/test_money.py::{name}"
    reach = Reach({test: 1.0}, {path: {fault.line: {test}}})
    print(*(one.verdict for one in tried([fault], reach, 1)))
"""


def test_a_planted_fault_is_killed_by_the_test_that_sees_it_and_survives_the_one_that_does_not() -> None:
    done = subprocess.run([sys.executable, "-c", TRIED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["killed", "survived"]
