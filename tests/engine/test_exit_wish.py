"""Trails, break-evens, time limits and stops after the first target as people write them; older journals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.codec import decode, encode
from papertrade.engine.conventions import Convention
from papertrade.engine.market import Side
from papertrade.engine.messages import EntryFilled, SignalAdded
from papertrade.engine.signal import (
    BreakEvenWish,
    ExitWish,
    Level,
    LevelKind,
    Signal,
    TimeLimitWish,
    TrailWish,
    hash_id,
    parse_break_even,
    parse_level,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason

D = Decimal
PERCENT, PRICE, RISK, EVEN = LevelKind.PERCENT, LevelKind.PRICE, LevelKind.RISK, LevelKind.EVEN


def level(kind: LevelKind, value: str) -> Level:
    return Level(kind, D(value))


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("2%", TrailWish(level(PERCENT, "2"))),
        ("150", TrailWish(level(PRICE, "150"))),
        ("1.5R", TrailWish(level(RISK, "1.5"))),
        ("2%@+4%", TrailWish(level(PERCENT, "2"), level(LevelKind.SIGNED_PERCENT, "4"))),
        ("150@105", TrailWish(level(PRICE, "150"), level(PRICE, "105"))),
        (" 1R@2R ", TrailWish(level(RISK, "1"), level(RISK, "2"))),
    ],
)
def test_trails_are_read(text: str, wish: TrailWish) -> None:
    assert parse_trail(text) == wish
    assert str(wish) == text.strip()


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("1R", BreakEvenWish(level(RISK, "1"))),
        ("2%", BreakEvenWish(level(PERCENT, "2"))),
        ("105", BreakEvenWish(level(PRICE, "105"))),
        ("1R:gross", BreakEvenWish(level(RISK, "1"), is_gross=True)),
    ],
)
def test_break_evens_are_read(text: str, wish: BreakEvenWish) -> None:
    assert parse_break_even(text) == wish
    assert str(wish) == text


@pytest.mark.parametrize(
    ("text", "wish", "printed"),
    [
        ("4h", TimeLimitWish(after_ms=14_400_000), "4h"),
        ("90m", TimeLimitWish(after_ms=5_400_000), "1h30m"),
        ("1w", TimeLimitWish(after_ms=604_800_000), "7d"),
        ("2026-11-20T10:00:00Z", TimeLimitWish(at_ms=1_795_168_800_000), "2026-11-20T10:00:00.000Z"),
        ("1795168800000", TimeLimitWish(at_ms=1_795_168_800_000), "2026-11-20T10:00:00.000Z"),
    ],
)
def test_time_limits_are_read(text: str, wish: TimeLimitWish, printed: str) -> None:
    assert parse_time_limit(text) == wish
    assert str(wish) == printed
    assert parse_time_limit(printed) == wish


@given(st.integers(1, 10_000_000).map(lambda seconds: TimeLimitWish(after_ms=seconds * 1000)))
def test_ages_print_as_they_are_read(wish: TimeLimitWish) -> None:
    assert parse_time_limit(str(wish)) == wish


def test_break_even_is_a_level() -> None:
    assert [parse_level(text) for text in ("be", "BE", " be:gross ")] == [
        Level(EVEN),
        Level(EVEN),
        Level(LevelKind.EVEN_GROSS),
    ]
    assert [str(Level(EVEN)), str(Level(LevelKind.EVEN_GROSS))] == ["be", "be:gross"]


BAD_TRAIL = "is not a distance: write `2%`, `150` or `1.5R`"


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (parse_trail, "+2%", f"trail `+2%` {BAD_TRAIL}"),
        (parse_trail, "be", f"trail `be` {BAD_TRAIL}"),
        (parse_trail, "0", "level `0` must be above 0"),
        (parse_trail, "2%@", "`` is not a level"),
        (parse_trail, "2%@be", "a trail cannot begin at `be`: write a price `105`, `+4%` or `2R`"),
        (parse_break_even, "be", "break-even cannot wait for `be`: write `1R`, `+2%` or a price `105`"),
        (parse_break_even, "1R:net", "`1R:net` is not a break-even: write its trigger `1R`, or `1R:gross`"),
        (parse_target, "be", "a target cannot be `be`: only a stop can"),
        (parse_time_limit, "0h", "duration `0h` must be more than 0"),
        (parse_time_limit, "soon", "`soon` is not a time limit: write `4h`, `2026-11-20T10:00:00Z` or epoch milli"),
        (parse_time_limit, "", "`` is not a time limit"),
        (parse_time_limit, "2026-11-20T10:00", "time `2026-11-20T10:00` has no zone"),
    ],
)
def test_what_cannot_be_is_refused(reader: object, text: str, message: str) -> None:
    assert callable(reader)
    with pytest.raises(ValueError, match="^" + message.replace("+", r"\+")):
        reader(text)


def test_a_break_even_level_has_no_number() -> None:
    with pytest.raises(ValueError, match="level `be` has no number of its own"):
        Level(EVEN, D(1))


@pytest.mark.parametrize("fields", [{}, {"after_ms": 1000, "at_ms": 5}, {"after_ms": 0}, {"after_ms": 1500}])
def test_impossible_time_limits_cannot_be_made(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"either a duration or an instant|whole seconds"):
        TimeLimitWish(**fields)


STOP, HALF, ALL = parse_level("95"), parse_target("110:0.5"), parse_target("110")


@pytest.mark.parametrize(
    ("exits", "message"),
    [
        ({"trail": parse_trail("1R")}, r"a trail in risks \(`1R`\) needs a stop loss"),
        ({"trail": parse_trail("2%@1R")}, r"a trail in risks \(`2%@1R`\) needs a stop loss"),
        ({"break_even": parse_break_even("1R")}, r"a break-even in risks \(`1R`\) needs a stop loss"),
        ({"after_first": parse_level("1R"), "targets": (HALF,)}, "a stop after the first target in risks"),
        ({"after_first": parse_level("be")}, "a stop at `be` after the first target needs something left there"),
        ({"after_first": parse_level("be"), "targets": (ALL,)}, "needs something left there: two targets, or one"),
        ({"after_first": parse_level("be"), "targets": (parse_target("110:1"),)}, "needs something left there"),
    ],
)
def test_contradictory_rules_are_refused(exits: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExitWish(**exits)  # type: ignore[arg-type]


def signal(exits: ExitWish, side: Side = Side.LONG) -> Signal:
    return Signal(source="tv", external_id="7", symbol="BTCUSDT", side=side, made_at_ms=0, exits=exits)


def test_a_signal_refuses_what_no_entry_can_make_right() -> None:
    with pytest.raises(ValueError, match="stop `be` means nothing before the entry: wish a break-even, such as `1R`"):
        signal(ExitWish(parse_level("be")))
    with pytest.raises(ValueError, match="trail `100%` of a long trade must be below `100%`"):
        signal(ExitWish(trail=parse_trail("100%")))
    assert signal(ExitWish(trail=parse_trail("100%")), Side.SHORT).exits.trail is not None


FULL = ExitWish(
    STOP,
    (HALF,),
    parse_trail("2%@+4%"),
    parse_break_even("1R:gross"),
    parse_time_limit("4h"),
    parse_level("be"),
)


def test_all_wishes_survive_the_journal_and_count_in_the_content() -> None:
    event = SignalAdded(signal_id=1, signal=signal(FULL))
    assert decode(SignalAdded, encode(event)) == event
    assert '"exits":["95",["110:0.5"],{' in signal(FULL).content()
    contents = {signal(exits).content() for exits in (FULL, ExitWish(STOP, (HALF,)), ExitWish(STOP, FULL.targets))}
    assert len(contents) == 2


# What the version before these wishes wrote.
OLD_SIGNAL = (
    '{"signal_id":4,"signal":{"source":"tv","external_id":"7","symbol":"BTCUSDT","side":"long","made_at_ms":0,'
    '"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"price","value":"95"},"targets":[{"level":'
    '{"kind":"risk","value":"2"},"fraction":"0.5"}]},"size":{"kind":"quantity","value":"0.5"},"expires_at_ms":null,'
    '"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}'
)
OLD_CONTENT = (
    '{"confidence":null,"entry_price":null,"entry_type":"market","exits":["95",["2R:0.5"]],"expires_at_ms":null,'
    '"made_at_ms":0,"reason":"","side":"long","size":["quantity","0.5"],"symbol":"BTCUSDT","tags":[]}'
)
OLD_ENTRY = (
    '{"trade_id":3,"order":{"account_id":1,"epoch":1,"signal_id":4,"signal_key":"tv:7","venue":"x","symbol":"BTCUSDT",'
    '"side":"long","entry_type":"market","entry_price":null,"quantity":"0.5","exits":{"stop":{"kind":"price","value":'
    '"95"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"}]},"terms":{"maker":"0.001","taker":"0.001",'
    '"slippage_bps":"0","leverage":"1","price_step":"0.01","quantity_step":"0.01","quantity_min":"0","notional_min":"0",'
    '"convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":'
    '"touch"}},"placed_at":30000,"whole_from":60000,"expires_at":null,"confidence":null,"reason":"","tags":[],"flags":'
    '[]},"quantity":"0.5","price":"100","liquidity":"taker","fee_rate":"0.001","fee":"0.05","slippage":"0","reserve":'
    '"50","released":"0","rulings":[{"from_ms":30000,"wish":{"stop":{"kind":"price","value":"95"},"targets":[{"level":'
    '{"kind":"risk","value":"2"},"fraction":"0.5"}]},"levels":{"stop":"95","targets":[{"price":"110","fraction":"0.5",'
    '"is_filled":false}],"base_quantity":"0.5"}}],"liquidation_price":null,"cause":{"rule":"4.4 entered at once",'
    '"raw_price":"100","level":null,"candle":null,"quote":{"at_ms":30000,"last":"100","bid":null,"ask":null}},'
    '"at_ms":30000,"applied_to":null,"flags":[]}'
)


def test_signals_of_older_journals_keep_their_text_their_content_and_their_hash() -> None:
    event = decode(SignalAdded, OLD_SIGNAL)
    assert encode(event) == OLD_SIGNAL
    assert event.signal.content() == OLD_CONTENT
    assert hash_id(event.signal.content()) == "0913b2b001c3c962"


def test_trades_of_older_journals_keep_their_text_and_their_rules() -> None:
    event = decode(EntryFilled, OLD_ENTRY)
    assert encode(event) == OLD_ENTRY
    trade = evolve(None, event)
    levels = trade.ruling.levels
    assert levels is not None
    assert (levels.stop, levels.reason, levels.trail, levels.time_limit) == (D(95), ExitReason.STOP_LOSS, None, None)
    assert trade.order.terms.convention == Convention()
