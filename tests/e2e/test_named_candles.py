"""What becomes of brackets, trails, break-evens and targets in candles that real venues printed; numbers by hand.

Each row goes through three doors: the rule alone, `backtest`, and `watch` over a served tape, polled every minute and
once at the end. A step of `0` means that the instrument has none; no fees and no slippage unless the row says so.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from papertrade.engine.market import MINUTE_MS
from tests.e2e import named_candles as real
from tests.e2e.doors import Outcome, Scenario, backtested, scenarios, watched
from tests.e2e.named_candles import Named
from tests.engine.deals import candle_of, play
from tests.engine.real_candles import FOLDER, needs_data
from tests.engine.tables import tape_of, told

BTC, XRP = real.BTC_BOTH_SIDES.minutes, real.XRP_CRASH.minutes

ROWS = [
    # BTCUSD, 2018-04-28 08:59Z: 9205.1, up to 9500 and down to 8750, back to 9236.5
    (
        "a long's stop and target both touched: the stop, and it is ambiguous",
        "long 1 at 9205.1 sl 9000 tp 9400",
        BTC,
        "stop_loss 1 at 9000 end0 ambiguous",
        "-205.1",
    ),
    (
        "a short's stop and target both touched: the stop, and it is ambiguous",
        "short 1 at 9205.1 sl 9400 tp 9000",
        BTC,
        "stop_loss 1 at 9400 end0 ambiguous",
        "-194.9",
    ),
    (
        "target-first takes the long's target",
        "long 1 at 9205.1 sl 9000 tp 9400 same_candle target-first",
        BTC,
        "take_profit 1 at 9400 end0 ambiguous",
        "194.9",
    ),
    (
        "nearest: the high is 294.9 away and the low 455.1, so a long takes its target",
        "long 1 at 9205.1 sl 9000 tp 9400 same_candle nearest",
        BTC,
        "take_profit 1 at 9400 end0 ambiguous",
        "194.9",
    ),
    (
        "nearest: for the same reason a short is stopped",
        "short 1 at 9205.1 sl 9400 tp 9000 same_candle nearest",
        BTC,
        "stop_loss 1 at 9400 end0 ambiguous",
        "-194.9",
    ),
    (
        "a stop under the low leaves the target alone in the minute",
        "long 1 at 9205.1 sl 8700 tp 9400",
        BTC,
        "take_profit 1 at 9400 end0",
        "194.9",
    ),
    (
        "a target above the high leaves the stop alone in the minute",
        "long 1 at 9205.1 sl 9000 tp 9600",
        BTC,
        "stop_loss 1 at 9000 end0",
        "-205.1",
    ),
    (
        "the low touched exactly ends a long: touching counts",
        "long 1 at 9205.1 sl 8750 tp 9600",
        BTC,
        "stop_loss 1 at 8750 end0",
        "-455.1",
    ),
    (
        "two targets on the way up, one after the other",
        "long 1 at 9205.1 sl 8700 tp 9300:0.5 tp 9450:0.5",
        BTC,
        "take_profit 0.5 at 9300 end0; take_profit 0.5 at 9450 end0",
        "169.9",
    ),
    (
        "two targets and the stop touched: all goes at the stop",
        "long 1 at 9205.1 sl 9000 tp 9300:0.5 tp 9450:0.5",
        BTC,
        "stop_loss 1 at 9000 end0 ambiguous",
        "-205.1",
    ),
    (
        "a 2 % trail stands at 9020.998, on the step 9020.9; the low passes it before the high may move it",
        "long 1 at 9205.1 trails 2% step 0.1",
        BTC,
        "trailing_stop 1 at 9020.9 end0 ambiguous",
        "-184.2",
    ),
    (
        "a 6 % trail stands at 8652.7 under the low; led to 8930 by the high it outlives the next minute's 9148.5",
        "long 1 at 9205.1 trails 6% step 0.1",
        BTC,
        "",
        "0",
    ),
    (
        "a 3 % trail from 9400 on begins at the high: 9500 less 3 % is 9215, under the close, and the next low ends it",
        "long 1 at 9205.1 sl 8700 trails 3%@9400 step 0.1",
        BTC,
        "trailing_stop 1 at 9215 end1",
        "9.9",
    ),
    (
        "a 2 % trail from 9400 on begins at 9310, which the close of 9236.5 is beyond for certain",
        "long 1 at 9205.1 sl 8700 trails 2%@9400 step 0.1",
        BTC,
        "trailing_stop 1 at 9310 end0",
        "104.9",
    ),
    (
        "break-even at 1 % (9297.151) is reached by 9500; the next minute's 9148.5 leaves at the entry",
        "long 1 at 9205.1 sl 8700 even 1%:gross",
        BTC,
        "break_even 1 at 9205.1 end1",
        "0",
    ),
    (
        "a short's break-even at 1 % (9113.049) is reached by 8750, and the close of 9236.5 is beyond the entry",
        "short 1 at 9205.1 sl 9600 even -1%:gross",
        BTC,
        "break_even 1 at 9205.1 end0",
        "0",
    ),
    (
        "a limit at 9000 fills on the way down, and its stop at 8800 lies on the same way: certain",
        "long 1 limit 9000 sl 8800 tp 9400",
        BTC,
        "entry 1 at 9000 end0; stop_loss 1 at 8800 end0",
        "-200",
    ),
    (
        "a limit at 9000 whose target the close is beyond takes it",
        "long 1 limit 9000 sl 8700 tp 9200",
        BTC,
        "entry 1 at 9000 end0; take_profit 1 at 9200 end0",
        "200",
    ),
    (
        "a limit at 9000 whose target only the high reached keeps waiting for it: the high may have come before",
        "long 1 limit 9000 sl 8700 tp 9400",
        BTC,
        "entry 1 at 9000 end0",
        "0",
    ),
    (
        "a stop entry at 9400 and its stop in one minute, with a close above the stop: in doubt, so stopped",
        "long 1 stop 9400 sl 9000 tp 9600",
        BTC,
        "entry 1 at 9400 end0; stop_loss 1 at 9000 end0 ambiguous",
        "-400",
    ),
    # XRPUSD, 2017-12-22 from 07:22Z: 0.6494373 to 0.42143 and back, bars of 25 to 54 %
    (
        "the crash stops a long at its level, far above the low",
        "long 100 at 0.6494373 sl 0.6 tp 0.7 step 0",
        XRP,
        "stop_loss 100 at 0.6 end0",
        "-4.94373",
    ),
    (
        "two targets of a short in the crash, and none of its stop",
        "short 100 at 0.6494373 sl 0.7 tp 0.55:0.5 tp 0.45:0.5 step 0",
        XRP,
        "take_profit 50 at 0.55 end0; take_profit 50 at 0.45 end0",
        "14.94373",
    ),
    (
        "a short's 10 % trail: led to 0.463573 by the low, and the close of 0.5998 is beyond it for certain",
        "short 100 at 0.6494373 trails 10% step 0",
        XRP,
        "trailing_stop 100 at 0.463573 end0",
        "18.58643",
    ),
    (
        "a short's 50 % trail: led to 0.632145 by the low, reached by the next minute's 0.64613611",
        "short 100 at 0.6494373 trails 50% step 0",
        XRP,
        "trailing_stop 100 at 0.632145 end1",
        "1.72923",
    ),
    (
        "a short's break-even at 3 % is reached by the crash; no later price comes back to the entry",
        "short 100 at 0.6494373 sl 0.9 even -3%:gross step 0",
        XRP,
        "",
        "0",
    ),
    (
        "a limit at 0.59 fills in the crash; its stop at 0.42 lies under every low and its target above every high",
        "long 100 limit 0.59 sl 0.42 tp 0.7 step 0",
        XRP,
        "entry 100 at 0.59 end0",
        "0",
    ),
    (
        "break-even at 3 % (0.6394652) is reached by 0.64620849 and the close of 0.51 is beyond the entry for certain",
        "long 100 at 0.62084 sl 0.4 even 3%:gross step 0",
        real.XRP_REBOUND.minutes,
        "break_even 100 at 0.62084 end0",
        "0",
    ),
    (
        "a target at 0.69, the very high three minutes later: touching counts, and it is flagged",
        "long 100 at 0.62084 sl 0.4 tp 0.69 step 0",
        real.XRP_REBOUND.minutes,
        "take_profit 100 at 0.69 end3 at_touch",
        "6.916",
    ),
    (
        "the rally takes two targets a minute apart; between them the stop stands at the entry, far below 0.699",
        "long 300 at 0.65518166 sl 0.6 tp 0.7:0.5 tp 0.74:0.5 after be:gross step 0",
        real.XRP_RALLY.minutes,
        "take_profit 150 at 0.7 end0; take_profit 150 at 0.74 end1",
        "19.445502",
    ),
    (
        "a short's stop at 0.745 outlives 0.74185 by 0.00315, and ends it a minute later",
        "short 100 at 0.65518166 sl 0.745 tp 0.6 step 0",
        real.XRP_RALLY.minutes,
        "stop_loss 100 at 0.745 end2",
        "-8.981834",
    ),
    # BTCUSD, 2018-12-08 22:58Z: +10 % in a minute
    (
        "the spike stops a short at its level",
        "short 1 at 3453.1 sl 3500",
        real.BTC_SPIKE.minutes,
        "stop_loss 1 at 3500 end0",
        "-46.9",
    ),
    (
        "a 5 % trail is led to 3610 (3610.095) and outlives 3620.75931722; 3587.5 ends it two minutes later",
        "long 1 at 3453.1 trails 5% step 0.1",
        real.BTC_SPIKE.minutes,
        "trailing_stop 1 at 3610 end2",
        "156.9",
    ),
    (
        "a 2 % trail is led to 3724 (3724.098), and the close of 3651 is beyond it for certain",
        "long 1 at 3453.1 trails 2% step 0.1",
        real.BTC_SPIKE.minutes,
        "trailing_stop 1 at 3724 end0",
        "270.9",
    ),
    # BTCUSD, 2018-10-15 06:48Z: the tether spike
    (
        "a target in the first minute and one in the next; the stop at the entry outlives 7510.1",
        "long 1 at 7500.9 sl 7450 tp 7600:0.5 tp 7780:0.5 after be:gross",
        real.BTC_TETHER.minutes,
        "take_profit 0.5 at 7600 end0; take_profit 0.5 at 7780 end1",
        "189.1",
    ),
    (
        "with the second target out of reach the stop at the entry ends the rest at 7500.9 a minute later",
        "long 1 at 7500.9 sl 7450 tp 7600:0.5 tp 7800:0.5 after be:gross",
        real.BTC_TETHER.minutes,
        "take_profit 0.5 at 7600 end0; break_even 0.5 at 7500.9 end2",
        "49.55",
    ),
    # ETHUSD, 2018-09-18 12:23Z: a wick of 11 %
    (
        "the wick stops a short",
        "short 10 at 199.73 sl 210 tp 190",
        real.ETH_WICK.minutes,
        "stop_loss 10 at 210 end0",
        "-102.7",
    ),
    (
        "the wick pays a long's target",
        "long 10 at 199.73 sl 195 tp 220",
        real.ETH_WICK.minutes,
        "take_profit 10 at 220 end0",
        "202.7",
    ),
    (
        "the wick's very top as a target is taken and flagged; traded through would be safer",
        "long 10 at 199.73 sl 195 tp 222",
        real.ETH_WICK.minutes,
        "take_profit 10 at 222 end0 at_touch",
        "222.7",
    ),
    (
        "and with limit_fill through it is not",
        "long 10 at 199.73 sl 195 tp 222 limit_fill through",
        real.ETH_WICK.minutes,
        "",
        "0",
    ),
    (
        "a 5 % trail from +5 % on (209.7165) begins at 222: 210.9, which the close of 203.33 is beyond",
        "long 10 at 199.73 sl 195 trails 5%@5% step 0.01",
        real.ETH_WICK.minutes,
        "trailing_stop 10 at 210.9 end0",
        "111.7",
    ),
    # 2022-12-13 13:30Z, inflation figures: two venues of one move
    (
        "a stop entry and its target at the minute's very high",
        "long 1 stop 17800 sl 17600 tp 18000",
        real.CPI_BINANCE.minutes,
        "entry 1 at 17800 end0; take_profit 1 at 18000 end0 at_touch",
        "200",
    ),
    (
        "the same idea where the high was 17977: the target waits, the stop at 17600 is not touched",
        "long 1 stop 17800 sl 17600 tp 18000",
        real.CPI_BYBIT.minutes,
        "entry 1 at 17800 end0",
        "0",
    ),
    # absurd wicks and bad ticks of daily and hourly candles, which no stop leaves at
    (
        "a print at 0.06 stops a long at 1000, its level, and never at 0.06",
        "long 1 at 1173.13 sl 1000 tp 1300",
        real.ABSURD_LOW.minutes,
        "stop_loss 1 at 1000 end0",
        "-173.13",
    ),
    (
        "without a stop and without leverage the print passes: 0.06 is still a price",
        "long 1 at 1173.13 tp 1189.5",
        real.ABSURD_LOW.minutes,
        "take_profit 1 at 1189.5 end0",
        "16.37",
    ),
    (
        "at leverage 20 the reserve of 58.6565 is all that it costs",
        "long 1 at 1173.13 tp 1300 lev 20 step 0.0001",
        real.ABSURD_LOW.minutes,
        "liquidation 1 at 1114.4735 end0",
        "-58.6565",
    ),
    (
        "an hour of 50 %: both targets of a long, whose stop lies under the low of 85.49",
        "long 1 at 87 sl 80 tp 100:0.5 tp 120:0.5",
        real.SEIZURE.minutes,
        "take_profit 0.5 at 100 end0; take_profit 0.5 at 120 end0",
        "23",
    ),
    (
        "the same with a stop at 86: touched too, so it counts",
        "long 1 at 87 sl 86 tp 100:0.5 tp 120:0.5",
        real.SEIZURE.minutes,
        "stop_loss 1 at 86 end0 ambiguous",
        "-1",
    ),
    (
        "a stale price of before a split falls 86 %: the stop leaves at 600, which costs 7 %",
        "long 10 at 645.66 sl 600 tp 700",
        real.STALE_SPLIT.minutes,
        "stop_loss 10 at 600 end1",
        "-456.6",
    ),
    (
        "a stop at 645.58 lies in the gap between 645.6 and Monday's open of 645.57: it leaves there, before the fall",
        "long 10 at 645.66 sl 645.58 tp 700",
        real.STALE_SPLIT.minutes,
        "stop_loss 10 at 645.57 open1",
        "-0.9",
    ),
    (
        "the same print pays a short's target at its level and no more",
        "short 10 at 645.66 sl 700 tp 600",
        real.STALE_SPLIT.minutes,
        "take_profit 10 at 600 end1",
        "456.6",
    ),
    (
        "a bad low of 10.59 ends a 5 % trail at 175.21 (175.218); that day's high might have moved it before",
        "long 10 at 184.44 trails 5% step 0.01",
        real.BAD_LOW.minutes,
        "trailing_stop 10 at 175.21 end0 ambiguous",
        "-92.3",
    ),
    (
        "a bad high of 144.12 leads a 10 % trail to 129.7 (129.708), which the close of 113.93 is beyond",
        "long 10 at 113.91 trails 10% step 0.01",
        real.BAD_HIGH.minutes,
        "trailing_stop 10 at 129.7 end0",
        "157.9",
    ),
    (
        "a bad high stops a short at its level",
        "short 10 at 113.91 sl 120 tp 110",
        real.BAD_HIGH.minutes,
        "stop_loss 10 at 120 end0",
        "-60.9",
    ),
    (
        "a day of 10.8 %: a close bracket is stopped, in doubt",
        "long 1000 at 1.45554 sl 1.44 tp 1.46 step 0",
        real.BREXIT.minutes,
        "stop_loss 1000 at 1.44 end0 ambiguous",
        "-15.54",
    ),
    (
        "a short whose stop lies above the day's high takes both targets",
        "short 1000 at 1.45554 sl 1.47 tp 1.35:0.5 tp 1.33:0.5 step 0",
        real.BREXIT.minutes,
        "take_profit 500 at 1.35 end0; take_profit 500 at 1.33 end0",
        "115.54",
    ),
    (
        "payrolls: a short's trail of 20 pips is led to 1.38285 by 1.38085 and reached two minutes later",
        "short 1000 at 1.38583 trails 0.002 step 0.00001",
        real.PAYROLLS.minutes,
        "trailing_stop 1000 at 1.38285 end2",
        "2.98",
    ),
    (
        "a stop entry on the way up, and its target 0.4 pips under the high",
        "long 1000 stop 1.395 sl 1.392 tp 1.3957 step 0",
        real.ECB.minutes,
        "entry 1000 at 1.395 end0; take_profit 1000 at 1.3957 end0",
        "0.7",
    ),
    (
        "the press conference: a long is stopped at 1.395 although the minute closed at 1.39484",
        "long 1000 at 1.39794 sl 1.395 tp 1.4 step 0",
        real.ECB_FALL.minutes,
        "stop_loss 1000 at 1.395 end0",
        "-2.94",
    ),
    (
        "gold: a short's 0.5 % trail is led to 1278.847 (1278.84642), just above the close; the next minute reaches it",
        "short 1 at 1284.757 trails 0.5% step 0.001",
        real.GOLD.minutes,
        "trailing_stop 1 at 1278.847 end1",
        "5.91",
    ),
    (
        "a day down 98 % in satoshis: the stop leaves at 0.000008",
        "long 1000000 at 0.00000899 sl 0.000008 tp 0.00001 step 0",
        real.NEARLY_NOTHING.minutes,
        "stop_loss 1000000 at 0.000008 end0",
        "-0.99",
    ),
    (
        "a stop under the very low outlives it, and the target at the very high is taken",
        "long 1000000 at 0.00000899 sl 0.0000001 tp 0.0000096 step 0",
        real.NEARLY_NOTHING.minutes,
        "take_profit 1000000 at 0.0000096 end0 at_touch",
        "0.61",
    ),
]

pytestmark = pytest.mark.xdist_group("named candles")  # so that its doors are opened once, not by each worker

SCENES = scenarios([row[:4] for row in ROWS])
NETS = {scene.symbol: Decimal(row[4]) for scene, row in zip(SCENES, ROWS, strict=True)}


@cache
def by_backtest() -> Mapping[str, Outcome]:
    with TemporaryDirectory() as folder:
        return backtested(SCENES, Path(folder))


@cache
def by_watch(every_ms: int = MINUTE_MS) -> Mapping[str, Outcome]:
    with TemporaryDirectory() as folder:
        return watched(SCENES, Path(folder), every_ms)


def by_one_late_look() -> Mapping[str, Outcome]:
    return by_watch(600 * MINUTE_MS)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.sentence)
def test_the_rule(scene: Scenario) -> None:
    trade, events = play(scene.deal, [candle_of(bar) for bar in scene.bars])
    assert told(events) == scene.happens
    assert trade.realized == NETS[scene.symbol]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.sentence)
def test_backtest_and_watch(scene: Scenario) -> None:
    expected = Outcome(scene.happens, NETS[scene.symbol], Decimal(0))
    assert by_backtest()[scene.symbol] == expected
    assert by_watch()[scene.symbol] == expected
    assert by_one_late_look()[scene.symbol] == expected


@needs_data
@pytest.mark.parametrize("name", sorted({named.file for named in real.EVERY}))
def test_the_candles_are_the_recorded_ones(name: str) -> None:
    wanted = {at: prices for named in real.EVERY if named.file == name for at, prices in prices_of(named).items()}
    with gzip.open(FOLDER / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        rows = [line.split(",") for line in file if line[:20] in wanted]
    assert {row[0]: [Fraction(text) for text in row[1:5]] for row in rows} == wanted


def prices_of(named: Named) -> dict[str, list[Fraction]]:
    """Return the four prices of each candle by when it opened."""
    bars = tape_of(named.minutes)
    return {at: [b.open, b.high, b.low, b.close] for at, b in zip(named.opens, bars, strict=True)}
