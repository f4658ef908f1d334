"""What Python programs use: the engine, the candles and the backtests of the command line, without the command line.

`papertrade` itself names everything public and imports it from here when it is asked for. The rule to keep: no
database, no network, no configuration file, no terminal; the same inputs give the same result as the commands.
"""
