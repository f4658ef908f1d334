"""What must hold after each commit, whoever made it: the invariants of the books, asked from outside.

The auditor has a connection of its own and only reads. Cheap queries run after every commit that added to the
journal, the whole replay of `check` after every few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from papertrade.engine.money import exact
from papertrade.store.invariants import INVARIANTS
from papertrade.store.store import Reader, Store


class Unsound(AssertionError):
    """The simulation found something that must never be."""


@dataclass
class Auditor:
    """Looks at the books after each commit; `every` is how many of them pass between two full checks."""

    store: Store
    every: int
    seen: int = 0
    commits: int = 0
    checks: int = 0

    def look(self) -> int:
        """Raise Unsound if anything is wrong; return the number of the newest event."""
        with self.store.read() as reader:
            last = reader.last_seq()
            if last == self.seen:
                return last
            if last < self.seen:
                raise Unsound(f"the journal lost events: {last} after {self.seen}")
            self.seen = last
            self._quickly(reader)
        self.commits += 1
        if self.commits % self.every == 0:
            self.check()
        return last

    def look_for_remains(self, run_id: str, after_seq: int) -> int:
        """Raise Unsound if a process that failed to write left events behind; return the newest event's number."""
        with self.store.read() as reader:
            query = "SELECT COUNT(*) FROM event WHERE seq > ? AND run_id = ?"
            left = reader._connection.exec_driver_sql(query, (after_seq, run_id)).scalar_one()
            if left:
                raise Unsound(f"a write of {run_id} failed and left {left} events behind")
            return reader.last_seq()

    def check(self) -> None:
        """Replay the journal and compare every view with it."""
        self.checks += 1
        report = self.store.check()
        if not report.is_sound:
            raise Unsound("\n".join(str(d) for d in report.differences[:20]))

    def _quickly(self, reader: Reader) -> None:
        for name, query in INVARIANTS.items():
            for record, expected, actual in reader._connection.exec_driver_sql(query):
                raise Unsound(f"{name}: {record}: expected {expected}, found {actual}")
        live = reader.live_trades()
        marks = {q.symbol: q.quote for q in reader.quotes()}
        with exact():
            for row in reader.accounts():
                book = reader.account_book(row)
                own = [t for t in live if t.order.account_id == row.id]
                unrealized = sum(
                    (t.unrealized(marks[t.order.symbol].mark(t.side)) for t in own if t.order.symbol in marks),
                    Decimal(0),
                )
                worth = book.cash + sum((t.reserve for t in own), Decimal(0)) + unrealized
                if worth != book.capital + book.realized + unrealized or book.cash < 0:
                    raise Unsound(f"account {row.name}: {worth} is not {book.capital} + {book.realized} + {unrealized}")
