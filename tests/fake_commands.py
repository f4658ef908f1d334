"""A tiny set of commands that do what real ones may do; for the tests of the shell alone."""

from __future__ import annotations

import errno
from decimal import Decimal
from typing import Annotated

import typer

from papertrade.commands.answer import Answer, progress, say
from papertrade.commands.options import Csv, Limit, Offline, SymbolsArgument, invocation
from papertrade.commands.table import Branch, Entry, Panel
from papertrade.errors import PartialFailure, Refused
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import listing
from papertrade.render.numbers import signed_money, toned
from papertrade.render.tables import Column, number

_HERE = "tests.fake_commands"

TABLE = (
    Entry("prices", "Show prices", _HERE, "prices", Panel.DATA),
    Entry("flags", "Show the flags", _HERE, "flags", Panel.DATA),
    Entry("fail", "Fail as told", _HERE, "fail", Panel.HOUSE),
    Entry("some", "Do a part", _HERE, "some", Panel.TRADE),
    Entry("words", "Take signed words", _HERE, "words", Panel.TRADE, signed_words=True),
    Entry("absent", "Never imported", "tests.no_such_module", "absent", Panel.HOUSE),
    Entry("board", "Show the board", _HERE, "board", Panel.LOOK, is_hidden=True),
    Branch(
        "signal",
        "Hold signals: add, list",
        Panel.TRADE,
        (
            Entry("add", "Add one", _HERE, "flags"),
            Entry("list", "List them", _HERE, "prices"),
        ),
    ),
)


def prices(ctx: typer.Context, symbols: SymbolsArgument, limit: Limit = 50, csv: Csv = False) -> Answer:
    """Show what is paid for each symbol.

    A second paragraph.
    """
    call = invocation(ctx)
    shown = symbols[:limit]
    say(call, "1 venue asked")
    with progress(call, "asking", len(shown)) as steps:
        steps.advance(len(shown))

    def show(screen: Screen) -> None:
        change = Decimal("-5.0")
        screen.table([Column("Symbol"), number("Change")], [[s, toned(change, signed_money(change))] for s in shown])

    return Answer(
        data=listing([{"symbol": symbol, "price": Decimal("5E+1")} for symbol in shown], len(symbols)),
        show=show,
        sheet=Sheet(("symbol", "price"), [(symbol, Decimal("-5.0")) for symbol in shown]),
    )


def flags(ctx: typer.Context) -> Answer:
    """Show what the shell understood."""
    call = invocation(ctx)
    given = call.flags
    return Answer(
        data={
            "config": None if given.config is None else str(given.config),
            "db": None if given.db is None else str(given.db),
            "account": given.account,
            "quiet": given.is_quiet,
            "verbosity": given.verbosity,
            "color": given.wants_color,
            "started": call.started_ms,
        },
        show=lambda screen: screen.line(str(given.account)),
    )


def fail(kind: Annotated[str, typer.Argument(metavar="KIND")]) -> None:
    """Raise what the name says."""
    raise {
        "refused": Refused("stop `105` is above entry `100`", hint="swap --sl and --tp", details={"stop": "105"}),
        "hostile": Refused("`\x1b[2J` is bad\nsecond line"),
        "bug": ValueError("a secret\nsecond line"),
        "silent-bug": ValueError(),
        "interrupt": KeyboardInterrupt(),
        "abort": typer.Abort(),
        "exit": typer.Exit(7),
        "full": OSError(errno.ENOSPC, "No space left on device"),
        "full-file": OSError(errno.ENOSPC, "No space left on device", "trades.csv"),
        "denied": PermissionError(errno.EACCES, "Permission denied", "x"),
        "pipe": BrokenPipeError(errno.EPIPE, "Broken pipe"),
    }[kind]


def some(ctx: typer.Context) -> Answer:
    """Do one of two."""
    invocation(ctx)
    return Answer(
        data={"trades": [1]},
        show=lambda screen: screen.line("1 open"),
        failure=PartialFailure("1 of 2 was refused", hint="papertrade trades"),
    )


def words(trade: Annotated[int, typer.Argument()], changes: Annotated[list[str], typer.Argument()]) -> Answer:
    """Show the words."""
    return Answer(data={"trade": trade, "changes": changes}, show=lambda screen: screen.line(" ".join(changes)))


def board(offline: Offline = False) -> Answer:
    """Show the board."""
    return Answer(data={"offline": offline}, show=lambda screen: screen.line("the board"))
