"""How long a venue told us to stay away: `Retry-After`, the wording of a ban, and the longest we believe.

Reads headers and texts only, keeps no state. The rule to keep: nothing a venue says closes it for more
than three days, the longest ban it gives.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_MS: Final = 3 * 86_400_000
"""The longest ban of the venue's documentation."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"[0-9]{1,999}", re.ASCII)
_BAN = re.compile(r"banned until ([0-9]{12,16})\b", re.ASCII | re.IGNORECASE)


def retry_after_ms(header: str | None, now_ms: int) -> int | None:
    """Read `Retry-After`, seconds or an HTTP date, as milliseconds from now; None if it says nothing usable."""
    if header is None:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text) is not None:
        return min(int(text) * 1000, LONGEST_MS)
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    wait_ms = (instant - _EPOCH) // timedelta(milliseconds=1) - now_ms
    return min(max(wait_ms, 0), LONGEST_MS)


def ban_wait_ms(text: str, now_ms: int) -> int | None:
    """Read `IP banned until <epoch ms>` as milliseconds from now; None if the words are not there."""
    match = _BAN.search(text)
    return None if match is None else min(max(int(match[1]) - now_ms, 0), LONGEST_MS)
