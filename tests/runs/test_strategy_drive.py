"""Running a strategy over candles: when it is called, what it sees, what it may return."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrade.engine.market import MINUTE_MS
from papertrade.errors import StrategyError
from papertrade.runs.strategy import load_strategy
from papertrade.runs.strategy_drive import signals_at, signals_of
from tests.runs.strategies import START, closes, flat, write

TELLS = """
    def strategy(candles):
        return candles.signal("long", reason=f"{len(candles)} {candles.close[-1]:g}")
"""


def said(tmp_path: Path, text: str) -> str:
    """Run a strategy on three candles and return what it fails with."""
    with pytest.raises(StrategyError) as caught:
        signals_of(load_strategy(write(tmp_path, text)), {"AAAUSDT": flat(3)})
    return caught.value.message


def test_it_is_called_once_after_each_candle(tmp_path: Path) -> None:
    loaded = load_strategy(write(tmp_path, TELLS))
    signals = signals_of(loaded, {"AAAUSDT": closes([10_000, 10_100, 10_200])})
    assert [signal.reason for signal in signals] == ["1 100", "2 101", "3 102"]
    assert [signal.made_at_ms for signal in signals] == [START + n * MINUTE_MS for n in (1, 2, 3)]
    assert {signal.source for signal in signals} == {"idea"}


def test_it_is_not_called_before_it_is_warm(tmp_path: Path) -> None:
    loaded = load_strategy(write(tmp_path, f"    WARMUP = 3{TELLS}"))
    series = closes([10_000, 10_100, 10_200, 10_300])
    assert [signal.reason for signal in signals_of(loaded, {"AAAUSDT": series})] == ["3 102", "4 103"]
    assert signals_at(loaded, "AAAUSDT", series.between(None, START + 2 * MINUTE_MS), ["AAAUSDT"]) == ()
    (signal,) = signals_at(loaded, "AAAUSDT", series, ["AAAUSDT"])
    assert signal.reason == "4 103"


def test_several_symbols_are_merged_by_time_then_by_name(tmp_path: Path) -> None:
    loaded = load_strategy(write(tmp_path, TELLS))
    late = closes([20_000, 20_100], "BBBUSDT", START + MINUTE_MS)
    signals = signals_of(loaded, {"BBBUSDT": late, "AAAUSDT": closes([10_000, 10_100]), "CCCUSDT": flat(0)})
    assert [(signal.symbol, signal.reason) for signal in signals] == [
        ("AAAUSDT", "1 100"),
        ("AAAUSDT", "2 101"),
        ("BBBUSDT", "1 200"),
        ("BBBUSDT", "2 201"),
    ]


def test_it_may_return_nothing_one_or_several_or_yield(tmp_path: Path) -> None:
    text = """
        def nothing(candles): return []
        def several(candles): return [candles.signal("long"), candles.signal("short")]
        def yields(candles):
            if len(candles) == 2:
                yield candles.signal("long")
    """
    file = write(tmp_path, text)
    counts = [len(signals_of(load_strategy(f"{file}:{name}"), {"AAAUSDT": flat(2)})) for name in ("nothing", "several")]
    assert counts == [0, 4]
    assert len(signals_of(load_strategy(f"{file}:yields"), {"AAAUSDT": flat(2)})) == 1
    nothing = load_strategy(f"{file}:nothing")
    assert signals_at(nothing, "AAAUSDT", flat(2), ["AAAUSDT"]) == ()


def test_one_candle_of_one_symbol_may_give_a_signal_of_another(tmp_path: Path) -> None:
    text = """
        from dataclasses import replace
        def strategy(candles):
            return replace(candles.signal("long"), symbol="BBBUSDT") if candles.symbol == "AAAUSDT" else None
    """
    file = write(tmp_path, text)
    (signal,) = signals_of(load_strategy(file), {"AAAUSDT": flat(1), "BBBUSDT": flat(1, "BBBUSDT")})
    assert (signal.symbol, signal.external_id) == ("BBBUSDT", "AAAUSDT-20261120T100100Z")
    assert "made a signal of `BBBUSDT`, which it has no candles of" in said(tmp_path, Path(file).read_text())


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    loaded = load_strategy(write(tmp_path, "def strategy(candles): pass"))
    signals_of(loaded, {"AAAUSDT": flat(70_000)}, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(65_536, 70_000), (70_000, 70_000)]
    assert signals_of(loaded, {}) == ()


def test_a_failure_names_the_line_of_the_user_and_the_candle(tmp_path: Path) -> None:
    text = """
        import json
        def strategy(candles):
            if len(candles) == 2:
                json.loads("{")
    """
    message = said(tmp_path, text)
    assert message.startswith(
        "strategy `idea.py` failed at idea.py line 5, on the candle of AAAUSDT that ends 2026-11-20T10:02:00.000Z: "
        "JSONDecodeError: Expecting property name"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 1", "returned an int, expected signals or None"),
        ("return 'long'", "returned a str, expected signals or None"),
        ("return [candles.signal('long'), None]", "returned a NoneType among its signals"),
        (
            "return replace(candles.signal('long'), made_at_ms=candles.now_ms - 60_000)",
            "on the candle of AAAUSDT that ends 2026-11-20T10:01:00.000Z, made signal `idea:AAAUSDT-20261120T100100Z` "
            "at 2026-11-20T10:00:00.000Z: a signal is made now, at the candle's end",
        ),
        ("return replace(candles.signal('long'), source='x')", "made a signal of source `x`: its own is `idea`"),
        ("return candles.signal('long', id='a')", "strategy made two signals with the id `a`, the second at "),
        ("return candles.signal('up')", "ValueError: side: `up` is not a side, expected long, short, buy or sell"),
        ("candles.close[0] = 1", "ValueError: assignment destination is read-only"),
        ("raise SystemExit", "on the candle of AAAUSDT that ends 2026-11-20T10:01:00.000Z: SystemExit"),
    ],
)
def test_what_is_refused(tmp_path: Path, body: str, message: str) -> None:
    assert message in said(tmp_path, f"from dataclasses import replace\ndef strategy(candles):\n    {body}\n")
