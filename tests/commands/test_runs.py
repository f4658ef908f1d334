"""`papertrade runs`: what `--save` keeps, compared, repeated and forgotten."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.backtest_files import SIGNALS, Folder, signals_text

LIST = """\
#  Name   Kind      Saved        Trades  Net profit  Win rate  Profit factor  Sharpe  Max drawdown
--------------------------------------------------------------------------------------------------
1  first  backtest  11-20 10:00       5       -7.37    50.00%           0.63       -        -0.20%
2  free   backtest  11-20 10:00       5       -6.00    50.00%           0.68       -        -0.19%
"""
SHOWN = """\
Run 1 first
saved    2026-11-20 10:00 UTC, papertrade 0.1.0
signals  ideas.csv, 7 signals
candles  BTCUSDT 1m, 30 candles of btc.csv
candles  ETHUSDT 1m, 30 candles of eth.csv
span     2026-11-20 10:00 UTC .. 2026-11-20 10:30 UTC (30m 00s)
rules    conservative, fee 0.1%, slippage 0 bps, 10000 USDT
trades   5 taken, 2 refused

Figure              Value
-------------------------
total_trades            4
open_trades             1
net_profit          -7.37
net_profit_worst    -7.37
net_profit_best      2.63
ambiguous_exits         1
win_rate           50.00%
"""
LAST = """\
Last 2 of 5 trades, --limit 0 for all, times in UTC
#  Side   Quantity  Symbol   Entry  Exit     Net  State      Opened       Ended        Signal
-------------------------------------------------------------------------------------------------
4  long          3  BTCUSDT    100    95  -15.58  stop loss  11-20 10:11  11-20 10:15  ideas:gap
5  short         1  BTCUSDT     95     -    0.00  open       11-20 10:20  -            ideas:rest
"""
COMPARED = """\
Figure            1 first   2 free
----------------------------------
total_trades            4        4
open_trades             1        1
net_profit          -7.37    -6.00
net_profit_worst    -7.37    -6.00
net_profit_best      2.63     4.00
ambiguous_exits         1        1
win_rate           50.00%   50.00%
profit_factor        0.63     0.68
expectancy          -1.84    -1.50
expectancy_r        -0.33    -0.25
sharpe                  -        -
sortino                 -        -
max_drawdown       -0.20%   -0.19%
total_return            -        -
cagr                    -        -
exposure           83.33%   83.33%
fees                 1.37     0.00
slippage             0.00     0.00
turnover          1374.00  1374.00
buy_and_hold       -5.00%   -5.00%
maker               0.001        0
taker               0.001        0
"""


@pytest.fixture
def saved(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    assert folder.backtest("--save", "first").code == 0
    assert folder.backtest("--save", "free", "--fee-rate", "0").code == 0
    return folder


def test_saving_says_where_it_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    result = folder.backtest("--save", "mine", "--json")
    database = folder.environment["PAPERTRADE_DB"]
    assert result.err == (
        f"created {database} with account `main` (10000 USDT)\nsaved as run 1 `mine`: papertrade runs show 1\n"
    )
    assert folder.backtest("--save", "other", "-q", "--json").err == ""


def test_the_list(saved: Folder) -> None:
    result = saved("runs", "list")
    assert (result.code, result.out, result.err) == (0, LIST, "")
    data = saved.data("runs", "list")
    items = cast("list[Mapping[str, Json]]", data["items"])
    assert (data["total"], [item["name"] for item in items]) == (2, ["first", "free"])
    assert cast("Mapping[str, Json]", items[0]["figures"])["net_profit"] == "-7.374"
    rows = list(csv.DictReader(saved("runs", "list", "--csv").out.splitlines()))
    assert [(row["id"], row["name"], row["net_profit"]) for row in rows] == [
        ("1", "first", "-7.374"),
        ("2", "free", "-6"),
    ]


def test_an_empty_list_says_how_to_fill_it(tmp_path: Path) -> None:
    assert Folder(tmp_path)("runs", "list").out == "no run is saved yet: papertrade backtest … --save NAME\n"


@pytest.mark.parametrize("name", ["first", "1"])
def test_one_run_by_name_or_number(saved: Folder, name: str) -> None:
    result = saved("runs", "show", name, "--limit", "2")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(SHOWN)
    assert result.out.endswith(LAST)
    assert max(map(len, result.out.splitlines())) <= 100
    data = saved.data("runs", "show", name)
    told = saved.data("backtest", *saved.files)
    assert (data["id"], data["refused_count"], data["begins"]) == (1, 2, "2026-11-20T10:00:00.000Z")
    assert data["metrics"] == told["metrics"]
    assert data["inputs"] == told["inputs"]
    kept = cast("list[Mapping[str, Json]]", data["trades"])
    assert [trade["realized_pnl"] for trade in kept] == ["2.797", "9.81", "-4.396", "-15.585", "0"]
    assert "5 trades, times in UTC" in saved("runs", "show", name, "--limit", "0").out


def test_runs_beside_each_other(saved: Folder) -> None:
    result = saved("runs", "compare", "first", "2")
    assert (result.code, result.out, result.err) == (0, COMPARED, "")
    data = saved.data("runs", "compare", "first", "free")
    assert data["same_inputs"] is True
    assert cast("Mapping[str, Json]", data["figures"])["net_profit"] == ["-7.374", "-6"]
    saved.signals.write_text(signals_text(*SIGNALS[:3]), encoding="utf-8")
    assert saved.backtest("--save", "fewer").code == 0
    assert saved("runs", "compare", "1", "3").out.endswith(
        "not over the same files: the figures say nothing about the rules alone\n"
    )


def test_a_run_repeats_itself(saved: Folder) -> None:
    result = saved("runs", "repeat", "first")
    assert (result.code, result.err) == (0, "")
    assert result.out == "the same: every trade and every figure of `first` came out again\n"
    assert saved.data("runs", "repeat", "free")["same"] is True


def test_the_configuration_of_today_does_not_change_a_run_of_yesterday(saved: Folder) -> None:
    saved.environment["PAPERTRADE_COSTS__TAKER"] = "5%"
    assert saved.data("runs", "repeat", "first")["same"] is True


def test_a_file_that_changed_is_named_with_what_it_changed(saved: Folder) -> None:
    saved.signals.write_text(signals_text(*SIGNALS[1:]).replace(",2\n", ",1\n"), encoding="utf-8")
    result = saved("runs", "repeat", "first")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("signals changed: ideas.csv is not what it was\n")
    assert "net_profit" in result.out
    assert "ideas:win    trade     closed       -" in result.out
    data = saved.data("runs", "repeat", "first")
    assert data["same"] is False
    assert [cast("Mapping[str, Json]", one)["role"] for one in cast("list[Json]", data["inputs_changed"])] == [
        "signals"
    ]


DICE = """
import random
def strategy(candles):
    if len(candles) == 3:
        return candles.signal("long", stop="1%", size=random.randint(1, 10**9) / 10**8)
    return None
