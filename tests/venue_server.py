"""A loopback server that answers as Binance's market data does, under a clock that tests control.

Serves what `venue_market.Market` knows at `now_ms`, logs what it was asked, and misbehaves on request:
plan faults for the next answers of a path, of one symbol if wanted. By hand:

    python -m tests.venue_server --candles BTCUSDT=candles.csv.gz --at 2018-12-08T22:40:00Z --speed 60
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

from papertrade.engine.market import MINUTE_MS, Candle
from tests.venue_faults import Fault, Json, Manner
from tests.venue_market import Listing, Market, Window, from_iso, read_candles

Side: TypeAlias = Sequence[tuple[Decimal | str, str]]
"""Levels of an order book, best first: price and quantity."""

_API = "/api/v3/"
_WEIGHTS = {"time": 1, "exchangeInfo": 20, "klines": 2, "ticker/price": 4, "ticker/bookTicker": 4, "depth": 5}
_LEGAL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in: path without `/api/v3/`, its parameters, the symbols it names."""

    path: str
    query: Mapping[str, str]
    symbols: tuple[str, ...]


class Refusal(Exception):
    """An answer with HTTP 400 and the venue's code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class VenueServer:
    """The server in a thread of its own; a context manager. `now_ms` is its clock, and may be set at any time."""

    def __init__(self, market: Market, now_ms: int, *, speed: float = 0.0, port: int = 0) -> None:
        self.market = market
        self.spread = Decimal(0)
        self.depths: dict[str, tuple[Side, Side]] = {}
        self.used_weight: int | None = None
        self.requests: list[Asked] = []
        self._speed = speed
        self._set_at = (now_ms, time.monotonic())
        self._plans: list[tuple[str, str | None, Fault, bool]] = []
        self._lock = threading.Lock()
        self._weights: dict[int, int] = {}
        self.is_stopping = threading.Event()
        self._http = _Listener(self, port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @classmethod
    def of(cls, candles: Mapping[str, Sequence[Candle]], now_ms: int, **listings: Listing) -> Self:
        """Make a server over candles of 1m."""
        return cls(Market(candles, {}, listings), now_ms)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def now_ms(self) -> int:
        at, since = self._set_at
        return at + int((time.monotonic() - since) * 1000 * self._speed)

    @now_ms.setter
    def now_ms(self, value: int) -> None:
        self._set_at = (value, time.monotonic())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._http.shutdown()
        self.close()
        self._thread.join()

    def close(self) -> None:
        """Free the port, of a server that was never entered too."""
        self.is_stopping.set()
        self._http.server_close()

    def plan(self, path: str, *faults: Fault, symbol: str | None = None) -> None:
        """Misbehave in the next answers of a path (`klines`, `ticker/price`, `*`), in this order, once each."""
        with self._lock:
            self._plans += [(path, symbol, fault, True) for fault in faults]

    def always(self, path: str, fault: Fault, symbol: str | None = None) -> None:
        """Misbehave in every answer of a path until `clear`."""
        with self._lock:
            self._plans.append((path, symbol, fault, False))

    def clear(self) -> None:
        """Behave again, and forget the requests so far."""
        with self._lock:
            self._plans.clear()
            self.requests.clear()

    def count(self, path: str | None = None, symbol: str | None = None) -> int:
        """Count the requests of a path, of one symbol."""
        with self._lock:
            return sum(
                1
                for asked in self.requests
                if path in (None, asked.path) and (symbol is None or symbol in asked.symbols)
            )

    def note(self, asked: Asked) -> tuple[Fault | None, int]:
        """Log a request; return the fault planned for it and the weight used in this minute."""
        with self._lock:
            self.requests.append(asked)
            minute = int(time.monotonic() // 60)
            self._weights[minute] = self._weights.get(minute, 0) + _WEIGHTS.get(asked.path, 1)
            used = self._weights[minute] if self.used_weight is None else self.used_weight
            for at, (path, symbol, fault, is_once) in enumerate(self._plans):
                if path in ("*", asked.path) and (symbol is None or symbol in asked.symbols):
                    if is_once:
                        del self._plans[at]
                    return fault, used
            return None, used

    def answer(self, asked: Asked) -> Json:
        """Return the true answer. Raises Refusal, KeyError for a path that does not exist."""
        for symbol in asked.symbols:
            if not set(symbol) <= _LEGAL:
                raise Refusal(-1100, "Illegal characters found in parameter 'symbol'.")
            if symbol not in self.market.candles:
                raise Refusal(-1121, "Invalid symbol.")
        return {
            "time": self._time,
            "exchangeInfo": self._exchange_info,
            "klines": self._klines,
            "ticker/price": self._prices,
            "ticker/bookTicker": self._books,
            "ticker/24hr": self._days,
            "depth": self._depth,
        }[asked.path](asked)

    def _time(self, asked: Asked) -> Json:
        return {"serverTime": self.now_ms}

    def _exchange_info(self, asked: Asked) -> Json:
        symbols = asked.symbols if asked.symbols else tuple(self.market.candles)
        limits: Json = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
        return {
            "timezone": "UTC",
            "serverTime": self.now_ms,
            "rateLimits": limits,
            "exchangeFilters": [],
            "symbols": [_described(symbol, self.market.listing(symbol)) for symbol in symbols],
        }

    def _klines(self, asked: Asked) -> Json:
        if len(asked.symbols) != 1 or "interval" not in asked.query:
            raise Refusal(-1102, "Mandatory parameter was not sent, was empty/null, or malformed.")
        symbol, interval = asked.symbols[0], asked.query["interval"]
        if not self.market.has_interval(symbol, interval):
            raise Refusal(-1120, "Invalid interval.")
        start, end = (int(asked.query[name]) if name in asked.query else None for name in ("startTime", "endTime"))
        window = Window(start, end, min(int(asked.query.get("limit", "500")), 1000))
        return [_row(candle) for candle in self.market.klines(symbol, interval, self.now_ms, window)]

    def _prices(self, asked: Asked) -> Json:
        now = self.now_ms
        return self._listed(asked, lambda symbol: {"symbol": symbol, "price": _text(self.market.price(symbol, now))})

    def _books(self, asked: Asked) -> Json:
        now, half = self.now_ms, self.spread / 2

        def book(symbol: str) -> Json:
            price = self.market.price(symbol, now)
            return {
                "symbol": symbol,
                "bidPrice": _text(price - half),
                "bidQty": "1.00000000",
                "askPrice": _text(price + half),
                "askQty": "1.00000000",
            }

        return self._listed(asked, book)

    def _depth(self, asked: Asked) -> Json:
        """Answer with the book that a test has set, else with a single level a side."""
        if len(asked.symbols) != 1:
            raise Refusal(-1102, "Mandatory parameter was not sent, was empty/null, or malformed.")
        symbol, limit = asked.symbols[0], int(asked.query.get("limit", "100"))
        price, half = self.market.price(symbol, self.now_ms), self.spread / 2
        bids, asks = self.depths.get(symbol, ([(price - half, "1")], [(price + half, "1")]))
        return {"lastUpdateId": 1, "bids": _levels(bids[:limit]), "asks": _levels(asks[:limit])}

    def _days(self, asked: Asked) -> Json:
        now, day = self.now_ms, 86_400_000

        def moved(symbol: str) -> Json:
            seen = [c for c in self.market.candles[symbol] if now - day <= c.open_ms <= now]
            first = seen[0].open if seen else self.market.price(symbol, now)
            return {
                "symbol": symbol,
                "openPrice": _text(first),
                "highPrice": _text(max((c.high for c in seen), default=first)),
                "lowPrice": _text(min((c.low for c in seen), default=first)),
                "lastPrice": _text(self.market.price(symbol, now)),
                "volume": "1000",
                "quoteVolume": _text(first * 1000),
                "count": 1,
            }

        return self._listed(asked, moved)

    def _listed(self, asked: Asked, item: Callable[[str], Json]) -> Json:
        if "symbol" in asked.query:
            return item(asked.symbols[0])
        return [item(symbol) for symbol in (asked.symbols if asked.symbols else self.market.candles)]


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, venue: VenueServer, port: int) -> None:
        self.venue = venue
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request_thread(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no event."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def server_close(self) -> None:
        super().server_close()
        for connection in tuple(self._open):
            _hang_up(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:
        venue = self.server.venue
        asked = parsed(self.path)
        fault, used = venue.note(asked)
        if fault is None:
            fault = Fault()
        if fault.delay_seconds > 0 and venue.is_stopping.wait(fault.delay_seconds):
            return
        if fault.manner is Manner.RESET:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        status, body = self._true_answer(asked) if fault.body is None else (200, fault.body)
        if fault.edit is not None:
            body = json.dumps(fault.edit(json.loads(body))).encode()
        self.send_response(status if fault.status is None else fault.status)
        kinds = {"Content-Type": "application/json;charset=UTF-8", "X-MBX-USED-WEIGHT-1M": str(used)}
        for name, value in {**kinds, **fault.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self._send(body, fault.manner)

    def _true_answer(self, asked: Asked) -> tuple[int, bytes]:
        try:
            answer: Json = self.server.venue.answer(asked)
        except KeyError:
            return 404, b"<html>404 Not Found</html>"
        except Refusal as refusal:
            return 400, json.dumps({"code": refusal.code, "msg": refusal.message}).encode()
        return 200, json.dumps(answer, separators=(",", ":")).encode()

    def _send(self, body: bytes, manner: Manner) -> None:
        if manner is Manner.TRUNCATED:
            self.close_connection = True
            body = body[: len(body) // 2]
        if manner is not Manner.DRIP:
            self.wfile.write(body)
            return
        for byte in body:
            if self.server.venue.is_stopping.wait(0.05):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Keep stderr quiet: `requests` is the log."""


