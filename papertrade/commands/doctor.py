"""`doctor`: look at everything that may be wrong and say what to do about it; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import wrap

import typer

from papertrade.commands.answer import Answer
from papertrade.commands.checkups import Finding, Verdict, examine
from papertrade.commands.options import invocation
from papertrade.errors import PapertradeError
from papertrade.render.console import Screen
from papertrade.render.json import Encodable
from papertrade.render.text import Cell, Tone

_TONES = {Verdict.OK: Tone.GAIN, Verdict.WARNING: Tone.WARNING, Verdict.ERROR: Tone.LOSS}


def doctor(ctx: typer.Context) -> Answer:
    """Look for trouble: versions, configuration, database, disk, venue, clock, watch, notifications.

    Warnings leave the exit code at 0; something broken exits with the code of its error.
    """
    findings = examine(invocation(ctx))
    counts = {verdict: sum(f.verdict is verdict for f in findings) for verdict in Verdict}
    data: dict[str, Encodable] = {
        "findings": [
            {"name": f.name, "verdict": f.verdict, "text": f.text, "hint": f.hint, "code": _code(f)} for f in findings
        ],
        "warnings": counts[Verdict.WARNING],
        "errors": counts[Verdict.ERROR],
    }
    failure = next((f.error for f in findings if f.error is not None), None)
    return Answer(data=data, show=partial(_show, findings), failure=failure)


def _code(finding: Finding) -> str | None:
    error: PapertradeError | None = finding.error
    return None if error is None else error.error_code


def _show(findings: Sequence[Finding], screen: Screen) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        verdict = Cell(str(finding.verdict).ljust(7), _TONES[finding.verdict])
        room = max(screen.width - width - 11, 40)
        lines = [piece for line in finding.text.split("\n") for piece in wrap(line, room, break_long_words=False)]
        screen.line(verdict, f"  {finding.name.ljust(width)}  {lines[0]}")
        for line in lines[1:]:
            screen.line(" " * (width + 11), line)
        if finding.hint is not None and finding.error is None:
            screen.line(" " * (width + 11), Cell(f"hint: {finding.hint}", Tone.DIM))
