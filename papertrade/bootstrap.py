"""The composition root: from an invocation to settings, store, feed and clock. The only place that names them.

`open_books` is for commands that only read or write the database, and only from it on is the database's library
imported; `open_world` adds the venue, and only it imports what talks to one. Both close what they opened. The
rule to keep: settings stop here and in the commands, nobody below sees them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from papertrade.config.load import Configuration, Places, default_places, find_places, load
from papertrade.config.settings import OnThinBook, RunCommand, Settings, SlippageBy
from papertrade.engine.market import INTERVALS
from papertrade.engine.money import plain
from papertrade.engine.values import dataclass
from papertrade.errors import NotFound, PapertradeError
from papertrade.invocation import Invocation
from papertrade.render.text import safe

if TYPE_CHECKING:
    from papertrade.engine.step import Rules
    from papertrade.feeds.feed import Closure, Feed
    from papertrade.runs.notify import Target
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
            self.call.stderr.write(f"{safe(text)}\n")


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
            call.stderr.write(f"warning: {safe(warning)}\n")
    return places, configuration


@contextmanager
def open_books(call: Invocation, flags: Mapping[str, str] | None = None) -> Iterator[Books]:
    """Open the database, made with its default account at the first use."""
    from papertrade.store.store import Store

    places, configuration = configure(call, flags)
    settings = configuration.settings
    clock = call.clock
    opened = Store.open(places.database, now_ms=clock.now_ms, run_id=secrets.token_hex(8), pause=clock.pause)
    with closing(opened) as store:
        has_new_account = _first_account(store, settings, call)
        if has_new_account and not call.is_quiet:
            account = settings.account
            cash = f"{plain(account.cash)} {account.currency}"
            call.stderr.write(f"created {safe(str(places.database))} with account `{account.name}` ({cash})\n")
        if settings.notify_targets:
            from papertrade.runs.notify import register

            with suppress(PapertradeError):  # a database that cannot be written can still be read
                register(store, notify_targets(settings, call.environment))
        yield Books(call, settings, places, store, _account(store, call, settings))


@contextmanager
def open_file(call: Invocation) -> Iterator[Store]:
    """Open an existing database by itself, whatever it holds: to check it, copy it, or bring it up to date."""
    from papertrade.store.store import Store

    places = find_places(call.environment, call.flags.config, call.flags.db, default_places())
    clock = call.clock
    opened = Store.open(
        places.database, now_ms=clock.now_ms, run_id=secrets.token_hex(8), pause=clock.pause, can_create=False
    )
    with closing(opened) as store:
        yield store


@contextmanager
def open_world(call: Invocation, flags: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """Open the database and a client of the venue; its connections are closed at the end."""
    import asyncio

    with open_books(call, flags) as books, asyncio.Runner() as runner:
        wait: Waiter = runner.run
        feed = make_feed(books) if call.feed is None else call.feed
        try:
            yield Desk(books, make_world(books, feed, wait))
        finally:
            runner.run(feed.aclose())


def make_world(books: Books, feed: Feed, wait: Waiter) -> World:
    """Put a world together from open books and a feed."""
    from papertrade.runs.world import World

    return World(
        store=books.store,
        feed=feed,
        clock=books.call.clock,
        rules=rules_of(books.settings),
        watching=observation_rules(books.settings),
        wait=wait,
        zone=books.settings.display.zone,
    )


def rules_of(settings: Settings) -> Rules:
    """Return the engine's rules as configured."""
    from papertrade.engine.step import Rules

    return Rules(
        maker=settings.costs.maker,
        taker=settings.costs.taker,
        slippage_bps=settings.costs.slippage_bps,
        funding=settings.costs.funding,
        borrow=settings.costs.borrow,
        venue_costs=settings.costs.venues,
        symbol_costs=settings.costs.symbols,
        walks_book=settings.costs.slippage_by is SlippageBy.BOOK,
        refuses_thin_book=settings.costs.on_thin_book is OnThinBook.REFUSE,
        leverage=settings.leverage,
        maintenance=settings.maintenance_rate,
        convention=settings.convention,
        sizing=settings.sizing,
        same_currency=tuple(frozenset(group) for group in settings.same_currency),
        candle_ms=INTERVALS[settings.watch.candle],
        guards=settings.guards,
        caps=settings.caps,
    )


def observation_rules(settings: Settings) -> ObservationRules:
    """Return how the market is watched, as configured."""
    from papertrade.runs.observe import ObservationRules

    watch = settings.watch
    return ObservationRules(
        candle=watch.candle,
        settle=watch.settle,
        max_age_ms=watch.max_age_ms,
        max_jump=watch.max_jump_percent / 100,
        deadline_seconds=watch.tick_deadline_ms / 1000,
    )


def notify_targets(settings: Settings, environment: Mapping[str, str]) -> tuple[Target, ...]:
    """Return who is told what happened; their programs run in our own environment."""
    if not settings.notify_targets:
        return ()
    from papertrade.runs.notify import Program, Target
    from papertrade.runs.webhook import Hook

    targets = []
    for target in settings.notify_targets:
        delivery = target.delivery
        way: Program | Hook
        if isinstance(delivery, RunCommand):
            way = Program(delivery.arguments, environment)
        else:
            secret = None if delivery.secret is None else delivery.secret.reveal()
            way = Hook(delivery.url.reveal(), delivery.header, secret, delivery.allow_private)
        seconds = target.timeout_ms / 1000
        targets.append(Target(name=target.name, events=target.events, timeout_seconds=seconds, way=way))
    return tuple(targets)


def make_feed(books: Books) -> Feed:
    """Make the client of the configured venue, which remembers a ban that another process was given."""
    from papertrade.feeds.feed import Closure

    with books.store.read() as reader:
        state = reader.venue_state(books.settings.feed.value)
    closure = None if state.closed_until_ms is None else Closure(state.closed_until_ms, state.closed_reason)
    return feed_of(books.call, books.settings, closure)


def feed_of(call: Invocation, settings: Settings, closure: Closure | None = None) -> Feed:
    """Make the client of the configured venue; `closure` is how long nobody may ask it."""
    from papertrade.feeds.binance import BinanceFeed
    from papertrade.feeds.http import Ambient, HttpSettings

    venue = settings.feeds.binance
    clock = call.clock
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
    from papertrade.runs.accounts import begin_account

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
