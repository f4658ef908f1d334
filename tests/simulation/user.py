"""The user: follows a script, catches up before each deed as commands do, and takes no for an answer.

What he is told has happened is remembered: it must be in the books at the end.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from papertrade.engine.messages import EntryFilled, SignalAdded, TradePlaced
from papertrade.engine.signal import Size, SizeKind
from papertrade.engine.trade import Trade
from papertrade.runs.accounts import move_cash, reset_account
from papertrade.runs.catch_up import Present, catch_up, venue_now
from papertrade.runs.closing import Done, cancel_one, close_one, modify_one, void_one
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.runs.signals import add_signals, cancel_signal
from papertrade.runs.world import Change
from papertrade.store.rows import EventFilter, Recorded, TradeFilter
from papertrade.store.store import Writer
from papertrade.store.views import InvariantBroken
from tests.simulation.actors import Actor
from tests.simulation.audit import Unsound
from tests.simulation.script import ByHand, Careless, Cash, Import, Line, Open, OpenStored, Reset, Wish, Withdraw

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

NEVER_MS = 2**60


class User(Actor):
    """Follows a script, a line a turn."""

    def __init__(self, simulation: Simulation, name: str, script: list[Line]) -> None:
        super().__init__(simulation, name)
        self.script = list(script)
        self.next_ms = self.script[0].at_ms if self.script else NEVER_MS

    def may_overtake(self) -> bool:
        return self.next_ms <= self.simulation.clock.true_ms

    def step(self) -> None:
        line = self.script.pop(0)
        self.next_ms = self.script[0].at_ms if self.script else NEVER_MS
        self._do(line.wish)

    def _do(self, wish: Wish) -> None:
        match wish:
            case Open():
                self._open(wish)
            case OpenStored():
                self._open_stored(wish)
            case Import():
                self._import(wish)
            case Withdraw():
                self._withdraw(wish)
            case Careless():
                self._careless(wish)
            case ByHand():
                self._by_hand(wish)
            case Cash():
                catch_up(self.world)
                move_cash(self.world.store, wish.account, wish.amount, "", venue_now(self.world))
            case Reset():
                symbols = sorted(self.simulation.setting.tapes)
                reset_account(self.world, wish.account, Decimal(5_000), catch_up(self.world, symbols))

    # -- signals and their trades ----------------------------------------------------------------------

    def _open(self, wish: Open) -> None:
        present = catch_up(self.world, [wish.signal.symbol], forced=wish.is_forced)
        request = OpenRequest(signal=wish.signal, size=Size(SizeKind.QUANTITY, wish.quantity))
        self._heard(open_one(self.world, wish.account, request, present).change)

    def _import(self, wish: Import) -> None:
        """Store signals, all or none; what is told as new is in the books for ever."""
        kept = add_signals(self.world.store, wish.signals, venue_now(self.world))
        if all(k.is_same for k in kept):
            told = [SignalAdded(signal_id=k.id, signal=k.signal) for k in kept if k.is_new]
            self.simulation.acknowledged += told

    def _open_stored(self, wish: OpenStored) -> None:
        with self.world.store.read() as reader:
            source, _, name = wish.key.partition(":")
            row = reader.signal_known_as(source, name)
        if row is None:
            return
        present = catch_up(self.world, [row.signal.symbol])
        size = Size(SizeKind.QUANTITY, wish.quantity)
        request = OpenRequest(signal=row.signal, signal_id=row.id, size=size)
        self._heard(open_one(self.world, wish.account, request, present).change)

    def _withdraw(self, wish: Withdraw) -> None:
        with self.world.store.read() as reader:
            source, _, name = wish.key.partition(":")
            row = reader.signal_known_as(source, name)
        if row is not None:
            cancel_signal(self.world.store, row.id, venue_now(self.world))

    def _careless(self, wish: Careless) -> None:
        """Record the opening of a live trade a second time, as a program would that asks nobody before."""

        def write(writer: Writer) -> None:
            rows = writer.events(EventFilter(kinds=("trade_placed", "entry_filled")))
            events = [row.event for row in rows if isinstance(row.event, TradePlaced | EntryFilled)]
            live = {trade.id for trade in writer.live_trades()}
            ours = [e for e in events if e.trade_id in live and e.order is not None and e.order.signal_key == wish.key]
            for event in ours[:1]:
                again = replace(event, trade_id=writer.next_trade_id())
                writer.record([Recorded(again, self.simulation.clock.true_ms)])
                raise Unsound(f"a second live trade was recorded for {wish.key}")

        try:
            self.world.store.write(write)
        except (InvariantBroken, ValueError):  # not enough cash for a second one
            return

    # -- what is done to trades ------------------------------------------------------------------------

    def _by_hand(self, wish: ByHand) -> None:
        trade = self._newest(wish.key)
        if trade is None:
            return
        present = catch_up(self.world, [trade.order.symbol], forced=wish.is_forced)
        self._heard(self._done(wish, trade, present).change)

    def _done(self, wish: ByHand, trade: Trade, present: Present) -> Done:
        match wish.verb:
            case "cancel":
                return cancel_one(self.world, trade.id, present)
            case "void":
                return void_one(self.world, trade.id, present, "a slip")
            case "modify":
                return modify_one(self.world, trade.id, wish.change, present)
            case _:
                return close_one(self.world, trade.id, wish.fraction, present)

    def _newest(self, key: str) -> Trade | None:
        with self.world.store.read() as reader:
            trades = reader.trades_page(TradeFilter()).trades
        return next((t for t in trades if t.order.signal_key == key), None)

    def _heard(self, change: Change | None) -> None:
        """Remember what was said to have happened."""
        if change is not None:
            self.simulation.acknowledged += change.events
