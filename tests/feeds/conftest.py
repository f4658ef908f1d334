"""The venue that the feed tests ask: five symbols, an hour of candles, ten and a half minutes into it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.feeds.world import HALTED, NOW, SYMBOLS, minutes
from tests.venue_market import Market
from tests.venue_server import VenueServer


@pytest.fixture
def venue() -> Iterator[VenueServer]:
    market = Market(dict.fromkeys(SYMBOLS, minutes(60)), listings={"EEEUSDT": HALTED})
    with VenueServer(market, NOW) as server:
        yield server
