"""The watch as a process: signals, a terminal that dies, a kill, a second one beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import NOW_MS, run
from tests.commands.watching import ROOT, Watched, tape, watched


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    """A venue whose clock runs: a minute a second."""
    with watched(tmp_path, tape({3: "100 101 94 99"}, 600)) as made:
        yield made


def speed_up(venue: Watched) -> None:
    """Let the venue's clock run, thirty times as fast as ours."""
    venue.server._speed = 30
    venue.server.now_ms = NOW_MS + 100_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_a_goodbye(venue: Watched, number: signal.Signals) -> None:
    process = venue.process("watch")
    venue.wait_for_ticks()
    sent = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - sent < 3
    assert process.returncode == 0
    assert f"watch ended ({number.name}): 1 tick, 0 skipped, 0 failed" in err


def test_a_background_job_of_a_script_still_hears_sigint(venue: Watched) -> None:
    script = f"{sys.executable} -m papertrade watch & echo $!; wait"
    shell = subprocess.Popen(
        ["sh", "-c", script], cwd=ROOT, env={**os.environ, **venue.env}, text=True, stdout=-1, stderr=-1
    )
    assert shell.stdout is not None
    number = int(shell.stdout.readline())
    venue.wait_for_ticks()
    os.kill(number, signal.SIGINT)
    _, err = shell.communicate(timeout=20)
    assert "watch ended (SIGINT)" in err


def test_nohup_is_respected(venue: Watched) -> None:
    script = f"trap '' HUP; exec {sys.executable} -m papertrade watch"
    process = subprocess.Popen(
        ["sh", "-c", script], cwd=ROOT, env={**os.environ, **venue.env}, text=True, stdout=-1, stderr=-1
    )
    venue.wait_for_ticks()
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_it_keeps_trading_when_its_terminal_dies(venue: Watched) -> None:
    venue.long()
    reader, writer = os.pipe()
    process = venue.process("watch", "--interval", "1", stdout=writer, stderr=writer)
    os.close(writer)
    os.close(reader)
    venue.wait_for_ticks(2)
    speed_up(venue)
    for _ in range(100):
        if "stop_loss" in run(["trades", "--json", "-q"], venue.env).out:
            break
        time.sleep(0.1)
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=20) == 0


def test_a_killed_watch_is_seen_as_dead_and_the_next_one_begins_at_once(venue: Watched) -> None:
    process = venue.process("watch")
    venue.wait_for_ticks()
    process.kill()
    process.communicate()
    assert "not running, the last one was killed" in run(["status"], venue.env).out
    second = venue.process("watch")
    venue.wait_for_ticks()
    second.terminate()
    _, err = second.communicate(timeout=20)
    assert "the watch before this one was killed after its tick of" in err
    assert second.returncode == 0


def test_f04_a_hundred_ticks_of_cron_at_once_are_one_after_the_other(venue: Watched) -> None:
    venue.long()
    venue.pass_seconds(240)
    processes = [venue.process("watch", "--once", "-q") for _ in range(8)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert [err for _, err in answers] == [""] * 8
    assert [out for out, _ in answers if out] == [
        "#1 STOP long 1 AAAUSDT 100 -> 95, net -5.20 (-1.04R), free 9994.80 USDT\n"
    ]


def test_stop_from_another_process(venue: Watched) -> None:
    process = venue.process("watch", "--json")
    venue.wait_for_ticks()
    asked = venue.process("stop", "--reason", "lunch")
    out, _ = asked.communicate(timeout=20)
    assert (asked.returncode, out) == (0, "the watch has ended (lunch)\n")
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert '"reason": "stop: lunch"' in out.splitlines()[-1]
