"""Asking a venue over HTTP: one client, bounded in time, size and number of tries; errors mapped once.

Knows status codes and headers, not what the answers mean. Retries GETs only for what another try can
cure, keeps away while a venue has told us to, and slows down before it has to. The rule to keep: every
failure of the network, the venue or its body leaves here as a FeedError, nothing of httpx ever does.

    FeedError   feed_timeout · feed_unreachable · feed_unavailable (5xx) · feed_bad_answer
                feed_banned (418, and while closed) · feed_rate_limited (429) · feed_restricted (451)
      VenueRefused   feed_refused (other 3xx and 4xx), with the venue's own code
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import Final
from urllib.parse import urlsplit

import httpx
import tenacity

from papertrade.engine.values import dataclass
from papertrade.errors import FeedError
from papertrade.feeds.answer import Answer, excerpt, parse_json, utc_text
from papertrade.feeds.feed import Closure
from papertrade.feeds.stay_away import LONGEST_MS, ban_wait_ms, retry_after_ms

_CURABLE: Final = frozenset({408, 425, 500, 502, 503, 504})
_JITTER_FIRST_SECONDS: Final = 0.5
_JITTER_MAX_SECONDS: Final = 4.0
_LAST_TRY_SECONDS: Final = 0.5
_BAN_DEFAULT_MS: Final = 120_000
_LIMIT_DEFAULT_MS: Final = 60_000
_ERROR_BODY_MAX: Final = 64 * 1024
_HEAVY_GAP_SECONDS: Final = 0.25
_BANNED: Final = "our address is banned (HTTP 418)"
_LIMITED: Final = "too many requests (HTTP 429)"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where a venue answers and within which bounds; `deadline_seconds` covers a call with all its retries."""

    venue: str
    base_url: str
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    deadline_seconds: float = 20.0
    connect_seconds: float = 3.0
    read_seconds: float = 4.0
    write_seconds: float = 3.0
    attempts_max: int = 4
    connections_max: int = 4
    body_max_bytes: int = 4 * 1024 * 1024
    weight_max: int = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambient:
    """The world of a client: wall clock (UTC ms), monotonic clock (s), randomness in [0, 1), sleep (s)."""

    now_ms: Callable[[], int]
    monotonic: Callable[[], float]
    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class VenueRefused(FeedError):
    """The venue says that the request is wrong; asking again would not help."""

    code = "feed_refused"

    def __init__(self, message: str, *, status: int, venue_code: int | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, details={"status": status, "venue_code": venue_code})
        self.status = status
        self.venue_code = venue_code


