"""`recreate`: the environment that was recorded, made again, and the proof of how much of it is the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pedigree.errors import EnvironmentUnavailable
from pedigree.pipeline import circumstances, environment, events, interpreter
from pedigree.pipeline.environments import copying, finding, installing, kept, sources
from pedigree.pipeline.events import silent

if TYPE_CHECKING:
    from pedigree.pipeline.environment import Environment
    from pedigree.pipeline.events import OnEvent
    from pedigree.pipeline.interpreter import Interpreter
    from pedigree.store import Store


@dataclass(frozen=True, slots=True)
class Recreated:
    """`environment` is what `python` really has: its fingerprint is the recorded one only where nothing differs."""

    python: Interpreter
    environment: Environment


def facts_of(store: Store, fingerprint: str) -> Mapping[str, Any]:
    """The record of an environment. Raises EnvironmentUnavailable where the store has none."""
    found: Mapping[str, Any] | None = store.records.get(circumstances.ENVIRONMENT, fingerprint)
    if found is None:
        raise EnvironmentUnavailable(
            f"What the environment {fingerprint[:12]} consisted of is not in the store.",
            remedy="Pull the commit from where it was made: its records come with it.",
        )
    return found


def look(store: Store, fingerprint: str, made: Recreated) -> Environment:
    """What a recreated environment has now."""
    return environment.capture(cache=kept.folder_of(store, fingerprint), python=made.python)


def recreate(
    store: Store, fingerprint: str, *, present: Environment | None = None, on_event: OnEvent = silent
) -> Recreated:
    """Make the recorded environment, or take the one that was made before, and read all of it.

    `present` is the running interpreter's, captured here unless given. Whoever else makes the same one is waited for; what a
    killed process left is removed first; after an error nothing is left. Raises EnvironmentUnavailable when its Python or one of
    its distributions is not to be had.
    """
    record = facts_of(store, fingerprint)
    folder = kept.folder_of(store, fingerprint)
    with kept.alone(store, fingerprint) as held:
        made = kept.read(folder)
        if made is not None and made.fingerprint == fingerprint:
            on_event(events.Preparing(f"environment {fingerprint[:12]}: made before, looking whether it is whole"))
            found = _reopen(folder)
            if found is not None and found.environment.fingerprint == made.result:
                return found
            on_event(events.Preparing(f"environment {fingerprint[:12]}: it was changed since"))
        kept.remove(folder)
        try:
            present = present or environment.capture(cache=store.folder / "cache")
            return _Making(store, fingerprint, record, folder, present, held, on_event).make()
        except BaseException:
            kept.remove(folder)
            raise


def _reopen(folder: Path) -> Recreated | None:
    """What is in the folder of an environment; None where its Python does not start any more."""
    python = interpreter.ask(f"{folder}/bin/python")
    return None if python is None else Recreated(python, environment.capture(cache=folder, python=python))


class _Making:
    def __init__(
        self,
        store: Store,
        fingerprint: str,
        record: Mapping[str, Any],
        folder: Path,
        present: Environment,
        held: int,
        on_event: OnEvent,
    ) -> None:
        self.store = store
        self.fingerprint = fingerprint
        self.facts: Mapping[str, Any] = record["facts"]
        self.sources: Mapping[str, Mapping[str, str]] = record.get("sources", {})
        self.folder = folder
        self.present = present
        self.held = held
        self.on_event = on_event

    def make(self) -> Recreated:
        base = finding.find(self.facts["python"])
        python = self._empty(base)
        recorded: dict[str, dict[str, str]] = self.facts["distributions"]
        here = self.present.facts["distributions"]
        # An equal digest is of equal files; without RECORD there is none, and nothing is known of the files.
        same = [name for name, item in recorded.items() if item["files"] and here.get(name) == item]
        copied = copying.distributions(same, interpreter.running(), python)
        loose = self.present.facts["loose"]
        wanted = [name for name, digest in self.facts["loose"].items() if loose.get(name) == digest]
        copying.loose(wanted, interpreter.running(), python)
        missing = {name: item["version"] for name, item in recorded.items() if name not in copied}
        self._tell(f"{len(copied):,} distributions taken over from this one, {len(missing):,} to install")
        found = self._install(missing, python)
        self._compile(python)
        made = Recreated(python, environment.capture(cache=self.folder, python=python))
        names = tuple(sorted(copied)), tuple(sorted(missing))
        kept.finish(self.folder, kept.Made(self.fingerprint, made.environment.fingerprint, base.executable, *names))
        self._learn(found, made.environment.facts["distributions"], recorded)
        return made

    def _tell(self, text: str) -> None:
        self.on_event(events.Preparing(f"environment {self.fingerprint[:12]}: {text}"))

    def _empty(self, base: Interpreter) -> Interpreter:
        """A virtual environment of it with nothing in it, not even pip: the record says which pip there was, if any."""
        self._tell(f"making it with Python {base.release} ({base.executable})")
        command = [base.executable, "-I", "-m", "venv", "--without-pip", "--symlinks", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, pass_fds=(self.held,))
        python = interpreter.ask(f"{self.folder}/bin/python") if done.returncode == 0 else None
        if python is None:
            raise EnvironmentUnavailable(
                f"{base.executable} made no virtual environment: {(done.stderr or done.stdout).strip()[-300:]}",
                remedy="Some systems have the module venv in a package of its own (apt install python3-venv).",
            )
        return python

    def _install(self, wanted: Mapping[str, str], python: Interpreter) -> dict[str, dict[str, str]]:
        if not wanted:
            return {}
        from pedigree.pipeline import site

        with site.folder_of(self.store, "install") as scratch:
            return installing.install(wanted, python, sources=self.sources, scratch=scratch, held=self.held)

    def _compile(self, python: Interpreter) -> None:
        """Byte code for what has none: a step cannot write it, and would compile every module each time that it starts."""
        command = [python.executable, "-I", "-m", "compileall", "-q", "-j", str(os.cpu_count() or 1), python.sites[0]]
        # Its exit code says that some file is for another Python, which is usual.
        subprocess.run(command, capture_output=True, check=False, pass_fds=(self.held,))

    def _learn(
        self,
        found: Mapping[str, Mapping[str, str]],
        made: Mapping[str, Mapping[str, str]],
        recorded: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Keep which wheels they were, of those that installed the very files that are recorded."""
        known = {
            sources.key(name, recorded[name]): dict(wheel)
            for name, wheel in found.items()
            if recorded[name]["files"] and made.get(name) == recorded[name]
        }
        self.store.records.put_many(sources.WHEEL, known)
