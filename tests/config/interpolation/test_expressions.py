"""Expressions: what they compute, and what an attacker gets: a message, at once."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.config.interpolation import resolve
from pedigree.config.interpolation.functions import FUNCTIONS
from pedigree.errors import InvalidInput

TREE: dict[str, Any] = {
    "data": {"classes": ["cat", "dog"], "n": "${size}", "weights": [1, 2.5], "a-b": 7, "é": 8},
    "size": 3,
    "lr": 0.1,
    "path": "/data/pets/train.tar.gz",
    "empty": [],
    "none": None,
    "big": "x" * 60_000,
    "list": list(range(6_000)),
    "len": 5,
}


def value_of(text: str) -> Any:
    # oc.decode takes the expression from a value, so that it needs no quoting here.
    quoted = text.replace("\\", "\\\\").replace("'", "\\'") if text.endswith("\\") else text.replace("'", "\\'")
    return resolve({**TREE, "t": f"${{expr:'{quoted}'}}"}).tree["t"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * len(data.classes)", 4),
        ("data.n + 1", 4),
        ('data["n"]', 3),
        ("data['a-b'] + data['é']", 15),
        ("data.classes[-1] + '!'", "dog!"),
        ("data.classes[data.n - 2]", "dog"),
        ("data.weights[0:1]", [1]),
        ("path[1:5]", "data"),
        ("sum(data.weights) / len(data.weights)", 1.75),
        ("round(lr * size, 2)", 0.3),
        ("7 // 2 + 7 % 4 - -1", 7),
        ("2 ** -1", 0.5),
        ("1 if size > 2 and not none else 0", 1),
        ("1 < size <= 3 != 4", True),
        ("'cat' in data.classes", True),
        ("'x' not in data", True),
        ("none is None", True),
        ("max(1, size, 2)", 3),
        ("min(data.weights)", 1),
        ("[1, 'a', {'k': None}]", [1, "a", {"k": None}]),
        ("(1, 2)", [1, 2]),
        ("sorted(['b', 'a'])", ["a", "b"]),
        ("basename(path) + stem(path) + dirname(path)", "train.tar.gztrain.tar/data/pets"),
        ("join('-', split('a,b', ','))", "a-b"),
        ("upper(data.classes[0])", "CAT"),
        ("floor(2.7) + ceil(0.1)", 3),
        ("int('12') + float('0.5')", 12.5),
        ("str(size) + 'x'", "3x"),
        ("range(1, 7, 2)", [1, 3, 5]),
        ("'=' * 3", "==="),
        ("[0] * 2 + [1]", [0, 0, 1]),
        ("select('data.zzz', 9)", 9),
        ("select('data.n')", 3),
        ("len", 5),
        ("len + len(data)", 10),
        ("keys(data)[0]", "classes"),
        ("any(empty) or all(empty)", True),
        ("data.weights", [1, 2.5]),
        ("log2(8) + exp(0) + sqrt(4)", 6.0),
        ("1e-3", 0.001),
    ],
)
def test_an_expression_has_the_value_that_it_reads_like(text: str, value: Any) -> None:
    """Break: evaluate names by their place in a table of functions first."""
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


HOSTILE = [
    ("__import__('os').system('id')", "the name __import__ is Python's own"),
    ("x.__class__", "the name __class__ is Python's own"),
    ("''.__class__.__mro__[1].__subclasses__()", "the name __class__ is Python's own"),
    ("lr.__class__", "the name __class__ is Python's own"),
    ("data['__class__']", "'data' has no key '__class__'"),
    ("data._fields", "'data' has no key '_fields'"),
    ("lr.real", "a number has no key 'real'"),
    ("path.format", "text has no key 'format'"),
    ("'{0.__class__}'.format(lr)", "values have no methods, so there is no .format()"),
    ("'{0.__class__}'.format_map(data)", "values have no methods"),
    ("path.upper()", "values have no methods"),
    ("data.items()", "values have no methods"),
    ("data.classes.append(1)", "values have no methods"),
    ("'%s' % lr", "text is not formatted by %"),
    ("'%1000000000d' % 1", "text is not formatted by %"),
    ("'%*d' % (999999999, 1)", "text is not formatted by %"),
    ("format(1, '999999999d')", "there is no function format"),
    ("2**99999999", "more than 4096 bits"),
    ("2**2**2**2**2**2", "more than 4096 bits"),
    ("9**9**9**9", "more than 4096 bits"),
    ("(-2)**4097", "more than 4096 bits"),
    ("10.0**400", "the calculation fails"),
    ("(-1)**0.5", "a complex number comes up"),
    ("(2**4000)*(2**4000)", "more than 4096 bits"),
    ("1" * 1001, "at most 1000 characters, this one has 1001"),
    ("'a'*10**9", "a text of more than 100000 characters comes up"),
    ("10**9*'a'", "a text of more than 100000 characters comes up"),
    ("[0]*10**9", "a list of more than 10000 values comes up"),
    ("[[0]*5000]*5000", "a list of more than 10000 values comes up"),
    ("(0,)*10**9", "a list of more than 10000 values comes up"),
    ("big+big", "a text of more than 100000 characters comes up"),
    ("list+list", "a list of more than 10000 values comes up"),
    ("+".join(["len(list[:])+sum(list)"] * 40), "works on more than 100000 values"),
    ("range(10**9)", "a range of more than 10000 numbers comes up"),
    ("range(range(10))", "stands where range needs a whole number"),
    ("range(0, 10**30, 10**29)", "a range of more than 10000 numbers comes up"),
    ("[range(10000), range(10000)]*10", "a list of more than 10000 values comes up"),
    ("sum(range(10000000))", "a range of more than 10000 numbers comes up"),
    ("join(big, ['a', 'b', 'c'])", "a text of more than 100000 characters comes up"),
    ("replace(big, 'x', 'yyyy')", "a text of more than 100000 characters comes up"),
    ("replace(big, '', 'yyyy')", "a text of more than 100000 characters comes up"),
    ("split(big, 'x')", "a list of more than 10000 items comes up"),
    ("round(1, -10**9)", "round takes from -400 to 400 digits"),
    ("int('9' * 5000)", "a number of more than 400 digits stands in a text"),
    ("prod([2**4000, 2**4000])", "more than 4096 bits"),
    ("f'{lr}'", "a text with the prefix f is not allowed"),
    ("f'{lr.__class__}'", "a text with the prefix f is not allowed"),
    ("b'a'", "a text with the prefix b is not allowed"),
    ("rb'a'", "a text with the prefix rb is not allowed"),
    ("lambda: 1", "a lambda is not allowed"),
    ("(lambda x: x)(1)", "a lambda is not allowed"),
    ("(x := 1)", "':=' is not allowed"),
    ("x = 1", "an assignment is not allowed"),
    ("[x for x in list]", "a comprehension is not allowed"),
    ("sum(x for x in list)", "a comprehension is not allowed"),
    ("{x: 1 for x in list}", "a comprehension is not allowed"),
    ("[*list]", "'\\*' has nothing before it to multiply"),
    ("max(*list)", "'\\*' has nothing before it to multiply"),
    ("{**data}", "'\\*\\*' has nothing before it to multiply"),
    ("max(1, **data)", "'\\*\\*' has nothing before it to multiply"),
    ("sorted(list, key=len)", "an assignment is not allowed"),
    ("{1, 2}", "a set is not allowed"),
    ("{1: 2}", "a key of a mapping is a text"),
    ("await lr", "await is not allowed"),
    ("(yield 1)", "yield is not allowed"),
    ("import os", "an import is not allowed"),
    ("1; import os", "a second statement is not allowed"),
    ("exec('1')", "exec is not allowed"),
    ("eval('1')", "eval is not allowed"),
    ("getattr(lr, 'real')", "there is no function getattr"),
    ("getattr(getattr(lr, 'x'), 'y')()", "only a function's name can be called"),
    ("open('/etc/passwd')", "there is no function open"),
    ("compile('1', 'a', 'eval')", "there is no function compile"),
    ("globals()", "there is no function globals"),
    ("type(lr)", "there is no function type"),
    ("vars()", "there is no function vars"),
    ("print", "the top has no key 'print'"),
    ("max", "the function max is not called"),
    ("[len][0](data)", "only a function's name can be called"),
    ("(max if 1 else min)(1, 2)", "only a function's name can be called"),
    ("ｌｅｎ(data)", "the character U\\+FF4C stands outside of quotes"),
    ("__ｉmport__('os')", "the name __ is Python's own"),
    ("lｒ", "the character U\\+FF52 stands outside of quotes"),
    ("ℓen(data)", "the character U\\+2113 stands outside of quotes"),
    ("lеn(data)", "the character U\\+0435 stands outside of quotes"),
    ("size\u200b+1", "the character U\\+200B stands outside of quotes"),
    ("1 \u2028 + 1", "the character U\\+2028 stands outside of quotes"),
    ("size # comment", "a comment is not allowed"),
    ("size \\\n + 1", "a backslash is not allowed"),
    ("'\\x5f\\x5f'", "is never closed, or an escape inside"),
    ("'\\N{LATIN SMALL LETTER A}'", "is never closed, or an escape inside"),
    ("`lr`", "a back-quote is not allowed"),
    ("@lr", "'@' is not allowed"),
    ("~1", "'~' is not allowed"),
    ("1 << 99999999", "no value|no expression|not allowed"),
    ("...", "is no value of a configuration"),
    ("1j", "1j is no number"),
    ("0x10", "0x10 is no number"),
    ("1if 1 else 2", "1if is no number"),
    ("(" * 400 + "1" + ")" * 400, "brackets are nested more than 30 deep"),
    ("-" * 900 + "1", "nested"),
    ("not " * 240 + "1", "nested"),
    ("1)+(1", "'\\)' closes what was never opened"),
    ("1\n)+__import__('os').system('id')+(1", "'\\)' closes what was never opened"),
    ("'a' < 1", "text stands where a number is needed"),
    ("lr + 'a'", "text stands where a number is needed"),
    ("str(data)", "a mapping does not become text"),
    ("data < data", "a mapping stands where a number is needed"),
    ("lr()", "there is no function lr"),
    ("data.n()", "values have no methods"),
    ("lr[0]", "a number has no key 0"),
    ("list[10**30]", "there is no index|has no index|is no index"),
    ("list[::0]", "the calculation fails"),
    ("list[1.5]", "an index is a whole number or a text"),
    ("'a' in 5", "'in' needs a list"),
    ("lr is 1", "'is' compares with None only"),
    ("t", "in a circle: t -> t"),
    ("select('t')", "in a circle: t -> t"),
    ("1/0", "the calculation fails: division by zero"),
    ("", "the expression is empty"),
    ("log(-1)", "the calculation fails"),
    ("int(1e999)", "the calculation fails"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_a_hostile_expression_is_refused_at_once_with_a_message_of_its_own(text: str, message: str) -> None:
    """Break: let ast.Starred, a method call or string % through; drop any one bound."""
    seconds = []
    for _ in range(3):  # the first one loads ast
        start = time.process_time()
        with pytest.raises(InvalidInput, match=message) as caught:
            value_of(text)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1  # 0.01 s where this was written; bounded is what counts
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput):
            value_of(text)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert caught.value.objects["path"] == ("t",)
    assert caught.value.remedy
    assert "^" in str(caught.value)


WORDS = [
    *sorted(FUNCTIONS),
    *("lr", "data", "size", "path", "list", "empty", ".", "[", "]", "(", ")", "{", "}", ",", ":", "+", "-", "*", "**"),
    *("/", "//", "%", "<", "==", "and", "or", "not", "if", "else", "in", "is", "1", "0", "2.5", "1e3", "'a'", '"b"'),
    *("None", "True", " ", "lambda", "for", "x", "__class__", "10**9", "é", "\\", "\n", "=", "f'", "0x"),
]


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_any_text_gives_a_plain_value_or_a_refusal(text: str) -> None:
    """Break: let one kind of Python's own errors through."""
    try:
        found = value_of(text)
    except InvalidInput:
        return
    assert type(found) in (int, float, str, bool, list, dict, type(None))
