"""The check finds strategies that know the future, that roll dice, and that need more past than a watch gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.lookahead import Leak, LeakKind, LookaheadCheck, check_lookahead, history_of
from tests.runs.strategies import closes, flat, write


def walk(count: int = 3_000, symbol: str = "AAAUSDT", seed: int = 7) -> CandleSeries:
    steps = np.random.default_rng(seed).integers(-20, 21, count)
    return closes((100_000 + np.cumsum(steps)).tolist(), symbol)


def checked(tmp_path: Path, text: str, **more: CandleSeries) -> LookaheadCheck:
    return check_lookahead(write(tmp_path, text), {"AAAUSDT": walk(), **more})


def kinds(check: LookaheadCheck) -> set[LeakKind]:
    return {leak.kind for leak in check.leaks}


HONEST = """
    WARMUP = 21
    def strategy(candles):
        close = candles.close
        if close[-1] > close[-21:-1].max():
            return candles.signal("long", stop="1%", take_profit=close[-1] * 1.02)
"""


def test_an_honest_strategy_has_nothing_to_report(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    series = {"AAAUSDT": walk(), "BBBUSDT": walk(2_000, "BBBUSDT", 3)}
    check = check_lookahead(write(tmp_path, HONEST), series, on_progress=lambda done, total: told.append((done, total)))
    assert check.leaks == ()
    assert check.signals > 100
    assert told == [(run, check.cuts + 2) for run in range(1, check.cuts + 3)]
    assert 8 < check.cuts <= 16


def test_a_strategy_that_looks_behind_the_view_is_found(tmp_path: Path) -> None:
    text = """
        def strategy(candles):
            known = candles._track.close._whole
            ahead = known[min(len(candles) + 9, len(known) - 1)] / 100
            if ahead > candles.close[-1] * 1.0005:
                return candles.signal("long", take_profit=float(ahead))
    """
    check = checked(tmp_path, text)
    assert LeakKind.FUTURE in kinds(check)
    assert {leak.field for leak in check.leaks if leak.kind is LeakKind.FUTURE} == {"signal", "exits"}


def test_a_changed_field_is_told_with_both_values(tmp_path: Path) -> None:
    text = """
        def strategy(candles):
            if len(candles) == 1000:
                return candles.signal("long", size=len(candles._track.close._whole), tags=["a"])
    """
    check = checked(tmp_path, text)
    first = next(leak for leak in check.leaks if leak.kind is LeakKind.FUTURE)
    assert first == Leak(
        kind=LeakKind.FUTURE,
        signal_key="idea:AAAUSDT-20261121T024000Z",
        symbol="AAAUSDT",
        at_ms=first.at_ms,
        cut_ms=first.at_ms,
        field="size",
        with_all="quantity 3000",
        with_less="quantity 1000",
    )
    assert [leak.field for leak in check.leaks if leak.kind is LeakKind.FUTURE] == ["size"]  # once, whatever the cuts


def test_chance_is_found(tmp_path: Path) -> None:
    text = """
        from random import random
        def strategy(candles):
            return candles.signal("long", reason=str(random())) if len(candles) % 500 == 0 else None
    """
    check = checked(tmp_path, text)
    assert LeakKind.CHANCE in kinds(check)
    assert {leak.field for leak in check.leaks if leak.kind is LeakKind.CHANCE} == {"reason"}


def test_state_that_a_restart_forgets_is_found(tmp_path: Path) -> None:
    text = """
        calls = 0
        def strategy(candles):
            global calls
            calls += 1
            return candles.signal("long") if calls % 100 == 0 else None
    """
    assert kinds(checked(tmp_path, text)) == {LeakKind.PAST}


def test_a_past_longer_than_the_warmup_is_found(tmp_path: Path) -> None:
    text = """
        WARMUP = 10
        def strategy(candles):
            if candles.close[-1] > candles.close.mean() * 1.0001:
                return candles.signal("long", reason=f"{candles.close.mean():.1f}")
    """
    assert kinds(checked(tmp_path, text)) == {LeakKind.PAST}


def test_without_candles_there_is_nothing_to_find(tmp_path: Path) -> None:
    check = check_lookahead(write(tmp_path, HONEST), {"AAAUSDT": flat(0)})
    assert (check.signals, check.cuts, check.leaks) == (0, 0, ())
    assert check_lookahead(write(tmp_path, HONEST), {}).cuts == 0


def test_how_much_past_a_watch_gives() -> None:
    assert [history_of(warmup) for warmup in (0, 1, 50, 1_000, 5_000)] == [1_000, 1, 50, 1_000, 1_000]


def test_levels_and_other_values_are_told_as_people_write_them(tmp_path: Path) -> None:
    text = """
        def strategy(candles):
            if len(candles) != 500:
                return None
            if len(candles._track.close._whole) == 500:
                return candles.signal("short")
            return candles.signal("short", stop="2%", take_profit="1R", entry=1000, tags=["b"], confidence=0.5)
    """
    told = {leak.field: leak.with_all for leak in checked(tmp_path, text).leaks if leak.kind is LeakKind.FUTURE}
    assert told["exits"].startswith("stop 2%, targets 1R")
    assert (told["tags"], told["entry_price"], told["entry_type"], told["confidence"]) == ("b", "1000", "limit", "0.5")
