"""`buy`, `sell`, `orders`: plain orders without a signal of the user's own.

A buy opens a LONG trade of the source `order`; a sell reduces only such trades, oldest first. The rule to keep:
a trade that came from a signal is named, never eaten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from typing import Annotated

import typer

from papertrade.bootstrap import open_books, open_world
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.long_short import trade_on_the_spot
from papertrade.commands.options import (
    Again,
    Csv,
    DryRun,
    LimitPrice,
    NoCatchUp,
    Notional,
    Quantity,
    SymbolArgument,
    SymbolFilter,
    invocation,
)
from papertrade.commands.results import action_answer, caught_up, changed_items, with_data
from papertrade.commands.symbols import symbol_of
from papertrade.commands.wishes import AboutWords, LevelWords, SizeWords, Words
from papertrade.engine.money import ZERO, exact, parse_decimal
from papertrade.engine.orders import ORDER_SOURCE, SellOrder, is_plain_order
from papertrade.engine.outlook import outlook
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass
from papertrade.errors import PapertradeError, UsageProblem
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import listing
from papertrade.render.numbers import exact_number, iso_z, money, short_minute
from papertrade.render.tables import Column, number, words
from papertrade.runs.closing import sell_holdings

SellLimit = Annotated[
    str | None, typer.Option("--limit", metavar="PRICE", help="Sell at this price or better: waits as a take profit.")
]
SellAll = Annotated[bool, typer.Option("--all", help="Sell all that plain orders hold.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One order that waits: an entry, or a target of a plain order. Times are UTC ms."""

    trade: Trade
    action: str
    kind: str
    quantity: Decimal
    price: Decimal
    since_ms: int
    expires_ms: int | None


