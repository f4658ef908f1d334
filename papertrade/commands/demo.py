"""`demo`: the main job on a bundled tape, done by the very commands a person would type.

Nothing is simulated twice: each line runs through the same command tree, over a tape instead of a venue and
a database of its own that is gone afterwards. The rule to keep: no result is written here, only shown.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Final, TextIO, TypeAlias

import typer

from papertrade.commands.answer import Answer, screen
from papertrade.commands.demo_summary import outcome_of, show_summary
from papertrade.commands.group import PROGRAM, command_tree
from papertrade.commands.options import invocation
from papertrade.commands.table import COMMANDS
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.money import parse_decimal
from papertrade.engine.values import replace
from papertrade.errors import DuplicateTrade, Json, PapertradeError, UsageProblem
from papertrade.feeds.tape import Tape, TapeFeed
from papertrade.feeds.tape_file import read_tape
from papertrade.invocation import Flags, Invocation
from papertrade.render.text import Cell, Tone, safe_lines
from papertrade.runs.tape_clock import TapeClock

_BEGIN: Final = 30
"""The minute of the tape at which the demo begins: some history lies before it."""

_TERMINAL_SPEED: Final = 1800.0
_KEPT: Final = ("COLUMNS", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "TERM", "PATH", "HOME")
_STEPS: Final = {"BTCUSDT": ("0.1", "0.0001"), "ETHUSDT": ("0.01", "0.0001"), "SOLUSDT": ("0.001", "0.01")}

Speed: TypeAlias = Annotated[
    float | None, typer.Option("--speed", metavar="X", help="Tape seconds a second; 1800 on a terminal.")
]


def demo(ctx: typer.Context, speed: Speed = None) -> Answer | None:
    """Play a small recorded market: import signals, open, watch, close on targets and stops, and count.

    The tape is synthetic, three and a half hours long, and played in seconds. A database of its own is used
    and thrown away; yours stays untouched. Every line behind a `$` is a command you can type yourself.
    """
    call = invocation(ctx)
    if speed is not None and not 1 <= speed <= 1_000_000:
        raise UsageProblem(f"--speed `{speed:.10g}` is not from 1 to 1000000")
    with ExitStack() as stack:
        data = stack.enter_context(as_file(files("papertrade") / "demo_tape"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="papertrade-demo-")))
        stage = Stage(call, data, folder, speed)
        if call.wants_json:
            return Answer(data=stage.captured(), show=lambda _: None)
        stage.play()
    return None


class Stage:
    """The demo's world: a tape, its clock, a database in a folder of its own."""

    def __init__(self, call: Invocation, data: Path, folder: Path, speed: float | None) -> None:
        candles = read_tape(data / "candles.csv.gz", MINUTE_MS)
        opens = [found[0].open_ms for found in candles.values()]
        start_ms = max(opens) + _BEGIN * MINUTE_MS
        self._minutes = min(len(found) for found in candles.values()) - _BEGIN
        self._signals = data / "signals.csv"
        if speed is None and call.stdout.isatty() and not call.wants_json:
            speed = _TERMINAL_SPEED
        clock = TapeClock(start_ms, speed, call.clock)
        (folder / "config.yaml").write_text("", encoding="utf-8")
        tape = Tape(candles=candles, instruments={symbol: _instrument(symbol) for symbol in candles})
        self._call = replace(
            call,
            clock=clock,
            started_ms=start_ms,
            environment={name: value for name, value in call.environment.items() if name in _KEPT},
            flags=replace(call.flags, config=folder / "config.yaml", db=folder / "demo.db", account=None),
            feed=TapeFeed(tape, clock.now_ms),
        )

    @property
    def _watch(self) -> tuple[str, ...]:
        return ("watch", "--interval", "60", "--for", f"{self._minutes}m")

    def play(self) -> None:
        """Run every command as a person would see it, then sum up."""
        out = screen(self._call)
        out.line(f"A synthetic tape of {self._minutes} minutes, made-up prices, in a database of its own.")
        self._shown("signal", "import", str(self._signals))
        self._shown("open", "--new")
        self._say("the same idea again:")
        self._refused("open", "demo:1")
        self._say("now the market moves; each line is a change:")
        self._shown(*self._watch)
        for words in ("trades",), ("portfolio",), ("metrics",), ("equity",), ("check",):
            self._shown(*words)
        out.blank()
        show_summary(out, outcome_of(self._call))

    def captured(self) -> dict[str, Json]:
        """Run every command for its data alone."""
        found: dict[str, Json] = {"synthetic": True}
        found["import"] = self._captured("signal", "import", str(self._signals))
        found["open"] = self._captured("open", "--new")
        found["duplicate"] = self._captured("open", "demo:1")
        self._captured_lines(*self._watch)
        for name in ("trades", "portfolio", "metrics", "equity", "check"):
            found[name] = self._captured(name)
        return found

    def _shown(self, *words: str) -> None:
        """Run one command under its own line."""
        out = screen(self._call)
        typed = [Path(word).name if word == str(self._signals) else word for word in words]
        out.blank()
        out.line(Cell(f"$ {PROGRAM} {' '.join(typed)}", Tone.STRONG))
        self._call.stdout.flush()
        _run(self._call, words)
        self._call.stdout.flush()

    def _refused(self, *words: str) -> None:
        """Run one command that is refused, and show its refusal as the shell does."""
        try:
            self._shown(*words)
        except DuplicateTrade as error:
            out = screen(self._call)
            out.line(Cell(f"error: {safe_lines(error.message)}", Tone.WARNING))
            out.line(Cell(f"hint: {safe_lines(error.hint or '')}", Tone.DIM))

    def _say(self, text: str) -> None:
        out = screen(self._call)
        out.blank()
        out.line(Cell(text, Tone.DIM))

    def _captured(self, *words: str) -> Json:
        """Run one command with --json and return its data, or its error where it has none."""
        stdout = io.StringIO()
        flags = replace(self._call.flags, wants_json=True, is_quiet=True)
        try:
            _run(replace(self._call, stdout=stdout, flags=flags), words)
        except DuplicateTrade as error:
            return {"code": error.error_code, "message": error.message, "details": error.details}
        envelope: Mapping[str, Json] = json.loads(stdout.getvalue())
        return envelope["data"]

    def _captured_lines(self, *words: str) -> None:
        """Run a command that streams, and drop its lines."""
        flags: Flags = replace(self._call.flags, wants_json=True, is_quiet=True)
        nowhere: TextIO = io.StringIO()
        _run(replace(self._call, stdout=nowhere, flags=flags), words)


def _run(call: Invocation, words: Sequence[str]) -> None:
    """Run a command line through the real command tree. Raises PapertradeError as the command does."""
    try:
        with command_tree(COMMANDS).make_context(PROGRAM, list(words), obj=call) as context:
            context.command.invoke(context)
    except typer.Exit as end:
        if end.exit_code != 0:
            raise PapertradeError(f"`{' '.join(words)}` ended with exit code {end.exit_code}") from None


def _instrument(symbol: str) -> Instrument:
    price_step, quantity_step = _STEPS[symbol]
    return Instrument(
        venue="tape",
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        price_step=parse_decimal(price_step),
        quantity_step=parse_decimal(quantity_step),
        notional_min=parse_decimal("5"),
    )
