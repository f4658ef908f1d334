"""The final candles that ticks went through, kept small: whole looks for an hour or so, then one row an hour.

A cache, from which a trade's excursions are told (docs/semantics.md, section 9). A tick writes one row, however
many instruments it saw; after `LOOKS_MAX` of them they are folded into hours. The rule to keep: an hour keeps its
candles one by one only where something was filled in it, for only there the minute matters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final, Protocol, TypeAlias, cast

from papertrade.engine.market import DAY_MS, HOUR_MS, Candle, floor_ms
from papertrade.engine.money import plain
from papertrade.engine.values import dataclass
from papertrade.store import failures
from papertrade.store.snapshot import Snapshot

LOOKS_MAX: Final = 64
"""How many looks are kept as they are before they are folded into hours: about an hour of minutes."""

_CANDLES_A_LOOK: Final = 500

Place: TypeAlias = "tuple[str, str]"
"""Venue and symbol."""

_BETWEEN: Final = ";"  # of packed candles; a candle is its open time, length and four prices, with blanks

_PUT_LOOK: Final = "INSERT INTO candle_look(venue, content) VALUES (?, ?)"
_LOOKS: Final = "SELECT id, content FROM candle_look WHERE venue = ? ORDER BY id"
_IS_FULL: Final = f"SELECT 1 FROM candle_look WHERE venue = ? ORDER BY id LIMIT 1 OFFSET {LOOKS_MAX - 1}"
_FORGET: Final = "DELETE FROM candle_look WHERE venue = ? AND id <= ?"
_HOURS: Final = """
SELECT hour_ms, first_ms, end_ms, seen_ms, low, high, candles FROM candle_hour
WHERE venue = ? AND symbol = ? AND hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms
"""
_PUT_HOUR: Final = """
INSERT INTO candle_hour(venue, symbol, hour_ms, first_ms, end_ms, seen_ms, low, high, candles)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(venue, symbol, hour_ms) DO UPDATE SET first_ms = excluded.first_ms, end_ms = excluded.end_ms,
seen_ms = excluded.seen_ms, low = excluded.low, high = excluded.high, candles = excluded.candles
"""
_FILLED: Final = f"SELECT DISTINCT symbol, at_ms / {HOUR_MS} FROM fill WHERE venue = ? AND at_ms >= ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleHour:
    """The final candles that open in one UTC hour, as they were seen: their extremes, and for how long together.

    `candles` are those that are still known one by one, all of them or none or some.
    """

    hour_ms: int
    first_ms: int
    end_ms: int
    seen_ms: int
    low: Decimal
    high: Decimal
    candles: tuple[Candle, ...] = ()


class _HourRow(Protocol):
    """The columns of an hour, as the driver gives them."""

    hour_ms: int
    first_ms: int
    end_ms: int
    seen_ms: int
    low: str
    high: str
    candles: str | None


class SeenCandleReads(Snapshot):
    """Reading the candles that were seen."""

    def candle_hours(self, spans: Mapping[Place, tuple[int, int]]) -> dict[Place, tuple[CandleHour, ...]]:
        """Return the hours of each instrument that overlap its span (UTC ms, the end not included), oldest first."""
        with self._readable():
            pending = {venue: self._pending(venue) for venue in {venue for venue, _ in spans}}
            return {at: self._hours(at, span, pending[at[0]].get(at[1], ())) for at, span in spans.items()}

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn a row that cannot be what it should be into an unusable database."""
        try:
            yield
        except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
            raise failures.unreadable(self._path, "a row of `candle_look` or `candle_hour`", error) from error

    def _pending(self, venue: str) -> dict[str, list[Candle]]:
        """Return the candles of every symbol that are not folded yet."""
        found: dict[str, list[Candle]] = {}
        for _, content in self._connection.exec_driver_sql(_LOOKS, (venue,)):
            _add(found, content)
        return found

    def _hours(self, place: Place, span: tuple[int, int], fresh: Iterable[Candle]) -> tuple[CandleHour, ...]:
        from_ms, to_ms = span
        first_ms = floor_ms(from_ms, HOUR_MS) - DAY_MS  # no candle is longer than a day
        stored = self._connection.exec_driver_sql(_HOURS, (*place, first_ms, to_ms)).all()
        hours = {row.hour_ms: _read(cast(_HourRow, row)) for row in stored}
        for hour_ms, candles in _by_hour(fresh).items():
            if first_ms <= hour_ms < to_ms:
                hours[hour_ms] = _merged(hours.get(hour_ms), hour_ms, candles)
        return tuple(hours[at] for at in sorted(hours) if hours[at].end_ms > from_ms)


