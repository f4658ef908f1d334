"""A loopback web server that keeps what it gets, and answers as told."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Got:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes


class Listener:
    """The server in a thread of its own; `statuses` are answered in turn, then 204."""

    def __init__(self, *statuses: int, delay_seconds: float = 0.0) -> None:
        self.got: list[Got] = []
        self.statuses = list(statuses)
        self.delay_seconds = delay_seconds
        self._http = _Server(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        listener = self.server.listener
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        listener.got.append(Got(self.path, dict(self.headers), body))
        time.sleep(listener.delay_seconds)
        self.send_response(listener.statuses.pop(0) if listener.statuses else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep stderr quiet: `got` is the log."""
