"""The strict YAML reader: everything is text, everything dangerous is refused at its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.strict_yaml import YamlProblem, decode, parse
from papertrade.text_nodes import Items, Pairs, Text


@pytest.mark.parametrize(
    "text",
    ["ON", "NO", "true", "1_000", "12:30:45", "0123", "1e5", ".nan", "0.10", "2026-11-20", "=", "<<", "1%", "+4%"],
)
def test_f29_every_scalar_is_its_text(text: str) -> None:
    root = parse(f"a: {text}\n")
    assert isinstance(root, Pairs)
    value = root.get("a")
    assert isinstance(value, Text)
    assert (value.text, value.is_quoted, value.is_empty) == (text, False, False)


def test_the_tree_knows_its_places() -> None:
    root = parse("a: [x, 'y']\nb:\n  - {c: d}\n")
    assert isinstance(root, Pairs)
    flow, block = root.get("a"), root.get("b")
    assert isinstance(flow, Items)
    assert isinstance(block, Items)
    assert (flow.is_flow, block.is_flow, root.is_flow) == (True, False, False)
    assert (block.items[0].span.line, block.items[0].span.column) == (3, 5)
    assert [item.span.start for item in flow.items] == [4, 7]
    assert root.get("c") is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~", "null", "---\n...\n"])
def test_nothing_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: [1, 2\nb: 3", 2, 2, "expected ',' or ']'"),
        ("a: b: c", 1, 5, "mapping values are not allowed here"),
        ("a:\n\t- b", 2, 1, "cannot start any token"),
        ("a: 'x", 1, 6, "unexpected end of stream"),
        ("a: &x 1\nb: *x", 2, 4, "alias `*x` is not allowed"),
        ("a: 1\nb: 2\na: 3", 3, 1, "duplicate key `a`: already in line 1"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "tag `!!python/object/apply:os.system` is not allowed"),
        ("a: !!str 1", 1, 4, "tag `!!str` is not allowed"),
        ("- !!map {a: 1}", 1, 3, "tag `!!map` is not allowed"),
        ("--- 1\n--- 2", 2, 1, "a second document is not allowed"),
        ("? {a: 1}\n: 2", 1, 3, "a key must be text"),
        ("[" * 3000, 1, 21, "nested deeper than 20 levels"),
        ("a: b\x00", 1, 5, "character `U+0000` is not allowed"),
        ("x: y\na: \x1b[2J", 2, 4, "character `U+001B` is not allowed"),
        ("a: \ud800", 1, 4, "character `U+D800` is not allowed"),
        ('a: "\\uD800"', 1, 4, "a lone surrogate is not a character"),
        ('a: "\\UFFFFFFFF"', 1, 1, "a number that is too large"),
        (f"%YAML 1.{'9' * 5000}\n--- a", 1, 1, "a number that is too large"),
        ("%YAML 9.9\n--- a", 1, 1, "incompatible YAML document"),
        ('a: "\\q"', 1, 6, "unknown escape character"),
        ("a: " + "x" * 300_000, 1, 1, "larger than 256 KiB"),
    ],
)
def test_f28_what_is_refused_is_refused_at_its_place(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in caught.value.message


def test_f30_an_alias_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(YamlProblem, match="alias `\\*a0`"):
        parse("\n".join(lines))


def test_bytes_are_utf8_with_or_without_a_mark() -> None:
    assert decode("\ufeffa: ä".encode()) == "a: ä"
    with pytest.raises(YamlProblem, match="byte 6 is not UTF-8 text") as caught:
        decode(b"a: 1\nb\xff")
    assert caught.value.line == 2
    with pytest.raises(YamlProblem, match="larger than 256 KiB"):
        decode(b"x" * 262_145)


@given(st.text(alphabet=st.sampled_from("ab:-[]{}\"'#&*!|>%@?, \n\t\\x0\u2028\x85\ud800"), max_size=60))
def test_any_text_is_a_tree_or_a_problem(text: str) -> None:
    try:
        assert isinstance(parse(text), Text | Items | Pairs | None)
    except YamlProblem as problem:
        assert problem.message
        assert problem.line >= 1
        assert problem.column >= 1