def buy(
    ctx: typer.Context,
    symbol: SymbolArgument,
    quantity: Quantity = None,
    notional: Notional = None,
    limit: LimitPrice = None,
    again: Again = False,
    dry_run: DryRun = False,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Buy now, or wait for a price: a long trade without stop and targets, to be sold with `sell`.

    Without a quantity the default size is taken. Refused beyond the free cash.

    papertrade buy BTCUSDT --quantity 0.01

    papertrade buy BTCUSDT --notional 500 --limit 58000
    """
    order = Words(
        command="buy",
        symbol=symbol,
        side="buy",
        levels=LevelWords(limit=limit),
        sizes=SizeWords(size=quantity, notional=notional, size_option="--quantity"),
        about=AboutWords(source=ORDER_SOURCE),
    )
    return trade_on_the_spot(invocation(ctx), order, is_dry=dry_run, is_again=again, forced=no_catch_up)


def sell(
    ctx: typer.Context,
    symbol: SymbolArgument,
    quantity: Quantity = None,
    notional: Notional = None,
    everything: SellAll = False,
    limit: SellLimit = None,
    dry_run: DryRun = False,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Sell what `buy` has bought, oldest first; trades that came from signals are left alone.

    With --limit, a price that is not reached yet waits as a take profit on the oldest of these trades.

    papertrade sell BTCUSDT --quantity 0.005

    papertrade sell BTCUSDT --all --limit 65000
    """
    call = invocation(ctx)
    order = _sell_order(symbol, quantity, notional, limit, everything)
    with open_world(call) as desk:
        present = caught_up(desk, [order.symbol], forced=no_catch_up)
        try:
            sold = sell_holdings(desk.world, desk.books.account.name, order, present, is_dry=dry_run)
        except PapertradeError as error:
            raise with_data(error, {"trades": [], "refused": []}) from None
        items = changed_items(desk, sold.changes, sold.account, present)
        return action_answer(
            items, head="dry run, nothing was done:" if dry_run else "", more={"dry_run": True} if dry_run else None
        )


def orders(
    ctx: typer.Context,
    symbol: SymbolFilter = None,
    csv: Csv = False,  # noqa: ARG001 read by the shell
) -> Answer:
    """List the orders that wait for their price: entries, and sells of plain orders. Asks no venue.

    An entry is taken back with `papertrade cancel`, a waiting sell with `papertrade modify TRADE --tp none`.
    """
    call = invocation(ctx)
    with open_books(call) as books:
        wanted = None if symbol is None else symbol_of(symbol)
        with books.store.read() as reader:
            view = standpoint(books, reader)
            lag = lag_of(books, reader, view)
            live = reader.live_trades(account_id=books.account.id, symbol=wanted)
        say_lag(books, lag, view)
        waiting = [order for trade in live for order in _waiting(trade)]
    return Answer(
        data=listing([_order_data(order) for order in waiting], len(waiting)),
        show=partial(_show_orders, waiting, view.zone),
        sheet=Sheet(_COLUMNS, [tuple(_order_data(order)[name] for name in _COLUMNS) for order in waiting]),
    )


def _sell_order(
    symbol: str, quantity: str | None, notional: str | None, limit: str | None, everything: bool
) -> SellOrder:
    given = [name for name, word in (("--quantity", quantity), ("--notional", notional)) if word is not None]
    given += ["--all"] if everything else []
    if len(given) != 1:
        what = f"{given[0]} and {given[1]} exclude each other" if given else "how much to sell is not said"
        raise UsageProblem(what, hint=f"papertrade sell {symbol} --all, or --quantity, or --notional")
    return SellOrder(
        symbol=symbol_of(symbol),
        quantity=_amount("--quantity", quantity),
        notional=_amount("--notional", notional),
        limit=_amount("--limit", limit),
    )


def _amount(option: str, word: str | None) -> Decimal | None:
    if word is None:
        return None
    try:
        amount = parse_decimal(word)
    except ValueError as error:
        raise UsageProblem(f"{option}: {error}") from None
    if amount <= ZERO:
        raise UsageProblem(f"{option} `{word}` must be above 0")
    return amount


def _waiting(trade: Trade) -> list[Waiting]:
    order = trade.order
    if trade.status is Status.PENDING:
        entry = Waiting(
            trade=trade,
            action="buy" if trade.side.sign > 0 else "sell",
            kind=str(order.entry_type),
            quantity=trade.quantity,
            price=order.waiting_price,
            since_ms=order.placed_at,
            expires_ms=order.expires_at,
        )
        return [entry]
    if not is_plain_order(trade):
        return []
    return [
        Waiting(
            trade=trade,
            action="sell",
            kind="limit",
            quantity=fill.quantity,
            price=fill.cause.raw_price,
            since_ms=max(trade.ruling.from_ms, trade.whole_from),
            expires_ms=None,
        )
        for fill in outlook(trade).targets
    ]


_COLUMNS = (
    "trade_id",
    "source",
    "symbol",
    "side",
    "action",
    "type",
    "quantity",
    "price",
    "notional",
    "tied_up",
    "since",
    "expires_at",
)


def _order_data(order: Waiting) -> Mapping[str, str | int | Decimal | None]:
    with exact():
        notional = order.quantity * order.price
    return {
        "trade_id": order.trade.id,
        "source": order.trade.order.signal_key.partition(":")[0],
        "symbol": order.trade.order.symbol,
        "side": str(order.trade.side),
        "action": order.action,
        "type": order.kind,
        "quantity": order.quantity,
        "price": order.price,
        "notional": notional,
        "tied_up": order.trade.reserve if order.trade.status is Status.PENDING else ZERO,
        "since": iso_z(order.since_ms),
        "expires_at": None if order.expires_ms is None else iso_z(order.expires_ms),
    }


def _show_orders(waiting: Sequence[Waiting], zone: tzinfo, screen: Screen) -> None:
    if not waiting:
        screen.line("no orders wait")
        return
    columns = [
        number("Trade"),
        Column("Symbol"),
        Column("Order"),
        number("Quantity"),
        number("Price"),
        number("Tied up", 2),
        words("Source", 1),
        Column("Expires"),
    ]
    rows = [
        (
            f"#{order.trade.id}",
            order.trade.order.symbol,
            f"{order.action} {order.kind}",
            exact_number(order.quantity),
            exact_number(order.price),
            money(order.trade.reserve) if order.trade.status is Status.PENDING else "-",
            order.trade.order.signal_key.partition(":")[0],
            short_minute(order.expires_ms, zone),
        )
        for order in waiting
    ]
    screen.table(columns, rows)
