"""Who acts in a simulation: watchers that tick, and a user who follows a script.

An actor owns a world with a store of its own, as a process would; a death takes both, and the next turn begins
with what is on the disk.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from papertrade.engine.changes import ExitChange
from papertrade.engine.signal import Size, SizeKind, TargetWish
from papertrade.engine.trade import Trade
from papertrade.errors import PapertradeError
from papertrade.runs.accounts import create_account, move_cash, reset_account
from papertrade.runs.catch_up import Present, catch_up, venue_now
from papertrade.runs.closing import Done, cancel_one, close_one, modify_one
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.runs.round import go_round
from papertrade.runs.stop_signals import Stopping
from papertrade.runs.tick import tick
from papertrade.runs.watch import Notice, Rhythm, Watch
from papertrade.runs.world import Change
from papertrade.store.rows import TradeFilter
from papertrade.store.store import Store
from tests.simulation.clock import SimulatedClock
from tests.simulation.crashes import SimulatedStore
from tests.simulation.script import ACCOUNTS, ByHand, Cash, Line, Open, Reset, Wish

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

NEVER_MS = 2**60


def first_accounts(path: Path, clock: SimulatedClock) -> None:
    """Make the database and its accounts."""
    store = Store.open(path, now_ms=clock.now_ms, run_id="first", pause=clock.pause)
    for name in ACCOUNTS:
        create_account(store, name, "USDT", Decimal(20_000), clock.true_ms)
    store.close()


class Actor(ABC):
    """Somebody with a process of his own; `next_ms` is when he acts next."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self.simulation = simulation
        self.name = name
        self.lives = 0
        self.is_busy = False
        self.next_ms = simulation.clock.true_ms
        self.world = simulation.world(name)

    @abstractmethod
    def step(self) -> None:
        """Take a turn."""

    def may_overtake(self) -> bool:
        """Whether he could act at this instant, while somebody else waits."""
        return True

    def failed(self, error: PapertradeError) -> None:  # noqa: B027 (most have nothing to hear)
        """Hear why a turn came to nothing."""

    def revive(self) -> None:
        """Begin a new life with what is on the disk."""
        store = self.world.store
        if isinstance(store, SimulatedStore):
            store.bury()
        self.lives += 1
        self.world = self.simulation.world(f"{self.name}.{self.lives}")

    def close(self) -> None:
        """Close the database."""
        self.world.store.close()


class Watcher(Actor):
    """Ticks at odd times, or every 30 s if steady."""

    def __init__(self, simulation: Simulation, name: str, *, is_steady: bool) -> None:
        super().__init__(simulation, name)
        self.is_steady = is_steady

    def step(self) -> None:
        chance = self.simulation.chance
        pause = 30_000 if self.is_steady else chance.choice([5_000, 30_000, 30_000, 60_000, 140_000, 600_000])
        self.next_ms = self.simulation.clock.true_ms + pause
        if self.is_steady or chance.random() < 0.5:
            tick(self.world)
        else:
            go_round(self.world)


class Loop(Actor):
    """The watch itself, as `papertrade watch` drives it, woken for its slots; a late waking skips some."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        self.watch: Watch | None = None

    def step(self) -> None:
        self.next_ms = self.simulation.clock.true_ms + self.simulation.chance.choice([10_000, 30_000, 30_000, 95_000])
        if self.watch is None:
            watch = Watch(self.world, Rhythm(interval_ms=30_000), _not_heard, Stopping(), list)
            watch.begin(1)
            self.watch = watch
        if self.watch.step() is None:
            raise AssertionError("nobody asked the watch to end")

    def revive(self) -> None:
        super().revive()
        self.watch = None


def _not_heard(notice: Notice) -> None:
    """Nobody reads what a simulated watch says."""


class User(Actor):
    """Follows a script: catches up, acts once, and takes no for an answer."""

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
            case ByHand():
                self._by_hand(wish)
            case Cash():
                catch_up(self.world)
                move_cash(self.world.store, wish.account, wish.amount, "", venue_now(self.world))
            case Reset():
                symbols = sorted(self.simulation.setting.tapes)
                reset_account(self.world, wish.account, Decimal(5_000), catch_up(self.world, symbols))

    def _open(self, wish: Open) -> None:
        present = catch_up(self.world, [wish.signal.symbol], forced=wish.is_forced)
        request = OpenRequest(signal=wish.signal, size=Size(SizeKind.QUANTITY, wish.quantity))
        self._heard(open_one(self.world, wish.account, request, present).change)

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
            case "modify":
                change = ExitChange(
                    stop=wish.stop,
                    targets=() if wish.target is None else (TargetWish(wish.target),),
                    keeps_stop=wish.stop is None,
                    keeps_targets=wish.target is None,
                )
                return modify_one(self.world, trade.id, change, present)
            case _:
                return close_one(self.world, trade.id, wish.fraction, present)

    def _newest(self, key: str) -> Trade | None:
        with self.world.store.read() as reader:
            trades = reader.trades_page(TradeFilter()).trades
        return next((t for t in trades if t.order.signal_key == key), None)

    def _heard(self, change: Change | None) -> None:
        """Remember what was said to have happened: it must be in the books at the end."""
        if change is not None:
            self.simulation.acknowledged += change.events
