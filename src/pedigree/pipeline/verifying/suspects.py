"""Suspects: what may have made a rebuild differ, from evidence, the most likely first.

There are two families, and a second rebuild tells them apart. Where it differs from the first, the step does not repeat
itself here, and its own code is looked at (chance.py). Where the two agree with each other and not with the store, something
around the step is another now: packages, interpreter, settings, machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pedigree.pipeline import circumstances, environment
from pedigree.pipeline.code import PROJECT
from pedigree.pipeline.verifying import chance
from pedigree.pipeline.verifying.chance import Sign
from pedigree.pipeline.verifying.verdict import (
    DIFFERENT,
    LIKELY,
    PERHAPS,
    REPEATED,
    UNLIKE,
    EnvironmentDifference,
    Suspect,
)
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.model import Pipeline
    from pedigree.pipeline.verifying.recorded import Recorded
    from pedigree.pipeline.verifying.verdict import Finding
    from pedigree.store import Store

#: Larger files are data, whatever their names end with.
_LARGEST_BYTES = 1 << 20
#: Places named for one suspect, and packages named one by one; the rest is counted.
_PLACES, _PACKAGES = 3, 5
#: Said where nothing speaks for anything.
_NOTHING = {
    UNLIKE: "nothing in its own code draws at random or reads the clock as far as reading it tells: look into the packages that it uses",
    REPEATED: "nothing that is recorded is another than then: something that is not recorded is, or the stored result was a rare one",
}
#: Facts of the machine that may change what a library computes; memory never did.
_COMPUTES = ("machine", "processor", "vector instructions", "gpus", "driver")


def find(
    store: Store, recorded: Recorded, findings: Iterable[Finding], differences: Sequence[EnvironmentDifference]
) -> tuple[Suspect, ...]:
    """Those of the datums that differ; none when none does. `differences` are of the environment of then and of now."""
    again = {item.again for item in findings if item.state == DIFFERENT}
    if not again:
        return ()
    pipeline = next((work.pipeline for work in recorded.works), None)
    if pipeline is None:
        return ()
    files = code_of(store, recorded.made_by.get("code_tree") or "", pipeline)
    signs = chance.signs(files)
    if UNLIKE in again:
        found = [*_itself(pipeline, signs), *_threads(pipeline, signs)]
        if not any(one.weight == LIKELY for one in found):
            found = [*_late(signs), *found]
    elif REPEATED in again:
        found = [*_around(store, recorded, files, signs, differences), *_coarse(signs)]
    else:
        found = [*_around(store, recorded, files, signs, differences), *_itself(pipeline, signs), *_coarse(signs)]
    if not found:
        text = _NOTHING[UNLIKE if UNLIKE in again else REPEATED]
        found.append(Suspect("unknown", PERHAPS, text))
    found.sort(key=lambda one: one.weight != LIKELY)  # stable: each family gives its strongest first
    return tuple(dict.fromkeys(found))


def code_of(store: Store, tree: str, pipeline: Pipeline) -> dict[str, str]:
    """The text files of a step's own code by path; what stands in the command itself is under names in brackets."""
    found: dict[str, str] = {}
    for path, entry in trees.scan(tree, store.objects.read) if tree else ():
        if entry.size <= _LARGEST_BYTES and not path.startswith(f"{PROJECT}/") and entry.kind != "l":
            try:
                found[path] = store.objects.read(entry.digest).decode("utf-8")
            except UnicodeDecodeError:
                continue
    words, stdin = pipeline.transform.cmd, "\n".join(pipeline.transform.stdin)
    if words and "python" in words[0]:
        if "-c" in words[:-1]:
            found["(command).py"] = words[words.index("-c") + 1]
        elif stdin:
            found["(stdin).py"] = stdin
    else:
        found["(command).sh"] = "\n".join([*words, stdin])
    return found


# ----------------------------------------------------------------------------------------------- in the step itself


def _itself(pipeline: Pipeline, signs: Sequence[Sign]) -> Iterator[Suspect]:
    """What makes a step come out otherwise each time, in its spec and in its code."""
    seeded = {sign.library for sign in signs if sign.kind == chance.SEED}
    given = [sign for sign in signs if sign.kind == chance.GIVEN]
    if pipeline.seed is None:
        where = f": {_places(given)} reads PEDIGREE_SEED, which is then not set" if given else ""
        text = f"its spec sets no seed{where} (`seed: 1` in the spec)"
        yield Suspect("seed", LIKELY if given else PERHAPS, text, _files(given))
    for sign, places in _grouped(signs, chance.ENTROPY):
        yield Suspect(
            "seed", LIKELY, f"{_places(places)}: {sign.what} cannot be seeded as it is written", _files(places)
        )
    for _, places in _grouped(signs, chance.WORKER):
        if chance.TORCH not in seeded:
            text = (
                f"{_places(places)}: the workers of this DataLoader are seeded from torch's generator, which nothing seeds "
                "(give it generator= and worker_init_fn=, or use pedigree.training.Loader)"
            )
            yield Suspect("worker", LIKELY, text, _files(places))
    for library in chance.EVERY:
        places = [sign for sign in signs if sign.kind == chance.DRAW and sign.library == library]
        if places and library not in seeded:
            text = f"{_places(places)}: {places[0].what} draws at random, and nothing seeds {library} (seed_everything does)"
            yield Suspect("seed", LIKELY, text, _files(places))
    hashing = pipeline.transform.env.get("PYTHONHASHSEED", "0")
    if hashing == "random":
        yield Suspect("hash seed", LIKELY, "its spec sets PYTHONHASHSEED to random, which shuffles sets", ("spec",))
    for kind, words in ((chance.CLOCK, "reads the clock"), (chance.ORDER, "gives files or results in no fixed order")):
        places = [sign for sign in signs if sign.kind == kind]
        if places:
            yield Suspect(kind, PERHAPS, f"{_places(places)}: {places[0].what} {words}", _files(places))


