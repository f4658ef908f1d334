"""Targets and presets: typed values, all flaws named, secrets shown nowhere."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.config.settings import NotifyTarget, PostWebhook, RunCommand, Secret
from papertrade.engine.signal import SizeKind
from tests.config.texts import TARGETS, of, refusal

TARGET_FLAWS = [
    ("x", "1:19: `notify.targets` is not a list, expected a list of targets"),
    ("[{}]", "1:20: `notify.targets` target 1 needs `name`"),
    ("[x]", "target 1 must be a section with `name`, `type`"),
    ("[{name: a, type: command}]", "1:20: `notify.targets` target 1 needs `command`"),
    ("[{name: a, type: command, command: ls}]", "`command` of target 1 is not a list, expected a list of a program"),
    ("[{name: a, type: command, command: []}]", "`command` of target 1 is empty"),
    ("[{name: a, type: command, command: ['']}]", "`command` of target 1 is empty"),
    ('[{name: a, type: command, command: ["a\\0SENTINEL"]}]', "`command` of target 1 is not right"),
    ("[{name: a, type: command, command: [x], url: SENTINEL}]", "target 1 is a command, so it has no `url`"),
    ("[{name: a, type: webhook, url: 'https://h', command: [x]}]", "target 1 is a webhook, so it has no `command`"),
    ("[{name: a, type: webhook}]", "target 1 needs `url`"),
    ("[{name: a, type: webhook, url: 'http://h/SENTINEL'}]", "is not right, expected an `https` address"),
    ("[{name: a, type: webhook, url: 'https://u:SENTINEL@h'}]", "is not right, expected an `https` address"),
    ("[{name: a, type: webhook, url: 'https://h/ä'}]", "is not right, expected an `https` address"),
    ("[{name: a, type: webhook, url: 'https://h', secret_value: SENTINEL}]", "needs both `secret_header` and"),
    ("[{name: a, type: webhook, url: 'https://h', secret_header: X, secret_value: SENTINELö}]", "is not right"),
    (
        "[{name: a, type: webhook, url: 'https://h', secret_header: Host, secret_value: x}]",
        "`secret_header` of target 1",
    ),
    ("[{name: a, type: webhook, url: 'https://h', allow_private: yes}]", "expected `true` or `false`"),
    ("[{name: a, type: webhook, url: 'https://h', timeout: 31}]", "`timeout` of target 1 is `31`, expected 0.1 to 30"),
    ("[{name: a, type: webhook, url: 'https://h', events: []}]", "`events` of target 1 is empty"),
    ("[{name: a, type: webhook, url: 'https://h', events: [x]}]", "`events` of target 1 is `x`, expected one of"),
    ("[{name: a, type: webhook, url: 'https://h', events: [[x]]}]", "`events` of target 1 is a list"),
    ("[{name: a, type: smoke}]", "`type` of target 1 is `smoke`, expected `command` or `webhook`"),
    ("[{nme: a, type: command, command: [x]}]", "target 1 has no setting `nme`, did you mean `name`?"),
    ("[{zzzzzz: a, type: command, command: [x]}]", "target 1 has no setting `zzzzzz`, known are `name`"),
    (
        "[{name: a, type: command, command: [x]}, {name: a, type: command, command: [y]}]",
        "target 2: the name `a` is taken",
    ),
    (f"[{', '.join(['x'] * 101)}]", "holds more than 100 items"),
]

PRESET_FLAWS = [
    ("x", "`presets` must be a section of presets by name"),
    ("{a: 1}", "preset `a` must be a section with `sl`"),
    ("{a/b: {sl: 1%}}", "is `a/b`, expected a name"),
    ("{a: {sl: 2R}}", "preset `a`: stop `2R` cannot be in risks"),
    ("{a: {tp: 2R}}", "preset `a`: a target in risks (`2R`) needs a stop loss"),
    ("{a: {sl: 1x, tp: 2R}}", "`sl` of preset `a` is `1x`, expected a level"),
    ("{a: {tp: [1x]}}", "`tp` of preset `a` is `1x`, expected a target"),
    ("{a: {size: 1, risk: 1%}}", "preset `a` must have one size only, not `size`, `risk`"),
    ("{a: {size: 1%}}", "`size` of preset `a` is `1%`, expected a size"),
    ("{a: {expires: soon}}", "`expires` of preset `a` is `soon`, expected a duration"),
    ("{a: {sl: be}}", "`sl` of preset `a` is `be`, expected a level"),
    ("{a: {trail: 1x}}", "`trail` of preset `a` is `1x`, expected a trail like `2%`, `150`, `1R` or `2%@+4%`"),
    ("{a: {trail: 1R}}", "preset `a`: a trail in risks (`1R`) needs a stop loss"),
    ("{a: {break_even: be}}", "`break_even` of preset `a` is `be`, expected a trigger like `1R`"),
    ("{a: {time_limit: soon}}", "`time_limit` of preset `a` is `soon`, expected a duration like `4h`, or a time"),
    ("{a: {after_tp1: x}}", "`after_tp1` of preset `a` is `x`, expected a level like `be`, `101` or `1R`"),
    ("{a: {after_tp1: be, tp: 2%}}", "preset `a`: a stop at `be` after the first target needs something left there"),
    ("{a: {trial: 1%}}", "preset `a` has no setting `trial`, did you mean `trail`?"),
    ("{a: {guard: 1}}", "preset `a` has no setting `guard`"),
    (f"{{{', '.join(f'p{i}: {{}}' for i in range(101))}}}", "holds more than 100 presets"),
]


class TestListsAndSections:
    def test_targets_are_typed(self) -> None:
        desk, phone, home = of(TARGETS).settings.notify_targets
        assert desk == NotifyTarget(
            name="desk",
            events=("order_filled", "trade_opened", "trade_changed", "trade_closed", "refused", "guard_acted"),
            timeout_ms=3_000,
            delivery=RunCommand(("notify-send", "SENTINEL")),
        )
        assert (phone.events, phone.timeout_ms) == (("refused", "trade_closed"), 1_500)
        assert isinstance(phone.delivery, PostWebhook)
        assert phone.delivery.url.reveal() == "https://hooks.example.org/SENTINEL"
        assert phone.delivery.secret == Secret("Bearer SENTINEL")
        assert home.delivery == PostWebhook(Secret("http://nas:8080/x"), True, None, None)

    def test_a_secret_is_shown_nowhere(self) -> None:
        environment = {"PAPERTRADE_FEEDS__BINANCE__PROXY": "http://user:SENTINEL@proxy:3128"}
        configuration = of(TARGETS, environment)
        assert "SENTINEL" not in repr(configuration)
        assert "SENTINEL" not in str(configuration.settings)
        shown = {line.path: line.value for line in configuration.shown}
        assert shown["feeds.binance.proxy"] == "http://***@proxy:3128"
        assert "https://hooks.example.org/***" in shown["notify.targets"]
        proxy = configuration.settings.feeds.binance.proxy
        assert proxy is not None
        assert proxy.reveal().endswith("SENTINEL@proxy:3128")

    @pytest.mark.parametrize(("text", "message"), TARGET_FLAWS)
    def test_a_flaw_of_a_target_is_named_without_its_secrets(self, text: str, message: str) -> None:
        said = refusal(f"notify: {{targets: {text}}}")
        assert message in said
        assert "SENTINEL" not in said

    @pytest.mark.parametrize(("text", "message"), PRESET_FLAWS)
    def test_a_flaw_of_a_preset_is_named(self, text: str, message: str) -> None:
        said = refusal(f"presets: {text}")
        assert said.startswith("config.yaml:1:")
        assert message in said
        assert "things are wrong" not in said

    def test_a_preset_has_all_exits(self) -> None:
        exits = "{sl: 2%, tp: [1R:0.5, 2R:0.5], trail: 1R@2R, break_even: 1R, time_limit: 4h, after_tp1: be:gross}"
        (preset,) = of(f"presets:\n  all: {exits}").settings.presets
        wish = preset.exits
        said = [str(part) for part in (wish.stop, wish.trail, wish.break_even, wish.time_limit, wish.after_first)]
        assert said == ["2%", "1R@2R", "1R", "4h", "be:gross"]

    def test_a_preset_is_exits_and_a_size(self) -> None:
        settings = of(
            "presets:\n  scalp: {sl: 1%, tp: [1R:0.5, 2R:0.5], risk: 0.5%, expires: 2h}\n  plain: {tp: 4%}"
        ).settings
        scalp, plain = settings.presets
        assert settings.preset("scalp") is scalp
        assert (str(scalp.exits.stop), [str(target) for target in scalp.exits.targets]) == ("1%", ["1R:0.5", "2R:0.5"])
        assert scalp.size is not None
        assert (scalp.size.kind, scalp.size.value) == (SizeKind.RISK_PERCENT, Decimal("0.5"))
        assert scalp.expires_ms == 7_200_000
        assert (plain.size, plain.expires_ms) == (None, None)
