"""P6: one price poll of 2,000 symbols against the floor: httpx keep-alive + json + Decimal of the wanted prices.

    python benchmarks/poll.py [--quick]

Both ask the same loopback server in the same run, in turn; budget 2 x. The floor makes a Decimal of each of the
2,000 last prices. The poll reads the same body and makes quotes of the live symbols, 200 as in P4, as a watch does
with more symbols than fit one request; quotes of all 2,000, and bids and asks, are printed beside it.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from decimal import Decimal

import httpx

from papertrade.feeds.binance import BinanceFeed
from papertrade.feeds.http import Ambient, HttpSettings
from papertrade.runs.clock import SystemClock

PORT = 18_347
SYMBOLS = [f"SYM{number:04d}USDT" for number in range(2_000)]


async def serve() -> None:
    """Answer ticker/price and ticker/bookTicker for 2,000 symbols, keep-alive, as fast as asyncio can."""
    chance = random.Random(3)
    prices = [f"{chance.uniform(0.001, 60_000):.8f}" for _ in SYMBOLS]
    price = json.dumps([{"symbol": s, "price": p} for s, p in zip(SYMBOLS, prices, strict=True)]).encode()
    book = json.dumps(
        [
            {"symbol": s, "bidPrice": p, "bidQty": "1", "askPrice": p, "askQty": "1"}
            for s, p in zip(SYMBOLS, prices, strict=True)
        ]
    ).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                body = book if b"bookTicker" in request else price
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                writer.write(head + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", PORT)
    await server.serve_forever()


async def measure(turns: int) -> tuple[float, float, float, float]:
    """Return median seconds of the floor, of our poll, of one that wants all, and of that with bids and asks."""
    clock = SystemClock()
    base = f"http://127.0.0.1:{PORT}"
    feed = BinanceFeed(
        HttpSettings(venue="binance", base_url=base),
        Ambient(now_ms=clock.now_ms, monotonic=clock.monotonic, random=random.random),
    )
    live = SYMBOLS[::10]
    floors, polls, alls, books = [], [], [], []
    async with httpx.AsyncClient() as client:
        for turn in range(turns + 1):
            began = time.perf_counter()
            answer = await client.get(f"{base}/api/v3/ticker/price")
            wanted = {item["symbol"]: Decimal(item["price"]) for item in json.loads(answer.content)}
            floor = time.perf_counter() - began
            began = time.perf_counter()
            quotes = await feed.quotes(live, 0, with_book=False)
            ours = time.perf_counter() - began
            began = time.perf_counter()
            everything = await feed.quotes(SYMBOLS, 0, with_book=False)
            whole = time.perf_counter() - began
            began = time.perf_counter()
            await feed.quotes(SYMBOLS, 0)
            book = time.perf_counter() - began
            assert (len(wanted), len(quotes), len(everything)) == (len(SYMBOLS), len(live), len(SYMBOLS))
            if turn:
                floors.append(floor)
                polls.append(ours)
                alls.append(whole)
                books.append(book)
    await feed.aclose()
    medians = [statistics.median(figures) for figures in (floors, polls, alls, books)]
    return medians[0], medians[1], medians[2], medians[3]


def main() -> None:
    if "serve" in sys.argv:
        asyncio.run(serve())
        return
    server = subprocess.Popen([sys.executable, __file__, "serve"])
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/v3/ticker/price").read()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        floor, ours, whole, book = asyncio.run(measure(10 if "--quick" in sys.argv else 60))
    finally:
        server.terminate()
        server.wait()
    print(f"floor {floor * 1000:.2f} ms, poll for {len(SYMBOLS) // 10} live symbols {ours * 1000:.2f} ms")
    print(f"P6 poll / floor {ours / floor:.2f} (budget 2)")
    print(f"all 2,000 wanted {whole / floor:.2f}, with bids and asks, two requests {book / floor:.2f}")


if __name__ == "__main__":
    main()
