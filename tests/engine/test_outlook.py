"""What a trade stands to lose and to win: the same numbers as the fills that would do it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.changes import cancel_trade, close_trade
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote, Side
from papertrade.engine.messages import Refusal
from papertrade.engine.money import CONTEXT, plain
from papertrade.engine.outlook import outlook
from papertrade.engine.signal import EntryType, ExitWish, Signal, Size, SizeKind, parse_level, parse_target
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Trade
from tests.engine.deals import RICH

ZERO = Decimal(0)
COIN = Instrument(
    venue="test",
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.01"),
    quantity_step=Decimal("0.001"),
    notional_min=Decimal(5),
)


def opened(
    side: str = "long",
    stop: str | None = None,
    targets: tuple[str, ...] = (),
    *,
    quantity: str = "1",
    entry: tuple[str, str] | None = None,
    source: str = "test",
    trade_id: int = 1,
    rules: Rules | None = None,
) -> Trade:
    """Open a trade at 100, or place one that waits for `entry`."""
    signal = Signal(
        source=source,
        external_id=str(trade_id),
        symbol="BTCUSDT",
        side=Side(side),
        made_at_ms=0,
        entry_type=EntryType.MARKET if entry is None else EntryType(entry[0]),
        entry_price=None if entry is None else Decimal(entry[1]),
        exits=ExitWish(None if stop is None else parse_level(stop), tuple(parse_target(t) for t in targets)),
        size=Size(SizeKind.QUANTITY, Decimal(quantity)),
    )
    decided = open_trade(
        Opening(
            trade_id=trade_id,
            signal_id=trade_id,
            signal=signal,
            account=RICH,
            instrument=COIN,
            at_ms=30_000,
            quote=Quote(at_ms=30_000, last=Decimal(100)),
        ),
        Rules() if rules is None else rules,
    )
    assert not isinstance(decided, Refusal), decided
    return evolve(None, decided)


CASES: list[tuple[str, Trade, str | None, str | None, str]] = [
    # loss 2 + 0.1 + 0.098, win 4 - 0.1 - 0.104
    ("long 1 from 100, stop 98, target 104", opened("long", "98", ("104",)), "-2.198", "3.796", "0"),
    # loss 2 + 0.1 + 0.102, win 4 - 0.1 - 0.096
    ("short 1 from 100, stop 102, target 96", opened("short", "102", ("96",)), "-2.202", "3.804", "0"),
    ("a half is left open", opened("long", "98", ("104:0.5",)), "-2.198", "1.898", "0.5"),
    ("two halves", opened("long", None, ("104:0.5", "106:0.5")), None, "4.795", "0"),
    ("no levels at all", opened("long"), None, None, "1"),
    # a short without leverage has lost its reserve of 100 at 200 / 1.001
    ("a short's liquidation", opened("short"), "-100.1", None, "1"),
    # 0.03 at 104 is under the minimum of 5: all leaves there
    ("a target too small", opened("long", None, ("104:0.03", "106:0.97")), None, "3.796", "0"),
    ("a limit that waits at 95", opened("long", "90", ("100",), entry=("limit", "95")), "-5.185", "4.805", "0"),
    ("a stop entry that waits at 105", opened("long", "100", entry=("stop", "105")), "-5.205", None, "1"),
]


@pytest.mark.parametrize(("what", "trade", "loss", "win", "left"), CASES, ids=[case[0] for case in CASES])
def test_by_hand(what: str, trade: Trade, loss: str | None, win: str | None, left: str) -> None:
    ahead = outlook(trade)
    assert (ahead.loss, ahead.win, ahead.left) == (
        None if loss is None else Decimal(loss),
        None if win is None else Decimal(win),
        Decimal(left),
    )


def test_the_reason_tells_a_stop_from_a_liquidation() -> None:
    at_stop, at_liquidation = outlook(opened("short", "102")).worst, outlook(opened("short")).worst
    assert at_stop is not None
    assert at_liquidation is not None
    assert (at_stop.reason, at_liquidation.reason) == (ExitReason.STOP_LOSS, ExitReason.LIQUIDATION)


def test_a_trade_that_has_ended_has_nothing_ahead() -> None:
    closed = close_trade(opened("long", "98"), Decimal(1), Decimal(100), None, 40_000)
    cancelled = cancel_trade(opened("long", "90", entry=("limit", "95")), "", 40_000)
    assert not isinstance(closed, Refusal)
    assert not isinstance(cancelled, Refusal)
    for after in (
        evolve(opened("long", "98"), closed[0]),
        evolve(opened("long", "90", entry=("limit", "95")), cancelled),
    ):
        ahead = outlook(after)
        assert (ahead.loss, ahead.win, ahead.left) == (None, None, ZERO)


@given(
    side=st.sampled_from(["long", "short"]),
    stop=st.integers(1, 900),
    near=st.integers(10, 400),
    far=st.integers(401, 900),
    share=st.sampled_from(["0.25", "0.3", "0.5", "0.99"]),
    quantity=st.integers(1000, 900_000),
    bps=st.sampled_from([0, 3]),
)
def test_the_outlook_is_what_the_rule_then_does(
    side: str, stop: int, near: int, far: int, share: str, quantity: int, bps: int
) -> None:
    sign = Side(side).sign

    def level(cents: int) -> str:
        return plain(CONTEXT.add(Decimal(100), CONTEXT.divide(Decimal(sign * cents), Decimal(100))))

    rest = plain(CONTEXT.subtract(Decimal(1), Decimal(share)))
    targets = (f"{level(near)}:{share}", f"{level(far)}:{rest}")
    size = plain(CONTEXT.divide(Decimal(quantity), Decimal(1000)))
    rules = replace(Rules(), slippage_bps=Decimal(bps))
    trade = opened(side, level(-stop), targets, quantity=size, rules=rules)
    ahead = outlook(trade)
    worst = ahead.worst
    assert worst is not None
    stopped, _ = touch(trade, Quote(at_ms=60_000, last=worst.cause.raw_price))
    won, _ = touch(trade, Quote(at_ms=60_000, last=ahead.targets[-1].cause.raw_price))
    assert (ahead.loss, ahead.win, ahead.left) == (stopped.realized, won.realized, won.open_quantity)
