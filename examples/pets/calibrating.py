"""A calibration: what turns the logits of one model into probabilities that come true as often as they say.

calibration.json holds everything as numbers, which JSON keeps to the last bit:

    {"version": 1, "classes": [...], "temperature": T, "floor": F, "isotonic": {"pet": {"x": [...], "y": [...]}, ...}}
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from unet import CLASSES

from pedigree.errors import Damaged, InvalidInput, NewerFormat

VERSION = 1
# No calibrated probability is below this before they are brought to a sum of 1. Isotonic regression says 0 where no pixel of
# the calibration part was of the class, and one such pixel elsewhere would make the mean log loss infinite.
FLOOR = 1e-6
Floats = NDArray[np.float64]
Knots = tuple[Floats, Floats]


def softmax(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Softmax of logits / temperature over dimension 1, in float64. Written out: the same bits for any number of threads."""
    scaled = logits.to(torch.float64) / temperature
    powers = torch.exp(scaled - scaled.amax(dim=1, keepdim=True))
    return powers / powers.sum(dim=1, keepdim=True)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Isotonic knots for each class, and a temperature to compare with.

    A class's knots are (x, y): the calibrated probability of x[i] is y[i], linear in between, constant outside. x ascends
    strictly, y does not descend, both in [0, 1].
    """

    classes: tuple[str, ...]
    temperature: float
    isotonic: tuple[Knots, ...]
    floor: float = FLOOR

    def apply(self, logits: Tensor) -> Tensor:
        """Calibrated probabilities, float32 (n, classes, h, w), of logits of that shape; over the classes they sum to 1.

        The softmax probability of each class goes through its own isotonic function, is raised to the floor, and is divided by
        the sum over the classes (Zadrozny and Elkan 2002). Equal probabilities are possible: argmax takes the first class.
        """
        return self.apply_exactly(logits).to(torch.float32)

    def apply_exactly(self, logits: Tensor) -> Tensor:
        """`apply`, in float64."""
        if logits.shape[1] != len(self.classes):
            raise InvalidInput(
                f"The logits have {logits.shape[1]} classes, the calibration {len(self.classes)}: {', '.join(self.classes)}.",
                remedy="Use the calibration that was made for this model.",
            )
        chances = softmax(logits).cpu().numpy()
        raised = [np.interp(chances[:, index], *knots) for index, knots in enumerate(self.isotonic)]
        floored = np.maximum(np.stack(raised, axis=1), self.floor)
        return torch.from_numpy(floored / floored.sum(axis=1, keepdims=True)).to(logits.device)

    def scaled(self, logits: Tensor) -> Tensor:
        """Softmax of logits / temperature (Guo et al. 2017, arXiv:1706.04599, equation 9), float64, shape of the logits."""
        return softmax(logits, self.temperature)


def write(path: Path, calibration: Calibration) -> None:
    """Law: `read(path)` after it has the same numbers, bit for bit, and the same calibration has the same bytes."""
    content = {
        "version": VERSION,
        "classes": list(calibration.classes),
        "temperature": calibration.temperature,
        "floor": calibration.floor,
        "isotonic": {
            name: {"x": x.tolist(), "y": y.tolist()}
            for name, (x, y) in zip(calibration.classes, calibration.isotonic, strict=True)
        },
    }
    path.write_text(json.dumps(content, allow_nan=False) + "\n")


def read(path: Path, classes: Sequence[str] = CLASSES) -> Calibration:
    """The calibration that `write` left at `path`, for a model with these classes in this order.

    Raises Damaged for a file that is missing, cut short or makes no sense, NewerFormat for another version, and InvalidInput
    for the calibration of a model with other classes.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(content, dict) or not isinstance(content.get("version"), int):
        raise _damaged(path, "it has no version")
    if content["version"] != VERSION:
        raise NewerFormat(
            f"{path} is a calibration of version {content['version']}; this program reads version {VERSION}.",
            remedy="Run calibrate again with these files, or use the calibrating.py that came with it.",
        )
    theirs = content.get("classes")
    if theirs != list(classes):
        raise InvalidInput(
            f"{path} calibrates the classes {theirs}; the model has {list(classes)}.",
            remedy="Use the calibration that was made for this model, or run calibrate for it.",
        )
    isotonic = content.get("isotonic")
    if not isinstance(isotonic, dict):
        raise _damaged(path, "it has no isotonic functions")
    return Calibration(
        tuple(classes),
        _number(path, content, "temperature"),
        tuple(_knots(path, name, isotonic.get(name)) for name in classes),
        _number(path, content, "floor"),
    )


def _number(path: Path, content: Mapping[str, Any], name: str) -> float:
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise _damaged(path, f"its {name} is {value!r}, not a number above 0")
    return float(value)


def _knots(path: Path, name: str, given: Any) -> Knots:
    try:
        x, y = (np.array(given[axis], dtype=np.float64) for axis in ("x", "y"))
    except (TypeError, KeyError, ValueError):
        raise _damaged(path, f"class {name} has no lists x and y of numbers") from None
    sound = (
        x.ndim == y.ndim == 1
        and 0 < len(x) == len(y)
        and all(bool(((values >= 0) & (values <= 1)).all()) for values in (x, y))
        and bool((np.diff(x) > 0).all() and (np.diff(y) >= 0).all())
    )
    if not sound:
        raise _damaged(path, f"the knots of class {name} are no ascending function from [0, 1] to [0, 1]")
    return x, y


def _damaged(path: Path, why: str) -> Damaged:
    return Damaged(f"{path} is no calibration: {why}.", remedy="Get it again from its commit, or run calibrate again.")
