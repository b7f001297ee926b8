"""`pedigree pipeline`: the pipelines there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import done, fields, json_items, json_value, short, table, when

if TYPE_CHECKING:
    from pedigree.pipeline.model import Pipeline
    from pedigree.pipeline.pipelines import Registered


def value(item: Registered) -> dict[str, Any]:
    """The pipeline as JSON, with its effective spec."""
    return {
        "name": item.pipeline.name,
        "kind": item.pipeline.kind,
        "state": item.state,
        "version": item.version,
        "created": item.created,
        "updated": item.updated,
        "digest": item.digest,
        "spec": item.pipeline.to_json(),
    }


def inputs(pipeline: Pipeline) -> str:
    """The inputs in one line: `images:/*`."""
    return ", ".join(f"{leaf.repo}:{leaf.glob}" for leaf in pipeline.leaves())


def _list(arguments: Arguments) -> None:
    from pedigree.pipeline import pipelines

    with options.store() as store:
        found = {item.pipeline.name: item for item in pipelines.registered(store)}
        ordered = [found[item.name] for item in pipelines.order(item.pipeline for item in found.values())]
    if arguments.json:
        json_items(map(value, ordered))
        return
    table(
        ["PIPELINE", "VERSION", "STATE", "UPDATED", "INPUTS", "DESCRIPTION"],
        [
            (p.pipeline.name, p.version, p.state, when(p.updated), inputs(p.pipeline), p.pipeline.description)
            for p in ordered
        ],
        right=["VERSION"],
        empty="No pipelines yet. `pedigree apply SPEC` makes some.",
    )


def _declare_one(parser: Parser) -> None:
    parser.add_argument("name", metavar="PIPELINE", help="Which")


def _inspect(arguments: Arguments) -> None:
    from pedigree.pipeline import jobs, pipelines

    with options.store() as store:
        found = pipelines.get(store, arguments.name)
        last = next(iter(jobs.all_jobs(store, arguments.name)), None)
    if arguments.json:
        json_value(value(found))
        return
    pipeline = found.pipeline
    fields(
        [
            ("pipeline", pipeline.name),
            ("description", pipeline.description),
            ("kind", pipeline.kind),
            ("state", found.state),
            ("version", f"{found.version} (spec {short(found.digest)})"),
            ("created", when(found.created)),
            ("updated", when(found.updated)),
            ("inputs", "\n".join(f"{x.name}: {x.repo}@{x.branch}:{x.glob}" for x in pipeline.leaves())),
            ("command", " ".join(pipeline.transform.cmd or ())),
            ("stdin", "\n".join(pipeline.transform.stdin or ())),
            ("output", f"{pipeline.name}@{pipeline.output_branch}"),
            ("config", _config(pipeline)),
            ("seed", pipeline.seed),
            ("network", "yes" if pipeline.network else None),
            ("last job", f"{last.id}  {last.state}  {last.progress}" if last else "none"),
        ]
    )


def _config(pipeline: Pipeline) -> str | None:
    config = pipeline.config
    if config is None:
        return None
    model = f", a {config.model}" if config.model else ""
    changed = f", with {' '.join(config.overrides)}" if config.overrides else ""
    return f"{config.directory}/{config.name}{changed}{model} ({short(config.digest)})"


def _draw(arguments: Arguments) -> None:
    from pedigree.pipeline import pipelines

    with options.store() as store:
        found = pipelines.order(pipelines.all_pipelines(store))
        names = {item.name for item in found}
    edges = [(leaf.repo, item.name) for item in found for leaf in item.leaves()]
    sources = sorted({repo for repo, _ in edges} - names)
    if arguments.json:
        json_value({"repositories": sources, "pipelines": [item.name for item in found], "edges": edges})
        return
    for repo in sources:
        print(f"({repo})")
    for item in found:
        print(f"[{item.name}]  <-  {', '.join(dict.fromkeys(leaf.repo for leaf in item.leaves())) or 'nothing'}")


def _declare_delete(parser: Parser) -> None:
    _declare_one(parser)
    parser.add_argument("--keep-repo", action="store_true", help="Keep its output repository")
    options.force(parser, "Delete it even where other pipelines read its output")


def _delete(arguments: Arguments) -> None:
    from pedigree.pipeline import pipelines

    with options.store() as store:
        pipelines.delete(store, arguments.name, keep_repository=arguments.keep_repo, force=arguments.force)
    kept = "; its repository stays" if arguments.keep_repo else " and its output repository"
    done(arguments, f"Deleted the pipeline {arguments.name}{kept}.", {"deleted": arguments.name})


def _set_state(arguments: Arguments, state: str, said: str) -> None:
    from pedigree.pipeline import pipelines

    with options.store() as store:
        pipelines.set_state(store, arguments.name, state)
    done(arguments, said, {"pipeline": arguments.name, "state": state})


def _stop(arguments: Arguments) -> None:
    _set_state(arguments, "stopped", f"Stopped {arguments.name}: new commits make no jobs of it.")


def _tick(arguments: Arguments) -> None:
    import time

    from pedigree.cli import shapes
    from pedigree.pipeline import ticks

    with options.store() as store:
        made = ticks.tick_now(store, arguments.name, time.time())
    where = ", ".join(shapes.place(commit) for commit in made) or "nothing"
    done(arguments, f"Ticked: {where}. `pedigree run` acts on it.", [shapes.commit(commit) for commit in made])


def _start(arguments: Arguments) -> None:
    _set_state(arguments, "running", f"Started {arguments.name}. `pedigree run` brings it up to date.")


COMMANDS = {
    "pipeline": Noun(
        "pipeline",
        "Pipelines: versioned specs, each with its output repository",
        [
            Command(
                "pipeline list",
                "List the pipelines in dependency order",
                run=_list,
                examples=[("", "pedigree pipeline list")],
            ),
            Command(
                "pipeline inspect",
                "Show one pipeline; with --json its effective spec",
                declare=_declare_one,
                run=_inspect,
                examples=[("", "pedigree pipeline inspect train")],
            ),
            Command(
                "pipeline draw",
                "Draw which pipeline reads what",
                run=_draw,
                details="Repositories in round brackets, pipelines in square ones, in dependency order.",
                examples=[("", "pedigree pipeline draw")],
            ),
            Command(
                "pipeline stop",
                "Let new commits make no jobs of a pipeline",
                declare=_declare_one,
                run=_stop,
                examples=[("", "pedigree pipeline stop train")],
            ),
            Command(
                "pipeline start",
                "Let a stopped pipeline run again",
                declare=_declare_one,
                run=_start,
                examples=[("", "pedigree pipeline start train")],
            ),
            Command(
                "pipeline tick",
                "Let the cron inputs of a pipeline tick now",
                declare=_declare_one,
                run=_tick,
                examples=[("", "pedigree pipeline tick nightly\npedigree run")],
            ),
            Command(
                "pipeline delete",
                "Delete a pipeline and its output repository",
                declare=_declare_delete,
                run=_delete,
                details="Cached results stay until gc: applying the same spec again reuses them.",
                examples=[("keep what it made", "pedigree pipeline delete train --keep-repo")],
            ),
        ],
        details="`pedigree apply` makes and updates pipelines, `pedigree run` runs them.",
    )
}
