"""The engine from Python: python examples/api.py candles_BTCUSDT_1m.csv signals.csv"""

import sys

from papertrade import backtest, load_candles, load_signals, sweep

candles = load_candles(sys.argv[1])
signals = load_signals(sys.argv[2])

result = backtest(signals, candles, cash=10_000, fee_rate="0.1%", risk="1%")
print(result.summary())
for trade in result.trades[:3]:
    print(trade.id, trade.side, trade.entry_price, trade.exit_reason, trade.exit_price, trade.realized)

best = sweep(signals, candles, take_profit="0.5:5:0.5", stop="0.5:3:0.5", cash=10_000).best[0]
print(f"best of 60: target {best.combination.target} %, stop {best.combination.stop} %")
