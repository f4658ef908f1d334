"""`backtest --preset` and `sweep --preset`: what a preset fills in, and that a saved run keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.backtest_files import HEADER, Folder, at_minute, signals_text

CONFIG = """\
presets:
  runner: {sl: 2%, tp: ["1R:0.5", "2R:0.5"], after_tp1: be, size: 2, guards: {max_open: 1}}
  short_lived: {expires: 3m, notional: 500}
"""
SPARSE = ("bare,0,BTCUSDT,long,,,,,", "own,6,BTCUSDT,long,,,97.5,103,1")
FULL = ("bare,0,BTCUSDT,long,,,2%;be,1R:0.5;2R:0.5,2", "own,6,BTCUSDT,long,,,97.5,103,1")
STRATEGY = """
def strategy(candles):
    if len(candles) == 3:
        return candles.signal("long", stop="1%", size=1)
    if len(candles) == 12:
        return candles.signal("long")
    return None
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with presets and signals that leave out exits and sizes."""
    made = Folder(tmp_path)
    made.environment["PAPERTRADE_CONFIG"] = str(made.write("config.yaml", CONFIG))
    made.signals.write_text(signals_text(*SPARSE), encoding="utf-8")
    return made


def trades(data: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", data["trades"])


def rules(data: Mapping[str, Json]) -> Mapping[str, Json]:
    return cast("Mapping[str, Mapping[str, Json]]", data["inputs"])["rules"]


def test_a_preset_is_what_the_rows_could_have_said_themselves(folder: Folder) -> None:
    filled = folder.data("backtest", *folder.files, "--preset", "runner", "--no-guards")
    (folder.path / "written").mkdir()
    written = Folder(folder.path / "written")
    written.signals.write_text(signals_text(*FULL), encoding="utf-8")
    assert trades(filled) == trades(written.data("backtest", *written.files))
    bare, own = trades(filled)
    assert (bare["quantity"], bare["exit_price"], bare["exit_reason"]) == ("2", "103", "take_profit")
    assert (own["stop_loss"], own["quantity"]) == ("97.5", "1")


def test_its_size_gives_way_to_the_options(folder: Folder) -> None:
    data = folder.data("backtest", *folder.files, "--preset", "runner", "--size", "3", "--no-guards")
    assert [trade["quantity"] for trade in trades(data)] == ["3", "3"]


def test_its_expiry_is_a_duration_after_the_signal(folder: Folder) -> None:
    folder.signals.write_text(signals_text("low,0,BTCUSDT,long,97,limit,,,"), encoding="utf-8")
    (waited,) = trades(folder.data("backtest", *folder.files, "--preset", "short_lived"))
    assert (waited["status"], waited["closed_at"]) == ("expired", "2026-11-20T10:03:00.000Z")


def test_its_guards_are_asked_beside_those_of_the_configuration(folder: Folder) -> None:
    rows = ("a,0,BTCUSDT,long,,,90,,1", "b,1,BTCUSDT,long,,,90,,1")
    folder.signals.write_text(signals_text(*rows), encoding="utf-8")
    assert len(trades(folder.data("backtest", *folder.files))) == 2
    held = folder.data("backtest", *folder.files, "--preset", "runner", "--set", "guards.max_open=9")
    assert len(trades(held)) == 1
    guards = cast("Mapping[str, Sequence[Mapping[str, Json]]]", rules(held)["guards"])
    assert [one["limit"] for one in guards["max_open"]] == [9, 1]
    assert len(trades(folder.data("backtest", *folder.files, "--preset", "runner", "--no-guards"))) == 2


def test_a_row_without_an_id_has_the_id_that_an_import_gives_it(folder: Folder) -> None:
    rows = f"{HEADER.removeprefix('id,')}\n{at_minute(0)},BTCUSDT,long,,,,,\n"
    folder.signals.write_text(rows, encoding="utf-8")
    assert folder("signal", "import", str(folder.signals), "--preset", "runner").code == 0
    (stored,) = cast("Sequence[Mapping[str, Json]]", folder.data("signal", "list", "-q")["items"])
    (trade,) = trades(folder.data("backtest", *folder.files, "--preset", "runner"))
    assert cast("Mapping[str, Json]", trade["signal"])["external_id"] == stored["external_id"]


def test_the_inputs_say_what_it_filled_in(folder: Folder) -> None:
    assert rules(folder.data("backtest", *folder.files))["preset"] is None
    assert rules(folder.data("backtest", *folder.files, "--preset", "runner"))["preset"] == {
        "name": "runner",
        "fills_in": {"size": "2", "take_profit": "1R:0.5;2R:0.5", "stop_loss": "2%;be"},
    }
    lines = " ".join(folder.backtest("--preset", "runner").out.split())
    assert "preset runner (size 2, take_profit 1R:0.5;2R:0.5, stop_loss 2%;be), held by max_open" in lines


def test_a_saved_run_repeats_with_the_preset_as_it_was(folder: Folder) -> None:
    assert folder.backtest("--preset", "runner", "--save", "kept").code == 0
    folder.write("config.yaml", "presets: {}\n")
    assert folder.data("runs", "repeat", "kept")["same"] is True
    folder.write("config.yaml", CONFIG.replace("sl: 2%", "sl: 3%"))
    assert folder.backtest("--preset", "runner", "--save", "wider").code == 0
    compared = folder("runs", "compare", "kept", "wider").out.splitlines()
    assert [line.split() for line in compared if line.startswith("preset")] == [
        ["preset's", "stop_loss", "2%;be", "3%;be"]
    ]


def test_it_fills_in_what_a_strategy_leaves_out(folder: Folder) -> None:
    path = folder.write("turns.py", STRATEGY)
    words = ["backtest", "--strategy", str(path), "--candles", f"BTCUSDT={folder.btc}", "--no-guards"]
    own, bare = trades(folder.data(*words, "--preset", "runner", "--save", "s"))
    assert (own["quantity"], bare["quantity"], bare["stop_loss"]) == ("1", "2", "98")
    assert cast("Mapping[str, Json]", bare["signal"])["external_id"] == "BTCUSDT-20261120T101200Z"
    assert trades(folder.data(*words))[1]["stop_loss"] is None
    assert folder.data("runs", "repeat", "s")["same"] is True


def test_one_that_does_not_suit_a_strategys_signal_is_an_error(folder: Folder) -> None:
    folder.write("config.yaml", "presets:\n  late: {time_limit: 2026-11-20T10:05:00Z}\n")
    path = folder.write("turns.py", STRATEGY)
    assert folder.refusal(
        "backtest", "--strategy", str(path), "--candles", f"BTCUSDT={folder.btc}", "--preset", "late"
    ) == (
        4,
        "error: preset `late` does not suit signal `turns:BTCUSDT-20261120T101200Z` of the strategy: "
        "time_limit: `2026-11-20T10:05:00.000Z` is not after the signal's time\n"
        "hint: papertrade config show\n",
    )


@pytest.mark.parametrize("command", [("backtest",), ("sweep", "--tp", "1,2")])
def test_an_unknown_preset_is_refused_as_everywhere(folder: Folder, command: Sequence[str]) -> None:
    assert folder.refusal(*command, *folder.files, "--preset", "runer") == (
        2,
        "error: --preset `runer` does not exist\nhint: one of runner, short_lived\n",
    )


def test_a_sweep_keeps_what_it_does_not_sweep(folder: Folder) -> None:
    folder.signals.write_text(signals_text("bare,0,BTCUSDT,long,,,,,"), encoding="utf-8")
    words = ["sweep", *folder.files, "--tp", "3,4", "--top", "1"]
    data = folder.data(*words, "--preset", "runner")
    model = cast("Mapping[str, Json]", data["model"])
    assert (model["resized"], folder.data(*words)["model"]) == (0, {**model, "resized": 1, "left_out": []})
    assert model["left_out"] == ["guards"]
    assert cast("Mapping[str, Json]", rules(data)["preset"])["name"] == "runner"
