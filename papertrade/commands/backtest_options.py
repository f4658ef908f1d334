"""The options of every command that runs over files of signals and candles, and the way from words to inputs.

`backtest` and `sweep` declare these aliases and hand their words to `prepared`; `parity` and `whatif` may take the
parts. No database is opened and no network asked. The rule to keep: a flag beats the configuration, which is read
like everywhere else; every wrong word is refused before a candle is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

from papertrade.bootstrap import configure
from papertrade.commands.convention_words import convention_of
from papertrade.commands.moments import moment_ms
from papertrade.commands.restraint_words import is_restraint, restraints_of
from papertrade.commands.wishes import SizeWords, defaults_of, find_preset
from papertrade.config import carry_schema, schema
from papertrade.config.load import node_of
from papertrade.config.setting import Setting
from papertrade.config.settings import Settings, SlippageBy
from papertrade.config.values import BadValues
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import INTERVALS
from papertrade.engine.own_costs import OwnCosts, without_fees
from papertrade.engine.saved_run import RunPlan, RunPreset, SymbolFile
from papertrade.engine.trade import Funding
from papertrade.engine.values import dataclass, replace
from papertrade.errors import InputFileError, UsageProblem
from papertrade.invocation import Invocation
from papertrade.render.text import safe

if TYPE_CHECKING:
    from papertrade.runs.backtest_inputs import BacktestInputs, SignalSource

T = TypeVar("T")

SignalsFile: TypeAlias = Annotated[
    Path | None, typer.Option("--signals", metavar="FILE", help="Signals: CSV, JSON, NDJSON or YAML, each with a time.")
]
CandlesOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--candles", metavar="SYMBOL=FILE", help="Candles; may be repeated, or 'data/{symbol}.csv.gz'."),
]
DetailOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--detail", metavar="SYMBOL=FILE", help="Finer candles that say which of two levels came first."),
]
StrategySymbol: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--symbol", metavar="SYMBOL", help="With --strategy: only these symbols; may be repeated."),
]
IntervalOption: TypeAlias = Annotated[
    str | None, typer.Option("--interval", metavar="1m", help="The length of a candle; else the shortest step.")
]
FromOption: TypeAlias = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Leave out what lies before: 2026-11-20, 7d.")
]
ToOption: TypeAlias = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Leave out this and later.")]
CashOption: TypeAlias = Annotated[
    str | None, typer.Option("--cash", metavar="AMOUNT", help="What the account begins with.")
]
CurrencyOption: TypeAlias = Annotated[
    str | None, typer.Option("--currency", metavar="NAME", help="The account's currency.")
]
FeeRateOption: TypeAlias = Annotated[
    str | None, typer.Option("--fee-rate", metavar="RATE", help="Maker and taker fee: 0.1% or 0.001.")
]
MakerOption: TypeAlias = Annotated[
    str | None, typer.Option("--maker", metavar="RATE", help="The fee of limit entries and targets.")
]
TakerOption: TypeAlias = Annotated[
    str | None, typer.Option("--taker", metavar="RATE", help="The fee of market entries and stops.")
]
SlippageOption: TypeAlias = Annotated[
    str | None, typer.Option("--slippage-bps", metavar="N", help="What a taker loses a side, in basis points.")
]
ConventionOption: TypeAlias = Annotated[
    str | None, typer.Option("--convention", metavar="NAME", help="The named set of fill rules.")
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="OPTION=VALUE",
        help="One fill rule, guard or cap: same_candle=nearest, guards.max_open=3, caps.total=50%; may be repeated.",
    ),
]
LeverageOption: TypeAlias = Annotated[
    str | None, typer.Option("--leverage", metavar="N", help="A trade ties up its notional divided by this.")
]
FundingRateOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--funding-rate", metavar="RATE", help="What a long pays a short at each funding time: 0.01%."),
]
BorrowRateOption: TypeAlias = Annotated[
    str | None, typer.Option("--borrow-rate", metavar="RATE", help="Interest a year on what is borrowed: 5%.")
]
MaxOpenOption: TypeAlias = Annotated[
    int | None, typer.Option("--max-open", metavar="N", min=1, help="At most so many trades at once.")
]
NoGuardsOption: TypeAlias = Annotated[
    bool, typer.Option("--no-guards", help="Without the guards of configuration and preset; caps stay.")
]
InstrumentsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--instruments", metavar="FILE", help="Steps and minimums: a file of `instruments --save`."),
]

_FOLDER: Final = "candles"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestWords:
    """The options as typed; None is not given."""

    signals: Path | None = None
    strategy: str | None = None
    symbols: Sequence[str] | None = None
    candles: Sequence[str] | None = None
    detail: Sequence[str] | None = None
    interval: str | None = None
    begin: str | None = None
    end: str | None = None
    cash: str | None = None
    currency: str | None = None
    fee_rate: str | None = None
    maker: str | None = None
    taker: str | None = None
    slippage_bps: str | None = None
    convention: str | None = None
    options: Sequence[str] | None = None
    leverage: str | None = None
    funding_rate: str | None = None
    borrow_rate: str | None = None
    max_open: int | None = None
    no_guards: bool = False
    instruments: Path | None = None
    preset: str | None = None
    sizes: SizeWords = field(default_factory=SizeWords)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Settings and inputs, ready to run: `inputs.request()` is the backtest, `inputs.plan` says all that decides it."""

    settings: Settings
    inputs: BacktestInputs


