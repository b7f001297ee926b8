"""Laying out a sweep: every frozen file is there before anything runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence

from pedigree import canonical
from pedigree.config.launching import files, naming
from pedigree.config.launching.folder import CONFIG
from pedigree.config.launching.manifest import Job, Manifest
from pedigree.config.launching.points import Point
from pedigree.config.launching.sweep import Sweep, open_sweep
from pedigree.config.launching.work import Work
from pedigree.errors import AlreadyExists, InvalidConfig


def plan(
    directory: str | os.PathLike[str],
    points: Iterable[Point],
    work: Work,
    *,
    hidden: Callable[[str], bool] | None = None,
) -> Sweep:
    """Lay out a sweep of these points, in order, in a new folder; nothing runs yet.

    The points are composed, validated and frozen already; each is written into its job's folder, and from there on
    the sweep depends on no other file of configuration. Job folders are named for the overrides in which the points
    differ. Values of overrides whose keys speak of secrets, or that `hidden` says hold one, are in no name and no
    manifest. The folder appears whole or not at all. Raises AlreadyExists, and InvalidConfig where there are no
    points.
    """
    directory = os.path.abspath(directory)
    taken = list(points)
    if not taken:
        raise InvalidConfig("A sweep of no points has nothing to run.", remedy="Give at least one point.")
    shown = [[naming.masked(one, hidden) for one in point.overrides] for point in taken]
    with new_folder(directory) as part:
        jobs = [
            write_job(part, name, point, overrides)
            for name, point, overrides in zip(naming.names(shown), taken, shown, strict=True)
        ]
        Manifest(work, tuple(jobs)).write(part)
        files.sync_folder(os.path.join(part, "jobs"))
    return open_sweep(directory)


def write_job(directory: str, name: str, point: Point, overrides: Sequence[str]) -> Job:
    """Make the job's folder with its frozen file."""
    folder = os.path.join(directory, "jobs", name)
    os.mkdir(folder)
    path = os.path.join(folder, CONFIG)
    point.write(path)
    with open(path, "rb") as file:
        content = file.read()
        os.fsync(file.fileno())
    files.sync_folder(folder)
    return Job(name, point.digest, canonical.digest(content), tuple(overrides))


class new_folder:  # noqa: N801 - used as a function, in a `with` block
    """A folder to fill, with `jobs/` in it, that gets its name when the block ends well and is gone when it does not."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.part = ""

    def __enter__(self) -> str:
        if os.path.lexists(self.directory):
            raise AlreadyExists(
                f"There is something at {self.directory} already.",
                remedy="Choose another folder; a sweep that was begun goes on with --resume, or `open_sweep`.",
            )
        parent = os.path.dirname(self.directory)
        os.makedirs(parent, exist_ok=True)
        self.part = tempfile.mkdtemp(prefix=f".{os.path.basename(self.directory)}.", suffix=".part", dir=parent)
        os.chmod(self.part, 0o755)  # noqa: S103 - as any folder; mkdtemp makes it private
        os.mkdir(os.path.join(self.part, "jobs"))
        return self.part

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            shutil.rmtree(self.part, ignore_errors=True)
            return
        try:
            os.rename(self.part, self.directory)
        except OSError as error:
            shutil.rmtree(self.part, ignore_errors=True)
            raise AlreadyExists(
                f"Something came to {self.directory} in the meantime.", remedy="Choose another folder."
            ) from error
        files.sync_folder(os.path.dirname(self.directory))
