"""What a person knows of a model and no record does: licence, intended use, limitations. From a file in Markdown.

    ---
    license: apache-2.0
    pipeline_tag: image-segmentation
    ---
    ## Intended Use
    Sorting photographs of pets.
    ## Caveats and Recommendations
    - Drawn pets only: it has never seen a photograph.

The header (YAML, optional) goes into that of the card; each section goes into the section of that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pedigree.errors import InvalidInput, PathNotFound, meant

#: The sections of Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv:1810.03993), figure 1.
SECTIONS = (
    "Model Details",
    "Intended Use",
    "Factors",
    "Metrics",
    "Evaluation Data",
    "Training Data",
    "Quantitative Analyses",
    "Ethical Considerations",
    "Caveats and Recommendations",
)
#: Words that people write instead.
_SYNONYMS = {
    "limitations": SECTIONS[-1],
    "caveats": SECTIONS[-1],
    "uses": SECTIONS[1],
    "bias, risks, and limitations": SECTIONS[-1],
}

#: What a header may say: the fields of model cards on the Hugging Face Hub that a person decides.
FIELDS = (
    "base_model",
    "co2_eq_emissions",
    "datasets",
    "language",
    "library_name",
    "license",
    "license_link",
    "license_name",
    "model_name",
    "pipeline_tag",
    "tags",
)
_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Notes:
    """`sections` are Markdown by the names of SECTIONS; `header` has fields of FIELDS."""

    header: Mapping[str, Any] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)

    def items(self, section: str) -> list[str]:
        """The bullets and paragraphs of a section, one line each."""
        found: list[str] = []
        fresh = True
        for line in self.sections.get(section, "").splitlines():
            text = line.strip()
            bullet = text.startswith(("- ", "* "))
            if text and (bullet or fresh):
                found.append(text[2:].strip() if bullet else text)
            elif text:
                found[-1] += f" {text}"
            fresh = not text
        return found


def read(path: str) -> Notes:
    """The notes in a file. Raises PathNotFound, and InvalidInput for a field or a section that no card has."""
    try:
        with open(path, "rb") as file:
            data = file.read(_BYTES + 1)
        text = data.decode("utf-8")
    except FileNotFoundError as error:
        raise PathNotFound(f"There is no file {path}.", remedy="--notes takes a Markdown file.", path=path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read as text: {error}.", remedy="Notes are Markdown in UTF-8.") from error
    if len(data) > _BYTES:
        raise InvalidInput(f"{path} has over {_BYTES:,} bytes.", remedy="Notes are a page or two that a person wrote.")
    return parse(text, path)


def parse(text: str, file: str = "notes") -> Notes:
    """The notes in a text; `file` names it in messages. See `read`."""
    lines = text.splitlines()
    header: dict[str, Any] = {}
    if lines and lines[0].strip() == "---":
        end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
        if end is None:
            raise InvalidInput(
                f"{file}: the header that begins in line 1 has no end.", remedy="End it with a line `---`."
            )
        header = _header("\n".join(lines[1:end]), file)
        lines = [""] * (end + 1) + lines[end + 1 :]
    sections: dict[str, list[str]] = {}
    name = ""
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            name = _section(line[3:].strip(), file, number)
        elif name:
            sections.setdefault(name, []).append(line)
        elif line.strip() and not line.startswith("# "):
            raise InvalidInput(
                f"{file}:{number}: {line.strip()[:60]!r} stands before any section.",
                remedy=f"Begin with one of: ## {', ## '.join(SECTIONS)}.",
            )
    return Notes(header, {key: "\n".join(found).strip() for key, found in sections.items() if "".join(found).strip()})


def _header(text: str, file: str) -> dict[str, Any]:
    from pedigree.pipeline import documents

    found = [node.plain() for node in documents.parse(text, file)]
    value = found[0] if found else {}
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{file}: the header is no mapping.", remedy="Write `license: apache-2.0`, one field a line."
        )
    for key in value:
        if key not in FIELDS:
            raise InvalidInput(
                f"{file}: the header has the field {key!r}, which no card has.",
                remedy=f"{meant(key, FIELDS)}The fields are {', '.join(FIELDS)}; metrics and results come from the commit.",
            )
    return value


def _section(title: str, file: str, line: int) -> str:
    known = {name.lower(): name for name in SECTIONS} | _SYNONYMS
    if title.lower() not in known:
        raise InvalidInput(
            f"{file}:{line}: a card has no section {title!r}.",
            remedy=f"{meant(title, SECTIONS)}The sections are {', '.join(SECTIONS)}.",
        )
    return known[title.lower()]
