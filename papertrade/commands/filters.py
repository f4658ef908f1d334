"""The filters of lists and statistics: from words on the command line to the store's `TradeFilter`.

`trades`, `metrics`, `portfolio`, `equity` and `export` take the same options and read them here. The rule to
keep: a word that is not known is refused with the words that are.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

from papertrade.bootstrap import Books
from papertrade.commands.moments import moment_ms
from papertrade.commands.symbols import symbol_of
from papertrade.engine.market import Side
from papertrade.engine.trade import ExitReason, Status
from papertrade.engine.values import dataclass
from papertrade.errors import UsageProblem
from papertrade.render.text import safe
from papertrade.store.rows import TradeFilter

V = TypeVar("V")

_LIVE: Final = (Status.PENDING, Status.OPEN)
_STATES: Final[Mapping[str, tuple[Status, ...]]] = {
    **{str(status): (status,) for status in Status},
    "canceled": (Status.CANCELLED,),
    "waiting": (Status.PENDING,),
    "live": _LIVE,
    "all": (),
}
VOID: Final = "void"
"""The word of `--status` for trades that were taken back, whatever became of them before."""

_REASONS: Final[Mapping[str, ExitReason]] = {
    **{str(reason): reason for reason in ExitReason},
    "tp": ExitReason.TAKE_PROFIT,
    "target": ExitReason.TAKE_PROFIT,
    "sl": ExitReason.STOP_LOSS,
    "stop": ExitReason.STOP_LOSS,
    "ts": ExitReason.TRAILING_STOP,
    "trail": ExitReason.TRAILING_STOP,
    "be": ExitReason.BREAK_EVEN,
    "time": ExitReason.TIME_LIMIT,
    "liq": ExitReason.LIQUIDATION,
}
_SIDES: Final[Mapping[str, Side]] = {"long": Side.LONG, "buy": Side.LONG, "short": Side.SHORT, "sell": Side.SHORT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The filters as typed; None is not given. `status` and `exit_reason` may list several, with commas."""

    status: str | None = None
    exit_reason: str | None = None
    symbol: str | None = None
    side: str | None = None
    source: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    before: int | None = None
    limit: int = 0
    epoch: int | None = None


def trade_filter(words: Words, books: Books, now_ms: int) -> TradeFilter:
    """Read the filters for the books' account; `now_ms` is the venue's time. Raises UsageProblem."""
    statuses, reasons, or_void = _states("" if words.status is None else words.status)
    reasons += _known_all(words.exit_reason, _REASONS, "--exit")
    zone = books.settings.display.zone
    return TradeFilter(
        account_id=books.account.id,
        epoch=words.epoch,
        statuses=statuses,
        exit_reasons=tuple(dict.fromkeys(reasons)),
        or_void=or_void,
        symbol=None if words.symbol is None else symbol_of(words.symbol),
        source=words.source,
        tag=words.tag,
        side=None if words.side is None else _known(words.side, _SIDES, "--side"),
        since_ms=None if words.since is None else moment_ms(words.since, "--since", now_ms, zone),
        until_ms=None if words.until is None else moment_ms(words.until, "--until", now_ms, zone),
        before=words.before,
        limit=None if words.limit == 0 else words.limit,
    )


def _states(text: str) -> tuple[tuple[Status, ...], tuple[ExitReason, ...], bool]:
    """Read states, and whether `void` is among them; `CLOSED_SL` names a state and an exit reason at once."""
    statuses: list[Status] = []
    reasons: list[ExitReason] = []
    or_void = False
    for word in _listed(text):
        state, _, reason = word.partition("_")
        if state == "closed" and reason in _REASONS:
            statuses.append(Status.CLOSED)
            reasons.append(_REASONS[reason])
        elif word == "all":
            return (), (), False
        elif word == VOID:
            or_void = True
        else:
            statuses += _known(word, {**_STATES, VOID: ()}, "--status")
    return tuple(dict.fromkeys(statuses)), tuple(reasons), or_void


def _known_all(text: str | None, known: Mapping[str, V], option: str) -> tuple[V, ...]:
    return () if text is None else tuple(_known(word, known, option) for word in _listed(text))


def _known(word: str, known: Mapping[str, V], option: str) -> V:
    plain = _plain(word)
    if plain in known:
        return known[plain]
    near = get_close_matches(plain, known, n=1, cutoff=0.7)
    hint = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(known)}"
    raise UsageProblem(f"{option} `{safe(word)}` is not known", hint=hint)


def _listed(text: str) -> list[str]:
    return [_plain(word) for word in text.split(",") if word.strip()]


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")
