"""The `account` commands: wallets side by side, and money in and out of them."""

from __future__ import annotations

import csv
import io

import pytest

from papertrade.errors import Json
from tests.commands.days import Days, signal
from tests.venue_faults import Fault

LIST = """\
   Account    Equity  Currency  Return  Drawdown  Realised  Unrealised     Free  Tied up  Open
----------------------------------------------------------------------------------------------
*  main     10009.32  USDT      +0.09%    -0.11%     +4.84       +4.48  9615.55   389.30     1
   small      500.00  USDT       0.00%     0.00%      0.00        0.00   500.00     0.00     0
"""


def data_of(days: Days, *args: str) -> dict[str, Json]:
    data = days.run(*args, "--json").envelope["data"]
    assert isinstance(data, dict)
    return data


def test_accounts_stand_side_by_side(days: Days) -> None:
    days.run("account", "create", "small", "--cash", "500")
    assert days.run("account", "list").out == LIST
    listed = data_of(days, "account", "list")
    assert listed["total"] == 2
    rows = list(csv.DictReader(io.StringIO(days.run("account", "list", "--csv").out)))
    assert [(row["name"], row["is_current"], row["equity"]) for row in rows] == [
        ("main", "true", "10009.32217"),
        ("small", "false", "500"),
    ]
    assert [row["return_percent"] for row in rows] == ["0.09", "0"]


def test_a_loss_in_the_csv_is_a_number(first_day: Days) -> None:
    first_day.open(signal("1", size="10"))
    first_day.close(1)
    (row,) = csv.DictReader(io.StringIO(first_day.run("account", "list", "--csv").out))
    assert (row["return_percent"], row["realized"]) == ("-0.02", "-2.2")


def test_one_account(days: Days) -> None:
    assert days.run("account", "show").out == (
        "main  USDT, epoch 1\n"
        "  equity    10009.32 USDT  free 9615.55, tied up 389.30, unrealised +4.48\n"
        "  today     -0.01, closed trades 0.00 (days in UTC)\n"
        "  at risk   10.59 (0.11%) if every stop filled now, costs included\n"
        "  return    +0.09% on 10000.00 paid in\n"
        "  drawdown  -0.11% at most, from a peak\n"
        "  realised  +4.84\n"
        "  trades    2 closed, 1 open, 1 pending\n"
        "  created   2026-11-18 10:00 UTC\n"
    )
    shown = data_of(days, "account", "show", "main")
    assert {name: shown[name] for name in ("name", "is_current", "equity", "return_percent", "balance")} == {
        "name": "main",
        "is_current": True,
        "equity": "10009.32217",
        "return_percent": "0.09",
        "balance": "10004.84217",
    }


def test_create_use_and_the_choices_that_beat_it(days: Days) -> None:
    made = days.run("account", "create", "small", "--currency", "usdc", "--cash", "0")
    assert (made.code, made.out) == (0, "created account `small`: free 0.00 USDC\n")
    assert made.err == "papertrade account use small makes it the current one\n"
    assert data_of(days, "account", "show", "small")["return_percent"] is None
    assert days.run("account", "use", "small").out == "account `small` is now the current one: free 0.00 USDC\n"
    assert days.run("account", "show").out.splitlines()[0] == "small  USDC, epoch 1"
    beaten = days.run("account", "use", "main", "--account", "small")
    assert beaten.err == "PAPERTRADE_ACCOUNT or --account still names `small`, which beats this choice\n"
    assert days.run("account", "show").out.splitlines()[0] == "main  USDT, epoch 1"


def test_an_account_may_be_created_while_another_name_is_chosen(days: Days) -> None:
    days.extra["PAPERTRADE_ACCOUNT"] = "new"
    assert days.run("trades").code == 5
    assert days.run("account", "create", "new").code == 0
    assert days.run("account", "show").out.splitlines()[0] == "new  USDT, epoch 1"


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (("create", "main"), 6, "error: account `main` already exists\nhint: papertrade account list\n"),
        (
            ("create", "a/b"),
            2,
            "error: account name `a/b` is not allowed\n"
            "hint: 1 to 64 letters, digits, `.`, `_` or `-`, the first a letter or digit\n",
        ),
        (("create", "é"), 2, "error: account name `é` is not allowed\n"),
        (("create", "x" * 65), 2, f"error: account name `{'x' * 64}` is not allowed\n"),
        (
            ("create", "x", "--currency", "U$"),
            2,
            "error: currency `U$` is not allowed\nhint: 1 to 16 letters or digits: USDT\n",
        ),
        (
            ("create", "x", "--cash", "many"),
            2,
            "error: --cash `many` is not an amount\n"
            "hint: a plain number 0 or more with at most 8 decimals, up to 1000000000\n",
        ),
        (("create", "x", "--cash", "1000000000.1"), 2, "error: --cash `1000000000.1` is not an amount\n"),
        (("deposit", "0"), 2, "error: amount `0` is not an amount\nhint: a plain number above 0"),
        (("deposit", "0.000000001"), 2, "error: amount `0.000000001` is not an amount\n"),
        (("withdraw", "1e3"), 2, "error: amount `1e3` is not an amount\n"),
        (("reset", "--cash", "0"), 2, "error: --cash `0` is not an amount\n"),
        (("use", "none"), 5, "error: account `none` does not exist\nhint: papertrade account list\n"),
        (("show", "none"), 5, "error: account `none` does not exist\nhint: papertrade account list\n"),
        (
            ("withdraw", "9615.55"),
            6,
            "error: cannot withdraw `9615.55` USDT: `9615.54717` is free\n"
            "hint: papertrade account withdraw 9615.54717\n",
        ),
    ],
)
def test_what_is_refused(days: Days, args: tuple[str, ...], code: int, error: str) -> None:
    result = days.run("account", *args)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(error)


