"""A backtest as it is kept: what it was made from, under which rules, and what came of it.

Values only, written by `codec.encode`, so that a saved run crosses to the store as an engine value. Fields are
only ever added, with a default: old runs are read for ever. The rule to keep: everything that could change a
figure is in the plan or in the inputs, so that a run can be repeated and told apart from another.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal

from papertrade.engine.caps import NO_CAPS, Caps
from papertrade.engine.conventions import CONSERVATIVE, Convention
from papertrade.engine.guards import NO_GUARDS, GuardRules
from papertrade.engine.instrument import Instrument
from papertrade.engine.later import LATER
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.money import ONE, ZERO
from papertrade.engine.own_costs import OwnCosts
from papertrade.engine.signal import Defaults, Size
from papertrade.engine.sizing import SizingRules
from papertrade.engine.step import Rules
from papertrade.engine.trade import ExitReason, Funding, Status
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True)
class SymbolFile:
    """The file that holds a symbol's candles."""

    symbol: str
    path: str


@dataclass(frozen=True, slots=True)
class RunPreset:
    """A preset as it was when the run was made: its name, and what it fills in. Its guards are among the run's."""

    name: str
    defaults: Defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything that decides a backtest, with files by name: what `runs repeat` runs again.

    Exactly one of `signals` and `strategy` (`FILE.py[:NAME]`) is set. `preset` fills in what a signal does
    not say, `size` beats what any says. Times are UTC ms, the end not included; None does not restrict.
    `convention_name` is what `convention` was made from. `zone` names the zone by whose days and hours guards count.
    """

    signals: str | None = None
    strategy: str | None = None
    candles: tuple[SymbolFile, ...] = ()
    detail: tuple[SymbolFile, ...] = ()
    interval_ms: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    cash: Decimal = Decimal(10_000)
    currency: str = "USDT"
    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    slippage_bps: Decimal = ZERO
    leverage: Decimal = ONE
    convention_name: str = "conservative"
    convention: Convention = CONSERVATIVE
    sizing: SizingRules = field(default_factory=SizingRules)
    size: Size | None = None
    same_currency: tuple[tuple[str, ...], ...] = ()
    instruments: tuple[Instrument, ...] = ()
    max_open: int | None = None
    guards: GuardRules = field(default=NO_GUARDS, metadata=LATER)
    caps: Caps = field(default=NO_CAPS, metadata=LATER)
    zone: str = field(default="UTC", metadata=LATER)
    funding: Funding | None = field(default=None, metadata=LATER)
    borrow: Decimal | None = field(default=None, metadata=LATER)
    venue_costs: tuple[OwnCosts, ...] = field(default=(), metadata=LATER)
    symbol_costs: tuple[OwnCosts, ...] = field(default=(), metadata=LATER)
    maintenance: Decimal = field(default=ZERO, metadata=LATER)
    preset: RunPreset | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        if (self.signals is None) == (self.strategy is None):
            raise ValueError("a run has either signals or a strategy")

    @property
    def defaults(self) -> Defaults | None:
        """What the preset fills in, None without one."""
        return None if self.preset is None else self.preset.defaults

    @property
    def rules(self) -> Rules:
        """The engine's rules; a backtest sets the length of the candles itself."""
        return Rules(
            maker=self.maker,
            taker=self.taker,
            slippage_bps=self.slippage_bps,
            leverage=self.leverage,
            maintenance=self.maintenance,
            funding=self.funding,
            borrow=self.borrow,
            venue_costs=self.venue_costs,
            symbol_costs=self.symbol_costs,
            convention=self.convention,
            sizing=self.sizing,
            same_currency=tuple(frozenset(group) for group in self.same_currency),
            candle_ms=MINUTE_MS,
            guards=self.guards,
            caps=self.caps,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """One file that a run was made from: its `role` (signals, strategy, candles, detail), its bytes' SHA-256 in hex.

    `rows` counts signals or candles. `first_ms`, `last_ms` (opens, UTC ms), `interval_ms`, `holes` and the candles
    `missing` in them are those of candles.
    """

    role: str
    name: str
    sha256: str
    rows: int
    symbol: str | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    interval_ms: int | None = None
    holes: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrade:
    """One trade of a run as it ended, or stood at the end."""

    id: int
    signal_key: str
    symbol: str
    side: Side
    status: Status
    quantity: Decimal
    opened_at: int | None
    entry_price: Decimal | None
    closed_at: int | None
    exit_price: Decimal | None
    exit_reason: ExitReason | None
    fees: Decimal
    realized: Decimal
    is_ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class RunFigure:
    """One figure of `metrics` by its name, as text; None where it is undefined."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """A run with its result. `version` is the program's, `metrics` the JSON of `metrics --json`."""

    name: str
    kind: str
    made_at_ms: int
    version: str
    plan: RunPlan
    inputs: tuple[RunInput, ...]
    trades: tuple[RunTrade, ...]
    refused: int
    begins_ms: int
    ends_ms: int
    figures: tuple[RunFigure, ...]
    metrics: str
