"""The page as a person meets it, in Chromium: decisions by key and by mouse, saved, kept and loaded; cuts, maps and hostile names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pedigree.errors import InvalidInput
from pedigree.labels.report import decisions, page
from pedigree.labels.report.review import Review
from pedigree.labels.report.thumbnails import Thumbnails, of_array
from tests.labels.report.browser import Browser, needed
from tests.labels.report.reviews import review, subject
from tests.labels.report.test_page import HOSTILE

pytestmark = [needed, pytest.mark.slow]


def write(folder: Path, found: Review, **options: object) -> Path:
    place = folder / "report.html"
    place.write_text(page.render(found, subject(found), **options))  # type: ignore[arg-type]  # options of the test
    return place


def test_decisions_are_made_undone_saved_kept_and_loaded(tmp_path: Path) -> None:
    """All five by key, one by mouse; what is saved reads as decisions; a new visit finds them; undo takes the last back.

    Breaks: save under another digest; forget to keep a decision; write the chosen label's number instead of its name;
    let the focus fall to the page when a card or a button is drawn anew.
    """
    found = review()
    order = [f"s{row}" for row in found.order[:10]]
    place = write(tmp_path, found)
    with Browser(tmp_path) as browser:
        browser.open(place)
        browser.run("document.querySelector('#who').value = 'Ada'")
        assert browser.run("document.querySelector('#save').disabled") is True
        for key in "krdbn":
            browser.press(key)
        browser.run(
            "document.querySelector('#label').value = '2'; document.querySelector('#why').value = 'long & thin'"
        )
        browser.click("[data-decide=relabel]")
        browser.press("d")
        browser.press("u")
        assert browser.text("#status").endswith("undone.")
        browser.click(".card")
        browser.press("ArrowRight")
        assert browser.run("document.activeElement.dataset.at") == "1"
        browser.run("document.querySelector('[data-decide=keep]').focus()")
        browser.press("b")
        browser.press("u")
        assert browser.run("document.activeElement.dataset.decide") == "keep"
        browser.click("#save")
        made = decisions.read(browser.downloaded())
        assert made.subject == subject(found)
        kinds = ["keep", "relabel", "drop", "both", "neither", "relabel"]
        assert [(item.id, item.decision) for item in made.items] == list(zip(order[:6], kinds, strict=True))
        for item, row in zip(made.items, found.order[:6], strict=True):
            given, suggested = found.given(int(row)), found.names[found.suggested[row]]
            expected = {"keep": (given,), "relabel": (suggested,), "both": (given, suggested)}.get(item.decision, ())
            assert (item.given, item.suggested, item.who) == (given, suggested, "Ada")
            assert item.labels == (("eel",) if item.id == order[5] else expected)
        assert made.items[5].why == "long & thin"
        browser.open(place)
        assert "6 decisions from before" in browser.text("#status")
        assert browser.run("document.querySelector('#who').value") == "Ada"
        assert browser.text(".card .said") == "keep"
        browser.run("localStorage.clear()")
        browser.open(place)
        saved = decisions.to_bytes(made).decode()
        browser.run(f"""(() => {{ const box = new DataTransfer(); box.items.add(new File([{saved!r}], "d.jsonl"));
            const input = document.querySelector("#file"); input.files = box.files;
            input.dispatchEvent(new Event("change")); return new Promise((done) => setTimeout(done, 200)); }})()""")
        assert browser.text("#status") == "Loaded 6 decisions."
        assert "6 decided" in browser.text("#count")
        assert browser.problems == []
        assert {one for one in browser.requests if not one.startswith(("data:", "blob:"))} == {place.as_uri()}


def test_decisions_about_another_column_stay_apart_and_what_python_reads_is_read(tmp_path: Path) -> None:
    """The page of the same table's other column neither recalls nor loads them; lines are taken and refused as Python does.

    Breaks: keep them by the digest alone; compare the digest alone when they are loaded; ask for `labels`; take any with `neither`.
    """
    found = review()
    first = f"s{found.order[0]}"
    given, suggested = found.given(int(found.order[0])), found.names[found.suggested[found.order[0]]]
    place, second = write(tmp_path, found), tmp_path / "second.html"
    second.write_text(page.render(found, replace(subject(found), label_column="second")))
    head = json.dumps(decisions.first_line(subject(found)))

    def loaded(browser: Browser, **item: object) -> str:
        text = f"{head}\n{json.dumps({'id': first, 'given': given, **item})}\n"
        browser.run(f"""(() => {{ const box = new DataTransfer(); box.items.add(new File([{json.dumps(text)}], "d.jsonl"));
            const input = document.querySelector("#file"); input.files = box.files;
            input.dispatchEvent(new Event("change")); return new Promise((done) => setTimeout(done, 100)); }})()""")
        try:
            decisions.read(text.encode())
            reads = True
        except InvalidInput:
            reads = False
        said = browser.text("#status")
        assert reads == ("is no decision" not in said)
        return said

    with Browser(tmp_path) as browser:
        browser.open(place)
        assert loaded(browser, decision="keep") == "Loaded 1 decision."
        assert loaded(browser, decision="both", suggested=suggested, who=None) == "Loaded 1 decision."
        assert browser.text(".card .said") == f"both: {given} and {suggested}"
        assert loaded(browser, decision="neither", labels=None) == "Loaded 1 decision."
        for labels in ([given], ["x", "y"], [given, given], [given, "x", "y"], "xy", {"length": 1}):
            assert "Line 2" in loaded(browser, decision="both", labels=labels)
        for wrong in (
            {"decision": "neither", "labels": ["x", "y"]},
            {"decision": "relabel"},
            {"decision": "toString"},
            {},
        ):
            assert "Line 2" in loaded(browser, **wrong)
        browser.open(second)
        assert browser.text("#status") == ""
        assert loaded(browser, decision="keep") == "Those decisions are about other labels: their column differs."
        assert browser.text(".card .said") == ""
        browser.open(place)
        assert browser.text("#status") == "1 decision from before, kept by this browser."
        assert browser.problems == []


def test_cuts_maps_and_choices_move_the_list(tmp_path: Path) -> None:
    """A lower cut lists fewer; a cell of the map lists its pair; every sample is reached by keys; nothing is wider than the screen.

    Break: let the cut of one score count for another.
    """
    found = review(600, every=5)
    pictures = Thumbnails(of_array(np.random.default_rng(0).integers(0, 255, (600, 16, 16), np.uint8), 600))
    place = write(
        tmp_path, found, thumbnails=pictures, neighbours=(np.arange(600)[:, None] + [[1, -1]]) % 600, limit=599
    )
    with Browser(tmp_path, size=(390, 844)) as browser:
        browser.open(place)
        assert "of 120 samples" in browser.text("#count")
        assert browser.run("document.documentElement.scrollWidth") == 390
        move = """(() => { const s = document.querySelectorAll(".histogram input")[2]; s.value = "%d";
            s.dispatchEvent(new Event("input")); return s.getAttribute("aria-valuetext"); })()"""
        own = found.scores["self_confidence"]
        low, wide = own.min(), own.max() - own.min()
        at = int((np.median(own[found.flagged]) - low) / wide * 400) + 1
        told = browser.run(move % at)
        cut = low + at / 400 * wide
        expected = int((own[found.flagged] <= cut).sum())
        assert 0 < expected < 120
        assert f"of {expected} sample" in browser.text("#count")
        assert told.startswith("at most ")
        browser.click("#reset")
        assert "of 120 samples" in browser.text("#count")
        browser.click("#cells tbody tr:nth-child(1) button:not(:disabled)")
        pair = (found.analysis.data.labels == 0) & found.flagged
        assert f"of {int(pair.sum())} samples" in browser.text("#count")
        browser.run("document.querySelector('#reset').click()")
        start = int(np.flatnonzero(pair[found.order])[0])  # the chosen sample stays chosen
        for _ in range(60):
            browser.press("ArrowRight")
        assert browser.text("#sample .id") == f"s{found.order[start + 60]}"
        assert f"{(start + 60) // 48 * 48 + 1} to " in browser.text("#count")
        browser.run("document.querySelector('#filter').value = '-1'; "
                    "document.querySelector('#filter').dispatchEvent(new Event('change'))")  # fmt: skip
        assert "of 599 samples" in browser.text("#count")
        assert browser.problems == []


def test_hostile_names_do_nothing(tmp_path: Path) -> None:
    """Labels, ids and texts with markup, scripts and signs that turn the line are shown as they are. Break: set innerHTML."""
    ids = [f"{HOSTILE[at % 3]}\u202e{at}" for at in range(60)]
    found = review(60, HOSTILE, ids=ids, shown=pa.table({"text": [f"<iframe src=//x>{at}" for at in range(60)]}))
    with Browser(tmp_path) as browser:
        browser.open(write(tmp_path, found))
        for key in "krdbnu":
            browser.press(key)
        assert browser.run("typeof window.hacked") == "undefined"
        assert browser.run("document.querySelectorAll('iframe, b, img').length") == 0
        assert browser.text(".card .words").startswith("<iframe src=//x>")
        browser.click("#save")
        made = decisions.read(browser.downloaded())
        assert {item.id for item in made.items} <= set(ids)
        assert {item.given for item in made.items} <= set(HOSTILE)
        assert browser.problems == []


def test_ten_thousand_samples_are_listed(tmp_path: Path) -> None:
    """The page draws 48 of them at a time, and the last is reached. Break: draw a card for each."""
    found = review(30000, tuple(f"class {at}" for at in range(40)), every=3)
    with Browser(tmp_path) as browser:
        browser.open(write(tmp_path, found, limit=10000))
        assert "of 10,000 samples" in browser.text("#count")
        assert browser.run("document.querySelectorAll('.card').length") == 48
        assert browser.run("document.querySelector('#map').hidden") is True
        last = f"s{page.listed(found, 10000)[-1]}"
        browser.run(f"""(() => {{ const s = document.querySelector("#search"); s.value = "{last}";
            s.dispatchEvent(new Event("input")); }})()""")
        assert last in [browser.run(f"document.querySelectorAll('.card .id')[{at}].title") for at in range(1)]
