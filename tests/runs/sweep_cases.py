"""Random small worlds for the tests of sweeps: candles that gap and touch both sides, signals of every kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from papertrade.engine.conventions import Convention, EntryAt, GapFill, LimitFill, SameCandle
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import DAY_MS, HOUR_MS, Candle, Side
from papertrade.engine.money import floor_to
from papertrade.engine.signal import (
    EntryType,
    ExitWish,
    Signal,
    TimeLimitWish,
    parse_level,
    parse_size,
    parse_target,
)
from papertrade.engine.step import Rules
from papertrade.feeds.candle_series import CandleSeries, series_of
from papertrade.runs.backtest import BacktestRequest
from papertrade.runs.sweeps.grid import Grid, parse_holds, parse_percents

START = 1_577_836_800_000
"""2020-01-01T00:00Z"""


@dataclass(frozen=True, slots=True)
class Case:
    """A backtest without the exits that are swept, and the grid."""

    base: BacktestRequest
    grid: Grid


def random_case(seed: int) -> Case:
    """Make one world of its own."""
    random = Random(seed)
    symbols = ["AAAUSDT", "BBBUSDT"][: random.choice((1, 1, 2))]
    interval_ms = random.choice((HOUR_MS, HOUR_MS // 4, 4 * HOUR_MS))
    begins = START + interval_ms * random.randint(0, 30)
    candles = {symbol: _series(random, symbol, interval_ms, begins) for symbol in symbols}
    signals = [_signal(random, number, candles) for number in range(random.randint(3, 30))]
    base = BacktestRequest(
        signals=signals,
        candles=candles,
        rules=_rules(random),
        cash=Decimal(random.choice((100, 1_000, 10_000))),
        instruments={symbol: _instrument(random, symbol) for symbol in symbols if random.random() < 0.5},
    )
    return Case(base, _grid(random))


def with_random_holds(case: Case, random: Random) -> Case:
    """Sweep the longest holding time too."""
    holds = parse_holds(random.choice(("3h", "1h,7h,none", "90m,2d")))
    return replace(case, grid=replace(case.grid, holds=holds))


def with_kept_exits(case: Case, random: Random) -> Case:
    """Sweep one axis alone, and give some signals a time limit of their own."""
    limits = [None, TimeLimitWish(after_ms=5 * HOUR_MS), TimeLimitWish(at_ms=START + 4 * DAY_MS)]
    signals = [
        replace(signal, exits=replace(signal.exits, time_limit=random.choice(limits))) for signal in case.base.signals
    ]
    grid = random.choice((Grid(targets=parse_percents("0.5,2")), Grid(holds=parse_holds("2h,none"))))
    return Case(replace(case.base, signals=signals), grid)


def with_long_prices(case: Case) -> Case:
    """Bring the prices to 15 decimals, with a slippage that makes more of them than prices have."""
    tiny = {symbol: replace(series, decimals=15) for symbol, series in case.base.candles.items()}
    scales = {symbol: Decimal(10) ** (series.decimals - 15) for symbol, series in case.base.candles.items()}
    signals = [
        replace(
            signal,
            entry_price=None if signal.entry_price is None else signal.entry_price * scales[signal.symbol],
            size=parse_size("size", "1500000000000.123"),
        )
        for signal in case.base.signals
    ]
    rules = replace(case.base.rules, slippage_bps=Decimal("1.2345678"))
    return Case(replace(case.base, candles=tiny, signals=signals, rules=rules, instruments={}), case.grid)


def _grid(random: Random) -> Grid:
    targets = random.choice(("0.3,1,2.5", "0.5:3:0.5,none", "1.25", "0.02,4", "1,150"))
    stops = random.choice(("0.3,1,2.5", "0.4:2:0.4,none", "0.75", "0.02,3"))
    return Grid(parse_percents(targets), parse_percents(stops))


def _rules(random: Random) -> Rules:
    return Rules(
        maker=Decimal(random.choice(("0", "0.001", "0.00025"))),
        taker=Decimal(random.choice(("0", "0.001", "0.00075"))),
        slippage_bps=Decimal(random.choice(("0", "0", "2", "12.5"))),
        leverage=Decimal(random.choice(("1", "1", "3", "20"))),
        convention=Convention(
            same_candle=random.choice(list(SameCandle)),
            gap_stop=random.choice(list(GapFill)),
            gap_target=random.choice(list(GapFill)),
            gap_limit=random.choice(list(GapFill)),
            limit_fill=random.choice(list(LimitFill)),
            entry=random.choice((EntryAt.NEXT_OPEN, EntryAt.NEXT_OPEN, EntryAt.CLOSE)),
        ),
    )


def _instrument(random: Random, symbol: str) -> Instrument:
    return Instrument(
        venue="backtest",
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        price_step=Decimal(random.choice(("0.01", "0.05", "0.5", "0"))),
        quantity_step=Decimal(random.choice(("0.001", "0.00000001", "0"))),
        hours=random.choice(("24/7", "09:30-16:00")),
    )


def _series(random: Random, symbol: str, interval_ms: int, begins: int) -> CandleSeries:
    """Walk at random on a coarse grid, so that levels are met exactly, with gaps and with holes in time."""
    step = Decimal(random.choice(("0.1", "0.25", "0.01")))
    price = Decimal(100)
    at_ms = begins
    candles = []
    for _ in range(random.randint(30, 250)):
        if random.random() < 0.2:
            price *= 1 + Decimal(random.randint(-300, 300)) / 10_000
        if random.random() < 0.03:
            at_ms += interval_ms * random.randint(1, 30)
        opened = max(floor_to(price, step), step)
        reach = Decimal(random.choice((10, 50, 200, 900))) / 10_000
        ends = [opened, *(opened * (1 + reach * random.randint(-10, 10) / 10) for _ in range(3))]
        ends = [max(floor_to(end, step), step) for end in ends]
        close = random.choice(ends)
        candles.append(
            Candle(open_ms=at_ms, interval_ms=interval_ms, open=opened, high=max(ends), low=min(ends), close=close)
        )
        price, at_ms = close, at_ms + interval_ms
    return series_of(symbol, interval_ms, candles)


def _signal(random: Random, number: int, candles: dict[str, CandleSeries]) -> Signal:
    symbol = random.choice(list(candles))
    series = candles[symbol]
    side = random.choice(list(Side))
    at = random.randrange(len(series))
    entry_type = random.choice((EntryType.MARKET, EntryType.MARKET, EntryType.LIMIT, EntryType.STOP))
    near = series.price(series.open, at) * (1 + Decimal(random.randint(-150, 150)) / 10_000)
    made_at = int(series.open_ms[at]) + random.choice((0, 0, -1, 60_000))
    return Signal(
        source="test",
        external_id=str(number),
        symbol=symbol,
        side=side,
        made_at_ms=made_at,
        entry_type=entry_type,
        entry_price=None if entry_type is EntryType.MARKET else floor_to(near, Decimal("0.1")),
        exits=ExitWish(
            parse_level(random.choice(("2%", "0.7%"))),
            (parse_target(random.choice(("1.5%", "2R", "0.8%"))),) if random.random() < 0.7 else (),
        ),
        size=random.choice((None, parse_size("size", "1.5"), parse_size("notional", "77.7"), parse_size("risk", "1%"))),
        expires_at_ms=made_at + DAY_MS if random.random() < 0.2 else None,
    )
