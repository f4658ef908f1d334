"""One round of a watch: a tick that is remembered also when it fails, and what the minute still forming touches.

Shared by the loop and by the single tick for cron. The rule to keep: a venue that cannot be asked is an
answer here, with the number of rounds in a row; only the database may raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from papertrade.engine.market import Candle, Quote, floor_ms
from papertrade.engine.messages import EntryFilled, ExitFilled
from papertrade.engine.touch import touch
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import FeedError, PapertradeError
from papertrade.runs.catch_up import venue_now
from papertrade.runs.happenings import Happening, of_changes
from papertrade.runs.observe import Market
from papertrade.runs.sighting import load
from papertrade.runs.tick import tick
from papertrade.runs.world import TickReport, World
from papertrade.store.rows import Seen, SetAside
from papertrade.store.store import Reader, Writer

_TOUCHED_MAX = 100


@dataclass(frozen=True, slots=True)
class Touched:
    """A live trade that the minute still forming reaches, what would follow, and when that is settled (UTC ms)."""

    trade: Trade
    event: EntryFilled | ExitFilled
    settles_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did: `checked` live trades were looked at, `live` ones are left.

    `broken` are trades that cannot be decided, by symbol. `error` is why the whole venue could not be asked,
    `in_a_row` how many rounds that has been so. `stopped` is why a strategy ended in this round, or never began.
    """

    checked: int
    live: int
    report: TickReport
    happenings: tuple[Happening, ...] = ()
    touched: tuple[Touched, ...] = ()
    broken: tuple[tuple[str, SetAside], ...] = ()
    market: Market | None = None
    error: FeedError | None = None
    in_a_row: int = 0
    stopped: PapertradeError | None = None


GoRound: TypeAlias = Callable[[World], Round]
"""What a watch does at each tick: `go_round`, or that and more."""


def go_round(world: World) -> Round:
    """Tick once. Without live trades nobody is asked. Raises DatabaseBusy and DatabaseUnusable only."""
    with world.store.read() as reader:
        live = reader.live_count()
        symbols = tuple(i.symbol for i in reader.live_instruments())
        failed_before = reader.venue_state(world.feed.venue).failures
    if live == 0:
        _forget_failures(world)
        return Round(checked=0, live=0, report=TickReport(at_ms=venue_now(world), symbols=()))
    try:
        report, market = tick(world)
    except FeedError as error:
        in_a_row = remember_failure(world, error)
        failed = TickReport(at_ms=venue_now(world), symbols=symbols, failures=dict.fromkeys(symbols, error))
        return Round(checked=0, live=live, report=failed, error=error, in_a_row=in_a_row)
    if failed_before > 0:
        forget_failure(world)
    with world.store.read() as reader:
        return Round(
            checked=live,
            live=reader.live_count(),
            report=report,
            happenings=of_changes(reader, report.changes, report.at_ms),
            touched=touched_now(reader, world.feed.venue, market, world.watching.candle_ms),
            broken=tuple((i.symbol, a) for i in reader.live_instruments() for a in i.set_aside if a.error != ""),
            market=market,
        )


def touched_now(reader: Reader, venue: str, market: Market, candle_ms: int) -> tuple[Touched, ...]:
    """Return the live trades that the forming minute and the newest quotes reach: what would happen at its end."""
    forming = {
        symbol: _so_far(market.forming.get(symbol), quote, market.at_ms, candle_ms)
        for symbol, quote in market.quotes.items()
    }
    seen = [
        Seen(venue=venue, symbol=symbol, low=candle.low, high=candle.high, last_open_ms=candle.open_ms)
        for symbol, candle in forming.items()
    ]
    found = load(reader, list(reader.touched(seen))[:_TOUCHED_MAX])
    touched = []
    for trade in found.values():
        if isinstance(trade, Trade):
            candle = forming[trade.order.symbol]
            event = _would_happen(trade, candle)
            if event is not None:
                touched.append(Touched(trade, event, candle.end_ms))
    return tuple(touched)


def _would_happen(trade: Trade, candle: Candle) -> EntryFilled | ExitFilled | None:
    """Return the first fill that would follow; a trade that breaks is told of by the tick and not here."""
    try:
        _, events = touch(trade, candle)
    except (ValueError, ArithmeticError, TypeError, LookupError):
        return None
    return next((event for event in events if isinstance(event, EntryFilled | ExitFilled)), None)


def _so_far(candle: Candle | None, quote: Quote, at_ms: int, candle_ms: int) -> Candle:
    """Return the forming minute with the newest price in it."""
    price = quote.last
    if candle is None:
        opened = floor_ms(at_ms, candle_ms)
        return Candle(open_ms=opened, interval_ms=candle_ms, open=price, high=price, low=price, close=price)
    return replace(candle, low=min(candle.low, price), high=max(candle.high, price), close=price)


def remember_failure(world: World, error: FeedError) -> int:
    """Count a failure of the whole venue, and keep how long it told us to stay away: the next process obeys too."""
    venue = world.feed.venue
    closure = world.feed.closure

    def write(writer: Writer) -> int:
        state = writer.venue_state(venue)
        count = state.failures + 1
        writer.put_venue_state(
            replace(
                state,
                failures=count,
                last_error=error.message,
                closed_until_ms=None if closure is None else closure.until_ms,
                closed_reason="" if closure is None else closure.reason,
            )
        )
        return count

    return world.store.write(write)


def forget_failure(world: World) -> None:
    """Begin to count the failures of the whole venue anew."""
    venue = world.feed.venue
    world.store.write(lambda writer: writer.put_venue_state(replace(writer.venue_state(venue), failures=0)))


def _forget_failures(world: World) -> None:
    """Forget the failing symbols of trades that are gone."""
    with world.store.read() as reader:
        known = [(f.venue, f.symbol) for f in reader.symbol_failures()]
    if known:
        world.store.write(lambda writer: writer.forget_symbol_failures(known))