def test_money_in_and_out(days: Days) -> None:
    assert days.run("account", "deposit", "500.5", "--note", "monthly").out == (
        "deposited 500.5 USDT: free 10116.05 USDT, tied up 389.30\n"
    )
    assert days.run("account", "withdraw", "0.5").out == "withdrew 0.5 USDT: free 10115.55 USDT, tied up 389.30\n"
    shown = data_of(days, "account", "show")
    assert (shown["capital"], shown["return_percent"]) == ("10500", "0.09")
    # A deposit is no gain.
    assert days.run("account", "show").out.splitlines()[2] == "  today     -0.01, closed trades 0.00 (days in UTC)"


def test_withdraw_catches_up_first(first_day: Days) -> None:
    days = first_day
    days.open(signal("1", stop="95", targets=["110"], size="99"))
    days.pass_minutes(120)  # the target is hit meanwhile
    refused = days.run("account", "withdraw", "10000", "--no-catch-up")
    assert (refused.code, "`89.10901` is free" in refused.err) == (6, True)
    result = days.run("account", "withdraw", "10000")
    assert (result.code, result.out) == (0, "withdrew 10000 USDT: free 968.22 USDT\n")
    assert "meanwhile #1 TARGET long 99 BTCUSDT" in result.err


def test_withdraw_needs_the_venue_only_for_live_trades(days: Days, first_day: Days) -> None:
    days.server.always("*", Fault(status=503))
    failed = days.run("account", "withdraw", "5")
    assert (failed.code, failed.out) == (8, "")
    assert days.run("account", "withdraw", "5", "--no-catch-up").code == 0
    first_day.server.always("*", Fault(status=503))
    assert first_day.run("account", "withdraw", "5", "-q").out == "withdrew 5 USDT: free 9995.00 USDT\n"


def test_reset_ends_everything_and_begins_anew(days: Days) -> None:
    result = days.run("account", "reset")
    assert (result.out, result.code) == (
        "account `main` begins epoch 2: free 10000.00 USDT; ended 2 trades\n",
        0,
    )
    assert days.run("trades", "--status", "live").out == "no trades match\n"
    assert "manual" in days.run("trades", "--epoch", "1").out
    assert days.run("trades", "--epoch", "2").out == "no trades match\n"
    assert data_of(days, "account", "show")["epoch"] == 2
    again = data_of(days, "account", "reset", "--cash", "700")
    assert (again["epoch"], again["cash"], again["ended_trades"]) == (3, "700", [])
    assert data_of(days, "account", "reset")["cash"] == "700"
    assert days.run("check", "-q").code == 0
    assert days.run().out.splitlines()[0].startswith("main, epoch 4")


def test_an_account_that_began_empty_is_reset_to_the_configured_cash(days: Days) -> None:
    days.run("account", "create", "empty", "--cash", "0")
    assert data_of(days, "account", "reset", "--account", "empty")["cash"] == "10000"


def test_f08_reset_asks_on_a_terminal_and_nowhere_else(days: Days) -> None:
    question = "reset account `main`: end 2 live trades and start with 10000? [y/N] "
    refused = days.run("account", "reset", is_terminal=True, stdin="n\n")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"{question}error: nothing was changed\nhint: answer y, or add --yes\n"
    assert data_of(days, "account", "show")["epoch"] == 1
    agreed = days.run("account", "reset", is_terminal=True, stdin="y\n")
    assert (agreed.code, agreed.err) == (0, question)
    assert days.run("account", "reset", "--yes", is_terminal=True).err == ""


def test_reset_needs_prices_for_what_is_open(days: Days) -> None:
    days.server.always("*", Fault(status=503))
    assert days.run("account", "reset").code == 8
    assert data_of(days, "account", "show")["epoch"] == 1


def test_drawdown_and_return_are_of_the_present_epoch(days: Days) -> None:
    told = data_of(days, "account", "show")
    risk = data_of(days, "metrics")["risk"]
    assert isinstance(risk, dict)
    assert told["max_drawdown_percent"] == risk["max_drawdown_percent"]
    days.run("account", "reset", "--cash", "700")
    (row,) = csv.DictReader(io.StringIO(days.run("account", "list", "--csv").out))
    assert (row["epoch"], row["return_percent"], row["max_drawdown_percent"]) == ("2", "0", "0")
    earlier = data_of(days, "metrics", "--epoch", "1")["risk"]
    assert isinstance(earlier, dict)
    assert earlier["max_drawdown_percent"] != "0.00"
