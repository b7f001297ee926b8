"""What a configuration sees of the environment, and secrets, which it never holds."""

from __future__ import annotations

import pytest

from tests.pipeline.configs.steps import SPECS, refused
from tests.pipeline.project import Project


def test_a_configuration_sees_the_variables_of_its_step_and_no_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: compose with the environment of the process."""
    monkeypatch.setenv("PLACE", "of this machine")
    project.write("conf/train.yaml", "place: ${oc.env:PLACE}\nseed: ${oc.env:PEDIGREE_SEED,none}\n")
    spec = SPECS.partition("---")[0]
    error = refused(project, spec)
    assert "conf/train.yaml:1:8: place: the environment variable PLACE is not set." in str(error)
    assert (error.remedy or "").startswith("Add it to transform.env of the spec")
    project.apply(spec.replace("transform: {", "seed: 7\ntransform: {env: {PLACE: here}, "))
    project.run()
    assert project.read("train@master:/seen") == 'place: "here"\nseed: "7"\n'


SECRET = "xyzzy-5f3759df"
WITH_SECRET = """
pipeline: {name: train}
input: {pfs: {repo: in, glob: /}}
config: {name: secret, model: "settings.py:Fetching"}
transform:
  cmd: [python3, fetch.py]
  secrets: [{name: hub, key: token, env_var: HUB}]
"""
FETCHING = """
from pedigree.config.models import Config, Secret

class Fetching(Config):
    token: Secret[str]
    note: str = ""
"""
FETCH = """
import hashlib
from pedigree.config.entry.current import current
from settings import Fetching

token = current(Fetching).token
open("/pfs/out/seen", "w").write(f"{token} {hashlib.sha256(token.get_secret_value().encode()).hexdigest()}")
"""


@pytest.fixture
def secret(project: Project) -> Project:
    path = project.store.folder / "secrets/hub/token"
    path.parent.mkdir(parents=True)
    path.write_text(SECRET)
    path.chmod(0o600)
    project.write("settings.py", FETCHING)
    project.write("fetch.py", FETCH)
    return project


@pytest.mark.parametrize("reference", ["env:HUB", "${oc.env:HUB}"])
def test_a_secret_is_read_in_the_step_and_is_never_in_the_store(secret: Project, reference: str) -> None:
    """Break: give the step the values as they were composed."""
    import hashlib

    secret.write("conf/secret.yaml", f"token: {reference}\n")
    secret.apply(WITH_SECRET)
    report = secret.run()
    assert report.ok, report.jobs[0].error
    assert secret.read("train@master:/seen") == f"env:HUB {hashlib.sha256(SECRET.encode()).hexdigest()}"
    holders = [
        path.relative_to(secret.store.folder).as_posix()
        for path in secret.store.folder.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert holders == ["secrets/hub/token"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("token: env:HUB\nnote: ${oc.env:HUB}\n", "conf/secret.yaml:2:7: note is read from HUB, a secret of the step"),
        (
            "token: env:HUB\nnote: Bearer ${oc.env:HUB}\n",
            "conf/secret.yaml:2:7: note is read from HUB, a secret of the step",
        ),
        (
            "token: env:OTHER\n",
            "conf/secret.yaml:1:8: token is a secret in the variable OTHER, which the step is not given.",
        ),
        ("token: swordfish\n", "token: a secret is not written down"),
    ],
)
def test_a_secret_that_would_be_stored_or_missing_is_refused(secret: Project, text: str, said: str) -> None:
    """Break: leave out either check of secrets in freezing.py."""
    secret.write("conf/secret.yaml", text)
    message = str(refused(secret, WITH_SECRET))
    assert said in message, message
    assert "swordfish" not in message
    without = WITH_SECRET.replace(', model: "settings.py:Fetching"', "")
    if "HUB}" in text:
        assert said in str(refused(secret, without))
