"""What each export holds: the columns in their order, by name, with the value of each for one row.

CSV, JSON and NDJSON are made from the same columns, and docs/exports.md describes them (a test holds both in
step). The rule to keep: columns are only ever added, at the end; a name never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from papertrade.engine.money import ZERO, plain
from papertrade.engine.trade import Status
from papertrade.engine.values import dataclass
from papertrade.feeds.signal_rows import COLUMNS as SIGNAL_COLUMNS
from papertrade.render.numbers import iso_z
from papertrade.render.trade_lines import distance_of
from papertrade.reports.equity import EquityPoint
from papertrade.reports.trade_view import TradeView
from papertrade.store.rows import AccountRow, FillRow, LedgerRow, NoteRow

if TYPE_CHECKING:
    from papertrade.store.streams import JournalLine

T = TypeVar("T")


class JsonText(str):
    """A text that is JSON itself: an object in JSON exports, the text in CSV."""

    __slots__ = ()


Cell: TypeAlias = "str | Decimal | int | bool | tuple[str, ...] | JsonText | None"


@dataclass(frozen=True, slots=True)
class ExportColumn(Generic[T]):
    """One column: its name and its value for a row."""

    name: str
    value: Callable[[T], Cell]


@dataclass(frozen=True, slots=True)
class Sheetful:
    """The rows of one export under their columns; rows may be a generator and are read once."""

    columns: tuple[str, ...]
    rows: Iterable[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Owned(Generic[T]):
    """A row with the account that it belongs to."""

    row: T
    account: AccountRow


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of `metrics`: its section there, its group in a breakdown, and why it has no value."""

    section: str
    group: str | None
    name: str
    value: Cell
    reason: str | None


def sheetful(columns: Sequence[ExportColumn[T]], rows: Iterable[T]) -> Sheetful:
    """Put rows under their columns."""
    return Sheetful(tuple(c.name for c in columns), _cells(columns, rows))


def signal_sheetful(rows: Iterable[tuple[str, ...]]) -> Sheetful:
    """Put the rows of `feeds.signal_rows` under the columns of a signal file; a blank cell is unknown."""
    return Sheetful(SIGNAL_COLUMNS, ([None if cell == "" else cell for cell in row] for row in rows))


def _cells(columns: Sequence[ExportColumn[T]], rows: Iterable[T]) -> Iterator[Sequence[Cell]]:
    for row in rows:
        yield [column.value(row) for column in columns]


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_z(at_ms)


def _targets(view: TradeView) -> tuple[str, ...]:
    return tuple(f"{plain(target.price)}:{plain(target.fraction)}" for target in view.levels.targets)


def _excursion(view: TradeView, name: str) -> Decimal | None:
    return None if view.excursion is None else view.excursion.named[name].value


def _external_id(view: TradeView) -> str:
    return view.trade.order.signal_key.partition(":")[2]


