"""`show` and `explain`: a trade's life and the arithmetic of its fills, as text and as numbers to compute again."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from pathlib import Path

import pytest

from papertrade.engine.market import HOUR_MS, Side
from papertrade.errors import Json
from papertrade.store.rows import Coverage, CoverageKind
from tests.cli import NOW_MS
from tests.commands.days import DAY_MS, Days, market, signal

GRID = Decimal("0.00000001")


def test_a_closed_trade(days: Days) -> None:
    result = days.run("show", "1")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "#1 long 1 BTCUSDT  take profit  net +9.78 (+9.78%, +1.95R)\n"
        "  entry     100.01 at 2026-11-18 10:00 UTC\n"
        "  exit      110, last part at 2026-11-18 11:00 UTC\n"
        "  stop      95\n"
        "  target    110, taken\n"
        "  paid      fees 0.21, spread 0.01; funding and borrow not modelled\n"
        "  costless  net +10.00 instead of +9.78: 0.22 of costs\n"
        "  signal    scanner:1 (signal 1), account main\n"
        "  reason    above the range\n"
        "  tags      breakout\n"
        "  against   -0.01 at most (-0.01%, 0.00R)\n"
        "  ahead     +9.99 at most (+9.99%, +1.99R)\n"
        "  kept      100% of the best move\n"
        "  observed  100.00% of its life, no gap\n"
        "\n"
        "What happened (UTC)\n"
        "  2026-11-18 10:00:00  #1 open long 1 BTCUSDT at 100.01, stop 95, target 110, fee 0.10\n"
        "  2026-11-18 11:00:59  #1 TARGET long 1 BTCUSDT 100.01 -> 110, net +9.78 (+1.95R) (noticed 59m 00s\n"
        "                       later)\n"
    )


def test_an_open_trade_shows_how_far_its_levels_are(days: Days) -> None:
    lines = days.run("show", "btcusdt").out.splitlines()
    assert lines[:9] == [
        "#3 long 2 BTCUSDT  open 50%  net +10.15 (+4.88%, +0.84R)",
        "  entry     104.01 at 2026-11-19 12:00 UTC",
        "  exit      110 for 1, 1 still open",
        "  mark      108.49, 0s old",
        "  stop      98, 9.67% below the mark",
        "  target    110 for 50%, taken",
        "  target    120 for 50%, 10.61% above the mark",
        "  tied up   104.01",
        "  paid      fees 0.318, spread 0.02; funding and borrow not modelled",
    ]


def test_a_waiting_trade(days: Days) -> None:
    lines = days.run("show", "4").out.splitlines()
    assert lines[:4] == [
        "#4 long 30 ETHUSDT  limit waits",
        "  entry     waits for limit 9.5 since 2026-11-19 12:00 UTC",
        "  stop      9",
        "  tied up   285.28",
    ]


def test_what_people_did_to_a_trade_is_part_of_its_life(days: Days) -> None:
    days.run("note", "3", "moved too fast", "--tag", "lesson", "--confidence", "0.7")
    days.run("tag", "3", "+fast")
    days.run("modify", "3", "--sl", "105")
    days.close(3, "0.5")
    days.run("cancel", "4")
    lines = days.run("show", "3").out.splitlines()
    assert "  stop      105, 3.22% below the mark, was 98 at first" in lines
    assert "  levels    rule from" not in "\n".join(lines)
    assert "  tags      fast" in lines
    assert lines[-1] == "  2026-11-20 10:00:00  note: moved too fast #lesson (confidence 0.7)"
    data = days.run("show", "3", "--json").envelope["data"]
    assert isinstance(data, dict)
    kinds = [event["kind"] for event in data["events"]]
    assert kinds == ["entry_filled", "exit_filled", "tags_changed", "levels_changed", "exit_filled"]
    assert [line for line in days.run("explain", "3").out.splitlines() if line.startswith("Exit")] == [
        "Exit 1: take profit  2026-11-19 14:20:59 UTC, recorded 2026-11-20 10:00:00 UTC",
        "Exit 2: manual  2026-11-20 10:00:00 UTC",
    ]
    assert data["notes"][0]["text"] == "moved too fast"
    ended = days.run("show", "4").out.splitlines()
    assert ended[:3] == [
        "#4 long 30 ETHUSDT  cancelled",
        "  entry     waited for limit 9.5 since 2026-11-19 12:00 UTC",
        "  exit      none, ended 2026-11-20 10:00 UTC",
    ]


def test_the_explanation_of_a_trade_that_left_in_parts(days: Days) -> None:
    assert days.run("explain", "3").out == (
        "#3 long 2 BTCUSDT  open 50%  net +10.15 (+4.88%, +0.84R)\n"
        "Entry  2026-11-19 12:00:00 UTC\n"
        "  rule       filled at once at the quote: a buy pays the ask, a sell gets the bid (section 4.4)\n"
        "  seen       quote of 2026-11-19 12:00:00 UTC: bid 103.99, ask 104.01, last 104\n"
        "  source     binance, 0s old when recorded\n"
        "  price      price seen 104.01, no slippage, no rounding\n"
        "  spread     (104.01 - 103.99) / 2 x 2 = 0.02, within the price\n"
        "  fee        104.01 x 2 x 0.001 = 0.20802 (taker)\n"
        "  reserve    104.01 x 2 = 208.02 USDT tied up\n"
        "  cash       -(208.02 + 0.20802) = -208.22802\n"
        "  exits      stop 98, target 110 (50%), target 120 (50%)\n"
        "Exit 1: take profit  2026-11-19 14:20:59 UTC, recorded 2026-11-20 10:00:00 UTC\n"
        "  rule       the price swept through the target: out at the target (section 4.2)\n"
        "  seen       candle 2026-11-19 14:20 to 14:21: open 104, high 111, low 104, close 108.5\n"
        "  source     binance, 19h old when recorded\n"
        "  price      level 110, no slippage, no rounding\n"
        "  quantity   0.5 x 2 = 1 of 2\n"
        "  fee        110 x 1 x 0.001 = 0.11 (maker)\n"
        "  gross      (110 - 104.01) x 1 = 5.99\n"
        "  entry fee  0.20802 x 1 / 2 = 0.10401\n"
        "  net        5.99 - 0.11 - 0.10401 = +5.77599 USDT\n"
        "  reserve    208.02 x 1 / 2 = 104.01\n"
        "  cash       104.01 + 5.99 - 0.11 = +109.89\n"
        "Result so far\n"
        "  net        +5.77599 USDT\n"
        "  1R         |104.01 - 98| x 2 = 12.02\n"
        "  in risks   +5.77599 / 12.02 = +0.48R\n"
    )


def test_the_explanation_of_a_stop_in_doubt(days: Days) -> None:
    lines = days.run("explain", "2").out.splitlines()
    assert lines[11:] == [
        "  ruin       liquidation at 19.961 (section 4.6)",
        "Exit: stop loss  2026-11-18 13:20:59 UTC, recorded 2026-11-19 12:00:00 UTC",
        "  rule       the price swept through the stop: out at the stop (section 4.2)",
        "  seen       candle 2026-11-18 13:20 to 13:21: open 10, high 10.6, low 8.9, close 9.8",
        "  source     binance, 22h old when recorded",
        "  price      level 10.5, no slippage, no rounding",
        "  quantity   20 of 20, all that was left",
        "  fee        10.5 x 20 x 0.001 = 0.21 (taker)",
        "  gross      (9.99 - 10.5) x 20 = -10.2",
        "  entry fee  0.1998",
        "  net        -10.2 - 0.21 - 0.1998 = -10.6098 USDT",
        "  reserve    199.8",
        "  cash       199.8 - 10.2 - 0.21 = +189.39",
        "  in doubt   the candle touched the stop and the target, and nothing finer tells which was first",
        "Result",
        "  net        -10.6098 USDT",
        "  1R         |9.99 - 10.5| x 20 = 10.2",
        "  in risks   -10.6098 / 10.2 = -1.04R",
    ]


def test_the_explanation_of_what_waits_and_of_what_was_cancelled(days: Days) -> None:
    waiting = (
        "Waiting  since 2026-11-19 12:00:00 UTC\n"
        "  for        a price at or below 9.5 (limit entry, section 4.4)\n"
        "  reserve    9.5 x 30 = 285\n"
        "  fee        9.5 x 30 x 0.001 = 0.285 set aside at the taker rate\n"
        "  tied up    285 + 0.285 = 285.285\n"
    )
    assert days.run("explain", "4").out == f"#4 long 30 ETHUSDT  limit waits\n{waiting}"
    days.run("cancel", "4")
    assert days.run("explain", "4").out == (
        f"#4 long 30 ETHUSDT  cancelled\n{waiting.replace('Waiting', 'Waited')}"
        "Cancelled  2026-11-20 10:00:00 UTC\n"
        "  why        cancelled by hand\n"
        "  released   285.285 USDT\n"
    )


def test_slippage_rounding_a_wait_that_was_filled_and_a_refusal(first_day: Days) -> None:
    days = first_day
    odd = signal("7", stop="95", size="0.3333", limit="99.5")
    assert days.refuse(signal("7", stop="95", size="5000", limit="99.5")) == "insufficient_funds"
    days.extra["PAPERTRADE_COSTS__SLIPPAGE_BPS"] = "7"
    days.open(odd)
    days.pass_minutes(24 * 60)
    days.tick()
    days.close(1, "0.4")
    lines = days.run("explain", "1").out.splitlines()
    assert lines[1].startswith("refused 2026-11-18 10:00:00 UTC: ")
    text = "\n".join(lines)
    assert "  price      level 99.5, no slippage, no rounding" in text
    assert "  released   33.19651335 - 33.16335 - 0.03316335 = 0 back to cash" in text
    assert "x (1 - 7 bps) = 103.917207, rounded down to the step 0.01 = 103.91" in text
    assert "  fee        103.91 x 0.1333 x 0.001 = 0.013851203, rounded up at 1e-8 = 0.01385121 (taker)" in text
    assert "  reserve    33.16335 x 0.1333 / 0.3333 = 13.26335" in text


def test_a_stop_entry_ties_up_what_it_may_cost_with_slippage(first_day: Days) -> None:
    first_day.extra["PAPERTRADE_COSTS__SLIPPAGE_BPS"] = "7"
    first_day.run("long", "BTCUSDT", "--stop", "102", "--sl", "95", "--size", "2", "--expires", "2h")
    lines = first_day.run("explain", "1").out.splitlines()
    assert lines[2:] == [
        "  for        a price at or above 102 (stop entry, section 4.4), until 2026-11-18 12:00:00 UTC",
        "  reserve    102.08 x 2 = 204.16",
        "  fee        102.08 x 2 x 0.001 = 0.20416 set aside at the taker rate",
        "  tied up    204.16 + 0.20416 = 204.36416",
    ]
    assert "until 2026-11-18 12:00 UTC" in first_day.run("show", "1").out


def test_with_leverage_no_exit_costs_more_than_the_reserve(first_day: Days) -> None:
    first_day.extra["PAPERTRADE_LEVERAGE"] = "20"
    first_day.open(signal("1", "ETHUSDT", Side.SHORT, size="30"))
    first_day.run("close", "1", "--price", "12")
    text = first_day.run("explain", "1").out
    assert "  reserve    9.99 x 30 / 20 = 14.985 USDT tied up" in text
    assert "  gross      (9.99 - 12) x 30 is more than the reserve: cut to fee - share, 0.36 - 14.985 = -14.625" in text


def test_a_stop_that_the_market_jumped_past(tmp_path: Path) -> None:
    with market(tmp_path, BTCUSDT={0: ("94", "100", "94")}) as days:
        days.at_ms += 10_000  # only the close of the minute of the entry counts
        days.open(signal("1", stop="95"))
        days.pass_minutes(2)
        days.tick()
        lines = days.run("explain", "1").out.splitlines()
    assert "  rule       the market jumped past the stop: out at the price seen (section 4.1)" in lines
    assert "  price      price seen 94 (the level was 95), no slippage, no rounding" in lines


def test_a_price_named_by_the_user_and_an_open_trade_without_exits(first_day: Days) -> None:
    first_day.open(signal("1", "ETHUSDT", Side.SHORT, size="3"))
    assert first_day.run("explain", "1").out.splitlines()[-1] == "Still open: 3 of 3; nothing is realised yet."
    assert "  stop         none: nothing limits the loss" in first_day.run("show", "1").out.splitlines()
    first_day.run("close", "1", "--price", "9")
    lines = first_day.run("explain", "1").out.splitlines()
    assert "  seen       nothing: the price was named by the user" in lines
    assert "  remark     at a price named by the user" in lines
    assert lines[-2:] == ["Result", "  net        +2.91303 USDT"]


def number(entry: Json, name: str) -> Decimal:
    assert isinstance(entry, dict)
    value = entry[name]
    assert isinstance(value, str)
    return Decimal(value)


def exits_of(told: dict[str, Json]) -> list[dict[str, Json]]:
    exits = told["exits"]
    assert isinstance(exits, list)
    return [left for left in exits if isinstance(left, dict)]


@pytest.mark.parametrize("trade", ["1", "2", "3"])
def test_every_number_can_be_computed_again_from_the_json(days: Days, trade: str) -> None:
    told = days.run("explain", trade, "--json").envelope["data"]
    assert isinstance(told, dict)
    entry = told["entry"]
    assert isinstance(entry, dict)
    sign = 1 if told["trade"]["side"] == "long" else -1
    exits = exits_of(told)
    for fill in [entry, *exits]:
        assert number(fill, "notional") == number(fill, "price") * number(fill, "quantity")
        assert number(fill, "fee_before_rounding") == number(fill, "notional") * number(fill, "fee_rate")
        assert number(fill, "fee") == number(fill, "fee_before_rounding").quantize(GRID, ROUND_CEILING)
    assert number(entry, "reserve") == number(entry, "notional") / number(entry, "leverage")
    for left in exits:
        part = number(left, "quantity") / number(left, "open_before")
        assert number(left, "move") == (number(left, "price") - number(left, "entry_price")) * sign
        assert number(left, "gross") == number(left, "move") * number(left, "quantity")
        assert number(left, "reserve_share") == number(left, "reserve_before") * part
        assert number(left, "entry_fee_share") == number(left, "entry_fee_before") * part
        net = number(left, "gross") - number(left, "fee") - number(left, "entry_fee_share")
        assert number(left, "realized_pnl") == net
        assert number(left, "cash_back") == number(left, "reserve_share") + number(left, "gross") - number(left, "fee")
        assert left["rule"] in (
            {"section": "4.2", "name": "target touched"},
            {"section": "4.2", "name": "stop touched"},
        )
    assert number(told["result"], "realized_pnl") == sum(number(left, "realized_pnl") for left in exits)


def test_what_was_seen_has_its_source_and_its_age(days: Days) -> None:
    told = days.run("explain", "1", "--json").envelope["data"]
    assert isinstance(told, dict)
    entry = told["entry"]
    assert isinstance(entry, dict)
    assert entry["seen"] == {
        "source": "quote",
        "venue": "binance",
        "until": "2026-11-18T10:00:00.000Z",
        "recorded_at": "2026-11-18T10:00:00.000Z",
        "age_seconds": 0,
    }
    (left,) = exits_of(told)
    assert left["seen"] == {
        "source": "final_candle",
        "venue": "binance",
        "until": "2026-11-18T11:01:00.000Z",
        "recorded_at": "2026-11-18T12:00:00.000Z",
        "age_seconds": 3540,
    }
    shown = days.run("show", "1", "--json").envelope["data"]
    assert isinstance(shown, dict)
    assert told["costs"] == shown["costs"]
    days.run("close", "3", "--price", "108")
    later = days.run("explain", "3", "--json").envelope["data"]
    assert isinstance(later, dict)
    (*_, named) = exits_of(later)
    seen = named["seen"]
    assert isinstance(seen, dict)
    assert (seen["source"], seen["venue"], seen["until"], seen["age_seconds"]) == ("user", None, None, None)


@pytest.mark.parametrize("command", ["show", "explain"])
def test_trades_that_cannot_be_found(days: Days, command: str) -> None:
    missing = days.run(command, "99")
    assert (missing.code, missing.err) == (5, "error: trade `99` does not exist\nhint: papertrade trades\n")
    nothing = days.run(command, "DOGEUSDT", "--json")
    assert (nothing.code, nothing.error["code"]) == (5, "not_found")


def test_both_say_that_a_live_trade_is_behind(days: Days) -> None:
    days.pass_minutes(60)
    for command in ("show", "explain"):
        assert "last caught up 1h ago" in days.run(command, "3").err
        assert days.run(command, "1").err == ""


def test_what_is_noticed_late_is_counted_by_the_venues_clock(first_day: Days) -> None:
    first_day.clock.at_ms += 3000 * DAY_MS
    first_day.run("long", "BTCUSDT", "--size", "1", "--sl", "95", "--tp", "110")
    assert "noticed" not in first_day.run("show", "1").out
    first_day.clock.at_ms += 2 * HOUR_MS
    first_day.server.now_ms += 2 * HOUR_MS
    first_day.run("watch", "--once")
    assert "(noticed 59m 00s" in first_day.run("show", "1").out


def test_a_liquidation_is_named_with_its_section(tmp_path: Path) -> None:
    with market(tmp_path, BTCUSDT={5: ("100", "120", "100")}) as days:
        days.extra["PAPERTRADE_LEVERAGE"] = "10"
        days.open(signal("1", side=Side.SHORT, size="1"))
        days.pass_minutes(10)
        days.tick()
        lines = days.run("explain", "1").out.splitlines()
    assert any(line.startswith("Exit: liquidation") for line in lines)
    assert any(line.startswith("  rule") and line.endswith("(section 4.6)") for line in lines)


def test_a_hole_in_the_tape_is_told(days: Days) -> None:
    opened_ms = NOW_MS - 22 * HOUR_MS
    hole = Coverage(
        venue="binance",
        symbol="BTCUSDT",
        from_ms=opened_ms + HOUR_MS,
        to_ms=opened_ms + 3 * HOUR_MS + 6 * 60_000,
        kind=CoverageKind.HOLE,
    )
    with days.desk() as desk:
        desk.books.store.write(lambda writer: writer.put_coverage([hole]))
    lines = days.run("show", "3").out.splitlines()
    assert lines[0] == "#3 long 2 BTCUSDT  open 50% !  net +10.15 (+4.88%, +0.84R)"
    assert lines[lines.index("  verified  no: candles of its life are missing") - 1] == (
        "  observed  90.45% of its life, 1 gap, the longest 2h 06m from 2026-11-19 13:00 UTC"
    )
    data = days.run("show", "3", "--json").envelope["data"]
    assert isinstance(data, dict)
    assert data["unverified"] is True
    assert data["coverage"] == {
        "observed": "0.90454545",
        "observed_percent": "90.45",
        "observed_until": "2026-11-20T10:00:00.000Z",
        "gaps": 1,
        "bridged_gaps": 0,
        "longest_gap_seconds": 7560,
        "gap_from": "2026-11-19T13:00:00.000Z",
        "gap_to": "2026-11-19T15:06:00.000Z",
        "is_bridged": False,
        "decided_blind": False,
    }
    assert data["gaps"] == [
        {"from": "2026-11-19T13:00:00.000Z", "to": "2026-11-19T15:06:00.000Z", "kind": "hole", "bridged": False}
    ]


def test_how_far_the_price_went(days: Days) -> None:
    data = days.run("show", "2", "--json").envelope["data"]
    assert isinstance(data, dict)
    assert data["excursion"] == {
        "mae": "-10.2",
        "mae_percent": "-5.11",
        "mae_r": "-1",
        "mfe": "0",
        "mfe_percent": "0.00",
        "mfe_r": "0",
        "exit_efficiency": None,
        "undefined": {"exit_efficiency": "the price never moved in its favour"},
    }
    waiting = days.run("show", "4", "--json").envelope["data"]
    assert isinstance(waiting, dict)
    assert waiting["excursion"] is None


def test_what_was_not_seen_is_said(days: Days) -> None:
    with days.desk() as desk:
        desk.books.store.write(lambda writer: writer._connection.exec_driver_sql("DELETE FROM candle_look"))
    lines = days.run("show", "1").out.splitlines()
    assert "  against   not observed: candles of its time in the market are missing" in lines
    assert [line for line in lines if line.startswith(("  ahead", "  kept"))] == []


def test_a_refused_idea_without_a_name_is_not_told_of_the_next_one_that_gets_its_number(first_day: Days) -> None:
    refused = first_day.run("long", "ETHUSDT", "--size", "5000")
    assert refused.code == 6
    first_day.run("signal", "add", "BTCUSDT", "long", "--size", "5000")
    assert first_day.run("open", "1").code == 6
    first_day.run("long", "BTCUSDT", "--size", "1")
    first_day.run("account", "deposit", "1000000")
    assert first_day.run("open", "1").code == 0
    told = {number: first_day.run("explain", number).out.count("refused 2026") for number in ("1", "2")}
    assert told == {"1": 0, "2": 1}
