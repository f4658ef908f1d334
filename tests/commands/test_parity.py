"""`parity` says in one line that nothing differs, or which field of which trade, because of which candle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from papertrade.engine.market import Candle
from tests.cli import Result
from tests.commands.trading_desk import TradingDesk, candle, trading_desk
from tests.venue_faults import Fault

SAME = "1 trade compared over 1 symbol: no difference\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """A long BTCUSDT at 100 with stop 95 and target 110, which minute 20 reaches."""
    with trading_desk(tmp_path) as made:
        made("long", "BTCUSDT", "--sl", "95", "--tp", "110", "--size", "2", "-q")
        made.at("25")("watch", "--once", "-q")
        yield made


def correct(desk: TradingDesk, becomes: Candle) -> None:
    """Have the venue show another candle of BTCUSDT than it did."""
    tapes = cast("dict[str, list[Candle]]", desk.server.market.candles)
    tapes["BTCUSDT"] = [becomes if c.open_ms == becomes.open_ms else c for c in tapes["BTCUSDT"]]


def saved(desk: TradingDesk, path: Path, *options: str) -> Path:
    """Keep the venue's candles in a file."""
    path.write_text(desk("candles", "BTCUSDT", "--limit", "60", "--csv", *options).out, encoding="utf-8")
    return path


def test_no_trades_are_no_reason_to_ask_the_venue(tmp_path: Path) -> None:
    with trading_desk(tmp_path) as desk:
        desk.server.clear()
        assert desk("parity") == Result(0, "no trades to compare\n", "")
        assert desk.data("parity")["compared"] == 0
        assert desk.server.count() == 0


def test_nothing_differs(desk: TradingDesk) -> None:
    assert desk("parity") == Result(0, SAME, "")
    assert desk("parity", "-q") == Result(0, "", "")


def test_nothing_differs_as_an_envelope(desk: TradingDesk) -> None:
    assert desk.data("parity") == {
        "compared": 1,
        "symbols": ["BTCUSDT"],
        "candles": 21,
        "differences": [],
        "resolved_live": [],
        "not_comparable": [],
        "failures": [],
        "strategy": None,
    }


def test_a_candle_that_was_corrected(desk: TradingDesk) -> None:
    correct(desk, candle(20, "100", "109.5", "99", "109"))
    assert desk("parity") == Result(
        13,
        "trade 1 BTCUSDT, candle 2026-11-20 10:20 UTC\n"
        "  the candle was corrected: high was `111`, is `109.5`, close was `110`, is `109`\n"
        "  Field          Recorded                 Replayed\n"
        "--------------------------------------------------\n"
        "  status         closed                   open\n"
        "  open_quantity  0                        2\n"
        "  exit_reason    take profit              -\n"
        "  exit_price     110                      -\n"
        "  closed_at      2026-11-20 10:20:59 UTC  -\n"
        "  fees           0.42                     0.2\n"
        "  realized_pnl   19.58                    0\n"
        "  reserve        0                        200\n"
        "  fills[2]       take profit of 2 at 110  -\n"
        "\n"
        "1 trade compared over 1 symbol: 1 differs\n",
        "error: 1 of 1 trade differs from what is recorded\n"
        "hint: `papertrade explain 1` shows how it was decided then\n",
    )


def test_a_candle_that_was_corrected_as_an_envelope(desk: TradingDesk) -> None:
    correct(desk, candle(20, "100", "109.5", "99", "109"))
    result = desk("parity", "--json")
    assert result.code == 13
    assert result.error == {
        "code": "difference",
        "message": "1 of 1 trade differs from what is recorded",
        "hint": "`papertrade explain 1` shows how it was decided then",
        "details": {"trades": [1], "differences": 9},
    }
    data = cast("dict[str, list[dict[str, object]]]", result.envelope["data"])
    assert data["differences"][0] == {
        "trade_id": 1,
        "symbol": "BTCUSDT",
        "field": "status",
        "recorded": "closed",
        "replayed": "open",
        "class": "candle_corrected",
        "hint": "the candle was corrected: high was `111`, is `109.5`, close was `110`, is `109`",
        "candle": "2026-11-20T10:20:00.000Z",
        "candle_recorded": {
            "time": "2026-11-20T10:20:00.000Z",
            "open": "100",
            "high": "111",
            "low": "99",
            "close": "110",
        },
        "candle_now": {
            "time": "2026-11-20T10:20:00.000Z",
            "open": "100",
            "high": "109.5",
            "low": "99",
            "close": "109",
        },
    }
    closed_at = next(d for d in data["differences"] if d["field"] == "closed_at")
    assert (closed_at["recorded"], closed_at["replayed"]) == ("2026-11-20T10:20:59.999Z", None)


