"""`papertrade sweep`: many targets, stops and holding times over the same signals, ranked, the best run exactly.

No database and no network. The rule to keep: the words are read here, what they mean is `runs.sweep`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

from papertrade.commands import backtest_options as given
from papertrade.commands.answer import Answer, say
from papertrade.commands.options import Csv, Notional, Percent, PresetName, Risk, Size, invocation
from papertrade.commands.out_file import unwritable, written
from papertrade.commands.strategy_options import StrategyOption
from papertrade.commands.wishes import SizeWords
from papertrade.engine.money import CONTEXT, HUNDRED, parse_decimal
from papertrade.engine.values import dataclass
from papertrade.errors import UsageProblem
from papertrade.invocation import Invocation
from papertrade.render.csv import csv_lines
from papertrade.render.json import json_text
from papertrade.render.text import safe

if TYPE_CHECKING:
    from papertrade.runs.sweeps.grid import Grid
    from papertrade.runs.sweeps.rank import RankBy

T = TypeVar("T")

TargetAxis: TypeAlias = Annotated[
    str | None,
    typer.Option("--tp", metavar="RANGE", help="Targets in percent: 0.5:5:0.5 (start:end:step), 1,2,3 or none."),
]
StopAxis: TypeAlias = Annotated[
    str | None, typer.Option("--sl", metavar="RANGE", help="Stops in percent, written like --tp.")
]
HoldAxis: TypeAlias = Annotated[
    str | None, typer.Option("--hold", metavar="RANGE", help="Longest holding times: 1h:24h:1h, 30m,4h or none.")
]
RankOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--rank",
        metavar="FIGURE",
        help="net_profit, sharpe, profit_factor, win_rate, expectancy or max_drawdown.",
    ),
]
TopOption: TypeAlias = Annotated[
    int, typer.Option("--top", metavar="N", min=1, max=1000, help="Run so many of the best again, exactly.")
]
TrainOption: TypeAlias = Annotated[
    str | None, typer.Option("--train", metavar="PERCENT", help="Rank on the first 70%, show the best on the rest.")
]
WalkOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--walk", metavar="N", min=1, max=100, help="Trade the best of each stretch in the next, N times."),
]
WorkersOption: TypeAlias = Annotated[
    int, typer.Option("--workers", metavar="N", min=1, max=256, help="Rank on so many processes.")
]
DaskOption: TypeAlias = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Rank on a Dask cluster: tcp://10.0.0.5:8786.")
]
OutFolder: TypeAlias = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Also write sweep.csv (all combinations) and sweep.json.")
]

_FILES: Final = ("sweep.csv", "sweep.json")


def sweep(
    ctx: typer.Context,
    signals: given.SignalsFile = None,
    candles: given.CandlesOption = None,
    tp: TargetAxis = None,
    sl: StopAxis = None,
    hold: HoldAxis = None,
    rank: RankOption = "net_profit",
    top: TopOption = 10,
    train: TrainOption = None,
    walk: WalkOption = None,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    strategy: StrategyOption = None,
    symbol: given.StrategySymbol = None,
    interval: given.IntervalOption = None,
    begin: given.FromOption = None,
    end: given.ToOption = None,
    cash: given.CashOption = None,
    currency: given.CurrencyOption = None,
    fee_rate: given.FeeRateOption = None,
    maker: given.MakerOption = None,
    taker: given.TakerOption = None,
    slippage_bps: given.SlippageOption = None,
    convention: given.ConventionOption = None,
    set_: given.SetOption = None,
    leverage: given.LeverageOption = None,
    funding_rate: given.FundingRateOption = None,
    borrow_rate: given.BorrowRateOption = None,
    max_open: given.MaxOpenOption = None,
    no_guards: given.NoGuardsOption = False,
    instruments: given.InstrumentsOption = None,
    size: Size = None,
    notional: Notional = None,
    percent: Percent = None,
    risk: Risk = None,
    preset: PresetName = None,
    out: OutFolder = None,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Try every combination of targets, stops and holding times over the same signals.

    All are ranked with every signal taken at a fixed size; the best are run again by the exact engine, so and in
    your account. Judge them on time they never saw: --train 70%, or --walk 6.

    papertrade sweep --signals ideas.csv --candles BTCUSDT=btc.csv --tp 0.5:5:0.5 --sl 0.5:3:0.25 --train 70%
    """
    call = invocation(ctx)
    asked = _Asked(_grid(tp, sl, hold), _rank(rank), top, None if train is None else _share(train), walk)
    _refuse_contradictions(walk, train, workers, dask)
    words = given.BacktestWords(
        signals=signals, strategy=strategy, symbols=symbol, candles=candles, interval=interval, begin=begin, end=end,
        cash=cash, currency=currency, fee_rate=fee_rate, maker=maker, taker=taker, slippage_bps=slippage_bps,
        convention=convention, options=set_, leverage=leverage, max_open=max_open, no_guards=no_guards,
        funding_rate=funding_rate, borrow_rate=borrow_rate, instruments=instruments,
        preset=preset, sizes=SizeWords(size=size, notional=notional, percent=percent, risk=risk),
    )  # fmt: skip
    return _swept(call, words, asked, _Crew(workers, dask), out)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What to sweep and how to judge it."""

    grid: Grid
    rank: RankBy
    top: int
    train: Decimal | None
    walk: int | None


@dataclass(frozen=True, slots=True)
class _Crew:
    """Who ranks: so many processes here, or a cluster."""

    workers: int
    dask: str | None


def _swept(call: Invocation, words: given.BacktestWords, asked: _Asked, crew: _Crew, out: Path | None) -> Answer:
    """Sweep, and write the files that were asked for."""
    from papertrade import __version__
    from papertrade.commands.backtest_folder import check_folder
    from papertrade.render.backtest_json import inputs_json
    from papertrade.render.sweep_json import sweep_json, sweep_sheet
    from papertrade.render.sweep_text import show_sweep
    from papertrade.runs.backtest_outcome import refuse_without_candles
    from papertrade.runs.sweeps.sweep import SweepRequest
    from papertrade.runs.sweeps.sweep import sweep as run_sweep
    from papertrade.runs.sweeps.workers import spreading

    if out is not None:
        check_folder(out, _FILES)
    ready = given.prepared(call, words)
    zone = ready.settings.display.zone
    with spreading(crew.workers, crew.dask) as spread, _Teller(call) as tell:
        result = run_sweep(
            SweepRequest(
                base=ready.inputs.request(),
                grid=asked.grid,
                rank=asked.rank,
                top=asked.top,
                train=asked.train,
                walk=asked.walk,
                zone=zone,
                spread=spread,
                tell=tell,
            )
        )
    refuse_without_candles(result.entries.result)
    data = sweep_json(result, inputs_json(ready.inputs.plan, ready.inputs.inputs, __version__))
    if out is not None:
        _write(out, (csv_lines(sweep_sheet(result)), [f"{json_text(data)}\n"]))
        say(call, f"wrote {out}")
    return Answer(data=data, show=partial(show_sweep, result, zone), sheet=sweep_sheet(result))


class _Teller:
    """What is being done, on one line of stderr that is rewritten; only on a terminal, and not with `-q`."""

    def __init__(self, call: Invocation) -> None:
        self._stream = call.stderr
        self._is_shown = not call.is_quiet and call.stderr.isatty()

    def __enter__(self) -> _Teller:
        return self

    def __exit__(self, *_: object) -> None:
        self("")

    def __call__(self, what: str) -> None:
        if self._is_shown:
            self._stream.write(f"\r{safe(what)}\x1b[K")
            self._stream.flush()


def _grid(tp: str | None, sl: str | None, hold: str | None) -> Grid:
    from papertrade.runs.sweeps.grid import Grid, parse_holds, parse_percents

    try:
        return Grid(
            _axis("--tp", tp, parse_percents), _axis("--sl", sl, parse_percents), _axis("--hold", hold, parse_holds)
        )
    except ValueError as error:
        raise UsageProblem(safe(str(error)), hint="for example --tp 0.5:5:0.5 --sl 0.5:3:0.25") from None


def _axis(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise UsageProblem(safe(f"{option}: {error}")) from None


def _rank(word: str) -> RankBy:
    from papertrade.runs.sweeps.rank import RankBy

    known = [str(one) for one in RankBy]
    name = word.strip().lower().replace("-", "_")
    if name not in known:
        raise UsageProblem(f"--rank `{safe(word)}` is not known", hint=f"one of {', '.join(known)}")
    return RankBy(name)


def _share(text: str) -> Decimal:
    """Read `70%` or `0.7`."""
    try:
        value = parse_decimal(text.strip().removesuffix("%"))
    except ValueError as error:
        raise UsageProblem(f"--train: {safe(str(error))}", hint="write it like 70%") from None
    share = CONTEXT.divide(value, HUNDRED) if text.strip().endswith("%") else value
    if not 0 < share < 1:
        raise UsageProblem(f"--train `{safe(text)}` must lie between 0% and 100%", hint="write it like 70%")
    return share


def _refuse_contradictions(walk: int | None, train: str | None, workers: int, dask: str | None) -> None:
    if walk is not None and train is not None:
        raise UsageProblem("--train and --walk exclude each other", hint="keep one of them")
    if dask is not None and workers != 1:
        raise UsageProblem("--workers says nothing beside --dask: the cluster has its own", hint="leave it out")


def _write(folder: Path, texts: tuple[Iterable[str], Iterable[str]]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    for name, text in zip(_FILES, texts, strict=True):
        with written(folder / name, is_forced=True) as stream:
            stream.writelines(text)
