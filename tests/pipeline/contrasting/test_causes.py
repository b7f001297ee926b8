"""Why a result is another: on real runs of a loop of three steps, in the real sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pedigree.errors import InvalidInput, PathNotFound
from pedigree.pipeline import pipelines
from pedigree.pipeline.contrasting import contrasts
from pedigree.pipeline.contrasting.contrast import Contrast
from tests.pipeline.contrasting.loop import EVALUATE, PREPARE, SPECS, TRAIN, again, configured, loop
from tests.pipeline.project import Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three commits of `evaluate`: the first, one with another configuration, one with much else."""
    project = loop(tmp_path_factory.mktemp("loop"))
    configured(project, steps=15, rate=0.2)
    again(project)
    project.write("evaluate.py", EVALUATE.replace("- 0.1", "- 0.2"))
    project.put("photos", {"b": "two more", "t2": "four", "a": None})
    again(project, SPECS.replace("cpu: 1", "cpu: 2").replace("seed: 3", "seed: 4"))
    yield project
    project.store.close()


def told(contrast: Contrast) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    return [
        (" ".join(cause.way), cause.kind, [(one.name, one.before, one.after) for one in cause.changes])
        for cause in contrast.causes
    ]


def test_the_cause_upstream_is_named_and_nothing_on_the_way(project: Project) -> None:
    """Break: go on into every input, also into `prepare`, of which the same files were read."""
    (contrast,) = contrasts(project.store, "evaluate@master^")
    assert told(contrast) == [("evaluate train", "config", [("rate", "0.1", "0.2"), ("steps", "12", "15")])]
    assert contrast.causes[0].changes[0].place == "conf/train.yaml:2:7"
    assert [step.repo for step in contrast.steps] == ["evaluate", "train"]
    assert (contrast.changed, contrast.added, contrast.removed, contrast.identical) == (2, 0, 0, False)


def test_causes_are_ranked_from_the_result_back_to_what_people_put_in(project: Project) -> None:
    """Every kind at once. Break: take causes in the order of kinds; or read all of `prepare` for each of its readers."""
    (contrast,) = contrasts(project.store, "evaluate@master")
    assert [(way, kind) for way, kind, _ in told(contrast)] == [
        ("evaluate", "code"),
        ("evaluate train", "seed"),
        ("evaluate train", "threads"),
        ("evaluate prepare photos", "files"),
        ("evaluate train prepare photos", "files"),
    ]
    code, seed, threads, test, training = contrast.causes
    assert '+    {"accuracy": accuracy, "tests": len(tests), "per class": {"cat": accuracy - 0.2' in "\n".join(
        code.changes[0].lines
    )
    assert (seed.changes[0].before, seed.changes[0].after) == ("3", "4")
    assert (threads.changes[0].before, threads.changes[0].after, threads.changes[0].place) == (
        "1",
        "2",
        "resource_limits.cpu",
    )
    assert [(one.name, one.before, one.after) for one in test.changes] == [("photos:/t2", "", "4 bytes")]
    assert [(one.name, one.before, one.after) for one in training.changes] == [
        ("photos:/a", "3 bytes", ""),
        ("photos:/b", "3 bytes", "8 bytes"),
    ]


def test_old_and_new_turned_round_turn_every_change_round(project: Project) -> None:
    """Break: fill one side's missing value with the other's."""
    (there,) = contrasts(project.store, "evaluate@master", "evaluate@master~2")
    (back,) = contrasts(project.store, "evaluate@master~2", "evaluate@master")
    turned = [
        (way, kind, [(name, after, before) for name, before, after in changes]) for way, kind, changes in told(back)
    ]
    for one, other in zip(told(there), turned, strict=True):
        if one[1] != "code":  # its name holds the line of the newer file
            assert one == other
    assert [(one.name, one.old, one.new) for one in there.numbers] == [
        (one.name, one.new, one.old) for one in back.numbers
    ]


def test_numbers_curves_and_plots_stand_beside_the_causes(project: Project) -> None:
    """Break: round before subtracting; or take the curves of the result only."""
    (contrast,) = contrasts(project.store, "evaluate@master^")
    numbers = {one.name: one for one in contrast.numbers}
    old, new = (json.loads(project.read(f"evaluate@{side}:/metrics.json")) for side in ("master~2", "master^"))
    assert list(numbers) == ["accuracy", "per class.cat"]
    assert numbers["accuracy"].difference == new["accuracy"] - old["accuracy"] > 0
    assert contrast.same_numbers == 2
    curves = {one.name: one for one in contrast.curves}
    assert (curves["loss"].repo, curves["loss"].over, curves["loss"].parts_at) == ("train", "step", 1.0)
    assert (len(curves["loss"].old), len(curves["loss"].new)) == (12, 15)
    assert curves["weight"].parts_at == 13.0
    (plot,) = contrast.plots
    assert (plot.file, plot.old != plot.new) == ("plot.png", True)


