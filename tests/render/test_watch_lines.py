"""The notices of a watch as lines: a table of sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal

import pytest

from papertrade.engine.market import Quote
from papertrade.engine.messages import EntryFilled, Refused
from papertrade.errors import DatabaseUnusable, FeedError
from papertrade.render.watch_events import Setting, watch_events
from papertrade.render.watch_lines import Rank, happening_line, notice_lines, round_summary, status_line
from papertrade.runs.happenings import Happening
from papertrade.runs.notify import Sent
from papertrade.runs.observe import Market
from papertrade.runs.round import Round
from papertrade.runs.watch import Ended, Failed, Happened, Jumped, Notice, NotTold, Recovered, Started, Ticked
from papertrade.runs.world import TickReport
from papertrade.store.rows import Delivery, Run, SetAside

AT = 1_795_168_830_000
RUN = Run(id="it", kind="watch", pid=7, started_ms=AT)
DELIVERY = Delivery(id=1, target="phone", event_seq=1, attempts=0, last_error="", delivered_ms=None, next_ms=0)
REFUSED = Happening(
    names=("refused",),
    event=Refused(account_id=1, code="x", message="too dear", symbol="AAAUSDT", side="long", signal_key="a:1"),
)


def ticked(prices: Mapping[str, str], **changes: int) -> Ticked:
    quotes = {symbol: Quote(at_ms=AT, last=Decimal(price)) for symbol, price in prices.items()}
    market = Market(at_ms=AT, offset_ms=0, quotes=quotes)
    report = TickReport(at_ms=AT, symbols=tuple(prices))
    done = Round(checked=2, live=changes.get("live", 2), report=report, market=market)
    aside = SetAside(trade_id=7, from_ms=0, error="ValueError: odd", ticks=1)
    return Ticked(round=done, ticks=1, skipped=0, next_ms=AT + 30_000, broken_anew=(("AAAUSDT", aside),))


def text(notice: Notice) -> list[tuple[Rank, str]]:
    return [(told.rank, "".join(cell.text for cell in told.cells)) for told in notice_lines(notice, UTC)]


@pytest.mark.parametrize(
    ("notice", "rank", "line"),
    [
        (Started(RUN, 1, None), Rank.REMARK, "watching 1 live trade; Ctrl-C or `papertrade stop` ends it"),
        (
            Started(RUN, 0, RUN),
            Rank.REMARK,
            "the watch before this one was killed before its first tick; what it missed is caught up now",
        ),
        (Happened(REFUSED, AT), Rank.NEWS, "refused long AAAUSDT too dear"),
        (
            Failed(FeedError("no way"), 1, is_reminder=False),
            Rank.WARNING,
            "warning: no way; trying again at the next tick",
        ),
        (
            Failed(DatabaseUnusable("the disk is full"), 20, is_reminder=True),
            Rank.WARNING,
            "warning: still failing, 20 rounds in a row: the disk is full; trying again at the next tick",
        ),
        (Recovered(1, was_feed=True), Rank.REMARK, "working again after 1 failed round"),
        (
            Jumped(7_200_000),
            Rank.WARNING,
            "warning: the clock jumped forward by 2h 00m: it was set, or the machine slept",
        ),
        (Jumped(-6_000), Rank.WARNING, "warning: the clock jumped back by 6s: it was set, or the machine slept"),
        (
            NotTold(Sent("phone", DELIVERY, "HTTP 500")),
            Rank.WARNING,
            "warning: notification target `phone` failed: HTTP 500; it is tried again later",
        ),
        (
            ticked({}),
            Rank.WARNING,
            "warning: AAAUSDT: trade `7` is set aside, it cannot be decided: ValueError: odd",
        ),
        (Ended("SIGTERM", 2, 1, 0), Rank.REMARK, "watch ended (SIGTERM): 2 ticks, 1 skipped, 0 failed"),
    ],
)
def test_a_notice_in_words(notice: Notice, rank: Rank, line: str) -> None:
    assert text(notice)[0] == (rank, line)


def test_the_status_line_shows_three_prices_at_most() -> None:
    shown = status_line(ticked({"A": "1", "B": "2", "C": "3", "D": "4", "E": "5"}), UTC)
    assert shown == "10:00:30  2 live trades  A 1  B 2  C 3  +2  next 10:01:00"


def test_a_round_in_which_nothing_changed() -> None:
    assert round_summary(ticked({"A": "1"}).round) == "checked 2 live trades of 1 symbol, nothing changed"
    assert round_summary(ticked({}, live=0).round) == "no live trades"


def test_an_event_of_a_trade_needs_its_trade() -> None:
    event = object.__new__(EntryFilled)
    with pytest.raises(ValueError, match="EntryFilled without its trade"):
        happening_line(Happening(names=("trade_opened",), event=event))


@pytest.mark.parametrize(
    "notice",
    [
        Jumped(9_000),
        NotTold(Sent("phone", DELIVERY, "x")),
        Failed(DatabaseUnusable("x"), 1, is_reminder=False),
        Recovered(1, was_feed=False),
    ],
)
def test_notices_about_ourselves_are_no_events(notice: Notice) -> None:
    assert list(watch_events(notice, Setting("tape", 30_000))) == []
