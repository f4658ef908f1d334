"""Candles that real venues printed and that people remember: crashes, spikes, absurd wicks and bad ticks.

Each is a tape of the tables (`open high low close | …`), whatever the length of its candles was: the rule does not
ask. They stand here as texts so that they are at hand without the recorded files; a test compares them with those.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """Candles of a recorded file: when they opened there, and their prices in the words of the tables."""

    file: str
    opens: tuple[str, ...]
    minutes: str


XRP_CRASH = Named(
    "bitfinex_XRPUSD_1m",
    ("2017-12-22T07:22:00Z", "2017-12-22T07:23:00Z", "2017-12-22T07:24:00Z"),
    "0.6494373 0.6494373 0.42143 0.5998 | 0.55 0.64613611 0.4493 0.64613611 | 0.62084 0.64620849 0.5 0.51",
)
XRP_REBOUND = Named(
    "bitfinex_XRPUSD_1m",
    ("2017-12-22T07:24:00Z", "2017-12-22T07:25:00Z", "2017-12-22T07:26:00Z", "2017-12-22T07:27:00Z"),
    "0.62084 0.64620849 0.5 0.51 | 0.5187229 0.52002623 0.51 0.52 | 0.52002623 0.64620849 0.5111 0.64620849 | "
    "0.64620849 0.69 0.6101 0.66886677",
)
XRP_RALLY = Named(
    "bitfinex_XRPUSD_1m",
    ("2017-12-22T07:31:00Z", "2017-12-22T07:32:00Z", "2017-12-22T07:33:00Z"),
    "0.65518166 0.7035 0.65501 0.7035 | 0.7035 0.74185 0.699 0.74183 | 0.73401 0.788 0.71 0.788",
)
BTC_BOTH_SIDES = Named(
    "bitfinex_BTCUSD_1m",
    ("2018-04-28T08:59:00Z", "2018-04-28T09:00:00Z"),
    "9205.1 9500 8750 9236.5 | 9236.5 9237.2 9148.5 9211.4",
)
BTC_SPIKE = Named(
    "bitfinex_BTCUSD_1m",
    ("2018-12-08T22:58:00Z", "2018-12-08T22:59:00Z", "2018-12-08T23:00:00Z"),
    "3453.1 3800.1 3450.2 3651 | 3667.4 3700 3620.75931722 3660 | 3660 3700 3587.5 3607.7251221",
)
BTC_TETHER = Named(
    "bitfinex_BTCUSD_1m",
    ("2018-10-15T06:48:00Z", "2018-10-15T06:49:00Z", "2018-10-15T06:50:00Z"),
    "7500.9 7734 7500 7700.2 | 7700.2 7788 7510.1 7606.7 | 7610.2 7615.4 7500 7500",
)
ETH_WICK = Named(
    "bitfinex_ETHUSD_1m",
    ("2018-09-18T12:23:00Z", "2018-09-18T12:24:00Z"),
    "199.73 222 199.73 203.33 | 203.33 209.04 202.19394905 204.75",
)
CPI_BINANCE = Named(
    "binance_BTCBUSD_1m",
    ("2022-12-13T13:30:00Z", "2022-12-13T13:31:00Z"),
    "17630.01 18000 17630.01 17923.52 | 17925.17 17965 17832.82 17885.95",
)
CPI_BYBIT = Named(
    "bybit_BTCUSDT_1m",
    ("2022-12-13T13:30:00Z", "2022-12-13T13:31:00Z"),
    "17630 17977 17613.87 17890.8 | 17886.38 17914.18 17814.68 17864.1",
)
ABSURD_LOW = Named(
    "coinbase_BTCUSD_1d",
    ("2017-04-15T00:00:00Z", "2017-04-16T00:00:00Z"),
    "1173.13 1190.99 0.06 1178.85 | 1178.84 1189.93 1171.7 1177.97",
)
SEIZURE = Named("bitfinex_BTCUSD_1h", ("2013-10-02T16:00:00Z",), "87 128.5 85.49 114.9")
STALE_SPLIT = Named(
    "equity_AAPL_1m",
    ("2014-06-06T23:59:00Z", "2014-06-09T08:00:00Z"),
    "645.66 645.85 645.6 645.7 | 645.57 645.57 92.23 92.42",
)
BAD_LOW = Named("equity_AAPL_1d", ("2009-09-21T00:00:00Z",), "184.44 185.16 10.59 184.02")
BAD_HIGH = Named("equity_SPY_1h", ("2002-04-02T20:00:00Z",), "113.91 144.12 113.83 113.93")
BREXIT = Named("oanda_GBPUSD_1d", ("2016-06-24T00:00:00Z",), "1.45554 1.46482 1.32227 1.36517")
PAYROLLS = Named(
    "oanda_EURUSD_1m",
    ("2014-05-02T12:30:00Z", "2014-05-02T12:31:00Z", "2014-05-02T12:32:00Z"),
    "1.38583 1.38597 1.38085 1.38187 | 1.38187 1.3825 1.38172 1.38239 | 1.3824 1.38369 1.38202 1.38273",
)
ECB = Named("oanda_EURUSD_1m", ("2014-05-08T11:45:00Z",), "1.3932 1.39574 1.39295 1.39566")
ECB_FALL = Named(
    "oanda_EURUSD_1m",
    ("2014-05-08T12:52:00Z", "2014-05-08T12:53:00Z"),
    "1.39794 1.3983 1.39401 1.39484 | 1.39489 1.39502 1.39206 1.39249",
)
GOLD = Named(
    "oanda_XAUUSD_1m",
    ("2014-05-02T12:30:00Z", "2014-05-02T12:31:00Z"),
    "1284.757 1284.923 1272.484 1278.759 | 1278.758 1281.606 1278.248 1279.069",
)
NEARLY_NOTHING = Named("bittrex_XRPBTC_1d", ("2016-06-21T00:00:00Z",), "0.00000899 0.0000096 0.00000014 0.00000871")

EVERY = tuple(value for value in list(globals().values()) if isinstance(value, Named))