@dataclass(frozen=True, slots=True)
class Planned:
    """Settings and plan before any candle is read; `source` holds the signals of a file, None with a strategy."""

    settings: Settings
    plan: RunPlan
    source: SignalSource | None


def prepared(call: Invocation, words: BacktestWords, progress: Callable[[int, int], None] | None = None) -> Prepared:
    """Read the words, then the files they name. Raises UsageProblem, ConfigError, InputFileError, StrategyError."""
    from papertrade.runs.backtest_inputs import load_inputs

    found = planned(call, words)
    inputs = load_inputs(found.plan, found.source, cache_folder=candle_cache_folder(), progress=progress)
    return Prepared(found.settings, inputs)


def planned(call: Invocation, words: BacktestWords) -> Planned:
    """Read the words and the signals. Raises UsageProblem, ConfigError, InputFileError."""
    _, configuration = configure(call)
    settings = configuration.settings
    _refuse_contradictions(words)
    rules = rule_plan(words, settings, call.clock.now_ms())
    source = None
    if words.signals is not None:
        from papertrade.runs.backtest_inputs import read_signals_of

        source = read_signals_of(words.signals, call.clock.now_ms(), defaults=rules.defaults)
    return Planned(settings, with_files(rules, words, source), source)


def rule_plan(words: BacktestWords, settings: Settings, now_ms: int) -> RunPlan:
    """Return the plan without its candle files: costs, convention, sizes, span. Raises UsageProblem."""
    zone = settings.display.zone
    from_ms = None if words.begin is None else moment_ms(words.begin, "--from", now_ms, zone)
    to_ms = None if words.end is None else moment_ms(words.end, "--to", now_ms, zone)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise UsageProblem(
            f"--from `{safe(words.begin or '')}` is not before --to `{safe(words.end or '')}`", hint="swap them"
        )
    if settings.costs.slippage_by is SlippageBy.BOOK and words.slippage_bps is None:
        raise UsageProblem(
            "costs.slippage is `book`, and recorded candles have no order book",
            hint="say what a fill slips: --slippage-bps 5",
        )
    preset = None if words.preset is None else find_preset(settings, words.preset)
    held = restraints_of(words.options or (), settings, no_guards=words.no_guards)
    guards = held.guards if preset is None or words.no_guards else held.guards.with_more(preset.guards)
    options = [word for word in words.options or () if not is_restraint(word)]
    name, convention = convention_of(words.convention, options, settings)
    return RunPlan(
        signals=None if words.signals is None else str(words.signals.absolute()),
        strategy=None if words.strategy is None else absolute_words(words.strategy),
        interval_ms=None if words.interval is None else _interval_ms(words.interval),
        from_ms=from_ms,
        to_ms=to_ms,
        cash=_value(schema.ACCOUNT_CASH, "--cash", words.cash, settings.account.cash),
        currency=_value(schema.ACCOUNT_CURRENCY, "--currency", words.currency, settings.account.currency),
        maker=_fee(schema.MAKER, "--maker", words.maker, words.fee_rate, settings.costs.maker),
        taker=_fee(schema.TAKER, "--taker", words.taker, words.fee_rate, settings.costs.taker),
        slippage_bps=_value(schema.SLIPPAGE, "--slippage-bps", words.slippage_bps, settings.costs.slippage_bps),
        leverage=_value(schema.LEVERAGE, "--leverage", words.leverage, settings.leverage),
        maintenance=settings.maintenance_rate,
        funding=_funding(words.funding_rate, settings),
        borrow=_value(carry_schema.BORROW, "--borrow-rate", words.borrow_rate, settings.costs.borrow),
        venue_costs=_own_costs(words, settings.costs.venues),
        symbol_costs=_own_costs(words, settings.costs.symbols),
        convention_name=name,
        convention=convention,
        sizing=settings.sizing,
        size=words.sizes.read(),
        same_currency=settings.same_currency,
        instruments=_instruments(words.instruments),
        max_open=words.max_open,
        guards=guards,
        caps=held.caps,
        zone=settings.display.zone_name if not guards.are_off else "UTC",
        preset=None if preset is None else RunPreset(preset.name, defaults_of(preset)),
    )


