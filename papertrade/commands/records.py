"""Finds the trade or the signal that a word of the command line means.

TRADE is a number (`7` or `#7`) or a symbol with exactly one live trade of the account; SIGNAL is a number or
`source:id`. The rule to keep: a word that could mean two records is refused with both named, never guessed.
"""

from __future__ import annotations

import re

from papertrade.commands.symbols import symbol_of
from papertrade.engine.trade import Trade
from papertrade.errors import NotFound, UsageProblem
from papertrade.render.text import safe
from papertrade.store.rows import AccountRow, SignalRow
from papertrade.store.store import Reader

_NUMBER = re.compile(r"#?([0-9]{1,15})", re.ASCII)


def find_trade(reader: Reader, account: AccountRow, word: str) -> Trade:
    """Return the trade that TRADE means, live or not for a number. Raises NotFound, UsageProblem."""
    number = number_in(word)
    if number is not None:
        trade = reader.trade(number)
        if trade is None:
            raise NotFound(f"trade `{number}` does not exist", hint="papertrade trades")
        return _of_account(reader, account, trade)
    symbol = symbol_of(word)
    live = reader.live_trades(account_id=account.id, symbol=symbol)
    if not live:
        raise NotFound(
            f"{symbol} has no live trade in account `{account.name}`", hint=f"papertrade trades --symbol {symbol}"
        )
    if len(live) > 1:
        numbers = ", ".join(f"`{trade.id}` ({trade.status} {trade.side})" for trade in live)
        raise UsageProblem(
            f"{symbol} has {len(live)} live trades: {numbers}",
            code="ambiguous",
            hint="name one of them by its number",
            details={"trade_ids": [trade.id for trade in live]},
        )
    return live[0]


def find_signal(reader: Reader, word: str) -> SignalRow:
    """Return the signal that SIGNAL means. Raises NotFound, UsageProblem."""
    number = number_in(word)
    source, colon, external_id = word.partition(":")
    if number is None and not colon:
        raise UsageProblem(f"`{safe(word)}` is not a signal: write its number, or source:id")
    found = reader.signal(number) if number is not None else reader.signal_known_as(source, external_id)
    if found is None:
        raise NotFound(f"signal `{safe(word)}` does not exist", hint="papertrade signal list")
    return found


def number_in(word: str) -> int | None:
    """Return the number of a record, None for a word that is none."""
    match = _NUMBER.fullmatch(word)
    return None if match is None else int(match[1])


def _of_account(reader: Reader, account: AccountRow, trade: Trade) -> Trade:
    """Keep a number typed for one wallet from touching another's trade."""
    if trade.order.account_id == account.id:
        return trade
    owner = reader.account(trade.order.account_id)
    name = "" if owner is None else owner.name
    raise NotFound(
        f"trade `{trade.id}` belongs to account `{name}`, not to `{account.name}`", hint=f"add --account {name}"
    )
