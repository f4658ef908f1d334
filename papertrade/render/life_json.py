"""A trade's life and the explanation of its fills, as the scripting contract writes them.

Complete enough to compute every number again. The rule to keep: fields are only ever added.
"""

from __future__ import annotations

from collections.abc import Mapping

from papertrade.engine.codec import KIND_OF
from papertrade.engine.messages import Cause, TradeEvent, TradeVoided
from papertrade.engine.trade import Levels
from papertrade.render.cost_facts import costs_json
from papertrade.render.explained_charges import charge_json
from papertrade.render.explained_part import part_json
from papertrade.render.explained_sight import Vantage, sight_json
from papertrade.render.explained_size import size_json
from papertrade.render.explained_stops import stop_json
from papertrade.render.explained_walk import walk_json
from papertrade.render.guard_lines import act_json
from papertrade.render.json import Encodable
from papertrade.render.numbers import iso_z
from papertrade.render.terms_json import terms_json
from papertrade.render.text import Cell
from papertrade.render.trade_json import exits_json, trade_json
from papertrade.render.trade_lines import change_line, changed_text
from papertrade.reports.explain import (
    ChangeExplained,
    ChargeExplained,
    EndExplained,
    EntryExplained,
    ExitExplained,
    Explanation,
    Waiting,
)
from papertrade.reports.explain_price import Charged, Priced
from papertrade.reports.explain_stops import StopExplained
from papertrade.reports.trade_costs import trade_costs
from papertrade.reports.trade_view import TradeView
from papertrade.runs.lives import Life, Moment
from papertrade.store.rows import NoteRow


def life_json(life: Life) -> Mapping[str, Encodable]:
    """Return a trade's own fields with its events, notes and gaps beside them."""
    return {
        **trade_json(life.view),
        "costs": costs_json(life.costs),
        "events": [_moment(moment) for moment in life.moments],
        "notes": [note_json(note) for note in life.notes],
        "gaps": [
            {"from": iso_z(gap.from_ms), "to": iso_z(gap.to_ms), "kind": gap.kind, "bridged": gap.is_bridged}
            for gap in life.gaps
        ],
    }


def note_json(note: NoteRow) -> Mapping[str, Encodable]:
    """Return the fields of a note."""
    return {
        "id": note.id,
        "at": iso_z(note.at_ms),
        "text": note.text,
        "trade_id": note.trade_id,
        "signal_id": note.signal_id,
        "symbol": note.symbol,
        "tags": list(note.tags),
        "confidence": note.confidence,
    }


def _voided(event: TradeVoided) -> Mapping[str, Encodable]:
    return {
        "at": iso_z(event.at_ms),
        "reason": event.reason,
        "reserve": event.reserve,
        "fees": event.fees,
        "gross": event.gross,
        "funding": event.funding,
        "cash_back": event.cash_back,
    }


def explanation_json(told: Explanation, view: TradeView, offset_ms: int) -> Mapping[str, Encodable]:
    """Return a trade with each of its fills taken apart; the venue's clock is `offset_ms` ahead of the local one."""
    trade = told.trade
    vantage = Vantage(trade.order.venue, offset_ms)

    def seen(cause: Cause, recorded_ms: int) -> Mapping[str, Encodable]:
        return {"seen": sight_json(cause, recorded_ms, vantage)}

    return {
        "trade": trade_json(view),
        "terms": terms_json(trade.order.terms),
        "sizing": size_json(trade.order),
        "placed": None if told.placed is None else _placed(told.placed),
        "entry": None
        if told.entry is None
        else {**_entry(told.entry), **seen(told.entry.cause, told.entry.stamp.recorded_ms)},
        "stop_moves": [{**_stop_move(move), **seen(move.cause, move.recorded_ms)} for move in told.stop_moves],
        "charges": [{**_charge(each), **seen(each.event.cause, each.stamp.recorded_ms)} for each in told.charges],
        "changes": [_change(change) for change in told.changes],
        "exits": [{**_exit(left), **seen(left.cause, left.stamp.recorded_ms)} for left in told.exits],
        "costs": costs_json(trade_costs(view, _fills(told))),
        "ended": None if told.ended is None else _ended(told.ended, vantage),
        "voided": None if told.voided is None else _voided(told.voided),
        "result": {
            "realized_pnl": trade.realized,
            "initial_risk": trade.initial_risk,
            "r_multiple": told.r_multiple,
        },
        "guards": [act_json(act) for act in told.acts],
        "refusals": [
            {"at": iso_z(r.at_ms), "code": r.refused.code, "message": r.refused.message} for r in told.refusals
        ],
    }


def _fills(told: Explanation) -> list[TradeEvent]:
    return [fill.stamp.event for fill in (told.entry, *told.exits) if fill is not None]


def _moment(moment: Moment) -> Mapping[str, Encodable]:
    cells: list[Cell] = change_line(moment.stamp.event, moment.after, None)
    return {
        "seq": moment.stamp.seq,
        "kind": KIND_OF[type(moment.stamp.event)],
        "at": iso_z(moment.at_ms),
        "recorded_at": iso_z(moment.stamp.recorded_ms),
        "text": "".join(cell.text for cell in cells),
    }


