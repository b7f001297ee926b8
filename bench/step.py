"""What running a datum costs: 1,000 trivial datums with full isolation, beside starting the same command bare.

    python bench/step.py [--rounds 5] [--datums 1000] [--workers 2] [--level bubblewrap]

Wall milliseconds per datum over one executor's whole run: preparing inputs, making the sandbox, the command, collecting
outputs, one publication and transaction per quarter of a second as the engine does it. Three commands: `cp` of the
input, the same through `sh`, and a Python that copies it. The subjects take turns within each round; medians. Prints
tables in Markdown for RESULTS.md. The engine's own CPU is beside it, user + system, without its children's.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pedigree
from pedigree.pipeline import code, datums, planning, sandbox
from pedigree.pipeline.executors.contract import DatumResult, DatumTask
from pedigree.pipeline.executors.local import LocalExecutor
from pedigree.pipeline.model import CodeSpec, PfsInput, Pipeline, Transform
from pedigree.store import Store

SHELL = "cp /pfs/in/* /pfs/out"
PYTHON = "import os\nfor n in os.listdir('/pfs/in'): open(f'/pfs/out/{n}', 'w').write(open(f'/pfs/in/{n}').read())"
COMMANDS = {
    "cp": ("/bin/sh", "-c", SHELL),
    "python": (sys.executable, "-c", PYTHON),
}
BARE = {
    "cp": ("/bin/sh", "-c", "cp {source} {target}"),
    "python": (sys.executable, "-c", "open('{target}', 'w').write(open('{source}').read())"),
}
FLUSH_S = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--datums", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--level", default="auto")
    options = parser.parse_args()
    level = sandbox.choose(options.level)
    costs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(options.rounds):
        for name in COMMANDS:
            folder = Path(tempfile.mkdtemp(prefix="pedigree-bench-", dir=Path.cwd()))
            try:
                cost = isolated(folder, COMMANDS[name], options.datums, options.workers, level)
                costs.setdefault((name, f"pedigree, {level}"), []).append(cost)
                cost = bare(folder, BARE[name], options.datums, options.workers)
                costs.setdefault((name, "bare posix_spawn"), []).append(cost)
            finally:
                shutil.rmtree(folder)
    print(
        f"{options.datums} datums, {options.workers} workers, {options.rounds} rounds; ms per datum, median (min to max)\n"
    )
    print("| command | run by | wall | engine CPU |\n|---|---|---|---|")
    for (name, subject), found in costs.items():
        walls = [wall / options.datums * 1000 for wall, _ in found]
        cpu = statistics.median(cpu for _, cpu in found) / options.datums * 1000
        print(
            f"| {name} | {subject} | {statistics.median(walls):.2f} ({min(walls):.2f} to {max(walls):.2f}) | {cpu:.2f} |"
        )


def isolated(folder: Path, cmd: tuple[str, ...], count: int, workers: int, level: str) -> tuple[float, float]:
    with pedigree.init(folder) as store:
        with store.commit("in@master", create=True) as change:
            for number in range(count):
                change.write(f"{number:06}.txt", b"datum %d\n" % number)
        pipeline = Pipeline("bench", Transform(cmd), PfsInput("in", "in", glob="/*"), code=CodeSpec(files=()))
        return measure(lambda: run(store, pipeline, workers, level, count))


def run(store: Store, pipeline: Pipeline, workers: int, level: str, count: int) -> None:
    tree = snapshot(store, pipeline)
    plan = datums.plan(pipeline, lambda item: planning.source(store, item), store.objects.read)
    assert len(plan) == count
    logs = store.folder / "logs"
    tasks = (
        DatumTask(
            identity=datum.id,
            datum=datum,
            pipeline=pipeline,
            code_tree=tree,
            env={},
            job_id="bench",
            run_id="bench",
            output_commit="bench",
            log_path=logs / datum.id,
        )
        for datum in plan
    )
    keeper = Keeper(store)
    LocalExecutor(store, workers=workers, isolation=level).run(tasks, keeper.take)
    keeper.flush()
    assert keeper.files == count


class Keeper:
    """Makes outputs durable as the engine does: together, a few times a second."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.files = 0
        self._open()

    def _open(self) -> None:
        self.batch = self.store.objects.batch()
        self.batch.__enter__()
        self.since = time.monotonic()

    def take(self, result: DatumResult) -> None:
        assert result.state == "processed", result.reason
        self.files += len(result.collect(self.batch))
        if time.monotonic() - self.since > FLUSH_S:
            self.flush()
            self._open()

    def flush(self) -> None:
        with self.store.lock.shared():
            self.batch.publish()
            with self.store.database.transaction():
                self.batch.record()
        self.batch.__exit__(None, None, None)


def snapshot(store: Store, pipeline: Pipeline) -> str:
    with store.objects.batch() as batch, store.lock.shared():
        tree = code.snapshot(code.closure_of(pipeline, store.project), batch)
        batch.publish()
        with store.database.transaction():
            batch.record()
    return tree


def bare(folder: Path, cmd: tuple[str, ...], count: int, workers: int) -> tuple[float, float]:
    """The same copies by the same command, without isolation, caching or durability."""
    source, target = folder / "bare-in", folder / "bare-out"
    for place in (source, target):
        place.mkdir()
    for number in range(count):
        (source / f"{number:06}.txt").write_text(f"datum {number}\n")

    def one(number: int) -> None:
        name = f"{number:06}.txt"
        words = [word.format(source=source / name, target=target / name) for word in cmd]
        _, status = os.waitpid(os.posix_spawn(words[0], words, {}), 0)
        assert status == 0

    def every() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, range(count)))

    return measure(every)


def measure(work: Callable[[], None]) -> tuple[float, float]:
    """Wall and own CPU seconds."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begun, cpu


if __name__ == "__main__":
    main()