def with_files(plan: RunPlan, words: BacktestWords, source: SignalSource | None) -> RunPlan:
    """Add the candle files of the symbols that are needed: those of the signals, or all that are named.

    Where every file is named for a symbol, signals of other symbols are left to be refused one by one. Raises
    UsageProblem, and InputFileError where not one signal has candles.
    """
    from papertrade.commands.symbols import symbol_of
    from papertrade.feeds.candle_choice import check_finer

    wanted = None if source is None else source.symbols
    if words.strategy is not None and words.symbols:
        wanted = tuple(dict.fromkeys(symbol_of(text) for text in words.symbols))
    candles = _files(words.candles or (), wanted, "--candles", is_strict=words.strategy is not None)
    if source is not None and source.signals and not candles:
        symbols = ", ".join(source.symbols[:5]) + (", …" if len(source.symbols) > 5 else "")
        raise InputFileError(
            f"no signal has candles: the signals are of {symbols}, "
            f"--candles names {', '.join(safe(word.partition('=')[0]) for word in words.candles or ())}",
            hint=f"add --candles {source.symbols[0]}=FILE",
            code="no_candles",
        )
    known = [file.symbol for file in candles]
    detail = _files(words.detail or (), known, "--detail", is_strict=False)
    check_finer(words.detail or (), words.candles or (), known)
    return replace(plan, candles=candles, detail=detail)


def setting_value(setting: Setting[T], option: str, text: str) -> T:
    """Read an option that stands for a setting, by the setting's own bounds. Raises UsageProblem."""
    try:
        return setting.kind.read(node_of(setting, text))
    except BadValues as bad:
        raise UsageProblem(f"{option} {bad.problems[0][1]}") from None


def absolute_words(strategy: str) -> str:
    """Return `FILE.py[:NAME]` with an absolute path, which means the same from any folder."""
    return str(Path(strategy).absolute())


def candle_cache_folder() -> Path:
    """Return where candles that were parsed once are kept (XDG_CACHE_HOME on Linux); it may be missing."""
    import platformdirs

    return platformdirs.user_cache_path("papertrade", appauthor=False) / _FOLDER


def _refuse_contradictions(words: BacktestWords) -> None:
    if (words.signals is None) == (words.strategy is None):
        problem = "name signals" if words.signals is None else "--signals and --strategy exclude each other"
        raise UsageProblem(problem, hint="--signals FILE.csv, or --strategy FILE.py")
    if not words.candles:
        raise UsageProblem("name candles", hint="--candles BTCUSDT=btcusdt_1m.csv")
    if words.symbols and words.strategy is None:
        raise UsageProblem("--symbol goes with --strategy", hint="a signal file names its symbols itself")
    if words.fee_rate is not None and words.maker is not None and words.taker is not None:
        raise UsageProblem("--fee-rate says nothing beside --maker and --taker", hint="leave it out")


def _files(
    words: Sequence[str], wanted: Sequence[str] | None, option: str, *, is_strict: bool
) -> tuple[SymbolFile, ...]:
    """Return the files of the wanted symbols; strict where each of them must have one."""
    from papertrade.feeds.candle_choice import candle_files

    if not words:
        return ()
    if wanted is not None and not is_strict and all("=" in word.partition("{symbol}")[0] for word in words):
        named = candle_files(words, None, option=option)
        wanted = [symbol for symbol in wanted if symbol in named]
    found = candle_files(words, wanted, option=option)
    return tuple(SymbolFile(symbol, str(path.absolute())) for symbol, path in found.items())


def _value(setting: Setting[T], option: str, text: str | None, default: T) -> T:
    return default if text is None else setting_value(setting, option, text)


def _fee(setting: Setting[T], option: str, text: str | None, both: str | None, default: T) -> T:
    if text is None and both is not None:
        return setting_value(setting, "--fee-rate", both)
    return _value(setting, option, text, default)


def _own_costs(words: BacktestWords, own: Sequence[OwnCosts]) -> tuple[OwnCosts, ...]:
    """Return the costs of single venues or symbols; what a flag says, it says for all of them."""
    return without_fees(
        own,
        maker=words.maker is not None or words.fee_rate is not None,
        taker=words.taker is not None or words.fee_rate is not None,
        slippage=words.slippage_bps is not None,
        funding=words.funding_rate is not None,
        borrow=words.borrow_rate is not None,
    )


def _funding(text: str | None, settings: Settings) -> Funding | None:
    """Return a rate at the configured funding times; those of every eight hours where none are."""
    if text is None:
        return settings.costs.funding
    rate = setting_value(carry_schema.FUNDING_RATE, "--funding-rate", text)
    return None if rate is None else Funding(rate, settings.costs.funding_every_ms)


def _interval_ms(text: str) -> int:
    if text not in INTERVALS:
        raise UsageProblem(f"--interval `{safe(text)}` is not known", hint=f"one of {', '.join(INTERVALS)}")
    return INTERVALS[text]


def _instruments(path: Path | None) -> tuple[Instrument, ...]:
    if path is None:
        return ()
    from papertrade.feeds.instrument_files import read_instruments

    return read_instruments(path)
