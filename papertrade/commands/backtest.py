"""`papertrade backtest`: signals over candle files, by the engine of the watch. Opens no database unless it saves.

The rule to keep: what cannot be imported for nothing (the database, charts) is imported where it is needed.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from papertrade.commands.answer import Answer, say
from papertrade.commands.backtest_options import (
    BacktestWords,
    BorrowRateOption,
    CandlesOption,
    CashOption,
    ConventionOption,
    CurrencyOption,
    DetailOption,
    FeeRateOption,
    FromOption,
    FundingRateOption,
    InstrumentsOption,
    IntervalOption,
    LeverageOption,
    MakerOption,
    MaxOpenOption,
    NoGuardsOption,
    SetOption,
    SignalsFile,
    SlippageOption,
    StrategySymbol,
    TakerOption,
    ToOption,
    candle_cache_folder,
    planned,
    prepared,
)
from papertrade.commands.late_progress import LateProgress
from papertrade.commands.options import (
    Csv,
    IntervalsOption,
    Limit,
    Notional,
    Percent,
    PresetName,
    Risk,
    Size,
    VersusOption,
    invocation,
)
from papertrade.commands.strategy_options import CheckLookahead, StrategyOption
from papertrade.commands.symbols import symbol_of
from papertrade.commands.wishes import SizeWords
from papertrade.errors import UsageProblem
from papertrade.invocation import Invocation
from papertrade.reports.metrics import ReportWish

if TYPE_CHECKING:
    from papertrade.runs.backtest_outcome import BacktestOutcome

SaveOption: TypeAlias = Annotated[
    str | None, typer.Option("--save", metavar="NAME", help="Keep the run under a name: papertrade runs.")
]
OutOption: TypeAlias = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write trades, fills, equity, metrics and inputs there.")
]


def backtest(
    ctx: typer.Context,
    signals: SignalsFile = None,
    candles: CandlesOption = None,
    detail: DetailOption = None,
    strategy: StrategyOption = None,
    symbol: StrategySymbol = None,
    check_lookahead: CheckLookahead = False,
    interval: IntervalOption = None,
    begin: FromOption = None,
    end: ToOption = None,
    cash: CashOption = None,
    currency: CurrencyOption = None,
    fee_rate: FeeRateOption = None,
    maker: MakerOption = None,
    taker: TakerOption = None,
    slippage_bps: SlippageOption = None,
    convention: ConventionOption = None,
    options: SetOption = None,
    leverage: LeverageOption = None,
    funding_rate: FundingRateOption = None,
    borrow_rate: BorrowRateOption = None,
    max_open: MaxOpenOption = None,
    no_guards: NoGuardsOption = False,
    instruments: InstrumentsOption = None,
    size: Size = None,
    notional: Notional = None,
    percent: Percent = None,
    risk: Risk = None,
    preset: PresetName = None,
    save: SaveOption = None,
    out: OutOption = None,
    intervals: IntervalsOption = False,
    versus: VersusOption = None,
    limit: Limit = 10,
    csv: Csv = False,
) -> Answer:
    """Trade signals over recorded candles, by the very rules of the watch, on one account.

    Costs, sizes, guards and fill rules are those of the configuration unless an option says otherwise. A preset fills
    in the exits and the size that a signal leaves out, and adds its guards; a size option beats all other sizes. Trades
    that are open at the end stay open. No network, and no database without --save.

    papertrade backtest --signals ideas.csv --candles BTCUSDT=btcusdt_1m.csv.gz

    papertrade backtest --strategy ma_cross.py --candles 'BTCUSDT=btc.csv' --fee-rate 0.1% --slippage-bps 2 --save ma
    """
    call = invocation(ctx)
    words = BacktestWords(
        signals=signals, strategy=strategy, symbols=symbol, candles=candles, detail=detail, interval=interval,
        begin=begin, end=end, cash=cash, currency=currency, fee_rate=fee_rate, maker=maker, taker=taker,
        slippage_bps=slippage_bps, convention=convention, options=options, leverage=leverage, max_open=max_open,
        no_guards=no_guards, instruments=instruments, funding_rate=funding_rate, borrow_rate=borrow_rate,
        preset=preset, sizes=SizeWords(size=size, notional=notional, percent=percent, risk=risk),
    )  # fmt: skip
    if check_lookahead:
        _refuse_beside_check(save, out, has_strategy=strategy is not None)
        return _lookahead(call, words)
    wish = ReportWish(has_intervals=intervals, versus=None if versus is None else symbol_of(versus))
    return _ran(call, words, save, out, wish, limit=limit, has_sheet=csv)


def _refuse_beside_check(save: str | None, out: Path | None, *, has_strategy: bool) -> None:
    if not has_strategy:
        raise UsageProblem("--check-lookahead looks at a strategy", hint="name it with --strategy FILE.py")
    if save is not None or out is not None:
        option = "--out" if save is None else "--save"
        raise UsageProblem(f"--check-lookahead trades nothing that {option} could keep", hint=f"leave out {option}")


def _lookahead(call: Invocation, words: BacktestWords) -> Answer:
    """Run the strategy on less and report what differs; it trades nothing."""
    from papertrade.render.lookahead import lookahead_json, lookahead_problem, show_lookahead
    from papertrade.runs.backtest_inputs import load_candles, seen_by_strategy
    from papertrade.runs.lookahead import check_lookahead

    found = planned(call, words)
    plan = found.plan
    with LateProgress(call, "running the strategy on less") as tell:
        series = seen_by_strategy(plan, load_candles(plan, candle_cache_folder()))
        report = check_lookahead(plan.strategy or "", series, on_progress=tell)
    return Answer(
        data=lookahead_json(report),
        show=partial(show_lookahead, report, found.settings.display.zone),
        failure=lookahead_problem(report),
    )


def _outcome(call: Invocation, words: BacktestWords, wish: ReportWish) -> tuple[BacktestOutcome, tzinfo]:
    from papertrade.runs.backtest_outcome import run_backtest

    with LateProgress(call, "running the strategy") as tell:
        ready = prepared(call, words, tell)
    zone = ready.settings.display.zone
    with LateProgress(call, "backtest") as tell:
        return run_backtest(ready.inputs, zone=zone, progress=tell, wish=wish), zone


def _ran(
    call: Invocation,
    words: BacktestWords,
    save: str | None,
    out: Path | None,
    wish: ReportWish,
    *,
    limit: int,
    has_sheet: bool,
) -> Answer:
    from papertrade import __version__
    from papertrade.render.backtest_json import backtest_json

    with ExitStack() as kept:
        keep = None
        if save is not None:
            from papertrade.commands.run_shelf import shelf_for

            keep = kept.enter_context(shelf_for(call, save))
        if out is not None:
            from papertrade.commands.backtest_folder import check_folder

            check_folder(out)
        outcome, zone = _outcome(call, words, wish)
        if out is not None:
            from papertrade.commands.backtest_folder import write_folder

            write_folder(out, outcome)
        if keep is not None:
            keep(outcome)
    if out is not None:
        say(call, f"wrote {out}")

    from papertrade.render.backtest_text import show_backtest

    sheet = None
    if has_sheet:
        from papertrade.render.backtest_sheets import trades_sheet

        sheet = trades_sheet(outcome)
    data = backtest_json(outcome, __version__) if call.wants_json else None
    return Answer(data=data, show=partial(show_backtest, outcome, zone, limit), sheet=sheet)
