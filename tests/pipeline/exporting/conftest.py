"""One project for all tests of exports: a model with an evaluation, verified, with a secret in every place that has room for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pedigree.pipeline.exporting import export
from pedigree.pipeline.exporting.notes import parse
from pedigree.pipeline.verifying import verify
from tests.pipeline.project import Project

#: Each stands in one place and must stand in no export.
CANARIES = {
    "variable": "postgres://ann:canary-in-variable@db/x",
    "named variable": "canary0",
    "config": "canary-in-config",
    "override": "canary-in-override",
    "egress": "canary-in-egress",
    "secret": "canary-in-secret-file",
}

SPECS = f"""
pipeline: {{name: parts}}
description: Photographs in two parts.
input: {{pfs: {{repo: photos, glob: /}}}}
transform: {{cmd: [sh], stdin: ['mkdir /pfs/out/training /pfs/out/test', 'cp /pfs/photos/a /pfs/photos/b /pfs/out/training', 'cp /pfs/photos/c /pfs/out/test']}}
---
pipeline: {{name: model}}
description: A mean.
input:
  cross:
    - pfs: {{name: training, repo: parts, glob: /training}}
    - pfs: {{name: again, repo: parts, glob: /training}}
config: {{name: train, overrides: ['login.token={CANARIES["override"]}']}}
seed: 7
egress: {{URL: "file://FOLDER/{CANARIES["egress"]}"}}
transform:
  cmd: [python3, train.py, --token, {CANARIES["named variable"]}]
  env: {{DATABASE: "{CANARIES["variable"]}", API_KEY: {CANARIES["named variable"]}, MODE: quick}}
  secrets: [{{name: hub, key: token, env_var: HUB}}]
---
pipeline: {{name: evaluate}}
input:
  cross:
    - pfs: {{name: model, repo: model, glob: /}}
    - pfs: {{name: test, repo: parts, glob: /test}}
transform: {{cmd: [python3, evaluate.py]}}
"""
TRAIN = """
import os
os.makedirs("/pfs/out/model")
open("/pfs/out/model/weights.safetensors", "w").write(os.environ["PEDIGREE_SEED"])
open("/pfs/out/history.csv", "w").write("step,loss\\n1,0.5\\n")
"""
EVALUATE = """
import json
json.dump({"accuracy": 0.875, "pets": 8, "iou": {"cat": 0.5, "<b>dog</b>": 0.25}}, open("/pfs/out/metrics.json", "w"))
open("/pfs/out/evaluation_result.csv", "w").write("metric,original,calibrated\\nloss,0.5,0.25\\n")
"""

NOTES = """---
license: mit
pipeline_tag: image-classification
tags: [pets]
---
## Intended Use
Telling cats from dogs.

## Limitations
- Three photographs, <script>alert(1)</script>.
- No birds.
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("exporting"))
    made.write("train.py", TRAIN)
    made.write("evaluate.py", EVALUATE)
    made.write("conf/train.yaml", f"rate: 0.5\nlogin: {{token: x, password: {CANARIES['config']}}}\nmax_tokens: 512\n")
    secret = made.store.folder / "secrets/hub/token"
    secret.parent.mkdir(parents=True)
    secret.write_text(CANARIES["secret"])
    secret.chmod(0o600)
    made.put("photos", {"a": "1", "b": "2", "c": "3"})
    made.apply(SPECS.replace("FOLDER", str(made.folder)))
    made.run()
    verify(made.store, "parts@master")
    verify(made.store, "evaluate@master", upstream=True)
    yield made
    made.store.close()


@pytest.fixture(scope="session")
def documents(project: Project) -> dict[str, str]:
    """Every format of model@master, as text."""
    done = export(project.store, "model@master", notes=parse(NOTES))
    assert not done.left_out
    return {one.format: one.data.decode() for one in done.documents}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
