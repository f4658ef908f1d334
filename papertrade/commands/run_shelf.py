"""Where runs are kept and found again: by name or by number, in the database.

The rule to keep: a name is checked before the work begins, and once more when the run is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from papertrade import __version__
from papertrade.bootstrap import open_books
from papertrade.commands.answer import say
from papertrade.errors import NotFound, Refused, UsageProblem
from papertrade.invocation import Invocation
from papertrade.render.text import safe

if TYPE_CHECKING:
    from papertrade.runs.backtest_outcome import BacktestOutcome
    from papertrade.store.run_rows import StoredRun
    from papertrade.store.store import Reader, Writer

_NAME_MAX: Final = 64


@contextmanager
def shelf_for(call: Invocation, name: str) -> Iterator[Callable[[BacktestOutcome], None]]:
    """Open the database, and give what stores an outcome under a free name. Raises UsageProblem and Refused."""
    check_name(name)
    with open_books(call) as books:
        with books.store.read() as reader:
            if reader.saved_run_named(name) is not None:
                raise taken(name)

        def keep(outcome: BacktestOutcome) -> None:
            from papertrade.render.backtest_json import outcome_metrics_json, run_figures
            from papertrade.render.json import json_text
            from papertrade.runs.backtest_outcome import RunLabel, saved_run

            label = RunLabel(name=name, made_at_ms=call.clock.now_ms(), version=__version__)
            figures = tuple(run_figures(outcome))
            run = saved_run(outcome, label, figures, json_text(outcome_metrics_json(outcome)))

            def write(writer: Writer) -> int:
                if writer.saved_run_named(name) is not None:
                    raise taken(name)
                return writer.save_run(run)

            number = books.store.write(write)
            say(call, f"saved as run {number} `{name}`: papertrade runs show {number}")

        yield keep


def check_name(name: str) -> None:
    """Raise UsageProblem for what cannot be a run's name."""
    is_bad = not name or len(name) > _NAME_MAX or name != name.strip() or not name.isprintable()
    if is_bad or name.isdecimal():
        why = "is a number, and numbers are given by papertrade" if name.isdecimal() else "cannot be a name"
        raise UsageProblem(
            f"--save `{safe(name)[:40]}` {why}", hint=f"1 to {_NAME_MAX} printable characters with a letter among them"
        )


def taken(name: str) -> Refused:
    """Say that a name is taken."""
    return Refused(
        f"run `{safe(name)}` exists already",
        hint=f"give another name, or papertrade runs delete {safe(name)}",
        code="run_exists",
        details={"name": name},
    )


def find_run(reader: Reader, word: str) -> StoredRun:
    """Find a saved run by its number or its name. Raises NotFound."""
    found = reader.saved_run(int(word)) if word.isdecimal() and len(word) < 19 else reader.saved_run_named(word)
    if found is None:
        raise NotFound(f"there is no saved run `{safe(word)}`", hint="papertrade runs list")
    return found
