"""A recorded environment as a file of requirements for `pip install -r`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.environments import sources
from pedigree.pipeline.environments.recreating import facts_of
from pedigree.pipeline.interpreter import release

if TYPE_CHECKING:
    from pedigree.store import Store


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution: `files` is the digest of its installed files; `wheel`, `sha256` and `source` are empty where not known."""

    name: str
    version: str
    files: str
    wheel: str = ""
    sha256: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """`python` is a release (3.11.7); `loose` are names in site-packages that belong to no distribution."""

    fingerprint: str
    python: str
    implementation: str
    platform: str
    distributions: tuple[Locked, ...]
    loose: tuple[str, ...]

    @property
    def hashed(self) -> bool:
        """Whether the wheel of every distribution is known. pip takes hashes for all of a file or for none."""
        return all(one.sha256 for one in self.distributions)

    def to_text(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def lock(store: Store, fingerprint: str) -> Lock:
    """What was recorded of an environment. Raises EnvironmentUnavailable where the store has no record of it."""
    record = facts_of(store, fingerprint)
    facts: dict[str, Any] = record["facts"]
    wheels = sources.wheels(store, facts["distributions"])
    origins: dict[str, dict[str, str]] = record.get("sources", {})
    found = []
    for name, item in sorted(facts["distributions"].items()):
        origin = origins.get(name, {})
        wheel = wheels.get(name, {})
        # Of a wheel from outside pip wrote the digest down when it installed it.
        sha256 = wheel.get("sha256") or (origin.get("sha256", "") if origin.get("url", "").endswith(".whl") else "")
        source = f"{origin['url']}@{origin['revision']}" if origin.get("revision") else origin.get("url", "")
        found.append(Locked(name, item["version"], item["files"], wheel.get("file", ""), sha256, source))
    platform = facts["platform"]
    described = " ".join(str(platform[key]) for key in ("system", "machine", "libc", "distribution") if platform[key])
    python = facts["python"]
    return Lock(
        fingerprint,
        release(python["version"]),
        python["implementation"],
        described,
        tuple(found),
        tuple(sorted(facts["loose"])),
    )


def _lines(lock: Lock) -> Iterator[str]:
    yield f"# environment {lock.fingerprint}"
    yield f"# {lock.implementation} {lock.python}, {lock.platform}"
    yield "# In a new virtual environment of that Python: pip install --no-deps --only-binary :all: -r THIS_FILE"
    for name in lock.loose:
        yield f"# not of a distribution, and so not in this list: site-packages/{name}"
    if not lock.hashed:
        known = sum(bool(one.sha256) for one in lock.distributions)
        yield f"# The wheels of {known:,} of {len(lock.distributions):,} are known; pip takes hashes for all or for none,"
        yield "# so these stand in comments. `pedigree verify --recreate-environment` finds those that it installs."
    for one in lock.distributions:
        if one.source:
            yield f"# it came from {one.source}"
        text = f"{one.name}=={one.version}"
        if lock.hashed:
            yield f"{text} \\"
            yield f"    --hash=sha256:{one.sha256}"
        else:
            yield text + (f"  # sha256:{one.sha256}" if one.sha256 else "")