def _late(signs: Sequence[Sign]) -> Iterator[Suspect]:
    """Draws from what is seeded somewhere: reading does not tell whether that comes before them."""
    for library in chance.EVERY:
        seeds = [sign for sign in signs if sign.kind == chance.SEED and sign.library == library]
        draws = [sign for sign in signs if sign.kind in (chance.DRAW, chance.WORKER) and sign.library == library]
        if seeds and draws:
            text = f"{_places(draws)}: {draws[0].what} draws at random; {library} is seeded in {_places(seeds)}, perhaps after that"
            yield Suspect("seed", PERHAPS, text, _files(draws))


def _threads(pipeline: Pipeline, signs: Sequence[Sign]) -> Iterator[Suspect]:
    """Several threads may add up in another order each time, where nothing forbids it."""
    threads = threads_of(pipeline)
    torch = any(sign.library == chance.TORCH for sign in signs)
    if threads > 1 and torch and not any(sign.kind == chance.STEADY for sign in signs):
        text = f"it runs with {threads} threads, and nothing holds torch to its deterministic algorithms (pedigree.training.deterministic)"
        yield Suspect("threads", PERHAPS, text)


def _coarse(signs: Sequence[Sign]) -> Iterator[Suspect]:
    """What may be the same twice in a row and still be another than then."""
    for kind, words in ((chance.CLOCK, "reads the clock"), (chance.ORDER, "gives files or results in no fixed order")):
        places = [sign for sign in signs if sign.kind == kind]
        if places:
            yield Suspect(kind, PERHAPS, f"{_places(places)}: {places[0].what} {words}", _files(places))


def threads_of(pipeline: Pipeline) -> int:
    """The threads that a step is told to use, by the variable that torch, NumPy and most others read first."""
    told = {**environment.variables(pipeline), **pipeline.transform.env}.get("OMP_NUM_THREADS", "1")
    return int(told) if told.isdecimal() else 1


# ------------------------------------------------------------------------------------------------------- around it


def _around(
    store: Store,
    recorded: Recorded,
    files: Mapping[str, str],
    signs: Sequence[Sign],
    differences: Sequence[EnvironmentDifference],
) -> Iterator[Suspect]:
    """What is another now than it was, those first that the step's code is known to use."""
    counted = [sign for sign in signs if sign.kind == chance.CORES]
    cores = [one for one in differences if one.kind == "hardware" and one.name == "cores"]
    for one in cores:
        if counted:
            text = f"{_places(counted)}: {counted[0].what} counts the cores: {one.recorded} when it was made, {one.present} now"
            yield Suspect("threads", LIKELY, text, _files(counted))
    used = chance.imported(files)
    facts = (store.records.get(circumstances.ENVIRONMENT, recorded.made_by.get("environment", "")) or {}).get(
        "facts", {}
    )
    tops = _tops(facts.get("distributions", {}))
    others = []
    for one in differences:
        name = one.name.removeprefix("package ")
        if one.name.startswith("package "):
            places = [used[top] for top in tops.get(name, (name.replace("-", "_"),)) if top in used]
            if places:
                yield Suspect(
                    "package",
                    LIKELY,
                    f"{name} was {one.recorded} and is {one.present} now; imported in {places[0]}",
                    tuple(places),
                )
            else:
                others.append(one)
        elif one.kind == "environment" and not one.name.startswith("site-packages/"):
            yield Suspect("environment", LIKELY, one.text)
        elif one.name.startswith("site-packages/"):
            top = one.name.removeprefix("site-packages/").removesuffix(".py")
            if top in used:
                yield Suspect("package", LIKELY, f"{one.text}; imported in {used[top]}", (used[top],))
            else:
                others.append(one)
        elif one.name in _COMPUTES:
            yield Suspect("hardware", PERHAPS, one.text)
    if others:
        shown = ", ".join(
            f"{one.name.removeprefix('package ')} {one.recorded} -> {one.present}" for one in others[:_PACKAGES]
        )
        more = f" and {len(others) - _PACKAGES:,} more" if len(others) > _PACKAGES else ""
        yield Suspect("package", PERHAPS, f"other packages, which its own code does not import: {shown}{more}")
    if counted and not cores:
        yield Suspect(
            "threads",
            PERHAPS,
            f"{_places(counted)}: {counted[0].what} counts the cores of the machine",
            _files(counted),
        )


def _tops(distributions: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The names that distributions are imported by, as far as those installed now tell."""
    from importlib.metadata import packages_distributions

    found: dict[str, list[str]] = {}
    for top, names in packages_distributions().items():
        for name in names:
            found.setdefault(name.lower().replace("_", "-").replace(".", "-"), []).append(top)
    return {name: tuple(tops) for name, tops in found.items() if name in distributions or tops}


# ---------------------------------------------------------------------------------------------------------- words


def _grouped(signs: Sequence[Sign], kind: str) -> Iterator[tuple[Sign, list[Sign]]]:
    """The signs of a kind by what is written there, each with its places."""
    groups: dict[str, list[Sign]] = {}
    for sign in signs:
        if sign.kind == kind:
            groups.setdefault(sign.what, []).append(sign)
    yield from ((places[0], places) for places in groups.values())


def _files(places: Sequence[Sign]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_place(sign) for sign in places))


def _places(places: Sequence[Sign]) -> str:
    found = _files(places)
    more = f" and {len(found) - _PLACES} more" if len(found) > _PLACES else ""
    return ", ".join(found[:_PLACES]) + more


def _place(sign: Sign) -> str:
    return "the command" if sign.place.startswith("(") else sign.place
