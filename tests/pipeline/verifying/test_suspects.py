"""The wrong thing changed, on real training steps in the real sandbox: verify names it, and nothing else as likely."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pedigree.pipeline.verifying import verify
from pedigree.pipeline.verifying.verdict import DIFFERENT, LIKELY, PERHAPS, REPEATED, UNLIKE, Verdict
from tests.cli.terminal import command, environment
from tests.pipeline.project import Project

pytest.importorskip("torch")

SPEC = """
pipeline: {name: train}
input: {pfs: {repo: numbers, glob: /}}
transform: {cmd: [python3, train.py]}
datum_tries: 1
seed: 11
"""

#: A step that repeats itself: every draw is seeded, the workers too, one thread, no clock.
TRAIN = """\
import os
import random

import torch
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset


class Numbers(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, at):
        return torch.full((256,), float(at)) + random.random()


def main():
    seed = int(os.environ["PEDIGREE_SEED"])
    random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model = torch.nn.Linear(256, 256)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    loader = DataLoader(Numbers(), batch_size=16, num_workers=1, generator=torch.Generator().manual_seed(seed))
    for batch in loader:
        loss = model(batch).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, "/pfs/out/weights.safetensors")


if __name__ == "__main__":
    main()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.put("numbers", {"a": "one"})
    return project


def trained(project: Project, code: str, spec: str = SPEC) -> None:
    project.write("train.py", code)
    project.apply(spec)
    assert project.run().ok


def edited(old: str, new: str, text: str = TRAIN) -> str:
    assert old in text, old
    return text.replace(old, new)


def line_of(text: str, part: str) -> str:
    return f"train.py:{next(number for number, line in enumerate(text.splitlines(), 1) if part in line)}"


def likely(verdict: Verdict) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.kind, one.places) for one in verdict.suspects if one.weight == LIKELY]


@pytest.mark.slow
def test_a_clean_step_is_identical_and_nothing_is_suspected(project: Project) -> None:
    """Break: look for suspects whatever the verdict is."""
    trained(project, TRAIN)
    verdict = verify(project.store, "train@master")
    assert verdict.ok, verdict.to_text()
    assert verdict.suspects == ()


@pytest.mark.slow
def test_a_seed_that_is_not_set_is_named_with_the_line_that_draws(project: Project) -> None:
    """Break: take `generator=` for a seed of everything."""
    code = edited("    torch.manual_seed(seed)\n", "")
    trained(project, code)
    verdict = verify(project.store, "train@master")
    assert verdict.state == DIFFERENT
    assert likely(verdict) == [("seed", (line_of(code, "torch.nn.Linear"),))]
    assert "nothing seeds torch" in verdict.suspects[0].text
    (finding,) = verdict.findings
    assert finding.again == UNLIKE
    assert finding.apart is not None
    assert finding.apart.path == "weights.safetensors"
    assert "bias" in finding.apart.excerpt[0]
    assert "ULP" in finding.files[0].excerpt[0]
    assert "the step does not repeat itself; first in /weights.safetensors" in verdict.to_text()


@pytest.mark.slow
def test_a_seed_that_comes_after_the_draw_is_named_as_possible(project: Project) -> None:
    """Break: take a library that is seeded anywhere for one that is seeded in time; nothing is then suspected."""
    code = edited("    torch.manual_seed(seed)\n", "")
    code = edited("    optimizer =", "    torch.manual_seed(seed)\n    optimizer =", code)
    trained(project, code)
    verdict = verify(project.store, "train@master")
    assert likely(verdict) == []
    places = (line_of(code, "torch.nn.Linear"),)
    (found,) = [one for one in verdict.suspects if one.places == places]
    assert (found.kind, found.weight) == ("seed", PERHAPS)
    assert f"torch is seeded in {line_of(code, 'torch.manual_seed(seed)')}" in found.text


