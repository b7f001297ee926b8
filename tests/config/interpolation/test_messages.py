"""Each kind of mistake, by its whole message."""

from __future__ import annotations

from typing import Any

import pytest

from pedigree.config.interpolation import Resolvers, resolve
from pedigree.config.interpolation.mistakes import Path
from pedigree.errors import InvalidInput

TREE: dict[str, Any] = {"model": {"num_layers": 2, "size": 5}, "l": [1, 2], "todo": "???", "train": {"lr": 0.1}, "n": 1}


def place(path: Path) -> str | None:
    return "conf/config.yaml:4:10" if path == ("t",) else None


def fails(_: object) -> None:
    raise RuntimeError("no such thing")


MESSAGES = [
    (
        "2 x ${model.num_layer}",
        "'model' has no key 'num_layer'.\n  2 x ${model.num_layer}\n      ^\nDid you mean 'model.num_layers'?",
    ),
    ("${lr}", "the top has no key 'lr'.\n  ${lr}\n  ^\nDid you mean 'train.lr'?"),
    ("${model.zzz}", "'model' has no key 'zzz'.\n  ${model.zzz}\n  ^\nIt has: num_layers, size."),
    ("${n.x}", "'n' is a single value, so it has no key 'x'.\n  ${n.x}\n  ^\nEnd the path there, or name a container."),
    ("${l[2]}", "'l' has 2 items, so there is no index 2.\n  ${l[2]}\n  ^\nWrite a number from 0 to 1."),
    ("${l.a}", "'l' is a list, and 'a' is no index.\n  ${l.a}\n  ^\nWrite a number from 0 to 1."),
    ("${todo}", "'todo' is still to be given (???).\n  ${todo}\n  ^\nGive it a value: todo=VALUE."),
    (
        "${...n}",
        (
            "3 dots lead above the top of the configuration.\n  ${...n}\n  ^\n"
            "There is 1 container around the value: write at most 1 dots."
        ),
    ),
    ("${lem:${l}}", "there is no resolver 'lem'.\n  ${lem:${l}}\n  ^\nDid you mean 'len'?"),
    (
        "${t}",
        "the interpolations go round in a circle: t -> t.\n  ${t}\n  ^\nGive one of them a value of its own.",
    ),
    (
        "${oc.env:HOM}",
        (
            "the environment variable HOM is not set.\n  ${oc.env:HOM}\n  ^\n"
            "Set it, or give a default: ${oc.env:HOM,DEFAULT}. Did you mean HOME?"
        ),
    ),
    (
        "${now:%Y}",
        "the time was not given to this configuration.\n  ${now:%Y}\n  ^\nPass now=datetime.now() to resolve.",
    ),
    (
        "${hydra:job.name}",
        (
            "the settings of Hydra were not given to this configuration, so there is no 'job.name'.\n"
            "  ${hydra:job.name}\n  ^\nPass hydra={...} to resolve, or write the value into the configuration."
        ),
    ),
    (
        "${fails:1}",
        (
            "the resolver 'fails' failed with RuntimeError: no such thing.\n  ${fails:1}\n  ^\n"
            "Look at its arguments, or mend the resolver."
        ),
    ),
    (
        "${model.size",
        (
            "'${' is never closed.\n  ${model.size\n  ^\n"
            "Close it with the matching bracket, or write \\${ for the signs themselves."
        ),
    ),
    (
        "a ${}",
        "the interpolation is empty.\n  a ${}\n    ^\nWrite a path, as in ${model.size}, or \\${ for the signs.",
    ),
    (
        "${model. size}",
        (
            "' ' stands where a key was expected.\n  ${model. size}\n          ^\n"
            "A path is keys with dots between, or keys in [ ], without spaces, quotes or backslashes."
        ),
    ),
    (
        '${model["size"]}',
        (
            'a key in an interpolation takes no quotes.\n  ${model["size"]}\n          ^\n'
            "Write ${a[key]} or ${a.key}; reach other keys by ${expr:'a[\"the key\"]'}."
        ),
    ),
    (
        "${len:a=b}",
        (
            "'=' stands where '}' was expected.\n  ${len:a=b}\n         ^\n"
            "Put the argument in quotes, or a backslash before the sign."
        ),
    ),
    (
        "${len:'abc}",
        "the quote ' is never closed.\n  ${len:'abc}\n        ^\nClose it, or write \\' for the sign itself.",
    ),
    (
        "${len:[1,2}",
        (
            "'}' stands where ',' or ']' was expected.\n  ${len:[1,2}\n            ^\n"
            "Put the argument in quotes, or a backslash before the sign."
        ),
    ),
    ("${len:5}", "a number has no length.\n  ${len:5}\n  ^\nName a list, a mapping or a text."),
    (
        "${expr:'lr * 2 + sise'}",
        "the top has no key 'lr'.\n  lr * 2 + sise\n  ^\nDid you mean 'train.lr'?",
    ),
    (
        "${expr:'n + lenn(l)'}",
        "there is no function lenn.\n  n + lenn(l)\n      ^\nDid you mean len?",
    ),
]


@pytest.mark.parametrize(("text", "message"), MESSAGES, ids=[text for text, _ in MESSAGES])
def test_a_mistake_says_where_what_and_what_to_do(text: str, message: str) -> None:
    """Break: any word of the message, or the column of its caret."""
    table = Resolvers.standard().adding("fails", fails)
    with pytest.raises(InvalidInput) as caught:
        resolve({**TREE, "t": text}, resolvers=table, environment={"HOME": "/"}, places=place)
    assert str(caught.value) == f"conf/config.yaml:4:10: t: {message}"
    assert caught.value.objects["place"] == "conf/config.yaml:4:10"


def test_a_circle_is_named_in_full() -> None:
    """Break: name only the value at which the circle was noticed."""
    with pytest.raises(InvalidInput) as caught:
        resolve({"x": "${a}", "a": "1 ${b.c}", "b": {"c": "${d[0]}"}, "d": ["${a}"]})
    assert caught.value.message == (
        "d[0]: the interpolations go round in a circle: a -> b.c -> d[0] -> a.\n"
        "  ${a}\n  ^\n  read by b.c\n  read by a\n  read by x"
    )
    assert caught.value.objects["readers"] == (("b", "c"), ("a",), ("x",))
    with pytest.raises(InvalidInput, match="in a circle: d -> d.b -> e.c -> d"):
        resolve({"d": {"b": "${e}"}, "e": {"c": "${d}"}})


def test_a_mistake_far_away_names_its_own_place_and_who_asked() -> None:
    """Break: report the text of the reader."""
    with pytest.raises(InvalidInput) as caught:
        resolve({"t": "${b}", "b": {"c": "${nowhere}"}}, places=place)
    assert caught.value.message == (
        "b.c: the top has no key 'nowhere'.\n  ${nowhere}\n  ^\n  read by conf/config.yaml:4:10: t"
    )


def test_the_cause_of_a_failing_resolver_is_kept() -> None:
    """Break: raise without the cause."""
    with pytest.raises(InvalidInput) as caught:
        resolve({"a": "${fails:1}"}, resolvers=Resolvers.standard().adding("fails", fails))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_long_text_is_shown_around_the_caret() -> None:
    """Break: print all of it."""
    with pytest.raises(InvalidInput) as caught:
        resolve({"a": "x" * 5_000 + "\n${nowhere}" + "y" * 5_000})
    line, caret = caught.value.message.split("\n")[1:3]
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("${nowhere}")
