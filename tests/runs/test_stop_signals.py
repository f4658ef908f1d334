"""Signals ask for an end once; the second one is final; nohup is respected."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from papertrade.runs.stop_signals import Stopping, stopped_by_signals

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers_stay() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ALL}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ALL)
def test_a_signal_asks_for_an_end(number: signal.Signals) -> None:
    stopping = Stopping()
    with stopped_by_signals(stopping):
        os.kill(os.getpid(), number)
        assert stopping.reason == number.name


def test_sigint_counts_although_a_parent_ignored_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = Stopping()
    with stopped_by_signals(stopping):
        os.kill(os.getpid(), signal.SIGINT)
    assert stopping.reason == "SIGINT"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopping = Stopping()
    with stopped_by_signals(stopping):
        os.kill(os.getpid(), signal.SIGHUP)
    assert stopping.reason is None


def test_f26_the_second_signal_leaves_at_once() -> None:
    codes: list[int] = []
    with stopped_by_signals(Stopping(), codes.append):
        os.kill(os.getpid(), signal.SIGTERM)
        assert codes == []
        os.kill(os.getpid(), signal.SIGINT)
    assert codes == [130]


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in ALL]
    with stopped_by_signals(Stopping()):
        assert [signal.getsignal(number) for number in ALL] != before
    assert [signal.getsignal(number) for number in ALL] == before


def test_the_first_reason_stands() -> None:
    stopping = Stopping()
    stopping.ask("SIGTERM")
    stopping.ask("stop")
    assert stopping.reason == "SIGTERM"
