"""What is remembered of the market and of runs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import HOUR_MS, MINUTE_MS, Quote
from papertrade.store.rows import (
    Coverage,
    CoverageKind,
    Delivery,
    LiveInstrument,
    NewDelivery,
    PricePoint,
    Run,
    SetAside,
    StoredInstrument,
    StoredQuote,
    SymbolFailures,
    VenueState,
    Watermark,
)
from papertrade.store.store import Store
from tests.store.stories import START_MS, doing

BTC = Instrument(venue="binance", symbol="BTCUSDT", base="BTC", quote="USDT", price_step=Decimal("0.01"))
PEPE = Instrument(venue="tape", symbol="PEPEUSDT", base="PEPE", quote="USDT", quantity_step=Decimal("0.000000000001"))


def mark(end_ms: int, close: str = "100.10", symbol: str = "BTCUSDT") -> Watermark:
    return Watermark(venue="binance", symbol=symbol, end_ms=end_ms, close=Decimal(close))


def test_instruments_are_remembered_and_renewed(store: Store) -> None:
    store.write(lambda w: w.put_instruments([StoredInstrument(BTC, 5), StoredInstrument(PEPE, 6)]))
    store.write(lambda w: w.put_instruments([StoredInstrument(replace(BTC, is_trading=False), 7)]))
    with store.read() as reader:
        assert reader.instrument("binance", "BTCUSDT") == StoredInstrument(replace(BTC, is_trading=False), 7)
        assert reader.instrument("tape", "BTCUSDT") is None
        assert [i.instrument.symbol for i in reader.instruments()] == ["BTCUSDT", "PEPEUSDT"]
        assert reader.instruments("tape") == (StoredInstrument(PEPE, 6),)


def test_a_watermark_never_moves_back(store: Store) -> None:
    store.write(lambda w: w.move_watermarks([mark(2 * MINUTE_MS, "100.20")]))
    store.write(lambda w: w.move_watermarks([mark(MINUTE_MS, "99"), mark(MINUTE_MS, "7", "ETHUSDT")]))
    store.write(lambda w: w.move_watermarks([]))
    with store.read() as reader:
        assert reader.watermark("binance", "BTCUSDT") == mark(2 * MINUTE_MS, "100.20")
        assert reader.watermark("binance", "ETHUSDT") == mark(MINUTE_MS, "7", "ETHUSDT")
        assert reader.watermark("tape", "ETHUSDT") is None


def test_live_instruments_come_with_how_far_they_are(book: Store) -> None:
    with book.read() as reader:
        assert [(i.venue, i.symbol, i.watermark) for i in reader.live_instruments()] == [
            ("binance", "BTCUSDT", None),
            ("binance", "ETHUSDT", None),
        ]
    aside = SetAside(trade_id=7, from_ms=START_MS, error="boom", ticks=1)
    book.write(
        doing(lambda w: w.put_instruments([StoredInstrument(BTC, 5)]), lambda w: w.move_watermarks([mark(MINUTE_MS)]))
    )
    book.write(doing(lambda w: w.set_trade_aside(aside), lambda w: w.set_trade_aside(replace(aside, ticks=2))))
    with book.read() as reader:
        bitcoin, ether = reader.live_instruments()
        assert reader.trades_set_aside() == (replace(aside, ticks=2),)
    assert bitcoin == LiveInstrument(
        venue="binance",
        symbol="BTCUSDT",
        instrument=BTC,
        watermark=mark(MINUTE_MS),
        set_aside=(replace(aside, ticks=2),),
    )
    assert (ether.instrument, ether.watermark, ether.set_aside) == (None, None, ())
    book.write(lambda w: w.take_trades_back([7]))
    with book.read() as reader:
        assert reader.trades_set_aside() == ()


def test_an_empty_book_has_no_live_instruments(store: Store) -> None:
    with store.read() as reader:
        assert reader.live_instruments() == ()


def test_quotes_keep_what_is_unknown_unknown(store: Store) -> None:
    first = StoredQuote(venue="binance", symbol="BTCUSDT", quote=Quote(at_ms=1, last=Decimal("5.50"), bid=Decimal(5)))
    later = replace(first, quote=Quote(at_ms=2, last=Decimal("0.00000000012")))
    store.write(lambda w: w.put_quotes([first]))
    with store.read() as reader:
        assert reader.quote("binance", "BTCUSDT") == first
        assert reader.quote("tape", "BTCUSDT") is None
    store.write(doing(lambda w: w.put_quotes([later]), lambda w: w.put_quotes([])))
    with store.read() as reader:
        assert reader.quotes() == (later,)


def test_prices_are_read_by_stretch_and_by_instant(store: Store) -> None:
    points = [
        PricePoint(venue="binance", symbol="BTCUSDT", at_ms=hour * HOUR_MS, price=Decimal(100 + hour))
        for hour in range(5)
    ]
    store.write(doing(lambda w: w.put_prices(points), lambda w: w.put_prices([])))
    with store.read() as reader:
        assert reader.prices("binance", "BTCUSDT", HOUR_MS, 3 * HOUR_MS) == tuple(points[1:3])
        assert reader.price_at("binance", "BTCUSDT", 2 * HOUR_MS) == points[2]
        assert reader.price_at("binance", "BTCUSDT", 2 * HOUR_MS - 1) == points[1]
        assert reader.price_at("binance", "BTCUSDT", -1) is None


def test_coverage_is_read_where_it_overlaps(store: Store) -> None:
    hole = Coverage(venue="binance", symbol="BTCUSDT", from_ms=100, to_ms=200, kind=CoverageKind.HOLE)
    blind = replace(hole, from_ms=300, to_ms=400, kind=CoverageKind.BLIND)
    store.write(lambda w: w.put_coverage([hole, blind]))
    store.write(lambda w: w.put_coverage([replace(hole, is_bridged=True)]))
    with store.read() as reader:
        assert reader.coverage("binance", "BTCUSDT") == (replace(hole, is_bridged=True), blind)
        assert reader.coverage("binance", "BTCUSDT", 200, 301) == (blind,)
        assert reader.coverage("binance", "BTCUSDT", 200, 300) == ()


def test_what_is_known_of_a_venue_survives_processes(store: Store) -> None:
    banned = VenueState(venue="binance", closed_until_ms=9, closed_reason="418", clock_offset_ms=-3, failures=2)
    store.write(lambda w: w.put_venue_state(banned))
    with store.read() as reader:
        assert reader.venue_state("binance") == banned
        assert reader.venue_state("tape") == VenueState(venue="tape")
        assert reader.venue_state("tape").failures == 0
        assert reader.venue_states() == (banned,)


def test_symbols_that_fail_are_counted_until_they_do_not(store: Store) -> None:
    failed = SymbolFailures(venue="binance", symbol="X", failures=1, last_error="no price", since_ms=5)
    store.write(lambda w: w.put_symbol_failures([failed, replace(failed, symbol="Y")]))
    store.write(lambda w: w.put_symbol_failures([replace(failed, failures=2)]))
    store.write(lambda w: w.forget_symbol_failures([("binance", "Y")]))
    with store.read() as reader:
        assert reader.symbol_failures() == (replace(failed, failures=2),)


def test_a_heartbeat_never_undoes_a_request_to_stop(store: Store) -> None:
    run = Run(id="a", kind="watch", pid=5, started_ms=10)
    store.write(lambda w: w.start_run(run))
    store.write(lambda w: w.request_stop("a", "enough"))
    store.write(lambda w: w.tick_run("a", last_tick_ms=20, next_tick_ms=50))
    store.write(lambda w: w.tick_run("a", last_tick_ms=80, next_tick_ms=110, skipped=1, has_failed=True))
    with store.read() as reader:
        alive = reader.run("a")
    assert alive == replace(
        run, last_tick_ms=80, next_tick_ms=110, ticks=2, skipped=1, failed=1, stop_requested="enough"
    )
    store.write(lambda w: w.end_run("a", 99, "stopped: enough"))
    store.write(lambda w: w.start_run(replace(run, id="b", started_ms=100)))
    with store.read() as reader:
        ended, last = reader.run("a"), reader.last_run("watch")
        assert reader.run("c") is None
        assert reader.last_run("backtest") is None
    assert ended is not None and (ended.ended_ms, ended.next_tick_ms, ended.note) == (99, None, "stopped: enough")
    assert last is not None and last.id == "b"


def test_a_cursor_starts_at_the_beginning(store: Store) -> None:
    store.write(lambda w: w.move_cursor("board", 7))
    store.write(lambda w: w.move_cursor("board", 9))
    with store.read() as reader:
        assert (reader.cursor("board"), reader.cursor("outbox")) == (9, 0)


def test_deliveries_wait_are_tried_again_and_arrive_once(store: Store) -> None:
    new = [NewDelivery(target="hook", event_seq=seq, next_ms=100) for seq in (1, 2, 3)]
    store.write(
        doing(lambda w: w.add_deliveries(new), lambda w: w.add_deliveries(new[:1]), lambda w: w.add_deliveries([]))
    )
    store.write(lambda w: w.mark_delivered(1, 150))
    store.write(lambda w: w.mark_undelivered(2, "refused", 500))
    with store.read() as reader:
        assert [d.id for d in reader.deliveries_due(200, 10)] == [3]
        assert [d.id for d in reader.deliveries_due(500, 1)] == [2]
        assert [d.id for d in reader.deliveries_next("hook", 500, 10)] == [3]
        assert [d.id for d in reader.deliveries_next("hook", 501, 1)] == [2]
        assert reader.deliveries_next("mail", 501, 1) == ()
        assert [d.attempts for d in reader.deliveries_waiting()] == [1, 0]
        assert reader.deliveries_waiting()[0] == Delivery(
            id=2, target="hook", event_seq=2, attempts=1, last_error="refused", delivered_ms=None, next_ms=500
        )
        assert (reader.deliveries_done("hook"), reader.deliveries_done("mail")) == (1, 0)
    store.write(lambda w: w.forget_deliveries(151))
    with store.read() as reader:
        assert reader.deliveries_done("hook") == 0
        assert len(reader.deliveries_waiting()) == 2


def test_every_attempt_to_deliver_counts(store: Store) -> None:
    store.write(lambda w: w.add_deliveries([NewDelivery(target="hook", event_seq=1, next_ms=100)]))
    for _ in range(2):
        store.write(lambda w: w.mark_undelivered(1, "refused", 500))
    store.write(lambda w: w.mark_delivered(1, 600))
    with store.read() as reader:
        row = reader._connection.exec_driver_sql("SELECT attempts, last_error, delivered_ms FROM delivery").one()
    assert tuple(row) == (3, "", 600)


def test_settings_are_kept(store: Store) -> None:
    store.write(lambda w: w.put_setting("account", "main"))
    store.write(lambda w: w.put_setting("account", "second"))
    with store.read() as reader:
        assert (reader.setting("account"), reader.setting("nothing")) == ("second", None)


def test_caches_are_outside_the_journal(book: Store) -> None:
    book.write(
        doing(
            lambda w: w.put_setting("a", "b"),
            lambda w: w.move_cursor("c", 1),
            lambda w: w.put_venue_state(VenueState(venue="v")),
        )
    )
    assert book.check().is_sound
