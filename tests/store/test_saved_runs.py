"""Saved runs in the store: kept whole, found by number or name, and no part of the books."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine import codec
from papertrade.engine.instrument import unknown_instrument
from papertrade.engine.market import Side
from papertrade.engine.saved_run import RunFigure, RunInput, RunPlan, RunTrade, SavedRun, SymbolFile
from papertrade.engine.signal import Size, SizeKind
from papertrade.engine.trade import ExitReason, Status
from papertrade.errors import DatabaseUnusable
from papertrade.store.run_rows import RunLine, StoredRun
from papertrade.store.store import Store

RUN = SavedRun(
    name="first",
    kind="backtest",
    made_at_ms=1_700_000_000_000,
    version="0.1.0",
    plan=RunPlan(
        signals="/a/ideas.csv",
        candles=(SymbolFile("BTCUSDT", "/a/btc.csv"),),
        from_ms=1,
        to_ms=2,
        size=Size(SizeKind.NOTIONAL, Decimal("12.5")),
        same_currency=(("USD", "USDT"),),
        instruments=(unknown_instrument("binance", "BTCUSDT", "USDT"),),
        max_open=3,
    ),
    inputs=(RunInput(role="signals", name="/a/ideas.csv", sha256="0" * 64, rows=2),),
    trades=(
        RunTrade(
            id=1,
            signal_key="ideas:a",
            symbol="BTCUSDT",
            side=Side.LONG,
            status=Status.CLOSED,
            quantity=Decimal("0.5"),
            opened_at=1,
            entry_price=Decimal(100),
            closed_at=2,
            exit_price=Decimal("110.1"),
            exit_reason=ExitReason.TAKE_PROFIT,
            fees=Decimal("0.105"),
            realized=Decimal("4.895"),
        ),
    ),
    refused=1,
    begins_ms=0,
    ends_ms=60_000,
    figures=(RunFigure("net_profit", "4.895"), RunFigure("sharpe", None)),
    metrics="{}",
)


def test_a_run_comes_back_as_it_was(store: Store) -> None:
    number = store.write(lambda writer: writer.save_run(RUN))
    with store.read() as reader:
        assert reader.saved_run(number) == StoredRun(1, RUN)
        assert reader.saved_run_named("first") == StoredRun(1, RUN)
        assert reader.saved_run(2) is None
        assert reader.saved_run_named("First") is None
        assert reader.saved_runs() == (
            RunLine(
                id=1,
                name="first",
                kind="backtest",
                made_ms=1_700_000_000_000,
                version="0.1.0",
                trades=1,
                figures=RUN.figures,
            ),
        )


def test_a_name_is_taken_once_and_free_again_when_forgotten(store: Store) -> None:
    store.write(lambda writer: writer.save_run(RUN))
    with pytest.raises(ValueError, match="run `first` exists"):
        store.write(lambda writer: writer.save_run(RUN))
    assert store.write(lambda writer: writer.save_run(replace(RUN, name="second"))) == 2
    store.write(lambda writer: writer.delete_run(1))
    assert store.write(lambda writer: writer.save_run(RUN)) == 3


def test_the_books_do_not_know_of_runs(store: Store) -> None:
    store.write(lambda writer: writer.save_run(RUN))
    assert store.check().is_sound
    store.rebuild()
    with store.read() as reader:
        assert len(reader.saved_runs()) == 1


def test_a_damaged_run_is_an_unusable_database_and_no_traceback(store: Store) -> None:
    store.write(lambda writer: writer.save_run(RUN))
    store.write(lambda writer: writer._connection.exec_driver_sql("UPDATE run_saved SET content = '{}'"))
    with store.read() as reader, pytest.raises(DatabaseUnusable, match="run_saved"):
        reader.saved_run(1)


def test_a_plan_has_signals_or_a_strategy() -> None:
    with pytest.raises(ValueError, match="either signals or a strategy"):
        RunPlan()
    with pytest.raises(ValueError, match="either signals or a strategy"):
        RunPlan(signals="a", strategy="b")


def test_a_plan_gives_the_rules_it_says() -> None:
    plan = replace(RUN.plan, maker=Decimal("0.002"), leverage=Decimal(3))
    assert codec.decode(RunPlan, codec.encode(plan)) == plan
    rules = plan.rules
    assert (rules.maker, rules.taker, rules.leverage) == (Decimal("0.002"), Decimal("0.001"), Decimal(3))
    assert rules.same_currency == (frozenset({"USD", "USDT"}),)
