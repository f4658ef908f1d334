"""`papertrade sweep` as a person and as a script see it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli import run

DAY_MS = 86_400_000
START = 1_577_836_800_000


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write thirty days of hours that swing, and a signal for every half day; return the options that name them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = ["time,open,high,low,close,volume"]
    price = 1000
    for hour in range(30 * 24):
        move = (hour * 7) % 23 - 11
        rows.append(
            f"{START + hour * 3_600_000},{price},{max(price, price + move) + 2},{min(price, price + move) - 2},"
            f"{price + move},1"
        )
        price += move
    (tmp_path / "btc.csv").write_text("\n".join(rows) + "\n")
    ideas = ["time,symbol,side"]
    ideas += [f"{START + number * DAY_MS // 2},BTCUSDT,{('long', 'short')[number % 2]}" for number in range(58)]
    (tmp_path / "ideas.csv").write_text("\n".join(ideas) + "\n")
    return ["sweep", "--signals", str(tmp_path / "ideas.csv"), "--candles", f"BTCUSDT={tmp_path / 'btc.csv'}"]


def environment(tmp_path: Path) -> dict[str, str]:
    """Name a configuration and a database that need not be there."""
    return {"PAPERTRADE_DB": str(tmp_path / "no.db"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_what_a_person_sees(files: list[str], tmp_path: Path) -> None:
    result = run([*files, "--tp", "1,2", "--sl", "1:2:0.5", "--top", "2"], environment(tmp_path))
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:3] == [
        "Tried      6 combinations",
        "Signals    58 entered; 58 of them sized 1000.00 each, cash never short",
        "Ranked by  net profit",
    ]
    assert "Net profit by target and stop" in lines
    assert sum("*" in line for line in lines) == 2  # the best cell and the legend
    assert "The best 2 by net profit, run again exactly" in lines
    assert max(map(len, lines)) <= 100
    assert not (tmp_path / "no.db").exists()


def test_what_the_ranking_goes_without_is_named(files: list[str], tmp_path: Path) -> None:
    def told(*more: str) -> object:
        result = run([*files, "--tp", "1,2", "--top", "1", "--json", *more], environment(tmp_path))
        return json.loads(result.out)["data"]["model"]["left_out"]

    assert told() == []
    assert told("--funding-rate", "0.01%") == ["funding"]
    held = ("--set", "guards.max_open=9", "--set", "caps.total=50%", "--max-open", "9")
    assert told("--borrow-rate", "5%", *held) == ["borrow", "guards", "caps", "max_open"]


def test_out_of_sample_stands_beside_the_best(files: list[str], tmp_path: Path) -> None:
    result = run([*files, "--tp", "1,2,3", "--sl", "1,2", "--train", "60%", "--rank", "sharpe"], environment(tmp_path))
    assert result.code == 0
    assert "Trained    until 2020-01-18 02:24 UTC; what came later is out of sample" in result.out
    assert "Later" in result.out
    assert "Place" in result.out


def test_walking_forward(files: list[str], tmp_path: Path) -> None:
    result = run([*files, "--tp", "1,2,3", "--sl", "1,2", "--walk", "3", "--top", "1"], environment(tmp_path))
    assert result.code == 0
    assert "Walking forward: 3 windows, each traded with the best before" in result.out
    assert "Out of sample" in result.out


def test_holding_times_and_what_is_not_swept(files: list[str], tmp_path: Path) -> None:
    words = [*files, "--hold", "6h,2d,none", "--rank", "win-rate", "--walk", "2", "--size", "0.5"]
    result = run(words, environment(tmp_path))
    assert result.code == 0
    assert "Signals    58 entered; their own sizes, cash never short" in result.out
    assert "Ranked by  win rate" in result.out
    assert "by target and stop" not in result.out
    assert " own  own    6h " in result.out
    assert max(map(len, result.out.splitlines())) <= 100


def test_the_map_names_the_holding_time_of_the_best(files: list[str], tmp_path: Path) -> None:
    result = run([*files, "--sl", "1,2", "--hold", "6h", "--top", "1"], environment(tmp_path))
    assert "Net profit by target and stop, held 6h at most" in result.out
    result = run([*files, "--sl", "1,2", "--hold", "none", "--rank", "expectancy"], environment(tmp_path))
    assert "Expectancy by target and stop, without a time limit" in result.out


def test_what_was_not_entered_is_counted(files: list[str], tmp_path: Path) -> None:
    ideas = tmp_path / "ideas.csv"
    more = [f"{START},BTCUSDT,long,1,limit", f"{START},ETHUSDT,long,,", f"{START},BTCUSDT,short,,"]
    ideas.write_text("\n".join(["time,symbol,side,entry,entry_type", *more]) + "\n")
    result = run([*files, "--tp", "1,2"], environment(tmp_path))
    assert (
        "Signals    1 entered; 1 refused; 1 never filled; 1 of them sized 1000.00 each, cash never short" in result.out
    )
    assert "The best has only 1 closed trade: under 30 these figures are mostly luck." in result.out


def test_json_is_one_envelope(files: list[str], tmp_path: Path) -> None:
    words = [*files, "--tp", "1,2", "--sl", "none,1", "--train", "0.6", "--top", "1", "--json"]
    data = run(words, environment(tmp_path)).envelope["data"]
    assert isinstance(data, dict)
    assert list(data) == [
        "ranking",
        "best",
        "tried",
        "ranked_by",
        "deflated_sharpe",
        "luck_sharpe",
        "out_of_sample",
        "model",
        "inputs",
    ]
    ranking, best = data["ranking"], data["best"]
    assert isinstance(ranking, dict)
    assert isinstance(best, list)
    assert ranking["total"] == data["tried"] == 4
    items = ranking["items"]
    assert isinstance(items, list)
    first = items[0]
    assert isinstance(first, dict)
    assert first["place"] == 1
    assert set(first) >= {"target_percent", "stop_percent", "hold", "net_profit", "sharpe", "later_net_profit"}
    assert isinstance(best[0], dict)
    assert best[0]["agrees"] is True
    exact = best[0]["exact"]
    assert isinstance(exact, dict)
    statistics = exact["trading_statistics"]
    assert isinstance(statistics, dict)
    assert statistics["net_profit"] == first["net_profit"]


def test_csv_lists_every_combination(files: list[str], tmp_path: Path) -> None:
    result = run([*files, "--tp", "0.5:3:0.5", "--sl", "1,none", "--top", "1", "--csv"], environment(tmp_path))
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["place"] for row in rows] == [str(place) for place in range(1, 13)]
    assert {(row["target_percent"], row["stop_percent"]) for row in rows} >= {("0.5", "1"), ("3", "")}


def test_out_writes_both_files_and_spares_those_of_others(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    words = [*files, "--tp", "1,2", "--top", "1", "--out", str(out)]
    first = run(words, environment(tmp_path))
    assert first.err == f"wrote {out}\n"
    assert json.loads((out / "sweep.json").read_text())["tried"] == 2
    assert len((out / "sweep.csv").read_text().splitlines()) == 3
    assert run(words, environment(tmp_path)).code == 0
    (out / "mine.txt").write_text("")
    again = run(words, environment(tmp_path))
    assert (again.code, again.out) == (6, "")
    assert "holds other files: `mine.txt`" in again.err


def test_a_folder_that_cannot_be_made(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run([*files, "--tp", "1,2", "--top", "1", "--out", str(tmp_path / "file" / "x")], environment(tmp_path))
    assert result.code == 12


def test_signals_without_candles_are_refused_as_by_a_backtest(files: list[str], tmp_path: Path) -> None:
    late = tmp_path / "late.csv"
    late.write_text("time,symbol,side\n2031-01-01T00:00:00Z,BTCUSDT,long\n")
    words = ["sweep", "--signals", str(late), *files[3:], "--tp", "1"]
    result = run([*words, "--out", str(tmp_path / "out")], environment(tmp_path))
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("error: the one signal, made 2031-01-01T00:00:00.000Z, has no candles: those of BTC")
    assert not (tmp_path / "out").exists()


def test_no_signal_is_nothing_to_choose_from(files: list[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("time,symbol,side\n")
    result = run(["sweep", "--signals", str(empty), *files[3:], "--tp", "1"], environment(tmp_path))
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "Tried      1 combination\n"
        "Signals    0 entered; their own sizes, cash never short\n"
        "Ranked by  net profit\n"
        "\n"
        "no signal was entered: there is nothing to choose from\n"
    )


def test_progress_is_for_a_terminal_alone(files: list[str], tmp_path: Path) -> None:
    result = run([*files, "--tp", "1,2", "--top", "1"], environment(tmp_path), is_terminal=True)
    assert "running the best again: 1 of 1" in result.err
    assert result.err.endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to sweep: give targets, stops or holding times"),
        (["--tp", "a"], "--tp: `a` is no range: write `0.5:5:0.5` (start:end:step), `1,2,3` or `none`"),
        (["--tp", "1", "--workers", "0"], "invalid value for `--workers`: must be at least 1"),
        (["--tp", "1", "--walk", "101"], "invalid value for `--walk`: must be at most 100"),
        (["--tp", "1", "--top", "x"], "invalid value for `--top`: is not a whole number"),
        (["--hold", "5"], "--hold: `5` is not a duration: write `90m`, `2h` or `1d`"),
        (["--tp", "1", "--rank", "luck"], "--rank `luck` is not known"),
        (["--tp", "1", "--train", "x%"], "--train: `x` is not a plain decimal number"),
        (["--tp", "1", "--train", "100%"], "--train `100%` must lie between 0% and 100%"),
        (["--tp", "1", "--train", "70%", "--walk", "6"], "--train and --walk exclude each other"),
        (["--tp", "1", "--workers", "2", "--dask", "tcp://x:1"], "--workers says nothing beside --dask"),
        (["--tp", "0.001:5:0.001", "--sl", "0.001:5:0.001"], "`25000000` combinations are more than the `1000000`"),
    ],
)
def test_wrong_words_are_refused_before_a_file_is_read(words: list[str], message: str, tmp_path: Path) -> None:
    missing = ["sweep", "--signals", "no.csv", "--candles", "BTCUSDT=no.csv"]
    result = run([*missing, *words], environment(tmp_path))
    assert (result.code, result.out) == (2, "")
    assert message in result.err
