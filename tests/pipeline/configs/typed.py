"""A step whose configuration has a model, which leaves a mark where it is imported."""

MODEL = """
import pathlib
from typing import Literal
from pedigree.config.models import Config, Secret

pathlib.Path("imported").open("a").write("x")


class Training(Config):
    version: Literal[1] = 1
    steps: int
    warm: int = 10
"""

TYPED = """
pipeline: {name: train}
input: {pfs: {repo: in, glob: /}}
config: {name: typed, model: "settings.py:Training"}
transform: {cmd: [python3, main.py]}
"""

MAIN = """
from pedigree.config.entry.current import current
from typed import Training

found = current(Training)
open("/pfs/out/seen", "w").write(f"{type(found).__name__} {found.steps + found.warm} {current()}")
"""
