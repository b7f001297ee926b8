"""seed_everything seeds what it says, says what it cannot, and refuses what is no seed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from pedigree import training
from pedigree.errors import InvalidInput


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "random")


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), torch.rand(()).item()


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others() -> None:
    """Break: forget one of the three."""
    training.seed_everything(5)
    first = drawn()
    again = drawn()
    training.seed_everything(5)
    assert drawn() == first
    training.seed_everything(6)
    assert not {*drawn()} & {*first, *again}


def test_python_and_torch_give_what_their_own_seeding_gives() -> None:
    """A script that wrote torch.manual_seed keeps its results. Break: seed torch with derive(seed, "torch")."""
    training.seed_everything(5)
    ours = random.random(), torch.rand(())
    random.seed(5)
    torch.manual_seed(5)
    assert ours == (random.random(), torch.rand(()))


def test_numpys_noise_is_not_torchs_noise() -> None:
    """With np.random.seed it is, which is shown first. Break: np.random.seed(seed)."""

    def same() -> bool:
        words = np.random.randint(0, 2**32, 8, dtype=np.uint32) & 0xFFFFFF
        return bool((torch.rand(8) * 2**24).int().tolist() == words.tolist())

    np.random.seed(5)
    torch.manual_seed(5)
    assert same()
    training.seed_everything(5)
    assert not same()


def test_all_63_bits_of_a_seed_count() -> None:
    """Break: leave torch with manual_seed alone, which keeps 32."""
    found = []
    for seed in (1, 1 + 2**32, 1 + 2**62):
        training.seed_everything(seed)
        found.append(drawn())
    for position in range(3):
        assert len({one[position] for one in found}) == 3


def test_it_says_what_was_seeded() -> None:
    """Break: report CUDA where there is none."""
    made = training.seed_everything(5)
    devices = [f"torch cuda:{number}" for number in range(torch.cuda.device_count())]
    wanted = ["random", "numpy", "torch cpu", *devices]
    assert [name for name in made.seeded if name in wanted or "cuda" in name] == wanted
    assert json.loads(json.dumps(made.to_json()))["seed"] == 5


def test_children_hash_by_the_seed_and_this_process_cannot() -> None:
    """Break: do not set the variable; say nothing of this process."""
    before = hash("a text")
    made = training.seed_everything(5)
    assert "PYTHONHASHSEED of children" in made.seeded
    assert "sort" in made.not_seeded["PYTHONHASHSEED of this process"]
    assert hash("a text") == before
    hashes = {
        subprocess.run([sys.executable, "-c", "print(hash('a text'))"], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(hashes) == 1
    first = os.environ["PYTHONHASHSEED"]
    training.seed_everything(6)
    assert os.environ["PYTHONHASHSEED"] not in (first, "random")


def test_a_hash_seed_from_the_start_is_left_alone() -> None:
    """Break: overwrite it."""
    code = (
        "import os; from pedigree import training; made = training.seed_everything(5)\n"
        "print(os.environ['PYTHONHASHSEED'], any('HASH' in name for name in [*made.seeded, *made.not_seeded]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["77", "False"]


@pytest.mark.parametrize("seed", [True, False, 1.0, "5", None, -1, 2**63])
def test_what_is_no_seed_changes_nothing(seed: object) -> None:
    """Break: check after seeding `random`."""
    training.seed_everything(5)
    with pytest.raises(InvalidInput, match=r"2\*\*63 - 1"):
        training.seed_everything(seed)  # type: ignore[arg-type]  # that is the test
    after = drawn()
    training.seed_everything(5)
    assert drawn() == after


@pytest.mark.slow
def test_the_generator_of_keras_is_seeded_each_time() -> None:
    """Of its own, beside the backend's; in a process of its own, because Keras chooses its backend on import.

    Break: seed the backend alone, which a generator of Keras that is there already does not notice.
    """
    program = (
        "import keras\n"
        "from pedigree import training\n"
        "drawn = []\n"
        "for seed in (5, 5, 6):\n"
        "    assert 'keras' in training.seed_everything(seed).seeded\n"
        "    layer = keras.layers.Dropout(0.5)\n"
        "    drawn.append((keras.random.uniform((3,)).tolist(), layer(keras.ops.ones((9,)), training=True).tolist()))\n"
        "assert drawn[0] == drawn[1] != drawn[2], drawn\n"
        "import random, torch\n"
        "training.seed_everything(5)\n"
        "here = random.random(), torch.rand(1).item()\n"
        "random.seed(5), torch.manual_seed(5)\n"
        "assert here == (random.random(), torch.rand(1).item()), 'Keras is seeded after the others'\n"
    )
    env = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_tensorflow_is_seeded_where_it_is_imported() -> None:
    """Only where TensorFlow is installed. Break: leave it out."""
    tensorflow = pytest.importorskip("tensorflow")
    numbers = []
    for _ in range(2):
        assert "tensorflow" in training.seed_everything(5).seeded
        numbers.append(float(tensorflow.random.uniform(())))
    assert numbers[0] == numbers[1]
