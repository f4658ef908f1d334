"""Every rule that the engine can name has a sentence of its own in `explain`."""

from __future__ import annotations

import ast
from pathlib import Path

import papertrade.engine
from papertrade.render.explained_rules import RULES

ENGINE = Path(papertrade.engine.__file__).parent


def named_rules() -> set[str]:
    texts = {
        node.value
        for path in ENGINE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if text[:2] in {"4.", "5 "} and len(text) < 60 and "\n" not in text}


def test_every_rule_of_the_engine_has_a_sentence() -> None:
    assert named_rules() >= {"4.6 liquidation price reached", "4.2 stop touched", "5 closed by hand"}
    assert named_rules() <= set(RULES)
