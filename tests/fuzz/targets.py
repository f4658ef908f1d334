"""What is fuzzed: each reader of something from outside, good inputs of it to begin with, and its declared errors.

The rule to keep: a reader of bytes or text that people or venues write stands here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from papertrade.config.load import merge, read_file
from papertrade.engine.codec import KINDS, decode
from papertrade.engine.exit_wish import parse_break_even, parse_level, parse_target, parse_time_limit, parse_trail
from papertrade.engine.instants import parse_duration, parse_time
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.money import parse_decimal, plain
from papertrade.errors import FeedError, PapertradeError
from papertrade.feeds.answer import parse_json
from papertrade.feeds.binance_answers import (
    pick_instruments,
    pick_items,
    read_book,
    read_candles,
    read_instrument,
    read_moves,
    read_quote,
)
from papertrade.feeds.candle_files import read_candles as read_candle_file
from papertrade.feeds.feed import CandleRequest
from papertrade.feeds.instrument_files import read_instruments
from papertrade.feeds.signal_files import read_signals
from papertrade.feeds.stay_away import ban_wait_ms, retry_after_ms
from papertrade.render.text import safe
from papertrade.runs.webhook import is_public
from papertrade.strict_yaml import YamlProblem, parse
from papertrade.strict_yaml import decode as decode_yaml

_NOW_MS = 1_795_168_800_000
_ACTING = frozenset(chr(code) for code in (*range(32), 127, *range(128, 160), *range(0x202A, 0x202F)))


@dataclass(frozen=True)
class Target:
    """A reader: `run` may raise only what `declared` says."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    declared: tuple[type[Exception], ...] = (ValueError, PapertradeError)


def _text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: read(raw.decode("utf-8", "surrogateescape"))


