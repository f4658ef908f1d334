"""docs/reliability.md names a test for each fault F1 to F45, and each such test exists; no target is made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| F(\d+) \| .* \| `(test_\w+)` \|$", PAGE, re.MULTILINE))
NAMED = {
    name: path
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *def (test_f\d\d_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("number", range(1, 46))
def test_each_fault_has_a_test_of_its_name(number: int) -> None:
    name = ROWS[str(number)]
    assert name.startswith(f"test_f{number:02}_")
    assert name in NAMED


def test_every_test_of_a_fault_is_in_the_table() -> None:
    assert set(NAMED) == set(ROWS.values())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/.]+)`", PAGE))))
def test_what_the_page_points_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w+)", PAGE))))
def test_each_target_is_one(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
