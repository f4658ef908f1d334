"""The way in and the one way out: starts a command, and turns every failure into words and an exit code.

How a command is added is told in `commands.table`; the flags of all commands are in `commands.group`.
Nothing is imported here but `sys` and `os` until a command is known to be wanted, so that `--version`
answers at once. The rule to keep: no other module exits the process, prints an error, or catches
everything. The exits that are not a PapertradeError's own:

    0    done, `--help`, `--version`
    1    a bug: `error: internal error: …`, with the traceback only after `-v`
    12   stdout cannot be written (a full disk)
    130  interrupted (Ctrl-C)
    141  the reader of stdout went away (`papertrade export trades | head`), without a word
"""

from __future__ import annotations

import os
import sys

from papertrade import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from papertrade.commands.table import Table
    from papertrade.errors import PapertradeError
    from papertrade.invocation import Invocation
    from papertrade.runs.clock import Clock

EXIT_OUTPUT = 12
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def main(
    argv: Sequence[str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    table: Table | None = None,
) -> int:
    """Run one command line and return its exit code.

    What is not given is taken from the process: its arguments, its environment, the system clock and
    the table of all commands.
    """
    words = _process_words() if argv is None else list(argv)
    if argv is None:
        _collect_rarely()
    _fill_closed_streams()
    try:
        if words == ["--version"]:
            sys.stdout.write(f"papertrade {__version__}\n")
            code = 0
        else:
            code = _run(words, os.environ if environment is None else environment, clock, table)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _abandon(sys.stdout)
        return EXIT_BROKEN_PIPE
    except OSError as error:
        _abandon(sys.stdout)
        place = "output" if error.filename is None else f"`{error.filename}`"
        _complain(f"error: {place} cannot be written: {(error.strerror or str(error)).lower()}\n")
        return EXIT_OUTPUT
    finally:
        if argv is None:
            _spare_last_collections()
    return code


def _collect_rarely() -> None:
    """Look for garbage every 100,000 new objects, not every 700: imports and backtests make many and cycle few."""
    import gc

    gc.set_threshold(100_000, 20, 50)


def _spare_last_collections() -> None:
    """Keep the interpreter from searching all modules for garbage as it ends: a third of a short command's time."""
    import gc

    gc.freeze()


def _run(words: Sequence[str], environment: Mapping[str, str], clock: Clock | None, table: Table | None) -> int:
    from papertrade.invocation import Flags, Invocation
    from papertrade.runs.clock import SystemClock

    _speak_utf8()
    ticking = SystemClock() if clock is None else clock
    flags = words[: words.index("--")] if "--" in words else words
    call = Invocation(
        clock=ticking,
        started_ms=ticking.now_ms(),
        environment=environment,
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        flags=Flags(wants_json="--json" in flags),
    )
    return _guarded(words, call, table, is_verbose="--verbose" in flags or any(map(_is_verbose, flags)))


def _guarded(words: Sequence[str], call: Invocation, table: Table | None, *, is_verbose: bool) -> int:
    """Run a command; only a failing stdout and a bug of this function itself get past it."""
    from papertrade.errors import PapertradeError, StrategyError

    try:
        return _dispatch(words, call, table)
    except StrategyError as error:
        if is_verbose and error.__cause__ is not None:
            _trace(error.__cause__)
        return _fail(call, error)
    except PapertradeError as error:
        return _fail(call, error)
    except KeyboardInterrupt:
        return _fail(call, _interrupted())
    except OSError as error:
        if _is_output_failure(error):
            raise
        return _fail(call, _internal(error, is_verbose=is_verbose))
    except Exception as error:
        return _fail(call, _internal(error, is_verbose=is_verbose))


def _dispatch(words: Sequence[str], call: Invocation, table: Table | None) -> int:
    import typer

    from papertrade.commands.group import PROGRAM, command_tree
    from papertrade.commands.table import COMMANDS
    from papertrade.commands.usage import usage_problem

    _refuse_broken_text(words)
    root = command_tree(COMMANDS if table is None else table)
    try:
        if "_PAPERTRADE_COMPLETE" in call.environment:
            root.main(args=list(words), prog_name=PROGRAM)
        with root.make_context(PROGRAM, list(words), obj=call) as context:
            root.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except SystemExit as end:  # shell completion ends this way
        return end.code if isinstance(end.code, int) else 0
    except typer.Abort:
        raise _interrupted() from None
    except typer.TyperException as error:
        raise usage_problem(error) from error
    return 0


def _fail(call: Invocation, error: PapertradeError) -> int:
    from papertrade.render.json import failure_envelope
    from papertrade.render.text import safe_lines

    if call.wants_json:
        call.stdout.write(failure_envelope(error, call.clock.now_ms()))
        return error.exit_code
    call.stdout.flush()
    hint = "" if error.hint is None else f"hint: {safe_lines(error.hint)}\n"
    _complain(f"error: {safe_lines(error.message)}\n{hint}")
    return error.exit_code


def _internal(error: Exception, *, is_verbose: bool) -> PapertradeError:
    """Say what a bug looked like; with `-v` also where, on stderr and without local variables."""
    from papertrade.errors import PapertradeError

    if is_verbose:
        _trace(error)
    first_line = (str(error).splitlines() or [""])[0]
    hint = None if is_verbose else "this is a bug in papertrade; run it again with -v to see where"
    return PapertradeError(
        f"internal error: {type(error).__name__}: {first_line}".rstrip(": "), code="internal", hint=hint
    )


def _trace(error: BaseException) -> None:
    """Write where an error came from, without local variables."""
    import traceback

    from papertrade.render.text import safe_lines

    _complain(safe_lines("".join(traceback.format_exception(error))))


def _interrupted() -> PapertradeError:
    from papertrade.errors import PapertradeError

    class Interrupted(PapertradeError):
        code = "interrupted"
        exit_code = EXIT_INTERRUPTED

    return Interrupted("interrupted")


def _process_words() -> list[str]:
    """Return the process's arguments read as UTF-8, whatever the locale made of them."""
    return [os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]


def _refuse_broken_text(words: Sequence[str]) -> None:
    from papertrade.errors import UsageProblem
    from papertrade.render.text import safe

    for word in words:
        try:
            word.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UsageProblem(f"argument `{safe(word)}` is not valid UTF-8") from error


def _is_verbose(word: str) -> bool:
    return len(word) > 1 and word[0] == "-" and set(word[1:]) <= {"q", "v"} and "v" in word


def _is_output_failure(error: OSError) -> bool:
    import errno

    return isinstance(error, BrokenPipeError) or error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)


def _speak_utf8() -> None:
    """Write UTF-8 whatever the locale says; a character that even that cannot hold is shown as its code."""
    import io

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _fill_closed_streams() -> None:
    """Give a closed stdin, stdout or stderr a place, so that no file of ours gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _abandon(stream: TextIO) -> None:
    """Point a stream that cannot be written at nothing, or the interpreter would complain at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except OSError:
        return


def _complain(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _abandon(sys.stderr)