@pytest.mark.slow
def test_a_spec_without_a_seed_is_named_with_the_line_that_reads_it(project: Project) -> None:
    """Break: look into the code only."""
    code = edited('int(os.environ["PEDIGREE_SEED"])', 'int(os.environ.get("PEDIGREE_SEED") or time.time_ns() % 2**32)')
    code = edited("import os\n", "import os\nimport time\n", code)
    trained(project, code, SPEC.replace("seed: 11\n", ""))
    verdict = verify(project.store, "train@master")
    assert likely(verdict) == [("seed", (line_of(code, "PEDIGREE_SEED"),))]
    assert verdict.suspects[0].text.startswith("its spec sets no seed")


@pytest.mark.slow
def test_workers_that_nothing_seeds_are_named_with_their_loader(project: Project) -> None:
    """The weights come from a generator of their own; only what the workers draw is loose. Break: take a `generator=`
    anywhere for a seed of everything.
    """
    code = edited("    torch.manual_seed(seed)\n", "")
    code = edited(", generator=torch.Generator().manual_seed(seed)", "", code)
    code = edited(
        "    model = torch.nn.Linear(256, 256)\n",
        "    model = torch.nn.utils.skip_init(torch.nn.Linear, 256, 256)\n"
        "    for one in model.parameters():\n"
        "        one.data.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(seed))\n",
        code,
    )
    trained(project, code)
    verdict = verify(project.store, "train@master")
    assert verdict.findings[0].again == UNLIKE
    assert likely(verdict) == [("worker", (line_of(code, "DataLoader(Numbers"),))]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are taken away with sched_setaffinity")
def test_a_number_of_threads_that_the_machine_decides_is_named(project: Project) -> None:
    """Made on one core, made again on two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("one core cannot be two")
    code = edited("torch.set_num_threads(1)", "torch.set_num_threads(len(os.sched_getaffinity(0)))")
    code = edited(
        "square().sum()", "square().sum() * torch.randn(1 << 20).sum()", code
    )  # other bits with other threads
    project.apply(
        "pipeline: {name: first}\ninput: {pfs: {repo: numbers, glob: /}}\ntransform: {cmd: ['true']}\n", "first.yaml"
    )
    project.run()  # on all cores: the first work of this environment
    try:
        os.sched_setaffinity(0, cores[:1])
        trained(project, code)
    finally:
        os.sched_setaffinity(0, cores)
    verdict = verify(project.store, "train@master")
    assert verdict.state == DIFFERENT
    assert verdict.findings[0].again == REPEATED
    assert likely(verdict) == [("threads", (line_of(code, "sched_getaffinity"),))]
    assert f"1 when it was made, {len(cores)} now" in verdict.suspects[0].text


@pytest.mark.slow
def test_a_package_of_another_version_is_named_with_its_import(project: Project) -> None:
    """Break: name every package that changed alike; `other` changed too, and the step does not import it."""
    site = project.folder / "elsewhere/site-packages"

    def install(name: str, version: str) -> None:
        for old in site.glob(f"{name}*"):
            shutil.rmtree(old)
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text(f"RATE = {version}e-6\n")
        facts = site / f"{name}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (facts / "RECORD").write_text(f"{name}/__init__.py,,\n")

    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]

    def pedigree(*words: str) -> str:
        done = subprocess.run(
            command(*words),
            cwd=project.folder,
            env={**environment(), "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (1 if words[0] == "verify" else 0), done.stderr
        return done.stdout

    install("rates", "1.0")
    install("other", "1.0")
    code = edited("import random\n", "import random\n\nimport rates\n")
    code = edited("lr=1e-6", "lr=rates.RATE", code)
    project.write("train.py", code)
    project.apply(SPEC)
    pedigree("run", "-q")
    install("rates", "2.0")
    install("other", "2.0")
    verdict = json.loads(pedigree("verify", "--json", "train@master"))
    assert verdict["state"] == DIFFERENT
    assert verdict["findings"][0]["again"] == REPEATED
    first, second = verdict["suspects"]
    assert (first["kind"], first["weight"], first["places"]) == ("package", LIKELY, [line_of(code, "import rates")])
    assert first["text"].startswith("rates was 1.0 and is 2.0 now")
    assert (second["kind"], second["weight"]) == ("package", "perhaps")
    assert "other 1.0 -> 2.0" in second["text"]
