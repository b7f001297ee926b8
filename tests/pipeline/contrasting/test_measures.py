"""Numbers and curves, as they are read from JSON and CSV."""

from __future__ import annotations

import json

import pytest

from pedigree.pipeline.contrasting import measures, telling
from pedigree.pipeline.contrasting.contrast import Curve, Number


def test_json_gives_its_numbers_by_place_and_long_lists_as_curves() -> None:
    """Break: take true for 1, or a list of four for four numbers."""
    value = {"a": 1, "b": {"c": [0.5, 2], "on": True}, "d": [1, 2, 3, 4], "text": "5", "none": None}
    numbers, curves = measures._json(json.loads(json.dumps(value)))
    assert numbers == {"a": 1.0, "b.c[0]": 0.5, "b.c[1]": 2.0}
    assert curves == {"d": ("place in the list", ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)))}


@pytest.mark.parametrize(
    ("text", "numbers", "curves"),
    [
        ("step,loss\n1,0.5\n2,0.25\n", {}, {"loss": ("step", ((1.0, 0.5), (2.0, 0.25)))}),
        (
            "step,loss,iou\n1,0.5,\n2,0.25,0.7\n",
            {},
            {"loss": ("step", ((1.0, 0.5), (2.0, 0.25))), "iou": ("step", ((2.0, 0.7),))},
        ),
        ("class,iou,f1\ncat,0.5,0.6\ndog,0.7,\n", {"cat iou": 0.5, "cat f1": 0.6, "dog iou": 0.7}, {}),
        ("class,iou\ncat,0.5\ncat,0.7\n", {"row 1 iou": 0.5, "row 2 iou": 0.7}, {}),
        (
            "step,loss\n1,0.5\n1,0.25\n",
            {"row 1 step": 1.0, "row 1 loss": 0.5, "row 2 step": 1.0, "row 2 loss": 0.25},
            {},
        ),
        ("a\n" + "".join(f"{at}\n" for at in range(41)), {"mean of a (41 rows)": 20.0}, {}),
        ("alone\n", {}, {}),
        ("", {}, {}),
    ],
)
def test_a_table_is_a_history_or_numbers_by_row(text: str, numbers: object, curves: object) -> None:
    """Break: draw over a column that does not rise; or name rows by a label that two of them share."""
    assert measures._table(text, ",") == (numbers, curves)


def test_curves_part_at_the_first_point_that_is_not_on_both() -> None:
    """Break: compare the last points, or say nothing of a curve that goes on."""
    one = ((1.0, 5.0), (2.0, 4.0))
    assert measures._parts_at(one, ((1.0, 5.0), (2.0, 3.0))) == 2.0
    assert measures._parts_at(one, (*one, (3.0, 1.0))) == 3.0
    assert measures._parts_at(one, one) is None
    assert measures._parts_at((), one) == 1.0


def test_numbers_are_told_with_their_direction() -> None:
    """Break: give the share of the new number, or an arrow to what is on one side only."""

    def told(old: float | None, new: float | None) -> str:
        return telling.change_of(Number("r", "f", "n", old, new))

    assert told(0.5, 0.75) == "▲ +0.25 (+50.00%)"
    assert told(-2.0, -3.0) == "▼ -1 (-50.00%)"
    assert told(0.0, 1.0) == "▲ +1"
    assert told(None, 1.0) == "only new"
    assert told(1.0, float("nan")) == "not a number"
    assert [telling.plain(value) for value in (1234567.0, 0.1234567, float("inf"), None)] == [
        "1,234,567",
        "0.123457",
        "inf",
        "-",
    ]


def test_a_chart_holds_both_curves_on_one_scale_and_no_nan() -> None:
    """Break: scale each curve to itself, or draw a point that is no number."""
    from pedigree.pipeline.contrasting import charts

    nan = float("nan")
    svg = charts.draw(
        Curve("r", "f", "<loss>", "step", ((1.0, 0.0), (2.0, nan), (3.0, 1.0)), ((1.0, 1.0), (3.0, 2.0)), 1.0)
    )
    assert "nan" not in svg
    assert "&lt;loss&gt;" in svg
    assert 'class="old" points="52.0,164.0 330.0,87.0"' in svg
    assert 'class="new" points="52.0,87.0 330.0,10.0"' in svg