def test_two_runs_are_held_together_by_the_results_that_both_made(project: Project) -> None:
    """Break: take every commit of the runs, of which `evaluate` explains the others already."""
    runs = [project.store.resolve(f"evaluate@master{step}").commit.run for step in ("", "^")]
    (contrast,) = contrasts(project.store, runs[0], runs[1][:8])
    assert (contrast.repo, contrast.new.run, contrast.old.run) == ("evaluate", runs[0], runs[1])
    assert contrast == contrasts(project.store, "evaluate@master")[0]
    with pytest.raises(InvalidInput, match="is a run"):
        contrasts(project.store, runs[0], "evaluate@master")


def test_json_is_json_and_text_fits_its_width(project: Project) -> None:
    """Break: leave a tuple or an infinite number inside; or cut nothing."""
    (contrast,) = contrasts(project.store, "evaluate@master")
    value = json.loads(json.dumps(contrast.to_json(), allow_nan=False))
    assert value["causes"][0]["kind"] == "code"
    assert value["numbers"][0]["difference"] == contrast.numbers[0].difference
    lines = contrast.to_text(width=72).splitlines()
    assert max(map(len, lines)) <= 72
    assert "  2. train: seed  (1 step upstream: evaluate ← train)" in lines


def test_what_cannot_be_explained_is_one_clear_error(project: Project) -> None:
    """Break: hold commits of two repositories together, or what somebody put in."""
    with pytest.raises(InvalidInput, match="two repositories"):
        contrasts(project.store, "evaluate@master", "train@master")
    with pytest.raises(InvalidInput, match="was not made by a pipeline"):
        contrasts(project.store, "photos@master")
    with pytest.raises(InvalidInput, match="the first commit of its line"):
        contrasts(project.store, "evaluate@master~2")
    with pytest.raises(PathNotFound):
        contrasts(project.store, "evaluate@master:/nothing.json")


def test_of_a_path_only_what_was_read_for_it_counts(tmp_path: Path) -> None:
    """Break: leave the path out when the lineages are walked; the new photograph made the other file."""
    project = Project(tmp_path)
    project.put("photos", {"a": "one", "t1": "two"})
    project.write("prepare.py", PREPARE)
    project.apply(SPECS.split("---")[0])
    project.run()
    project.put("photos", {"a": "other"})
    project.run()
    (contrast,) = contrasts(project.store, "prepare@master:/training")
    assert told(contrast) == [("prepare photos", "files", [("photos:/a", "3 bytes", "5 bytes")])]
    (same,) = contrasts(project.store, "prepare@master:/test")
    assert same.identical
    assert same.causes == ()


def test_bytes_that_differ_although_nothing_does_are_said_to(tmp_path: Path) -> None:
    """Applied to run again; the salt that does it is nothing that a step sees. Break: call the salt a cause."""
    project = Project(tmp_path)
    project.put("photos", {"a": "one"})
    project.write("prepare.py", PREPARE + "import random\nPath('/pfs/out/lot').write_text(str(random.random()))\n")
    project.apply(SPECS.split("---")[0])
    project.run()
    pipelines.apply(project.store, [str(project.folder / "pipelines.yaml")], reprocess=True)
    project.run()
    (contrast,) = contrasts(project.store, "prepare@master")
    assert [kind for _, kind, _ in told(contrast)] == ["nothing"]
    text = contrast.to_text()
    assert "1. prepare: nothing that is recorded differs, yet the bytes do" in text
    assert "`pedigree verify` makes it again" in text


def test_a_change_that_changed_nothing_is_told_as_that(tmp_path: Path) -> None:
    """Break: call every difference in how it was made a cause of something."""
    project = loop(tmp_path)
    project.write("train.py", TRAIN + "# a comment\n")
    again(project)
    # The model is the same, so `evaluate` did not run again: `train` has two commits with one tree.
    (contrast,) = contrasts(project.store, "train@master")
    assert contrast.identical
    assert [kind for _, kind, _ in told(contrast)] == ["code"]
    assert "changed nothing:" in contrast.to_text()
    project.store.close()
