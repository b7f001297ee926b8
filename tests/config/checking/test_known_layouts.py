"""Layouts that many projects have: nothing is found in them that is no mistake."""

from __future__ import annotations

from pathlib import Path

from pedigree.config.checking import check
from pedigree.config.composing import compose
from tests.config.checking.lab import conf, lines

#: The habits of templates for training: `@package _global_` on top of everything, options that are null, groups of
#: files that are named by other options, settings of Hydra in a group, an optional group that is not in the repository.
TRAINING = {
    "train.yaml": """\
# @package _global_
defaults:
  - _self_
  - data: digits
  - model: small
  - callbacks: usual
  - logger: null
  - paths: here
  - hydra: ours
  - experiment: null
  - search: null
  - optional local: mine
  - debug: null
task: train
tags: [dev]
checkpoint: null
""",
    "eval.yaml": "# @package _global_\ndefaults: [_self_, data: digits, model: small, logger: null, paths: here, hydra: ours]\ntask: eval\ntags: [dev]\ncheckpoint: ???\n",
    "data/digits.yaml": "folder: ${paths.data}\nbatch: 128\n",
    "model/small.yaml": "optimizer: {_target_: some.Adam, _partial_: true, lr: 0.001}\n",
    "callbacks/usual.yaml": "defaults: [keep, stop, _self_]\nkeep: {folder: '${paths.out}/kept'}\n",
    "callbacks/keep.yaml": "keep: {folder: null}\n",
    "callbacks/stop.yaml": "stop:\n  monitor: ???\n",
    "callbacks/none.yaml": "",
    "logger/csv.yaml": "csv: {folder: '${paths.out}'}\n",
    "logger/many.yaml": "defaults: [csv]\nboard: {tags: '${tags}'}\n",
    "paths/here.yaml": "root: ${oc.env:PROJECT_ROOT}\ndata: ${paths.root}/data/\nout: ${hydra:runtime.output_dir}\n",
    "hydra/ours.yaml": "run: {dir: '${paths.root}/logs/${task}/${now:%Y-%m-%d}'}\n",
    "experiment/one.yaml": "# @package _global_\ndefaults:\n  - override /data: digits\n  - override /callbacks: none\ntags: [one]\nmodel: {optimizer: {lr: 1}}\n",
    "search/wide.yaml": "# @package _global_\ndefaults:\n  - override /hydra/sweeper: optuna\nhydra: {mode: MULTIRUN}\n",
    "debug/usual.yaml": "# @package _global_\ntask: debug\ncallbacks: null\nhydra: {verbose: true}\n",
    "debug/fast.yaml": "# @package _global_\ndefaults: [usual]\nfast: true\n",
}


def test_a_template_for_training_is_in_order(tmp_path: Path) -> None:
    """Break: take `_global_` on top of a primary configuration for a key; take a choice of null for the end."""
    report = check(conf(tmp_path, TRAINING, {}), environment={})
    assert lines(report, tmp_path) == [
        "note paths/here.yaml:1:7 environment: paths.root: the environment variable PROJECT_ROOT is not set"
    ]
    assert report.primaries == ("eval", "train")
    # eval: itself, and 2 loggers; train: itself, 3 other callbacks, 2 loggers, an experiment, a search, 2 to debug.
    assert report.composed == 3 + 10


def test_a_primary_configuration_with_a_package_goes_there(tmp_path: Path) -> None:
    """As Hydra has it. Break: read `_global_` as a key."""
    conf(tmp_path, {"a.yaml": "# @package _global_\nx: 1\n", "b.yaml": "# @package _global_.y\nx: 1\n"}, {})
    assert compose(tmp_path, "a").values == {"x": 1}
    assert compose(tmp_path, "b").values == {"y": {"x": 1}}
