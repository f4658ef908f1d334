"""`papertrade export`: the books as files that other programs read.

To a file: written beside its place and moved there when complete. To stdout: collected first, so that the
snapshot of the database is not held while a slow reader reads. The rule to keep: nothing of a row stays in
memory after it was written, but for `--json`, whose one envelope is made whole.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final, TextIO, TypeAlias, cast

import typer

from papertrade.bootstrap import Books, open_books
from papertrade.commands.answer import Answer, say
from papertrade.commands.export_tables import ExportWish, What, ledger_source, refuse_pointless, table_of
from papertrade.commands.filters import Words
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.options import (
    EpochFilter,
    ExitFilter,
    Force,
    OutputFile,
    SideFilter,
    SinceFilter,
    SourceFilter,
    StatusFilter,
    SymbolFilter,
    TagFilter,
    UntilFilter,
    invocation,
)
from papertrade.commands.out_file import unwritable, written
from papertrade.errors import UsageProblem
from papertrade.invocation import Invocation
from papertrade.render.beancount import beancount_text
from papertrade.render.console import Screen
from papertrade.render.export_columns import Cell, Sheetful
from papertrade.render.export_formats import csv_text, json_array_text, ndjson_text, objects
from papertrade.runs.reporting import Standpoint
from papertrade.store.failures import unusable
from papertrade.store.store import Reader

_IN_MEMORY: Final = 4 * 1024 * 1024


class Form(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    BEANCOUNT = "beancount"


WhatArgument: TypeAlias = Annotated[What, typer.Argument(metavar="WHAT", help="What to write.", show_default=False)]
FormOption: TypeAlias = Annotated[
    Form | None, typer.Option("--format", "-f", help="How to write it: csv unless told; beancount for the ledger.")
]
AllAccounts: TypeAlias = Annotated[bool, typer.Option("--all-accounts", help="Of every account, not only of one.")]

_TEXTS: Final[dict[Form, Callable[[Sheetful], Iterator[str]]]] = {
    Form.CSV: csv_text,
    Form.JSON: json_array_text,
    Form.NDJSON: ndjson_text,
}


def export(
    ctx: typer.Context,
    what: WhatArgument,
    form: FormOption = None,
    output: OutputFile = None,
    force: Force = False,
    status: StatusFilter = None,
    exit_reason: ExitFilter = None,
    symbol: SymbolFilter = None,
    side: SideFilter = None,
    source: SourceFilter = None,
    tag: TagFilter = None,
    since: SinceFilter = None,
    until: UntilFilter = None,
    epoch: EpochFilter = None,
    all_accounts: AllAccounts = False,
) -> Answer:
    """Write trades, signals, fills, ledger, equity, events, metrics or notes for other programs.

    The columns are in docs/exports.md. A signals CSV can be imported again; a ledger in beancount's format
    passes bean-check. A file that exists is only replaced with --force.

    papertrade export trades --since 30d -o trades.csv

    papertrade export ledger --format beancount -o books.beancount
    """
    call = invocation(ctx)
    words = Words(
        status=status,
        exit_reason=exit_reason,
        symbol=symbol,
        side=side,
        source=source,
        tag=tag,
        since=since,
        until=until,
        epoch=epoch,
    )
    wish = ExportWish(what=what, words=words, has_all_accounts=all_accounts)
    path = None if output is None or str(output) == "-" else output
    _refuse_contradictions(wish, form, path, call)
    with open_books(call) as books:
        with books.store.read() as reader:
            view = standpoint(books, reader)
            lag = lag_of(books, reader, view)
            work = _Work(books, reader, view, wish, Form.CSV if form is None else form)
            if path is not None:
                answer = work.to_file(path, is_forced=force)
            else:
                answer = work.to_envelope() if call.wants_json else work.to_screen()
        if path is not None:
            say(call, f"wrote {work.size} to {path}")
        say_lag(books, lag, view)
    return answer


def _refuse_contradictions(wish: ExportWish, form: Form | None, path: Path | None, call: Invocation) -> None:
    if form is Form.BEANCOUNT and wish.what is not What.LEDGER:
        raise UsageProblem(
            f"only the ledger has the format beancount, not `{wish.what}`",
            hint="papertrade export ledger --format beancount",
        )
    if call.wants_json and form is not None and path is None:
        raise UsageProblem(
            "`--json` prints one envelope, which has no other format",
            hint="leave out --format, or write to a file with -o",
        )
    refuse_pointless(wish, is_beancount=form is Form.BEANCOUNT)


class _Work:
    """One export inside one snapshot."""

    def __init__(self, books: Books, reader: Reader, view: Standpoint, wish: ExportWish, form: Form) -> None:
        self._books = books
        self._reader = reader
        self._view = view
        self._wish = wish
        self._form = form
        self._count = 0

    def to_file(self, path: Path, *, is_forced: bool) -> Answer:
        """Write the file."""
        with written(path, is_forced=is_forced) as stream:
            self._write(stream)
        rows = None if self._form is Form.BEANCOUNT else self._count
        return Answer(
            data={"what": self._wish.what, "format": self._form, "file": str(path), "rows": rows}, show=_nothing
        )

    @property
    def size(self) -> str:
        """How much was written, in words."""
        if self._form is Form.BEANCOUNT:
            return "the ledger"
        return f"{self._count} row{'' if self._count == 1 else 's'}"

    def to_envelope(self) -> Answer:
        """Put the rows into the command's envelope."""
        with self._readable():
            items = list(objects(self._counted()))
        return Answer(data={"what": self._wish.what, "items": items, "total": len(items)}, show=_nothing)

    def to_screen(self) -> Answer:
        """Collect the text, on the disk where it is long; it is printed after the database was closed."""
        try:
            spool = cast(
                "TextIO",
                tempfile.SpooledTemporaryFile(  # noqa: SIM115 (closed after it was printed)
                    _IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace", newline=""
                ),
            )
            self._write(spool)
            spool.seek(0)
        except OSError as error:
            raise unwritable(Path(tempfile.gettempdir()), error) from error
        return Answer(data=None, show=partial(_print, spool))

    def _write(self, stream: TextIO) -> None:
        with self._readable():
            if self._form is Form.BEANCOUNT:
                pieces = beancount_text(ledger_source(self._wish, self._books, self._reader))
            else:
                pieces = _TEXTS[self._form](self._counted())
            for piece in pieces:
                stream.write(piece)

    def _counted(self) -> Sheetful:
        table = table_of(self._wish, self._books, self._reader, self._view)
        return Sheetful(table.columns, self._counting(table))

    def _counting(self, table: Sheetful) -> Iterator[Sequence[Cell]]:
        for row in table.rows:
            self._count += 1
            yield row

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn a time beyond all calendars and a row of no account into an unusable database: they are damage."""
        try:
            yield
        except (OverflowError, KeyError) as error:
            reason = f"a row cannot be written ({error!r})"
            raise unusable(self._books.store.path, reason, "papertrade check") from error


def _print(spool: TextIO, screen: Screen) -> None:
    """Copy the text: as it is into a pipe or a file, without what acts on a terminal to a terminal."""
    with spool:
        if not screen.is_terminal:
            shutil.copyfileobj(spool, screen.stream)
            return
        for line in spool:
            screen.line(line.rstrip("\r\n"))


def _nothing(_: Screen) -> None:
    """Print nothing: the data went into a file."""
