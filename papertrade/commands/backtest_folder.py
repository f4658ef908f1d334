"""`--out DIR`: a backtest as files that other programs read, each whole or not at all.

The rule to keep: a folder that holds anything but an earlier answer of ours is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from papertrade import __version__
from papertrade.commands.out_file import unwritable, written
from papertrade.errors import Refused
from papertrade.render.backtest_json import inputs_json, outcome_metrics_json
from papertrade.render.backtest_sheets import equity_sheet, fills_sheet, refused_sheet, trades_sheet
from papertrade.render.csv import csv_lines
from papertrade.render.json import json_text
from papertrade.render.text import safe
from papertrade.runs.backtest_outcome import BacktestOutcome

FILES: Final = ("trades.csv", "refused.csv", "equity.csv", "fills.csv", "metrics.json", "inputs.json")


def check_folder(folder: Path, names: Sequence[str] = FILES) -> None:
    """Raise Refused for a folder that holds files of others, and for what is no folder; one may be missing."""
    shown = safe(str(folder))
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise Refused(f"`{shown}` is not a folder", hint="name a folder with --out", code="not_a_folder")
        others = sorted(path.name for path in folder.iterdir() if path.name not in names)
    except OSError as error:
        raise unwritable(folder, error) from error
    if others:
        raise Refused(
            f"`{shown}` holds other files: `{safe(others[0])}`",
            hint="name an empty or a new folder with --out",
            code="folder_not_empty",
        )


def write_folder(folder: Path, outcome: BacktestOutcome) -> None:
    """Write all files, those of an earlier run replaced. Raises Refused and OutputUnwritable."""
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    inputs = inputs_json(outcome.inputs.plan, outcome.inputs.inputs, __version__)
    contents: tuple[Iterable[str], ...] = (
        csv_lines(trades_sheet(outcome)),
        csv_lines(refused_sheet(outcome)),
        csv_lines(equity_sheet(outcome)),
        csv_lines(fills_sheet(outcome)),
        (f"{json_text(outcome_metrics_json(outcome))}\n",),
        (f"{json_text(inputs)}\n",),
    )
    for name, pieces in zip(FILES, contents, strict=True):
        with written(folder / name, is_forced=True) as stream:
            stream.writelines(pieces)
