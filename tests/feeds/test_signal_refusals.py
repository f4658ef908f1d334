"""Bad signal files: every bad row named with its place and its reason, whatever the file holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.instants import parse_time
from papertrade.engine.signal import Signal
from papertrade.errors import InputFileError
from papertrade.feeds import signal_files
from papertrade.feeds.signal_files import load_signals, read_signals

NOW = parse_time("2026-11-20T10:00:00Z")
HOUR = 3_600_000


def read(raw: bytes | str, name: str = "ideas.csv", now_ms: int = NOW) -> tuple[Signal, ...]:
    return read_signals(raw, name, now_ms=now_ms, default_source="ideas")


def refusal(raw: bytes | str, name: str = "bad.csv") -> list[str]:
    with pytest.raises(InputFileError) as caught:
        read(raw, name)
    assert caught.value.exit_code == 4
    return caught.value.message.splitlines()


BAD_CELLS = [
    ("side", "lng", "`lng` is not a side, expected long, short, buy or sell"),
    ("symbol", "A B", "'A B' is not a symbol"),
    ("symbol", "\x1b[2J", "'\\x1b[2J' is not a symbol"),
    ("time", "2026-11-20T10:00:00", "time `2026-11-20T10:00:00` has no zone: write `2026-11-20T10:00:00Z` for UTC"),
    ("time", "1795168800", "`1795168800` looks like epoch seconds"),
    ("time", "yesterday", "`yesterday` is not a time"),
    ("entry", "0", "`0` is not a price: it must be above 0"),
    ("entry", "1e2", "`1e2` is not a plain decimal number"),
    ("entry_type", "limt", "`limt` is not an entry type, expected market, limit or stop"),
    ("entry_type", "limit", "is missing: a limit entry needs a price"),
    ("stop_loss", "95x", "`95x` is not a level"),
    ("stop_loss", "2R", "stop `2R` cannot be in risks"),
    ("take_profit", "2R", "a target in risks (`2R`) needs a stop loss"),
    ("take_profit", "110:0.5;120", "either every target has a fraction or none has"),
    ("take_profit", "110:0.6;120:0.6", "fractions of the targets sum to `1.2`, more than 1"),
    ("take_profit", ";".join(str(price) for price in range(100, 121)), "has 21 targets, at most 20 are possible"),
    ("stop_loss", "2%;", "`2%;` says nothing after the semicolon"),
    ("stop_loss", "be", "stop `be` means nothing before the entry: wish a break-even, such as `1R`"),
    ("trail", "x", "`x` is not a level: write a price `95`, a change `-2%` or risks `2R`"),
    ("trail", "-5", "`-5` is not a level"),
    ("trail", "+2%", "trail `+2%` is not a distance: write `2%`, `150` or `1.5R`"),
    ("trail", "0", "level `0` must be above 0"),
    ("trail", "1R", "a trail in risks (`1R`) needs a stop loss"),
    ("trail", "2%@2R", "a trail in risks (`2%@2R`) needs a stop loss"),
    ("trail", "2%@be", "a trail cannot begin at `be`"),
    ("break_even", "1R", "a break-even in risks (`1R`) needs a stop loss"),
    ("break_even", "2%:net", "`2%:net` is not a break-even: write its trigger `1R`, or `1R:gross` to leave out costs"),
    ("break_even", "be", "break-even cannot wait for `be`: write `1R`, `+2%` or a price `105`"),
    ("time_limit", "soon", "`soon` is not a time limit: write `4h`, `2026-11-20T10:00:00Z` or epoch milliseconds"),
    ("time_limit", "0h", "duration `0h` must be more than 0"),
    ("time_limit", "1795168800", "`1795168800` looks like epoch seconds"),
    ("expires", "0h", "duration `0h` must be more than 0"),
    ("expires", "soon", "`soon` is not a time"),
    ("size", "-1", "size `-1` must be above 0"),
    ("percent", "101", "`101` percent is more than the balance"),
    ("risk", "1%%", "`1%` is not a plain decimal number"),
    ("confidence", "80%", "`80%` is not a plain decimal number"),
    ("confidence", "1.1", "`1.1` must lie between 0 and 1"),
    ("source", "a:b", "`a:b` must not contain a colon"),
    ("source", "a\x1bb", "`a\\u{1b}b` holds a control character"),
    ("id", "x" * 129, "has 129 characters, at most 128 are allowed"),
    ("id", "a\u202eb", "`a\\u{202e}b` holds a control character"),
    ("tags", "x" * 65, "must have at most 64 characters and no semicolon"),
    ("tags", ";".join(str(number) for number in range(33)), "has 33 tags, at most 32 are kept"),
    ("tag_a", "x;y", "tag `a=x;y` must have at most 64 characters and no semicolon"),
    ("reason", "x" * 4097, "has 4097 characters, at most 4096 are kept"),
]

BAD_FILES = [
    ("bad.csv", "symbol,side,stop_loss,take_profit\nA,long,95x,2R\n", ["line 2, stop_loss: `95x` is not a level"]),
    (
        "bad.csv",
        "symbol,side\nA,lng\nA,long\n,\nA,\n,long",
        ["line 2, side: `lng` is not", "line 5, side: is missing", "line 6, symbol: is missing"],
    ),
    ("bad.csv", 'reason,symbol,side\n"a\nb",A,lng\nx,A,x\n', ["line 2, side: `lng`", "line 4, side: `x`"]),
    (
        "bad.csv",
        "symbol,side\nA\nA,long,1\n",
        ["line 2 has 1 cell, the header has 2", "line 3 has 3 cells, the header has 2"],
    ),
    (
        "bad.csv",
        "sid,symbol\nA,long\n",
        ["line 1, sid: is no column of a signal file, did you mean `side`?", "line 1, side: the column is missing"],
    ),
    (
        "bad.csv",
        "symbol,side,zzzz\n",
        ["line 1, zzzz: is no column of a signal file, name it `tag_zzzz` to keep it as a tag"],
    ),
    ("bad.csv", "symbol,side,side,tag_\n", ["line 1, tag_: is no column", "line 1, side: stands there twice"]),
    ("bad.csv", "symbol;side\nA;long\n", ["line 1 has one column: columns are separated by commas, not by semicolons"]),
    ("bad.csv", 'symbol,side\nA,lng\nA,"long\n', ["line 2, side: `lng`", "line 3 is not CSV: unexpected end of data"]),
    ("bad.csv", 'symbol,side\nA,"lo"ng\n', ["line 2 is not CSV: "]),
    ("bad.csv", f"symbol,side\nA,{'x' * 131_073}\n", ["line 2 is not CSV: field larger than field limit (131072)"]),
    ("bad.csv", "symbol,side\nA,lo\x00ng\n", ["line 2 holds a NUL character: the file is not text"]),
    ("bad.csv", "\nsymbol,side\nA,lo\x00ng\n", ["line 3 holds a NUL character: the file is not text"]),
    ("bad.csv", "symbol,side,size,risk\nA,long,1,1%\n", ["line 2, risk: `size` is given too: choose one"]),
    ("bad.csv", "symbol,side,entry,entry_type\nA,long,1,market\n", ["line 2, entry: a market entry has no price"]),
    (
        "bad.csv",
        "symbol,side,time,expires\nA,long,1795168800000,1795168800000\n",
        ["line 2, expires: `1795168800000` is not after the signal's time"],
    ),
    (
        "bad.csv",
        "symbol,side,time,time_limit\nA,long,1795168800000,1795168800000\n",
        ["line 2, time_limit: `2026-11-20T10:00:00.000Z` is not after the signal's time"],
    ),
    ("bad.csv", "symbol,side,trail\nA,long,100%\n", ["line 2 trail `100%` of a long trade must be below `100%`"]),
    (
        "bad.csv",
        "symbol,side,take_profit,trail,break_even\nA,long,2R,1R,1R\n",
        [
            "line 2, take_profit: a target in risks (`2R`) needs a stop loss",
            "line 2, trail: a trail in risks (`1R`) needs a stop loss",
            "line 2, break_even: a break-even in risks (`1R`) needs a stop loss",
        ],
    ),
    (
        "bad.csv",
        "symbol,side,stop_loss,take_profit\nA,long,95;x,110:0.5\nA,long,95;be,110\nA,long,95;be;1,110:0.5\n",
        [
            "line 2, stop_loss after the first target: `x` is not a level",
            "line 3, stop_loss after the first target: a stop at `be` after the first target needs something left",
            "line 4, stop_loss after the first target: `be;1` is not a level",
        ],
    ),
    (
        "bad.json",
        '[{"symbol": "A", "side": "long", "after_tp1": "be"}, {"symbol": "A", "side": "long", "trail": ["1%"]}]',
        ["item 1, after_tp1: is no column of a signal file", "item 2, trail: must be one value"],
    ),
    (
        "bad.json",
        '[{"symbol": "A", "side": "long", "sidee": 1}, 3, [], {"symbol": {}, "side": "long"}]',
        [
            "item 1, sidee: is no column of a signal file, did you mean `side`?",
            "item 2 is not a signal",
            "item 3 is not a signal",
            "item 4, symbol: must be a text, a number, or a list of these",
        ],
    ),
    (
        "bad.json",
        '[{"symbol": "A", "symbol": "B"}, {"symbol": ["A"], "side": "long"}, {"symbol": "A", "side": true}]',
        ["item 1, symbol: stands there twice", "item 2, symbol: must be one value", "item 3, side: must be a text"],
    ),
    (
        "bad.json",
        '[{"symbol": "A", "side": "long", "tags": ["a;b"], "take_profit": [[1]]}]',
        ["item 1, take_profit: must be a text"],
    ),
    ("bad.json", '[{"symbol": "A", "side": "long", "tags": ["a;b"]}]', ["item 1, tags: an item has a semicolon"]),
    (
        "bad.json",
        '[{"symbol": "A", "side": "long", "entry": NaN, "stop_loss": 1e999, "reason": "\\ud800"}]',
        [
            "item 1, reason: holds a character that is none",
            "item 1, entry: `NaN` is not a plain",
            "item 1, stop_loss: `1e999` is not a level",
        ],
    ),
    (
        "bad.json",
        '[{"symbol": "A", "side": "long", "reason": "\\u0000"}]',
        ["item 1, reason: holds a character that is none"],
    ),
    (
        "bad.json",
        '{"signals": 3}',
        ["item 1, signals: is no column of a signal file", "item 1, symbol: is missing", "item 1, side: is missing"],
    ),
    ("bad.json", "3", ["line 1 is not a list of signals, nor one signal"]),
    ("bad.json", "[\n1,", ["line 2 is not JSON: expecting value"]),
    (
        "bad.json",
        '{"symbol": "A"}\n{"symbol": "B"}',
        ["line 2 is not JSON: extra data; one object a line is `.ndjson`"],
    ),
    ("bad.json", "[" * 100_000, ["line 1 is not a list of signals: nested too deeply"]),
    (
        "bad.ndjson",
        f'{{"symbol": "A"}}\n{{"a"\n3\n{"[" * 100_000}',
        [
            "line 1, side: is missing",
            "line 2 is not JSON: expecting ':' delimiter at column 5",
            "line 3 is not a signal",
            "line 4 is not a signal: nested too deeply",
        ],
    ),
    ("-", f'{{"symbol": "A", "side": {"[" * 100_000}}}', ["line 1 is not a list of signals: nested too deeply"]),
    (
        "bad.yaml",
        "- symbol: A\n  side: lng\n- x\n- {symbol: [A], side: [{}]}\n",
        ["line 1, side", "line 3 is not a signal: write `symbol: …`", "line 4, side: must be a text"],
    ),
    ("bad.yaml", "- &a x\n- *a\n", ["line 2 is not YAML that is read here: alias `*a` is not allowed"]),
    (
        "bad.yaml",
        "- symbol: !!python/name:os.system\n",
        ["line 1 is not YAML that is read here: tag `!!python/name:os.system`"],
    ),
]


JUST_GOOD = [
    ("id", "x" * 128),
    ("source", "x" * 128),
    ("tags", "x" * 64),
    ("tags", ";".join(str(number) for number in range(32))),
    ("tag_a", "x" * 62),
    ("reason", "x" * 4096),
    ("confidence", "0"),
    ("confidence", "1"),
    ("percent", "100"),
    ("take_profit", ";".join(f"{price}" for price in range(1_000_000, 1_000_020))),
]


@pytest.mark.parametrize(("column", "text"), JUST_GOOD, ids=[f"{name}-{len(text)}" for name, text in JUST_GOOD])
def test_what_lies_on_a_bound_is_taken(column: str, text: str) -> None:
    cells = {"symbol": "A", "side": "long", column: text}
    assert len(read(f"{','.join(cells)}\n{','.join(cells.values())}\n")) == 1


class TestBadRows:
    @pytest.mark.parametrize(("column", "text", "message"), BAD_CELLS)
    def test_a_bad_cell_is_named(self, column: str, text: str, message: str) -> None:
        cells = {"symbol": "A", "side": "long", column: text}
        first, second = refusal(f"{','.join(cells)}\n{','.join(cells.values())}\n")
        assert first == "1 bad row in bad.csv, nothing was imported"
        assert second.startswith(
            f"bad.csv line 2, {'entry' if message.startswith('is missing: a limit') else column}: "
        )
        assert message in second

    @pytest.mark.parametrize(("name", "text", "messages"), BAD_FILES)
    def test_f31_every_bad_row_is_reported(self, name: str, text: str, messages: list[str]) -> None:
        first, *lines = refusal(text, name)
        assert first.endswith(f"in {name}, nothing was imported")
        assert len(lines) == len(messages)
        for line, message in zip(lines, messages, strict=True):
            assert line.startswith(f"{name} {message}")

    def test_the_details_are_for_programs(self) -> None:
        with pytest.raises(InputFileError) as caught:
            read("symbol,side\nA,lng\nA\n", "bad.csv")
        assert caught.value.details == {
            "rows": [
                {"line": 2, "column": "side", "message": "`lng` is not a side, expected long, short, buy or sell"},
                {"line": 3, "column": None, "message": "has 1 cell, the header has 2"},
            ]
        }

    def test_the_same_id_with_other_content_is_a_bad_row(self) -> None:
        assert refusal("id,symbol,side\n1,A,long\n2,A,long\n1,A,short\n") == [
            "1 bad row in bad.csv, nothing was imported",
            "bad.csv line 4, id: `ideas:1` stands in line 2 with other content",
        ]

    def test_a_thousand_lines_are_enough_to_read(self) -> None:
        lines = refusal("symbol,side\n" + "A,lng\n" * 1_002)
        assert (len(lines), lines[0], lines[-1]) == (
            1_002,
            "1002 bad rows in bad.csv, nothing was imported",
            "and 2 more",
        )

    @pytest.mark.parametrize("raw", [b"\xff\xfes\x00", b"symbol,side\nA,\xe9\n", "symbol\ud800"])
    def test_what_is_not_utf8_is_refused(self, raw: bytes | str) -> None:
        assert refusal(raw)[0].startswith("`bad.csv` is not UTF-8 text")

    def test_too_much_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = "symbol,side\n" + "A,long\n" * 4
        with pytest.raises(InputFileError, match=r"`a.csv` has more than 3 rows: split it"):
            read_signals(rows, "a.csv", now_ms=NOW, default_source="s", rows_max=3)
        assert len(read_signals(rows, "a.csv", now_ms=NOW, default_source="s", rows_max=4)) == 1
        monkeypatch.setattr(signal_files, "BYTES_MAX", 10)
        with pytest.raises(InputFileError, match=r"`a.csv` is larger than 0 MiB: split it"):
            read(rows, "a.csv")


@given(st.dictionaries(st.sampled_from([column for column, _, _ in BAD_CELLS]), st.text(max_size=20), max_size=6))
def test_any_cells_are_a_signal_or_one_error(cells: dict[str, str]) -> None:
    import json

    try:
        assert len(read(json.dumps([{"symbol": "A", "side": "long"} | cells]), "a.json")) == 1
    except InputFileError as error:
        assert error.message.startswith("1 bad row in a.json")


NO_TIME = "a backtest must know when a signal was made (ISO-8601 with a zone, or epoch milliseconds)"
UNDATED = [
    (
        "bad.csv",
        "time,symbol,side\n2026-11-20T10:00Z,A,long\n ,B,long\nsoon,C,long\n,D,up\n",
        [
            f"bad.csv line 3, time: is missing: {NO_TIME}",
            "bad.csv line 4, time: `soon` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds",
            f"bad.csv line 5, time: is missing: {NO_TIME}",
            "bad.csv line 5, side: `up` is not a side, expected long, short, buy or sell",
        ],
    ),
    (
        "bad.csv",
        "symbol,side\nA,long\nB,up\n",
        [
            f"bad.csv line 1, time: the column is missing: {NO_TIME}",
            "bad.csv line 3, side: `up` is not a side, expected long, short, buy or sell",
        ],
    ),
    (
        "bad.json",
        '[{"symbol": "A", "side": "long"}, {"symbol": "B", "side": "long", "time": 1795168800000}]',
        [f"bad.json item 1, time: is missing: {NO_TIME}"],
    ),
]


@pytest.mark.parametrize(("name", "text", "expected"), UNDATED)
def test_where_a_time_is_needed_a_row_without_one_is_a_bad_row(name: str, text: str, expected: list[str]) -> None:
    with pytest.raises(InputFileError) as caught:
        load_signals(text, name, now_ms=NOW, default_source="s", needs_time=True)
    assert caught.value.message.splitlines()[1:] == expected
