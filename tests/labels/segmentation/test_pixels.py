"""The issues of pixels are the peer's, whatever the images come as; void pixels are in nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pedigree import labels
from tests.labels.segmentation.drawn import drawn

Mask = NDArray[np.bool_]


def peer(masks: Any, probabilities: Any, **how: Any) -> Mask:
    from cleanlab.segmentation.filter import find_label_issues

    found: Mask = find_label_issues(masks.astype(int), probabilities, n_jobs=1, verbose=False, **how)
    return found


def own(masks: Any, probabilities: Any) -> NDArray[Any]:
    return np.take_along_axis(probabilities, masks[:, None].astype(int), axis=1)[:, 0]


def same_but_for_ties(masks: Any, probabilities: Any, ours: Mask, theirs: Mask) -> bool:
    """Every pixel that only one of the two has is at the cut: of those that disagree, the highest p of a given label."""
    different = ours != theirs
    if not different.any():
        return True
    at_cut = own(masks, probabilities)[different]
    return bool((at_cut == at_cut[0]).all() and at_cut[0] >= own(masks, probabilities)[ours & theirs].max(initial=0))


def unsure(seed: int, kind: Any) -> tuple[Any, Any]:
    """A model that is unsure of much, so that labels that it agrees with are below the cut as well."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), (3, 20, 20)).transpose(0, 3, 1, 2).astype(kind)
    masks = probabilities.argmax(axis=1)
    other = rng.random(masks.shape) < 0.5
    masks[other] = rng.integers(0, 4, int(other.sum()))
    return masks, probabilities


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_issues_are_the_peers(kind: Any) -> None:
    """Break: count a pixel whose largest p is 1e-3 below the threshold; take one pixel more; leave in those that agree."""
    cases = [drawn(seed, classes=3 + seed, kind=kind) for seed in range(3)] + [unsure(seed, kind) for seed in range(3)]
    for masks, probabilities in cases:
        found = labels.analyse_masks(masks, probabilities)
        expected = peer(masks, probabilities)
        assert expected.any()
        assert np.array_equal(found.issues(), expected)
        assert found.issue_counts.tolist() == expected.sum(axis=(1, 2)).tolist()
        assert found.errors >= expected.sum()
    agreed = own(masks, probabilities)[probabilities.argmax(axis=1) == masks]
    assert agreed.min() < own(masks, probabilities)[expected].max()


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_with_ties_only_those_at_the_cut_differ(data: st.DataObject) -> None:
    """Break: take the last of equal pixels, or take agreeing ones before others (then too few are left)."""
    classes, steps = data.draw(st.integers(2, 4)), data.draw(st.sampled_from([2, 4, 16, 1000]))
    shape = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4)), data.draw(st.integers(2, 5)))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    weights = rng.integers(0, steps + 1, (shape[0], classes, *shape[1:])).astype(float) + 1e-9
    weights[rng.random(shape)[:, None].repeat(classes, 1) < 0.2] = 1.0
    # Values that differ and lie in one bin, some of them equal.
    weights *= 1 + rng.integers(0, 3, weights.shape) * data.draw(st.sampled_from([0.0, 1e-6]))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    masks = rng.integers(0, classes, shape)
    if len(np.unique(masks)) < 2:
        masks[0, 0, :2] = 0, 1
    found, expected = labels.analyse_masks(masks, probabilities), peer(masks, probabilities)
    assert same_but_for_ties(masks, probabilities, found.issues(), expected)
    # By the definition, with the ties as we say: lowest p first, then those that another class is predicted for, then by index.
    flat, differs = own(masks, probabilities).ravel(), (probabilities.argmax(axis=1) != masks).ravel()
    taken = np.zeros(len(flat), bool)
    taken[np.lexsort((~differs, flat))[: found.errors]] = True
    assert np.array_equal(found.issues().ravel(), taken & differs)


def test_quantised_probabilities_are_settled_in_the_second_pass() -> None:
    """Break: begin to count the equal pixels at the cut anew in each image."""
    rng = np.random.default_rng(3)
    values = rng.choice([0.0, 0.25, 0.75, 1.0], (30, 8, 8), p=[0.6, 0.05, 0.2, 0.15])
    probabilities = np.stack((values, 1 - values), axis=1)
    masks = (values < 0.5).astype(int)
    other = rng.random(masks.shape) < 0.3
    masks[other] = rng.integers(0, 2, int(other.sum()))
    found = labels.analyse_masks(masks, probabilities)
    assert found._known.cut.first is not None
    flat, differs = own(masks, probabilities).ravel(), (probabilities.argmax(axis=1) != masks).ravel()
    taken = np.zeros(len(flat), bool)
    taken[np.lexsort((~differs, flat))[: found.errors]] = True
    assert 0 < found.issues().sum() < differs.sum()
    assert np.array_equal(found.issues().ravel(), taken & differs)