TRADES: Final[tuple[ExportColumn[Owned[TradeView]], ...]] = (
    ExportColumn("id", lambda o: o.row.trade.id),
    ExportColumn("account", lambda o: o.account.name),
    ExportColumn("epoch", lambda o: o.row.trade.order.epoch),
    ExportColumn("currency", lambda o: o.account.currency),
    ExportColumn("venue", lambda o: o.row.trade.order.venue),
    ExportColumn("signal_id", lambda o: o.row.trade.order.signal_id),
    ExportColumn("source", lambda o: o.row.trade.order.signal_key.partition(":")[0]),
    ExportColumn("external_id", lambda o: _external_id(o.row)),
    ExportColumn("symbol", lambda o: o.row.trade.order.symbol),
    ExportColumn("side", lambda o: o.row.trade.side),
    ExportColumn("status", lambda o: o.row.trade.status),
    ExportColumn("exit_reason", lambda o: o.row.trade.exit_reason),
    ExportColumn("entry_type", lambda o: o.row.trade.order.entry_type),
    ExportColumn("entry_level", lambda o: o.row.trade.order.entry_price),
    ExportColumn("quantity", lambda o: o.row.trade.quantity),
    ExportColumn("open_quantity", lambda o: o.row.trade.open_quantity),
    ExportColumn("entry_price", lambda o: o.row.trade.entry_price),
    ExportColumn("stop_loss", lambda o: o.row.levels.stop),
    ExportColumn("initial_stop", lambda o: o.row.trade.initial_stop),
    ExportColumn("take_profits", lambda o: _targets(o.row)),
    ExportColumn("exit_price", lambda o: o.row.trade.exit_price),
    ExportColumn("mark_price", lambda o: None if o.row.mark is None else o.row.mark.price),
    ExportColumn("mark_at", lambda o: None if o.row.mark is None else iso_z(o.row.mark.at_ms)),
    ExportColumn("placed_at", lambda o: iso_z(o.row.trade.order.placed_at)),
    ExportColumn("opened_at", lambda o: _at(o.row.trade.opened_at)),
    ExportColumn("closed_at", lambda o: _at(o.row.trade.closed_at)),
    ExportColumn("expires_at", lambda o: _at(o.row.trade.order.expires_at)),
    ExportColumn("leverage", lambda o: o.row.trade.order.terms.leverage),
    ExportColumn("reserve", lambda o: o.row.trade.reserve),
    ExportColumn("fees", lambda o: o.row.trade.fees),
    ExportColumn("slippage", lambda o: o.row.trade.slippage),
    ExportColumn("realized_pnl", lambda o: o.row.trade.realized),
    ExportColumn("unrealized_pnl", lambda o: o.row.unrealized if o.row.trade.status is Status.OPEN else ZERO),
    ExportColumn("pnl_percent", lambda o: o.row.net_percent),
    ExportColumn("r_multiple", lambda o: o.row.r_multiple),
    ExportColumn("ambiguous", lambda o: o.row.trade.is_ambiguous),
    ExportColumn("flags", lambda o: tuple(o.row.trade.flags)),
    ExportColumn("liquidation_price", lambda o: o.row.trade.liquidation_price),
    ExportColumn("observed_share", lambda o: None if o.row.observed is None else o.row.observed.share),
    ExportColumn("tags", lambda o: o.row.trade.tags),
    ExportColumn("confidence", lambda o: o.row.trade.order.confidence),
    ExportColumn("reason", lambda o: o.row.trade.order.reason),
    ExportColumn("stop_reason", lambda o: None if o.row.levels.stop is None else o.row.levels.reason),
    ExportColumn("trail", lambda o: None if o.row.levels.trail is None else distance_of(o.row.levels.trail)),
    ExportColumn("trail_activation", lambda o: None if o.row.levels.trail is None else o.row.levels.trail.activation),
    ExportColumn("trail_peak", lambda o: None if o.row.levels.trail is None else o.row.levels.trail.peak),
    ExportColumn(
        "break_even_trigger", lambda o: None if o.row.levels.break_even is None else o.row.levels.break_even.trigger
    ),
    ExportColumn(
        "break_even_stop", lambda o: None if o.row.levels.break_even is None else o.row.levels.break_even.stop
    ),
    ExportColumn(
        "stop_after_first_target",
        lambda o: None if o.row.levels.after_first is None else o.row.levels.after_first.price,
    ),
    ExportColumn("time_limit", lambda o: _at(o.row.levels.time_limit)),
    ExportColumn("unverified", lambda o: o.row.is_unverified),
    ExportColumn("mae", lambda o: _excursion(o.row, "mae")),
    ExportColumn("mae_percent", lambda o: _excursion(o.row, "mae_percent")),
    ExportColumn("mae_r", lambda o: _excursion(o.row, "mae_r")),
    ExportColumn("mfe", lambda o: _excursion(o.row, "mfe")),
    ExportColumn("mfe_percent", lambda o: _excursion(o.row, "mfe_percent")),
    ExportColumn("mfe_r", lambda o: _excursion(o.row, "mfe_r")),
    ExportColumn("exit_efficiency", lambda o: _excursion(o.row, "exit_efficiency")),
    ExportColumn("funding", lambda o: o.row.trade.funding),
    ExportColumn("borrow_cost", lambda o: o.row.trade.borrow_cost),
)

