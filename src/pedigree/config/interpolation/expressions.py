"""Safe expressions: Python's syntax for arithmetic, over values of the configuration.

A text is refused by what it is made of before Python's parser sees it, and by the kind of every node afterwards. Then our
own evaluation runs over plain values only: a name is a path of the configuration, `a.b` a key and never an
attribute of an object, a call one of `functions.FUNCTIONS`. Nothing is compiled and nothing loops, so time
and memory are bounded by the length of the text and by what the functions and operators check.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any, NoReturn

from pedigree.config.interpolation.functions import FUNCTIONS, MAX_BITS, MAX_ITEMS, MAX_TEXT, fail, number, small
from pedigree.config.interpolation.mistakes import Mistake, nearest
from pedigree.config.interpolation.tree import size_of

MAX_LENGTH = 1_000
MAX_NESTED = 30
#: Values looked at or made by all steps of one expression.
MAX_WORK = 100_000

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n]+)
    |(?P<number>(?:[0-9][\w.]*(?:(?<=[eE])[+-][0-9]+)?|\.[0-9]\w*(?:(?<=[eE])[+-][0-9]+)?))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>'(?:[^'\\\n]|\\['"\\nrt])*'|"(?:[^"\\\n]|\\['"\\nrt])*")
    |(?P<sign>\*\*|//|<=|>=|==|!=|[-+*/%<>()\[\]{}.,:])""",
    re.VERBOSE | re.ASCII,
)
_NUMBER = re.compile(
    r"(?:0|[1-9][0-9_]*)|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+", re.ASCII
)
_WORDS = {
    "lambda": "a lambda",
    "await": "await",
    "yield": "yield",
    "import": "an import",
    "for": "a comprehension",
    "async": "async",
    "def": "a definition",
    "class": "a definition",
    "exec": "exec",
    "eval": "eval",
}
_BOOLEANS = "Write True, False or None."


