"""What happened, as `watch --json` and notifications write it: one shape for both, beside the trade's own.

Names nothing of a trade itself (`trade_json` does). The rule to keep: fields are only ever added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from papertrade.engine.codec import KIND_OF
from papertrade.engine.guard_events import GuardActed
from papertrade.engine.messages import EntryFilled, Event, ExitFilled, Refused, StopMoved, TradeEnded, TradeVoided
from papertrade.render.guard_lines import act_json
from papertrade.render.json import Encodable, encode
from papertrade.render.numbers import iso_z
from papertrade.render.trade_json import trade_json
from papertrade.runs.happenings import Happening
from papertrade.runs.notify import Letter, Target


def happening_json(happening: Happening) -> Mapping[str, Encodable]:
    """Return the data of an event: the journal's kind, the trade right after it, the fill or the refusal."""
    view = happening.view
    return {
        "kind": KIND_OF[type(happening.event)],
        "trade": None if view is None else trade_json(view),
        **_particulars(happening.event),
    }


def letter_json(target: Target, letter: Letter) -> bytes:
    """Return the body of a notification; `delivery` is the same number when it is sent again."""
    return _body(target, letter.name, letter.delivery_id, iso_z(letter.at_ms), happening_json(letter.happening))


def probe_json(target: Target, at_ms: int) -> bytes:
    """Return the body of a test notification, which concerns no trade."""
    return _body(target, "test", None, iso_z(at_ms), {"kind": "test", "trade": None})


def _body(target: Target, name: str, delivery: int | None, at: str, data: Mapping[str, Encodable]) -> bytes:
    letter = {"event": name, "at": at, "delivery": delivery, "target": target.name, "data": encode(data)}
    return json.dumps(letter, ensure_ascii=True, allow_nan=False).encode()


def _particulars(event: Event) -> Mapping[str, Encodable]:
    match event:
        case EntryFilled():
            return {"fill": _fill(event)}
        case ExitFilled():
            result: Mapping[str, Encodable] = {
                "reason": event.reason,
                "realized_pnl": event.realized,
                "final": event.is_final,
                "ambiguous": event.is_ambiguous,
            }
            return {"fill": {**_fill(event), **result}}
        case StopMoved():
            return {
                "stop": {
                    "at": iso_z(event.at_ms),
                    "price": event.stop,
                    "reason": event.reason,
                    "best_price": event.cause.raw_price,
                    "rule": event.cause.rule,
                }
            }
        case TradeEnded():
            return {"message": event.why}
        case TradeVoided():
            return {"message": event.reason}
        case GuardActed():
            return act_json(event)
        case Refused():
            return {
                "code": event.code,
                "message": event.message,
                "symbol": event.symbol,
                "side": event.side,
                "signal": event.signal_key,
            }
        case _:
            return {}


def _fill(event: EntryFilled | ExitFilled) -> dict[str, Encodable]:
    return {
        "at": iso_z(event.at_ms),
        "quantity": event.quantity,
        "price": event.price,
        "fee": event.fee,
        "liquidity": event.liquidity,
        "flags": list(event.flags),
    }
