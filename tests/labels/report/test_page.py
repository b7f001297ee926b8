"""The page as a file: whole in itself, the same bytes each time, legible, and deaf to what hostile names say."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pedigree.labels.report
from pedigree.labels.report import page
from pedigree.labels.report.thumbnails import Thumbnails, of_array, of_files
from tests.labels.report.reviews import review, subject

HERE = Path(pedigree.labels.report.__file__).parent
HOSTILE = ("</script><script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", '"><b>é\u2028&amp;')


def data_of(text: str) -> Any:
    return json.loads(text.partition('type="application/json">')[2].partition("</script>")[0])


def test_the_page_names_no_other_place_and_runs_no_script_but_its_own() -> None:
    """The policy names the digests of the style and the script that stand in the page. Break: digest the file's path."""
    found = review()
    text = page.render(found, subject(found))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; img-src data:; ")
    for name in ("style", "script"):
        ((body),) = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert f"{name}-src 'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" in policy[1]
    assert set(re.findall(r"\w+://[^\"' )]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r" on\w+=|javascript:|@[A-Z_]+@", text)
    assert page.render(review(), subject(found)) == text


def test_hostile_names_are_text_in_the_page() -> None:
    """No `<` of the data stands in the page outside the list for browsers without scripts, which is escaped.

    Break: leave `<` in the JSON.
    """
    found = review(30, HOSTILE, every=7, ids=[f"{HOSTILE[at % 3]}{at}" for at in range(30)])
    text = page.render(found, subject(found), title=HOSTILE[0])
    assert text.count("<script") == 2
    assert "<img src=x" not in text
    assert "<b>" not in text
    assert data_of(text)["names"] == list(HOSTILE)


def test_the_list_holds_the_issues_first_and_then_the_next_lowest_scores() -> None:
    """As many as are asked for, the worst first. Break: list in the order of the rank alone."""
    from pedigree import labels
    from pedigree.labels.report.review import Review
    from pedigree.labels.report.samples import Samples

    rng = np.random.default_rng(1)
    given, matrix = rng.integers(0, 4, 60), rng.dirichlet(np.ones(4), 60)
    found = Review(
        Samples(given, "0" * 64, "array"), labels.analyse(given, matrix), "both", "confidence_weighted_entropy"
    )
    issues = np.flatnonzero(found.flagged)
    most = len(issues)
    assert set(found.order[:most].tolist()) != set(
        issues.tolist()
    )  # others score as low, which puts the test to the test
    assert sorted(page.listed(found, most).tolist()) == issues.tolist()
    more = page.listed(found, most + 10)
    assert set(issues.tolist()) < set(more.tolist())
    scores = found.scores[found.rank]
    assert (np.diff(scores[more]) >= 0).all()
    added, others = np.setdiff1d(more, issues), np.setdiff1d(np.arange(60), more)
    assert (len(added), scores[others].min() >= scores[added].max()) == (10, True)
    worst = [row for row in found.order.tolist() if found.flagged[row]]
    assert page.listed(found, 3).tolist() == worst[:3]
    assert len(page.listed(found, 100)) == 60


@pytest.mark.filterwarnings("ignore::pedigree.labels.doubts.SeenLabels")
def test_scores_that_hardly_differ_have_a_histogram() -> None:
    """Probabilities that say the same of every sample. Break: take the least and the largest score for edges."""
    from pedigree import labels
    from pedigree.labels.report.histograms import BINS, histograms
    from pedigree.labels.report.review import Review
    from pedigree.labels.report.samples import Samples

    given = np.arange(40) % 4
    matrix = np.full((40, 4), 0.1)
    matrix[np.arange(40), given] = np.where(np.arange(40) % 3, 0.7, np.nextafter(0.7, 1))
    found = histograms(Review(Samples(given, "0" * 64, "array"), labels.analyse(given, matrix)))
    assert all(sum(one["all"]) == 40 and len(one["all"]) == BINS and one["low"] < one["high"] for one in found)


def test_pictures_fit_into_their_room(tmp_path: Path) -> None:
    """Small ones stay as they are, large ones shrink, what is none or lies elsewhere is none, and all fit into the room.

    Break: count the pictures and not their bytes.
    """
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, (4, 28, 28), np.uint8)
    small = Thumbnails(of_array(pixels, 4))
    uri = small.uri(2)
    import io

    read = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert np.array_equal(np.asarray(read), pixels[2])
    tight = Thumbnails(of_array(pixels, 4), len(uri) + 100)
    assert [bool(tight.uri(row)) for row in (2, 0, 1, 2)] == [True, False, False, True]
    assert tight.crowded_out == 2
    Image.fromarray(np.zeros((900, 300, 3), np.uint8)).save(tmp_path / "large.jpg")
    (tmp_path / "text.png").write_text("no picture")
    files = {"large.jpg": (tmp_path / "large.jpg").read_bytes(), "text.png": b"no picture"}
    shown = Thumbnails(of_files(files.get, lambda row: ["large.jpg", "text.png", "none.png"][row]))
    assert Image.open(io.BytesIO(base64.b64decode(shown.uri(0).partition(",")[2]))).size == (53, 160)
    assert (shown.uri(1), shown.uri(2)) == ("", "")
    floats = of_array(np.full((2, 3, 8, 8), 16.0), 2)(0)
    assert (floats.mode, floats.getpixel((0, 0))) == ("RGB", (255, 255, 255))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(scheme: str) -> None:
    """A contrast of 4.5 for text, 3 for lines of controls (WCAG 2.2, 1.4.3 and 1.4.11). Break: a paler --soft."""
    light, dark = re.findall(r":root \{(.*?)\}", (HERE / "page_parts/page.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", light if scheme == "light" else dark))
    for front in ("ink", "soft", "given", "suggested", "good"):
        for back in ("page", "card"):
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
    assert contrast(colours["on-hot"], colours["hot"]) >= 4.5
    assert contrast(colours["ink"], colours["wash"]) >= 4.5
    assert contrast(colours["card"], colours["good"]) >= 4.5
    assert min(contrast(colours["line"], colours["card"]), contrast(colours["hot"], colours["page"])) >= 3


def contrast(one: str, two: str) -> float:
    low, high = sorted(luminance(one) for one in (one, two))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
