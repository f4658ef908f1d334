"""`log`: the journal as sentences, for people, as a list, or followed as it grows. Never asks the venue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from functools import partial
from typing import Annotated, Final, TypeAlias

import typer

from papertrade.bootstrap import Books, open_books
from papertrade.commands.answer import Answer, screen
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.moments import moment_ms
from papertrade.commands.options import Csv, Limit, SinceFilter, UntilFilter, invocation
from papertrade.engine.values import dataclass, replace
from papertrade.errors import UsageProblem
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.journal_lines import journal_line
from papertrade.render.json import event_line, listing
from papertrade.render.numbers import duration, iso_z, local_second
from papertrade.render.text import Cell, Tone
from papertrade.runs.happenings import states_after
from papertrade.runs.stop_signals import Stopping, stopped_by_signals
from papertrade.store.rows import EventFilter, JournalRow
from papertrade.store.store import Reader

_LATE_MS: Final = 120_000
_FOLLOW_SECONDS: Final = 0.5

Follow: TypeAlias = Annotated[bool, typer.Option("--follow", "-f", help="Go on as events are recorded; Ctrl-C ends.")]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event with its sentence."""

    row: JournalRow
    account: str | None
    sentence: Sequence[Cell]

    @property
    def text(self) -> str:
        """The sentence without its tones."""
        return "".join(cell.text for cell in self.sentence)


@dataclass(frozen=True, slots=True)
class Look:
    """How entries are shown: the display zone, and how far the venue's clock is ahead of the local one (ms)."""

    zone: tzinfo
    offset_ms: int


def log(
    ctx: typer.Context,
    since: SinceFilter = None,
    until: UntilFilter = None,
    follow: Follow = False,
    limit: Limit = 50,
    csv: Csv = False,
) -> Answer | None:
    """Read the journal as sentences: what happened, when, and what was recorded late.

    Times are when it happened on the market; what was recorded more than two minutes later says so. `--since`
    and `--until` count by when it was recorded. With --follow --json every event is one line.

        papertrade log --since today
    """
    call = invocation(ctx)
    if follow and (csv or until is not None):
        raise UsageProblem("`--follow` has no end, so it takes no --csv and no --until")
    with open_books(call) as books:
        zone = books.settings.display.zone
        now_ms = call.clock.now_ms()
        wanted = EventFilter(
            account_id=None if call.flags.account is None else books.account.id,
            since_ms=None if since is None else moment_ms(since, "--since", now_ms, zone),
            until_ms=None if until is None else moment_ms(until, "--until", now_ms, zone),
        )
        with books.store.read() as reader:
            total = reader.event_count(wanted)
            entries = _entries(reader, reader.events(wanted if limit == 0 else replace(wanted, last=limit)))
            seen = reader.last_seq()
            view = standpoint(books, reader)
            lag = lag_of(books, reader, view)
        look = Look(zone, view.offset_ms)
        if follow:
            _follow(books, entries, replace(wanted, after_seq=seen), look)
            return None
        say_lag(books, lag, view)
    return Answer(
        data=listing([_entry_json(entry) for entry in entries], total),
        show=partial(_show, entries, total, look),
        sheet=_sheet(entries),
    )


def _follow(books: Books, entries: Sequence[Entry], wanted: EventFilter, look: Look) -> None:
    """Print what is there, then what comes, until a signal ends it."""
    call = books.call
    stopping = Stopping()
    with stopped_by_signals(stopping):
        while True:
            for entry in entries:
                if call.wants_json:
                    call.stdout.write(event_line(entry.row.kind, entry.row.effective_ms, _entry_json(entry)))
                else:
                    screen(call).line(*_line(entry, look))
                wanted = replace(wanted, after_seq=max(wanted.after_seq, entry.row.seq))
            call.stdout.flush()
            if stopping.reason is not None:
                return
            call.clock.pause(_FOLLOW_SECONDS)
            with books.store.read() as reader:
                entries = _entries(reader, reader.events(wanted))


def _entries(reader: Reader, rows: Sequence[JournalRow]) -> list[Entry]:
    states = states_after(reader, rows)
    names = {account.id: account.name for account in reader.accounts()}
    entries = []
    for row in rows:
        account = None if row.account_id is None else names.get(row.account_id)
        entries.append(Entry(row, account, journal_line(row, states.get(row.seq), account or "")))
    return entries


def _show(entries: Sequence[Entry], total: int, look: Look, screen: Screen) -> None:
    for entry in entries:
        screen.line(*_line(entry, look))
    if not entries:
        screen.line("nothing was recorded")
    elif total > len(entries):
        screen.line(Cell(f"the newest {len(entries)} of {total}; --limit 0 shows all", Tone.DIM))


def _line(entry: Entry, look: Look) -> list[Cell]:
    row = entry.row
    late_ms = row.recorded_ms + look.offset_ms - row.effective_ms
    late = [Cell(f" (recorded {duration(late_ms)} later)", Tone.DIM)] if late_ms > _LATE_MS else []
    return [Cell(f"{local_second(row.effective_ms, look.zone)}  ", Tone.DIM), *entry.sentence, *late]


def _entry_json(entry: Entry) -> dict[str, int | str | None]:
    row = entry.row
    return {
        "seq": row.seq,
        "kind": row.kind,
        "at": iso_z(row.effective_ms),
        "recorded_at": iso_z(row.recorded_ms),
        "account": entry.account,
        "trade_id": row.trade_id,
        "signal_id": row.signal_id,
        "run": row.run_id,
        "text": entry.text,
    }


def _sheet(entries: Sequence[Entry]) -> Sheet:
    header = ("seq", "kind", "at", "recorded_at", "account", "trade_id", "signal_id", "run", "text")
    return Sheet(header, [tuple(_entry_json(entry).values()) for entry in entries])