def test_the_same_from_every_source_and_with_every_number_of_threads(tmp_path: Path) -> None:
    """Break: with threads, take the image that was begun last first."""
    masks, probabilities = drawn(7, images=9, kind=np.float32)
    np.save(tmp_path / "masks.npy", masks)
    np.save(tmp_path / "p.npy", probabilities)
    expected = labels.analyse_masks(masks, probabilities)

    class Again:
        def __iter__(self) -> Any:
            return iter(probabilities)

    ways: list[tuple[Any, Any, dict[str, Any]]] = [
        (masks, probabilities, {"threads": 3}),
        (tmp_path / "masks.npy", str(tmp_path / "p.npy"), {"store": tmp_path / "store"}),
        (list(masks), [one.transpose(1, 2, 0).copy().transpose(2, 0, 1) for one in probabilities], {}),
        (masks.astype(np.int64), lambda number: probabilities[number], {"threads": 2}),
        (lambda number: masks[number], lambda number: probabilities[number], {"count": 9}),
        (masks, Again(), {"classes": ["a", "b", "c", "d"]}),
        (masks.astype(">i2"), probabilities.astype(">f4"), {}),
    ]
    for given_masks, given_probabilities, how in ways:
        found = labels.analyse_masks(given_masks, given_probabilities, **how)
        assert np.array_equal(found.issues(), expected.issues()), how
        assert found.thresholds.tobytes() == expected.thresholds.tobytes()
        assert np.array_equal(found.pairs, expected.pairs)
        assert found.scores().tobytes() == expected.scores().tobytes()
    stored = labels.read_issue_masks(tmp_path / "store")
    assert np.array_equal(stored.whole(), expected.issues())
    assert (tmp_path / "store/issues.bits").read_bytes() == np.packbits(
        expected.issues().reshape(9, -1), axis=1
    ).tobytes()


def test_images_of_several_sizes() -> None:
    """Break: start the bits of an image in the last byte of the one before."""
    parts = [drawn(seed, images=2, height=9 + seed, width=11) for seed in range(3)]
    masks = [mask for part, _ in parts for mask in part]
    probabilities = [values for _, part in parts for values in part]
    found = labels.analyse_masks(masks, probabilities)
    wide = np.concatenate([mask.ravel() for mask in masks])[None, None]
    values = np.concatenate([one.reshape(4, -1) for one in probabilities], axis=1)[None, :, None]
    expected = labels.analyse_masks(wide, values)
    assert np.array_equal(np.concatenate([mask.ravel() for mask in found.issue_masks]), expected.issues().ravel())
    assert [mask.shape for mask in found.issue_masks] == [mask.shape for mask in masks]


@pytest.mark.parametrize("void", [255, [255, -7], [2**31 - 1, -5]])
def test_void_pixels_are_in_no_count(void: Any) -> None:
    """Break: count void pixels for the last class (index -1), or in the rank of the cut."""
    masks, probabilities = drawn(1)
    rng = np.random.default_rng(0)
    hidden = rng.random(masks.shape) < 0.3
    hidden[2] = True
    marked = masks.astype(np.int64)
    marked[hidden] = rng.choice(np.atleast_1d(void), int(hidden.sum()))
    found = labels.analyse_masks(marked, probabilities, void=void)
    # The same as if the others were all there is.
    seen = ~hidden
    alone = labels.analyse_masks(masks[seen][None, None], probabilities.transpose(1, 0, 2, 3)[:, seen][None, :, None])
    assert np.array_equal(found.issues()[seen], alone.issues().ravel())
    assert not found.issues()[hidden].any()
    assert found.label_counts.tolist() == alone.label_counts.tolist()
    assert found.labelled.tolist() == seen.sum(axis=(1, 2)).tolist()
    assert np.isnan(found.scores()[2])
    assert 2 not in found.worst()
    assert found.remarks == ["1 of 6 images are all void: 2."]


