"""Signal files as people bring them: every format, every bad row with its place, nothing half imported."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.instants import parse_time
from papertrade.engine.market import Side
from papertrade.engine.signal import EntryType, ExitWish, Signal, Size, SizeKind, parse_level, parse_target
from papertrade.errors import InputFileError
from papertrade.feeds.signal_files import read_signal_file, read_signals

NOW = parse_time("2026-11-20T10:00:00Z")
HOUR = 3_600_000
FULL = Signal(
    source="scanner",
    external_id="7",
    symbol="BTCUSDT",
    side=Side.LONG,
    made_at_ms=NOW,
    entry_type=EntryType.STOP,
    entry_price=Decimal(100),
    exits=ExitWish(parse_level("95"), (parse_target("110:0.5"), parse_target("2R:0.5"))),
    size=Size(SizeKind.RISK_PERCENT, Decimal(1)),
    expires_at_ms=NOW + 2 * HOUR,
    confidence=Decimal("0.8"),
    reason="a, b",
    tags=("x", "y z", "setup=breakout"),
)


def read(raw: bytes | str, name: str = "ideas.csv", now_ms: int = NOW) -> tuple[Signal, ...]:
    return read_signals(raw, name, now_ms=now_ms, default_source="ideas")


FULL_TEXTS = [
    (
        "ideas.csv",
        "side,symbol,id,source,time,entry,entry_type,stop_loss,take_profit,expires,risk,confidence,reason,tags,tag_setup\n"
        'buy,BTC/USDT,7,scanner,2026-11-20T10:00:00Z,100,stop,95,110:0.5;2R:0.5,2h,1%,0.8,"a, b",x; y z;;x,breakout\n',
    ),
    (
        "ideas.json",
        '[{"symbol": "btcusdt", "side": "LONG", "id": 7, "source": "scanner", "time": 1795168800000, "entry": 1e2,'
        ' "entry_type": "stop", "stop_loss": 95.0, "take_profit": ["110:0.5", "2R:0.5"], "expires": "2h", "risk": "1%",'
        ' "confidence": 8E-1, "reason": "a, b", "tags": ["x", "y z"], "tag_setup": "breakout", "size": null}]',
    ),
    (
        "ideas.yml",
        "signals:\n- {symbol: BTC-USDT, side: long, id: 7, source: scanner, time: 2026-11-20T11:00+01:00, entry: 100,"
        " entry_type: stop, stop_loss: 95, take_profit: [110:0.5, 2R:0.5], expires: 2026-11-20T12:00:00Z, risk: 1%,"
        " confidence: 0.8, reason: 'a, b', tags: [x, y z], tag_setup: breakout, size: ~}\n",
    ),
]


class TestWhatIsRead:
    @pytest.mark.parametrize(("name", "text"), FULL_TEXTS)
    def test_every_column_in_every_format(self, name: str, text: str) -> None:
        assert read(text, name) == (FULL,)
        assert read(text, "-") == (FULL,)

    def test_the_least_is_a_symbol_and_a_side(self) -> None:
        (signal,) = read("symbol,side\nETHUSDT,sell\n")
        assert (signal.source, signal.side, signal.entry_type) == ("ideas", Side.SHORT, EntryType.MARKET)
        assert (signal.made_at_ms, signal.is_dated, signal.size, signal.tags) == (NOW, False, None, ())
        assert len(signal.external_id) == 16

    def test_a_price_alone_is_a_limit(self) -> None:
        (signal,) = read("symbol,side,entry\nETHUSDT,long,98.50\n")
        assert (signal.entry_type, signal.entry_price) == (EntryType.LIMIT, Decimal("98.5"))

    @pytest.mark.parametrize(
        ("column", "text", "kind", "value"),
        [
            ("size", "0.5", SizeKind.QUANTITY, "0.5"),
            ("notional", "500", SizeKind.NOTIONAL, "500"),
            ("percent", "10%", SizeKind.PERCENT, "10"),
            ("risk", "50", SizeKind.RISK_AMOUNT, "50"),
        ],
    )
    def test_a_size_has_its_column(self, column: str, text: str, kind: SizeKind, value: str) -> None:
        (signal,) = read(f"symbol,side,{column}\nETHUSDT,long,{text}\n")
        assert signal.size == Size(kind, Decimal(value))

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("-", '{"symbol": "A", "side": "long"}\n\n{"symbol": "B", "side": "buy"}\n'),
            ("x.jsonl", '{"symbol": "A", "side": "long"}\r\n{"symbol": "B", "side": "buy"}'),
            ("-", '{"signals": [{"symbol": "A", "side": "long"},\n {"symbol": "B", "side": "buy"}]}'),
            ("-", '  [\n{"symbol": "A", "side": "long"}, {"symbol": "B", "side": "buy"}]'),
            ("-", "- symbol: A\n  side: long\n- {symbol: B, side: buy}\n"),
            ("-", "# ideas\nsignals:\n- symbol: A\n  side: long\n- {symbol: B, side: buy}\n"),
            ("-", "side,symbol\nlong,A\nbuy,B\n"),
            ("-", "Symbol , SIDE\r\n A , long \r\n,\r\n\r\nB,buy"),
            ("-", "\ufeffsymbol,side\rA,long\rB,buy\r"),
        ],
    )
    def test_a_form_is_told_by_its_name_or_its_content(self, name: str, text: str) -> None:
        assert [(signal.symbol, signal.side) for signal in read(text, name)] == [("A", Side.LONG), ("B", Side.LONG)]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("-", '{\n"symbol": "A",\n"side": "long"}'),
            ("-", "symbol: A\nside: long\n"),
            ("x.yaml", "{symbol: A, side: long}"),
        ],
    )
    def test_one_signal_needs_no_list(self, name: str, text: str) -> None:
        assert [signal.symbol for signal in read(text, name)] == ["A"]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.csv", ""),
            ("a.csv", " \r\n"),
            ("a.csv", "symbol,side\n"),
            ("a.json", "[]"),
            ("a.yaml", "# none"),
            ("-", "# none yet"),
            ("-", ""),
        ],
    )
    def test_no_signals_are_none(self, name: str, text: str) -> None:
        assert read(text, name) == ()

    def test_text_is_composed(self) -> None:
        (signal,) = read('[{"symbol": "A", "side": "long", "source": "cafe\\u0301", "tags": "cafe\\u0301"}]', "-")
        assert (signal.source, signal.tags) == ("caf\u00e9", ("caf\u00e9",))


class TestIdentity:
    def test_a_file_without_times_gives_the_same_ids_whenever_it_is_read(self) -> None:
        text = "symbol,side,stop_loss,expires\nA,long,2%,2h\nB,short,2%,2026-12-01T00:00:00Z\n"
        first, later = read(text), read(text, now_ms=NOW + HOUR)
        assert [signal.key for signal in first] == [signal.key for signal in later]
        assert [signal.content() for signal in first] == [signal.content() for signal in later]
        assert all(again.is_same_idea(signal) for signal, again in zip(first, later, strict=True))
        assert later[0].expires_at_ms == NOW + 3 * HOUR
        assert later[1].expires_at_ms == first[1].expires_at_ms

    def test_an_expiry_without_a_time_may_have_passed(self) -> None:
        (signal,) = read("symbol,side,expires\nA,long,2026-01-01T00:00:00Z\n")
        assert signal.expires_at_ms == parse_time("2026-01-01T00:00:00Z")

    def test_other_content_is_another_id(self) -> None:
        signals = read("symbol,side,time\nA,long,1795168800000\nA,long,1795168800001\nA,short,1795168800000\n")
        assert len({signal.external_id for signal in signals}) == 3

    def test_a_row_that_stands_there_twice_comes_once(self) -> None:
        text = "id,symbol,side,stop_loss\n1,A,long,95\n1,A/,buy,95.0\n,B,long,\n,B,long,\n"
        assert [signal.symbol for signal in read(text)] == ["A", "B"]


class TestFiles:
    def test_the_files_name_is_the_source(self, tmp_path: Path) -> None:
        path = tmp_path / "my:ideas.v2.csv"
        path.write_bytes(b"\xef\xbb\xbfsymbol,side\r\nA,long\r\n")
        assert [signal.source for signal in read_signal_file(path, now_ms=NOW)] == ["my_ideas.v2"]
        assert [signal.source for signal in read_signal_file(path, now_ms=NOW, default_source="x")] == ["x"]

    def test_a_long_name_is_cut_to_a_source(self, tmp_path: Path) -> None:
        path = tmp_path / f"{'x' * 200}.csv"
        path.write_bytes(b"symbol,side\nA,long\n")
        assert [signal.source for signal in read_signal_file(path, now_ms=NOW)] == ["x" * 128]

    @pytest.mark.parametrize(
        ("name", "reason"), [("absent.csv", "no such file"), ("", "directory"), ("a\x00", "not a path")]
    )
    def test_what_cannot_be_read_is_named(self, tmp_path: Path, name: str, reason: str) -> None:
        with pytest.raises(InputFileError, match=f"cannot be read: .*{reason}"):
            read_signal_file(tmp_path / name, now_ms=NOW)

    def test_a_source_that_is_none_is_refused(self) -> None:
        with pytest.raises(InputFileError, match=r"a.csv line 2 source must have 1 to 128 characters"):
            read_signals("symbol,side\nA,long\n", "a.csv", now_ms=NOW, default_source="")


@given(
    st.sampled_from(["a.csv", "a.json", "a.ndjson", "a.yaml", "-"]),
    st.binary(max_size=120)
    | st.text(max_size=120)
    | st.text(alphabet="symbolide,\n\r\"{}[]:- A;'\ud800\x00", max_size=120),
)
def test_f42_any_content_is_signals_or_one_error(name: str, raw: bytes | str) -> None:
    try:
        assert isinstance(read(raw, name), tuple)
    except InputFileError as error:
        assert error.message
