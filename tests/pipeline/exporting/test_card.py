"""The card: sections and header that readers expect, what is measured, what a person adds, and that nothing in it is obeyed."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml

from pedigree.errors import InvalidInput, InvalidSpec, PathNotFound
from pedigree.pipeline.exporting import export, notes
from tests.pipeline.exporting.conftest import NOTES
from tests.pipeline.project import Project

#: Mitchell et al. 2019, figure 1, from top to bottom.
PAPER = [
    "Model Details",
    "Intended Use",
    "Factors",
    "Metrics",
    "Evaluation Data",
    "Training Data",
    "Quantitative Analyses",
    "Ethical Considerations",
    "Caveats and Recommendations",
]


class Page(HTMLParser):
    """What of a page a browser would act on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.leads: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.leads += [value or "" for name, value in attrs if name in ("href", "src", "style", "onclick", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.slow
def test_sections_and_header_are_those_that_readers_expect(project: Project, documents: dict[str, str]) -> None:
    """The nine sections of the paper in order; the header is YAML with the fields of the Hub. Break: drop a section; write `models-index`."""
    text = documents["card-md"]
    assert re.findall(r"(?m)^## (.*)$", text)[:9] == PAPER
    header = yaml.safe_load(text.split("---\n")[1])
    assert (header["license"], header["pipeline_tag"], header["tags"]) == (
        "mit",
        "image-classification",
        ["pets", "pedigree"],
    )
    (result,) = header["model-index"][0]["results"]
    # Counts are no scores, and scores of one class are in the table alone.
    assert [(one["type"], one["value"]) for one in result["metrics"]] == [("accuracy", 0.875)]
    assert header["pedigree"]["commit"] == f"model@{project.store.resolve('model@master').commit.id}"


@pytest.mark.slow
def test_the_nearest_evaluation_is_found_and_named(project: Project, documents: dict[str, str]) -> None:
    """The evaluation that was made from the model, and the same from the evaluation itself. Break: do not look at the commit itself."""
    text = documents["card-md"]
    evaluate = f"evaluate@{project.store.resolve('evaluate@master').commit.id[:12]}"
    assert f"Measured by `{evaluate}`, what was made from it." in text
    assert "| iou | cat | 0.5 |" in text
    assert "| loss | 0.5 | 0.25 |" in text
    assert re.search(r"\| test \| parts@[0-9a-f]{12}:/test \|", text)
    assert re.search(r"\| parts@[0-9a-f]{12}:/training \| 2 \| 2 B \|", text)
    own = export(project.store, "evaluate@master", ["card-md"]).documents[0].data.decode()
    assert f"Measured by `{evaluate}`, this commit." in own


@pytest.mark.slow
def test_what_a_person_wrote_stands_in_its_section_and_in_the_bill(documents: dict[str, str]) -> None:
    """Break: forget the synonym `Limitations`; leave considerations out of the bill."""
    text = documents["card-md"]
    assert "- No birds." in text.split("## Caveats and Recommendations")[1].split("\n## ")[0]
    assert '"technicalLimitations": [\n' in documents["cyclonedx"]
    assert "Telling cats from dogs." in documents["cyclonedx"]
    assert "Nobody has written this section yet." in text.split("## Factors")[1].split("\n## ")[0]


@pytest.mark.slow
def test_nothing_in_the_page_is_obeyed_or_fetched(documents: dict[str, str]) -> None:
    """Names of classes and notes with tags are text; links stay in the page. Break: escape nothing in notes, or in cells."""
    page = Page(documents["card-html"])
    assert "script" not in page.tags
    assert "b" in page.tags  # the verdict's own
    assert page.tags.count("b") == 1
    assert all(one.startswith("#") for one in page.leads)
    assert not re.search(r"url\(|@import|https?:", documents["card-html"])
    assert "<script>alert(1)</script>" in page.text
    assert "<b>dog</b>" in page.text
    assert "&lt;b&gt;dog&lt;/b&gt;" in documents["card-md"]


def test_markdown_cells_keep_their_columns() -> None:
    """Break: leave `|` as it is."""
    from pedigree.pipeline.exporting.markdown import escaped

    assert escaped("a|b\n<i>*c*") == "a\\|b &lt;i&gt;\\*c\\*"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("## Limitatons\nx", "notes:1: a card has no section 'Limitatons'"),
        ("hello\n## Metrics\nx", "notes:1: 'hello' stands before any section"),
        ("---\nlicence: mit\n---\n", "has the field 'licence', which no card has"),
        ("---\nlicense: mit\n", "begins in line 1 has no end"),
        ("---\n- mit\n---\n", "the header is no mapping"),
        ("---\nlicense: !!python/object/apply:os.getcwd []\n---\n", "the tag .* is not accepted"),
    ],
)
def test_notes_that_no_card_can_take_are_refused(text: str, message: str) -> None:
    """Each with line and nearest name. Break: take any heading; take any field."""
    with pytest.raises((InvalidInput, InvalidSpec), match=message):
        notes.parse(text)


def test_notes_are_read_from_a_file(tmp_path: Any) -> None:
    """Break: read bytes that are no text as Latin-1."""
    place = tmp_path / "notes.md"
    place.write_text(NOTES)
    found = notes.read(str(place))
    assert found.items("Caveats and Recommendations") == ["Three photographs, <script>alert(1)</script>.", "No birds."]
    place.write_bytes(b"## Metrics\n\xff")
    with pytest.raises(InvalidInput, match="cannot be read as text"):
        notes.read(str(place))
    with pytest.raises(PathNotFound, match="no file"):
        notes.read(str(tmp_path / "none.md"))
