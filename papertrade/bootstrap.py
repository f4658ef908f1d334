"""The composition root: from an invocation to settings, store, feed and clock. The only place that names them.

`open_books` is for commands that only read or write the database; `open_world` adds the venue. Both close
what they opened. The rule to keep: settings stop here and in the commands, nobody below sees them.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from papertrade.config.load import Configuration, Places, default_places, find_places, load
from papertrade.config.settings import Settings
from papertrade.engine.market import INTERVALS
from papertrade.engine.money import plain
from papertrade.engine.step import Rules
from papertrade.errors import NotFound
from papertrade.feeds.feed import Closure, Feed
from papertrade.invocation import Invocation
from papertrade.runs.accounts import begin_account
from papertrade.runs.observe import ObservationRules
from papertrade.runs.world import Waiter, World
from papertrade.store.rows import AccountRow
from papertrade.store.store import Store, Writer

ACCOUNT_SETTING = "account"
"""The setting of the database that `account use` writes."""


@dataclass(frozen=True, slots=True)
class Books:
    """An open database with the settings, and the account that the command acts on."""

    call: Invocation
    settings: Settings
    places: Places
    store: Store
    account: AccountRow

    def say(self, text: str) -> None:
        """Write a remark on stderr, unless `-q` was given."""
        if not self.call.is_quiet:
            self.call.stderr.write(f"{text}\n")


@dataclass(frozen=True, slots=True)
class Desk:
    """Books with a venue beside them: what a trading command works at."""

    books: Books
    world: World


def configure(call: Invocation, flags: Mapping[str, str] | None = None) -> tuple[Places, Configuration]:
    """Find the files and load the settings. Raises ConfigError with all that is wrong."""
    places = find_places(call.environment, call.flags.config, call.flags.db, default_places())
    configuration = load(places, call.environment, {} if flags is None else flags)
    if not call.is_quiet:
        for warning in configuration.warnings:
            call.stderr.write(f"warning: {warning}\n")
    return places, configuration


@contextmanager
def open_books(call: Invocation, flags: Mapping[str, str] | None = None) -> Iterator[Books]:
    """Open the database, made with its default account at the first use."""
    places, configuration = configure(call, flags)
    settings = configuration.settings
    clock = call.clock
    opened = Store.open(places.database, now_ms=clock.now_ms, run_id=secrets.token_hex(8), pause=clock.pause)
    with closing(opened) as store:
        has_new_account = _first_account(store, settings, call)
        if has_new_account and not call.is_quiet:
            account = settings.account
            call.stderr.write(
                f"created {places.database} with account `{account.name}` ({plain(account.cash)} {account.currency})\n"
            )
        yield Books(call, settings, places, store, _account(store, call, settings))


@contextmanager
def open_world(call: Invocation, flags: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """Open the database and a client of the venue; its connections are closed at the end."""
    with open_books(call, flags) as books, asyncio.Runner() as runner:
        wait: Waiter = runner.run
        feed = make_feed(books)
        try:
            yield Desk(books, make_world(books, feed, wait))
        finally:
            runner.run(feed.aclose())


def make_world(books: Books, feed: Feed, wait: Waiter) -> World:
    """Put a world together from open books and a feed."""
    return World(
        store=books.store,
        feed=feed,
        clock=books.call.clock,
        rules=rules_of(books.settings),
        watching=observation_rules(books.settings),
        wait=wait,
    )


def rules_of(settings: Settings) -> Rules:
    """Return the engine's rules as configured."""
    return Rules(
        maker=settings.costs.maker,
        taker=settings.costs.taker,
        slippage_bps=settings.costs.slippage_bps,
        leverage=settings.leverage,
        convention=settings.convention,
        sizing=settings.sizing,
        same_currency=tuple(frozenset(group) for group in settings.same_currency),
        candle_ms=INTERVALS[settings.watch.candle],
    )


def observation_rules(settings: Settings) -> ObservationRules:
    """Return how the market is watched, as configured."""
    watch = settings.watch
    return ObservationRules(
        candle=watch.candle,
        settle=watch.settle,
        max_age_ms=watch.max_age_ms,
        deadline_seconds=watch.tick_deadline_ms / 1000,
    )


def make_feed(books: Books) -> Feed:
    """Make the client of the configured venue, which remembers a ban that another process was given."""
    from papertrade.feeds.binance import BinanceFeed
    from papertrade.feeds.http import Ambient, HttpSettings

    settings = books.settings
    venue = settings.feeds.binance
    with books.store.read() as reader:
        state = reader.venue_state(settings.feed.value)
    closure = None if state.closed_until_ms is None else Closure(state.closed_until_ms, state.closed_reason)
    clock = books.call.clock
    return BinanceFeed(
        HttpSettings(
            venue=settings.feed.value,
            base_url=venue.base_url,
            proxy=None if venue.proxy is None else venue.proxy.reveal(),
            deadline_seconds=settings.watch.tick_deadline_ms / 1000 * 0.9,
            connect_seconds=venue.connect_timeout_ms / 1000,
            read_seconds=venue.read_timeout_ms / 1000,
            attempts_max=venue.attempts,
        ),
        Ambient(now_ms=clock.now_ms, monotonic=clock.monotonic, random=secrets.SystemRandom().random),
        closure,
    )


def _first_account(store: Store, settings: Settings, call: Invocation) -> bool:
    with store.read() as reader:
        if reader.accounts():
            return False

    def write(writer: Writer) -> bool:
        if writer.accounts():
            return False
        account = settings.account
        begin_account(writer, account.name, account.currency, account.cash, call.clock.now_ms())
        return True

    return store.write(write)


def _account(store: Store, call: Invocation, settings: Settings) -> AccountRow:
    """Find the account by flag, environment, `account use`, or configuration, in this order."""
    named = call.flags.account or call.environment.get("PAPERTRADE_ACCOUNT")
    with store.read() as reader:
        name = named or reader.setting(ACCOUNT_SETTING) or settings.account.name
        account = reader.account_named(name)
        if account is None and named is None:
            account = next(iter(reader.accounts()), None)
    if account is None:
        raise NotFound(f"account `{name}` does not exist", hint=f"papertrade account create {name}")
    return account


def process_id() -> int:
    """Return the number of this process, for people who look at a running watch."""
    return os.getpid()
