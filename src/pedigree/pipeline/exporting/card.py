"""The model card of a commit: what it says, section by section, before it is Markdown or HTML.

Source of the sections: Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv:1810.03993), section 4. What records know is
written from them, what only a person knows comes from notes, and where neither says anything the card says so.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.exporting import metrics, naming
from pedigree.pipeline.exporting.notes import SECTIONS, Notes
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.gathering import Made, Provenance
    from pedigree.pipeline.exporting.metrics import Evaluation
    from pedigree.store import Store

#: Of long lists a card shows so many; the other formats have all.
FILES, PARTS, VALUES, PACKAGES = 12, 12, 60, 400

_IDENTICAL, _SAMPLED, _NONE = "identical", "sampled", "not verified"
_NUMBER = re.compile(r"[-+]?[0-9.]*(e[-+]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """Paragraphs and bullets in Markdown; `person` marks what somebody wrote by hand, `absent` that nobody did."""

    markdown: str
    person: bool = False
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`numbers` are the columns that are set to the right; `folded` tables are long and may be hidden at first."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    text: str


Block = Text | Table | Code


@dataclass(frozen=True, slots=True)
class Card:
    """`state` is one word on the last verdict and `verdict` a sentence; `header` is the YAML of the Markdown form."""

    title: str
    subtitle: str
    state: str
    verdict: str
    header: Mapping[str, Any]
    sections: tuple[tuple[str, tuple[Block, ...]], ...]


def make(store: Store, provenance: Provenance, notes: Notes) -> Card:
    """The card, from what the store holds now: metrics may come from a commit that was made from this one later."""
    evaluation = metrics.find(store, provenance)
    state, sentence = _verdict(provenance)
    written = {
        "Model Details": _details(provenance),
        "Metrics": _metrics(evaluation),
        "Evaluation Data": _evaluation_data(evaluation),
        "Training Data": _data(store, provenance),
        "Quantitative Analyses": _tables(evaluation),
    }
    sections = [(name, (*written.get(name, ()), *_person(notes, name, name in written))) for name in SECTIONS]
    sections += [
        ("How it was made", tuple(_making(provenance))),
        ("Get it, check it, make it again", tuple(_commands(provenance))),
    ]
    made = provenance.made
    return Card(
        title=str(notes.header.get("model_name") or made.commit.repo),
        subtitle=made.description,
        state=state,
        verdict=sentence,
        header=_header(provenance, evaluation, notes, state),
        sections=tuple((name, blocks) for name, blocks in sections),
    )


def _person(notes: Notes, name: str, written: bool) -> Iterator[Block]:
    if notes.sections.get(name):
        yield Text(notes.sections[name], person=True)
    elif not written:
        yield Text("Nobody has written this section yet.", absent=True)


def _verdict(provenance: Provenance) -> tuple[str, str]:
    verdict = provenance.verdict
    if not provenance.made.pipeline:
        return _NONE, "Somebody put this in; no pipeline made it, so there is nothing to make again."
    if verdict is None:
        return _NONE, "Nobody has made it again yet to compare: the commands at the end do."
    numbers = f"{verdict['identical']:,} of {verdict['chosen']:,} datum{'' if verdict['chosen'] == 1 else 's'} came out bit for bit the same"
    of = f", a sample of {verdict['total']:,}" if verdict["sample"] else ""
    place = f" (/{verdict['path']} only)" if verdict["path"] else ""
    more = len(verdict["upstream"])
    up = f", with {more:,} commit{'' if more == 1 else 's'} upstream," if more else ""
    sentence = f"Made again{up} on {naming.seconds(verdict['time'])[:10]} from what is recorded{place}: {numbers}{of}."
    state = verdict["overall"]
    if state != verdict["state"]:
        sentence += f" By itself it is {verdict['state']}; the cause is upstream."
    return (_SAMPLED if state == _IDENTICAL and verdict["sample"] else state), sentence


def _details(provenance: Provenance) -> tuple[Block, ...]:
    made = provenance.made
    seed = made.made_by.get("seed")
    rows = [
        ("Version", f"{made.commit.repo}@{made.id}"),
        ("Made on", naming.seconds(made.finished)),
        ("Made by", f"pipeline {made.pipeline}" if made.pipeline else "somebody who put it in"),
        ("Seed", "" if seed is None else str(seed)),
        ("Files", f"{len(provenance.files):,} ({_size(sum(file.size for file in provenance.files))})"),
    ]
    files = tuple((file.path, _size(file.size), file.sha256) for file in provenance.files[:FILES])
    blocks: list[Block] = [
        Table(("", ""), tuple(row for row in rows if row[1])),
        Table(("File", "Size", "SHA-256"), files, (1,), _more("Files", len(provenance.files), FILES)),
    ]
    return tuple(blocks)


def _metrics(evaluation: Evaluation | None) -> tuple[Block, ...]:
    if evaluation is None:
        return (Text("No `metrics.json` and no table of results was found in this commit or near it.", absent=True),)
    words = {"itself": "this commit", "made from it": "what was made from it"}
    where = words.get(evaluation.where, "what it was made from")
    rows = tuple((one.name, one.slice or "all", one.text) for one in evaluation.metrics)
    table = (Table(("Metric", "Of", "Value"), rows, (2,)),) if rows else ()
    return (Text(f"Measured by `{evaluation.place}`, {where}."), *table)


def _evaluation_data(evaluation: Evaluation | None) -> tuple[Block, ...]:
    if evaluation is None:
        return (Text("Not recorded.", absent=True),)
    reads = _reads(evaluation.made)
    return (Text(f"What `{evaluation.place}` read."), reads) if reads.rows else (Text("Not recorded.", absent=True),)


def _reads(made: Made) -> Table:
    rows = tuple((name, f"{repo}@{commit[:12]}:{glob}") for name, repo, commit, glob in made.reads)
    return Table(("Input", "Files"), rows)


def _tables(evaluation: Evaluation | None) -> tuple[Block, ...]:
    if evaluation is None or not evaluation.tables:
        return (Text("No table of results was found.", absent=True),)
    blocks: list[Block] = []
    for one in evaluation.tables:
        folded = f"{one.path}: {len(one.rows) + one.more:,} rows" + (f", the first {len(one.rows)}" if one.more else "")
        numbers = tuple(at for at in range(len(one.header)) if all(_NUMBER.fullmatch(row[at]) for row in one.rows))
        blocks.append(Table(tuple(one.header), tuple(map(tuple, one.rows)), numbers, folded))
    return tuple(blocks)


def _data(store: Store, provenance: Provenance) -> tuple[Block, ...]:
    """Every commit upstream with its files, by folder where there are a few: parts and classes are folders."""
    rows: list[tuple[str, ...]] = []
    for made in provenance.upstream:
        rows.append((made.name, f"{made.files:,}", _size(made.bytes), made.description))
        if made.files < 2:
            continue
        folders = [
            (name, item)
            for name, item in trees.children(made.commit.tree, "", store.objects.read)
            if not isinstance(item, trees.Entry)
        ]
        if len(folders) <= PARTS:
            rows += [(f"{made.name}:/{name}", f"{item.files:,}", _size(item.bytes), "") for name, item in folders]
    if not rows:
        return (Text("It was made from nothing that is recorded.", absent=True),)
    table = Table(("Commit", "Files", "Size", "What it is"), tuple(rows), (1, 2))
    reads = _reads(provenance.made)
    if not reads.rows:
        return (table,)
    return (
        Text("What it read:"),
        reads,
        Text("All that this was made from, and how many files each folder has:"),
        table,
    )


def _making(provenance: Provenance) -> Iterator[Block]:
    made = provenance.made
    if not made.pipeline:
        yield Text("Somebody put these files in.")
        return
    yield Code(shlex.join(made.command))
    rows = [
        (name, str(made.made_by.get(name) or "")) for name in ("spec", "code", "config", "environment", "isolation")
    ]
    yield Table(("Recorded", "Digest or value"), tuple(row for row in rows if row[1]))
    if made.config is not None:
        values = [(name, "" if value is None else str(value)) for name, value in _flat(made.config)]
        yield Table(("Setting", "Value"), tuple(values[:VALUES]), (), _more("Configuration", len(values), VALUES))
    facts = made.facts or {}
    if facts:
        python = str(facts.get("python", {}).get("version", "")).partition(" ")[0]
        system = facts.get("platform", {})
        yield Text(
            f"Python {python} on {system.get('distribution') or system.get('system', '')} {system.get('machine', '')}, "
            f"{len(made.distributions):,} distributions installed."
        )
        packages = tuple(made.distributions[:PACKAGES])
        yield Table(
            ("Distribution", "Version"), packages, (), _more("Distributions", len(made.distributions), PACKAGES)
        )
    if provenance.gone:
        yield Text(f"Deleted from the store since: {', '.join(provenance.gone)}.")


def _commands(provenance: Provenance) -> Iterator[Block]:
    made = provenance.made
    name = made.name + (f":/{provenance.path}" if provenance.path else "")
    lines = ["# the files", f"pedigree get {shlex.quote(name)} -o {made.commit.repo}"]
    if made.pipeline:
        lines += ["# make it again, and compare bit for bit", f"pedigree verify {shlex.quote(name)}"]
        lines += ["# the same with everything that it was made from", f"pedigree verify --upstream {shlex.quote(name)}"]
        lines += ["# what made it", f"pedigree lineage {shlex.quote(name)}"]
    yield Text("In a clone of the project that has its store:")
    yield Code("\n".join(lines))


def _header(provenance: Provenance, evaluation: Evaluation | None, notes: Notes, state: str) -> dict[str, Any]:
    """Field names of the Hugging Face Hub's model cards; what a person wrote goes before what is derived."""
    made = provenance.made
    tags = notes.header.get("tags")
    found = {key: value for key, value in notes.header.items() if key != "model_name"}
    found["tags"] = [*(tags if isinstance(tags, list) else [tags] if tags else []), "pedigree"]
    if evaluation is not None and evaluation.metrics:
        # Whole numbers count something; scores are fractions.
        scores = [one for one in evaluation.metrics if isinstance(one.value, float)]
        whole = [one for one in scores if not one.slice]
        found["metrics"] = list(dict.fromkeys(one.name for one in scores))
        task = str(notes.header.get("pipeline_tag") or "other")
        found["model-index"] = [
            {
                "name": str(notes.header.get("model_name") or made.commit.repo),
                "results": [
                    {
                        "task": {"type": task},
                        "dataset": {"type": evaluation.place, "name": evaluation.place},
                        "metrics": [{"type": one.name, "name": one.name, "value": one.value} for one in whole],
                    }
                ],
            }
        ]
        if not whole:
            del found["model-index"]
    found["pedigree"] = {"commit": f"{made.commit.repo}@{made.id}", "verdict": state}
    return found


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _more(what: str, number: int, shown: int) -> str:
    return f"{what}: {number:,}" + (f", the first {shown}" if number > shown else "") if number > 6 else ""


def _size(number: int) -> str:
    """Decimal units, as `pedigree ls` prints them."""
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
