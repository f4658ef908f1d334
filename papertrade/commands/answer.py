"""What a command hands back, and how the shell prints it: one envelope, a CSV, or text for a person.

Commands build an `Answer` after their database is closed again, and print nothing. The rule to keep:
with `--json` stdout carries exactly one envelope, written here on success and by the error boundary
on failure.
"""

from __future__ import annotations

from collections.abc import Callable

from papertrade.engine.values import dataclass
from papertrade.errors import PapertradeError
from papertrade.invocation import Invocation
from papertrade.render.console import Progress, Screen
from papertrade.render.csv import Sheet, csv_lines
from papertrade.render.json import Encodable, encode, success_envelope
from papertrade.render.text import safe_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A command's result in every form it can be asked for.

    `data` is the envelope's data, `show` writes it for a person, `sheet` is what `--csv` prints (lists
    only). With `failure` the answer is given all the same and the command exits with the error's code.
    """

    data: Encodable
    show: Callable[[Screen], None]
    sheet: Sheet | None = None
    failure: PapertradeError | None = None


def deliver(call: Invocation, answer: Answer) -> None:
    """Print an answer in the form asked for, then raise its failure, if there is one."""
    failure = answer.failure
    if call.wants_json:
        if failure is None:
            call.stdout.write(success_envelope(answer.data, call.clock.now_ms()))
        elif failure.data is None:
            failure.data = encode(answer.data)
    elif call.wants_csv and answer.sheet is not None:
        _write_sheet(call, answer.sheet)
    else:
        answer.show(screen(call))
    if failure is not None:
        raise failure


def screen(call: Invocation) -> Screen:
    """Return stdout as a screen for a person."""
    return Screen(call.stdout, call.environment, wants_color=call.flags.wants_color)


def say(call: Invocation, remark: str) -> None:
    """Write a remark on stderr; with `-q` nobody wants it."""
    if not call.is_quiet:
        call.stderr.write(f"{safe_lines(remark)}\n")


def progress(call: Invocation, label: str, total: int) -> Progress:
    """Count `total` steps of long work on stderr; use it with `with`."""
    return Progress(call.stderr, label, total, is_wanted=not call.is_quiet)


def _write_sheet(call: Invocation, sheet: Sheet) -> None:
    """Write raw text to a pipe or a file, but nothing that acts on a terminal to a terminal."""
    is_terminal = call.stdout.isatty()
    for record in csv_lines(sheet):
        call.stdout.write(safe_lines(record.removesuffix("\r\n")) + "\r\n" if is_terminal else record)
