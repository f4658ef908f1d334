"""`papertrade runs`: saved backtests, listed, shown, compared, forgotten and run again.

The rule to keep: what is repeated is the plan as it was saved, whatever the configuration says today.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from papertrade import __version__
from papertrade.bootstrap import Books, open_books
from papertrade.commands.answer import Answer
from papertrade.commands.backtest_options import candle_cache_folder
from papertrade.commands.late_progress import LateProgress
from papertrade.commands.options import Csv, Limit, invocation
from papertrade.commands.run_shelf import find_run
from papertrade.errors import DifferenceFound, UsageProblem
from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.json import encode, json_text, listing
from papertrade.render.runs_json import comparison_json, differences_json, line_json, run_json, runs_sheet
from papertrade.render.runs_text import show_comparison, show_differences, show_run, show_runs
from papertrade.render.text import safe

if TYPE_CHECKING:
    from papertrade.engine.saved_run import SavedRun
    from papertrade.store.run_rows import StoredRun

RunArgument: TypeAlias = Annotated[str, typer.Argument(metavar="RUN", help="A number or a name.")]


def list_runs(ctx: typer.Context, csv: Csv = False) -> Answer:  # noqa: ARG001 (the shell looks at it)
    """List saved runs, the oldest first.

    papertrade backtest --signals ideas.csv --candles BTCUSDT=btc.csv --save first

    papertrade runs list
    """
    with open_books(invocation(ctx)) as books, books.store.read() as reader:
        lines = reader.saved_runs()
        zone = books.settings.display.zone
    return Answer(
        data=listing([line_json(line) for line in lines], len(lines)),
        show=partial(show_runs, lines, zone),
        sheet=runs_sheet(lines),
    )


def show(ctx: typer.Context, run: RunArgument, limit: Limit = 10) -> Answer:
    """Show one saved run: what it was made from, under which rules, and what came of it.

    papertrade runs show first
    """
    with open_books(invocation(ctx)) as books:
        stored = _found(books, run)
        zone = books.settings.display.zone
    return Answer(data=run_json(stored), show=partial(show_run, stored, zone, limit))


def compare(ctx: typer.Context, runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...")]) -> Answer:
    """Show the figures of two or more saved runs beside each other, and the rules in which they differ.

    papertrade runs compare first second
    """
    if len(runs) < 2:
        raise UsageProblem("name two runs or more to compare", hint="papertrade runs list")
    with open_books(invocation(ctx)) as books:
        stored = [_found(books, word) for word in runs]
    return Answer(data=comparison_json(stored), show=partial(show_comparison, stored))


def delete(ctx: typer.Context, run: RunArgument) -> Answer:
    """Forget a saved run. Its files stay where they are.

    papertrade runs delete first
    """
    with open_books(invocation(ctx)) as books:
        stored = _found(books, run)
        books.store.write(lambda writer: writer.delete_run(stored.id))
    return Answer(data={"id": stored.id, "name": stored.run.name}, show=partial(_deleted, stored))


def repeat(ctx: typer.Context, run: RunArgument) -> Answer:
    """Run a saved run again from the same files and rules, and say what differs.

    Files that have changed since are named. The exit code is 13 where files and version are the same and the
    trades are not.

    papertrade runs repeat first
    """
    call = invocation(ctx)
    with open_books(call) as books:
        stored = _found(books, run)
    from papertrade.runs.run_differences import differences

    found = differences(stored.run, _again(call, stored.run))
    failure = None
    data = differences_json(stored, found)
    if found.trades and found.is_same_work:
        failure = DifferenceFound(
            f"run `{safe(stored.run.name)}` came out differently from the same files and the same version",
            hint="a strategy that rolls dice or reads the clock? try --check-lookahead",
            data=encode(data),
        )
    return Answer(data=data, show=partial(show_differences, stored.run.name, found), failure=failure)


def _found(books: Books, word: str) -> StoredRun:
    with books.store.read() as reader:
        return find_run(reader, word)


def _again(call: Invocation, before: SavedRun) -> SavedRun:
    """Run the plan of a saved run. Raises InputFileError where a file is not there any more."""
    from papertrade.render.backtest_json import outcome_metrics_json, run_figures
    from papertrade.runs.backtest_inputs import load_inputs, read_signals_of
    from papertrade.runs.backtest_outcome import RunLabel, run_backtest, saved_run

    plan = before.plan
    source = None
    if plan.signals is not None:
        source = read_signals_of(Path(plan.signals), call.clock.now_ms(), defaults=plan.defaults)
    with LateProgress(call, "backtest") as tell:
        inputs = load_inputs(plan, source, cache_folder=candle_cache_folder(), progress=tell)
        outcome = run_backtest(inputs, progress=tell)
    label = RunLabel(name=before.name, made_at_ms=call.clock.now_ms(), version=__version__)
    return saved_run(outcome, label, tuple(run_figures(outcome)), json_text(outcome_metrics_json(outcome)))


def _deleted(stored: StoredRun, screen: Screen) -> None:
    screen.line(f"forgot run {stored.id} `{stored.run.name}`")
