"""What the venue says of instruments, kept in the store so that everything but prices works offline."""

from __future__ import annotations

from collections.abc import Sequence

from papertrade.engine.instrument import Instrument
from papertrade.errors import PapertradeError
from papertrade.runs.world import World
from papertrade.store.rows import StoredInstrument
from papertrade.store.store import Writer

FRESH_MS = 3_600_000


def instrument_of(world: World, symbol: str, max_age_ms: int = FRESH_MS) -> Instrument:
    """Return the instrument, asked anew when what is stored is older than `max_age_ms`.

    Stored facts serve when the venue cannot be asked. Raises UnknownSymbol, or FeedError if nobody knows it.
    """
    known = stored_instrument(world, symbol)
    if known is not None and world.clock.now_ms() - known.fetched_ms <= max_age_ms:
        return known.instrument
    try:
        answer = world.wait(world.feed.instruments([symbol]))[symbol]
    except PapertradeError as error:
        answer = error
    if isinstance(answer, Instrument):
        save_instruments(world, [answer])
        return answer
    if known is None or answer.error_code == "unknown_symbol":
        raise answer
    return known.instrument


def refresh_instruments(world: World, symbols: Sequence[str], max_age_ms: int = FRESH_MS) -> None:
    """Ask in one go for the instruments that `instrument_of` would ask for one by one; says nothing of failures."""
    now_ms = world.clock.now_ms()
    with world.store.read() as reader:
        stored = {symbol: reader.instrument(world.feed.venue, symbol) for symbol in symbols}
    old = [s for s, known in stored.items() if known is None or now_ms - known.fetched_ms > max_age_ms]
    if len(old) > 1:
        not_trading(world, old)


def stored_instrument(world: World, symbol: str) -> StoredInstrument | None:
    """Return what is stored of an instrument of the feed's venue."""
    with world.store.read() as reader:
        return reader.instrument(world.feed.venue, symbol)


def save_instruments(world: World, instruments: Sequence[Instrument]) -> None:
    """Keep what the venue said."""
    now_ms = world.clock.now_ms()

    def write(writer: Writer) -> None:
        writer.put_instruments([StoredInstrument(i, now_ms) for i in instruments])

    world.store.write(write)


def not_trading(world: World, symbols: Sequence[str]) -> tuple[str, ...]:
    """Return which of the symbols the venue knows and does not trade now; none if it cannot be asked."""
    try:
        answers = world.wait(world.feed.instruments(symbols))
    except PapertradeError:
        return ()
    known = [a for a in answers.values() if isinstance(a, Instrument)]
    save_instruments(world, known)
    return tuple(i.symbol for i in known if not i.is_trading)
