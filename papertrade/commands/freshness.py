"""How fresh what is shown is: commands that look catch up for a moment, or say how old the stored marks are.

`board` and `portfolio` try for two seconds and then show what is stored; the others never ask the network and
remark on stderr, in one line, that live trades are not caught up. The rule to keep: looking never fails because
the venue cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from papertrade.bootstrap import Books, open_books, open_world
from papertrade.config.settings import Settings
from papertrade.engine.market import INTERVALS
from papertrade.engine.values import dataclass
from papertrade.errors import PapertradeError
from papertrade.invocation import Invocation
from papertrade.render.json import Encodable
from papertrade.render.numbers import age, iso_z, local_minute
from papertrade.render.text import Cell, Tone
from papertrade.runs.reporting import Lag, Standpoint, live_lag, present_ms
from papertrade.store.store import Reader

PATIENCE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """Open books, and what kept the live trades from being caught up; None if nothing did or nobody tried."""

    books: Books
    problem: PapertradeError | None


@dataclass(frozen=True, slots=True)
class Seen:
    """The present that is shown, how far live trades are behind it, and why nothing could be done about it."""

    now: Standpoint
    lag: Lag | None
    problem: PapertradeError | None

    def json(self, oldest_ms: int | None) -> Mapping[str, Encodable]:
        """Say how fresh the prices are; `oldest_ms` is the oldest mark shown."""
        return {
            "caught_up": self.lag is None,
            "age_seconds": None if oldest_ms is None else max(0, self.now.now_ms - oldest_ms) // 1000,
            "caught_up_to": None if self.lag is None or self.lag.since_ms is None else iso_z(self.lag.since_ms),
            "reason": None if self.problem is None else self.problem.message,
        }

    def cell(self, oldest_ms: int | None) -> Cell:
        """Say the same in one line for a person."""
        text = "" if oldest_ms is None else f"{age(oldest_ms, self.now.now_ms)} old"
        parts = [text] if text else []
        if self.lag is not None:
            parts.append(lag_text(self.lag, self.now))
        if self.problem is not None:
            parts.append(self.problem.message)
        return Cell("; ".join(parts), Tone.PLAIN if self.lag is None and self.problem is None else Tone.WARNING)


@contextmanager
def caught_up(call: Invocation, *, is_offline: bool) -> Iterator[Look]:
    """Open the books after catching up for at most two seconds; `is_offline` leaves the venue alone."""
    if is_offline:
        with open_books(call) as books:
            yield Look(books, None)
        return
    from papertrade.runs.catch_up import catch_up_within

    with open_world(call) as desk:
        yield Look(desk.books, catch_up_within(desk.world, PATIENCE_SECONDS))


def seen_of(look: Look, reader: Reader) -> Seen:
    """Return what the books show after the look."""
    now = standpoint(look.books, reader)
    return Seen(now, lag_of(look.books, reader, now), look.problem)


def standpoint(books: Books, reader: Reader) -> Standpoint:
    """Return the venue's present and the zone that days are counted in."""
    local_ms = books.call.clock.now_ms()
    now_ms = present_ms(reader, books.settings.feed.value, local_ms)
    return Standpoint(now_ms, books.settings.display.zone, now_ms - local_ms)


def lag_of(books: Books, reader: Reader, view: Standpoint) -> Lag | None:
    """Return how far live trades are behind what a running watch would keep up with; None if they are not."""
    return live_lag(reader, view.now_ms, allowed_lag_ms(books.settings))


def allowed_lag_ms(settings: Settings) -> int:
    """Return how far behind a running watch may be without being late."""
    watch = settings.watch
    return max(2 * INTERVALS[watch.candle] + watch.interval_ms, watch.max_age_ms)


def say_lag(books: Books, lag: Lag | None, view: Standpoint) -> None:
    """Remark in one line on stderr that live trades are not caught up; nothing if they are, or with `-q`."""
    if lag is not None:
        books.say(lag_text(lag, view))


def lag_text(lag: Lag, view: Standpoint) -> str:
    """Say how far live trades are behind, and what catches them up."""
    what = "1 symbol" if lag.instruments == 1 else f"{lag.instruments} symbols"
    if lag.since_ms is None:
        return f"live trades of {what} were never caught up: papertrade watch --once"
    since = f"{age(lag.since_ms, view.now_ms)} ago ({local_minute(lag.since_ms, view.zone)})"
    return f"live trades of {what} were last caught up {since}: papertrade watch --once"


def oldest_mark_ms(marks: Sequence[int | None]) -> int | None:
    """Return when the oldest of the marks shown was seen (UTC ms), None without any."""
    return min((at_ms for at_ms in marks if at_ms is not None), default=None)
