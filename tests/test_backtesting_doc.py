"""docs/backtesting.md tells the truth: its example is run, and its arithmetic compared."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests.cli import run

DOC = Path(__file__).resolve().parents[1] / "docs" / "backtesting.md"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the files of the page into a folder and go there."""
    for name, text in re.findall(r"```csv (\S+)\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_does_what_the_page_says(example: Path) -> None:
    (command,) = re.findall(r"^\$ papertrade (.*)$", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    result = run(command.split(), {"PAPERTRADE_DB": str(example / "none.db")})
    rows = list(csv.DictReader(result.out.splitlines()))
    assert [(row["external_id"], row["exit_price"], row["realized_pnl"]) for row in rows] == [
        ("a", "103", "2.797"),
        ("b", "98", "-4.396"),
        ("c", "", "0"),
    ]
    text = DOC.read_text(encoding="utf-8")
    assert "3 − 0.1 − 0.103 = 2.797" in text
    assert "−4 − 0.2 − 0.196 = −4.396" in text
    assert not (example / "none.db").exists()


def test_the_doubt_is_as_large_as_the_page_says(example: Path) -> None:
    out = run(["backtest", "--signals", "ideas.csv", "--candles", "BTCUSDT=btc.csv"]).out
    text = DOC.read_text(encoding="utf-8")
    for label in ("Net profit", "Worst .. best", "in doubt"):
        (shown,) = re.findall(rf"^\s+{re.escape(label)}\s+(\S+(?: (?:exit|\.\. \S+))?)", out, re.MULTILINE)
        assert f"`{label} {shown}`" in text
