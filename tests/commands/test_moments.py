"""Moments and spans as people type them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from papertrade.commands.moments import moment_ms, span_ms
from papertrade.errors import UsageProblem
from papertrade.render.numbers import iso_z

NOW = 1_795_168_800_000  # 2026-11-20T10:00Z
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("7d", 604800), ("2w", 1209600)]
)
def test_spans(text: str, seconds: int) -> None:
    assert span_ms(text, "--for") == seconds * 1000


@pytest.mark.parametrize("text", ["", "5", "h", "1.5h", "-2h", "2 h", "٣h", "2y"])
def test_what_is_not_a_span(text: str) -> None:
    with pytest.raises(UsageProblem, match=r"--for `.*` is not a span of time"):
        span_ms(text, "--for")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-11-20T10:00:00.000Z"),
        ("today", "2026-11-19T23:00:00.000Z"),
        ("Yesterday", "2026-11-18T23:00:00.000Z"),
        ("7d", "2026-11-13T10:00:00.000Z"),
        ("2026-11-20", "2026-11-19T23:00:00.000Z"),
        ("2026-07-01", "2026-06-30T22:00:00.000Z"),
        ("2026-11-20T10:00", "2026-11-20T09:00:00.000Z"),
        ("2026-11-20 10:00:00.250+02:00", "2026-11-20T08:00:00.250Z"),
        ("2026-11-20T10:00Z", "2026-11-20T10:00:00.000Z"),
        ("1795168800001", "2026-11-20T10:00:00.001Z"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    assert iso_z(moment_ms(text, "--since", NOW, BERLIN)) == moment


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "20/11/2026", "\x1b", "0001-01-01"])
def test_what_is_not_a_moment(text: str) -> None:
    with pytest.raises(UsageProblem, match=r"--since `.*` is not a moment"):
        moment_ms(text, "--since", NOW, BERLIN)
