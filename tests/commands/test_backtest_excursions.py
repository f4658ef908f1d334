"""What a backtest's trades lived through, how sure its figures are, and what it is compared with."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.backtest_files import Folder, candles_text, signals_text


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def part(data: Mapping[str, Json], *names: str) -> dict[str, Json]:
    for name in names:
        data = cast("dict[str, Json]", data[name])
    return cast("dict[str, Json]", data)


def test_excursions_by_hand(folder: Folder) -> None:
    """Trade 4: 3 BTC from 100, minute 15 opens at 95, beyond the stop at 98. Trade 5 is open at 95 and stays there."""
    rows = list(csv.DictReader(folder.backtest("--csv").out.splitlines()))
    names = ("mae", "mae_percent", "mae_r", "mfe", "mfe_percent", "mfe_r", "exit_efficiency", "unverified")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("0", "0", "0", "3", "3", "1.5", "1", "false"),
        ("0", "0", "0", "10", "10", "1", "1", "false"),
        ("-4", "-2", "-1", "0", "0", "0", "", "false"),
        ("-15", "-5", "-2.5", "0", "0", "0", "", "false"),
        ("0", "0", "0", "0", "0", "0", "", "false"),
    ]


def test_the_metrics_have_their_distributions(folder: Folder) -> None:
    metrics = part(folder.data("backtest", *folder.files), "metrics")
    found = part(metrics, "excursions")
    wanted = {
        "observed_trades": 4,
        "mae_percent_q1": "-2.75",
        "mae_percent_median": "-1",
        "mfe_r_q3": "1.125",
        "exit_efficiency_mean": "1",
        "undefined": {},
    }
    assert {name: found[name] for name in wanted} == wanted
    out = folder.backtest().out
    assert "Went against                                    Went ahead\n  Median          -1.00%, -0.50R  " in out
    assert "Trades by R\n    <= -3R      1 ####" in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_trade_over_a_hole_is_not_verified(folder: Folder) -> None:
    text = candles_text("BTCUSDT").splitlines(keepends=True)
    folder.write("btc.csv", "".join([*text[:4], *text[5:]]))
    data = folder.data("backtest", *folder.files)
    (first, second, *_) = cast("list[dict[str, Json]]", data["trades"])
    assert part(first, "coverage")["observed_percent"] == "83.33"
    assert (part(first, "coverage")["longest_gap_seconds"], first["unverified"]) == (60, True)
    assert (part(second, "coverage")["observed"], second["unverified"]) == ("1", False)
    assert part(data, "metrics", "trading_statistics")["unverified_trades"] == 1
    assert "  Not verified    1 trade" in folder.backtest().out


def test_intervals_on_request(folder: Folder) -> None:
    assert part(folder.data("backtest", *folder.files), "metrics")["intervals"] is None
    data = folder.data("backtest", *folder.files, "--intervals")
    found = part(data, "metrics", "intervals", "expectancy")
    assert (found["level"], found["samples"], found["undefined"]) == ("0.95", 2000, {})
    assert found == part(folder.data("backtest", *folder.files, "--intervals"), "metrics", "intervals", "expectancy")
    assert "95% intervals (2000 resamples)" in folder.backtest("--intervals").out


def test_compared_with_one_symbol(folder: Folder) -> None:
    both = part(folder.data("backtest", *folder.files), "metrics", "trading_statistics")["buy_and_hold"]
    one = part(folder.data("backtest", *folder.files, "--vs", "eth/usdt"), "metrics", "trading_statistics")
    assert (both, one["buy_and_hold"]) == ("-0.05", "-0.05")
    result = folder.backtest("--vs", "SOLUSDT")
    assert (result.code, result.err) == (
        2,
        "error: there are no candles of `SOLUSDT` to compare with\nhint: bring candles of it: --candles SOLUSDT=FILE\n",
    )


@pytest.mark.parametrize(
    ("signal", "options", "gain"),
    [
        ("15,BTCUSDT,long,,,,,1", (), "0"),  # entered at 95, at the open of the minute that gapped there from 100
        ("14,BTCUSDT,long,,,,,1", (), "-0.05"),
        ("15,BTCUSDT,long,,,,,1", ("--set", "entry=close"), "-0.05"),
        ("16,BTCUSDT,long,,,,,1", ("--set", "entry=close"), "0"),
        ("8,ETHUSDT,short,9.8,stop,,,1", (), "0"),  # filled inside minute 8, which closed at 9.5
        ("0,BTCUSDT,long,,,,,1", (), "-0.05"),
    ],
)
def test_buy_and_hold_begins_at_the_price_of_the_first_entry(
    folder: Folder, signal: str, options: tuple[str, ...], gain: str
) -> None:
    folder.signals.write_text(signals_text(f"only,{signal}"), encoding="utf-8")
    found = part(folder.data("backtest", *folder.files, *options), "metrics", "trading_statistics")
    assert found["buy_and_hold"] == gain