class _Transient(Exception):
    """A failure that another try may cure, not before `after` seconds."""

    def __init__(self, error: FeedError, after: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


class VenueHttp:
    """One venue's HTTP client, for the life of one event loop. Close it with `aclose`."""

    def __init__(
        self,
        settings: HttpSettings,
        ambient: Ambient,
        closure: Closure | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._ambient = ambient
        self._closure = closure
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._connections = asyncio.Semaphore(settings.connections_max)
        self._free_at = 0.0
        self._is_heavy = False
        self._host = _host(settings.base_url)

    @property
    def venue(self) -> str:
        """The venue's name."""
        return self._settings.venue

    @property
    def closure(self) -> Closure | None:
        """Until when no request is made; None when open. A closure that no venue could have asked for counts not."""
        if self._closure is None:
            return None
        left_ms = self._closure.until_ms - self._ambient.now_ms()
        return self._closure if 0 < left_ms <= LONGEST_MS else None

    def deadline(self) -> float:
        """Return the monotonic instant at which a call that begins now must have ended."""
        return self._ambient.monotonic() + self._settings.deadline_seconds

    async def get(self, path: str, query: Mapping[str, str | int], until: float) -> Answer:
        """Ask until the monotonic instant `until`, and return the JSON of the answer.

        Raises VenueRefused if the venue calls the request wrong, FeedError for everything else.
        """
        left = until - self._ambient.monotonic()
        if left <= 0:
            raise self._timeout()
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_Transient),
            wait=self._wait,
            stop=lambda state: self._is_over(state, until),
            sleep=self._ambient.sleep,
            reraise=True,
        )
        try:
            async with asyncio.timeout(left):
                body: bytes = await retrying(self._attempt, path, query)
        except TimeoutError:
            raise self._timeout() from None
        except _Transient as failure:
            if failure.error.error_code == "feed_rate_limited":
                self._close(int(failure.after * 1000), _LIMITED)
            raise failure.error from None
        try:
            return parse_json(body)
        except ValueError as error:
            raise self._bad_answer(f"no JSON ({excerpt(str(error))}): `{excerpt(body[:40])}`") from None

    async def aclose(self) -> None:
        """Close the connections; a second call does nothing."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _attempt(self, path: str, query: Mapping[str, str | int]) -> bytes:
        async with self._connections:
            await self._take_turn()
            self._refuse_while_closed()
            client = self._open_client()
            try:
                async with client.stream("GET", path, params=dict(query)) as response:
                    self._note_weight(response.headers)
                    if response.status_code == 200:
                        return await self._read(response)
                    raise await self._failure(response)
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.ProxyError, UnicodeError) as error:
                raise self._unusable(error) from None
            except httpx.TimeoutException as error:
                raise _Transient(self._unreachable("feed_timeout", error)) from None
            except httpx.TransportError as error:
                raise _Transient(self._unreachable("feed_unreachable", error)) from None
            except httpx.DecodingError:
                raise self._bad_answer("a body that cannot be decompressed") from None

    async def _take_turn(self) -> None:
        """Wait while told to back off; above 80 % of the weight limit requests start a quarter second apart.

        Four a second cannot use up the remaining fifth before the venue's minute is over.
        """
        now = self._ambient.monotonic()
        start = max(now, self._free_at)
        if self._is_heavy:
            self._free_at = start + _HEAVY_GAP_SECONDS
        if start > now:
            await self._ambient.sleep(start - now)

    def _refuse_while_closed(self) -> None:
        closure = self.closure
        if closure is not None:
            raise FeedError(
                f"`{self.venue}` must not be asked until `{utc_text(closure.until_ms)}`: {closure.reason}",
                code="feed_banned",
                hint="wait until then; what the market did meanwhile is caught up afterwards",
                details={"closed_until": utc_text(closure.until_ms)},
            )

    def _open_client(self) -> httpx.AsyncClient:
        if self._client is None:
            try:
                self._client = _new_client(self._settings, self._transport)
            except (httpx.InvalidURL, ValueError, ImportError) as error:
                raise self._unusable(error) from None
        return self._client

    def _note_weight(self, headers: httpx.Headers) -> None:
        used = headers.get("X-MBX-USED-WEIGHT-1M", "")
        if used.isascii() and used.isdigit() and len(used) < 10:
            self._is_heavy = int(used) * 10 > self._settings.weight_max * 8

    async def _read(self, response: httpx.Response) -> bytes:
        """Read the decoded body up to the cap."""
        if not _is_readable(response):
            raise self._bad_answer(f"a body in the encoding `{excerpt(response.headers['Content-Encoding'])}`")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._settings.body_max_bytes:
                raise self._bad_answer(f"a body of more than {self._settings.body_max_bytes} bytes")
        return bytes(body)

    async def _failure(self, response: httpx.Response) -> FeedError | _Transient:
        """Turn an answer that is no success into what it means."""
        status = response.status_code
        if status in (418, 429):
            return await self._told_to_stay_away(response)
        text, venue_code, message = await self._error_body(response)
        said = f"`{self.venue}` answered HTTP {status}" + (f": {excerpt(message or text)}" if message or text else "")
        if status in _CURABLE:
            return _Transient(FeedError(said, code="feed_unavailable", hint="try again in a minute"))
        if status == 451:
            return FeedError(
                f"`{self.venue}` does not serve this place (HTTP 451)",
                code="feed_restricted",
                hint=f"set feeds.{self.venue}.base_url to its market-data host, or feeds.{self.venue}.proxy",
            )
        if status < 300 or status >= 500:
            return self._bad_answer(f"HTTP {status}")
        return VenueRefused(said, status=status, venue_code=venue_code)

    async def _told_to_stay_away(self, response: httpx.Response) -> FeedError | _Transient:
        """Note how long a 418 or 429 closes the venue; a 429 that asks for seconds only is transient."""
        is_ban = response.status_code == 418
        now = self._ambient.now_ms()
        wait_ms = retry_after_ms(response.headers.get("Retry-After"), now)
        reason = _BANNED if is_ban else _LIMITED
        if wait_ms is None:
            wait_ms = _BAN_DEFAULT_MS if is_ban else _LIMIT_DEFAULT_MS
            self._close(wait_ms, reason)  # first, for the body that says how long may never end
            text, _, _ = await self._error_body(response)
            stated_ms = ban_wait_ms(text, now)
            wait_ms = wait_ms if stated_ms is None else max(stated_ms, wait_ms)
        code = "feed_banned" if is_ban else "feed_rate_limited"
        error = FeedError(f"`{self.venue}`: {reason}", code=code, hint="wait, and poll less often")
        if is_ban or wait_ms >= self._settings.deadline_seconds * 1000:
            self._close(wait_ms, reason)
            until = utc_text(now + wait_ms)
            return FeedError(
                f"`{self.venue}`: {reason}, until `{until}`",
                code=code,
                hint="wait until then; what the market did meanwhile is caught up afterwards",
                details={"closed_until": until},
            )
        self._free_at = max(self._free_at, self._ambient.monotonic() + wait_ms / 1000)
        return _Transient(error, wait_ms / 1000)

    async def _error_body(self, response: httpx.Response) -> tuple[str, int | None, str]:
        """Return an error's text, and code and message where it is the venue's JSON; never fails for its content."""
        body = bytearray()
        if not _is_readable(response):
            return "", None, ""
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _ERROR_BODY_MAX:
                    break
            answer = parse_json(bytes(body))
        except (httpx.HTTPError, ValueError):
            return body.decode(errors="replace"), None, ""
        venue_code = answer.get("code") if isinstance(answer, dict) else None
        message = answer.get("msg") if isinstance(answer, dict) else None
        return (
            body.decode(errors="replace"),
            venue_code if isinstance(venue_code, int) else None,
            message if isinstance(message, str) else "",
        )

    def _close(self, wait_ms: int, reason: str) -> None:
        """Ask nothing for so long; an earlier, longer closure stands."""
        until_ms = self._ambient.now_ms() + min(wait_ms, LONGEST_MS)
        standing = self.closure
        if wait_ms > 0 and (standing is None or standing.until_ms < until_ms):
            self._closure = Closure(until_ms, reason)

    def _is_over(self, state: tenacity.RetryCallState, until: float) -> bool:
        """Whether another try is one too many, or could not end in time."""
        if state.attempt_number >= self._settings.attempts_max:
            return True
        return self._ambient.monotonic() + state.upcoming_sleep >= until - _LAST_TRY_SECONDS

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the pause before the next try: full jitter, and never less than the venue asked for."""
        ceiling = min(_JITTER_MAX_SECONDS, _JITTER_FIRST_SECONDS * 2.0 ** (state.attempt_number - 1))
        failure = state.outcome.exception() if state.outcome is not None else None
        asked = failure.after if isinstance(failure, _Transient) else 0.0
        return max(self._ambient.random() * ceiling, asked)

    def _timeout(self) -> FeedError:
        return FeedError(
            f"`{self.venue}` did not answer within {self._settings.deadline_seconds:g} s",
            code="feed_timeout",
            hint="try again, or raise the deadline in the config",
        )

    def _unreachable(self, code: str, error: Exception) -> FeedError:
        return FeedError(
            f"`{self.venue}` cannot be reached at `{self._host}`: {type(error).__name__}",
            code=code,
            hint="papertrade doctor tells which part of the way fails",
        )

    def _unusable(self, error: Exception) -> FeedError:
        return FeedError(
            f"`{self.venue}` cannot be asked at `{excerpt(self._host)}`: {type(error).__name__}",
            code="feed_unreachable",
            hint=f"check feeds.{self.venue}.base_url and feeds.{self.venue}.proxy in the config",
        )

    def _bad_answer(self, what: str) -> FeedError:
        return FeedError(f"`{self.venue}` sent {what}", code="feed_bad_answer")


