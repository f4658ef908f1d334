"""`demo`: the main job on the bundled tape, by the real commands, in a database of its own."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import cast

import pytest

import papertrade
from papertrade.errors import Json
from papertrade.runs.clock import SystemClock
from tests.cli import run

TAPE = Path(papertrade.__file__).parent / "demo_tape"


def test_the_main_job_is_done_before_your_eyes(tmp_path: Path) -> None:
    result = run(["demo"], {"PAPERTRADE_DB": str(tmp_path / "mine.db"), "HOME": str(tmp_path)})
    assert result.code == 0, result.err
    typed = [line.removeprefix("$ papertrade ") for line in result.out.splitlines() if line.startswith("$ ")]
    assert typed == [
        "signal import signals.csv",
        "open --new",
        "open demo:1",
        "watch --interval 60 --for 210m",
        "trades",
        "portfolio",
        "metrics",
        "equity",
        "check",
    ]
    assert "synthetic" in result.out.splitlines()[0]
    assert "error: signal `demo:1` already has trade `1`" in result.out
    assert "everything agrees" in result.out
    summary = result.out[result.out.index("What it came to") :].splitlines()
    assert [line.split("  ")[0] for line in summary[3:5]] == ["stop loss", "take profit"]
    assert summary[-2].startswith("Win rate 75.00%  (3 won, 1 lost), 1 still open, equity 100")
    assert list(tmp_path.iterdir()) == []


def test_the_same_every_time() -> None:
    first, second = run(["demo"]), run(["demo"])
    assert _without_paths(first.out) == _without_paths(second.out)


def _without_paths(text: str) -> list[str]:
    return [line for line in text.splitlines() if "papertrade-demo-" not in line]


def test_one_envelope() -> None:
    result = run(["demo", "--json"])
    data = cast("dict[str, Json]", result.envelope["data"])
    assert (result.code, result.err) == (0, "")
    assert list(data) == [
        "synthetic",
        "import",
        "open",
        "duplicate",
        "trades",
        "portfolio",
        "metrics",
        "equity",
        "check",
    ]
    assert cast("dict[str, Json]", data["duplicate"])["code"] == "duplicate_trade"
    trades = cast("list[dict[str, Json]]", cast("dict[str, Json]", data["trades"])["items"])
    assert sorted(str(trade["exit_reason"]) for trade in trades if trade["status"] == "closed") == [
        "stop_loss",
        "take_profit",
        "take_profit",
        "take_profit",
    ]
    statistics = cast("dict[str, Json]", cast("dict[str, Json]", data["metrics"])["trading_statistics"])
    assert statistics["win_rate_percent"] == "75.00"
    assert cast("dict[str, Json]", data["check"])["sound"] is True


def test_it_plays_as_fast_as_told() -> None:
    began = time.monotonic()
    assert run(["demo", "--speed", "20000", "-q"], clock=SystemClock()).code == 0
    assert 0.6 < time.monotonic() - began < 60


@pytest.mark.parametrize("speed", ["0", "-1", "1000001"])
def test_a_speed_that_makes_no_sense(speed: str) -> None:
    result = run(["demo", "--speed", speed])
    assert (result.code, result.err) == (2, f"error: --speed `{speed}` is not from 1 to 1000000\n")


def test_the_users_settings_do_not_matter(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("nonsense: true\n")
    env = {"PAPERTRADE_CONFIG": str(config), "PAPERTRADE_LEVERAGE": "50", "PAPERTRADE_ACCOUNT": "other"}
    assert run(["demo", "-q"], env).code == 0


def test_the_tape_is_what_the_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("maker", TAPE.parents[1] / "scripts" / "make_demo_tape.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    import gzip

    content = gzip.decompress((TAPE / "candles.csv.gz").read_bytes()).decode()
    assert content == "\n".join(maker.rows()) + "\n"
    assert (TAPE / "candles.csv.gz").stat().st_size < 100_000
