"""The bridge to Hydra: the same values by either engine, its ConfigStore, its applications."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from pedigree import config
from pedigree.config import hydra_bridge
from pedigree.config.composing import compose
from pedigree.config.frozen import freeze, read
from pedigree.config.origins import at
from pedigree.errors import InvalidConfig, InvalidInput


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    files = {
        "config.yaml": "defaults: [{model: small}, _self_]\nlr: 0.1\nsteps: ${model.width}\n",
        "model/small.yaml": "width: 8\n",
        "model/big.yaml": "width: 80\n",
    }
    for name, text in files.items():
        (tmp_path / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / name).write_text(text)
    return tmp_path / "conf"


def test_both_engines_give_one_configuration(conf: Path) -> None:
    """Values, choices and places agree. Break: resolve `raw` in from_hydra, and the origins of interpolations go."""
    ours = compose(conf, "config", ["model=big", "lr=3"])
    hydras = compose(conf, "config", ["model=big", "lr=3"], engine="hydra")
    assert hydras.values == ours.values == {"model": {"width": 80}, "lr": 3, "steps": 80}
    assert hydras.raw == ours.raw
    assert hydras.choices == {"model": "big"}
    assert at(hydras.origins, ("model", "width")).text.endswith("model/big.yaml:1:8")
    assert freeze(hydras).digest == freeze(ours).digest


def test_what_hydra_refuses_is_told_in_its_words(conf: Path) -> None:
    """Break: let Hydra's exceptions pass."""
    with pytest.raises(InvalidConfig, match="Hydra does not compose config") as caught:
        compose(conf, "config", ["model=huge"], engine="hydra")
    assert "model/huge" in caught.value.message


def test_hydras_engine_takes_nothing_that_it_would_ignore(conf: Path) -> None:
    """Break: leave the check out, and `environment` is dropped without a word."""
    with pytest.raises(InvalidInput, match="engine='hydra' takes a folder"):
        compose(conf, environment={"A": "1"}, engine="hydra")


def test_a_missing_value_from_hydra_is_refused() -> None:
    """Break: leave `throw_on_missing` out."""
    from omegaconf import OmegaConf

    with pytest.raises(InvalidConfig, match="Missing mandatory value"):
        hydra_bridge.from_hydra(OmegaConf.create({"a": "???"}))


def test_a_frozen_configuration_becomes_a_read_only_dictconfig(conf: Path) -> None:
    """Break: leave set_readonly out."""
    from omegaconf.errors import ReadonlyConfigError

    made = hydra_bridge.to_hydra(freeze(compose(conf)).as_dict())
    assert made.model.width == 8
    with pytest.raises(ReadonlyConfigError):
        made.lr = 3


def test_the_config_store_is_a_source(conf: Path) -> None:
    """Its nodes are options like files. Break: drop the package from the head in `read`."""
    from hydra.core.config_store import ConfigStore

    store: Any = ConfigStore.instance()
    before = store.repo
    store.repo = {}
    try:
        store.store(name="stored", node={"width": 5}, group="model")
        store.store(name="top", node={"extra": True}, package="elsewhere")
        found = compose(conf, "config", ["model=stored"], search=[hydra_bridge.ConfigStore()])
        assert found.values["model"] == {"width": 5}
        assert at(found.origins, ("model", "width")).text.startswith("structured://model/stored")
        (conf / "uses.yaml").write_text("defaults: [top]\n")
        assert compose(conf, "uses", search=[hydra_bridge.ConfigStore()]).values == {"elsewhere": {"extra": True}}
    finally:
        store.repo = before


APPLICATION = """
from pydantic import BaseModel
from pedigree.config.hydra_bridge import hydra_main

class Model(BaseModel):
    width: int

class Training(BaseModel):
    model: Model
    lr: float
    steps: int

@hydra_main(Training, config_path="conf")
def train(settings):
    print(type(settings).__name__, settings.model.width, settings.lr)

if __name__ == "__main__":
    train()
"""


@pytest.mark.slow
def test_a_hydra_application_gets_a_model_and_leaves_a_frozen_file(conf: Path) -> None:
    """Also in a multirun by Hydra's own launcher. Break: call the function with Hydra's DictConfig."""
    script = conf.parent / "train.py"
    script.write_text(APPLICATION)
    ran = subprocess.run(
        [sys.executable, str(script), "-m", "model=small,big", "lr=2"], cwd=conf.parent, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "Training 8 2.0" in ran.stdout
    assert "Training 80 2.0" in ran.stdout
    files = sorted(conf.parent.glob("multirun/*/*/*/config.json"))
    assert [read(file).as_dict()["model"]["width"] for file in files] == [8, 80]
    assert json.loads(files[1].read_text())["overrides"] == ["model=big", "lr=2"]


def test_without_hydra_the_bridge_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: import Hydra at the top of the bridge."""
    monkeypatch.setitem(sys.modules, "hydra", None)
    with pytest.raises(Exception, match="needs hydra-core") as caught:
        hydra_bridge.to_hydra({})
    assert "pedigree-ml[hydra]" in str(caught.value)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_the_public_name_composes(conf: Path) -> None:
    """Break: leave `compose` out of the table of `pedigree.config`."""
    assert config.compose(conf).values["steps"] == 8
