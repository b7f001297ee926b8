"""The code of a pipeline: which files of the project exist for its step, their digest, and the folder /code.

`code.files` in the spec lists them. Without it they are found: what the command and its standard input name, what
these scripts name in turn, looked for in the working folder and then in the root, and the closure of local imports
(`imports.py`). `code.include` adds to either. Nothing else of the project can be read by the step, so a file that was
missed makes it fail instead of slipping in.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree import canonical
from pedigree.errors import Conflict, InvalidSpec
from pedigree.store import alone, durable, paths, trees
from pedigree.store.trees import Entry

if TYPE_CHECKING:
    from pedigree.pipeline.imports import Closure, Wanted
    from pedigree.pipeline.model import Pipeline
    from pedigree.store.batch import Batch
    from pedigree.store.objects import Objects

#: Where modules from outside the code's root go below /code: those of editable installations.
PROJECT = ".project"
#: Never code: caches, other tools' folders and the store itself.
_SKIPPED = frozenset({"__pycache__", ".git", ".pedigree", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
_WORDS = re.compile(r"[\s'\"=;|&<>()`]+")
_SHELL = re.compile(rb"#!.*\b(?:sh|bash|dash|zsh)\b")
_PYTHON = re.compile(r"(?:.*/)?python[0-9.]*\Z")
#: A stamp younger than this may belong to a file that changed once more within one tick of the clock, in nanoseconds.
_RACY_NS = 50_000_000
_MEMORY_FORMAT = 2

#: PYTHONPATH of every step.
SEARCH_PATH = f"/code:/code/src:/code/{PROJECT}"


class CodeFile(NamedTuple):
    """`path` below /code; `source` on the host; `kind` "f" or "x" as in a tree; `digest` of its bytes."""

    path: str
    source: str
    kind: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Code:
    """Sorted by path. The digest covers paths, kinds and contents, not where the files lie."""

    files: tuple[CodeFile, ...]
    digest: str


def closure_of(pipeline: Pipeline, project: Path, *, cache: Path | None = None) -> Code:
    """The code of a pipeline as it is now.

    `cache` is a folder that remembers the answer with the stamps of all files and folders that it depends on; with it,
    an unchanged pipeline costs a `stat` of each. Raises InvalidSpec when the spec names a file that is not there.
    """
    root = os.path.normpath(project / pipeline.base / pipeline.code.root)
    key = _key(pipeline, root)
    memory = None if cache is None else cache / "code" / f"{key[:32]}.json"
    known = _recall(memory, key)
    if known is not None:
        return known
    before = time.time_ns()
    found, looked_in = _find(pipeline, root)
    files: list[CodeFile] = []
    stamps: list[list[Any]] = []
    for path, source in sorted(found.items()):
        with durable.guarded(source), open(source, "rb") as file:
            status = os.fstat(file.fileno())
            data = file.read()
        kind = "x" if status.st_mode & stat.S_IXUSR else "f"
        files.append(CodeFile(paths.file_path(path), source, kind, len(data), canonical.digest(data)))
        stamps.append(_stamp(source, status))
    for folder in looked_in:
        stamps.append(_stamp(folder, _stat(folder)))
    code = Code(tuple(files), canonical.digest_of("code", [[item.path, item.kind, item.digest] for item in files]))
    _remember(memory, key, code, stamps, before)
    return code


def snapshot(code: Code, batch: Batch) -> str:
    """Put the files into `batch`; the digest of their tree. Raises Conflict when one changed since `code` was made."""
    entries = []
    for item in code.files:
        with durable.guarded(item.source), open(item.source, "rb") as file:
            data = file.read()
        if batch.add(data) != item.digest:
            raise Conflict(
                f"{item.source} changed while the run was starting.",
                remedy="Run again; the new content will be used.",
                path=item.source,
            )
        entries.append((item.path, Entry(item.kind, item.size, item.digest)))
    return trees.build(entries, batch.add)


def unpack(tree: str, objects: Objects, folder: Path, adapt: Callable[[str], str] | None = None) -> None:
    """Write the files of a code tree ("": none) into the new folder `folder`, with byte code for its modules.

    A step cannot write byte code of its own (/code is read-only), so without it every datum would compile every
    module again. The byte code names the files as the step sees them, in /code. With `adapt` texts are changed
    by it, and the step sees the folder itself.
    """
    os.mkdir(folder)
    if not tree:
        return
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        wanted = []
        for path, entry in trees.scan(tree, objects.read):
            parent = path.rpartition("/")[0]
            if parent:
                os.makedirs(folder / parent, exist_ok=True)
            wanted.append((entry.digest, top, path, 0o555 if entry.kind == "x" else 0o444))
        objects.extract(wanted)
        for _, _, path, mode in wanted:
            if adapt is not None:
                _adapt(folder / path, mode, adapt)
            os.utime(path, ns=(alone.STAMP_NS, alone.STAMP_NS), dir_fd=top)
    finally:
        os.close(top)
    _compile(folder, [path for _, _, path, _ in wanted if path.endswith(".py")], "" if adapt else "/code")


def _adapt(path: Path, mode: int, adapt: Callable[[str], str]) -> None:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return
    if "\0" not in text and adapt(text) != text:
        path.unlink()
        path.write_text(adapt(text), encoding="utf-8", newline="")
        path.chmod(mode)


def _compile(folder: Path, modules: list[str], seen_in: str) -> None:
    if not modules:
        return
    import py_compile

    for path in modules:
        try:
            py_compile.compile(
                str(folder / path),
                dfile=f"{seen_in or folder}/{path}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, OSError, ValueError, RecursionError, MemoryError):
            continue  # the step will say what is wrong with it, if it ever imports it


# ------------------------------------------------------------------------------------------------- finding


def _find(pipeline: Pipeline, root: str) -> tuple[dict[str, str], list[str]]:
    """Host path by path below /code, and the folders that were looked in."""
    found: dict[str, str] = {}
    looked_in: dict[str, None] = {}
    if pipeline.code.files is not None:
        found.update(_listed(pipeline, pipeline.code.files, root, looked_in, "code.files"))
    else:
        found.update(_automatic(pipeline, root, looked_in))
    found.update(_listed(pipeline, pipeline.code.include, root, looked_in, "code.include"))
    return found, list(looked_in)


def _automatic(pipeline: Pipeline, root: str, looked_in: dict[str, None]) -> dict[str, str]:
    from pedigree.pipeline.imports import Closure, wanted

    def read(path: str) -> list[Wanted]:
        try:
            with open(path, "rb") as file:
                return wanted(file.read())
        except OSError:
            return []

    installed = [path for path in _editable() if path != root and not path.startswith(root + "/")]
    closure = Closure([root, f"{root}/src"], read, installed=installed)
    scripts: list[str] = []
    transform = pipeline.transform
    cwd = os.path.normpath(
        f"/code/{transform.working_dir}" if transform.working_dir[:1] != "/" else transform.working_dir
    )
    place = cwd[len("/code/") :] if cwd.startswith("/code/") else ""
    for argv, stdin in ((transform.cmd, transform.stdin), (transform.err_cmd, transform.err_stdin)):
        _command(argv, stdin, root, closure, scripts, place)
    # Scripts that scripts name, until there are no new ones.
    done: set[str] = set()
    while scripts:
        path = scripts.pop()
        if path in done:
            continue
        done.add(path)
        closure.looked_in[os.path.dirname(path)] = None
        closure.add_script(path)
        if not path.endswith(".py"):
            scripts += _named_in_shell(path, root, closure, place)
    found = {}
    for path in closure.files:
        if path.startswith(root + "/"):
            found[path[len(root) + 1 :]] = path
        else:
            home = max((place for place in installed if path.startswith(place + "/")), key=len)
            found[f"{PROJECT}/{path[len(home) + 1 :]}"] = path
    looked_in.update(dict.fromkeys(folder for folder in closure.looked_in))
    return found


def _command(
    argv: tuple[str, ...], stdin: tuple[str, ...], root: str, closure: Closure, scripts: list[str], place: str
) -> None:
    words = list(argv)
    if words and _PYTHON.match(words[0]):
        words = _python(words, stdin, closure)
    lines = [*words, *stdin]
    for line in lines:
        for word, module in _pairs([line] if _file(line, root, closure, place) else _WORDS.split(line)):
            if module and closure.add_module(word, run=True):
                continue
            path = _file(word, root, closure, place)
            if path is not None:
                scripts.append(path)


def _python(words: list[str], stdin: tuple[str, ...], closure: Closure) -> list[str]:
    """Take what a Python command line imports; the words that may still name files."""
    rest = words[1:]
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "-c", "-m"):
        rest = rest[2:] if rest[0] in ("-X", "-W") else rest[1:]
    if rest[:1] == ["-m"] and len(rest) > 1:
        closure.add_module(rest[1], run=True)
        return rest[2:]
    if rest[:1] == ["-c"] and len(rest) > 1:
        closure.add_text(rest[1])
        return rest[2:]
    if not rest or rest[0] == "-":
        closure.add_text("\n".join(stdin))
    return rest


def _pairs(words: list[str]) -> Iterator[tuple[str, bool]]:
    """Each word of a line of shell, and whether it is the module of a `python -m`."""
    python = False
    for index, word in enumerate(words):
        yield word, python and words[index - 1] == "-m"
        python = python or bool(_PYTHON.match(word))


def _file(word: str, root: str, closure: Closure, place: str) -> str | None:
    """The file of the project that a word of a command names, if any.

    As it is in the working folder `place` or in the root, below /code, or by the absolute path it had in a container image (/edges.py, /app/edges.py).
    """
    if not word or len(word) > 4096 or "\0" in word or word.startswith(("/pfs/", "-")):
        return None
    candidates = [f"{place}/{word}", word] if place else [word]
    if word.startswith("/code/"):
        candidates = [word[len("/code/") :]]
    elif word.startswith("/"):
        candidates = [word[1:], word[1:].partition("/")[2]]
    for candidate in candidates:
        path = os.path.normpath(f"{root}/{candidate}") if candidate else root
        if not path.startswith(root + "/"):
            continue
        closure.looked_in[os.path.dirname(path)] = None  # also where there is no such folder yet
        if os.path.isfile(path):
            return path
        if os.path.isdir(path):
            closure.looked_in[path] = None
            if os.path.isfile(f"{path}/__main__.py"):
                return f"{path}/__main__.py"
    return None


def _named_in_shell(path: str, root: str, closure: Closure, place: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            data = file.read(1 << 20)
    except OSError:
        return []
    if not path.endswith((".sh", ".bash")) and not _SHELL.match(data):
        return []
    scripts: list[str] = []
    _command((), tuple(data.decode("utf-8", "replace").splitlines()), root, closure, scripts, place)
    return scripts


def _listed(
    pipeline: Pipeline, patterns: Iterable[str], root: str, looked_in: dict[str, None], field: str
) -> dict[str, str]:
    found: dict[str, str] = {}
    for pattern in patterns:
        clean = os.path.normpath(pattern)
        if pattern.startswith("/") or clean == ".." or clean.startswith("../"):
            raise InvalidSpec(
                f"Pipeline {pipeline.name}: {field} has {pattern!r}, which lies outside of the code's root {root}.",
                remedy="Set code.root to a folder that holds all of the code, relative to the spec, and name files below it.",
                field=field,
            )
        before = len(found)
        for path in _matches(clean, root, looked_in):
            found[path] = f"{root}/{path}"
        if len(found) == before and not any(_matches(clean, root, looked_in)):
            raise InvalidSpec(
                f"Pipeline {pipeline.name}: {field} has {pattern!r}, which matches no file in {root}.",
                remedy="Correct it, or remove it; paths are relative to the spec's folder and to code.root.",
                field=field,
            )
    return found


def _matches(pattern: str, root: str, looked_in: dict[str, None]) -> Iterator[str]:
    """Files below `root` that the pattern names; a folder stands for all files in it."""
    if not re.search(r"[*?\[{(]", pattern):
        path = f"{root}/{pattern}"
        looked_in[os.path.dirname(path)] = None
        if os.path.isfile(path):
            yield pattern
        elif os.path.isdir(path):
            yield from _walk(root, "" if pattern == "." else pattern, looked_in)
        return
    from pedigree.store import globs

    glob = globs.compile(pattern)
    matched: set[str] = set()
    for path in _walk(root, glob.prefix, looked_in):
        folders = path.split("/")
        names = ["/".join(folders[:count]) for count in range(1, len(folders) + 1)]
        if any(name in matched for name in names) or any(glob.match(name) is not None for name in names):
            matched.add(path)
            yield path


def _walk(root: str, folder: str, looked_in: dict[str, None]) -> Iterator[str]:
    top = f"{root}/{folder}" if folder else root
    looked_in[top] = None
    try:
        with os.scandir(top) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name in _SKIPPED or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _walk(root, path, looked_in)
        elif entry.is_file():
            yield path


@lru_cache(maxsize=1)
def _editable() -> tuple[str, ...]:
    """Folders that this environment imports from besides its own: editable installations, in the project or outside of it.

    They change under the user's hands, so what a step imports from them is code and no part of the environment.
    """
    import sys

    found: list[str] = []
    for site in sys.path:
        if not site.endswith(("site-packages", "dist-packages")):
            continue
        try:
            names = sorted(name for name in os.listdir(site) if name.endswith(".pth"))
        except OSError:
            continue
        for name in names:
            with open(f"{site}/{name}", encoding="utf-8", errors="replace") as file:
                for line in file:
                    path = os.path.normpath(os.path.join(site, line.strip()))
                    if line.startswith(("import ", "import\t", "#")) or not line.strip():
                        continue
                    if os.path.isdir(path):
                        found.append(path)
    return tuple(dict.fromkeys(found))


# --------------------------------------------------------------------------------------------- remembering


def _key(pipeline: Pipeline, root: str) -> str:
    transform, code = pipeline.transform, pipeline.code
    return canonical.digest_of(
        "code-key",
        [
            _MEMORY_FORMAT,
            root,
            list(_editable()),
            [list(transform.cmd), list(transform.stdin), list(transform.err_cmd), list(transform.err_stdin)],
            transform.working_dir,
            None if code.files is None else list(code.files),
            list(code.include),
        ],
    )


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _stamp(path: str, status: os.stat_result | None) -> list[Any]:
    if status is None:
        return [path]
    return [path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode]


def _recall(memory: Path | None, key: str) -> Code | None:
    if memory is None:
        return None
    try:
        value = json.loads(memory.read_bytes())
        if value["key"] != key or any(_stamp(stamp[0], _stat(stamp[0])) != stamp for stamp in value["stamps"]):
            return None
        return Code(tuple(CodeFile(*item) for item in value["files"]), value["digest"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None  # absent, torn or foreign


def _remember(memory: Path | None, key: str, code: Code, stamps: list[list[Any]], before_ns: int) -> None:
    if memory is None:
        return
    # A change after our look, within one tick of the clock, would leave the same stamp: trust only what is older.
    if any(len(stamp) > 1 and max(stamp[2], stamp[3]) > before_ns - _RACY_NS for stamp in stamps):
        return
    value = {
        "key": key,
        "digest": code.digest,
        "files": [list(item) for item in code.files],
        "stamps": stamps,
    }
    temporary = memory.with_suffix(f".{os.getpid()}")
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(json.dumps(value).encode())
        os.replace(temporary, memory)
    except OSError:
        return  # a cache that cannot be written costs time, nothing else
