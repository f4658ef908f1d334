"""What a seed draws before anything runs: the market, the user, costs and conventions, the way of looking.

None of it depends on faults or on how the world is run, so that the same setting can be lived through in a quiet one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from papertrade.engine.conventions import (
    CONSERVATIVE,
    Convention,
    DecidedBy,
    GapFill,
    LimitFill,
    SameCandle,
    TrailOn,
)
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.step import Rules
from papertrade.engine.trade import Funding
from papertrade.runs.observe import ObservationRules
from tests.simulation.market import Tape, Weather, random_tape, random_weather
from tests.simulation.script import Line, random_script

START_MS = 1_700_000_040_000
MINUTES = 72
FIRST_MINUTE = 20
"""How much of the market lies before the user comes: commands look back for the newest candle."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What does not depend on how the world is run: the market, the user, the way of looking."""

    weather: Weather
    tapes: dict[str, Tape]
    script: list[Line]
    watching: ObservationRules
    rules: Rules
    look_candles: int
    batch: int

    @property
    def has_seconds(self) -> bool:
        """Whether seconds settle what a minute leaves open."""
        return self.weather.has_seconds and self.watching.settle is not None

    @property
    def end_ms(self) -> int:
        """When the market ends."""
        return START_MS + MINUTES * MINUTE_MS


def setting_of(seed: int) -> Setting:
    """Draw a seed's market and user."""
    chance = random.Random(f"{seed}:setting")
    weather = random_weather(chance)
    names = ["AAAUSDT", "BBBUSDT", "CCCUSDT"][: chance.choice([1, 2, 2, 3])]
    tapes = {name: random_tape(chance, name, START_MS, MINUTES, weather) for name in names}
    begin_ms, end_ms = START_MS + FIRST_MINUTE * MINUTE_MS, START_MS + (MINUTES - 10) * MINUTE_MS
    return Setting(
        weather=weather,
        tapes=tapes,
        script=random_script(chance, tapes, begin_ms, end_ms),
        watching=ObservationRules(settle=chance.choice(["1s", "1s", None])),
        rules=_random_rules(chance),
        look_candles=chance.choice([7, 15, 5_000]),
        batch=chance.choice([1, 2, 200]),
    )


def _random_rules(chance: random.Random) -> Rules:
    """Draw costs, leverage and a convention: often the usual one, else each choice for itself."""
    convention = CONSERVATIVE
    if chance.random() < 0.5:
        gaps = (GapFill.OPEN, GapFill.LEVEL)
        convention = Convention(
            same_candle=chance.choice(list(SameCandle)),
            gap_stop=chance.choice(gaps),
            gap_target=chance.choice(gaps),
            gap_limit=chance.choice(gaps),
            limit_fill=chance.choice(list(LimitFill)),
            trail=chance.choice(list(TrailOn)),
            decides=DecidedBy.QUOTES if chance.random() < 0.08 else DecidedBy.FINAL_CANDLES,
        )
    is_carried = chance.random() < 0.25
    funding = Funding(Decimal(chance.choice(["0.001", "0.02", "-0.005"])), chance.choice([5, 7, 30]) * MINUTE_MS)
    fees = [Decimal("0.001"), Decimal("0.001"), Decimal(0), Decimal("0.00075")]
    return Rules(
        maker=chance.choice(fees),
        taker=chance.choice(fees),
        slippage_bps=Decimal(chance.choice([0, 0, 5])),
        leverage=Decimal(chance.choice([1, 1, 1, 5])),
        convention=convention,
        maintenance=chance.choice([Decimal(0), Decimal(0), Decimal("0.01")]),
        funding=funding if is_carried and chance.random() < 0.7 else None,
        borrow=Decimal("0.5") if is_carried and chance.random() < 0.7 else None,
    )
