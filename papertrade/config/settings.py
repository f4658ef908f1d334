"""The settings as typed values: what the rest of the program reads, and nothing of where they came from.

Times are milliseconds, numbers exact decimals. The rule to keep: what could be a password is a `Secret`,
whose text appears nowhere unless it is asked for by name.
"""

from __future__ import annotations

from dataclasses import field
from datetime import tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from papertrade.engine.caps import Caps
from papertrade.engine.conventions import Convention
from papertrade.engine.guards import GuardRules
from papertrade.engine.own_costs import OwnCosts
from papertrade.engine.signal import ExitWish, Size
from papertrade.engine.sizing import SizingRules
from papertrade.engine.trade import Funding
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text that no output, log or traceback may show."""

    _text: str

    def __repr__(self) -> str:
        return "***"

    def reveal(self) -> str:
        """Return the text, for the one place that sends it."""
        return self._text


class FeedName(StrEnum):
    """A source of prices."""

    BINANCE = "binance"


class OnShortCash(StrEnum):
    """What happens to an order that the free cash does not pay for."""

    REFUSE = "refuse"
    SHRINK = "shrink"


class OnCap(StrEnum):
    """What happens to an order that is larger than a cap leaves room for."""

    REFUSE = "refuse"
    SHRINK = "shrink"


class SlippageBy(StrEnum):
    """What makes a taker's fill worse than the price seen."""

    NONE = "none"
    BPS = "bps"
    BOOK = "book"


class OnThinBook(StrEnum):
    """What happens to an order that the order book does not fill."""

    PARTIAL = "partial"
    REFUSE = "refuse"


class ConventionName(StrEnum):
    """A named set of fill choices; the names of `engine.conventions.NAMED`."""

    CONSERVATIVE = "conservative"
    FREQTRADE = "freqtrade"
    BACKTESTING_PY = "backtesting.py"
    TRADINGVIEW = "tradingview"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """The account that commands use, and what it begins with."""

    name: str
    currency: str
    cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceSettings:
    """How the venue is asked; `attempts` counts the first one. `proxy` None means a direct connection."""

    base_url: str
    connect_timeout_ms: int
    read_timeout_ms: int
    attempts: int
    proxy: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedsSettings:
    """One part for each venue."""

    binance: BinanceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """The rhythm of a watch. `candle` and `settle` are intervals of the venue; settle None means never."""

    interval_ms: int
    deadline_ms: int
    candle: str
    settle: str | None
    max_age_ms: int
    max_jump_percent: Decimal

    @property
    def tick_deadline_ms(self) -> int:
        """How long one tick may ask for prices: the deadline, but at most 66 % of the interval."""
        return min(self.deadline_ms, self.interval_ms * 66 // 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSettings:
    """Fee rates as fractions (0.001 is 0.1 %) and what a taker loses a side in basis points.

    `funding` and `borrow` (a rate a year) are None where they are not modelled. `venues` and `symbols` have costs of
    their own. With `slippage_by` none the basis points do not count.
    """

    maker: Decimal
    taker: Decimal
    slippage_bps: Decimal
    funding: Funding | None
    funding_every_ms: int
    borrow: Decimal | None
    slippage_by: SlippageBy
    on_thin_book: OnThinBook
    venues: tuple[OwnCosts, ...]
    symbols: tuple[OwnCosts, ...]


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A program that gets the event as JSON on its standard input."""

    arguments: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PostWebhook:
    """An address that gets the event as a JSON body; `header` carries `secret` if both are set."""

    url: Secret
    allow_private: bool
    header: str | None
    secret: Secret | None


Delivery: TypeAlias = RunCommand | PostWebhook


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyTarget:
    """Who is told about which events, and how long one delivery may take."""

    name: str
    events: tuple[str, ...]
    timeout_ms: int
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named set of exits, size and guards for `--preset`; `expires_ms` is a duration."""

    name: str
    exits: ExitWish
    size: Size | None
    expires_ms: int | None
    guards: GuardRules


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplaySettings:
    """How times are shown and what `today` means; `zone_name` is the zone as written."""

    zone_name: str
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, validated."""

    account: AccountSettings
    same_currency: tuple[tuple[str, ...], ...]
    feed: FeedName
    feeds: FeedsSettings
    watch: WatchSettings
    costs: CostSettings
    convention_name: ConventionName
    convention: Convention
    sizing: SizingRules
    caps: Caps
    guards: GuardRules
    leverage: Decimal
    maintenance_rate: Decimal
    notify_targets: tuple[NotifyTarget, ...]
    display: DisplaySettings
    presets: tuple[Preset, ...]

    def preset(self, name: str) -> Preset | None:
        """Return the preset of that name, or None."""
        return next((preset for preset in self.presets if preset.name == name), None)
