"""The account of a backtest or a sweep, from a program's words to the request that the engine takes.

The words and their bounds are those of the configuration and of the options of the commands. The rule to keep:
every argument is checked before anything runs, and a wrong one is a ValueError (or TypeError) with its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias, TypedDict, TypeVar, get_type_hints

from papertrade.api.arguments import Moment, bound_of, fraction_of, number_within, percent_of
from papertrade.engine import codec, conventions
from papertrade.engine.conventions import Convention
from papertrade.engine.instants import parse_duration
from papertrade.engine.instrument import Instrument, normalise_symbol
from papertrade.engine.market import HOUR_MS
from papertrade.engine.signal import Signal, Size, parse_size
from papertrade.engine.sizing import SizingRules
from papertrade.engine.step import Rules
from papertrade.engine.trade import Funding
from papertrade.engine.values import dataclass, replace
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.backtest import BacktestRequest, Progress
from papertrade.runs.strategy_signals import Number, number_text

Series: TypeAlias = CandleSeries | Iterable[CandleSeries] | Mapping[str, CandleSeries]
"""One series, several, or a mapping by symbol."""

Detail: TypeAlias = Series | None
Instruments: TypeAlias = Iterable[Instrument]

T = TypeVar("T")

_LOAD_CANDLES: Final = 'load_candles("btc.csv", "BTCUSDT")'
_SHORT_CASH: Final = ("refuse", "shrink")
_SIZES: Final = ("size", "notional", "percent", "risk")


class AccountOptions(TypedDict, total=False):
    """The arguments that describe the account, as `backtest` names them."""

    cash: Number
    currency: str
    fee_rate: Number | None
    maker: Number | None
    taker: Number | None
    slippage_bps: Number
    leverage: Number
    maintenance_rate: Number
    funding_rate: Number | None
    funding_every: str
    borrow_rate: Number | None
    convention: str | Convention
    options: Mapping[str, str] | None
    size: Number | None
    notional: Number | None
    percent: Number | None
    risk: Number | None
    default_risk: Number
    default_percent: Number
    max_notional: Number
    on_short_cash: str
    max_open: int | None
    detail: Detail
    instruments: Instruments
    start: Moment | date | None
    end: Moment | date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWords:
    """What a program says about the account, unread."""

    cash: Number = "10000"
    currency: str = "USDT"
    fee_rate: Number | None = None
    maker: Number | None = None
    taker: Number | None = None
    slippage_bps: Number = 0
    leverage: Number = 1
    maintenance_rate: Number = 0
    funding_rate: Number | None = None
    funding_every: str = "8h"
    borrow_rate: Number | None = None
    convention: str | Convention = "conservative"
    options: Mapping[str, str] | None = None
    size: Number | None = None
    notional: Number | None = None
    percent: Number | None = None
    risk: Number | None = None
    default_risk: Number = "1%"
    default_percent: Number = "10%"
    max_notional: Number = "20%"
    on_short_cash: str = "refuse"
    max_open: int | None = None
    detail: Detail = None
    instruments: Instruments = ()
    start: Moment | date | None = None
    end: Moment | date | None = None

    def request(self, signals: Iterable[Signal], candles: Series, progress: Progress | None = None) -> BacktestRequest:
        """Return what to run. Raises ValueError."""
        series = by_symbol(candles, "candles")
        if not series:
            raise ValueError("candles: none were given")
        from_ms, to_ms = bound_of(self.start, "start"), bound_of(self.end, "end")
        if from_ms is not None and to_ms is not None and from_ms >= to_ms:
            raise ValueError(f"start: `{self.start}` is not before end `{self.end}`")
        if self.max_open is not None and self.max_open < 1:
            raise ValueError(f"max_open: `{self.max_open}` must be 1 or more, None for any number")
        return BacktestRequest(
            signals=self._sized(signals),
            candles=series,
            rules=self._rules(),
            cash=number_within(self.cash, "cash", "0.00000001", "1000000000"),
            currency=self.currency,
            detail=self._finer(series),
            instruments={instrument.symbol: instrument for instrument in self.instruments},
            from_ms=from_ms,
            to_ms=to_ms,
            max_open=self.max_open,
            progress=progress,
        )

    def _rules(self) -> Rules:
        if self.fee_rate is not None and self.maker is not None and self.taker is not None:
            raise ValueError("fee_rate: says nothing beside maker and taker")
        both = fraction_of("0.001" if self.fee_rate is None else self.fee_rate, "fee_rate", "0.1")
        if self.on_short_cash not in _SHORT_CASH:
            raise ValueError(f"on_short_cash: `{self.on_short_cash}` is not known: {_one_of(_SHORT_CASH)}")
        return Rules(
            maker=both if self.maker is None else fraction_of(self.maker, "maker", "0.1"),
            taker=both if self.taker is None else fraction_of(self.taker, "taker", "0.1"),
            slippage_bps=number_within(self.slippage_bps, "slippage_bps", "0", "1000"),
            leverage=number_within(self.leverage, "leverage", "1", "125"),
            maintenance=fraction_of(self.maintenance_rate, "maintenance_rate", "0.5"),
            funding=self._funding(),
            borrow=None if self.borrow_rate is None else fraction_of(self.borrow_rate, "borrow_rate", "10"),
            convention=convention_of(self.convention, self.options or {}),
            sizing=SizingRules(
                risk_percent=percent_of(self.default_risk, "default_risk", "100"),
                percent=percent_of(self.default_percent, "default_percent", "100"),
                max_notional_percent=percent_of(self.max_notional, "max_notional", "12500"),
                may_shrink=self.on_short_cash == "shrink",
            ),
        )

    def _funding(self) -> Funding | None:
        """Return the funding, None where it is not modelled."""
        if self.funding_rate is None:
            return None
        try:
            every_ms = parse_duration(self.funding_every)
        except ValueError as error:
            raise ValueError(f"funding_every: {error}") from None
        if not HOUR_MS <= every_ms <= 24 * HOUR_MS:
            raise ValueError(f"funding_every: `{self.funding_every}` must lie between 1h and 24h")
        return Funding(fraction_of(self.funding_rate, "funding_rate", "0.1", "-0.1"), every_ms)

    def _sized(self, signals: Iterable[Signal]) -> tuple[Signal, ...]:
        """Return the signals, with the account's size where one was given."""
        found = _each_a(Signal, signals, "signals", 'load_signals("ideas.csv")')
        size = self._size()
        return found if size is None else tuple(replace(signal, size=size) for signal in found)

    def _size(self) -> Size | None:
        words = zip(_SIZES, (self.size, self.notional, self.percent, self.risk), strict=True)
        given = [(name, word) for name, word in words if word is not None]
        if len(given) > 1:
            raise ValueError(f"{given[0][0]} and {given[1][0]} exclude each other")
        for name, word in given:
            try:
                return parse_size(name, number_text(word))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return None

    def _finer(self, candles: Mapping[str, CandleSeries]) -> Mapping[str, CandleSeries]:
        finer = {} if self.detail is None else by_symbol(self.detail, "detail")
        for symbol, series in finer.items():
            coarse = candles.get(symbol)
            if coarse is not None and series.interval_ms >= coarse.interval_ms:
                raise ValueError(f"detail: candles of {symbol} must be finer than {coarse.interval_ms // 1000} s")
        return finer


