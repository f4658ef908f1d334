"""`whatif` sets both results side by side, names what it leaves out, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from papertrade.engine.market import Candle
from tests.cli import Result
from tests.commands.trading_desk import TradingDesk, trading_desk
from tests.venue_faults import Fault


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """A long of each symbol at 100: one takes its target of 110 in minute 20, the other is closed by hand there."""
    with trading_desk(tmp_path) as made:
        made("long", "BTCUSDT", "--sl", "95", "--tp", "110", "--size", "2", "-q")
        made("long", "ETHUSDT", "--sl", "90", "--tp", "120", "--size", "1", "--source", "scanner", "-q")
        made.at("25")("watch", "--once", "-q")
        made("close", "2", "-q")
        yield made


def test_other_targets_beside_what_really_came_of_them(desk: TradingDesk) -> None:
    assert desk("whatif", "--tp", "2%") == Result(
        0,
        "2 trades told again with --tp 2%: 2 come out otherwise\n"
        "left out: 1 change by hand, made for the exits that there were\n"
        "\n"
        "                   Actual  What if  Change\n"
        "------------------------------------------\n"
        "Net profit         +29.37    +5.39  -23.98\n"
        "Closed trades           2        2       0\n"
        "Still open              0        0       0\n"
        "  worth, at last     0.00     0.00    0.00\n"
        "Win rate          100.00%  100.00%   0.00%\n"
        "Profit factor           -        -       -\n"
        "Expectancy         +14.68    +2.70  -11.99\n"
        "Expectancy R       +1.47R   +0.27R  -1.20R\n"
        "Average win         14.68     2.70  -11.99\n"
        "Average loss            -        -       -\n"
        "Max drawdown        0.00%    0.00%   0.00%\n"
        "Fees                 0.63    0.606  -0.024\n"
        "Exits in doubt          0        0       0\n"
        "\n"
        "Trade  Symbol   Actual           until (UTC)     Net  What if          until          Net  Change\n"
        "-------------------------------------------------------------------------------------------------\n"
        "    1  BTCUSDT  take profit 110  11-20 10:20  +19.58  take profit 102  11-20 10:20  +3.60  -15.98\n"
        "    2  ETHUSDT  manual 110       11-20 10:25   +9.79  take profit 102  11-20 10:20  +1.80   -7.99\n",
        "",
    )


def test_without_options_the_actual_result_comes_back(desk: TradingDesk) -> None:
    result = desk("whatif")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("2 trades told again: all come out as they did\n")
    data = desk.data("whatif")
    trades = cast("list[dict[str, object]]", data["trades"])
    assert [(t["trade_id"], t["changed"], t["actual"] == t["whatif"]) for t in trades] == [
        (1, False, True),
        (2, False, True),
    ]
    metrics = cast("dict[str, object]", data["metrics"])
    assert metrics["actual"] == metrics["whatif"]
    assert (data["asked"], data["changed"], data["hand_made"]) == ([], 0, 0)


def test_the_actual_figures_are_those_of_metrics(desk: TradingDesk) -> None:
    data = cast("dict[str, dict[str, dict[str, object]]]", desk.data("whatif"))
    metrics = cast("dict[str, object]", desk.data("metrics", "-q"))
    assert data["metrics"]["actual"]["trading_statistics"] == metrics["trading_statistics"]


def test_one_trade_as_an_envelope(desk: TradingDesk) -> None:
    data = desk.data("whatif", "--sl", "none", "--tp", "111.5", "--symbol", "btc/usdt")
    assert data["asked"] == ["--sl none", "--tp 111.5"]
    (item,) = cast("list[dict[str, object]]", data["trades"])
    assert item == {
        "trade_id": 1,
        "symbol": "BTCUSDT",
        "side": "long",
        "quantity": "2",
        "entry_price": "100",
        "actual": {
            "status": "closed",
            "exit_reason": "take_profit",
            "exit_price": "110",
            "opened_at": "2026-11-20T10:00:30.000Z",
            "closed_at": "2026-11-20T10:20:59.999Z",
            "open_quantity": "0",
            "fees": "0.42",
            "realized_pnl": "19.58",
            "r_multiple": "1.958",
            "ambiguous": False,
        },
        "whatif": {
            "status": "open",
            "exit_reason": None,
            "exit_price": None,
            "opened_at": "2026-11-20T10:00:30.000Z",
            "closed_at": None,
            "open_quantity": "2",
            "fees": "0.2",
            "realized_pnl": "0",
            "r_multiple": None,
            "ambiguous": False,
        },
        "changed": True,
    }
    assert data["open_trades"] == {
        "actual": {"trades": 0, "unrealized_pnl": "0"},
        "whatif": {"trades": 1, "unrealized_pnl": "20"},
    }


def test_filters_choose_the_trades(desk: TradingDesk) -> None:
    assert desk("whatif", "--source", "scanner", "--fee-rate", "0").out.startswith(
        "1 trade told again with --fee-rate 0: 1 comes out otherwise\n"
    )
    for nothing in (["--since", "10m"], ["--side", "short"], ["--tag", "none-such"], ["--until", "1h"]):
        assert desk("whatif", *nothing) == Result(0, "no trades with an entry to tell again\n", "")


def test_exits_that_suit_no_entry(desk: TradingDesk) -> None:
    assert desk("whatif", "--sl", "101", "--symbol", "BTCUSDT") == Result(
        0,
        "no trade could be told again\n"
        "\n"
        "left out: 1 trade\n"
        "  Trade  Symbol   Why\n"
        "------------------------------------------------------------------\n"
        "  1      BTCUSDT  stop `101` is above entry `100` for a long trade\n",
        "",
    )


def test_candles_out_of_a_file(desk: TradingDesk, tmp_path: Path) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        text = desk("candles", symbol, "--limit", "60", "--csv").out
        (tmp_path / f"{symbol}.csv").write_text(text, encoding="utf-8")
    whole = desk("whatif", "--tp", "5%")
    desk.server.clear()
    assert desk("whatif", "--tp", "5%", "--candles", f"{tmp_path}/{{symbol}}.csv") == whole
    assert desk.server.count() == 0


def test_a_symbol_whose_candles_cannot_be_had_is_left_out(desk: TradingDesk) -> None:
    del cast("dict[str, list[Candle]]", desk.server.market.candles)["ETHUSDT"]
    result = desk("whatif", "--tp", "5%")
    assert result.code == 10
    assert result.out.startswith("1 trade told again with --tp 5%: 1 comes out otherwise\n")
    assert result.err.startswith("error: no candles of ETHUSDT: ")


def test_a_venue_that_cannot_be_asked(desk: TradingDesk) -> None:
    desk.server.always("*", Fault(status=503))
    assert desk.refusal("whatif")[0] == 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sl", "x"], "error: --sl: "),
        (["--tp", "none", "--tp", "5%"], "error: --tp none stands alone\n"),
        (["--fee-rate", "-1"], "error: --fee-rate "),
        (["--convention", "tomorrow"], "error: --convention `tomorrow` is not known\n"),
        (["--set", "same_candle=mine"], "error: --set same_candle: `mine` is not known\n"),
    ],
)
def test_words_that_mean_nothing(desk: TradingDesk, options: list[str], said: str) -> None:
    code, err = desk.refusal("whatif", *options)
    assert code == 2
    assert err.startswith(said)


def test_another_convention_and_slippage(desk: TradingDesk) -> None:
    data = desk.data("whatif", "--slippage-bps", "10", "--set", "gap_target=open", "--symbol", "BTCUSDT")
    (item,) = cast("list[dict[str, dict[str, object]]]", data["trades"])
    assert item["whatif"]["realized_pnl"] == "19.3798"
    assert data["asked"] == ["--slippage-bps 10", "--set gap_target=open"]


def test_nothing_is_written(desk: TradingDesk) -> None:
    before = desk("log", "--json", "-q").out
    desk("whatif", "--tp", "2%")
    desk("parity")
    assert desk("log", "--json", "-q").out == before


def test_exits_that_move(desk: TradingDesk) -> None:
    """From 105 on a trail of 3: minute 20 rises to 111, so its stop stands at 108 while the close is 110."""
    data = desk.data("whatif", "--tp", "none", "--trail", "3@105", "--break-even", "1R", "--time-limit", "1d")
    assert data["asked"] == ["--tp none", "--trail 3@105", "--break-even 1R", "--time-limit 1d"]
    first = cast("list[dict[str, dict[str, object]]]", data["trades"])[0]
    assert first["whatif"]["status"] == "open"
    limited = desk.data("whatif", "--trail", "none", "--time-limit", "5m")
    first = cast("list[dict[str, dict[str, object]]]", limited["trades"])[0]
    assert (first["whatif"]["exit_reason"], first["whatif"]["closed_at"]) == ("time_limit", "2026-11-20T10:06:00.000Z")


def test_another_stop_after_the_first_target(desk: TradingDesk) -> None:
    """Half leaves at 102 in minute 20, which stays at 110: a stop of 101 is not met."""
    halves = ("whatif", "--tp", "102:0.5", "--tp", "130:0.5", "--symbol", "BTCUSDT")
    data = desk.data(*halves, "--after-tp1", "101")
    assert data["asked"] == ["--tp 102:0.5", "--tp 130:0.5", "--after-tp1 101"]
    (item,) = cast("list[dict[str, dict[str, object]]]", data["trades"])
    assert (item["whatif"]["status"], item["whatif"]["open_quantity"]) == ("open", "1")
    assert desk.data(*halves, "--after-tp1", "none")["trades"] == data["trades"]


def test_a_stop_after_the_only_target_suits_no_trade(desk: TradingDesk) -> None:
    result = desk("whatif", "--after-tp1", "be")
    assert result.code == 0
    assert "a stop at `be` after the first target needs something left there" in result.out


@pytest.mark.parametrize("option", ["--sl", "--tp", "--trail", "--break-even", "--time-limit", "--after-tp1"])
def test_exits_that_mean_nothing(desk: TradingDesk, option: str) -> None:
    code, err = desk.refusal("whatif", option, "sometimes")
    assert code == 2
    assert err.startswith(f"error: {option}: ")
    assert err.endswith("hint: papertrade whatif --help\n")


def test_a_target_with_two_parts(desk: TradingDesk) -> None:
    assert desk.refusal("whatif", "--tp", "5:1:1") == (
        2,
        "error: --tp: `1:1` is not a plain decimal number: behind the colon of a target stands its part, `110:0.5`\n"
        "hint: papertrade whatif --help\n",
    )
