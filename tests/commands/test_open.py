"""`open`: stored signals, all new ones, or one written out; and the exit codes of several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from papertrade.errors import Json
from tests.cli import NOW_MS, FixedClock, run
from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import refuse


def store(desk: TradingDesk, name: str, *words: str, symbol: str = "BTCUSDT", side: str = "long") -> None:
    assert desk("signal", "add", symbol, side, "--source", "s", "--id", name, *words).code == 0


def codes(data: Json) -> list[Json]:
    refused = cast("Mapping[str, Sequence[Mapping[str, Json]]]", data)["refused"]
    return [item["code"] for item in refused]


def test_by_number_and_by_name(desk: TradingDesk) -> None:
    store(desk, "a", "--sl", "98", "--size", "1")
    store(desk, "b", "--size", "2", symbol="ETHUSDT", side="short")
    assert desk.text("open", "s:b", "#1", "1") == (
        "#1 open short 2 ETHUSDT at 100, fee 0.20, free 9799.80 USDT\n"
        "   at liquidation price 199.81: -200.20 USDT, no target, costs included; 200.00 tied up\n"
        "#2 open long 1 BTCUSDT at 100, stop 98, fee 0.10, free 9699.70 USDT\n"
        "   at stop 98: -2.20 USDT, no target, costs included; 100.00 tied up\n"
    )


def test_a_size_on_the_command_line_beats_the_signals(desk: TradingDesk) -> None:
    store(desk, "a", "--size", "1")
    desk.text("open", "s:a", "--notional", "300")
    assert desk.trade(1)["quantity"] == "3"


def test_everything_new_once(desk: TradingDesk) -> None:
    store(desk, "a", "--size", "1")
    store(desk, "late", "--size", "1", "--expires", "1m")
    store(desk, "off", "--size", "1")
    desk.text("signal", "cancel", "s:off")
    desk.text("signal", "add", "BTCUSDT", "long", "--size", "1")
    opened = desk.at("2").data("open", "--new", "--source", "s")["trades"]
    assert [trade["signal"] for trade in cast("Sequence[Mapping[str, Json]]", opened)] == [
        {"id": 1, "source": "s", "external_id": "a"}
    ]
    desk.text("open", "--new")
    assert desk.trade(2)["signal"] == {"id": 4, "source": "manual", "external_id": "4"}
    nothing = desk("open", "--new")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing new to open\n")
    assert desk.data("open", "--new", "-q") == {"trades": [], "refused": []}


def test_a_cancelled_signal_can_still_be_named(desk: TradingDesk) -> None:
    store(desk, "off", "--size", "1")
    desk.text("signal", "cancel", "s:off")
    assert desk.text("open", "s:off").startswith("#1 open long 1 BTCUSDT")


def test_an_expired_signal_is_refused_and_stays(desk: TradingDesk) -> None:
    store(desk, "late", "--size", "1", "--expires", "1m")
    assert desk.at("2").refusal("open", "s:late") == (6, "error: signal `s:late` has expired\n")
    assert desk.data("signal", "list", "--status", "expired")["total"] == 1


def test_what_is_expired_is_told_by_the_venues_clock_even_at_the_first_contact(desk: TradingDesk) -> None:
    """The local clock is a day ahead of the venue's, which was never asked before."""
    ahead = FixedClock(NOW_MS + 86_400_000)
    for name, expires in (("late", "2026-11-20T09:59:00Z"), ("fresh", "2026-11-20T10:10:00Z")):
        words = ["signal", "add", "BTCUSDT", "long", "--size", "1", "--source", "s", "--id", name, "--expires", expires]
        added = run([*words, "--json"], desk.environment, clock=ahead)
        assert added.code == 0, added.out
    opened = run(["open", "--new", "--json"], desk.environment, clock=ahead)
    trades = cast("Mapping[str, Sequence[Mapping[str, Json]]]", opened.envelope["data"])["trades"]
    assert [cast("Mapping[str, Json]", trade["signal"])["external_id"] for trade in trades] == ["fresh"]
    again = run(["open", "--new"], desk.environment, clock=ahead)
    assert (again.code, again.err) == (0, "nothing new to open\n")


def test_an_import_at_the_first_contact_trades_what_is_fresh_at_the_venue(desk: TradingDesk) -> None:
    rows = "id,symbol,side,size,expires\n1,BTCUSDT,long,1,2026-11-20T10:10:00Z\n2,BTCUSDT,long,1,2026-11-20T09:59:00Z\n"
    ahead = FixedClock(NOW_MS + 86_400_000)
    done = run(["signal", "import", "-", "--open", "--json"], desk.environment, rows, clock=ahead)
    assert done.code == 0, done.out
    trades = cast("Mapping[str, Sequence[Mapping[str, Json]]]", done.envelope["data"])["trades"]
    assert [cast("Mapping[str, Json]", trade["signal"])["external_id"] for trade in trades] == ["1"]


def test_a_level_on_the_wrong_side_is_told_where_it_must_lie(desk: TradingDesk) -> None:
    assert desk.refusal("open", "--symbol", "BTCUSDT", "--side", "short", "--tp", "105", "--sl", "110") == (
        6,
        "error: target `105` is above entry `100` for a short trade\n"
        "hint: the target of a short trade must be below `100`, or use --side long\n",
    )


