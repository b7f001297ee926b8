"""release: lets a model out if its metrics pass the gates, with its calibration and the name that it gets.

python release.py
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3
from digests import of_files
from gates import Judged, judge
from settings_release import Release

from pedigree import config
from pedigree.errors import PedigreeError

PFS = Path("/pfs")


def record(judged: Sequence[Judged], files: Mapping[str, str], tag: str | None) -> dict[str, Any]:
    """The content of release.json. Without a tag it is named after itself: the same release has the same name."""
    content: dict[str, Any] = {
        "version": 1,
        "verdict": "passed",
        "gates": [{"metric": one.gate.metric, **one.gate.bounds, "value": one.value} for one in judged],
        "files": dict(files),
    }
    digest = blake3(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {**content, "tag": tag or f"pets-{digest[:8]}"}


def refuse_other(measured: Mapping[str, str], files: Mapping[str, str]) -> None:
    """End the step where the metrics are those of another model or calibration."""
    other = [name for name in files if measured.get(name) != files[name]]
    if other or len(measured) != len(files):
        sys.exit(
            f"not released: the metrics were not measured with this {' and '.join(other) or 'set of files'}. "
            "`pedigree run` brings evaluate up to date first."
        )


def main() -> None:
    settings = config.current(Release)
    metrics = json.loads((PFS / "metrics/metrics.json").read_text())
    model, calibration = PFS / "model/model", PFS / "calibration/calibration.json"
    files = of_files(model, calibration)
    refuse_other(metrics.get("files", {}), files)
    try:
        judged = judge(settings.gates, metrics)
    except PedigreeError as error:
        sys.exit(f"not released: {error.message} {error.remedy}")
    print("\n".join(map(str, judged)))
    failed = sum(not one.passed for one in judged)
    if failed:
        sys.exit(f"not released: {failed} of {len(judged)} gates failed. What evaluate measured stays as it is.")

    out = PFS / "out"
    released = record(judged, files, settings.tag)
    (out / "model").mkdir()
    for file in sorted(model.iterdir()):
        shutil.copyfile(file, out / "model" / file.name)
    shutil.copyfile(calibration, out / "calibration.json")
    (out / "release.json").write_text(json.dumps(released, indent=1) + "\n")
    (out / "TAG").write_text(released["tag"] + "\n")
    print(f"released as {released['tag']}")


if __name__ == "__main__":
    main()
