"""Small faults for planting: what a hurried hand could write instead of a piece of the source, each alone.

Mutated are comparisons, arithmetic, `and`/`or`/`not`, numbers and booleans, what is returned, statements and keywords
that are left out, arms of `match`, and names with an opposite. Never: texts, annotations, decorators, imports, logging.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_COMPUTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_PAIRS: Final = (
    ("min", "max"), ("any", "all"), ("startswith", "endswith"), ("lstrip", "rstrip"), ("lower", "upper"),
    ("removeprefix", "removesuffix"), ("ROUND_FLOOR", "ROUND_CEILING"),
    ("ROUND_HALF_EVEN", "ROUND_HALF_UP"), ("ROUND_DOWN", "ROUND_UP"), ("bisect_left", "bisect_right"),
)  # fmt: skip
_OPPOSITE: Final = {
    **dict(_PAIRS),
    **{after: before for before, after in _PAIRS},
}
_LEFT_ALONE: Final = frozenset(("assert_never", "cast", "TypeVar", "log", "_log", "logger", "logging"))
_FOR_SPEED: Final = frozenset(("maxsize",))


@dataclass(frozen=True)
class Mutant:
    """One fault: `text` instead of the bytes from `start` to `end` of a file; it acts on the lines of `span`."""

    path: str
    line: int
    span: tuple[int, int]
    start: int
    end: int
    text: str
    what: str
    acts_at_import: bool = False

    def applied(self, source: bytes) -> bytes:
        """Return the source with the fault."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        """Return the lines as they are and as the fault has them."""
        first = source.rfind(b"\n", 0, self.start) + 1
        last = source.find(b"\n", self.end)
        before, after = source[first:last], source[first : self.start] + self.text.encode() + source[self.end : last]
        shown = [
            *(f"- {line}" for line in before.decode().split("\n")),
            *(f"+ {line}" for line in after.decode().split("\n")),
        ]
        return "\n".join((f"{self.path}:{self.line} ({self.what})", *shown))


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Return every fault that can be planted in a file, in the order of the file."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda mutant: (mutant.start, mutant.end, mutant.text))


def _is_text(node: ast.AST | None) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


class _Finder(ast.NodeVisitor):
    """Walks a module; `span` are the lines of the statement it is in."""

    def __init__(self, path: str, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._source = source
        self._begins = [0]
        for line in source.splitlines(keepends=True):
            self._begins.append(self._begins[-1] + len(line))
        self._span = (1, 1)
        self._depth = 0

    def visit(self, node: ast.AST) -> None:
        """Keep the lines of the innermost simple statement, or of the head of a compound one."""
        if not isinstance(node, ast.stmt):
            super().visit(node)
            return
        before, body = self._span, getattr(node, "body", None)
        last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
        self._span = (node.lineno, last)
        super().visit(node)
        self._span = before

    def _at(self, line: int, column: int) -> int:
        return self._begins[line - 1] + column

    def _plant(self, node: ast.stmt | ast.expr | ast.keyword, text: str, what: str, end: int | None = None) -> None:
        start = self._at(node.lineno, node.col_offset)
        stop = self._at(node.end_lineno or node.lineno, node.end_col_offset or 0) if end is None else end
        self.found.append(Mutant(self._path, node.lineno, self._span, start, stop, text, what, self._depth == 0))

    def _swap(self, node: ast.expr, instead: ast.expr, what: str) -> None:
        self._plant(node, f"({ast.unparse(instead)})", what)

    def _negate(self, test: ast.expr) -> None:
        if not isinstance(test, ast.Compare | ast.UnaryOp):
            self._swap(test, ast.UnaryOp(ast.Not(), test), "condition")
        self.visit(test)

    def _all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # -- statements --------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._all((*node.args.defaults, *node.args.kw_defaults))
        # Coverage sees the first caller of a cached function only: all tests of the file hunt it, as at import.
        inside = not any("cache" in ast.unparse(decorator) for decorator in node.decorator_list)
        self._depth += inside
        self._all(node.body)
        self._depth -= inside

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._all(node.body)

    def visit_Import(self, node: ast.Import) -> None: ...

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None: ...

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._all((node.value,))

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if names & {"__slots__", "__all__"}:
            return
        if not names and not isinstance(node.targets[0], ast.Tuple):
            self._plant(node, "pass", "statement")
        self._all((*node.targets, node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._plant(node, "pass", "statement")
        if (other := _COMPUTED.get(type(node.op))) is not None:
            self._plant(node, ast.unparse(ast.AugAssign(node.target, other(), node.value)), "arithmetic")
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and not self._is_left_alone(node.value):
            self._plant(node, "pass", "statement")
        self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._plant(node, "pass", "statement")
        self._all((node.exc,))

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._plant(node.value, "None", "return")
            self.visit(node.value)

    def visit_Break(self, node: ast.Break) -> None:
        self._plant(node, "continue", "statement")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._plant(node, "break", "statement")

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) == "TYPE_CHECKING":
            self._all(node.orelse)
            return
        self._negate(node.test)
        self._all((*node.body, *node.orelse))

    def visit_While(self, node: ast.While) -> None:
        self._negate(node.test)
        self._all(node.body)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            if not any(isinstance(s, ast.Expr) and _is_never(s.value) for s in case.body):
                self._span = (case.pattern.lineno, case.pattern.end_lineno)
                if case.guard is None:
                    end = self._at(case.pattern.end_lineno, case.pattern.end_col_offset)
                    spot = ast.Pass(lineno=case.pattern.end_lineno, col_offset=case.pattern.end_col_offset)
                    self._plant(spot, " if False", "arm of match", end)
                else:
                    self._negate(case.guard)
                self._all((case.pattern, *case.body))

    # -- expressions -------------------------------------------------------------------------------

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None: ...

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self._all((node.body, node.orelse))

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        for test in node.ifs:
            self._negate(test)

    def visit_Compare(self, node: ast.Compare) -> None:
        for at, operator in enumerate(node.ops):
            ops = [*node.ops[:at], _COMPARED[type(operator)](), *node.ops[at + 1 :]]
            self._swap(node, ast.Compare(node.left, ops, node.comparators), "comparison")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._swap(node, ast.BoolOp(other, node.values), "and, or")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self._swap(node, node.operand, "not, minus")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        is_union = isinstance(node.op, ast.BitOr) and isinstance(node.right, ast.Name) and node.right.id[0].isupper()
        other = _COMPUTED.get(type(node.op))
        if other is not None and not (_is_text(node.left) or _is_text(node.right) or is_union):
            self._swap(node, ast.BinOp(node.left, other(), node.right), "arithmetic")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._plant(node, str(not node.value), "boolean")
        elif isinstance(node.value, int | float):
            self._plant(node, repr(node.value + 1), "number")

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id in _OPPOSITE:
            self._plant(node, _OPPOSITE[node.id], "name")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _OPPOSITE and isinstance(node.ctx, ast.Load):
            self._plant(node, ast.unparse(ast.Attribute(node.value, _OPPOSITE[node.attr], node.ctx)), "name")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if self._is_left_alone(node):
            return
        if _root(node.func) == "Decimal" and len(node.args) == 1 and _is_text(node.args[0]):
            self._swap(node, ast.BinOp(node, ast.Add(), ast.Constant(1)), "number")
        self._without_each_keyword(node)
        is_check = _root(node.func) in {"isinstance", "issubclass"}
        self._all((node.func, *(node.args[:1] if is_check else node.args)))
        self._all(keyword.value for keyword in node.keywords if keyword.arg not in _FOR_SPEED)

    def _without_each_keyword(self, node: ast.Call) -> None:
        parts: Sequence[ast.expr | ast.keyword] = sorted(
            (*node.args, *node.keywords), key=lambda part: (part.lineno, part.col_offset)
        )
        for part, following in pairwise((*parts, None)):
            if isinstance(part, ast.keyword) and part.arg not in _FOR_SPEED and not _is_text(part.value):
                end = self._after_comma(part) if following is None else self._at(following.lineno, following.col_offset)
                self._plant(part, "", "keyword left out", end)

    def _after_comma(self, part: ast.keyword) -> int:
        end = self._at(part.end_lineno or part.lineno, part.end_col_offset or 0)
        return end + 1 if self._source[end : end + 1] == b"," else end

    @staticmethod
    def _is_left_alone(node: ast.Call) -> bool:
        return _root(node.func) in _LEFT_ALONE


def _is_never(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _root(node.func) == "assert_never"
