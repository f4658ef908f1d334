"""Every command of the program, as data: its name, its one line of help, and where its function lives.

`papertrade --help` and shell completion are answered from this table alone; a command's module is
imported only when the command is run (or its own `--help` asked for). The rule to keep: one row per
command, the help line in the imperative, without a full stop, at most 70 characters.

How to add a command:

1. Write `papertrade/commands/<name>.py` with one function. Its parameters are the command's own
   arguments and options, annotated with the aliases of `commands.options`; its docstring is the text
   of `papertrade <name> --help`. It never declares `--config --db --account --json -q -v --no-color`:
   those are on every command, and their values are in the `Invocation`. A list takes `csv: Csv = False`
   (the parameter must have this name) and gives its answer a `sheet`; it need not look at `csv`.

       def price(ctx: typer.Context, symbols: SymbolsArgument, csv: Csv = False) -> Answer:
           \"\"\"Show what the venue pays for each symbol now.\"\"\"
           call = invocation(ctx)
           with open_world(call) as world:              # bootstrap: settings, store, feed
               quotes = fetch_quotes(world, symbols)    # one call
           return Answer(data=quotes_data(quotes), show=partial(show_quotes, quotes), sheet=quotes_sheet(quotes))

2. Return an `Answer` (see `commands.answer`): the shell prints it as JSON, as CSV or for a person,
   whichever was asked for. Print nothing yourself; remarks go through `say`. A function that streams
   (`watch`) writes to `screen(call)` or `call.stdout` and returns None.
3. Fail by raising a `PapertradeError`. Where something was achieved all the same (exits 8, 9, 10 and
   13), return `Answer(..., failure=error)`: the answer is printed, then the error, and the exit code is
   the error's.
4. Add the row below. `signed_words=True` is for commands whose arguments may begin with a minus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TypeAlias

from papertrade.engine.values import dataclass


class Panel(StrEnum):
    """A section of `papertrade --help`, in the order shown."""

    TRADE = "Trade"
    WATCH = "Watch"
    LOOK = "Look"
    ACCOUNT = "Account"
    TEST = "Test"
    DATA = "Data"
    HOUSE = "House"


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: `function` in `module` is what runs."""

    name: str
    help: str
    module: str
    function: str
    panel: Panel = Panel.HOUSE
    is_hidden: bool = False
    signed_words: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A command that only holds other commands, such as `signal`; `default` is what it does without one of them."""

    name: str
    help: str
    panel: Panel
    entries: tuple[Entry, ...]
    default: str | None = None


Table: TypeAlias = Sequence[Entry | Branch]

BOARD = "board"
"""The command that runs when none is named."""


def entries(table: Table) -> Iterator[tuple[str, Entry]]:
    """Yield each command with its words: `trades`, `signal add`."""
    for row in table:
        match row:
            case Entry():
                yield row.name, row
            case Branch():
                for entry in row.entries:
                    yield f"{row.name} {entry.name}", entry


_HERE = "papertrade.commands"

_SIGNAL = Branch(
    "signal",
    "Write down ideas to trade: add, import, list, show, cancel",
    Panel.TRADE,
    (
        Entry("add", "Store one signal without trading it", f"{_HERE}.signal", "add"),
        Entry("import", "Store the signals of a file: CSV, JSON, NDJSON or YAML", f"{_HERE}.signal", "import_file"),
        Entry("list", "List stored signals and what became of them", f"{_HERE}.signal", "list_signals"),
        Entry("show", "Show one signal in full", f"{_HERE}.signal", "show"),
        Entry("cancel", "Withdraw a signal that was not traded", f"{_HERE}.signal", "cancel"),
    ),
)

_ACCOUNT = Branch(
    "account",
    "Keep wallets: list, create, use, show, deposit, withdraw, reset",
    Panel.ACCOUNT,
    (
        Entry("list", "List all accounts", f"{_HERE}.account", "list_accounts"),
        Entry("create", "Create an account with its starting cash", f"{_HERE}.account", "create"),
        Entry("use", "Choose the account that commands act on", f"{_HERE}.account", "use"),
        Entry("show", "Show one account's books", f"{_HERE}.account", "show"),
        Entry("deposit", "Put cash in", f"{_HERE}.account", "deposit"),
        Entry("withdraw", "Take cash out", f"{_HERE}.account", "withdraw"),
        Entry("reset", "Close everything at mark and start again; the past stays", f"{_HERE}.account", "reset"),
    ),
)

_RUNS = Branch(
    "runs",
    "Saved backtests: list, show, compare, delete, repeat",
    Panel.TEST,
    (
        Entry("list", "List saved runs", f"{_HERE}.runs", "list_runs"),
        Entry("show", "Show one saved run", f"{_HERE}.runs", "show"),
        Entry("compare", "Show the figures of saved runs beside each other", f"{_HERE}.runs", "compare"),
        Entry("delete", "Forget a saved run", f"{_HERE}.runs", "delete"),
        Entry("repeat", "Run a saved run again, and say what differs", f"{_HERE}.runs", "repeat"),
    ),
)

_GUARDS = Branch(
    "guards",
    "What holds new trades back: show, history, snapshots, reset",
    Panel.LOOK,
    (
        Entry("show", "Show how each guard and cap stands now", f"{_HERE}.guards", "show"),
        Entry("history", "List what guards and caps did, with the numbers", f"{_HERE}.guards", "history"),
        Entry("snapshots", "List the account's figures at day ends and adjustments", f"{_HERE}.guards", "snapshots"),
        Entry("reset", "End a latched halt: peak and losses begin anew", f"{_HERE}.guards", "reset"),
    ),
    default="show",
)

_NOTIFY = Branch(
    "notify",
    "Notification targets: test, list",
    Panel.HOUSE,
    (
        Entry("test", "Send a test event to the configured targets", f"{_HERE}.notify", "test"),
        Entry("list", "List the targets, and what is undelivered and why", f"{_HERE}.notify", "list_targets"),
    ),
)

_DB = Branch(
    "db",
    "Look after the database file: backup, migrate",
    Panel.HOUSE,
    (
        Entry("backup", "Write a consistent copy, also while a watch runs", f"{_HERE}.db", "backup"),
        Entry("migrate", "Bring an older database up to date, after a backup", f"{_HERE}.db", "migrate"),
    ),
)

_CONFIG = Branch(
    "config",
    "Settings: show, check, set",
    Panel.HOUSE,
    (
        Entry("show", "Show each setting with where its value comes from", f"{_HERE}.config", "show"),
        Entry("check", "Check the configuration and name every mistake", f"{_HERE}.config", "check"),
        Entry("set", "Change one setting in the configuration file", f"{_HERE}.config", "set_value"),
    ),
)

COMMANDS: Table = (
    Entry("long", "Buy now or at a price, with a stop and targets", f"{_HERE}.long_short", "long", Panel.TRADE),
    Entry("short", "Sell first, buy back later", f"{_HERE}.long_short", "short", Panel.TRADE),
    _SIGNAL,
    Entry("open", "Open trades from stored signals", f"{_HERE}.open", "open_trades", Panel.TRADE),
    Entry("buy", "Place a plain buy order", f"{_HERE}.orders", "buy", Panel.TRADE),
    Entry("sell", "Sell from what plain orders hold", f"{_HERE}.orders", "sell", Panel.TRADE),
    Entry("orders", "List orders that wait for their price", f"{_HERE}.orders", "orders", Panel.TRADE),
    Entry("close", "Close a trade, or a part of it", f"{_HERE}.close", "close", Panel.TRADE),
    Entry("cancel", "Cancel a trade that has not been entered", f"{_HERE}.cancel", "cancel", Panel.TRADE),
    Entry("void", "Take a trade back as if it had never been", f"{_HERE}.void", "void", Panel.TRADE),
    Entry("modify", "Move a trade's stop and targets", f"{_HERE}.modify", "modify", Panel.TRADE),
    Entry("note", "Write a remark; notes never change a number", f"{_HERE}.note", "note", Panel.TRADE),
    Entry("tag", "Put tags on a trade or take them off: +a -b", f"{_HERE}.tag", "tag", Panel.TRADE, signed_words=True),
    Entry(
        "watch", "Follow the market: fill orders, close on stops and targets", f"{_HERE}.watch", "watch", Panel.WATCH
    ),
    Entry("status", "Tell whether a watch runs and how it fares", f"{_HERE}.status", "status", Panel.WATCH),
    Entry("stop", "Ask the running watch to end", f"{_HERE}.stop", "stop", Panel.WATCH),
    Entry("log", "Read the journal as sentences", f"{_HERE}.log", "log", Panel.WATCH),
    Entry(BOARD, "Show the board", f"{_HERE}.board", BOARD, Panel.LOOK, is_hidden=True),
    Entry("trades", "List trades", f"{_HERE}.trades", "trades", Panel.LOOK),
    Entry("show", "Show one trade's life", f"{_HERE}.show", "show", Panel.LOOK),
    Entry("explain", "Show the arithmetic behind each fill of a trade", f"{_HERE}.explain", "explain", Panel.LOOK),
    Entry("portfolio", "Show holdings at market", f"{_HERE}.portfolio", "portfolio", Panel.LOOK),
    Entry("metrics", "Show win rate, expectancy, drawdown and the rest", f"{_HERE}.metrics", "metrics", Panel.LOOK),
    Entry("equity", "Draw the equity curve", f"{_HERE}.equity", "equity", Panel.LOOK),
    _GUARDS,
    _ACCOUNT,
    Entry("backtest", "Trade signals over recorded candles", f"{_HERE}.backtest", "backtest", Panel.TEST),
    Entry("sweep", "Try every combination of targets and stops, honestly", f"{_HERE}.sweep", "sweep", Panel.TEST),
    _RUNS,
    Entry("parity", "Prove that your trades follow a backtest's rules", f"{_HERE}.parity", "parity", Panel.TEST),
    Entry("whatif", "Your own entries with other exits or costs", f"{_HERE}.whatif", "whatif", Panel.TEST),
    Entry("price", "Show current prices", f"{_HERE}.price", "price", Panel.DATA),
    Entry("book", "Show the order book of a symbol", f"{_HERE}.book", "book", Panel.DATA),
    Entry("movers", "Show what rose and fell most in 24 hours", f"{_HERE}.movers", "movers", Panel.DATA),
    Entry("candles", "Show recent candles of a symbol", f"{_HERE}.candles", "candles", Panel.DATA),
    Entry(
        "instruments",
        "Show what can be traded, with steps and minimums",
        f"{_HERE}.instruments",
        "instruments",
        Panel.DATA,
    ),
    Entry(
        "export", "Write trades, fills, ledger and more to a file or stdout", f"{_HERE}.export", "export", Panel.DATA
    ),
    Entry("demo", "Play a small recorded market; your own data stays untouched", f"{_HERE}.demo", "demo", Panel.HOUSE),
    Entry("init", "Write a commented configuration and create the database", f"{_HERE}.init", "init", Panel.HOUSE),
    Entry("check", "Replay the journal and compare every book with it", f"{_HERE}.check", "check", Panel.HOUSE),
    Entry("doctor", "Look for trouble: versions, clock, venue, files", f"{_HERE}.doctor", "doctor", Panel.HOUSE),
    _CONFIG,
    _DB,
    _NOTIFY,
)