def evaluate(
    text: str, name: Callable[[str], Any], plain: Callable[[Any], Any], child: Callable[[Any, Any], Any]
) -> Any:
    """The value of the expression, plain.

    `name` gives the value of a key at the top, `child` the one below a container at a key or index, or a
    Mistake; `plain` makes of what these give a plain value. Raises Mistake with the character for anything else than
    names, literals, arithmetic, comparisons, `and`, `or`, `not`, `if`/`else`, indices, slices and known calls.
    """
    _scan(text)
    try:
        tree = ast.parse("(" + text + "\n)", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        at = getattr(error, "offset", None)
        raise _refused(
            text,
            f"this is no expression: {getattr(error, 'msg', None) or 'it is nested too deep'}",
            _SYNTAX,
            None if at is None or getattr(error, "lineno", 1) != 1 else min(max(at - 2, 0), len(text)),
        ) from None
    return _Evaluation(text, name, plain, child).plain_value(tree)


def _scan(text: str) -> None:
    """Refuses by sight what no expression of ours has. After this the text is ASCII outside of quotes."""
    if len(text) > MAX_LENGTH:
        raise _refused(text, f"an expression has at most {MAX_LENGTH} characters, this one has {len(text)}", _SPLIT, 0)
    if not text.strip():
        raise _refused(text, "the expression is empty", "Write one, as in ${expr:'2 * model.size'}.", 0)
    position, depth, before = 0, 0, ""
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise _strange(text, position)
        word, kind = found[0], found.lastgroup
        if kind == "name":
            if word.startswith("__"):
                raise _refused(text, f"the name {word} is Python's own and means nothing here", _NAMES, position)
            if word in _WORDS and before != ".":
                raise _refused(text, f"{_WORDS[word]} is not allowed in an expression", _SYNTAX, position)
            if text[found.end() : found.end() + 1] in ("'", '"') and found.end() < len(text) and word not in _BEFORE:
                raise _refused(text, f"a text with the prefix {word} is not allowed", "Leave the prefix out.", position)
        elif kind == "number" and not _NUMBER.fullmatch(word):
            raise _refused(text, f"{word[:20]} is no number", "Write 10, 1.5 or 1e-3.", position)
        elif kind == "sign":
            if word in "([{":
                depth += 1
            elif word in ")]}":
                depth -= 1
            if depth < 0:
                raise _refused(text, f"'{word}' closes what was never opened", _SYNTAX, position)
            if depth > MAX_NESTED:
                raise _refused(text, f"brackets are nested more than {MAX_NESTED} deep", _SPLIT, position)
            if (word == "*" and before in ("", "(", "[", "{", ",")) or (word == "**" and before in ("", "(", "{", ",")):
                raise _refused(text, f"'{word}' has nothing before it to multiply", _SYNTAX, position)
        if kind != "space":
            before = word
        position = found.end()


_BEFORE = frozenset({"and", "or", "not", "if", "else", "in", "is"})
_SYNTAX = (
    "Use names, numbers, texts in quotes, + - * / // % **, comparisons, and, or, not, if-else, [ ] and known functions."
)
_NAMES = "A name is a path of the configuration, such as model.size."
_SPLIT = "Split it: give a part of it a name of its own in the configuration."
_SIGNS = {
    "=": "an assignment",
    "\\": "a backslash",
    "#": "a comment",
    ";": "a second statement",
    "@": "'@'",
    "`": "a back-quote",
    "~": "'~'",
    "&": "'&'",
    "|": "'|'",
    "^": "'^'",
    "!": "'!'",
    "$": "'$'",
    "?": "'?'",
}


def _strange(text: str, position: int) -> Mistake:
    character = text[position]
    if text.startswith(":=", position - 1):
        return _refused(text, "':=' is not allowed in an expression", _SYNTAX, position - 1)
    if character in "'\"":
        return _refused(
            text,
            f"the quote {character} is never closed, or an escape inside is not one of \\' \\\" \\\\ \\n \\r \\t",
            "Close the quote on the same line.",
            position,
        )
    if not character.isascii():
        return _refused(
            text,
            f"the character U+{ord(character):04X} stands outside of quotes",
            "Names in expressions are ASCII; reach other keys by a['key'] or select('key').",
            position,
        )
    return _refused(
        text, f"{_SIGNS.get(character, repr(character))} is not allowed in an expression", _SYNTAX, position
    )


def _refused(text: str, what: str, remedy: str, at: int | None) -> Mistake:
    mistake = Mistake(what, remedy, at, quotes=True)
    mistake.text = text
    return mistake


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class _Evaluation:
    """One run. Every node is evaluated at most once; `depth` and `work` are bounded."""

    def __init__(
        self, text: str, name: Callable[[str], Any], plain: Callable[[Any], Any], child: Callable[[Any, Any], Any]
    ) -> None:
        self.text = text
        self.name = name
        self.plain = plain
        self.child = child
        self.depth = 0
        self.work = MAX_WORK

    def plain_value(self, node: ast.expr) -> Any:
        return self.charged(self.plain(self.value(node)), node)

    def charged(self, value: Any, node: ast.expr) -> Any:
        self.work -= size_of(value, self.work) if isinstance(value, (list, dict)) else 1
        if self.work < 0:
            self.refuse(node, f"the expression works on more than {MAX_WORK} values", _SPLIT)
        return value

    def value(self, node: ast.expr) -> Any:
        """The node's value; a container of the configuration may still be unresolved."""
        method = _KINDS.get(type(node))
        if method is None:
            name = _PYTHON.get(type(node), type(node).__name__.lower())
            self.refuse(node, f"{name} is not allowed in an expression", _SYNTAX)
        self.depth += 1
        if self.depth > 3 * MAX_NESTED:
            self.refuse(node, f"the expression is nested more than {3 * MAX_NESTED} deep", _SPLIT)
        try:
            return method(self, node)
        except Mistake as mistake:
            if mistake.path is None and mistake.text is None:
                mistake.text, mistake.at = self.text, _column(node, self.text)
            raise
        except (ZeroDivisionError, OverflowError, ValueError, TypeError, IndexError) as error:
            failed = fail(f"the calculation fails: {error}", "Look at the values that it is made from.")
            failed.text, failed.at = self.text, _column(node, self.text)
            raise failed from None
        finally:
            self.depth -= 1

    def refuse(self, node: ast.AST, what: str, remedy: str) -> NoReturn:
        raise _refused(self.text, what, remedy, _column(node, self.text))

    def constant(self, node: ast.Constant) -> Any:
        value: object = node.value
        if value is not None and not isinstance(value, (str, int, float)):
            self.refuse(node, f"{value!r} is no value of a configuration", _SYNTAX)
        return small(value)

    def named(self, node: ast.Name) -> Any:
        if node.id in FUNCTIONS or node.id == "select":
            try:
                return self.name(node.id)
            except Mistake:
                self.refuse(node, f"the function {node.id} is not called", f"Write {node.id}(...).")
        return self.name(node.id)

    def attribute(self, node: ast.Attribute) -> Any:
        return self.child(self.value(node.value), node.attr)

    def subscript(self, node: ast.Subscript) -> Any:
        holder = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            parts = [self.plain_value(part) if part else None for part in self.slice_parts(node.slice)]
            given = self.charged(self.plain(holder), node)
            if not isinstance(given, (list, str)):
                self.refuse(node, "only a list or a text can be sliced", _SYNTAX)
            if any(part is not None and not isinstance(part, int) for part in parts):
                self.refuse(node, "a slice is made of whole numbers", "Write a[1:3].")
            return given[slice(*parts)]
        key = self.plain_value(node.slice)
        if not isinstance(key, (str, int)) or isinstance(key, bool):
            self.refuse(node.slice, "an index is a whole number or a text", "Write a[0] or a['key'].")
        if isinstance(holder, str):
            if not isinstance(key, int):
                self.refuse(node.slice, "an index into a text is a whole number", "Write a[0].")
            return holder[key]
        return self.child(holder, key)

    @staticmethod
    def slice_parts(node: ast.Slice) -> tuple[ast.expr | None, ...]:
        return (node.lower, node.upper, node.step)

    def listed(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self.plain_value(item) for item in node.elts]

    def mapped(self, node: ast.Dict) -> dict[Any, Any]:
        made = {}
        for key, value in zip(node.keys, node.values, strict=True):
            name = None if key is None else self.plain_value(key)
            if not isinstance(name, str):
                self.refuse(node, "a key of a mapping is a text", "Write {'key': value}.")
            made[name] = self.plain_value(value)
        return made

    def unary(self, node: ast.UnaryOp) -> Any:
        value = self.plain_value(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        return -number(value) if isinstance(node.op, ast.USub) else +number(value)

    def binary(self, node: ast.BinOp) -> Any:
        left, right = self.plain_value(node.left), self.plain_value(node.right)
        if isinstance(node.op, ast.Add):
            if isinstance(left, (str, list)) and type(left) is type(right):
                most = MAX_TEXT if isinstance(left, str) else MAX_ITEMS
                if len(left) + len(right) > most:
                    self.refuse(node, _many(left, most), _SPLIT)
                return self.charged(operator.add(left, right), node)
            return small(number(left) + number(right))
        if isinstance(node.op, ast.Mult):
            return self.times(left, right, node)
        if isinstance(node.op, ast.Pow):
            return self.power(number(left), number(right), node)
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            self.refuse(node, "text is not formatted by %", "Join it: 'a' + str(b), or use ${...} in the text.")
        if type(node.op) not in _BINARY:
            self.refuse(node, "this operator is not allowed in an expression", _SYNTAX)
        return small(_BINARY[type(node.op)](number(left), number(right)))

    def times(self, left: Any, right: Any, node: ast.BinOp) -> Any:
        if isinstance(right, (str, list)):
            left, right = right, left
        if not isinstance(left, (str, list)):
            if (
                isinstance(left, int)
                and isinstance(right, int)
                and left.bit_length() + right.bit_length() > MAX_BITS + 1
            ):
                self.refuse(node, f"a whole number of more than {MAX_BITS} bits comes up", _SPLIT)
            return small(number(left) * number(right))
        if not isinstance(right, int):
            self.refuse(node, "text and lists are repeated by whole numbers only", _SYNTAX)
        most, size = (MAX_TEXT, len(left)) if isinstance(left, str) else (MAX_ITEMS, size_of(left, MAX_WORK))
        if size * right > most:
            self.refuse(node, _many(left, most), _SPLIT)
        return self.charged(left * right, node)

    def power(self, base: int | float, exponent: int | float, node: ast.BinOp) -> Any:
        if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
            if exponent > 0 and base.bit_length() * exponent > MAX_BITS + exponent:
                self.refuse(node, f"a whole number of more than {MAX_BITS} bits comes up", _SPLIT)
            if exponent < 0:
                base = float(base)
        return small(base**exponent)

    def chosen(self, node: ast.BoolOp) -> Any:
        value: Any = None
        for part in node.values:
            value = self.plain_value(part)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def compared(self, node: ast.Compare) -> bool:
        left = self.plain_value(node.left)
        for sign, part in zip(node.ops, node.comparators, strict=True):
            right = self.plain_value(part)
            if isinstance(sign, (ast.In, ast.NotIn)):
                if isinstance(right, str) and not isinstance(left, str):
                    self.refuse(part, "only a text is in a text", "Convert it by str(...).")
                if not isinstance(right, (str, list, dict)) or (
                    isinstance(right, dict) and isinstance(left, (list, dict))
                ):
                    self.refuse(part, "'in' needs a list, a mapping or a text", "Write a in [b, c].")
                holds = (left in right) is isinstance(sign, ast.In)
            elif isinstance(sign, (ast.Is, ast.IsNot)):
                if left is not None and right is not None:
                    self.refuse(part, "'is' compares with None only", "Write ==.")
                holds = (left is right) is isinstance(sign, ast.Is)
            else:
                if isinstance(sign, _ORDERED) and not (isinstance(left, str) and isinstance(right, str)):
                    number(left)
                    number(right)
                holds = bool(_COMPARE[type(sign)](left, right))
            if not holds:
                return False
            left = right
        return True

    def either(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.plain_value(node.test) else node.orelse)

    def called(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute):
            self.refuse(
                node.func, f"values have no methods, so there is no .{node.func.attr}()", "Call a function: lower(x)."
            )
        if not isinstance(node.func, ast.Name):
            self.refuse(node.func, "only a function's name can be called", _SYNTAX)
        if node.keywords:
            self.refuse(node.keywords[0].value, "functions take no named arguments", "Write the values in order.")
        name = node.func.id
        if name == "select":
            return self.selected(node)
        function = FUNCTIONS.get(name)
        if function is None:
            near = nearest(name, FUNCTIONS)
            known = f"Did you mean {near}?" if near else f"There are: {', '.join(sorted(FUNCTIONS))}."
            self.refuse(node.func, f"there is no function {name}", known)
        if not function.least <= len(node.args) <= function.most:
            least, most = function.least, function.most
            expected = str(least) if least == most else f"{least} to {most}"
            self.refuse(node, f"{name} takes {expected} arguments, not {len(node.args)}", "Count the arguments.")
        if name == "len":
            value = self.value(node.args[0])
            raw = getattr(value, "raw", value)  # a container's length needs none of its values
            return len(raw) if isinstance(raw, (dict, list)) else function.call(self.plain(value))
        return self.charged(small(function.call(*[self.plain_value(item) for item in node.args])), node)

    def selected(self, node: ast.Call) -> Any:
        if not 1 <= len(node.args) <= 2:
            self.refuse(node, f"select takes 1 to 2 arguments, not {len(node.args)}", "Write select('a.b', default).")
        path = self.plain_value(node.args[0])
        if not isinstance(path, str):
            self.refuse(node, "select takes the path as a text", "Write select('a.b', default).")
        found = self.child(None, path)
        if found is not None or len(node.args) == 1:
            return found
        return self.value(node.args[1])


def _many(value: Any, most: int) -> str:
    what = f"a text of more than {most} characters" if isinstance(value, str) else f"a list of more than {most} values"
    return f"{what} comes up"


def _column(node: ast.AST, text: str) -> int | None:
    """The character of the text where the node begins: one bracket was put before it, and columns count bytes."""
    if getattr(node, "lineno", 0) != 1:
        return None
    return len(text.encode()[: max(getattr(node, "col_offset", 1) - 1, 0)].decode(errors="ignore"))


_KINDS: dict[type[ast.expr], Callable[[_Evaluation, Any], Any]] = {
    ast.Constant: _Evaluation.constant,
    ast.Name: _Evaluation.named,
    ast.Attribute: _Evaluation.attribute,
    ast.Subscript: _Evaluation.subscript,
    ast.List: _Evaluation.listed,
    ast.Tuple: _Evaluation.listed,
    ast.Dict: _Evaluation.mapped,
    ast.UnaryOp: _Evaluation.unary,
    ast.BinOp: _Evaluation.binary,
    ast.BoolOp: _Evaluation.chosen,
    ast.Compare: _Evaluation.compared,
    ast.IfExp: _Evaluation.either,
    ast.Call: _Evaluation.called,
}
_PYTHON: dict[type[ast.expr], str] = {
    ast.Set: "a set",
    ast.Starred: "'*' before a value",
    ast.Lambda: "a lambda",
    ast.NamedExpr: "':='",
    ast.GeneratorExp: "a comprehension",
    ast.ListComp: "a comprehension",
    ast.JoinedStr: "an f-string",
}
