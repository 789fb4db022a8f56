"""Map expressions to Python code: parsed once, checked node by node against a whitelist, then compiled.

DESIGN names simpleeval, which walks the tree at every evaluation. A tree that is checked once and compiled is several
times faster and stricter: what is not written as a `visit_…` method here does not exist. Names become look-ups in the
record, attributes become dict look-ups, operators become calls of `functions.py`, numbers become Decimal constants;
the code runs without builtins.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

from ml_connector.finance import money
from ml_connector.mapping.functions import FUNCTIONS, OPERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

MAX_LENGTH = 2_000
MAX_DEPTH = 40
MAX_LOOPS = 2
RESERVED = ("record", "_", "index")
_PARAMETERS = ("row", "record", "var", "index", "dimension")
_BINARY = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
_ORDER = {ast.Lt: "less", ast.LtE: "less_or_equal", ast.Gt: "greater", ast.GtE: "greater_or_equal"}


class NotAllowed(Exception):
    """The text is not an expression of the map vocabulary."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A checked expression: its function and every field path it reads (`supplier.number`, `lines.amount`)."""

    function: Callable[..., Any]
    paths: frozenset[str]
    dimensions: frozenset[str]


@dataclass(slots=True)
class Names:
    """What plain names mean: `variables` of the map; everything else is a field of the current row."""

    variables: Collection[str] = ()
    dimensions: Collection[str] | None = None  # None: dimension() is not available here
    crosswalk: Callable[[str], Callable[..., Any]] | None = None  # opens a file; None: crosswalk() is not available
    company: str = "company"  # the record's field that crosswalk() reads


