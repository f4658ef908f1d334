"""Every setting, declared once: its path, its kind, its default as text, and a line of explanation.

Validation, the example file, the documentation and `config show` come from this table. The rule to keep:
a setting that the program does not use is not in it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar

from papertrade.config import carry_schema, cost_schema, guard_schema
from papertrade.config.samples import PRESETS_SAMPLE, TARGETS_SAMPLE
from papertrade.config.sections import CURRENCY, NAME, currency_groups, notify_targets, presets
from papertrade.config.setting import Reader, Setting
from papertrade.config.settings import (
    AccountSettings,
    BinanceSettings,
    ConventionName,
    CostSettings,
    DisplaySettings,
    FeedName,
    FeedsSettings,
    OnShortCash,
    Settings,
    SlippageBy,
    WatchSettings,
)
from papertrade.config.values import (
    Kind,
    base_url,
    choice,
    interval,
    money,
    number,
    optional,
    percent,
    proxy,
    rate,
    seconds,
    whole,
    zone,
)
from papertrade.engine.conventions import (
    NAMED,
    Convention,
    DecidedBy,
    EntryAt,
    GapFill,
    LimitFill,
    SameCandle,
    TrailOn,
)
from papertrade.engine.money import ZERO
from papertrade.engine.sizing import SizingRules

E = TypeVar("E", bound=StrEnum)


_NAMED: Final = "named"


def _of_the_set(members: type[E]) -> Kind[E | None]:
    """Accept one of the values of an option, or `named` (None) for what the named set says."""
    return optional(choice(members), word=_NAMED)


ACCOUNT_NAME: Final = Setting("account.name", NAME, "main", "The account that commands use; created on first use.")
ACCOUNT_CURRENCY: Final = Setting("account.currency", CURRENCY, "USDT", "The currency of a new account.")
ACCOUNT_CASH: Final = Setting(
    "account.cash", money("0.00000001", "1000000000"), "10000", "What a new account begins with."
)
SAME_CURRENCY: Final = Setting(
    "same_currency", currency_groups(), "[]", "Currencies that count as one, e.g. [[USD, USDT, USDC]]."
)
FEED: Final = Setting("feed", choice(FeedName), "binance", "Where prices come from.")
BASE_URL: Final = Setting(
    "feeds.binance.base_url", base_url(), "https://data-api.binance.vision", "The host of the venue's public data."
)
CONNECT_TIMEOUT: Final = Setting(
    "feeds.binance.connect_timeout", seconds("0.1", "30"), "3", "How long one connection may take."
)
READ_TIMEOUT: Final = Setting(
    "feeds.binance.read_timeout",
    seconds("0.1", "60"),
    "4",
    "How long an answer may pause before the request is tried again.",
)
ATTEMPTS: Final = Setting(
    "feeds.binance.attempts", whole(1, 10), "4", "How often a request is tried, the first included."
)
PROXY: Final = Setting(
    "feeds.binance.proxy",
    optional(proxy()),
    "none",
    "An HTTP proxy; the proxy variables of the environment are not read.",
)
WATCH_INTERVAL: Final = Setting("watch.interval", seconds("1", "3600"), "30", "The time from one tick to the next.")
WATCH_DEADLINE: Final = Setting(
    "watch.deadline", seconds("0.5", "2376"), "20", "How long a tick may ask for prices; at most 66 % of the interval."
)
WATCH_CANDLE: Final = Setting("watch.candle", interval(), "1m", "The candles that decide.")
WATCH_SETTLE: Final = Setting(
    "watch.settle",
    optional(interval()),
    "1s",
    "Finer candles that tell which of two levels was touched first; without effect unless finer than watch.candle.",
)
WATCH_MAX_AGE: Final = Setting(
    "watch.max_age", seconds("5", "86400"), "90", "A venue whose newest candle ended longer ago than this is stale."
)
WATCH_MAX_JUMP: Final = Setting(
    "watch.max_jump",
    percent("0.1", "1000"),
    "20%",
    "Where only quotes decide, one further than this from the last waits for a second look.",
)
MAKER: Final = Setting("costs.maker", rate("10"), "0.1%", "The fee of limit entries and targets.")
TAKER: Final = Setting("costs.taker", rate("10"), "0.1%", "The fee of market entries, stops and exits by hand.")
SLIPPAGE: Final = Setting(
    "costs.slippage_bps", number("0", "1000"), "0", "What a taker loses a side, in basis points (100 are 1 %)."
)
CONVENTION: Final = Setting("convention.name", choice(ConventionName), "conservative", "The named set of fill rules.")
SAME_CANDLE: Final = Setting(
    "convention.same_candle",
    _of_the_set(SameCandle),
    _NAMED,
    "Which level counts when one candle touched both; `named` is what the named set says, here and below.",
)
GAP_STOP: Final = Setting(
    "convention.gap_stop", _of_the_set(GapFill), _NAMED, "The price of a stop that the market jumped past."
)
GAP_TARGET: Final = Setting(
    "convention.gap_target", _of_the_set(GapFill), _NAMED, "The price of a target that the market jumped past."
)
GAP_LIMIT: Final = Setting(
    "convention.gap_limit", _of_the_set(GapFill), _NAMED, "The price of a limit entry that the market jumped past."
)
TRAIL: Final = Setting(
    "convention.trail",
    _of_the_set(TrailOn),
    _NAMED,
    "Whether a candle tests a trail as it was before, or as its own extreme makes it.",
)
LIMIT_FILL: Final = Setting(
    "convention.limit_fill", _of_the_set(LimitFill), _NAMED, "Whether a limit fills when touched, or only when passed."
)
ENTRY: Final = Setting(
    "convention.entry", _of_the_set(EntryAt), _NAMED, "Where a backtest places a signal: the next open, or the close."
)
DECIDES: Final = Setting(
    "convention.decides",
    _of_the_set(DecidedBy),
    _NAMED,
    "What ends a trade live: final candles, or each quote at the price that the poll saw.",
)
SIZING_RISK: Final = Setting(
    "sizing.risk",
    percent("0.0001", "100"),
    "1%",
    "The size of a trade with a stop: the part of the balance it may lose.",
)
SIZING_PERCENT: Final = Setting(
    "sizing.percent", percent("0.0001", "100"), "10%", "The size of a trade without a stop, as part of the balance."
)
SIZING_MAX: Final = Setting(
    "sizing.max_notional", percent("0.0001", "12500"), "20%", "The most that these two may put into one trade."
)
LEVERAGE: Final = Setting("leverage", number("1", "125"), "1", "A trade ties up its notional divided by this.")
ON_SHORT_CASH: Final = Setting(
    "on_short_cash", choice(OnShortCash), "refuse", "Whether an order beyond the free cash is refused or made smaller."
)
NOTIFY_TARGETS: Final = Setting("notify.targets", notify_targets(), "[]", "Who is told what happened.", TARGETS_SAMPLE)
ZONE: Final = Setting("display.zone", zone(), "UTC", "The zone in which times are shown and in which `today` begins.")
PRESETS: Final = Setting("presets", presets(), "{}", "Named exits, sizes and guards for --preset.", PRESETS_SAMPLE)

SETTINGS: Final[tuple[Setting[object], ...]] = (
    ACCOUNT_NAME,
    ACCOUNT_CURRENCY,
    ACCOUNT_CASH,
    SAME_CURRENCY,
    FEED,
    BASE_URL,
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    ATTEMPTS,
    PROXY,
    WATCH_INTERVAL,
    WATCH_DEADLINE,
    WATCH_CANDLE,
    WATCH_SETTLE,
    WATCH_MAX_AGE,
    WATCH_MAX_JUMP,
    MAKER,
    TAKER,
    SLIPPAGE,
    *carry_schema.COSTS,
    *cost_schema.SETTINGS,
    CONVENTION,
    SAME_CANDLE,
    GAP_STOP,
    GAP_TARGET,
    GAP_LIMIT,
    TRAIL,
    LIMIT_FILL,
    ENTRY,
    DECIDES,
    SIZING_RISK,
    SIZING_PERCENT,
    SIZING_MAX,
    LEVERAGE,
    carry_schema.MAINTENANCE,
    ON_SHORT_CASH,
    *guard_schema.SETTINGS,
    NOTIFY_TARGETS,
    ZONE,
    PRESETS,
)
"""All settings in the order of the example file."""

BY_PATH: Final = {setting.path: setting for setting in SETTINGS}


def is_section(path: str) -> bool:
    """Whether settings lie below this path."""
    return any(setting.path.startswith(f"{path}.") for setting in SETTINGS)


def build(value: Reader) -> Settings:
    """Put the validated values of all settings into their tree."""
    zone_name, display_zone = value(ZONE)
    return Settings(
        account=AccountSettings(name=value(ACCOUNT_NAME), currency=value(ACCOUNT_CURRENCY), cash=value(ACCOUNT_CASH)),
        same_currency=value(SAME_CURRENCY),
        feed=value(FEED),
        feeds=FeedsSettings(
            binance=BinanceSettings(
                base_url=value(BASE_URL),
                connect_timeout_ms=value(CONNECT_TIMEOUT),
                read_timeout_ms=value(READ_TIMEOUT),
                attempts=value(ATTEMPTS),
                proxy=value(PROXY),
            )
        ),
        watch=WatchSettings(
            interval_ms=value(WATCH_INTERVAL),
            deadline_ms=value(WATCH_DEADLINE),
            candle=value(WATCH_CANDLE),
            settle=value(WATCH_SETTLE),
            max_age_ms=value(WATCH_MAX_AGE),
            max_jump_percent=value(WATCH_MAX_JUMP),
        ),
        costs=CostSettings(
            maker=value(MAKER),
            taker=value(TAKER),
            slippage_bps=ZERO if value(cost_schema.SLIPPAGE_BY) is SlippageBy.NONE else value(SLIPPAGE),
            funding=carry_schema.funding(value),
            funding_every_ms=value(carry_schema.FUNDING_EVERY),
            borrow=value(carry_schema.BORROW),
            slippage_by=value(cost_schema.SLIPPAGE_BY),
            on_thin_book=value(cost_schema.ON_THIN_BOOK),
            venues=cost_schema.own(value, cost_schema.VENUES),
            symbols=cost_schema.own(value, cost_schema.SYMBOLS),
        ),
        convention_name=value(CONVENTION),
        convention=_convention(value),
        sizing=SizingRules(
            risk_percent=value(SIZING_RISK),
            percent=value(SIZING_PERCENT),
            max_notional_percent=value(SIZING_MAX),
            may_shrink=value(ON_SHORT_CASH) is OnShortCash.SHRINK,
        ),
        caps=guard_schema.caps(value),
        guards=guard_schema.guards(value),
        leverage=value(LEVERAGE),
        maintenance_rate=value(carry_schema.MAINTENANCE),
        notify_targets=value(NOTIFY_TARGETS),
        display=DisplaySettings(zone_name=zone_name, zone=display_zone),
        presets=value(PRESETS),
    )


def _convention(value: Reader) -> Convention:
    """Return the named set, with the options that are set on top of it."""
    named = NAMED[value(CONVENTION)]
    return Convention(
        same_candle=value(SAME_CANDLE) or named.same_candle,
        gap_stop=value(GAP_STOP) or named.gap_stop,
        gap_target=value(GAP_TARGET) or named.gap_target,
        gap_limit=value(GAP_LIMIT) or named.gap_limit,
        trail=value(TRAIL) or named.trail,
        limit_fill=value(LIMIT_FILL) or named.limit_fill,
        entry=value(ENTRY) or named.entry,
        decides=value(DECIDES) or named.decides,
    )
