"""`papertrade init`: a commented configuration file, the database and its first account.

Safe to repeat: what is there stays as it is and is named. The rule to keep: a file of the user is never
written over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.options import invocation
from papertrade.commands.out_file import unwritable, written
from papertrade.config.load import default_places, find_places
from papertrade.render.console import Screen
from papertrade.render.json import Encodable


def init(ctx: typer.Context) -> Answer:
    """Write a commented configuration file, and create the database with its first account.

    Files that exist are left as they are; run it as often as you like.

    papertrade init

    papertrade --config ./papertrade.yaml --db ./papertrade.db init
    """
    call = invocation(ctx)
    places = find_places(call.environment, call.flags.config, call.flags.db, default_places())
    has_written = _write_example(places.config)
    had_database = os.path.lexists(places.database)
    with open_books(call) as books:
        account = books.account
    data: Mapping[str, Encodable] = {
        "config": str(places.config),
        "config_created": has_written,
        "database": str(places.database),
        "database_created": not had_database,
        "account": account.name,
        "currency": account.currency,
    }
    lines = (
        f"configuration  {places.config} ({'written' if has_written else 'was there, left as it is'})",
        f"database       {places.database} ({'created' if not had_database else 'was there'})",
        f"account        {account.name} ({account.currency})",
        "next           papertrade demo, or papertrade long BTCUSDT --sl 2% --tp 2R",
    )
    return Answer(data=data, show=partial(_show, lines))


def _write_example(path: Path) -> bool:
    """Write the commented defaults, readable for their owner only; whether there was no file before."""
    from papertrade.config.texts import render_example

    if os.path.lexists(path):
        return False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    with written(path, mode=0o600) as stream:
        stream.write(render_example())
    return True


def _show(lines: tuple[str, ...], screen: Screen) -> None:
    for line in lines:
        screen.line(line)
