"""Where values come from: the table of settings, four sources, the places of the files."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.config.load import Places, check_file, default_places, find_places, load, merge
from papertrade.config.schema import SETTINGS
from papertrade.config.texts import render_example, render_reference
from papertrade.engine.conventions import CONSERVATIVE
from papertrade.engine.sizing import SizingRules
from papertrade.errors import ConfigError
from tests.config.texts import TARGETS, of, refusal, written

ROOT = Path(__file__).resolve().parents[2]


class TestTheTable:
    def test_the_example_file_equals_the_defaults(self) -> None:
        text = (ROOT / "config.example.yaml").read_text()
        assert text == render_example()
        example = of(text)
        assert example.settings == merge(None, {}, {}).settings
        assert {line.source for line in example.shown} == {"config.yaml"}

    def test_the_documentation_lists_every_setting(self) -> None:
        text = (ROOT / "docs" / "configuration.md").read_text()
        assert render_reference() in text
        for setting in SETTINGS:
            assert f"| `{setting.path}` |" in text
            assert setting.variable in text

    def test_the_samples_of_the_documentation_are_valid(self) -> None:
        blocks = render_reference().split("```yaml\n")[1:]
        settings = of("\n".join(block.partition("```")[0] for block in blocks)).settings
        assert [target.name for target in settings.notify_targets] == ["desktop", "phone"]
        assert [preset.name for preset in settings.presets] == ["scalp", "runner"]

    def test_the_defaults_are_those_of_the_specification(self) -> None:
        settings = merge(None, {}, {}).settings
        assert (settings.account.name, settings.account.currency) == ("main", "USDT")
        assert settings.account.cash == Decimal(10_000)
        assert settings.feeds.binance.base_url == "https://data-api.binance.vision"
        assert settings.feeds.binance.proxy is None
        assert (settings.watch.interval_ms, settings.watch.deadline_ms) == (30_000, 20_000)
        assert (settings.watch.candle, settings.watch.settle) == ("1m", "1s")
        assert (settings.watch.max_age_ms, settings.watch.max_jump_percent) == (90_000, Decimal(20))
        assert settings.costs.maker == settings.costs.taker == Decimal("0.001")
        assert settings.convention == CONSERVATIVE
        assert settings.sizing == SizingRules()
        assert settings.display.zone_name == "UTC"
        assert settings.preset("scalp") is None

    def test_a_tick_never_asks_longer_than_two_thirds_of_its_interval(self) -> None:
        assert merge(None, {}, {}).settings.watch.tick_deadline_ms == 19_800
        assert of("watch: {deadline: 5}").settings.watch.tick_deadline_ms == 5_000


class TestWhereAValueComesFrom:
    def test_a_flag_beats_the_environment_beats_the_file(self) -> None:
        text = "watch: {interval: 10, deadline: 3, max_age: 60}"
        environment = {"PAPERTRADE_WATCH__INTERVAL": "20", "PAPERTRADE_WATCH__DEADLINE": "4"}
        configuration = of(text, environment, {"watch.interval": "1m"})
        watch = configuration.settings.watch
        assert (watch.interval_ms, watch.deadline_ms, watch.max_age_ms) == (60_000, 4_000, 60_000)
        shown = {line.path: (line.value, line.source) for line in configuration.shown}
        assert shown["watch.interval"] == ("1m", "flag")
        assert shown["watch.deadline"] == ("4", "PAPERTRADE_WATCH__DEADLINE")
        assert shown["watch.max_age"] == ("60", "config.yaml")
        assert shown["watch.candle"] == ("1m", "default")
        assert [line.path for line in configuration.shown] == [setting.path for setting in SETTINGS]

    def test_every_setting_has_its_variable(self) -> None:
        environment = {setting.variable: setting.default for setting in SETTINGS}
        configuration = merge(None, environment, {})
        assert configuration.settings == merge(None, {}, {}).settings
        assert {line.source for line in configuration.shown} == set(environment)

    def test_the_account_has_a_short_variable(self) -> None:
        assert merge(None, {"PAPERTRADE_ACCOUNT": "swing"}, {}).settings.account.name == "swing"
        both = {"PAPERTRADE_ACCOUNT": "swing", "PAPERTRADE_ACCOUNT__NAME": "main"}
        assert "`PAPERTRADE_ACCOUNT` is set too" in refusal("", both)

    def test_other_variables_are_left_alone(self) -> None:
        environment = {
            "PAPERTRADE_TEST__X": "1",
            "PAPERTRADE_TEST_DATA": "x",
            "PAPERTRADE_CONFIG": "x",
            "PAPERTRADE_DB": "y",
            "PAPERTRADE_FEED": "",
            "PAPERTRADE_SOMETHING": "1",
            "HOME": "z",
        }
        assert merge(None, environment, {}).settings == merge(None, {}, {}).settings

    def test_a_list_may_come_from_a_variable(self) -> None:
        environment = {"PAPERTRADE_SAME_CURRENCY": "[[USD, USDT], [EUR, EURS]]"}
        assert merge(None, environment, {}).settings.same_currency == (("USD", "USDT"), ("EUR", "EURS"))

    def test_empty_sections_and_lists_are_the_defaults(self) -> None:
        assert of("watch:\nnotify:\n  targets:\npresets: ~\n").settings == merge(None, {}, {}).settings


class TestPlaces:
    def test_flags_then_environment_then_the_platform(self, tmp_path: Path) -> None:
        default = Places(tmp_path / "c.yaml", tmp_path / "p.db")
        assert find_places({}, None, None, default) == default
        environment = {"PAPERTRADE_CONFIG": "e.yaml", "PAPERTRADE_DB": "~/e.db"}
        assert find_places(environment, None, None, default) == Places(Path("e.yaml"), Path.home() / "e.db", True)
        assert find_places(environment, Path("f.yaml"), "f.db", default) == Places(Path("f.yaml"), Path("f.db"), True)
        assert find_places({"PAPERTRADE_CONFIG": "", "PAPERTRADE_DB": ""}, None, None, default) == default

    def test_the_platforms_places_are_two_files(self) -> None:
        places = default_places()
        assert (places.config.name, places.database.name) == ("config.yaml", "papertrade.db")
        assert places.config.parent.name == places.database.parent.name == "papertrade"
        assert not places.is_config_named

    def test_only_a_named_file_must_exist(self, tmp_path: Path) -> None:
        absent = tmp_path / "config.yaml"
        assert load(Places(absent, absent), {}, {}).settings == merge(None, {}, {}).settings
        with pytest.raises(ConfigError, match="does not exist"):
            load(Places(absent, absent, is_config_named=True), {}, {})

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read: is a directory"):
            check_file(tmp_path)
        with pytest.raises(ConfigError, match="cannot be read: not a path"):
            check_file(Path("a\x00b"))


@pytest.mark.skipif(os.name != "posix", reason="permission bits mean something on POSIX only")
class TestPermissions:
    def test_a_file_that_everyone_can_write_is_refused(self, tmp_path: Path) -> None:
        path = written(tmp_path, "feed: binance\n", 0o666)
        with pytest.raises(ConfigError, match=r"can be written by everyone \(mode 0666\)") as caught:
            check_file(path)
        assert caught.value.hint == f"chmod 600 {path}"

    @pytest.mark.parametrize(
        ("text", "mode", "warned"),
        [
            (TARGETS, 0o640, True),
            (TARGETS, 0o604, True),
            (TARGETS, 0o600, False),
            ("feeds: {binance: {proxy: 'http://u:p@h:1'}}", 0o644, True),
            ("feeds: {binance: {proxy: 'http://h:1'}}", 0o644, False),
            ("watch: {interval: 5}", 0o644, False),
        ],
    )
    def test_secrets_that_others_can_read_give_a_warning(
        self, tmp_path: Path, text: str, mode: int, warned: bool
    ) -> None:
        warnings = check_file(written(tmp_path, text, mode)).warnings
        assert len(warnings) == int(warned)
        assert "SENTINEL" not in "".join(warnings)


def test_a_run_without_a_file_never_loads_the_yaml_library() -> None:
    import subprocess
    import sys

    code = "import sys; from papertrade.config.load import merge; merge(None, {}, {}); print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