@pytest.mark.parametrize("void", [2**31 - 1, -(2**31)])
def test_a_void_value_far_from_the_classes_is_void(void: int) -> None:
    """It was counted as class 0. Break: leave out what far values mean once the others are numbered."""
    masks, probabilities = drawn(1)
    near, far = masks.astype(np.int64), masks.astype(np.int64)
    near[:, 4:9], far[:, 4:9] = 255, void
    expected = labels.analyse_masks(near, probabilities, void=255)
    found = labels.analyse_masks(far, probabilities, void=void)
    assert found.label_counts.tolist() == expected.label_counts.tolist()
    assert np.array_equal(found.issues(), expected.issues())


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_negative_zero_is_a_zero(kind: Any) -> None:
    """np.round(-4e-8, 6) is one. Its bits were taken for a bin far before the first. Break: leave out `+ 0` in `survey`."""
    masks, probabilities = drawn(4, kind=kind)
    flat = probabilities.transpose(1, 0, 2, 3).reshape(4, -1)
    flat[0] += flat[3]
    flat[3] = 0.0
    zeros = np.ascontiguousarray(flat.reshape(4, *masks.shape).transpose(1, 0, 2, 3))
    negative = np.where(zeros == 0.0, kind(-0.0), zeros)
    found, expected = labels.analyse_masks(masks, negative), labels.analyse_masks(masks, zeros)
    assert np.signbit(negative).any()
    assert (masks == 3).any()
    assert np.array_equal(found.issues(), expected.issues())
    assert found.scores().tobytes() == expected.scores().tobytes()


@pytest.mark.parametrize("values", [[7, 24, 3, 11], [7, 100_000, 3, 2**31 - 1]])
def test_classes_may_be_the_values_in_the_masks(values: list[int]) -> None:
    """Break: take values for places; take a value far from the others for the lowest."""
    masks, probabilities = drawn(2)
    found = labels.analyse_masks(np.array(values)[masks], probabilities, classes=values)
    assert np.array_equal(found.issues(), labels.analyse_masks(masks, probabilities).issues())


def test_made_smaller() -> None:
    """Break: leave out the pixels at the lower and right edges; mark pixels of a block whose own label is predicted."""
    masks, probabilities = unsure(3, np.float64)
    found = labels.analyse_masks(masks, probabilities, downsample=2)
    votes = np.stack([(masks == number).reshape(3, 10, 2, 10, 2).sum(axis=(2, 4)) for number in range(4)])
    small = labels.analyse_masks(votes.argmax(axis=0), probabilities.reshape(3, 4, 10, 2, 10, 2).mean(axis=(3, 5)))
    differs = probabilities.argmax(axis=1) != masks
    flat = own(votes.argmax(axis=0), probabilities.reshape(3, 4, 10, 2, 10, 2).mean(axis=(3, 5))).ravel()
    under = np.zeros(len(flat), bool)
    under[np.argsort(flat, kind="stable")[: small.errors]] = True
    expected = under.reshape(3, 10, 10).repeat(2, axis=1).repeat(2, axis=2) & differs
    assert np.array_equal(found.issues(), expected)
    assert found.pairs.sum() == expected.sum()
    # Where the blocks are of one class each, the peer rounds nothing and says the same.
    even = masks[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
    ours = labels.analyse_masks(even, probabilities, downsample=2).issues()
    assert np.array_equal(ours, peer(even, probabilities, downsample=2))
    ragged = labels.analyse_masks(masks[:, :19, :17], probabilities[:, :, :19, :17], downsample=2)
    assert ragged.issues()[:, 18].any()
    assert ragged.issues().shape == (3, 19, 17)


def test_the_counts_of_pairs_are_those_of_the_issues() -> None:
    """Break: count the issues at the cut for their image and not for their classes."""
    masks, probabilities = unsure(5, np.float64)
    # Many values in the bin of the cut, so that it is settled in the end.
    rng = np.random.default_rng(0)
    probabilities = probabilities.round(1) * (1 + rng.integers(0, 3, probabilities.shape) * 1e-6) + 1e-9
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = labels.analyse_masks(masks, probabilities)
    assert found._known.cut.first is None
    issues, predicted = found.issues(), probabilities.argmax(axis=1)
    expected = np.zeros((4, 4), int)
    np.add.at(expected, (masks[issues], predicted[issues]), 1)
    assert np.array_equal(found.pairs, expected)
    assert found.issue_counts.tolist() == issues.sum(axis=(1, 2)).tolist()