def _filed(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Read what was fuzzed out of a file of this name."""
    folder = Path(tempfile.mkdtemp(prefix="papertrade-fuzz-"))

    def run(raw: bytes) -> object:
        path = folder / name
        path.write_bytes(raw)
        return read(path)

    return run


def _config(path: Path) -> object:
    return merge(read_file(path, is_needed=True), {}, {})


def _candle_file(path: Path) -> object:
    return read_candle_file(path, "X", interval_ms=MINUTE_MS)


def _decimal(text: str) -> None:
    value = parse_decimal(text)
    if parse_decimal(plain(value)) != value:
        raise AssertionError(f"{text!r} does not print as itself")


def _retry_after(text: str) -> int | None:
    return retry_after_ms(text, _NOW_MS)


def _shown(text: str) -> None:
    if _ACTING & set(safe(text)):
        raise AssertionError(f"{text!r} acts on a terminal")


def _prices(raw: bytes) -> None:
    answer = parse_json(raw)
    for symbol, item in pick_items(answer, {"BTCUSDT", "X"}).items():
        read_quote(symbol, item, item, _NOW_MS)


def _descriptions(raw: bytes) -> None:
    for symbol, item in pick_instruments(parse_json(raw), {"BTCUSDT"}).items():
        read_instrument(symbol, item)


def _klines(raw: bytes) -> None:
    read_candles(parse_json(raw), CandleRequest("BTCUSDT", "1m", 0, _NOW_MS), 0, MINUTE_MS)


def _event(text: str) -> object:
    for kind in ("signal_added", "exit_filled", "levels_changed", "trade_voided"):
        with suppress(ValueError):
            return decode(KINDS[kind], text)
    raise ValueError("no event at all")


_CSV = (
    b"id,source,time,symbol,side,entry,stop_loss,take_profit,size\n1,a,1795168800000,BTCUSDT,long,,2%,1R:0.5;2R:0.5,1\n"
)
_CANDLES = b"time,open,high,low,close,volume\n1795168800000,1,2,0.5,1.5,3\n1795168860000,1.5,2,1,1,0\n"
_YAML = (
    b"costs:\n  maker: 0.1%\n  symbols: {BTCUSDT: {taker: 0%}}\nguards:\n  daily_loss: 3%\npresets:\n  a: {sl: 1%}\n"
)
_KLINE = b'[[1795168800000,"1","2","0.5","1.5","3",1795168859999,"0",1,"0","0","0"]]'
_PRICE = b'[{"symbol":"BTCUSDT","price":"1.5","bidPrice":"1","askPrice":"2"}]'
_INFO = (
    b'{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":'
    b'[{"filterType":"PRICE_FILTER","tickSize":"0.01"},{"filterType":"LOT_SIZE","stepSize":"0.1","minQty":"0.1","maxQty":"9"}]}]}'
)
_DEPTH = b'{"lastUpdateId":1,"bids":[["99","1"],["98","2"]],"asks":[["101","1"],["102","3"]]}'
_DAY = b'[{"symbol":"X","openPrice":"1","lastPrice":"2","highPrice":"2","lowPrice":"1","quoteVolume":"5"}]'
_INSTRUMENTS = (
    b'[{"venue":"v","symbol":"BTCUSDT","base":"BTC","quote":"USDT","price_step":"0.01","quantity_step":"0.1"}]'
)

TARGETS = (
    Target("yaml", lambda raw: parse(decode_yaml(raw)), (_YAML, b"a: [1, {b: c}]"), (ValueError, YamlProblem)),
    Target("config", _filed("c.yaml", _config), (_YAML,)),
    Target("signals csv", lambda raw: read_signals(raw, "s.csv", now_ms=_NOW_MS, default_source="f"), (_CSV,)),
    Target(
        "signals json",
        lambda raw: read_signals(raw, "s.json", now_ms=_NOW_MS, default_source="f"),
        (b'[{"symbol":"BTCUSDT","side":"long","stop_loss":"2%"}]',),
    ),
    Target("candles csv", _filed("c.csv", _candle_file), (_CANDLES,)),
    Target("candles json", _filed("c.json", _candle_file), (_KLINE,)),
    Target("instruments", _filed("i.json", read_instruments), (_INSTRUMENTS, b'{"data":{"items":[]}}')),
    Target("price json", _prices, (_PRICE,), (ValueError, FeedError)),
    Target("exchange info", _descriptions, (_INFO,), (ValueError, FeedError)),
    Target("klines json", _klines, (_KLINE,), (ValueError, FeedError)),
    Target("depth json", lambda raw: read_book("X", parse_json(raw), 1), (_DEPTH,), (ValueError, FeedError)),
    Target("movers json", lambda raw: read_moves(parse_json(raw)), (_DAY,), (ValueError, FeedError)),
    Target("decimal", _text(_decimal), (b"1.5", b"-0.00000001", b"1e5")),
    Target("level", _text(parse_level), (b"2%", b"-2%", b"1.5R", b"be", b"be:gross")),
    Target("target", _text(parse_target), (b"110:0.5", b"2R")),
    Target("trail", _text(parse_trail), (b"2%@+4%", b"1R")),
    Target("break-even", _text(parse_break_even), (b"1R:gross",)),
    Target("time limit", _text(parse_time_limit), (b"4h", b"2026-11-20T10:00Z")),
    Target("time", _text(parse_time), (b"2026-11-20T10:00:00.000Z", b"1795168800000", b"2026-11-20T10:00+02:00")),
    Target("duration", _text(parse_duration), (b"1h30m", b"2d")),
    Target("symbol", _text(normalise_symbol), (b"BINANCE:BTC/USDT", b"btc-usdt")),
    Target("retry-after", _text(_retry_after), (b"120", b"Fri, 20 Nov 2026 10:00:00 GMT"), ()),
    Target("ban", _text(lambda text: ban_wait_ms(text, _NOW_MS)), (b"IP banned until 1795168900000.",), ()),
    Target("shown text", _text(_shown), (b"abc\x1b[2J", "\u202e[red]".encode()), ()),
    Target("webhook address", _text(is_public), (b"127.0.0.1", b"::ffff:10.0.0.1", b"8.8.8.8", b"0x7f.1"), ()),
    Target("event", _text(_event), (b'{"trade_id":1,"reserve":"1","fees":"0","gross":"0","reason":"x","at_ms":1}',)),
)