"""


def test_a_run_that_does_not_repeat_itself_from_the_same_files_is_a_difference(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = folder.write("dice.py", DICE)
    words = ["backtest", "--strategy", str(path), "--candles", f"BTCUSDT={folder.btc}", "--save", "dice"]
    assert folder(*words).code == 0
    result = folder("runs", "repeat", "dice")
    assert result.code == 13
    assert result.err == (
        "error: run `dice` came out differently from the same files and the same version\n"
        "hint: a strategy that rolls dice or reads the clock? try --check-lookahead\n"
    )
    told = folder("runs", "repeat", "dice", "--json")
    assert (told.code, told.error["code"]) == (13, "difference")
    assert cast("Mapping[str, Json]", told.envelope["data"])["inputs_changed"] == []


def test_a_file_that_is_gone_cannot_be_run_again(saved: Folder) -> None:
    saved.btc.unlink()
    code, said = saved.refusal("runs", "repeat", "first")
    assert (code, said) == (4, "error: `btc.csv` cannot be read: no such file or directory\n")


def test_a_run_is_forgotten(saved: Folder) -> None:
    assert saved("runs", "delete", "first").out == "forgot run 1 `first`\n"
    assert saved.data("runs", "list")["total"] == 1
    assert saved.data("runs", "delete", "2") == {"id": 2, "name": "free"}


def test_a_name_is_taken_once(saved: Folder) -> None:
    saved.signals.unlink()  # nothing is read before the name is known to be free
    assert saved.refusal("backtest", *saved.files, "--save", "first") == (
        6,
        "error: run `first` exists already\nhint: give another name, or papertrade runs delete first\n",
    )


REFUSALS = [
    (["runs", "show", "none"], 5, "error: there is no saved run `none`\nhint: papertrade runs list\n"),
    (["runs", "delete", "9"], 5, "error: there is no saved run `9`\nhint: papertrade runs list\n"),
    (["runs", "repeat", "9" * 30], 5, f"error: there is no saved run `{'9' * 30}`\nhint: papertrade runs list\n"),
    (
        ["runs", "compare", "first"],
        2,
        "error: name two runs or more to compare\nhint: papertrade runs list\n",
    ),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSALS, ids=lambda value: str(value)[:30])
def test_what_is_wrong_is_said(saved: Folder, words: list[str], code: int, message: str) -> None:
    assert saved.refusal(*words) == (code, message)


def test_saved_runs_are_no_part_of_the_books(saved: Folder) -> None:
    assert saved("check", "--json").code == 0
    assert saved("check", "--rebuild", "--json").code == 0
    assert saved.data("runs", "list")["total"] == 2


def test_the_trades_of_a_run_fit_a_hundred_columns(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    ideas = folder.write("long.csv", "time,symbol,side,trail,size\n2026-11-20T10:00Z,BTCUSDT,long,2%,12345.12345678\n")
    folder(
        *("backtest", "--signals", str(ideas), "--candles", f"BTCUSDT={folder.btc}"),
        *("--cash", "9000000", "--slippage-bps", "1.23456", "--save", "wide"),
    )
    shown = folder("runs", "show", "wide").out
    assert "trailing stop" in shown
    assert max(map(len, shown.splitlines())) <= 100
