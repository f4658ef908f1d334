"""What the commands print of a seed's database, against an account of fractions that knows only cash and fills.

The real commands, offline, with their own reading of the file: `portfolio`, `metrics`, `export` of fills, trades and
ledger. The rule to keep: the deposits are read from the journal's own text and nothing else is taken on trust.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

from papertrade.commands.table import COMMANDS
from papertrade.store.store import Reader, Store
from tests.cli import FixedClock, run
from tests.reference import ReferenceAccount, Row, differences, half_even, number, section
from tests.simulation.audit import Unsound

_ASKED = tuple(row for row in COMMANDS if row.name in ("export", "metrics", "portfolio"))
"""The program's own rows; the others only cost time here."""

_MOVES = (
    "SELECT seq, kind, body FROM event WHERE account_id = ? AND kind IN ('cash_moved', 'epoch_started') ORDER BY seq"
)


def compare_printed(store: Store, account: str, at_ms: int, leverage: Fraction) -> None:
    """Raise Unsound where a command prints of an account what the fills do not add up to."""
    with store.read() as reader:
        epoch_seq, deposits = _deposits(reader, account)
    screen = _Screen(store.path, account, at_ms)
    reference = ReferenceAccount()
    for amount in deposits:
        reference.moved(amount)
    trades = screen.items("trades")
    void = {trade["id"] for trade in trades if "void" in cast("Sequence[str]", trade["flags"])}
    for fill in screen.items("fills"):
        if int(str(fill["event_seq"])) > epoch_seq and fill["trade_id"] not in void:
            reference.filled(fill, leverage)
    for trade in trades:
        if trade["status"] == "pending":
            reference.waits(number(trade["reserve"]))
    cash = sum((number(r["amount"]) for r in screen.items("ledger") if r["book"] == "cash"), Fraction(0))
    metrics = _unrounded(screen.data("metrics"), reference)
    counted = [trade for trade in trades if trade["id"] not in void]
    found = differences(reference, screen.data("portfolio", "--offline"), metrics, counted, cash)
    if found:
        raise Unsound(f"account {account}: " + "\n".join(found))


def _deposits(reader: Reader, account: str) -> tuple[int, list[Fraction]]:
    """Return where the present epoch began, and what was paid in or out since."""
    row = reader.account_named(account)
    if row is None:
        raise Unsound(f"account {account} is gone")
    epoch_seq, amounts = 0, list[Fraction]()
    for seq, kind, body in reader._connection.exec_driver_sql(_MOVES, (row.id,)):
        if kind == "epoch_started":
            epoch_seq, amounts = seq, []
        else:
            amounts.append(Fraction(json.loads(body)["amount"]))
    return epoch_seq, amounts


def _unrounded(metrics: Row, reference: ReferenceAccount) -> Row:
    """Give the expectancy, money and so printed to 1e-8, with the digits that it was rounded from, if it was."""
    printed, exact = section(metrics, "trading_statistics"), reference.statistics()["expectancy"]
    if exact is None or printed["expectancy"] is None or number(printed["expectancy"]) != half_even(Fraction(exact)):
        return metrics
    return {**metrics, "trading_statistics": {**printed, "expectancy": Fraction(exact)}}


class _Screen:
    """The command line of one account at one instant."""

    def __init__(self, path: Path, account: str, at_ms: int) -> None:
        self._environment = {"PAPERTRADE_DB": str(path), "PAPERTRADE_CONFIG": "", "PAPERTRADE_ACCOUNT": account}
        self._clock = FixedClock(at_ms)

    def data(self, *words: str) -> Row:
        done = run([*words, "--json", "-q"], self._environment, clock=self._clock, table=_ASKED)
        if done.code != 0:
            raise Unsound(f"{' '.join(words)} ended with {done.code}: {done.out}{done.err}")
        return cast("Row", done.envelope["data"])

    def items(self, table: str) -> Sequence[Row]:
        return cast("Sequence[Row]", self.data("export", table)["items"])