def _host(base_url: str) -> str:
    """Return what of an address may be shown: not its user and password."""
    try:
        return urlsplit(base_url).hostname or "no host"
    except ValueError:
        return "no host"


def _is_readable(response: httpx.Response) -> bool:
    """Whether the body has at most one layer of compression: nested ones multiply the size of a bomb."""
    return response.headers.get("Content-Encoding", "identity").strip().lower() in ("identity", "gzip", "deflate")


def _new_client(settings: HttpSettings, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """Make the client. Each of its timeouts bounds one phase only; the deadline bounds the whole."""
    return httpx.AsyncClient(
        base_url=settings.base_url,
        proxy=settings.proxy,
        # reading the certificates takes 25 ms, and a venue next door has none
        verify=settings.proxy is not None or not settings.base_url.startswith("http://"),
        transport=transport,
        headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "papertrade"},
        timeout=httpx.Timeout(
            connect=settings.connect_seconds,
            read=settings.read_seconds,
            write=settings.write_seconds,
            pool=settings.connect_seconds,
        ),
        # the venue is polled each 30 s: a connection must outlive the pause
        limits=httpx.Limits(
            max_connections=settings.connections_max,
            max_keepalive_connections=settings.connections_max,
            keepalive_expiry=60,
        ),
        follow_redirects=False,
        trust_env=False,
    )
