"""W3C PROV-JSON: commits, code, configurations and specs are entities, jobs are activities, Pedigree is an agent.

Sources: PROV-DM (W3C Recommendation 2013) for what each relation means, PROV-JSON (W3C Member Submission 2013) for how it
is written. People are agents only if that was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pedigree.pipeline.exporting import naming

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.gathering import Made, Provenance

_PREFIXES = {
    "commit": "pedigree://commit/",
    "file": "pedigree://file/",
    "job": "urn:uuid:",
    "code": "pedigree://code/",
    "config": "pedigree://config/",
    "environment": "pedigree://environment/",
    "spec": "pedigree://spec/",
    "person": "pedigree://person/",
    "ped": f"{naming.BUILD_TYPE}/",
}
_AGENT = "ped:program"


class _Document:
    """A PROV-JSON document in the making; relations are numbered by what they relate, so the order does not matter."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, Any]] = {}

    def add(self, kind: str, name: str, **attributes: Any) -> str:
        """An entity, activity or agent; twice is once."""
        found = {key.replace("__", ":"): value for key, value in attributes.items() if value not in (None, "")}
        self.parts.setdefault(kind, {})[name] = found
        return name

    def relate(self, kind: str, **ends: str | None) -> None:
        found = {f"prov:{name}": value for name, value in ends.items() if value is not None}
        relations = self.parts.setdefault(kind, {})
        relations[f"_:{kind}{len(relations)}"] = found


def document(provenance: Provenance) -> dict[str, Any]:
    """The whole lineage: who used what to generate what, and when; the files of the commit that was asked for are members of it."""
    made_of = _Document()
    made_of.add("agent", _AGENT, prov__type=_name("prov:SoftwareAgent"), prov__label="Pedigree")
    for made in provenance.commits:
        _commit(made_of, provenance, made)
    root = _entity(provenance.made)
    for file in provenance.files:
        name = made_of.add(
            "entity",
            f"file:{provenance.made.id}/{file.path}",
            prov__label=file.path,
            ped__sha256=file.sha256,
            ped__blake3=file.blake3,
            ped__bytes=file.size,
        )
        made_of.relate("hadMember", collection=root, entity=name)
    if provenance.verdict is not None:
        _verdict(made_of, provenance)
    return {"prefix": dict(_PREFIXES), **made_of.parts}


def _name(text: str) -> dict[str, str]:
    return {"$": text, "type": "prov:QUALIFIED_NAME"}


def _entity(made: Made) -> str:
    return f"commit:{made.id}"


def _commit(made_of: _Document, provenance: Provenance, made: Made) -> None:
    entity = made_of.add(
        "entity",
        _entity(made),
        prov__type=_name("prov:Collection"),
        prov__label=made.name,
        ped__repository=made.commit.repo,
        ped__description=made.description,
        ped__tree=made.commit.tree,
        ped__files=made.files,
        ped__bytes=made.bytes,
    )
    if not made.pipeline:
        if provenance.authors and made.commit.author:
            person = made_of.add("agent", f"person:{made.commit.author}", prov__type=_name("prov:Person"))
            made_of.relate("wasAttributedTo", entity=entity, agent=person)
        return
    activity = made_of.add(
        "activity",
        f"job:{naming.identifier('job', f'{made.commit.run}/{made.pipeline}')}",
        prov__label=f"{made.pipeline}@{made.commit.run}",
        prov__startTime=naming.milliseconds(made.commit.started),
        prov__endTime=naming.milliseconds(made.finished),
        ped__isolation=made.made_by.get("isolation"),
        ped__seed=made.made_by.get("seed"),
    )
    made_of.relate("wasGeneratedBy", entity=entity, activity=activity, time=naming.milliseconds(made.finished))
    plan = made_of.add(
        "entity", f"spec:{made.made_by['spec']}", prov__type=_name("prov:Plan"), prov__label=f"spec of {made.pipeline}"
    )
    made_of.relate("wasAssociatedWith", activity=activity, agent=_AGENT, plan=plan)
    for kind in ("code", "config", "environment"):
        if made.made_by.get(kind):
            used = made_of.add("entity", f"{kind}:{made.made_by[kind]}", prov__label=kind)
            made_of.relate("used", activity=activity, entity=used)
    for item in made.inputs:
        made_of.relate("used", activity=activity, entity=f"commit:{item['commit']}", role=item["name"])
    for repo, commit in made.sources:
        source = f"commit:{commit}"
        if commit not in provenance.by_id:
            made_of.add("entity", source, prov__label=f"{repo}@{commit[:12]}", ped__deleted=True)
        made_of.relate("wasDerivedFrom", generatedEntity=entity, usedEntity=source, activity=activity)


def _verdict(made_of: _Document, provenance: Provenance) -> None:
    verdict, made = provenance.verdict, provenance.made
    assert verdict is not None
    when = naming.milliseconds(verdict["time"])
    name = naming.identifier("verdict", f"{made.id}/{verdict['time']}")
    activity = made_of.add(
        "activity",
        f"job:{name}",
        prov__label=f"pedigree verify {made.name}",
        prov__endTime=when,
        ped__sample=verdict["sample"],
    )
    entity = made_of.add(
        "entity",
        f"ped:verdict-{name}",
        prov__type=_name("ped:Verdict"),
        prov__label=verdict["overall"],
        ped__state=verdict["state"],
        ped__identical=verdict["identical"],
        ped__chosen=verdict["chosen"],
        ped__total=verdict["total"],
        ped__path=verdict["path"],
    )
    made_of.relate("used", activity=activity, entity=_entity(made))
    made_of.relate("wasGeneratedBy", entity=entity, activity=activity, time=when)
    made_of.relate("wasAssociatedWith", activity=activity, agent=_AGENT)
    made_of.relate("wasDerivedFrom", generatedEntity=entity, usedEntity=_entity(made), activity=activity)
