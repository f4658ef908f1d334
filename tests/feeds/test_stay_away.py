"""How long a venue told us to stay away."""

from __future__ import annotations

import pytest

from papertrade.feeds.stay_away import LONGEST_MS, ban_wait_ms, retry_after_ms
from tests.feeds.world import RECORDED

NOW = 1_445_412_480_000  # 2015-10-21T07:28:00Z


@pytest.mark.parametrize(
    ("header", "wait_ms"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("1_0", None),
        ("0", 0),
        ("7", 7_000),
        (" 120 ", 120_000),
        ("999999999999", LONGEST_MS),
        ("9" * 900, LONGEST_MS),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30_000),
        ("Wed, 21 Oct 2015 07:28:30", 30_000),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", LONGEST_MS),
        ("Wed, 31 Feb 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read(header: str | None, wait_ms: int | None) -> None:
    assert retry_after_ms(header, NOW) == wait_ms


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [
        (f"Way too many requests; IP banned until {NOW + 5_000}. Please use", 5_000),
        (f"IP banned until {NOW - 5_000}.", 0),
        ("IP banned until 9999999999999.", LONGEST_MS),
        ("IP banned until tomorrow", None),
        ("Too much request weight used", None),
    ],
)
def test_the_wording_of_a_ban_is_read(text: str, wait_ms: int | None) -> None:
    assert ban_wait_ms(text, NOW) == wait_ms


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
@pytest.mark.parametrize(
    ("file", "until_ms"),
    [("error-1003-ip-banned.json", 1_618_228_675_371), ("error-1003-ip-banned-old.json", 1_544_570_770_441)],
)
def test_recorded_bans_are_read(file: str, until_ms: int) -> None:
    text = (RECORDED / "api" / "binance" / file).read_text()
    assert ban_wait_ms(text, until_ms - 1_000) == 1_000
