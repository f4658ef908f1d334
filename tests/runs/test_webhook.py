"""A webhook reaches the open internet and nothing else, at the very address that was looked at."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx
import pytest

from papertrade.runs.webhook import Hook, NotSent, is_public, post, resolved
from tests.runs.web import Listener

BODY = b'{"event": "test"}'

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:1::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "64:ff9b::808:808"]


def answering(*addresses: str) -> Callable[[str, int], asyncio.Future[Sequence[str]]]:
    """Return a resolver that knows one answer."""

    def resolve(host: str, port: int) -> asyncio.Future[Sequence[str]]:
        future: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
        future.set_result(addresses)
        return future

    return resolve


def sent(hook: Hook, *addresses: str, status: int = 204) -> list[httpx.Request]:
    """Post to a hook whose name has these addresses; return the requests that went out."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(status, headers={"Location": "https://127.0.0.1/"})

    asyncio.run(post(hook, BODY, answering(*addresses), httpx.MockTransport(answer)))
    return requests


def refusal(hook: Hook, *addresses: str, status: int = 204) -> str:
    with pytest.raises(NotSent) as caught:
        sent(hook, *addresses, status=status)
    return str(caught.value)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)


def test_it_connects_to_the_address_it_looked_at_under_the_hosts_name() -> None:
    hook = Hook("https://hooks.example.org/a/b?c=d", "X-Token", "sesame")
    (request,) = sent(hook, "8.8.8.8", "1.1.1.1")
    assert str(request.url) == "https://8.8.8.8/a/b?c=d"
    assert request.headers["Host"] == "hooks.example.org"
    assert request.headers["X-Token"] == "sesame"
    assert request.extensions["sni_hostname"] == "hooks.example.org"
    assert request.content == BODY


def test_an_address_of_six_groups() -> None:
    (request,) = sent(Hook("https://example.org"), "2606:4700::1111")
    assert str(request.url) == "https://[2606:4700::1111]/"


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("8.8.8.8", "127.0.0.1"), ("10.0.0.1", "8.8.8.8"), ("::ffff:10.0.0.1",)]
)
def test_f39_one_private_answer_is_enough_to_refuse(addresses: tuple[str, ...]) -> None:
    message = refusal(Hook("https://rebinding.example.org/"), *addresses)
    assert message == "the host is in a private network (`allow_private: true` allows that)"


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "localhost", "[::1]"])
def test_other_ways_to_write_the_loopback_are_seen_through(host: str) -> None:
    with pytest.raises(NotSent):
        asyncio.run(post(Hook(f"https://{host}/"), BODY))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.org/", "only https is allowed"),
        ("ftp://example.org/", "only https is allowed"),
        ("https://user:secret@example.org/", "the address must have a host and no user"),
        ("https://user@example.org/", "the address must have a host and no user"),
        ("https:///path", "the address must have a host and no user"),
        ("https://example.org:8443/", "only port 443 is allowed (`allow_private: true` allows others)"),
        ("https://example.org:22/", "only port 443 is allowed (`allow_private: true` allows others)"),
        ("https://example.org:99999/", "the port is not a number"),
    ],
)
def test_an_address_that_is_refused_before_anybody_is_asked(url: str, message: str) -> None:
    assert refusal(Hook(url), "8.8.8.8") == message


def test_a_private_place_may_be_allowed() -> None:
    hook = Hook("http://box.local:8080/x", allow_private=True)
    (request,) = sent(hook, "192.168.1.7")
    assert str(request.url) == "http://192.168.1.7:8080/x"
    assert request.headers["Host"] == "box.local:8080"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (301, "HTTP 301: a redirect, which is not followed"),
        (307, "HTTP 307: a redirect, which is not followed"),
        (404, "HTTP 404: a refusal"),
        (500, "HTTP 500"),
    ],
)
def test_what_is_no_success(status: int, message: str) -> None:
    assert refusal(Hook("https://example.org/"), "8.8.8.8", status=status) == message


def test_a_redirect_into_the_local_network_is_one_request() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(302, headers={"Location": "http://169.254.169.254/latest"})

    with pytest.raises(NotSent):
        asyncio.run(post(Hook("https://a.org"), BODY, answering("8.8.8.8"), httpx.MockTransport(answer)))
    assert len(requests) == 1


def test_a_name_that_nobody_knows() -> None:
    assert refusal(Hook("https://example.org/")) == "the host is not known"
    with pytest.raises(NotSent, match="the host is not known"):
        asyncio.run(post(Hook("https://no-such-host.invalid/"), BODY))


def test_a_connection_that_fails_shows_no_address() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {request.url}")

    hook = Hook("https://example.org/token-123", "X-Token", "sesame")
    with pytest.raises(NotSent) as caught:
        asyncio.run(post(hook, BODY, answering("8.8.8.8"), httpx.MockTransport(answer)))
    assert str(caught.value) == "no connection (ConnectError)"
    assert "token-123" not in repr(hook)
    assert "sesame" not in repr(replace(hook))


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Listener() as listener:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        asyncio.run(post(Hook(listener.url, "X-Token", "sesame", allow_private=True), BODY))
        assert [(got.body, got.headers["X-Token"]) for got in listener.got] == [(BODY, "sesame")]


def test_a_certificate_that_is_not_the_hosts_is_refused() -> None:
    with Listener() as listener:
        with pytest.raises(NotSent, match="no connection"):
            asyncio.run(post(Hook(listener.url.replace("http:", "https:"), allow_private=True), BODY))
        assert listener.got == []
    assert ssl.create_default_context().check_hostname


def test_the_system_resolves() -> None:
    assert asyncio.run(resolved("127.0.0.1", 80)) == ["127.0.0.1"]
