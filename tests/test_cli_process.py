"""The edge of the process: pipes, full disks, closed streams, locales, arguments, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
import typer
from typer.main import get_command

from papertrade import __version__
from papertrade.cli import main
from papertrade.commands.options import invocation
from papertrade.runs.clock import SystemClock
from tests.cli import NOW_MS, Result, Stream, run, run_process
from tests.fake_commands import TABLE


def shell(*args: str, **env: str) -> Result:
    return run(args, env, table=TABLE)


def test_as_a_process() -> None:
    result = run_process(["nothing", "--json"])
    assert result.code == 2
    assert result.error["code"] == "usage"


def test_utf8_whatever_the_locale() -> None:
    result = run_process(["pränk"], {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert result.err.startswith("error: no command `pränk`")


def test_arguments_that_are_not_utf8_are_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "papertrade", b"pr\xff"], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"error: argument `pr\\u{dcff}` is not valid UTF-8\n")


def test_a_reader_that_went_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "papertrade", "--help"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", [["--version"], ["--help"], ["nothing", "--json"]])
def test_a_full_disk_is_told_in_one_line(args: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "papertrade", *args], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (12, b"error: output cannot be written: no space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_errors_that_cannot_be_told_keep_their_exit_code() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "papertrade", "nothing"], stderr=full, check=False)
    assert done.returncode == 2


def test_closed_streams_are_filled() -> None:
    script = f"exec {sys.executable} -m papertrade nothing <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", script], check=False).returncode == 2


def test_arguments_come_from_the_process_when_none_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["papertrade", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"papertrade {__version__}\n"


def test_a_broken_word_is_refused_before_anything_is_imported() -> None:
    assert shell("absent", "\udcff").err == "error: argument `\\u{dcff}` is not valid UTF-8\n"


def test_a_missing_stdout_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["--version"]) == 0


class Unwritable(Stream):
    """A stream whose every write fails."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        """Fail."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (BrokenPipeError(), 141), (OSError(28, "No space left on device"), 12)],
)
def test_a_stdout_that_fails(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    monkeypatch.setattr(sys, "stdout", Unwritable(error))
    assert main(["--version"]) == code


def test_a_stderr_that_fails_changes_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Unwritable(OSError(28, "No space left on device")))
    assert main(["fail", "refused"], table=TABLE) == 6


def test_a_command_needs_its_invocation() -> None:
    context = get_command(typer.Typer(callback=lambda: None)).make_context("x", [])
    with pytest.raises(TypeError, match="without its invocation"):
        invocation(cast("typer.Context", context))


@pytest.mark.parametrize(
    ("line", "place", "expected"),
    [
        ("papertrade por", 1, "portfolio\n"),
        ("papertrade signal ", 2, "add\nimport\nlist\nshow\ncancel\n"),
        ("papertrade --acc", 1, "--account\n"),
    ],
)
def test_completion(line: str, place: int, expected: str) -> None:
    result = run_process([], {"_PAPERTRADE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(place)})
    assert result == Result(0, expected, "")


def test_completion_of_a_commands_options() -> None:
    words = {"_PAPERTRADE_COMPLETE": "complete_bash", "COMP_WORDS": "papertrade prices --", "COMP_CWORD": "2"}
    assert shell("", **words).out.split() == [
        "--limit",
        "--csv",
        "--config",
        "--db",
        "--account",
        "--json",
        "--quiet",
        "--verbose",
        "--no-color",
        "--help",
    ]


def test_completion_script() -> None:
    # Typer asks the parent process which shell it is; under make that is `sh`, which it does not know.
    result = run_process(["--show-completion", "bash"], {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert result.code == 0
    assert "_PAPERTRADE_COMPLETE=complete_bash" in result.out


def test_the_system_clock_tells_utc_milliseconds_and_never_runs_back() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    assert clock.now_ms() > NOW_MS - 400 * 86_400_000
    assert clock.monotonic() >= before
