"""The words of a script's command line: overrides and options in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pedigree.errors import InvalidInput, meant

USAGE = """\
usage: {script} [OVERRIDE ...] [OPTION ...]

  OVERRIDE                  lr=0.1  model=resnet  +debug=true  ~db  tags='append(x)'

What to do
  -m, --multirun            run every point: lr=0.1,0.2  seed='range(1,5)'  model='glob(res*)'
      --search N            run N trials chosen by Optuna: lr='tag(log,interval(1e-5,1e-1))'  model=a,b
      --print               print the configuration instead of running: --print yaml|json|frozen|defaults
      --why KEY             print where the value of KEY comes from, and what lost to it
      --from FILE           run a frozen configuration again, as it was, without composing
  -h, --help                print this, and the groups and keys that can be overridden

How
      --config-dir DIR      look into this folder too, after {directory}; may be repeated
      --config-path DIR     compose from this folder instead of {directory}
      --config-name NAME    the primary configuration instead of {name}
      --overrides FILE      overrides from a file, one a line, before those typed; may be repeated
      --run-dir DIR         write config.json here instead of outputs/DATE/TIME
      --no-run-dir          write nothing
      --jobs N              points of a sweep that run at once (1)
      --launcher NAME       local, submitit (SLURM) or ray
      --with KEY=VALUE      a setting of the launcher: timeout_min=60, cluster=slurm, address=auto
      --ranks N             processes for each point, with torchrun's variables
      --objective KEY       what a search looks at in the results, which are numbers unless it is given
      --maximize            a search looks for the largest, not the smallest
      --seed N              of a search (0)
      --resume DIR          go on with a sweep or search: what is done stays done
      --retry-failed        with --resume, run what failed again
      --fail-fast           stop a sweep at its first failure

PEDIGREE_OVERRIDES holds overrides too, one a line; PEDIGREE_CONFIG names a frozen file to run.
"""

_WITH_VALUE = {
    "--print": "what",
    "--cfg": "what",
    "--why": "why",
    "--from": "source",
    "--config-dir": "more",
    "--config-path": "directory",
    "--config-name": "name",
    "--overrides": "files",
    "--run-dir": "run",
    "--jobs": "jobs",
    "--launcher": "launcher",
    "--with": "settings",
    "--ranks": "ranks",
    "--search": "search",
    "--objective": "objective",
    "--seed": "seed",
    "--resume": "resume",
}
_SHORT = {
    "-m": "--multirun",
    "-h": "--help",
    "-c": "--cfg",
    "-cd": "--config-dir",
    "-cn": "--config-name",
    "-cp": "--config-path",
    "-r": "--run",
    "-i": "--info",
    "-p": "--package",
    "-sc": "--shell-completion",
}
_FLAGS = {
    "--multirun": "sweep",
    "--help": "help",
    "--no-run-dir": "no_run",
    "--retry-failed": "retry",
    "--fail-fast": "fail_fast",
    "--json": "json",
    "--maximize": "maximize",
}
#: Options of a script of Hydra's that say what happens here anyway.
_ALWAYS = {"--run", "--resolve"}
#: What takes the place of Hydra's other options.
_HYDRAS = {
    "--info": "`--print defaults` lists the files in their order, `--why KEY` tells where a value comes from.",
    "--package": "`--print` shows the whole; `--why KEY` shows one part with its places.",
    "--experimental-rerun": "`--from FILE` runs a frozen configuration again, outputs/DATE/TIME/config.json of its run.",
    "--hydra-help": "`--help` shows what there is; `hydra:` in the files is kept and not run.",
    "--shell-completion": "`pedigree completion --scripts bash` prints what lets the shell complete overrides; so do zsh and fish.",
}
#: What asks for a sweep's way of running, which nothing else has.
_OF_SWEEPS = {
    "jobs": "--jobs",
    "launcher": "--launcher",
    "settings": "--with",
    "ranks": "--ranks",
    "retry": "--retry-failed",
    "fail_fast": "--fail-fast",
}
_NUMBERS = {"jobs", "ranks", "search", "seed"}
_LISTS = {"files", "settings", "more"}
#: What `--print` takes; Hydra's `--cfg job` is the first.
PRINTS = ("yaml", "json", "frozen", "defaults")


def options() -> list[str]:
    """The options that `--help` lists, for completion."""
    return sorted(name for name in (*_WITH_VALUE, *_FLAGS) if name in USAGE)


class Asked:
    """What was asked for."""

    def __init__(self) -> None:
        self.overrides: list[str] = []
        self.files: list[str] = []
        self.settings: list[str] = []
        self.more: list[str] = []

    sweep: bool = False
    help: bool = False
    json: bool = False
    what: str | None = None
    why: str | None = None
    source: str | None = None
    directory: str | None = None
    name: str | None = None
    run: str | None = None
    no_run: bool = False
    jobs: int | None = None
    ranks: int | None = None
    launcher: str | None = None
    search: int | None = None
    objective: str | None = None
    maximize: bool = False
    seed: int | None = None
    resume: str | None = None
    retry: bool = False
    fail_fast: bool = False


def read(words: Sequence[str]) -> Asked:
    """What the words ask for. Raises InvalidInput for an unknown option or one without its value."""
    asked = Asked()
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            asked.overrides += words[at:]
            break
        if not word.startswith("-") or "=" in word.partition("--")[0]:
            asked.overrides.append(word)
            continue
        name, equal, value = word.partition("=")
        name = _SHORT.get(name, name)
        if name in _FLAGS:
            if equal:
                raise InvalidInput(f"{name} takes no value, got {word!r}.", remedy=f"Write {name}.")
            setattr(asked, _FLAGS[name], True)
            continue
        if name in _ALWAYS and not equal:
            continue
        if name not in _WITH_VALUE:
            remedy = _HYDRAS.get(name) or f"{meant(name, [*_FLAGS, *_WITH_VALUE])}`--help` lists all."
            raise InvalidInput(f"There is no option {name}.", remedy=remedy)
        if not equal:
            if name in ("--print", "--cfg") and (at == len(words) or words[at].startswith("-") or "=" in words[at]):
                value = "yaml"
            elif at == len(words):
                raise InvalidInput(f"{name} needs a value.", remedy="`--help` shows which.")
            else:
                value = words[at]
                at += 1
        _set(asked, name, _WITH_VALUE[name], value)
    _check(asked)
    return asked


def _check(asked: Asked) -> None:
    """Raises InvalidInput for an option of sweeps where none is asked for: it would be left out without a word."""
    if asked.sweep or asked.resume or asked.help or asked.search is not None:
        return
    for attribute, name in _OF_SWEEPS.items():
        if getattr(asked, attribute):
            raise InvalidInput(
                f"{name} is for sweeps, and one run is asked for.", remedy=f"Add --multirun, or leave {name} out."
            )


def _set(asked: Asked, name: str, attribute: str, text: str) -> None:
    value: Any = text
    if attribute in _NUMBERS:
        if not text.isdecimal() or int(text) < (attribute != "seed"):
            raise InvalidInput(f"{name} takes a whole number from 1, got {text!r}.", remedy=f"For example {name} 4.")
        value = int(text)
    elif attribute == "what":
        value = {"job": "yaml", "all": "yaml"}.get(text, text)
        if value not in PRINTS:
            raise InvalidInput(
                f"{name} prints one of {', '.join(PRINTS)}, and {text!r} is none.",
                remedy=f"{meant(text, PRINTS)}Write --print yaml.",
            )
    elif attribute in _LISTS:
        getattr(asked, attribute).append(text)
        return
    setattr(asked, attribute, value)
