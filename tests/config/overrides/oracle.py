"""Hydra's own parser and sweeper, and what they say in our words."""

from __future__ import annotations

import contextlib
import math
import warnings
from itertools import islice
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser import types
from hydra.core.override_parser.overrides_parser import OverridesParser

from pedigree.config import overrides
from pedigree.config.overrides import Choice, Glob, Interval, Override, Quoted, Range
from pedigree.errors import InvalidInput

PARSER = OverridesParser.create()
#: Values of a sweep that are compared: some ranges are endless in Hydra.
FIRST = 40
_MARKS = {types.Quote.single: "'", types.Quote.double: '"'}
_KINDS = {
    "CHOICE_SWEEP": Choice,
    "SIMPLE_CHOICE_SWEEP": Choice,
    "RANGE_SWEEP": Range,
    "INTERVAL_SWEEP": Interval,
    "GLOB_CHOICE_SWEEP": Glob,
}


class NeverUsable(Exception):
    """Hydra's parser takes it and its sweeper or composer cannot use it: we refuse it on purpose."""


def hydra(text: str) -> types.Override | None:
    """What Hydra's parser says; None when it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return PARSER.parse_override(text)
        except Exception:  # it raises whatever its libraries raise: ValueError, RecursionError…
            return None


def ours(value: Any, inside: bool = False) -> Any:
    """A value of Hydra's parser in our types. Raises NeverUsable."""
    if isinstance(value, types.QuotedString):
        return Quoted(value.text, _MARKS[value.quote])
    if inside and isinstance(value, (types.Sweep, types.Glob)):
        raise NeverUsable
    if isinstance(value, list):
        return [ours(item, True) for item in value]
    if isinstance(value, dict):
        return {key: ours(item, True) for key, item in value.items()}
    if isinstance(value, types.ChoiceSweep):
        options = tuple(ours(item, True) for item in value.list)
        return Choice(options, value.simple_form, value.shuffle, frozenset(value.tags))
    if isinstance(value, types.RangeSweep):
        return Range(value.start, value.stop, value.step, value.shuffle, frozenset(value.tags))  # type: ignore[arg-type]
    if isinstance(value, types.IntervalSweep):
        return Interval(value.start, value.end, frozenset(value.tags))  # type: ignore[arg-type]
    if isinstance(value, types.Glob):
        patterns = [[ours(item) for item in items] for items in (value.include, value.exclude)]
        texts = [tuple(item.text if type(item) is Quoted else item for item in items) for items in patterns]
        if not all(type(item) is str for items in texts for item in items):
            raise NeverUsable
        return Glob(*texts)
    return value


def exactly(value: Any) -> str:
    """A text that two values share only when they are equal with their types: `1`, `1.0`, True, -0.0 and NaN differ."""
    if isinstance(value, frozenset):
        return repr(sorted(value))
    if isinstance(value, tuple) and type(value) is not tuple:
        return f"{type(value).__name__}{[exactly(item) for item in value]}"
    return repr(value)


def parsed(text: str) -> Override | None:
    """What our parser says; None when it refuses. Anything but InvalidInput is a bug and passes through."""
    try:
        return overrides.parse(text)
    except InvalidInput:
        return None


def disagreement(text: str) -> str | None:
    """How we differ from Hydra on this text; None when we agree, or differ only where we mean to."""
    theirs, mine = hydra(text), parsed(text)
    if theirs is None:
        return None if mine is None else f"Hydra refuses, we read {mine}"
    try:
        written = ours(theirs._value)
    except NeverUsable:
        return None if mine is None else f"never usable, we read {mine}"
    if mine is None:
        return f"we refuse, Hydra reads {theirs}"
    operation = {"DEL": "DELETE"}.get(theirs.type.name, theirs.type.name)
    left = [operation, theirs.key_or_group, theirs.package, theirs.value_type is None]
    right = [mine.operation.name, mine.key, mine.package, mine.bare]
    if left != right:
        return f"{left} is not {right}"
    if "shuffle" in text and isinstance(written, list):  # shuffled while parsing: the order is anybody's
        if sorted(map(exactly, written)) != sorted(map(exactly, mine.written)):
            return f"{written} is not {mine.written} in some order"
        return None
    if exactly(written) != exactly(mine.written):
        return f"{exactly(written)} is not {exactly(mine.written)}"
    kind = _KINDS.get(theirs.value_type.name) if theirs.value_type is not None else None
    if mine.is_sweep != (kind is not None) or (kind is not None and type(mine.value) is not kind):
        return f"{theirs.value_type} is not {type(mine.value)}"
    if kind is None and exactly(theirs.value()) != exactly(mine.value):
        return f"{theirs.value()!r} is not {mine.value!r}"
    return _sweep_disagreement(theirs, mine)


def _sweep_disagreement(theirs: types.Override, mine: Override) -> str | None:
    if type(mine.value) in {Interval, Glob}:
        return None
    if type(mine.value) is Range and not all(map(math.isfinite, mine.value[:3])):
        # Refused even where it is empty; and Hydra would shuffle an endless one for ever.
        with contextlib.suppress(InvalidInput):
            return f"we list {overrides.count([mine])} values of a range that is not finite"
        return None
    expected: list[str] | None
    try:
        if mine.is_sweep:
            expected = [f"{mine.target}={item}" for item in islice(theirs.sweep_string_iterator(), FIRST)]
        else:
            theirs.input_line = mine.text
            [[[only]]] = BasicSweeper.split_arguments([theirs], None)
            expected = [only]
    except Exception:  # a step of 0, a NaN
        expected = None
    try:
        got = [text for [text] in overrides.points([mine])]
        if overrides.count([mine]) != len(got):
            return f"count {overrides.count([mine])} is not {len(got)}"
    except InvalidInput:
        # Endless, or too many values to list.
        return None if expected is None or len(expected) == FIRST else f"we do not list {expected}"
    if expected is None:
        return f"Hydra does not list {got}"
    if getattr(mine.value, "shuffled", False):
        return None if len(got) > FIRST or sorted(expected) == sorted(got) else f"{expected} is not {got} in some order"
    return None if expected == got[:FIRST] else f"{expected} is not {got}"
