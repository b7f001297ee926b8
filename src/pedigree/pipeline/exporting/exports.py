"""`export`: the formats by name, and the bytes of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.errors import InvalidInput, NoProvenance, meant
from pedigree.pipeline.exporting import gathering
from pedigree.pipeline.exporting.notes import Notes

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.gathering import Provenance, Report
    from pedigree.store import Store


@dataclass(frozen=True, slots=True)
class Document:
    """One format of one commit: the file name that `--all` gives it, and its bytes."""

    format: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Exported:
    """`left_out` has the formats that cannot be written of this commit, each with why; only where all were asked for."""

    provenance: Provenance
    documents: tuple[Document, ...]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    file: str
    #: Whether only a commit that a pipeline made can be written so.
    made_only: bool
    write: Callable[[Store, Provenance, Notes], str]


def export(
    store: Store,
    reference: str,
    formats: Sequence[str] | None = None,
    *,
    notes: Notes | None = None,
    variables: bool = False,
    authors: bool = False,
    namespace: str = "pedigree",
    report: Report | None = None,
) -> Exported:
    """The provenance of REPO@REF[:/PATH] in each of the formats, all that fit when None.

    `variables` also writes the values of environment variables of specs, `authors` who put files in. `namespace` is
    that of OpenLineage's jobs and datasets. Raises InvalidInput for another format or a commit without files where the
    format needs some, NoProvenance where nothing made the commit and the format is about how it was made.
    """
    wanted = list(FORMATS) if formats is None else list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            raise InvalidInput(
                f"There is no format {name!r}.", remedy=f"{meant(name, FORMATS)}The formats are {', '.join(FORMATS)}."
            )
    provenance = gathering.gather(
        store, reference, variables=variables, authors=authors, namespace=namespace, report=report
    )
    documents, left_out = [], {}
    for name in wanted:
        kind = FORMATS[name]
        try:
            if kind.made_only and not provenance.made.pipeline:
                raise _unmade(store, provenance, name)
            text = kind.write(store, provenance, notes or Notes())
        except (InvalidInput, NoProvenance) as error:
            if formats is not None:
                raise
            left_out[name] = error.message
            continue
        documents.append(Document(name, kind.file, text.encode()))
    return Exported(provenance, tuple(documents), left_out)


def _unmade(store: Store, provenance: Provenance, name: str) -> NoProvenance:
    from pedigree.pipeline.verifying import recorded

    why = recorded.origin(store, provenance.made.commit)
    return NoProvenance(
        f"{provenance.made.name} has no provenance that {name} could tell. {why}",
        remedy="Export what a pipeline made of it (`pedigree lineage --down` names that), or choose prov, cyclonedx or a card.",
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _lines(values: Iterable[Any]) -> str:
    return "".join(json.dumps(one, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n" for one in values)


def _slsa(store: Store, provenance: Provenance, notes: Notes) -> str:  # noqa: ARG001  (one signature for all)
    from pedigree.pipeline.exporting import slsa

    return _lines(slsa.statements(provenance))


def _openlineage(store: Store, provenance: Provenance, notes: Notes) -> str:  # noqa: ARG001
    from pedigree.pipeline.exporting import openlineage

    return _lines(openlineage.events(store, provenance))


def _prov(store: Store, provenance: Provenance, notes: Notes) -> str:  # noqa: ARG001
    from pedigree.pipeline.exporting import prov

    return _json(prov.document(provenance))


def _cyclonedx(store: Store, provenance: Provenance, notes: Notes) -> str:
    from pedigree.pipeline.exporting import cyclonedx, metrics

    return _json(cyclonedx.bom(provenance, metrics.find(store, provenance), notes))


def _markdown(store: Store, provenance: Provenance, notes: Notes) -> str:
    from pedigree.pipeline.exporting import card, markdown

    return markdown.text(card.make(store, provenance, notes))


def _html(store: Store, provenance: Provenance, notes: Notes) -> str:
    from pedigree.pipeline.exporting import card, html

    return html.text(card.make(store, provenance, notes))


FORMATS = {
    one.name: one
    for one in (
        _Format("slsa", "provenance.intoto.jsonl", True, _slsa),
        _Format("openlineage", "openlineage.jsonl", True, _openlineage),
        _Format("prov", "prov.json", False, _prov),
        _Format("cyclonedx", "bom.cdx.json", False, _cyclonedx),
        _Format("card-md", "card.md", False, _markdown),
        _Format("card-html", "card.html", False, _html),
    )
}