def compile_expression(text: str, names: Names) -> Compiled:
    """Compile one expression; raises NotAllowed in plain words."""
    builder = _Builder(text, names)
    body = builder.visit(_parse(text))
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(each) for each in _PARAMETERS], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    namespace = {"__builtins__": {}, **builder.namespace}
    function = eval(compile(tree, "<map>", "eval"), namespace)  # noqa: S307 - only whitelisted nodes reach this line
    return Compiled(function, frozenset(builder.paths), frozenset(builder.dimensions))


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise NotAllowed(f"longer than {MAX_LENGTH} characters")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise NotAllowed(f"not an expression: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError):
        raise NotAllowed("not an expression") from None
    level: list[ast.AST] = [body]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return body
    raise NotAllowed(f"nested more than {MAX_DEPTH} levels deep")


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


@dataclass(slots=True)
class _Builder(ast.NodeVisitor):
    text: str
    names: Names
    paths: set[str] = field(default_factory=set)
    dimensions: set[str] = field(default_factory=set)
    namespace: dict[str, Any] = field(default_factory=lambda: {f"do_{name}": run for name, run in OPERATORS.items()})
    loops: dict[str, str | None] = field(default_factory=dict)  # loop variable → path of the list it runs over

    def generic_visit(self, node: ast.AST) -> NoReturn:
        raise NotAllowed(f"{type(node).__name__} is not part of the vocabulary")

    def visit(self, node: ast.AST) -> Any:
        result = ast.NodeVisitor.visit(self, node)
        path = self._path(node)
        if path is not None:
            self.paths.add(path)
        return result

    def _constant(self, value: Any) -> ast.Name:
        name = f"constant_{len(self.namespace)}"
        self.namespace[name] = value
        return ast.Name(name, ast.Load())

    def _path(self, node: ast.AST) -> str | None:
        """Return the field path a node reads, as far as it can be told without running it."""
        if isinstance(node, ast.Name):
            if node.id in self.loops:
                return self.loops[node.id]
            if node.id in self.names.variables or node.id == "index":
                return None
            return "record" if node.id == "_" else node.id
        if isinstance(node, ast.Attribute):
            owner = self._path(node.value)
            return None if owner is None else f"{owner}.{node.attr}"
        return None

    def visit_Name(self, node: ast.Name) -> ast.expr:
        _refuse_dunder(node.id)
        if node.id in self.loops:
            return ast.Name(f"each_{node.id}", ast.Load())
        if node.id in RESERVED:
            return ast.Name("index" if node.id == "index" else "record", ast.Load())
        if node.id in self.names.variables:
            return ast.Subscript(ast.Name("var", ast.Load()), ast.Constant(node.id), ast.Load())
        return ast.Call(ast.Attribute(ast.Name("row", ast.Load()), "get", ast.Load()), [ast.Constant(node.id)], [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        _refuse_dunder(node.attr)
        return _call("do_get", self.visit(node.value), ast.Constant(node.attr))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return _call("do_item", self.visit(node.value), self.visit(node.slice))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if node.value is None or isinstance(node.value, bool | str):
            return ast.Constant(node.value)
        if not isinstance(node.value, int | float):
            raise NotAllowed(f"{type(node.value).__name__} is not part of the vocabulary")
        return self._constant(self._number(node))

    def _number(self, node: ast.Constant) -> Decimal:
        digits = ast.get_source_segment(self.text.strip(), node) or ""
        try:
            return money.EXACT.plus(Decimal(digits))  # the digits as written, never by way of a float (L7)
        except (InvalidOperation, ArithmeticError):
            raise NotAllowed(f"{digits[:60]!r} is not a plain decimal number") from None

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        name = _BINARY.get(type(node.op))
        if name is None:
            raise NotAllowed(f"the operator {type(node.op).__name__} is not part of the vocabulary")
        return _call(f"do_{name}", self.visit(node.left), self.visit(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(ast.Not(), self.visit(node.operand))
        if isinstance(node.op, ast.USub):
            return _call("do_negate", self.visit(node.operand))
        raise NotAllowed(f"the operator {type(node.op).__name__} is not part of the vocabulary")

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, [self.visit(each) for each in node.values])

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return ast.IfExp(self.visit(node.test), self.visit(node.body), self.visit(node.orelse))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) > 1:
            raise NotAllowed("a chain of comparisons; join two with `and`")
        op, left, right = node.ops[0], self.visit(node.left), self.visit(node.comparators[0])
        if isinstance(op, ast.In | ast.NotIn):
            found = _call("do_contains", left, right)
            return ast.UnaryOp(ast.Not(), found) if isinstance(op, ast.NotIn) else found
        if type(op) in _ORDER:
            return _call(f"do_{_ORDER[type(op)]}", left, right)
        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise NotAllowed("`is` compares with None only; use ==")
            op = ast.Eq() if isinstance(op, ast.Is) else ast.NotEq()
        return ast.Compare(left, [op], [right])

    def visit_List(self, node: ast.List | ast.Tuple | ast.Set) -> ast.expr:
        return ast.Tuple([self.visit(each) for each in node.elts], ast.Load())

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        return self.visit_List(node)

    def visit_Set(self, node: ast.Set) -> ast.expr:
        return self.visit_List(node)

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        if not all(isinstance(key, ast.Constant) for key in node.keys):
            raise NotAllowed("the keys of a look-up table must be plain values")
        keys = [self.visit(key) for key in node.keys if key is not None]
        return ast.Dict(list(keys), [self.visit(value) for value in node.values])

    def visit_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> ast.expr:
        loop = node.generators[0]
        if len(node.generators) > 1 or loop.is_async or not isinstance(loop.target, ast.Name):
            raise NotAllowed("a list is built by one plain `for name in list`")
        if len(self.loops) == MAX_LOOPS:
            raise NotAllowed(f"more than {MAX_LOOPS} loops inside each other")
        name = loop.target.id
        _refuse_dunder(name)
        if name in self.loops or name in self.names.variables:
            raise NotAllowed(f"the loop name {name!r} already means something else")
        source = _call("do_items", self.visit(loop.iter))
        self.loops[name] = self._path(loop.iter)
        body, tests = self.visit(node.elt), [self.visit(test) for test in loop.ifs]
        del self.loops[name]
        target = ast.comprehension(ast.Name(f"each_{name}", ast.Store()), source, tests, 0)
        return ast.ListComp(body, [target])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self.visit_ListComp(node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise NotAllowed("only the vocabulary's own functions can be called, without named arguments")
        name = node.func.id
        if name == "dimension":
            return self._dimension(node)
        if name == "crosswalk":
            return self._crosswalk(node)
        if name not in FUNCTIONS:
            raise NotAllowed(f"there is no function {name!r}; there are {', '.join(sorted(FUNCTIONS))}")
        run, fewest, most = FUNCTIONS[name]
        self._count(name, node, fewest, most)
        self.namespace[f"call_{name}"] = run
        return _call(f"call_{name}", *(self.visit(each) for each in node.args))

    def _count(self, name: str, node: ast.Call, fewest: int, most: int) -> None:
        if not fewest <= len(node.args) <= most or any(isinstance(each, ast.Starred) for each in node.args):
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise NotAllowed(f"{name}() takes {wanted} arguments")

    def _literal(self, node: ast.Call, what: str, known: Mapping[str, Any] | Collection[str] | None) -> str:
        word = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if not isinstance(word, str):
            raise NotAllowed(f"the first argument must be {what}'s name in quotes")
        if known is not None and word not in known:
            raise NotAllowed(f"the map has no {what} {word!r}")
        return word

    def _dimension(self, node: ast.Call) -> ast.expr:
        if self.names.dimensions is None:
            raise NotAllowed("dimension() belongs in the columns of a target map")
        self._count("dimension", node, 4, 4)
        name = self._literal(node, "dimension", self.names.dimensions)
        self.dimensions.add(name)
        return _call("dimension", ast.Constant(name), *(self.visit(each) for each in node.args[1:]))

    def _crosswalk(self, node: ast.Call) -> ast.expr:
        if self.names.crosswalk is None:
            raise NotAllowed("crosswalk() belongs in the fields and columns of a map")
        self._count("crosswalk", node, 3, 3)
        look_up = self._constant(self.names.crosswalk(self._literal(node, "file", None)))
        company = _call("do_get", ast.Name("record", ast.Load()), ast.Constant(self.names.company))
        return ast.Call(look_up, [company, *(self.visit(each) for each in node.args[1:])], [])


def _refuse_dunder(name: str) -> None:
    if "__" in name:
        raise NotAllowed(f"the name {name!r} is reserved")
