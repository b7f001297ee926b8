"""Plain words mean what OmegaConf makes of them."""

from __future__ import annotations

import time
from random import Random

import pytest
import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pedigree.config.scalars import plain

WORDS = [
    "0",
    "-0",
    "+1",
    "00",
    "01",
    "07",
    "08",
    "010",
    "0o17",
    "1_000",
    "1__0",
    "_1",
    "1_",
    "0_",
    "0x1F",
    "0X1F",
    "-0x1f",
    "0x",
    "0x_",
    "0b101",
    "-0b1",
    "0b2",
    "0b",
    "9999999999999999999999",
    "1.",
    ".5",
    "-.5",
    "+.5",
    "1.5",
    "1_0.5",
    "1._5",
    ".5_0",
    "1e3",
    "1E3",
    "1e-3",
    "1e+3",
    "-1E+5",
    "1.e3",
    ".5e3",
    ".5e+3",
    "1e",
    "1e1_0",
    "1_0e3",
    "1_e3",
    "1e400",
    "1.2.3",
    "0.",
    "00.5",
    "01.5",
    ".inf",
    "-.inf",
    "+.inf",
    ".Inf",
    ".INF",
    ".iNF",
    "inf",
    "nan",
    ".nan",
    ".NaN",
    ".NAN",
    ".Nan",
    "+.nan",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "yes",
    "Yes",
    "no",
    "NO",
    "on",
    "On",
    "off",
    "OFF",
    "y",
    "n",
    "Y",
    "N",
    "null",
    "Null",
    "NULL",
    "nULL",
    "~",
    "none",
    "None",
    "12:30",
    "1:2:3",
    "12:60",
    "0:1",
    "1:2.5",
    "-1:30",
    "190:20:30.15",
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "1-2",
    "-",
    "--",
    ".",
    "..",
    "+",
    "-.",
    "+.",
    "e5",
    "1e5x",
    "0.1.2",
    "${a}",
    "=",
    "<<",
    "a_b",
    "1,000",
    "1e-03",
    "0e0",
    "-1_000.5e-1_0",
    "٣",
    "²",
    "１",
]


def _omegaconf(text: str) -> object:
    return OmegaConf.to_container(OmegaConf.create(f"k: {text}"))["k"]  # type: ignore[index, call-overload]


def _agree(text: str) -> bool:
    try:
        theirs = _omegaconf(text)
    except (ValueError, OmegaConfBaseException, yaml.YAMLError):
        return True  # not a plain word there, or a number that is none
    return repr(plain(text)) == repr(theirs)


def test_words_are_what_omegaconf_reads() -> None:
    """Break: read `on` as text."""
    different = [text for text in WORDS if text not in ("=", "<<") and not _agree(text)]
    assert different == []


def test_words_of_digits_and_signs_are_what_omegaconf_reads() -> None:
    """2,000 made-up words."""
    random = Random(5)
    words = {"".join(random.choices("0123456789_.eE+-:xbafo", k=random.randint(1, 7))) for _ in range(2000)}
    assert [text for text in sorted(words) if not text.endswith(":") and not _agree(text)] == []


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "1_" * 50_000, "1:" * 50_000 + "x", "0" * 100_000 + "x", "1e" + "1_" * 50_000]
)
def test_a_long_word_takes_no_long_time(text: str) -> None:
    """Far from the square of its length."""
    start = time.process_time()
    assert plain(text) == text
    assert time.process_time() - start < 1


def test_a_number_that_could_never_be_written_is_text() -> None:
    """Python gives no decimal text of more than 4,300 digits, and no float of such a whole number: freezing would fail.

    Break: leave out the bound of bits, or let the OverflowError through.
    """
    for text in ("0x" + "f" * 3900, "-0x" + "f" * 3900, "1:" + "0:" * 400 + "0.5"):
        assert plain(text) == text
    assert plain("0x" + "f" * 3000) == 16**3000 - 1
