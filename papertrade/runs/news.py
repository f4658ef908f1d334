"""What happened to an account since somebody last looked, behind a cursor of the journal.

The rule to keep: only what was shown to a person moves the cursor.
"""

from __future__ import annotations

from typing import Final

from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.runs.happenings import states_after
from papertrade.store.rows import AccountRow, EventFilter, JournalRow
from papertrade.store.store import Reader, Store

_TOLD: Final = ("trade_placed", "entry_filled", "exit_filled", "trade_ended", "trade_voided", "trade_flagged")


@dataclass(frozen=True, slots=True)
class News:
    """The newest events that were not seen yet, each with its trade right after it; `total` counts all of them.

    `last_seq` is the end of the journal: where the cursor goes once this was shown. `is_first` on the first look.
    """

    events: tuple[tuple[JournalRow, Trade], ...]
    total: int
    last_seq: int
    is_first: bool


def news_of(reader: Reader, account: AccountRow, most: int) -> News:
    """Return at most the `most` newest events since the last look."""
    cursor = reader.cursor(_name(account))
    wanted = EventFilter(after_seq=cursor, account_id=account.id, kinds=_TOLD, last=most)
    rows = reader.events(wanted)
    states = states_after(reader, rows)
    return News(
        events=tuple((row, states[row.seq]) for row in rows),
        total=reader.event_count(wanted),
        last_seq=reader.last_seq(),
        is_first=cursor == 0,
    )


def mark_seen(store: Store, account: AccountRow, news: News) -> None:
    """Remember that the news were shown."""
    with store.read() as reader:
        is_behind = reader.cursor(_name(account)) < news.last_seq
    if is_behind:
        store.write(lambda writer: writer.move_cursor(_name(account), news.last_seq))


def _name(account: AccountRow) -> str:
    return f"board:{account.id}"
