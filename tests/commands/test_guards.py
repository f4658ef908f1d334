"""`guards`, and what guards and caps do to the commands that open trades."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.backtest_files import Folder
from tests.commands.trading_desk import TradingDesk

MAX_ONE = "guards:\n  max_open: 1\n"
HALTED = "error: guard max_open: `1` trade is live, at most `1` may be\nhint: papertrade guards\n"


def configured(desk: TradingDesk, text: str) -> TradingDesk:
    Path(desk.environment["PAPERTRADE_CONFIG"]).write_text(text, encoding="utf-8")
    return desk


def items(desk: TradingDesk, *args: str) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", desk.data(*args)["items"])


def test_a_halt_refuses_and_is_journaled(desk: TradingDesk) -> None:
    configured(desk, MAX_ONE).text("long", "BTCUSDT", "--size", "1")
    assert desk.refusal("short", "ETHUSDT", "--size", "2") == (6, HALTED)
    envelope = desk("long", "ETHUSDT", "--size", "1", "--dry-run", "--json").envelope
    error = cast("Mapping[str, Json]", envelope["error"])
    assert (error["code"], error["details"]) == (
        "guard",
        {"guard": "max_open", "live": "1", "limit": "1", "until": None},
    )
    (act,) = items(desk, "guards", "history")
    assert {name: act[name] for name in ("guard", "action", "symbol", "side", "size_before", "size_after")} == {
        "guard": "max_open",
        "action": "halt",
        "symbol": "ETHUSDT",
        "side": "short",
        "size_before": "2",
        "size_after": "0",
    }
    assert desk.text("log", "--limit", "2") == (
        "2026-11-20 10:00:30 UTC  refused short ETHUSDT guard max_open: `1` trade is live, at most `1` may be\n"
        "2026-11-20 10:00:30 UTC  short ETHUSDT guard max_open halts: `1` trade is live, at most `1` may be\n"
        "the newest 2 of 6; --limit 0 shows all\n"
    )


def test_what_is_live_is_never_held_back(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "98")
    desk.text("long", "ETHUSDT", "--limit", "90", "--size", "1")
    configured(desk, "guards:\n  max_open: 1\n  drawdown: 0.01%\n  hours: [{days: mon, from: 08:00, to: 09:00}]\n")
    desk.text("modify", "1", "--sl", "97")
    desk.text("close", "1", "--fraction", "0.5")
    desk.text("close", "1")
    desk.text("cancel", "2")
    assert items(desk, "guards", "history") == []


def test_a_shrunk_size_says_so_everywhere(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  max_open: {limit: 1, action: shrink, factor: 0.25}\n")
    desk.text("long", "BTCUSDT", "--size", "1")
    assert desk.text("long", "ETHUSDT", "--size", "4") == (
        "#2 open long 1 ETHUSDT at 100, fee 0.10, guarded, free 9799.80 USDT\n"
        "   no stop, no target; 100.00 tied up\n"
        "   guard max_open: size 4 -> 1, `1` trade is live, at most `1` may be\n"
    )
    assert desk.trade(2)["flags"] == ["guarded"]
    assert desk.text("explain", "2").splitlines()[1:3] == [
        "held back 2026-11-20 10:00:30 UTC: guard max_open: size 4 -> 1, `1` trade is live, at most `1` may",
        "          be",
    ]
    (told,) = cast("Sequence[Mapping[str, Json]]", desk.data("explain", "2")["guards"])
    assert told["numbers"] == {"live": "1", "limit": "1", "factor": "0.25"}
    assert cast("Mapping[str, Json]", told["figures"])["equity"] == "9999.9"
    assert desk.text("check").endswith("everything agrees\n")


def test_a_warning_goes_to_stderr(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  hours: {sessions: [{days: mon-thu, from: 00:00, to: 24:00}], action: warn}\n")
    result = desk("long", "BTCUSDT", "--size", "1")
    assert result.code == 0
    assert result.err == (
        "long BTCUSDT: guard hours warns: fri 10:00 is outside the hours mon,tue,wed,thu 00:00-24:00\n"
    )
    assert desk("long", "BTCUSDT", "--size", "2", "-q").err == ""


def test_hours_are_those_of_the_display_zone(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  hours: [{from: 11:00, to: 12:00}]\ndisplay: {zone: Europe/Berlin}\n")
    desk.text("long", "BTCUSDT", "--size", "1")
    configured(desk, "guards:\n  hours: [{from: 11:00, to: 12:00}]\n")
    assert desk("long", "BTCUSDT", "--size", "2").code == 6


def test_a_cap_refuses_or_shrinks(desk: TradingDesk) -> None:
    configured(desk, "caps: {total: 10%}\n")
    assert desk.refusal("long", "BTCUSDT", "--size", "20") == (
        6,
        "error: cap_total: all live trades may have `1000`, `0` is used, `1000` is left, this trade needs `2000`\n"
        "hint: use --size 10 or less, or close a trade, raise caps.total, or set caps.on_cap: shrink\n",
    )
    configured(desk, "caps: {total: 10%, on_cap: shrink}\n")
    assert desk.text("long", "BTCUSDT", "--limit", "80", "--size", "20").splitlines()[-1] == (
        "   cap_total: size 20 -> 12.5, all live trades may have `1000`, `0` is used, `1000` is left"
    )
    assert desk.trade(1)["flags"] == ["at_cap"]
    assert desk.refusal("long", "ETHUSDT", "--size", "1")[0] == 6


def test_a_preset_adds_its_guards(desk: TradingDesk) -> None:
    configured(desk, "presets:\n  careful: {sl: 2%, guards: {max_open: 1}}\n  plain: {sl: 2%}\n")
    desk.text("long", "BTCUSDT", "--size", "1", "--preset", "careful")
    assert desk.refusal("long", "ETHUSDT", "--size", "1", "--preset", "careful") == (6, HALTED)
    desk.text("long", "ETHUSDT", "--size", "1", "--preset", "plain")
    rows = "id,symbol,side,size\na,BTCUSDT,long,1\nb,ETHUSDT,long,1\n"
    result = desk("signal", "import", "-", "--source", "x", "--preset", "careful", "--open", stdin=rows)
    assert (result.code, result.out.count("refused")) == (6, 2)


def test_several_openings_are_judged_one_after_the_other(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  max_open: 1\n  drawdown: 50%\n  daily_loss: 50%\n")
    rows = "id,symbol,side,size\na,BTCUSDT,long,1\nb,ETHUSDT,long,1\n"
    result = desk("signal", "import", "-", "--source", "x", "--open", stdin=rows)
    assert result.code == 10
    assert "refused long ETHUSDT x:b: guard max_open: `1` trade is live, at most `1` may be\n" in result.out


def test_the_state_of_every_guard(desk: TradingDesk) -> None:
    configured(
        desk,
        "guards:\n  max_open: 2\n  drawdown: 1%\n  daily_loss: {limit: 5, action: warn}\n"
        "  cooldown: {losses: 1, for: 2h, action: shrink}\n  lockout: 1h\n"
        "caps: {symbol: 300, side: 50%, source: 1000, total: 100%}\n",
    )
    desk.text("long", "BTCUSDT", "--size", "1")
    desk.text("close", "1")
    desk.text("guards", "reset", "drawdown")
    assert desk.text("long", "ETHUSDT", "--size", "6").startswith("#2 open long 3 ETHUSDT at 100, ")
    assert desk.text("guards") == (
        "Guards of main  2026-11-20 10:00 UTC\n"
        "max_open    armed: `1` trade is live, at most `2` may be\n"
        "daily_loss  armed: today's loss is `0.5`, the limit is `5`\n"
        "drawdown    armed: equity is `9999.5`, 0% below its peak `9999.8`; the limit is 1%\n"
        "cooldown    shrinking: `1` losses in a row, `1` ask for a pause of 2h until 2026-11-20T12:00:30.000Z\n"
        "lockout     halting: BTCUSDT had `1` loss, `1` lock it for 1h until 2026-11-20T11:00:30.000Z\n"
        "cap_symbol  ETHUSDT: 300.00 of 300.00 used, 0.00 left\n"
        "cap_side    long: 300.00 of 4999.75 used, 4699.75 left\n"
        "cap_side    short: 0.00 of 4999.75 used, 4999.75 left\n"
        "cap_source  manual: 300.00 of 1000.00 used, 700.00 left\n"
        "cap_total   300.00 of 9999.50 used, 9699.50 left\n"
        "\n"
        "Account  equity 9999.50 USDT, 0.00% below its peak 9999.80, today -0.50, 1 live\n"
        "\n"
        "All 1 adjustments\n"
        "11-20 10:00  #2 long ETHUSDT guard cooldown: size 6 -> 3, `1` losses in a row, `1` ask for a pause\n"
        "             of 2h until 2026-11-20T12:00:30.000Z\n"
    )
    told = cast("Sequence[Mapping[str, Json]]", desk.data("guards")["guards"])
    assert [(one["guard"], one["state"], one["until"]) for one in told] == [
        ("max_open", "armed", None),
        ("daily_loss", "armed", None),
        ("drawdown", "armed", None),
        ("cooldown", "shrinking", "2026-11-20T12:00:30.000Z"),
        ("lockout", "halting", "2026-11-20T11:00:30.000Z"),
    ]
    assert desk.refusal("long", "BTCUSDT", "--size", "2")[0] == 6


def test_without_guards_there_is_nothing_to_show(desk: TradingDesk) -> None:
    assert desk.text("guards") == (
        "Guards of main  2026-11-20 10:00 UTC\n"
        "no guard and no cap is set: see guards.* and caps.* in `papertrade config show`\n"
        "\n"
        "Account  equity 10000.00 USDT, 0.00% below its peak 10000.00, today 0.00, 0 live\n"
    )


def test_a_latched_drawdown_ends_with_a_reset(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  drawdown: 1%\n  lockout: 1h\n")
    assert "lockout   armed: no symbol has lost\n" in desk.text("guards")
    # from 100 to 110 in minute 20: a short of 20 loses 200, the fees beside it
    desk.text("short", "BTCUSDT", "--size", "20")
    code, said = desk.at("30").refusal("long", "ETHUSDT", "--size", "1")
    assert (code, said.partition("\n")[0]) == (
        6,
        "error: guard drawdown: equity is `9798`, 2.02% below its peak `10000`; the limit is 1%",
    )
    assert desk.text("guards", "reset", "--reason", "it was a test") == (
        "guards reset (drawdown, cooldown, lockout): it was a test\n"
    )
    desk.text("long", "ETHUSDT", "--size", "1")
    assert "drawdown  armed: equity is `9797.89`, 0% below its peak `9798`; the limit is 1%\n" in desk.text("guards")
    assert desk.text("check").endswith("everything agrees\n")


RESETS = [
    (("max_open",), "`max_open` remembers nothing that could be reset\nhint: one of drawdown, cooldown, lockout\n"),
    (("cooldwn",), "there is no guard `cooldwn`\nhint: did you mean `cooldown`?\n"),
    (("xyz",), "there is no guard `xyz`\nhint: one of drawdown, cooldown, lockout\n"),
]


@pytest.mark.parametrize(("words", "message"), RESETS)
def test_only_what_remembers_can_be_reset(desk: TradingDesk, words: tuple[str, ...], message: str) -> None:
    assert desk.refusal("guards", "reset", *words) == (2, f"error: {message}")


def test_losses_before_a_reset_count_no_more(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  cooldown: {losses: 1, for: 2h}\n  lockout: 1h\n")
    desk.text("long", "BTCUSDT", "--size", "1")
    desk.text("close", "1")
    assert desk("long", "BTCUSDT", "--size", "2").code == 6
    assert desk.data("guards", "reset", "cooldown", "--reason", "x")["guards"] == ["cooldown"]
    assert desk.refusal("long", "BTCUSDT", "--size", "2")[1].startswith("error: guard lockout: BTCUSDT had `1` loss")
    desk.text("long", "ETHUSDT", "--size", "1")


def test_a_win_ends_a_losing_streak(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  cooldown: {losses: 2, for: 10h}\n")
    desk.text("long", "BTCUSDT", "--size", "1", "--tp", "105")
    desk.text("long", "ETHUSDT", "--size", "1")
    desk.text("close", "2")
    desk("orders", "-q")
    desk.at("30").text("watch", "--once", "-q")
    desk("long", "ETHUSDT", "--size", "1")
    assert "cooldown  armed: `0` losses in a row" in desk("guards").out


def test_history_and_snapshots_are_lists(desk: TradingDesk) -> None:
    configured(desk, MAX_ONE).text("long", "BTCUSDT", "--size", "1", "--sl", "98")
    assert desk("long", "ETHUSDT", "--size", "1").code == 6
    history = desk("guards", "history", "--csv").out.splitlines()
    assert history[0].startswith("at,guard,action,symbol,side,signal,trade_id,size_before,size_after,message,equity")
    assert history[1].startswith("2026-11-20T10:00:30.000Z,max_open,halt,ETHUSDT,long,manual:2,,1,0,")
    assert desk.text("guards", "history", "--since", "2026-11-21") == ""
    desk.at("1500")  # the next day
    assert desk.text("guards", "snapshots") == (
        "At            Equity  Balance  Drawdown    Day  Live  Wins  Losses  Win rate  Why\n"
        "---------------------------------------------------------------------------------------\n"
        "11-20 10:00  9999.90  9999.90     0.00%  -0.10     1     0       0         -  max_open\n"
        "11-20 23:59  9999.90  9999.90     0.00%  -0.10     1     0       0         -  day's end\n"
    )
    kinds = [one["kind"] for one in items(desk, "guards", "snapshots", "--since", "2026-11-20")]
    assert kinds == ["adjustment", "day"]
    (day,) = items(desk, "guards", "snapshots", "--limit", "1", "--until", "now")
    assert (day["at"], day["today_equity_change"]) == ("2026-11-20T23:59:59.999Z", "-0.1")
    assert desk("guards", "snapshots", "--csv").out.splitlines()[2].startswith("2026-11-20T23:59:59.999Z,day,9999.9,")


def seen_by_snapshots(desk: TradingDesk) -> list[tuple[Json, Json, Json]]:
    return [(one["guards"], one["equity"], one["live_trades"]) for one in items(desk, "guards", "snapshots")]


def test_each_adjustment_of_one_instant_has_its_own_snapshot(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  max_open: {limit: 1, action: shrink}\n")
    rows = "id,symbol,side,size\na,BTCUSDT,long,1\nb,ETHUSDT,long,2\nc,ETHUSDT,long,3\n"
    desk("signal", "import", "-", "--source", "x", "--open", stdin=rows)
    assert seen_by_snapshots(desk) == [(["max_open"], "9999.9", 1), (["max_open"], "9999.8", 2)]
    configured(desk, MAX_ONE)
    rows = "id,symbol,side,size\nd,BTCUSDT,long,1\ne,ETHUSDT,long,1\n"
    desk("signal", "import", "-", "--source", "x", "--open", stdin=rows)
    assert seen_by_snapshots(desk)[2:] == [(["max_open"], "9999.65", 3)] * 2


def test_what_several_guards_did_to_one_order_is_one_snapshot(desk: TradingDesk) -> None:
    configured(desk, "guards:\n  max_open: {limit: 1, action: shrink}\ncaps: {total: 150, on_cap: shrink}\n")
    desk.text("long", "BTCUSDT", "--size", "1")
    desk.text("long", "ETHUSDT", "--size", "4")
    assert len(items(desk, "guards", "history")) == 2
    assert seen_by_snapshots(desk) == [(["max_open", "cap_total"], "9999.9", 1)]


# -- backtests ---------------------------------------------------------------------------------------


def folder_with(folder: Path, config: str) -> Folder:
    made = Folder(folder)
    made.environment["PAPERTRADE_CONFIG"] = str(made.write("config.yaml", config))
    return made


def test_a_backtest_uses_the_guards_of_the_configuration(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, MAX_ONE)
    data = folder.data("backtest", *folder.files)
    guards = cast("Mapping[str, Json]", data["guards"])
    assert guards["counts"] == [{"guard": "max_open", "halt": 2, "shrink": 0, "warn": 0}]
    acts = cast("Sequence[Mapping[str, Json]]", guards["history"])
    assert [act["signal"] for act in acts] == ["ideas:fall", "ideas:dear"]
    refused = cast("Sequence[Mapping[str, Json]]", data["refused"])
    assert [one["code"] for one in refused].count("guard") == 2
    inputs = cast("Mapping[str, Mapping[str, Json]]", data["inputs"])
    assert json.dumps(inputs["rules"]["guards"]).startswith('{"hours": [], "max_open": [{"limit": 1, "action": "halt"')
    text = folder.backtest().out
    assert "guards   max_open refused 2\n" in text
    assert "held by max_open" in text


def test_a_backtest_names_every_guard_that_it_ran_under(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        "guards:\n  hours: [{from: 00:00, to: 24:00}]\n  daily_loss: 50%\n  drawdown: 50%\n"
        "  cooldown: {losses: 9, for: 1h}\n  lockout: {for: 1h, losses: 9, within: 2h, action: shrink}\n"
        "caps: {symbol: 500%}\n",
    )
    inputs = cast("Mapping[str, Mapping[str, Json]]", folder.data("backtest", *folder.files)["inputs"])
    rules = cast("Mapping[str, Mapping[str, Json]]", inputs["rules"])
    assert rules["guards"] == {
        "hours": [{"sessions": ["mon,tue,wed,thu,fri,sat,sun 00:00-24:00"], "action": "halt", "factor": None}],
        "max_open": [],
        "daily_loss": [{"limit": "50%", "action": "halt", "factor": None}],
        "drawdown": [{"limit_percent": "50", "until": "reset", "action": "halt", "factor": None}],
        "cooldown": [{"losses": 9, "for": "1h", "action": "halt", "factor": None}],
        "lockout": [{"losses": 9, "within": "2h", "for": "1h", "action": "shrink", "factor": "0.5"}],
    }
    assert rules["caps"] == {"symbol": "500%", "side": None, "source": None, "total": None, "on_cap": "refuse"}
    text = " ".join(folder.backtest().out.split())
    assert "held by hours, daily_loss, drawdown, cooldown, lockout, cap symbol 500%" in text


def test_a_backtest_can_do_without_or_set_its_own(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, MAX_ONE)
    free = Folder(tmp_path).data("backtest", *folder.files)
    without = folder.data("backtest", *folder.files, "--no-guards")
    assert (without["trades"], without["guards"]) == (free["trades"], {"counts": [], "history": []})
    own = folder.data("backtest", *folder.files, "--set", "guards.max_open=2", "--set", "caps.total=299")
    counts = cast("Sequence[Mapping[str, Json]]", cast("Mapping[str, Json]", own["guards"])["counts"])
    assert [count["guard"] for count in counts] == ["max_open", "cap_total"]


WRONG_SETS = [
    (
        ("--set", "guards.max_opn=2"),
        "--set: there is no option `guards.max_opn`\nhint: did you mean `guards.max_open`?",
    ),
    (("--set", "caps.x=2"), "--set: there is no option `caps.x`\nhint: did you mean `caps.side`?"),
    (("--set", "guards.max_open"), "--set `guards.max_open` is not OPTION=VALUE\nhint: for example"),
    (("--set", "guards.max_open=x"), "--set guards.max_open: `limit` of the guard is `x`, expected a whole number"),
    (("--no-guards", "--set", "guards.max_open=1"), "--no-guards and --set guards.max_open exclude each other"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_SETS)
def test_a_wrong_guard_is_named(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    folder = Folder(tmp_path)
    code, said = folder.refusal("backtest", *folder.files, *words)
    assert (code, said.startswith(f"error: {message}")) == (2, True), said


def test_a_saved_run_remembers_its_guards(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, f"{MAX_ONE}display: {{zone: Europe/Berlin}}\n")
    assert folder.backtest("--save", "held").code == 0
    folder.write("config.yaml", "guards: {max_open: none}\n")
    repeated = folder("runs", "repeat", "held")
    assert repeated.code == 0, repeated
    assert "max_open" in folder("runs", "show", "held").out
