"""Posting to an address that somebody wrote into a configuration, without being led into the local network.

The name is resolved once, every answer must be public, and the connection goes to the very address that was
looked at, under the name's own certificate. No redirects, no proxies of the environment. The rule to keep:
no message of ours carries the address, the secret or what the other side answered.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from papertrade.engine.values import dataclass

if TYPE_CHECKING:
    import httpx

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
_TUNNELS: Final = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Hook:
    """Where to post: the address, and a header that proves who we are. Neither is ever shown."""

    url: str = field(repr=False)
    header: str | None = None
    secret: str | None = field(default=None, repr=False)
    allow_private: bool = False


class NotSent(Exception):
    """A delivery that did not arrive; the message is fit to be shown and stored."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """Ask the system for every address of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def post(
    hook: Hook, body: bytes, resolve: Resolver = resolved, transport: httpx.AsyncBaseTransport | None = None
) -> None:
    """Post a JSON body; any 2xx is success. Raises NotSent. The caller bounds the time."""
    import httpx

    parts = urlsplit(hook.url)
    host = parts.hostname or ""
    port = _port(hook)
    address = await _address(hook, host, port, resolve)
    literal = f"[{address}]" if ":" in address else address
    query = f"?{parts.query}" if parts.query else ""
    usual = 443 if parts.scheme == "https" else 80
    headers = {"Host": host if port == usual else f"{host}:{port}", "Content-Type": "application/json"}
    if hook.header is not None and hook.secret is not None:
        headers[hook.header] = hook.secret
    try:
        async with (
            httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False, timeout=30) as client,
            client.stream(
                "POST",
                f"{parts.scheme}://{literal}:{port}{parts.path or '/'}{query}",
                content=body,
                headers=headers,
                extensions={"sni_hostname": host} if parts.scheme == "https" else {},
            ) as response,
        ):
            status = response.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NotSent(f"no connection ({type(error).__name__})") from None
    if not 200 <= status < 300:
        told = "a redirect, which is not followed" if 300 <= status < 400 else "a refusal"
        raise NotSent(f"HTTP {status}: {told}" if status < 500 else f"HTTP {status}")


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet: not loopback, private, link-local, multicast or a tunnel."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    return address.is_global and address in _GLOBAL_V6 and not any(address in tunnel for tunnel in _TUNNELS)


def _port(hook: Hook) -> int:
    parts = urlsplit(hook.url)
    if parts.scheme not in (("https", "http") if hook.allow_private else ("https",)):
        raise NotSent("only https is allowed")
    if parts.username is not None or parts.password is not None or not parts.hostname:
        raise NotSent("the address must have a host and no user")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NotSent("the port is not a number") from None
    if port != 443 and not hook.allow_private:
        raise NotSent("only port 443 is allowed (`allow_private: true` allows others)")
    return port


async def _address(hook: Hook, host: str, port: int, resolve: Resolver) -> str:
    """Resolve the name once and return the first address, if all of them may be asked."""
    try:
        found = await resolve(host, port)
    except (OSError, UnicodeError):
        raise NotSent("the host is not known") from None
    if not found:
        raise NotSent("the host is not known")
    if not hook.allow_private and not all(is_public(address) for address in found):
        raise NotSent("the host is in a private network (`allow_private: true` allows that)")
    return found[0]