FILLS: Final[tuple[ExportColumn[Owned[FillRow]], ...]] = (
    ExportColumn("event_seq", lambda o: o.row.event_seq),
    ExportColumn("trade_id", lambda o: o.row.trade_id),
    ExportColumn("account", lambda o: o.account.name),
    ExportColumn("currency", lambda o: o.account.currency),
    ExportColumn("n", lambda o: o.row.n),
    ExportColumn("leg", lambda o: o.row.leg),
    ExportColumn("side", lambda o: "buy" if o.row.is_buy else "sell"),
    ExportColumn("venue", lambda o: o.row.venue),
    ExportColumn("symbol", lambda o: o.row.symbol),
    ExportColumn("trade_side", lambda o: o.row.trade_side),
    ExportColumn("quantity", lambda o: o.row.quantity),
    ExportColumn("price", lambda o: o.row.price),
    ExportColumn("raw_price", lambda o: o.row.raw_price),
    ExportColumn("level", lambda o: o.row.level),
    ExportColumn("notional", lambda o: o.row.notional),
    ExportColumn("fee_rate", lambda o: o.row.fee_rate),
    ExportColumn("fee", lambda o: o.row.fee),
    ExportColumn("slippage", lambda o: o.row.slippage),
    ExportColumn("gross", lambda o: o.row.gross),
    ExportColumn("realized", lambda o: o.row.realized),
    ExportColumn("liquidity", lambda o: o.row.liquidity),
    ExportColumn("exit_reason", lambda o: o.row.reason),
    ExportColumn("rule", lambda o: o.row.rule),
    ExportColumn("ambiguous", lambda o: o.row.is_ambiguous),
    ExportColumn("flags", lambda o: tuple(o.row.flags)),
    ExportColumn("at", lambda o: iso_z(o.row.at_ms)),
    ExportColumn("funding", lambda o: o.row.funding),
)

LEDGER: Final[tuple[ExportColumn[Owned[LedgerRow]], ...]] = (
    ExportColumn("event_seq", lambda o: o.row.event_seq),
    ExportColumn("account", lambda o: o.account.name),
    ExportColumn("trade_id", lambda o: o.row.trade_id),
    ExportColumn("kind", lambda o: o.row.kind),
    ExportColumn("book", lambda o: o.row.book),
    ExportColumn("amount", lambda o: o.row.amount),
    ExportColumn("currency", lambda o: o.account.currency),
    ExportColumn("effective_at", lambda o: iso_z(o.row.effective_ms)),
    ExportColumn("recorded_at", lambda o: iso_z(o.row.recorded_ms)),
)

EQUITY: Final[tuple[ExportColumn[Owned[EquityPoint]], ...]] = (
    ExportColumn("at", lambda o: iso_z(o.row.at_ms)),
    ExportColumn("account", lambda o: o.account.name),
    ExportColumn("currency", lambda o: o.account.currency),
    ExportColumn("cash", lambda o: o.row.cash),
    ExportColumn("reserved", lambda o: o.row.reserved),
    ExportColumn("unrealized", lambda o: o.row.unrealized),
    ExportColumn("equity", lambda o: o.row.equity),
    ExportColumn("capital", lambda o: o.row.capital),
    ExportColumn("realized", lambda o: o.row.realized),
    ExportColumn("unpriced", lambda o: o.row.unpriced),
)

EVENTS: Final[tuple[ExportColumn[JournalLine], ...]] = (
    ExportColumn("seq", lambda e: e.seq),
    ExportColumn("recorded_at", lambda e: iso_z(e.recorded_ms)),
    ExportColumn("wall_at", lambda e: iso_z(e.wall_ms)),
    ExportColumn("effective_at", lambda e: iso_z(e.effective_ms)),
    ExportColumn("run_id", lambda e: e.run_id),
    ExportColumn("kind", lambda e: e.kind),
    ExportColumn("account_id", lambda e: e.account_id),
    ExportColumn("trade_id", lambda e: e.trade_id),
    ExportColumn("signal_id", lambda e: e.signal_id),
    ExportColumn("body", lambda e: JsonText(e.body)),
    ExportColumn("prev", lambda e: e.previous),
    ExportColumn("hash", lambda e: e.digest),
)

METRICS: Final[tuple[ExportColumn[Figure], ...]] = (
    ExportColumn("section", lambda f: f.section),
    ExportColumn("group", lambda f: f.group),
    ExportColumn("metric", lambda f: f.name),
    ExportColumn("value", lambda f: f.value),
    ExportColumn("reason", lambda f: f.reason),
)

NOTES: Final[tuple[ExportColumn[Owned[NoteRow]], ...]] = (
    ExportColumn("id", lambda o: o.row.id),
    ExportColumn("account", lambda o: o.account.name),
    ExportColumn("at", lambda o: iso_z(o.row.at_ms)),
    ExportColumn("trade_id", lambda o: o.row.trade_id),
    ExportColumn("signal_id", lambda o: o.row.signal_id),
    ExportColumn("symbol", lambda o: o.row.symbol),
    ExportColumn("text", lambda o: o.row.text),
    ExportColumn("tags", lambda o: o.row.tags),
    ExportColumn("confidence", lambda o: o.row.confidence),
)
