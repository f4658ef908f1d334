"""Signals made by programs: the words of a signal file, taken exactly, and what is said of wrong ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade import load_signals, signal
from papertrade.api.arguments import Moment
from papertrade.engine.market import Side
from papertrade.engine.signal import EntryType, Size, SizeKind, parse_level
from papertrade.errors import InputFileError
from papertrade.feeds.signal_files import read_signals
from papertrade.runs.strategy_signals import Number
from tests.api.files import START_MS, ideas, write_files

AT = "2018-06-01T00:00Z"


def test_words_mean_what_they_mean_in_a_file() -> None:
    rows = (
        "source,time,symbol,side,entry,entry_type,stop_loss,take_profit,risk,expires,confidence,reason,tags\n"
        f"scan,{AT},BTC/USDT,sell,101.5,limit,+2%,-2%:0.5;-4%:0.5,1%,4h,0.7,because,a;b\n"
    )
    (read,) = read_signals(rows, "x.csv", now_ms=0, default_source="x")
    made = signal(
        "btcusdt",
        "sell",
        time=AT,
        entry=101.5,
        stop="+2%",
        take_profit=["-2%:0.5", "-4%:0.5"],
        risk="1%",
        expires="4h",
        confidence=0.7,
        reason="because",
        tags=["a", "b"],
        source="scan",
    )
    assert made == read
    assert made.external_id == read.external_id


@pytest.mark.parametrize(
    "moment",
    [
        START_MS,
        np.int64(START_MS),
        "2018-06-01T02:00+02:00",
        datetime(2018, 6, 1, tzinfo=UTC),
        datetime(2018, 5, 31, 20, tzinfo=timezone(timedelta(hours=-4))),
        np.datetime64("2018-06-01"),
        np.datetime64("2018-06-01T00:00:00", "ns"),
    ],
    ids=str,
)
def test_an_instant_may_be_written_in_many_ways(moment: Moment) -> None:
    assert signal("BTCUSDT", "long", time=moment).made_at_ms == START_MS


@pytest.mark.parametrize(
    "moment", [datetime(2018, 6, 1, 0, 0, 0, 1, tzinfo=UTC), np.datetime64(START_MS * 10**6 + 1, "ns")]
)
def test_a_time_never_moves_before_what_was_written(moment: Moment) -> None:
    assert signal("BTCUSDT", "long", time=moment).made_at_ms == START_MS + 1


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2018, 6, 1), "has no zone"),  # noqa: DTZ001
        ("2018-06-01T00:00", "has no zone"),
        (START_MS // 1000, "looks like epoch seconds"),
        (np.datetime64("NaT"), "is not a time"),
        (True, "is not a time"),
        (-1, "is not a time"),
    ],
    ids=str,
)
def test_a_time_that_is_none_is_refused(moment: Moment, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        signal("BTCUSDT", "long", time=moment)
    assert str(caught.value).startswith("time: ")


@given(st.decimals(min_value="0.0001", max_value="100000", places=4))
def test_a_number_is_taken_at_the_digits_it_shows(price: Decimal) -> None:
    made = [signal("BTCUSDT", "long", time=AT, entry=written) for written in (price, str(price), float(price))]
    assert [idea.entry_price for idea in made] == [price] * 3
    assert len({idea.external_id for idea in made}) == 1


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ({"size": 0.5}, Size(SizeKind.QUANTITY, Decimal("0.5"))),
        ({"notional": 500}, Size(SizeKind.NOTIONAL, Decimal(500))),
        ({"percent": "10%"}, Size(SizeKind.PERCENT, Decimal(10))),
        ({"risk": "1%"}, Size(SizeKind.RISK_PERCENT, Decimal(1))),
        ({"risk": Decimal(50)}, Size(SizeKind.RISK_AMOUNT, Decimal(50))),
    ],
    ids=str,
)
def test_sizes(words: Mapping[str, Number], size: Size) -> None:
    made = signal(
        "BTCUSDT",
        Side.LONG,
        time=AT,
        size=words.get("size"),
        notional=words.get("notional"),
        percent=words.get("percent"),
        risk=words.get("risk"),
    )
    assert made.size == size


def test_a_stop_entry_and_an_expiry_that_is_a_time() -> None:
    made = signal(
        "BTCUSDT",
        "long",
        time=AT,
        entry="101",
        entry_type="stop",
        stop=99,
        expires=datetime(2018, 6, 2, tzinfo=UTC),
        id="7",
    )
    assert (made.entry_type, made.entry_price, made.exits.stop) == (EntryType.STOP, Decimal(101), parse_level("99"))
    assert (made.expires_at_ms, made.key) == (START_MS + 86_400_000, "python:7")


def test_ideas_of_two_instants_have_two_ids_and_equal_ones_share_theirs() -> None:
    first = signal("BTCUSDT", "long", time=AT, stop="2%")
    assert signal("BTCUSDT", "long", time=START_MS, stop="2.0%").key == first.key
    assert signal("BTCUSDT", "long", time=START_MS + 1, stop="2%").key != first.key


def test_every_wrong_word_is_named() -> None:
    with pytest.raises(ValueError, match="is not a side") as caught:
        signal("BTCUSDT", "up", time=AT, stop="x", size="1", risk="2", source="a:b")
    assert str(caught.value).split("; ") == [
        "side: `up` is not a side, expected long, short, buy or sell",
        "stop: `x` is not a level: write a price `95`, a change `-2%` or risks `2R`",
        "risk: `size` is given too: choose one",
        "source: `a:b` must not contain a colon",
    ]
    with pytest.raises(ValueError, match="'no symbol!' is not a symbol"):
        signal("no symbol!", "long", time=AT)


def test_a_file_gives_the_signals_of_its_rows(tmp_path: Path) -> None:
    _, file = write_files(tmp_path)
    assert load_signals(file) == load_signals(str(file)) == tuple(ideas())


def test_a_source_may_be_given(tmp_path: Path) -> None:
    file = tmp_path / "ideas.csv"
    file.write_text(f"time,symbol,side\n{AT},BTCUSDT,long\n")
    assert [idea.source for idea in (*load_signals(file), *load_signals(file, source="mine"))] == ["ideas", "mine"]


def test_a_signal_without_a_time_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ideas.csv"
    file.write_text("symbol,side\nBTCUSDT,long\n")
    with pytest.raises(InputFileError, match=r"ideas\.csv line 1, time: the column is missing"):
        load_signals(file)
