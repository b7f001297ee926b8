"""Folders of configurations in the shapes that public projects have; names and values are made up."""

from __future__ import annotations

#: Groups under one primary, experiments that override from the top, a debug group, a `hydra` group of their own.
TEMPLATE = {
    "train.yaml": """# @package _global_
defaults:
  - _self_
  - data: digits
  - model: small
  - callbacks: default
  - logger: null
  - trainer: default
  - paths: default
  - hydra: default
  - experiment: null
  - search: null
  - optional local: default
  - debug: null
task: train
tags: [dev]
seed: 7
""",
    "eval.yaml": "# @package _global_\ndefaults:\n  - _self_\n  - data: digits\n  - model: small\n  - paths: default\ncheckpoint: ???\n",
    "data/digits.yaml": "_target_: data.Digits\nroot: ${paths.data}\nbatch: 32\nsplit: [55, 5]\nworkers: 0\n",
    "data/faces.yaml": "defaults:\n  - digits\n_target_: data.Faces\nbatch: 8\nextra:\n  crop: 1e-1\n",
    "model/small.yaml": "_target_: model.Net\nnet: {width: 64, depth: 2}\noptimizer: {lr: 1e-3, decay: 0.0}\ncompile: false\n",
    "model/large.yaml": "defaults:\n  - small\n  - _self_\nnet:\n  width: 512\n  heads: 8\n",
    "callbacks/default.yaml": "defaults:\n  - checkpoint\n  - stopping\n  - _self_\ncheckpoint: {monitor: val/acc}\n",
    "callbacks/checkpoint.yaml": "checkpoint:\n  directory: ${paths.output}/ckpt\n  monitor: null\n",
    "callbacks/stopping.yaml": "stopping: {patience: '???', monitor: '???'}\n",
    "callbacks/none.yaml": "",
    "logger/csv.yaml": "csv: {directory: '${paths.output}'}\n",
    "logger/board.yaml": "board: {directory: '${paths.output}/board'}\n",
    "logger/many.yaml": "defaults: [csv, board]\n",
    "trainer/default.yaml": "epochs: 10\ndevices: 1\nprecision: null\n",
    "trainer/gpu.yaml": "defaults: [default]\naccelerator: gpu\n",
    "trainer/ddp.yaml": "defaults: [gpu]\nstrategy: ddp\ndevices: 4\nsync: true\n",
    "paths/default.yaml": "root: /project\ndata: ${.root}/data\noutput: ${paths.root}/out\n",
    "hydra/default.yaml": "defaults:\n  - override job_logging: none\nrun:\n  dir: ${paths.output}/${task}\n",
    "experiment/big.yaml": """# @package _global_
defaults:
  - override /data: faces
  - override /model: large
  - override /callbacks: none
  - override /logger: many
tags: [big, '${task}']
model:
  optimizer: {lr: 0.002}
trainer:
  clip: 0.5
""",
    "experiment/again.yaml": "# @package _global_\ndefaults:\n  - big\n  - override /trainer: ddp\nseed: 8\n",
    "search/grid.yaml": "# @package _global_\ndefaults:\n  - override /trainer: gpu\nhydra:\n  mode: MULTIRUN\nmetric: val/acc\n",
    "debug/default.yaml": "# @package _global_\ntask: debug\ncallbacks: null\ntrainer: {epochs: 1, devices: 1}\ndata: {workers: 0}\n",
    "debug/limit.yaml": "# @package _global_\ndefaults:\n  - default\ntrainer:\n  limit: 0.01\n",
}

#: One component at several places of the tree, parts from a sibling folder, headers, and a list as a whole file.
ROLES = {
    "ppo.yaml": """defaults:
  - actor@roles.actor: sharded
  - critic@roles.critic: sharded
  - reference@roles.ref: plain
  - hooks@hooks: none
  - algorithm
  - backend: local
  - _self_
roles:
  hybrid: true
  ref: {log: "${roles.actor.log}"}
trainer: {total: 10, nodes: 1}
""",
    "pipe.yaml": "defaults:\n  - ppo\n  - override actor@roles.actor: pipelined\n  - override backend: remote\n  - _self_\ntrainer: {nodes: 2}\n",
    "algorithm.yaml": "gamma: 1.0\nkl: {kind: low, beta: 1e-3}\n",
    "actor/base.yaml": "log: 4\nclip: 0.2\n",
    "actor/sharded.yaml": "defaults:\n  - ../optim@optim: adam\n  - ../engine@engine: sharded\n  - base\n  - _self_\nentropy: 0\n",
    "actor/pipelined.yaml": "defaults:\n  - ../optim@optim: fused\n  - base\n  - _self_\nstages: [1, 2]\n",
    "critic/sharded.yaml": "defaults:\n  - ../optim@optim: adam\n  - /algorithm@_here_\n  - _self_\noptim: {lr: 1e-5}\n",
    "reference/plain.yaml": "defaults:\n  - ../engine@engine: sharded\n  - _self_\nlog: ???\n",
    "optim/adam.yaml": "lr: 1e-6\nbetas: [0.9, 0.999]\n",
    "optim/fused.yaml": "defaults: [adam]\nfused: true\n",
    "engine/sharded.yaml": "size: -1\noffload: {on: off, level: 0}\n",
    "hooks/none.yaml": "[]\n",
    "hooks/two.yaml": "- {name: early}\n- {name: late, every: 1_000}\n",
    "backend/local.yaml": "# @package runtime.backend\nkind: local\n",
    "backend/remote.yaml": "# @package runtime.backend\nkind: remote\nhosts: [a, b]\n",
}

#: Many primaries in one folder, each naming whole recipes; options that read other choices; options as lists.
RECIPES = {
    "config.yaml": "defaults:\n  - env: gym.yaml\n  - algo: base\n  - metric: [loss, speed]\n  - exp: ???\n  - _self_\nname: ${algo.name}_${env.id}\n",
    "cars.yaml": "defaults:\n  - env: gym\n  - tuning: ${env}\n  - algo: fast\n  - optional tuning@more: ${algo}_${env}\n  - _self_\n",
    "exp/first.yaml": "# @package _global_\ndefaults:\n  - override /env: atari\n  - override /algo: fast\nenv: {wrap: {id: '${env.id}'}}\n",
    "exp/second.yaml": "# @package _global_\ndefaults:\n  - first\n  - override /metric: [loss]\n  - _self_\nseed: 3\n",
    "env/default.yaml": "id: ???\nscreen: 64\n",
    "env/gym.yaml": "defaults:\n  - default\n  - _self_\nid: cart\n",
    "env/atari.yaml": "defaults: [default, _self_]\nid: pong\nframe: {skip: 4}\n",
    "algo/base.yaml": "name: base\nlayers: 2\n",
    "algo/fast.yaml": "defaults: [base, _self_]\nname: fast\n",
    "metric/loss.yaml": "loss: {every: 1}\nkept: loss\n",
    "metric/speed.yaml": "speed: {every: 10}\nkept: speed\n",
    "tuning/gym.yaml": "rate: 1\n",
    "tuning/atari.yaml": "rate: 2\n",
    "tuning/fast_gym.yaml": "rate: 3\n",
}

SHAPES = {"template": TEMPLATE, "roles": ROLES, "recipes": RECIPES}