class SeenCandleWrites(SeenCandleReads):
    """Keeping the candles that were seen."""

    def keep_candles(self, venue: str, seen: Mapping[str, Sequence[Candle]]) -> None:
        """Keep the final candles of one tick; folds what was kept before when there is enough of it."""
        if self._connection.exec_driver_sql(_IS_FULL, (venue,)).first() is not None:
            with self._readable():
                self._fold(venue)
        looks: list[dict[str, str]] = [{}]
        room = _CANDLES_A_LOOK
        for symbol, candles in seen.items():
            for start in range(0, len(candles), _CANDLES_A_LOOK):
                part = candles[start : start + _CANDLES_A_LOOK]
                if len(part) > room:
                    looks.append({})
                    room = _CANDLES_A_LOOK
                looks[-1][symbol] = _packed(part)
                room -= len(part)
        rows = [(venue, json.dumps(look)) for look in looks if look]
        if rows:
            self._connection.exec_driver_sql(_PUT_LOOK, rows)

    def _fold(self, venue: str) -> None:
        looks = self._connection.exec_driver_sql(f"{_LOOKS} LIMIT {LOOKS_MAX}", (venue,)).all()
        found: dict[str, list[Candle]] = {}
        for _, content in looks:
            _add(found, content)
        hours = {symbol: _by_hour(candles) for symbol, candles in found.items()}
        oldest = min(hour_ms for each in hours.values() for hour_ms in each)
        filled = {(str(s), int(h) * HOUR_MS) for s, h in self._connection.exec_driver_sql(_FILLED, (venue, oldest))}
        rows: list[tuple[str | int | None, ...]] = []
        for symbol, each in hours.items():
            newest = max(each)
            stored = self._connection.exec_driver_sql(_HOURS, (venue, symbol, min(each), newest + 1)).all()
            known = {row.hour_ms: _read(cast(_HourRow, row)) for row in stored}
            for hour_ms, candles in each.items():
                hour = _merged(known.get(hour_ms), hour_ms, candles)
                is_needed = hour_ms == newest or (symbol, hour_ms) in filled or _is_long(hour)
                rows.append((venue, symbol, *_row(hour, hour.candles if is_needed else ())))
        self._connection.exec_driver_sql(_PUT_HOUR, rows)
        self._connection.exec_driver_sql(_FORGET, (venue, looks[-1].id))


def _packed(candles: Iterable[Candle]) -> str:
    # Every tick packs a candle of every live instrument: `%s` is the fastest way to write a decimal (P4).
    return _BETWEEN.join(
        "%d %d %s %s %s %s" % (c.open_ms, c.interval_ms, c.open, c.high, c.low, c.close)  # noqa: UP031
        for c in candles
    )


def _candle(packed: str) -> Candle:
    opened, length, *prices = packed.split()
    first, high, low, close = (Decimal(price) for price in prices)
    return Candle(open_ms=int(opened), interval_ms=int(length), open=first, high=high, low=low, close=close)


def _read(row: _HourRow) -> CandleHour:
    return CandleHour(
        hour_ms=row.hour_ms,
        first_ms=row.first_ms,
        end_ms=row.end_ms,
        seen_ms=row.seen_ms,
        low=Decimal(row.low),
        high=Decimal(row.high),
        candles=() if row.candles is None else tuple(_candle(one) for one in row.candles.split(_BETWEEN)),
    )


def _row(hour: CandleHour, kept: Sequence[Candle]) -> tuple[int | str | None, ...]:
    candles = _packed(kept) if kept else None
    return hour.hour_ms, hour.first_ms, hour.end_ms, hour.seen_ms, plain(hour.low), plain(hour.high), candles


def _add(found: dict[str, list[Candle]], content: str) -> None:
    """Add the candles of a look."""
    look: dict[str, str] = json.loads(content)
    for symbol, packed in look.items():
        found.setdefault(symbol, []).extend(_candle(one) for one in packed.split(_BETWEEN))


def _by_hour(candles: Iterable[Candle]) -> dict[int, list[Candle]]:
    hours: dict[int, list[Candle]] = {}
    for candle in candles:
        hours.setdefault(floor_ms(candle.open_ms, HOUR_MS), []).append(candle)
    return hours


def _merged(known: CandleHour | None, hour_ms: int, fresh: Sequence[Candle]) -> CandleHour:
    """Return an hour with more candles in it; a candle that was known already counts once."""
    new = {candle.open_ms: candle for candle in fresh}
    old = {} if known is None else {candle.open_ms: candle for candle in known.candles}
    candles = tuple(candle for _, candle in sorted((old | new).items()))
    seen_ms = sum(candle.interval_ms for candle in candles)
    low, high = min(c.low for c in candles), max(c.high for c in candles)
    first_ms, end_ms = candles[0].open_ms, candles[-1].end_ms
    if known is not None and sum(candle.interval_ms for candle in known.candles) < known.seen_ms:
        # The hour was known as a whole before its candles were let go; these are some of them again.
        low, high = min(low, known.low), max(high, known.high)
        first_ms, end_ms = min(first_ms, known.first_ms), max(end_ms, known.end_ms)
        seen_ms = max(seen_ms, known.seen_ms)
    return CandleHour(
        hour_ms=hour_ms, first_ms=first_ms, end_ms=end_ms, seen_ms=seen_ms, low=low, high=high, candles=candles
    )


def _is_long(hour: CandleHour) -> bool:
    return any(candle.interval_ms >= HOUR_MS for candle in hour.candles)
