"""What `import papertrade` promises: the names, nothing loaded before its time, types, the page, the example."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import papertrade
from tests.api.files import write_files

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "python-api.md"
TEXT = PAGE.read_text(encoding="utf-8")
FUNCTIONS = [name for name in papertrade.__all__ if inspect.isfunction(getattr(papertrade, name))]
CLASSES = ["Backtest", "CandleSeries", "Signal", "SweepResult", "Trade"]

HEAVY = ("typer", "rich", "sqlmodel", "sqlalchemy", "httpx", "sqlite3", "yaml", "tenacity", "joblib", "distributed")

SCRIPT = """
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

import papertrade
from papertrade import Backtest, CandleSeries, Signal, SweepResult, Trade
from papertrade import backtest, candles_from, load_candles, load_signals, signal, sweep


def net(trade: Trade) -> Decimal:
    return trade.realized


def ideas(candles: CandleSeries) -> list[Signal]:
    made = papertrade.signal(candles.symbol, "long", time=candles.first_ms, stop="2%", take_profit=["2R:0.5", "4R:0.5"])
    return [made, signal("ETHUSDT", "short", time=datetime(2018, 6, 1, tzinfo=UTC), entry=Decimal("1.5"), size=0.5)]


def main() -> None:
    candles = load_candles("BTCUSDT.csv", interval="1m", cache=False)
    column, exact = np.array([1.0, 2.0]), [Decimal(1), Decimal(2)]
    other = candles_from("ETHUSDT", [1527811200000, 1527811260000], column, column, exact, ("1", "2"))
    result: Backtest = backtest([*ideas(candles), *load_signals("a.csv")], [candles, other], fee_rate=0.001)
    total: Decimal = sum((net(trade) for trade in result.trades), Decimal(0))
    found: SweepResult = sweep(ideas(candles), candles, stop=[1, None], hold="4h", cash="5000", start="2018-06-01")
    print(total, result.metrics.risk.sharpe.value, found.best[0].combination.stop, result.equity.at_ms[-1])
"""

WRONG = """
import papertrade
from papertrade import backtest, nonsense
papertrade.signal("BTCUSDT", "long")
backtest([], [], cahs=1)
"""


def run_python(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def test_every_public_name_comes_and_is_named() -> None:
    assert sorted(papertrade.__all__) == papertrade.__all__
    assert set(papertrade.__all__) <= set(dir(papertrade))
    assert [name for name in papertrade.__all__ if not hasattr(papertrade, name)] == []
    with pytest.raises(AttributeError, match="module `papertrade` has no attribute `nonsense`"):
        _ = papertrade.nonsense  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing(tmp_path: Path) -> None:
    code = "import sys; before = set(sys.modules); import papertrade; print(sorted(set(sys.modules) - before))"
    assert run_python("-c", code, cwd=tmp_path).stdout == "['papertrade']\n"


def test_a_backtest_loads_no_database_no_network_and_no_terminal(tmp_path: Path) -> None:
    candles, signals = write_files(tmp_path)
    code = (
        "import sys; from papertrade import *; "
        f"c, s = load_candles({str(candles)!r}, cache={str(tmp_path)!r}), load_signals({str(signals)!r}); "
        "backtest(s, c).summary(); sweep(s, c, take_profit='1:2:1', stop=1); "
        "signal('BTCUSDT', 'long', time=1527811200000); "
        "print(sorted({name.partition('.')[0] for name in sys.modules})); "
        "print(sorted(name for name in sys.modules if name.startswith('papertrade.')))"
    )
    done = run_python("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    top, ours = done.stdout.splitlines()
    assert [name for name in HEAVY if f"'{name}'" in top] == []
    rooms = {name.split(".")[1] for name in re.findall(r"'(papertrade\.[\w.]+)'", ours)}
    assert rooms == {"api", "engine", "errors", "feeds", "formula_cells", "reports", "runs", "text_nodes"}


def test_a_users_script_passes_the_strictest_type_checker(tmp_path: Path) -> None:
    script, wrong = tmp_path / "script.py", tmp_path / "wrong.py"
    script.write_text(SCRIPT)
    wrong.write_text(WRONG)
    options = ("-m", "mypy", "--strict", "--no-error-summary", "--hide-error-codes", "--config-file", "")
    cache = ROOT / ".mypy_cache" / "scripts"
    done = run_python(*options, "--cache-dir", str(cache), str(script), str(wrong), cwd=ROOT)
    # Only these two files: a path in mypy's cache may be that of an earlier run.
    assert re.findall(r"(script|wrong)\.py:(\d+: error: .*)", done.stdout) == [
        ("wrong", '3: error: Module "papertrade" has no attribute "nonsense"'),
        ("wrong", '4: error: Missing named argument "time" for "signal"'),
        ("wrong", '5: error: Unexpected keyword argument "cahs" for "backtest"'),
    ]


def test_the_page_has_every_public_name() -> None:
    headings = re.findall(r"^###? (\w+)$", TEXT, re.MULTILINE)
    assert [name for name in papertrade.__all__ if name not in headings] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_page_has_each_signature(name: str) -> None:
    signature = inspect.signature(getattr(papertrade, name))
    bare = signature.replace(
        parameters=[p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    written = re.search(rf"```text\n({name}\(.*?)\n```", TEXT, re.DOTALL)
    assert written is not None
    assert " ".join(written[1].split()) == f"{name}{bare}"


@pytest.mark.parametrize("name", CLASSES)
def test_the_page_names_attributes_that_are_there(name: str) -> None:
    section = TEXT.split(f"### {name}\n", 1)[1].split("\n#", 1)[0]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    named = [attribute for cell in cells for attribute in re.findall(r"`(\w+)`", cell)]
    owner = getattr(papertrade, name)
    assert len(named) >= 6
    assert [attribute for attribute in named if not hasattr(owner, attribute)] == []


def test_the_page_names_all_of_what_is_ours_alone() -> None:
    section = TEXT.split("### Backtest\n", 1)[1].split("\n#", 1)[0]
    public = [name for name in vars(papertrade.Backtest) if not name.startswith("_")]
    assert [name for name in public if f"| `{name}` |" not in section] == []


def snippets() -> Iterator[str]:
    return iter(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))


def test_the_snippets_of_the_page_run(tmp_path: Path) -> None:
    write_files(tmp_path)
    (tmp_path / "page.py").write_text("\n".join(snippets()))
    environment = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "page.py"],
        cwd=tmp_path,
        env={"XDG_CACHE_HOME": str(environment), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].endswith("signals refused")
    assert lines[-1].startswith("bad_input_file ")


def test_the_example_is_short_and_runs(tmp_path: Path) -> None:
    script = ROOT / "examples" / "api.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) < 20
    candles, signals = write_files(tmp_path)
    done = subprocess.run(
        [sys.executable, str(script), str(candles), str(signals)],
        cwd=tmp_path,
        env={"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.match(r"\d+ trades closed, \d+ won", lines[0])
    assert re.match(r"1 long \d+", lines[-4])
    assert re.fullmatch(r"best of 60: target [\d.]+ %, stop [\d.]+ %", lines[-1])