def test_a_dry_run_of_stored_signals(desk: TradingDesk) -> None:
    store(desk, "a", "--size", "1")
    store(desk, "b", "--size", "1")
    trades = cast("Sequence[Mapping[str, Json]]", desk.data("open", "--new", "--dry-run")["trades"])
    assert [(trade["id"], trade["signal"]) for trade in trades] == [
        (None, {"id": 1, "source": "s", "external_id": "a"}),
        (None, {"id": 2, "source": "s", "external_id": "b"}),
    ]
    assert desk.data("trades")["total"] == 0


def test_one_that_does_not_exist(desk: TradingDesk) -> None:
    assert desk.refusal("open", "77") == (5, "error: signal `77` does not exist\nhint: papertrade signal list\n")
    assert desk.refusal("open", "s:x")[0] == 5
    assert desk.refusal("open", "seven") == (
        2,
        "error: `seven` is not a signal: write its number, or source:id\n",
    )


def test_several_refused_for_one_reason_end_with_its_code(desk: TradingDesk) -> None:
    store(desk, "a", "--size", "1")
    store(desk, "b", "--size", "1")
    desk.text("open", "1", "2")
    result = desk("open", "1", "2")
    assert result.code == 7
    assert result.out == (
        "refused long BTCUSDT s:a: signal `s:a` already has trade `1`: open from `100`\n"
        "refused long BTCUSDT s:b: signal `s:b` already has trade `2`: open from `100`\n"
    )
    assert result.err == (
        "error: all 2 were refused: signal `s:a` already has trade `1`: open from `100`\nhint: papertrade show 1\n"
    )
    error = desk("open", "1", "2", "--json").error
    assert (error["code"], codes(error["details"])) == ("duplicate_trade", ["duplicate_trade", "duplicate_trade"])


def test_some_done_or_several_reasons_are_partial(desk: TradingDesk) -> None:
    store(desk, "a", "--size", "1")
    store(desk, "big", "--size", "900")
    result = desk("open", "1", "2", "99", "--json")
    assert (result.code, result.error["code"], result.error["message"]) == (10, "partial", "1 done, 2 refused")
    data = cast("Mapping[str, Sequence[Mapping[str, Json]]]", result.envelope["data"])
    assert [trade["id"] for trade in data["trades"]] == [1]
    assert [(item["signal"], item["code"]) for item in data["refused"]] == [
        ("99", "not_found"),
        ("s:big", "insufficient_funds"),
    ]
    mixed = desk("open", "1", "2")
    assert (mixed.code, mixed.err) == (10, "error: 0 done, 2 refused\n")


def test_one_symbol_that_fails_hides_no_other(desk: TradingDesk) -> None:
    store(desk, "a", "--size", "1")
    store(desk, "b", "--size", "1", symbol="ETHUSDT")
    store(desk, "c", "--size", "1", symbol="NOPEUSDT")
    desk.server.always("klines", refuse(403), symbol="ETHUSDT")
    result = desk("open", "--new", "--json")
    data = cast("Mapping[str, Sequence[Mapping[str, Json]]]", result.envelope["data"])
    assert (result.code, len(data["trades"])) == (10, 1)
    assert [item["signal"] for item in data["refused"]] == ["s:b", "s:c"]


def test_a_stale_symbol_is_exit_9_with_data(desk: TradingDesk) -> None:
    store(desk, "a", "--size", "1")
    result = desk.at("50")("open", "s:a", "--json")
    assert (result.code, result.error["code"]) == (9, "stale_price")
    assert codes(result.envelope["data"]) == ["stale_price"]


def test_the_form_for_scripts_is_a_trade_on_the_spot(desk: TradingDesk) -> None:
    words = ("--sl", "2%", "--tp", "2R", "--size", "1", "--id", "9", "--source", "bot")
    assert desk.text("open", "--symbol", "BTCUSDT", "--side", "buy", *words) == (
        "#1 open long 1 BTCUSDT at 100, stop 98, target 104, fee 0.10, free 9899.90 USDT\n"
        "   at stop 98: -2.20 USDT, at target 104: +3.80, costs included; 100.00 tied up\n"
    )
    assert desk.refusal("open", "--symbol", "BTCUSDT", "--side", "up") == (
        2,
        "error: --side: `up` is not a side, expected long, short, buy or sell\nhint: papertrade open --help\n",
    )


FORMS = [
    ((), "nothing to open"),
    (("1", "--new"), "SIGNAL and --new exclude each other"),
    (("--new", "--symbol", "BTCUSDT"), "--new and --symbol exclude each other"),
    (("--symbol", "BTCUSDT"), "--side is missing: --symbol and --side go together"),
    (("1", "--side", "long"), "--symbol is missing: --symbol and --side go together"),
    (("1", "--sl", "98"), "stored signals say themselves where and why: only a size can be given beside them"),
    (("1", "--source", "s"), "stored signals say themselves where and why: only a size can be given beside them"),
    (("--new", "--id", "3"), "stored signals say themselves where and why: only a size can be given beside them"),
    (("1", "--size", "1", "--risk", "1%"), "--size and --risk exclude each other"),
    (("1", "--size", "many"), "--size: `many` is not a plain decimal number"),
]


@pytest.mark.parametrize(("words", "message"), FORMS)
def test_forms_that_do_not_go_together(desk: TradingDesk, words: tuple[str, ...], message: str) -> None:
    code, said = desk.refusal("open", *words)
    assert (code, said.splitlines()[0]) == (2, f"error: {message}")
