"""`papertrade config`: what holds and why, whether a file is right, and changing one value of it.

What settings there are, and what each may be, is known to the package `config` alone. The rule to keep: a
secret is never shown, whatever is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from papertrade.bootstrap import configure
from papertrade.commands.answer import Answer, say
from papertrade.commands.options import Csv, invocation
from papertrade.config.load import Configuration, Places, Shown, check_file, default_places, find_places
from papertrade.errors import ConfigError
from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable
from papertrade.render.tables import Column, words


def show(
    ctx: typer.Context,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show every setting with its value and where it comes from: default, file, environment or flag.

    papertrade config show

    papertrade --config other.yaml config show --json
    """
    call = invocation(ctx)
    flags = {} if call.flags.account is None else {"account.name": call.flags.account}
    places, configuration = configure(call, flags)
    shown = configuration.shown
    data: Mapping[str, Encodable] = {
        "file": str(places.config),
        "file_exists": places.config.exists(),
        "database": str(places.database),
        "items": [{"path": s.path, "value": s.value, "source": s.source} for s in shown],
        "total": len(shown),
    }
    rows = ((s.path, s.value, s.source) for s in shown)
    return Answer(data=data, show=partial(_show_all, places, shown), sheet=Sheet(("setting", "value", "source"), rows))


def check(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A file to read by itself, without using it.")
    ] = None,
) -> Answer:
    """Check the configuration and name every mistake, with line and column.

    Without FILE: the configuration as it would be used, the environment included. Mistakes are exit code 3.

    papertrade config check

    papertrade config check other.yaml
    """
    call = invocation(ctx)
    if file is None:
        places, configuration = configure(call)
        name, exists = places.config, places.config.exists()
    else:
        name, exists, configuration = file, True, check_file(file)
        for warning in configuration.warnings:
            say(call, f"warning: {warning}")
    changed = [s.path for s in configuration.shown if s.source != "default"]
    data: Mapping[str, Encodable] = {"file": str(name), "file_exists": exists, "valid": True, "set": changed}
    return Answer(data=data, show=partial(_show_sound, name, exists, configuration))


def set_value(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="SETTING", help="Its path: watch.interval.", show_default=False)],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A list or section is YAML in one line.")],
) -> Answer:
    """Change one setting in the configuration file; comments and all else in it stay as they are.

    papertrade config set watch.interval 60

    papertrade config set same_currency '[[USD, USDT]]'
    """
    from papertrade.config.edit import set_value as write_setting

    call = invocation(ctx)
    places = find_places(call.environment, call.flags.config, call.flags.db, default_places())
    shown = _shown(write_setting(places.config, path, value), path)
    overridden = _overridden(call, path)
    if overridden is not None:
        say(call, f"{overridden} is set and wins over the file")
    data = {"file": str(places.config), "path": path, "value": shown.value, "overridden_by": overridden}
    return Answer(data=data, show=partial(_show_set, places.config, shown))


def _shown(configuration: Configuration, path: str) -> Shown:
    return next(s for s in configuration.shown if s.path == path)


def _overridden(call: Invocation, path: str) -> str | None:
    """Return what beats the file for a setting, None if nothing does, or if all is not right elsewhere."""
    try:
        _, configuration = configure(call)
    except ConfigError as error:
        say(call, error.message)
        return None
    source = _shown(configuration, path).source
    return source if source.startswith("PAPERTRADE_") else None


def _show_all(places: Places, shown: tuple[Shown, ...], screen: Screen) -> None:
    there = "" if places.config.exists() else " (not there: all defaults)"
    screen.line(f"configuration  {places.config}{there}")
    screen.line(f"database       {places.database}")
    screen.blank()
    columns = [Column("setting"), words("value"), words("source")]
    screen.table(columns, [(s.path, s.value, s.source) for s in shown])


def _show_sound(name: Path, exists: bool, configuration: Configuration, screen: Screen) -> None:
    changed = sum(s.source != "default" for s in configuration.shown)
    rest = len(configuration.shown) - changed
    there = "is right" if exists else "is not there, which is right too"
    screen.line(f"{name} {there}: {changed} set, {rest} at their default")


def _show_set(file: Path, shown: Shown, screen: Screen) -> None:
    screen.line(f"{shown.path} is {shown.value} now in {file}")