def parsed(target: str) -> Asked:
    """Read a request's path and query."""
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    symbols = [query["symbol"]] if "symbol" in query else json.loads(query.get("symbols", "[]"))
    return Asked(parts.path.removeprefix(_API), query, tuple(symbols))


def _described(symbol: str, listing: Listing) -> Json:
    return {
        "symbol": symbol,
        "status": listing.status,
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": listing.tick, "maxPrice": "1000000", "tickSize": listing.tick},
            {
                "filterType": "LOT_SIZE",
                "minQty": listing.quantity_min,
                "maxQty": listing.quantity_max,
                "stepSize": listing.step,
            },
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "NOTIONAL", "minNotional": listing.notional_min, "maxNotional": "9000000.00000000"},
        ],
    }


def _levels(side: Side) -> Json:
    return [[str(price), quantity] for price, quantity in side]


def _row(candle: Candle) -> Json:
    prices: list[Json] = [_text(price) for price in (candle.open, candle.high, candle.low, candle.close, candle.volume)]
    return [candle.open_ms, *prices, candle.last_ms, "0", 1, "0", "0", "0"]


def _text(value: Decimal) -> str:
    return format(value, "f")


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()


def _main() -> None:
    parser = argparse.ArgumentParser(description="serve candles as Binance would have, under a shifted clock")
    parser.add_argument("--candles", action="append", required=True, metavar="SYMBOL=FILE", help="1m candles, CSV[.gz]")
    parser.add_argument("--seconds", action="append", default=[], metavar="SYMBOL=FILE", help="1s candles")
    parser.add_argument("--at", required=True, metavar="TIME", help="the venue's time at the start, ISO-8601 with zone")
    parser.add_argument("--speed", type=float, default=1.0, help="venue seconds a second (0 stands still)")
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()

    def tapes(given: Sequence[str], interval_ms: int) -> dict[str, Sequence[Candle]]:
        pairs = [text.partition("=") for text in given]
        return {symbol: read_candles(Path(file), interval_ms) for symbol, _, file in pairs}

    market = Market(tapes(chosen.candles, MINUTE_MS), tapes(chosen.seconds, 1000))
    with VenueServer(market, from_iso(chosen.at), speed=chosen.speed, port=chosen.port) as server:
        print(server.base_url, flush=True)  # noqa: T201
        try:
            server.is_stopping.wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    _main()
