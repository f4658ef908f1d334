"""`void`: a trade is taken back as if it had never been; only the journal and the lists remember it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest
from beancount import loader

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import refuse

WHY = ("--reason", "ten times the size")


@pytest.fixture
def held(desk: TradingDesk) -> TradingDesk:
    """A desk with one long of 1 BTCUSDT from 100, stop 90, target 110."""
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "90", "--tp", "110")
    return desk


def money(desk: TradingDesk) -> tuple[Json, ...]:
    """Return all that an account amounts to."""
    shown = desk.data("account", "show")
    return tuple(shown[name] for name in ("cash", "reserved", "realized", "capital", "equity"))


def test_an_open_trade_is_taken_back(desk: TradingDesk) -> None:
    before = money(desk)
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "90")
    assert desk.text("void", "1", *WHY) == "#1 void long 1 BTCUSDT ten times the size, free 10000.00 USDT\n"
    assert money(desk) == before
    trade = desk.trade(1)
    names = ("status", "exit_reason", "exit_price", "realized_pnl", "fees", "flags")
    assert tuple(trade[name] for name in names) == ("closed", "manual", "100", "0", "0", ["void"])
    assert desk("check").code == 0


def test_a_trade_that_closed_in_parts_is_taken_back(held: TradingDesk) -> None:
    held.text("close", "1", "--fraction", "0.25")
    held.at("21.5")("trades")
    held("watch", "--once", "-q")
    assert held.trade(1)["exit_reason"] == "take_profit"
    assert money(held)[0] != "10000"
    held.text("void", "1", *WHY)
    assert money(held) == ("10000", "0", "0", "10000", "10000")
    assert held.trade(1)["status"] == "closed"
    assert held("check").code == 0


def test_an_entry_that_waits_is_taken_back(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--limit", "80", "--size", "1")
    desk.text("void", "1", *WHY)
    assert desk.trade(1)["status"] == "cancelled"
    assert money(desk)[:2] == ("10000", "0")


def test_it_counts_in_no_statistics_but_is_counted(held: TradingDesk) -> None:
    held.text("close", "1")
    held.text("long", "BTCUSDT", "--size", "2", "--sl", "90", "--tp", "110")
    held.text("close", "2")
    held.text("void", "2", *WHY)
    figures = cast("Mapping[str, Json]", held.data("metrics")["trading_statistics"])
    assert (figures["total_trades"], figures["voided_trades"], figures["net_profit"]) == (1, 1, "-0.2")
    assert "Taken back      1 trade" in held.text("metrics")
    today = cast("Mapping[str, Json]", held.data("portfolio", "--offline")["summary"])
    assert (today["today_pnl"], today["today_equity_change"]) == ("-0.2", "-0.2")
    points = cast("Sequence[Mapping[str, Json]]", held.data("equity")["items"])
    assert {point["equity"] for point in points} <= {"10000", "9999.9", "9999.8"}


def test_the_journal_the_lists_and_the_explanation_remember_it(held: TradingDesk) -> None:
    held.text("void", "1", *WHY)
    assert "#1 void long 1 BTCUSDT ten times the size" in held.text("log")
    assert "#1 void long 1 BTCUSDT ten times the size" in held.text("show", "1")
    assert "void" in held.text("trades").splitlines()[2]
    told = held.text("explain", "1")
    assert "reserve + fees - gross: 100 + 0.1 - 0 = +100.1 USDT" in told
    assert held.data("explain", "1")["voided"] == {
        "at": "2026-11-20T10:00:30.000Z",
        "reason": "ten times the size",
        "reserve": "100",
        "fees": "0.1",
        "gross": "0",
        "funding": "0",
        "cash_back": "100.1",
    }


def test_the_signal_may_be_traded_again(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--source", "scan", "--id", "7")
    desk.text("void", "1", *WHY)
    assert desk.text("long", "BTCUSDT", "--size", "1", "--source", "scan", "--id", "7").startswith("#2 open")


def test_a_stored_signal_may_be_traded_again_by_name_but_is_not_new(desk: TradingDesk) -> None:
    desk.text("signal", "add", "BTCUSDT", "long", "--size", "1", "--source", "scan", "--id", "7")
    desk.text("open", "--new")
    desk.text("void", "1", *WHY)
    assert desk("open", "--new").err == "nothing new to open\n"
    assert desk.text("open", "scan:7").startswith("#2 open")


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("void", "1", *WHY), 6, "error: trade `1` is void already\nhint: papertrade show 1\n"),
        (
            ("close", "1"),
            6,
            "error: trade `1` already ended: it was taken back at 10:00 UTC\nhint: papertrade show 1\n",
        ),
        (("void", "7", *WHY), 5, "error: trade `7` does not exist\nhint: papertrade trades\n"),
        (
            ("void", "1", "--reason", " "),
            2,
            "error: --reason is empty\nhint: say why: it is kept in the journal for ever\n",
        ),
    ],
)
def test_what_cannot_be(held: TradingDesk, words: Sequence[str], code: int, error: str) -> None:
    held.text("void", "1", *WHY)
    result = held(*words)
    assert (result.code, result.out, result.err) == (code, "", error)


def test_a_reason_must_be_given(held: TradingDesk) -> None:
    assert held("void", "1").code == 2


def test_what_was_never_entered_has_nothing_to_take_back(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--limit", "80", "--size", "1")
    desk.text("cancel", "1")
    assert desk("void", "1", *WHY).err.startswith("error: trade `1` already ended: cancelled")


def test_a_gain_that_was_spent_cannot_be_taken_back(held: TradingDesk) -> None:
    held.at("21.5")("watch", "--once", "-q")
    held.text("account", "withdraw", "10009")
    assert held.refusal("void", "1", *WHY) == (
        6,
        "error: taking trade `1` back costs `9.79` USDT, `0.79` is free\nhint: close another trade, or deposit\n",
    )


def test_a_trade_of_an_earlier_epoch_stays(held: TradingDesk) -> None:
    held.text("account", "reset", "--yes")
    assert held("void", "1", *WHY).err == "error: trade `1` belongs to epoch 1, which was ended by a reset\n"


def test_what_holding_it_had_cost_comes_back_too(desk: TradingDesk) -> None:
    rates = {"PAPERTRADE_COSTS__FUNDING__RATE": "0.01", "PAPERTRADE_COSTS__FUNDING__EVERY": "1h"}
    costly = TradingDesk(desk.server, {**desk.environment, **rates}).at("-10.5")
    before = money(costly)
    costly.text("long", "BTCUSDT", "--size", "1", "--sl", "90")
    costly.at("5")("watch", "--once", "-q")
    costly.text("close", "1", "--fraction", "0.5")
    costly.text("void", "1", *WHY)
    assert money(costly) == before
    told = cast("Mapping[str, Json]", costly.data("explain", "1")["voided"])
    assert told["funding"] == "1"
    assert "reserve + fees + holding - gross: " in costly.text("explain", "1")
    assert costly("check").code == 0


def test_lists_can_be_asked_for_it(held: TradingDesk) -> None:
    held.text("long", "ETHUSDT", "--size", "1", "--limit", "90")
    held.text("void", "2", *WHY)
    held.text("short", "ETHUSDT", "--size", "1")
    held.text("close", "3")
    held.text("void", "1", *WHY)

    def listed(status: str) -> list[Json]:
        items = cast("Sequence[Mapping[str, Json]]", held.data("trades", "--status", status)["items"])
        return [item["id"] for item in items]

    assert (listed("void"), listed("closed,void"), listed("cancelled"), listed("VOID")) == (
        [2, 1],
        [3, 2, 1],
        [2],
        [2, 1],
    )
    figures = cast("Mapping[str, Json]", held.data("metrics", "--status", "void")["trading_statistics"])
    assert (figures["total_trades"], figures["voided_trades"]) == (0, 1)
    rows = list(csv.DictReader(io.StringIO(held.text("export", "trades", "--status", "void"))))
    assert [(row["id"], row["flags"], row["realized_pnl"]) for row in rows] == [("1", "void", "0"), ("2", "void", "0")]
    assert held.refusal("trades", "--status", "voide")[1].endswith("hint: did you mean `void`?\n")


def test_the_board_tells_it(held: TradingDesk) -> None:
    held.text()
    held.text("void", "1", *WHY)
    assert "#1 void long 1 BTCUSDT ten times the size" in held.text()


def test_parity_and_whatif_leave_it_out_and_say_so(held: TradingDesk) -> None:
    held.text("short", "ETHUSDT", "--size", "1")
    held.text("void", "1", *WHY)
    held.at("3")
    left = [{"trade_id": 1, "symbol": "BTCUSDT", "reason": "void: it was taken back by hand"}]
    assert held.data("parity")["not_comparable"] == left
    assert held.data("whatif", "--sl", "5%")["left_out"] == left


def test_the_books_balance_for_others_too(held: TradingDesk, tmp_path: Path) -> None:
    held.text("close", "1", "--fraction", "0.3")
    held.text("void", "1", *WHY)
    path = tmp_path / "books.beancount"
    held("export", "ledger", "--format", "beancount", "-o", str(path))
    assert "#trade-voided ^trade-1" in path.read_text(encoding="utf-8")
    _, errors, _ = loader.load_file(str(path))
    assert errors == []
    assert held("check", "--rebuild").code == 0
    assert money(held) == ("10000", "0", "0", "10000", "10000")


def test_without_a_venue_an_open_trade_is_taken_back_only_by_force(held: TradingDesk) -> None:
    held.server.always("*", refuse(403))
    code, said = held.refusal("void", "1", *WHY)
    assert (code, said.endswith("--no-catch-up acts on what is stored\n")) == (8, True)
    held.server.clear()
    held.at("5").server.always("klines", refuse(403), symbol="BTCUSDT")
    assert held.refusal("void", "1", *WHY)[0] == 8
    assert held("void", "1", *WHY, "--no-catch-up").code == 0
    assert held.trade(1)["flags"] == ["unverified", "void"]
    assert money(held)[0] == "10000"


def test_a_stop_that_was_not_seen_is_taken_back_with_it(held: TradingDesk) -> None:
    result = held.at("21.5")("void", "1", *WHY)
    assert (result.code, result.out) == (0, "#1 void long 1 BTCUSDT ten times the size, free 10000.00 USDT\n")
    assert result.err.startswith("meanwhile #1 TARGET long 1 BTCUSDT")
    assert held.trade(1)["exit_reason"] == "take_profit"