def _placed(placed: Waiting) -> Mapping[str, Encodable]:
    return {
        "entry_type": placed.entry_type,
        "price": placed.price,
        "fills": "at_or_below" if placed.is_below else "at_or_above",
        "expires_at": None if placed.expires_at is None else iso_z(placed.expires_at),
        "quantity": placed.quantity,
        "leverage": placed.leverage,
        "reserve": placed.reserve,
        **_charged(placed.charged),
    }


def _entry(entry: EntryExplained) -> Mapping[str, Encodable]:
    return {
        "seq": entry.stamp.seq,
        "at": iso_z(entry.at_ms),
        "recorded_at": iso_z(entry.stamp.recorded_ms),
        **_cause(entry.cause),
        "liquidity": entry.liquidity,
        "quantity": entry.quantity,
        **_priced(entry.priced),
        **walk_json(entry.priced, entry.cause, entry.liquidity, entry.quantity),
        **_charged(entry.charged),
        "slippage": entry.slippage,
        "leverage": entry.leverage,
        "reserve": entry.reserve,
        "tied_up_before": entry.tied_up,
        "released": entry.released,
        "levels": None if entry.levels is None else _levels(entry.levels),
        "liquidation_price": entry.liquidation_price,
        "flags": list(entry.flags),
    }


def _exit(left: ExitExplained) -> Mapping[str, Encodable]:
    return {
        "seq": left.stamp.seq,
        "at": iso_z(left.at_ms),
        "recorded_at": iso_z(left.stamp.recorded_ms),
        "reason": left.reason,
        **_cause(left.cause),
        "liquidity": left.liquidity,
        "quantity": left.quantity,
        "open_before": left.open_before,
        "part": part_json(left.part),
        "entry_price": left.entry_price,
        **_priced(left.priced),
        **walk_json(left.priced, left.cause, left.liquidity, left.quantity),
        **_charged(left.charged),
        "slippage": left.slippage,
        "move": left.move,
        "gross": left.gross,
        "gross_cut_to_reserve": left.is_gross_cut,
        "reserve_before": left.reserve_before,
        "reserve_share": left.reserve_share,
        "entry_fee_before": left.entry_fee_before,
        "entry_fee_share": left.entry_fee_share,
        "funding_before": left.funding_before,
        "funding_share": left.funding_share,
        "cash_back": left.cash_back,
        "realized_pnl": left.net,
        "target": left.target,
        "final": left.is_final,
        "ambiguous": left.is_ambiguous,
        "flags": list(left.flags),
        "why": left.why,
    }


def _ended(ended: EndExplained, vantage: Vantage) -> Mapping[str, Encodable]:
    event = ended.event
    return {
        "status": event.status,
        "reason": event.why,
        "released": event.released,
        **({} if event.cause is None else _cause(event.cause)),
        "seen": None if event.cause is None else sight_json(event.cause, ended.stamp.recorded_ms, vantage),
    }


def _change(change: ChangeExplained) -> Mapping[str, Encodable]:
    event = change.event
    levels = event.ruling.levels
    return {
        "seq": change.stamp.seq,
        "at": iso_z(event.at_ms),
        "recorded_at": iso_z(change.stamp.recorded_ms),
        "from": iso_z(event.ruling.from_ms),
        "why": event.reason,
        "text": changed_text(change.after),
        "levels": None if levels is None else _levels(levels),
    }


def _charge(told: ChargeExplained) -> Mapping[str, Encodable]:
    return {
        "seq": told.stamp.seq,
        "at": iso_z(told.event.at_ms),
        "recorded_at": iso_z(told.stamp.recorded_ms),
        **_cause(told.event.cause),
        **charge_json(told),
    }


def _stop_move(move: StopExplained) -> Mapping[str, Encodable]:
    return {
        "seq": move.seq,
        "at": iso_z(move.at_ms),
        "recorded_at": iso_z(move.recorded_ms),
        **_cause(move.cause),
        **stop_json(move),
    }


def _cause(cause: Cause) -> Mapping[str, Encodable]:
    section, _, name = cause.rule.partition(" ")
    candle, quote = cause.candle, cause.quote
    return {
        "rule": {"section": section, "name": name},
        "level": cause.level,
        "candle": None
        if candle is None
        else {
            "open_time": iso_z(candle.open_ms),
            "close_time": iso_z(candle.last_ms),
            "open": candle.open,
            "high": candle.high,
            "low": candle.low,
            "close": candle.close,
            "volume": candle.volume,
        },
        "quote": None
        if quote is None
        else {"at": iso_z(quote.at_ms), "last": quote.last, "bid": quote.bid, "ask": quote.ask},
    }


def _priced(priced: Priced) -> Mapping[str, Encodable]:
    return {
        "raw_price": priced.raw,
        "slippage_bps": priced.slippage_bps,
        "price_before_rounding": priced.worsened,
        "limit": priced.limit,
        "price_step": priced.step,
        "rounded": "up" if priced.is_rounded_up else "down",
        "price": priced.price,
    }


def _charged(charged: Charged) -> Mapping[str, Encodable]:
    return {
        "notional": charged.notional,
        "fee_rate": charged.rate,
        "fee_before_rounding": charged.unrounded,
        "fee": charged.fee,
    }


def _levels(levels: Levels) -> Mapping[str, Encodable]:
    return {
        "stop_loss": levels.stop,
        "take_profits": [{"price": t.price, "fraction": t.fraction} for t in levels.targets],
        "base_quantity": levels.base_quantity,
        **exits_json(levels),
    }