def test_what_is_not_comparable_is_listed_and_is_no_failure(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--sl", "95", "--size", "1", "-q")
    desk("close", "2", "--price", "104", "-q")
    assert desk("parity") == Result(
        0,
        "not comparable: 1 trade\n"
        "  Trade  Symbol   Why\n"
        "------------------------------------------------------------------\n"
        "  2      BTCUSDT  off_market: it was closed at a price of your own\n"
        "\n" + SAME,
        "",
    )
    assert desk.data("parity")["not_comparable"] == [
        {"trade_id": 2, "symbol": "BTCUSDT", "reason": "off_market: it was closed at a price of your own"}
    ]


def test_a_venue_that_cannot_be_asked(desk: TradingDesk) -> None:
    desk.server.always("*", Fault(status=503))
    code, err = desk.refusal("parity")
    assert code == 8
    assert err.startswith("error: ")


def test_one_symbol_that_fails_leaves_the_rest_compared(desk: TradingDesk) -> None:
    desk("long", "ETHUSDT", "--sl", "95", "--size", "1", "-q")
    desk.at("30")("watch", "--once", "-q")
    tapes = cast("dict[str, list[Candle]]", desk.server.market.candles)
    del tapes["ETHUSDT"]
    result = desk("parity")
    assert result.code == 10
    assert result.out.endswith("1 trade compared over 1 symbol: no difference\n")
    assert result.err.startswith("error: no candles of ETHUSDT: ")


def test_only_what_was_placed_since(desk: TradingDesk) -> None:
    correct(desk, candle(20, "100", "109.5", "99", "109"))
    assert desk("parity", "--since", "10m") == Result(0, "no trades to compare\n", "")
    assert desk("parity", "--symbol", "eth/usdt") == Result(0, "no trades to compare\n", "")


def test_candles_out_of_a_file_ask_nobody(desk: TradingDesk, tmp_path: Path) -> None:
    file = saved(desk, tmp_path / "btc.csv")
    desk.server.clear()
    assert desk("parity", "--candles", f"BTCUSDT={file}") == Result(0, SAME, "")
    assert desk("parity", "--candles", f"{tmp_path}/{{symbol}}.csv").code == 4
    assert desk.server.count() == 0


def test_a_symbol_without_a_file(desk: TradingDesk, tmp_path: Path) -> None:
    file = saved(desk, tmp_path / "btc.csv")
    assert desk.refusal("parity", "--candles", f"ETHUSDT={file}") == (
        2,
        "error: no candles for BTCUSDT: --candles names ETHUSDT\n"
        "hint: add --candles BTCUSDT=FILE; or name one symbol with --symbol\n",
    )


def test_files_of_other_candles_than_were_watched(desk: TradingDesk, tmp_path: Path) -> None:
    coarse = saved(desk, tmp_path / "coarse.csv", "--interval", "5m")
    fine = saved(desk, tmp_path / "fine.csv")
    assert desk.refusal("parity", "--candles", f"BTCUSDT={coarse}") == (
        2,
        f"error: `{coarse}` has candles of 300 s, BTCUSDT was watched with 60 s\n"
        "hint: bring the candles that it was watched with\n",
    )
    assert desk.refusal("parity", "--candles", f"BTCUSDT={fine}", "--detail", f"BTCUSDT={coarse}") == (
        2,
        f"error: `{coarse}` has candles of 300 s: --detail must be finer\n",
    )
    assert desk.refusal("parity", "--detail", f"BTCUSDT={fine}") == (
        2,
        "error: --detail goes with --candles\nhint: without --candles the venue is asked for both\n",
    )


def test_what_finer_candles_knew_then_is_told_and_is_no_failure(tmp_path: Path) -> None:
    with trading_desk(tmp_path) as desk:
        market = desk.server.market
        seconds = cast("dict[str, list[Candle]]", market.seconds)
        first = candle(20, "100", "111", "100", "100")
        seconds["BTCUSDT"] = [
            replace(first, interval_ms=1000),
            replace(candle(20, "100", "100", "99", "100"), open_ms=first.open_ms + 1000, interval_ms=1000),
        ]
        desk("long", "BTCUSDT", "--sl", "99.5", "--tp", "110", "--size", "2", "-q")
        desk.at("25")("watch", "--once", "-q")
        assert desk("parity") == Result(0, SAME, "")
        seconds.clear()
        told = desk("parity")
        assert (told.code, told.err) == (0, "")
        assert told.out.startswith(
            "trade 1 BTCUSDT, candle 2026-11-20 10:20 UTC\n"
            "  finer candles told the watch which level came first; they are not at hand now\n"
        )
        assert told.out.endswith(
            "1 trade compared over 1 symbol: no difference; 1 trade settled by finer candles that only the watch had\n"
        )
        items = cast("list[dict[str, object]]", desk.data("parity")["resolved_live"])
        assert {item["class"] for item in items} == {"resolved_live"}
