"""Which datums a job runs, and which it skips (shared pachyderm-semantics, section 4, with the differences at its top).

Every case is told twice: how many datums run here, and how many with `--compat pachyderm`, which has Pachyderm's counts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pedigree.pipeline import pipelines
from tests.pipeline.project import Project

FILES: dict[str, str | None] = {"a": "1", "b": "2", "d/x": "3", "d/z": "4"}

LIST = """
pipeline: {{name: list}}
input: {{pfs: {{repo: in, glob: {glob}{more}}}}}
{top}
datum_tries: 1
transform:
  cmd: [sh]
  stdin:
    - 'f=$(cd /pfs/in && ls); if grep -qr bad /pfs/in; then exit 1; fi; find /pfs/in -type f -exec cat {{}} + > /pfs/out/$f'
    - '# {code}'
  err_cmd: [{err}]
"""


def spec(glob: str = "/*", more: str = "", top: str = "", code: str = "one", err: str = "'false'") -> str:
    return LIST.format(glob=glob, more=more, top=top, code=code, err=err)


@pytest.fixture(params=[None, pytest.param("pachyderm", marks=pytest.mark.slow)], ids=["here", "compat"])
def compat(request: pytest.FixtureRequest) -> str | None:
    value: str | None = request.param
    return value


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.put("in", FILES)
    return found


Change = Callable[[Project, str | None], None]


def put(**files: str | None) -> Change:
    """Commit files; a `__` in a name stands for a slash."""
    return lambda project, _: project.put("in", {name.replace("__", "/"): text for name, text in files.items()})


def apply(text: str) -> Change:
    def change(project: Project, _: str | None) -> None:
        project.apply(text)

    return change


def then(*changes: Change) -> Change:
    """One change after another, with a run between them."""

    def change(project: Project, compat: str | None) -> None:
        for place, item in enumerate(changes):
            if place:
                project.run(compat=compat)
            item(project, compat)

    return change


def reprocess(project: Project, _: str | None) -> None:
    pipelines.apply(project.store, [str(project.folder / "pipelines.yaml")], reprocess=True)


@pytest.mark.parametrize(
    ("first", "change", "here", "pachyderm"),
    [
        pytest.param(spec(), put(a="1"), 0, 0, id="nothing changed"),
        pytest.param(spec(), put(a="new"), 1, 1, id="a file changed"),
        pytest.param(spec(), put(c="5"), 1, 1, id="a file is new"),
        pytest.param(spec(), put(b=None), 0, 0, id="a file is gone"),
        pytest.param(spec(), put(d__x="new"), 1, 1, id="a file in a folder changed"),
        # Not in Pachyderm, whose hash of a folder leaves names out; with --compat as well, since the output would be stale.
        pytest.param(spec(), put(d__x=None, d__y="3"), 1, 1, id="a file in a folder was renamed"),
        pytest.param(spec(), put(a=None, c="1"), 1, 1, id="a file was renamed: its path is in the id"),
        pytest.param(spec(), then(put(a="new"), put(a="1")), 0, 1, id="back to what it was"),
        pytest.param(spec(), apply(spec(code="two")), 3, 0, id="the code changed"),
        pytest.param(spec(), apply(spec(top="salt: x")), 3, 3, id="the salt changed"),
        pytest.param(spec(), reprocess, 3, 3, id="update --reprocess"),
        pytest.param(spec(), then(reprocess, apply(spec())), 0, 0, id="applied again after --reprocess"),
        pytest.param(spec(), apply(spec(glob="/")), 1, 1, id="another glob"),
        pytest.param(spec(top="reprocess_spec: every_job"), put(c="5"), 4, 4, id="every_job"),
        pytest.param(spec(more=", reference: true"), put(a="new"), 0, 0, id="the content of a reference"),
        pytest.param(spec(more=", reference: true"), put(c="5"), 1, 1, id="a new file of a reference"),
        # A link to an empty file is the file itself, so its content counts although the step cannot read it.
        pytest.param(spec(more=", empty_files: true"), put(a="new"), 1, 1, id="the content of an empty file"),
        pytest.param(spec(more=", lazy: true"), put(a="new"), 1, 1, id="the content of a lazy file"),
        pytest.param(spec(), then(put(a="bad", b="new"), put(a="1")), 0, 1, id="good datums of a failed job"),
        pytest.param(spec(err="'true'"), then(put(a="bad"), put(c="5")), 2, 2, id="a recovered datum"),
    ],
)
def test_a_job_runs_these_many_datums(
    project: Project, compat: str | None, first: str, change: Change, here: int, pachyderm: int
) -> None:
    """Break, here: cache per job. With --compat: look at the code, or at any job but the last good one."""
    project.apply(first)
    project.run(compat=compat)
    change(project, compat)
    project.run(compat=compat)
    assert len(project.started) == (pachyderm if compat else here), project.started


def test_a_link_to_an_empty_file_is_never_stale(project: Project) -> None:
    """The shuffle of Pachyderm's examples. Break: leave the content of empty files out of the identity."""
    project.apply(
        "pipeline: {name: shuffle}\ninput: {pfs: {repo: in, glob: /*, empty_files: true}}\n"
        "transform: {cmd: [sh, -c, 'ln -s /pfs/in/* /pfs/out/']}\n"
    )
    project.run()
    project.put("in", {"a": "new"})
    project.run()
    assert project.started == ["in:/a"]
    assert project.read("shuffle@master:/a") == "new"


def test_the_same_work_in_another_pipeline_is_done_once_here(project: Project, compat: str | None) -> None:
    """Break: put the pipeline's name into the identity."""
    project.apply(spec())
    project.run(compat=compat)
    project.apply(spec().replace("{name: list}", "{name: again}"), "again.yaml")
    project.run(compat=compat)
    assert len(project.started) == (3 if compat else 0)


def test_a_datum_that_is_gone_takes_its_files_with_it(project: Project, compat: str | None) -> None:
    """Also those of a datum that ran again and wrote others. Break: merge into the last output."""
    project.apply(
        "pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /*}}\n"
        "transform: {cmd: [sh, -c, 'for f in $(find /pfs/in -type f); do touch /pfs/out/$(basename $f)-$(cat $f); done']}\n"
    )
    project.run(compat=compat)
    assert project.files("p@master") == ["a-1", "b-2", "x-3", "z-4"]
    project.put("in", {"a": "7", "b": None})
    project.run(compat=compat)
    assert project.files("p@master") == ["a-7", "x-3", "z-4"]
