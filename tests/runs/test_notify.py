"""The outbox: what is told to whom, in which order, how often, and that it never costs a trade anything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from papertrade.engine.market import MINUTE_MS
from papertrade.engine.trade import Status
from papertrade.errors import Json
from papertrade.render.happening_json import letter_json
from papertrade.runs.notify import (
    ATTEMPTS_MAX,
    GIVEN_UP_MS,
    Program,
    Sent,
    Target,
    cursor_name,
    register,
    serve,
    wait_ms,
)
from papertrade.runs.tick import tick
from papertrade.runs.webhook import Hook
from papertrade.store.rows import Delivery
from tests.runs.desk import Desk, candle, desk_at
from tests.runs.web import Listener

PATH = {"PATH": "/usr/bin:/bin"}
ALL = ("order_filled", "trade_opened", "trade_changed", "trade_closed", "refused", "guard_acted")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


def program(script: str, name: str = "shell", events: tuple[str, ...] = ALL, timeout: float = 3) -> Target:
    return Target(name=name, events=events, timeout_seconds=timeout, way=Program(("sh", "-c", script), PATH))


def keeper(file: Path, name: str = "file", events: tuple[str, ...] = ALL) -> Target:
    return program(f"cat >> {file}; echo >> {file}", name, events)


def web(listener: Listener, name: str = "web", timeout: float = 3) -> Target:
    return Target(
        name=name, events=ALL, timeout_seconds=timeout, way=Hook(listener.url, "X-Token", "sesame", allow_private=True)
    )


def letters(file: Path) -> list[dict[str, Json]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def told(desk: Desk, *targets: Target, budget: float = 3.0) -> list[Sent]:
    return serve(desk.world, targets, letter_json, budget)


def waiting(desk: Desk) -> tuple[Delivery, ...]:
    with desk.world.store.read() as reader:
        return reader.deliveries_waiting()


def close_by_stop(desk: Desk) -> None:
    desk.tape["AAAUSDT"][2] = candle(2, "100 101 94 99")
    desk.clock.pause(180)
    tick(desk.world)
    assert desk.trade().status is Status.CLOSED


def test_a_target_is_told_of_every_event_it_wants_in_order(desk: Desk, tmp_path: Path) -> None:
    target = keeper(tmp_path / "out", events=("trade_opened", "trade_closed"))
    register(desk.world.store, [target])
    desk.long()
    close_by_stop(desk)
    assert [sent.error for sent in told(desk, target)] == [None, None]
    opened, closed = letters(tmp_path / "out")
    assert (opened["event"], opened["target"], opened["at"]) == ("trade_opened", "file", "2026-11-20T10:00:30.000Z")
    assert closed["event"] == "trade_closed"
    assert opened["delivery"] != closed["delivery"]
    data = closed["data"]
    assert isinstance(data, dict)
    trade, fill = data["trade"], data["fill"]
    assert isinstance(trade, dict)
    assert isinstance(fill, dict)
    assert (trade["status"], trade["exit_reason"], trade["exit_price"]) == ("closed", "stop_loss", "95")
    assert (fill["reason"], fill["price"], fill["final"]) == ("stop_loss", "95", True)
    first = opened["data"]
    assert isinstance(first, dict)
    assert isinstance(first["trade"], dict)
    assert first["trade"]["status"] == "open"


def test_an_order_that_was_filled_has_one_letter_by_the_name_the_target_wants(desk: Desk, tmp_path: Path) -> None:
    both = keeper(tmp_path / "both", "both")
    opened = keeper(tmp_path / "opened", "opened", ("trade_opened",))
    register(desk.world.store, [both, opened])
    desk.long(limit="98")
    desk.tape["AAAUSDT"][2] = candle(2, "100 101 97 99")
    desk.clock.pause(180)
    tick(desk.world)
    told(desk, both, opened)
    assert [letter["event"] for letter in letters(tmp_path / "both")] == ["trade_changed", "order_filled"]
    assert [letter["event"] for letter in letters(tmp_path / "opened")] == ["trade_opened"]


def test_nothing_is_sent_twice_and_nothing_without_news(desk: Desk, tmp_path: Path) -> None:
    target = keeper(tmp_path / "out")
    register(desk.world.store, [target])
    desk.long()
    told(desk, target)
    assert told(desk, target) == []
    assert len(letters(tmp_path / "out")) == 1
    assert told(desk) == []


def test_a_new_target_begins_with_the_present(desk: Desk, tmp_path: Path) -> None:
    desk.long()
    target = keeper(tmp_path / "out")
    assert told(desk, target) == []
    close_by_stop(desk)
    told(desk, target)
    assert [letter["event"] for letter in letters(tmp_path / "out")] == ["trade_closed"]


def test_f40_a_kill_between_sending_and_writing_it_down_repeats_with_the_same_number(
    desk: Desk, tmp_path: Path
) -> None:
    target = keeper(tmp_path / "out")
    register(desk.world.store, [target])
    desk.long()

    class Killed(BaseException):
        pass

    original = desk.world.wait

    def dying(*args: object) -> object:
        original(*args)  # type: ignore[arg-type]
        raise Killed

    import dataclasses

    with pytest.raises(Killed):
        serve(dataclasses.replace(desk.world, wait=dying), [target], letter_json)  # type: ignore[arg-type]
    told(desk, target)
    first, second = letters(tmp_path / "out")
    assert first == second


def test_a_failing_target_rests_longer_each_time_and_keeps_the_order(desk: Desk) -> None:
    with Listener(500, 500) as listener:
        target = web(listener)
        register(desk.world.store, [target])
        desk.long()
        close_by_stop(desk)
        assert [sent.error for sent in told(desk, target)] == ["HTTP 500"]
        assert told(desk, target) == []
        desk.clock.pause(29)
        assert told(desk, target) == []
        desk.clock.pause(1)
        assert [sent.error for sent in told(desk, target)] == ["HTTP 500"]
        desk.clock.pause(59)
        assert told(desk, target) == []
        desk.clock.pause(1)
        assert [sent.error for sent in told(desk, target)] == [None, None]
        events = [json.loads(got.body)["event"] for got in listener.got]
        assert events == ["trade_opened", "trade_opened", "trade_opened", "trade_closed"]
        assert {got.headers["X-Token"] for got in listener.got} == {"sesame"}
    assert waiting(desk) == ()


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 30), (2, 60), (5, 480), (6, 900), (50, 900)])
def test_how_long_a_target_rests(attempts: int, seconds: int) -> None:
    assert wait_ms(attempts) == seconds * 1000


def test_an_event_is_given_up_in_the_end_and_the_next_gets_its_turn(desk: Desk, tmp_path: Path) -> None:
    target = program("exit 3")
    register(desk.world.store, [target])
    desk.long()
    close_by_stop(desk)
    for _ in range(ATTEMPTS_MAX):
        told(desk, target)
        desk.clock.pause(900)
    first, second = waiting(desk)
    assert (first.next_ms, first.attempts) == (GIVEN_UP_MS, ATTEMPTS_MAX)
    assert first.last_error == "given up: `sh` ended with exit code 3"
    assert second.attempts == 0
    told(desk, keeper(tmp_path / "out", "shell"))
    assert [letter["event"] for letter in letters(tmp_path / "out")] == ["trade_closed"]


def test_a_slow_target_takes_nothing_from_the_others_nor_from_the_tick(desk: Desk, tmp_path: Path) -> None:
    targets = [program("sleep 30", "slow"), keeper(tmp_path / "out", "quick")]
    register(desk.world.store, targets)
    desk.long()
    began = time.monotonic()
    sent = told(desk, *targets, budget=0.5)
    assert time.monotonic() - began < 2
    assert {item.target: item.error for item in sent} == {"slow": "not done within 0.5 s", "quick": None}


def test_a_programs_children_end_with_it(desk: Desk, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    target = program(f"(sleep 1; touch {mark}) & wait", timeout=0.2)
    register(desk.world.store, [target])
    desk.long()
    assert [sent.error for sent in told(desk, target)] == ["not done within 0.2 s"]
    time.sleep(1.2)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("/no/such/program", "secret"), "`/no/such/program` cannot be started: no such file or directory"),
        (("/etc/passwd",), "`/etc/passwd` cannot be started: permission denied"),
        (("false",), "`false` ended with exit code 1"),
        (("sh", "-c", "kill -9 $$"), "`sh` ended with exit code -9"),
        (("a\0b",), "`a\0b` cannot be started: not a program"),
    ],
)
def test_a_program_that_fails(desk: Desk, arguments: tuple[str, ...], error: str) -> None:
    target = Target(name="x", events=ALL, timeout_seconds=3, way=Program(arguments, PATH))
    register(desk.world.store, [target])
    desk.long()
    assert [sent.error for sent in told(desk, target)] == [error]
    assert "secret" not in repr(target)


def test_a_program_that_does_not_read_is_a_success_if_it_says_so(desk: Desk) -> None:
    target = program("exec <&-; exit 0")
    register(desk.world.store, [target])
    desk.long()
    assert [sent.error for sent in told(desk, target)] == [None]


def test_a_slow_webhook_is_cut_off(desk: Desk) -> None:
    with Listener(delay_seconds=2) as listener:
        target = web(listener, timeout=0.3)
        register(desk.world.store, [target])
        desk.long()
        assert [sent.error for sent in told(desk, target)] == ["not done within 0.3 s"]


def test_a_burst_goes_out_within_the_budget_and_the_rest_later(desk: Desk, tmp_path: Path) -> None:
    target = program(f"sleep 0.2; cat >> {tmp_path / 'out'}; echo >> {tmp_path / 'out'}", timeout=1)
    register(desk.world.store, [target])
    for _ in range(6):
        desk.long()
    assert 0 < len(told(desk, target, budget=1.5)) < 6
    told(desk, target, budget=10)
    assert len(letters(tmp_path / "out")) == 6
    assert waiting(desk) == ()


def test_old_deliveries_are_forgotten(desk: Desk, tmp_path: Path) -> None:
    target = keeper(tmp_path / "out")
    register(desk.world.store, [target])
    desk.long()
    told(desk, target)
    desk.clock.pause(8 * 86_400)
    with desk.world.store.read() as reader:
        assert reader.deliveries_done("file") == 1
    desk.tape["AAAUSDT"] += [candle(n, "100 100 100 100") for n in range(8 * 1440 - 10, 8 * 1440 + 2)]
    desk.long()
    told(desk, target)
    with desk.world.store.read() as reader:
        assert reader.deliveries_done("file") == 1


def test_registering_leaves_known_targets_where_they_are(desk: Desk, tmp_path: Path) -> None:
    target = keeper(tmp_path / "out")
    register(desk.world.store, [target])
    with desk.world.store.read() as reader:
        before = reader.cursor(cursor_name("file"))
    desk.long()
    register(desk.world.store, [target])
    with desk.world.store.read() as reader:
        assert reader.cursor(cursor_name("file")) == before > 0


def test_a_refusal_is_told(desk: Desk, tmp_path: Path) -> None:
    from papertrade.engine.messages import Refused
    from papertrade.store.rows import Recorded

    target = keeper(tmp_path / "out")
    register(desk.world.store, [target])
    refused = Refused(
        account_id=1, code="insufficient_funds", message="too dear", symbol="AAAUSDT", side="long", signal_key="a:1"
    )
    desk.world.store.write(lambda writer: writer.record([Recorded(refused, desk.clock.at_ms)]))
    told(desk, target)
    (letter,) = letters(tmp_path / "out")
    assert letter["event"] == "refused"
    assert letter["data"] == {
        "kind": "refused",
        "trade": None,
        "code": "insufficient_funds",
        "message": "too dear",
        "symbol": "AAAUSDT",
        "side": "long",
        "signal": "a:1",
    }
    assert MINUTE_MS == 60_000