def by_symbol(candles: Series, name: str) -> Mapping[str, CandleSeries]:
    """Return each symbol's series. Raises ValueError for two of one symbol, TypeError for what is no series."""
    if isinstance(candles, CandleSeries):
        return {candles.symbol: candles}
    if isinstance(candles, Mapping):
        _each_a(CandleSeries, candles.values(), name, _LOAD_CANDLES)
        return {normalise_symbol(symbol): series for symbol, series in candles.items()}
    found: dict[str, CandleSeries] = {}
    for series in _each_a(CandleSeries, candles, name, _LOAD_CANDLES):
        if found.setdefault(series.symbol, series) is not series:
            raise ValueError(f"{name}: there are two series of {series.symbol}")
    return found


def _each_a(kind: type[T], given: object, name: str, example: str) -> tuple[T, ...]:
    """Return what was given, item by item. Raises TypeError for a path, None, and items of another kind."""
    if isinstance(given, str | bytes | Path) or not isinstance(given, Iterable):
        raise TypeError(f"{name}: {given!r} is not {kind.__name__} objects: {example}")
    items = tuple(given)
    for item in items:
        if not isinstance(item, kind):
            raise TypeError(f"{name}: {item!r} is not a {kind.__name__}: {example}")
    return items


def convention_of(convention: str | Convention, options: Mapping[str, str]) -> Convention:
    """Return a named convention with single options changed. Raises ValueError with what is known."""
    if isinstance(convention, Convention):
        base = convention
    elif convention in conventions.NAMED:
        base = conventions.NAMED[convention]
    else:
        raise ValueError(f"convention: `{convention}` is not known: {_one_of(conventions.NAMED)}")
    known = {option.name: str(getattr(base, option.name)) for option in fields(Convention)}
    kinds: Mapping[str, object] = get_type_hints(Convention)
    for name, value in options.items():
        kind = kinds.get(name)
        if not (isinstance(kind, type) and issubclass(kind, StrEnum)):
            raise ValueError(f"options: there is no `{name}`: {_one_of(known)}")
        if value not in list(kind):
            raise ValueError(f"options: {name} `{value}` is not known: {_one_of(kind)}")
    return codec.decode(Convention, json.dumps({**known, **{name: str(value) for name, value in options.items()}}))


def _one_of(words: Iterable[str]) -> str:
    return f"one of {', '.join(words)}"
