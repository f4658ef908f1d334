"""What is wrong with a configuration: every flaw at once, each with its place and what is allowed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.config.load import File, merge
from papertrade.config.settings import ConventionName
from papertrade.engine.conventions import NAMED, DecidedBy, GapFill, TrailOn
from papertrade.errors import ConfigError
from tests.config.texts import of, refusal

ONE_FLAW = [
    ("acount: {name: x}", "config.yaml:1:1: unknown setting `acount`, did you mean `account.name`?"),
    ("watch:\n  intervall: 3", "config.yaml:2:3: unknown setting `watch.intervall`, did you mean `watch.interval`?"),
    ("interval: 3", "config.yaml:1:1: unknown setting `interval`, did you mean `watch.interval`?"),
    ("zzzzz: 3", "config.yaml:1:1: unknown setting `zzzzz`, `papertrade config show` lists all"),
    ("watch:\n  interval: 0", "config.yaml:2:13: `watch.interval` is `0`, expected 1 to 3600 seconds"),
    ("watch:\n  interval: 3601", "config.yaml:2:13: `watch.interval` is `3601`, expected 1 to 3600 seconds"),
    ("watch: {interval: 2h}", "config.yaml:1:19: `watch.interval` is `2h`, expected 1 to 3600 seconds"),
    ("watch: {interval: 1_0}", "config.yaml:1:19: `watch.interval` is `1_0`, expected 1 to 3600 seconds"),
    ("watch: {interval: 1e1}", "config.yaml:1:19: `watch.interval` is `1e1`, expected 1 to 3600 seconds"),
    ("watch: {interval: }", "config.yaml:1:18: `watch.interval` has no value, expected 1 to 3600 seconds"),
    ("watch: {interval: [1]}", "config.yaml:1:19: `watch.interval` is a list, expected 1 to 3600 seconds"),
    ("watch: {interval: {a: 1}}", "config.yaml:1:19: `watch.interval` is a section, expected 1 to 3600 seconds"),
    ("watch: {settle: 2s}", "config.yaml:1:17: `watch.settle` is `2s`, expected one of `1s`"),
    ("watch: {max_jump: 20}", "config.yaml:1:19: `watch.max_jump` is `20`, expected 0.1% to 1000%"),
    ("sizing: {risk: 0%}", "config.yaml:1:16: `sizing.risk` is `0%`, expected 0.0001% to 100%"),
    ("costs: {maker: 0.11}", "config.yaml:1:16: `costs.maker` is `0.11`, expected a rate from 0% to 10%"),
    ("costs: {taker: -1%}", "config.yaml:1:16: `costs.taker` is `-1%`, expected a rate from 0% to 10%"),
    ("account: {name: a/b}", "config.yaml:1:17: `account.name` is `a/b`, expected a name of 1 to 64"),
    ("account: {currency: usd}", "config.yaml:1:21: `account.currency` is `usd`, expected 1 to 16 capital"),
    ("account: {cash: 0.000000001}", "config.yaml:1:17: `account.cash` is `0.000000001`, expected an amount"),
    ("account: {cash: 1.000000001}", "config.yaml:1:17: `account.cash` is `1.000000001`, expected an amount"),
    ("account: {cash: NaN}", "config.yaml:1:17: `account.cash` is `NaN`, expected an amount"),
    ("leverage: 126", "config.yaml:1:11: `leverage` is `126`, expected a number from 1 to 125"),
    ("feeds: {binance: {attempts: 1.5}}", "config.yaml:1:29: `feeds.binance.attempts` is `1.5`, expected a whole"),
    ("feed: kraken", "config.yaml:1:7: `feed` is `kraken`, expected `binance`"),
    ("display: {zone: Mars/Base}", "config.yaml:1:17: `display.zone` is `Mars/Base`, expected a time zone"),
    ("display: {zone: ../x}", "config.yaml:1:17: `display.zone` is `../x`, expected a time zone"),
    ("convention: conservative", "config.yaml:1:1: `convention` is a section, its settings stand below it, like"),
    ("same_currency: [[USD]]", "config.yaml:1:16: `same_currency` is `[[USD]]`, expected a list of lists"),
    ("same_currency: [[A, B], [B, C]]", "config.yaml:1:16: `same_currency` is `[[A, B], [B, C]]`, expected a list"),
    ("same_currency: [A, B]", "config.yaml:1:17: `same_currency` is not a list, expected a list of lists"),
    ("same_currency: x", "config.yaml:1:16: `same_currency` is not a list, expected a list of lists"),
    ("- a", "config.yaml:1:1: expected settings like `watch:`"),
    ("just words", "config.yaml:1:1: expected settings like `watch:`"),
    ("watch:\n  interval: 5\n interval: 6", "config.yaml:3:2: expected <block end>"),
    ("watch: !!python/object/apply:os.system [ls]", "config.yaml:1:8: tag `!!python/object/apply:os.system`"),
]


class TestWhatIsRefused:
    @pytest.mark.parametrize(("text", "message"), ONE_FLAW)
    def test_a_flaw_is_named_with_its_place(self, text: str, message: str) -> None:
        assert refusal(text).startswith(message)

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://host",
            "https://",
            "https://u:SENTINEL@host",
            "https://host/?q=SENTINEL",
            "https://host#SENTINEL",
            "https://host:0",
            "https://host:x",
            "https://h ost",
            "https://hö",
            "https://[::1",
        ],
    )
    def test_an_address_is_bounded_and_never_repeated(self, url: str) -> None:
        message = refusal(f"feeds: {{binance: {{base_url: '{url}'}}}}")
        assert "`feeds.binance.base_url` is not right, expected an address like `https://host`" in message
        assert "SENTINEL" not in message

    @pytest.mark.parametrize(
        "url", ["host:80", "http://host", "http://host:0", "socks5://h:1", "http://h:1/x", "http://h:1?SENTINEL"]
    )
    def test_a_proxy_is_bounded_and_never_repeated(self, url: str) -> None:
        message = refusal("", {"PAPERTRADE_FEEDS__BINANCE__PROXY": url})
        assert message.endswith(": `feeds.binance.proxy` is not right, expected `http://host:port`, or `none`")

    def test_everything_wrong_is_said_at_once_from_top_to_bottom(self) -> None:
        text = "leverage: 0\nwatch:\n  interval: 0\n  candel: 1m\nfeed: x\n"
        environment = {"PAPERTRADE_WATCH__INTERVL": "1", "PAPERTRADE_LEVERAGE": "x", "PAPERTRADE_ZZZ__Q": ""}
        lines = refusal(text, environment, {"sizing.risk": "", "nope": "1"}).splitlines()
        assert lines == [
            "9 things are wrong:",
            "config.yaml:1:11: `leverage` is `0`, expected a number from 1 to 125",
            "config.yaml:3:13: `watch.interval` is `0`, expected 1 to 3600 seconds",
            "config.yaml:4:3: unknown setting `watch.candel`, did you mean `watch.candle`?",
            "config.yaml:5:7: `feed` is `x`, expected `binance`",
            "PAPERTRADE_WATCH__INTERVL: no setting has this variable, did you mean `PAPERTRADE_WATCH__INTERVAL`?",
            "PAPERTRADE_ZZZ__Q: no setting has this variable, `papertrade config show` lists all",
            "flag: unknown setting `nope`, `papertrade config show` lists all",
            "PAPERTRADE_LEVERAGE: `leverage` is `x`, expected a number from 1 to 125",
            "flag: `sizing.risk` is ``, expected 0.0001% to 100%, with the percent sign",
        ]

    def test_a_list_in_a_variable_that_is_no_yaml_is_named(self) -> None:
        environment = {"PAPERTRADE_SAME_CURRENCY": "[[A", "PAPERTRADE_PRESETS": "# x"}
        message = refusal("", environment)
        assert "PAPERTRADE_SAME_CURRENCY: `same_currency` is not YAML: expected ',' or ']'" in message
        assert "PAPERTRADE_PRESETS: `presets` must be a section of presets by name" in message

    def test_bytes_that_are_no_text_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"config.yaml:2:1: byte 6 is not UTF-8 text"):
            merge(File("config.yaml", b"a: 1\nb\xff"), {}, {})

    @given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")))
    def test_any_bytes_are_settings_or_one_error(self, raw: bytes) -> None:
        try:
            assert merge(File("config.yaml", raw), {}, {}).settings.account.cash > 0
        except ConfigError as error:
            assert error.message


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "value"), [("0.1%", "0.001"), ("0.001", "0.001"), ("0 %", "0"), ("10%", "0.1"), ("0", "0")]
    )
    def test_a_rate_is_a_fraction_and_shown_as_written(self, text: str, value: str) -> None:
        configuration = merge(None, {"PAPERTRADE_COSTS__MAKER": text}, {})
        assert configuration.settings.costs.maker == Decimal(value)
        assert next(line.value for line in configuration.shown if line.path == "costs.maker") == text

    @pytest.mark.parametrize(("text", "ms"), [("1", 1_000), ("1.5", 1_500), ("1m", 60_000), ("1h", 3_600_000)])
    def test_seconds_may_be_durations(self, text: str, ms: int) -> None:
        assert merge(None, {}, {"watch.interval": text}).settings.watch.interval_ms == ms

    @pytest.mark.parametrize("name", list(ConventionName))
    def test_a_named_convention_gives_what_no_option_overrides(self, name: ConventionName) -> None:
        assert of(f"convention: {{name: {name}}}").settings.convention == NAMED[name]
        text = f"convention: {{name: {name}, trail: previous, gap_target: named, decides: quotes}}"
        wanted = replace(NAMED[name], trail=TrailOn.PREVIOUS, decides=DecidedBy.QUOTES)
        assert of(text).settings.convention == wanted

    def test_every_named_convention_may_be_named(self) -> None:
        assert [str(name) for name in ConventionName] == list(NAMED)

    def test_options_reach_the_engines_values(self) -> None:
        text = (
            "convention: {gap_target: open}\non_short_cash: shrink\nwatch: {settle: none}\ndisplay: {zone: Asia/Tokyo}"
        )
        settings = of(text).settings
        assert settings.convention.gap_target is GapFill.OPEN
        assert settings.sizing.may_shrink
        assert settings.watch.settle is None
        assert settings.display.zone == ZoneInfo("Asia/Tokyo")

    def test_a_slash_at_the_end_of_an_address_is_dropped(self) -> None:
        assert (
            of("feeds: {binance: {base_url: 'http://[::1]:8080/api/'}}").settings.feeds.binance.base_url
            == "http://[::1]:8080/api"
        )
