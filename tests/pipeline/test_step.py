"""One datum, run for real at every level of isolation that this machine has."""

from __future__ import annotations

import os
import resource
import socket
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from pedigree.errors import IsolationUnavailable, MissingObject
from pedigree.pipeline import pipes, sandbox, view
from pedigree.pipeline.isolation import bubblewrap
from pedigree.pipeline.model import PfsInput, Resources
from pedigree.store.objects import Objects
from tests.pipeline.site_of import Bench, processes


def _available() -> list[str]:
    found = []
    for level in sandbox.LEVELS:
        try:
            found.append(sandbox.choose(level))
        except IsolationUnavailable:
            continue
    return list(found)


LEVELS = _available()
SEALED = [level for level in LEVELS if level in sandbox.SEALED]
GUARDED = [level for level in LEVELS if level != "rewriting"]


@pytest.fixture(params=LEVELS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return _bench(tmp_path, request.param)


@pytest.fixture(params=SEALED)
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return _bench(tmp_path, request.param)


@pytest.fixture(params=GUARDED)
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return _bench(tmp_path, request.param)


def _bench(folder: Path, level: str) -> Bench:
    bench = Bench(folder, level)
    bench.put({"a.txt": b"alpha\n", "deep/er/b.txt": b"beta\n"})
    return bench


def test_a_step_reads_its_inputs_and_what_it_writes_is_its_output(bench: Bench) -> None:
    """Break: mount the workplace's pfs/out read-only."""
    result = bench.sh(
        "cat /pfs/in/a.txt /pfs/in/deep/er/b.txt > /pfs/out/x; mkdir -p /pfs/out/d/e; echo 1 > /pfs/out/d/e/f"
    )
    assert (result.state, result.exit_code, result.tries) == ("processed", 0, 1), bench.log(result)
    assert bench.files == {"x": b"alpha\nbeta\n", "d/e/f": b"1\n"}
    assert result.isolation == bench.level
    assert result.max_rss_bytes > 0


def test_only_the_files_of_the_datum_are_there(bench: Bench) -> None:
    """Break: fill the workplace from the whole tree instead of the match."""
    cmd = ("/bin/sh", "-c", "find /pfs/in -type f > /tmp/found; sed 's,.*/pfs/,,' /tmp/found > /pfs/out/$PACH_DATUM_ID")
    bench.run_all(bench.pipeline(*cmd, input=PfsInput("in", "in", glob="/*")))
    assert sorted(bench.files.values()) == [b"in/a.txt\n", b"in/deep/er/b.txt\n"]


def test_an_undeclared_file_of_the_machine_cannot_be_read(guarded: Bench) -> None:
    """Break: bind the machine's root in the view."""
    secret = guarded.write("notes.txt", "TOP SECRET")
    result = guarded.sh(f"cat '{secret}' > /pfs/out/x && exit 0; ls /root /home/user /etc/shadow; exit 3")
    assert result.exit_code == 3
    assert "TOP SECRET" not in guarded.log(result)
    assert "root:" not in guarded.log(result).replace("/root:", "")


def test_a_project_inside_an_environment_or_around_one_stays_out_of_sight(
    guarded: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step needs the environment's folder; what else lies in it is in no fingerprint.

    `python -m venv .`, `pip install -e git+...` (ENV/src), `WORKDIR /usr/src/app`, a project in conda's folder.
    Break: mount an environment's whole folder, or leave out `masks`.
    """
    outer, inner = tmp_path / "env", tmp_path / "env/lib/project/.venv"
    for home in (outer, inner):
        for name in ("bin/tool", "src/mine/notes.py"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(name + "\n")
        (home / "pyvenv.cfg").touch()
    (inner.parent / "notes.txt").write_text("UNDECLARED")
    homes = (*view._homes(), str(outer), str(inner))
    monkeypatch.setattr(view, "_homes", lambda _=None: homes)
    for name in ("interpreter", "system"):
        monkeypatch.setattr(view, name, getattr(view, name).__wrapped__)
    monkeypatch.setattr(bubblewrap, "_system", bubblewrap._system.__wrapped__)
    bench = _bench(inner.parent, guarded.level)
    result = bench.sh(
        f"cat '{outer}/bin/tool' '{inner}/bin/tool' > /pfs/out/seen || exit 4; cd '{outer}';"
        f"for path in lib/project/notes.txt src/mine/notes.py '{inner}/src/mine/notes.py'; do"
        " ! cat $path || exit 5; done"
    )
    assert result.state == "processed", (result.exit_code, bench.log(result))
    assert bench.files["seen"] == b"bin/tool\nbin/tool\n"


def test_a_step_sees_nothing_of_the_machine_but_the_view(sealed: Bench) -> None:
    """Break: leave --remount-ro or --clearenv out, or mount /etc whole."""
    result = sealed.sh(
        "ls / > /pfs/out/root; ls /etc > /pfs/out/etc; ls -A $HOME /tmp > /pfs/out/empty; id -un > /pfs/out/user; hostname > /pfs/out/host; touch /here 2>/dev/null && exit 5; touch /code/x 2>/dev/null && exit 6; ps ax 2>/dev/null | wc -l; exit 0"
    )
    assert result.state == "processed", (result.reason, sealed.log(result))
    # The interpreter lies where it lies on the host: below a clone, a home, any folder at all.
    where = {path.split("/")[1] for path in view.interpreter()}
    system = {
        "bin",
        "code",
        "dev",
        "etc",
        "home",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "pfs",
        "proc",
        "sbin",
        "sys",
        "tmp",
        "usr",
    }
    assert set(sealed.files["root"].decode().split()) <= system | where
    assert "shadow" not in sealed.files["etc"].decode().split()
    assert "hostname" not in sealed.files["etc"].decode().split()
    # An environment that lies below /tmp is part of the view, and all there is of it.
    own = sorted({path.split("/")[2] for path in view.interpreter() if path.startswith("/tmp/")})
    assert sealed.files["empty"].decode().split() == ["/home/user:", "/tmp:", *own]
    assert sealed.files["user"] == b"user\n"
    assert sealed.files["host"] == b"pedigree\n"


def test_the_variables_of_the_caller_do_not_reach_the_step(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: start the sandbox with os.environ."""
    monkeypatch.setenv("UNDECLARED", "leak")
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    bench.sh("env > /pfs/out/env", env={"MINE": "x y=z"})
    found = dict(line.split("=", 1) for line in bench.files["env"].decode().splitlines())
    assert "UNDECLARED" not in found
    assert found["MINE"] == "x y=z"
    assert {name: found[name] for name in ("PYTHONHASHSEED", "TZ", "LANG", "SOURCE_DATE_EPOCH", "OMP_NUM_THREADS")} == {
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "SOURCE_DATE_EPOCH": "0",
        "OMP_NUM_THREADS": "1",
    }
    assert found["PACH_JOB_ID"] == "job"
    assert found["in_COMMIT"] == bench.store.head("in", "master").id  # type: ignore[union-attr]  # it was just put
    assert found["in"].endswith("/pfs/in/")


def test_open_files_and_the_mask_of_the_caller_do_not_reach_the_step(bench: Bench) -> None:
    """`pedigree run 7<notes.txt` hands nothing over, and an archive of what the step sees and makes has the same modes.

    Break: leave out the POSIX_SPAWN_CLOSE actions, `_mask`, or a chmod in workplace.py.
    """
    secret = os.open(bench.write("notes.txt", "TOP SECRET"), os.O_RDONLY)
    os.set_inheritable(secret, True)
    before = os.umask(0o077)
    try:
        result = bench.sh(
            f"cat /proc/self/fd/{secret} && exit 1; cd /pfs/out; ls /proc/self/fd | tr '\\n' ' ' > fds;"
            " umask > mask; mkdir d; stat -c %a d mask fds /pfs /pfs/in /pfs/in/deep /pfs/out $HOME > modes"
        )
    finally:
        os.umask(before)
        os.close(secret)
    assert result.state == "processed", bench.log(result)
    assert "TOP SECRET" not in bench.log(result)
    assert bench.files["fds"] == b"0 1 2 3 "  # 3 is ls's own, of the folder
    assert bench.files["mask"] == b"0022\n"
    assert bench.files["modes"].split() == b"755 644 644 755 755 755 755 755".split()


def test_a_step_cannot_change_its_inputs_or_the_store_through_them(bench: Bench) -> None:
    """A large input is a link to the store's own file. Break: link it at level rewriting too."""
    big = os.urandom(1 << 20)
    bench.put({"big": big})
    bench.sh(
        "chmod u+w /pfs/in/big; echo damage > /pfs/in/big; echo more >> /pfs/in/a.txt; cat /pfs/in/big > /pfs/out/copy"
    )
    entry = _entry(bench, "in", "big")
    assert bench.store.objects.verify(entry.digest) == len(big)
    if bench.level != "rewriting":
        assert bench.files["copy"] == big


def _entry(bench: Bench, repo: str, path: str):  # type: ignore[no-untyped-def]  # an entry
    from pedigree.store import trees

    found = trees.get(bench.store.head(repo, "master").tree, path, bench.store.objects.read)  # type: ignore[union-attr]
    assert found is not None
    return found


def test_no_connection_leaves_the_sandbox(guarded: Bench) -> None:
    """Break: leave --unshare-net out, or handle no network rule in Landlock."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        result = guarded.run(sys.executable, "-c", program)
        assert result.exit_code == 1
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_step_with_network_reaches_it(bench: Bench) -> None:
    """Break: always unshare the network."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        result = bench.run(sys.executable, "-c", program, network=True)
        assert result.state == "processed", bench.log(result)


def test_a_step_may_use_its_own_loopback(sealed: Bench) -> None:
    """Break: do not bring `lo` up at level unshare."""
    program = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname(), 2)"
    result = sealed.run(sys.executable, "-c", program)
    assert result.state == "processed", sealed.log(result)


def test_nothing_that_a_step_leaves_running_outlives_it(bench: Bench) -> None:
    """In its own session and orphaned twice. Break: return before the namespace's first process is reaped."""
    mark = f"97531.{os.getpid()}"
    result = bench.sh(
        f"(setsid sh -c 'setsid sleep {mark} & setsid sleep {mark} &' &) ; sleep 0.05; echo done > /pfs/out/x"
    )
    assert result.state == "processed", bench.log(result)
    assert processes(mark) == []
    assert not processes(mark)
    assert bench.files == {"x": b"done\n"}


def test_what_left_processes_write_late_is_not_half_an_output(sealed: Bench) -> None:
    """Break: collect the outputs while the namespace still lives."""
    result = sealed.sh("(setsid sh -c 'i=0; while :; do i=$((i+1)); echo $i > /pfs/out/$i; done' &) ; sleep 0.05")
    assert result.state == "processed"
    assert all(data for path, data in list(sealed.files.items())[:-1] if path != max(sealed.files, key=int))


def test_a_step_that_runs_too_long_is_killed_with_all_its_children(bench: Bench) -> None:
    """Break: kill only the command's own process."""
    mark = f"97532.{os.getpid()}"
    result = bench.sh(f"setsid sleep {mark} & sleep {mark}", datum_timeout_s=0.3)
    assert (result.state, result.exit_code) == ("failed", None)
    assert "datum_timeout of 0.3 s" in result.reason
    assert processes(mark) == []


def test_a_fork_bomb_ends_with_its_time(sealed: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: give it no pid namespace and no bound on processes."""
    from pedigree.pipeline import limits

    monkeypatch.setattr(limits, "MOST_PROCESSES", 200)  # be kind to whoever shares this machine
    result = sealed.run("/bin/bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 97533", datum_timeout_s=1.0)
    assert result.state == "failed"
    assert "datum_timeout" in result.reason
    assert processes("97533") == []


def test_a_step_that_does_not_read_its_stdin_is_no_error(bench: Bench) -> None:
    """Break: write stdin to a pipe and let EPIPE through."""
    lines = tuple("x" * 1000 for _ in range(10_000))
    assert bench.run("/bin/true", stdin=lines).state == "processed"


def test_stdin_lines_arrive_each_with_a_line_break(bench: Bench) -> None:
    """Break: join the lines without the last line break."""
    bench.run("/bin/sh", stdin=("read x <<END", "two words", "END", 'echo "$x" > /pfs/out/x'))
    assert bench.files == {"x": b"two words\n"}


def test_exit_codes_named_in_the_spec_are_accepted(bench: Bench) -> None:
    """Break: compare with 0 only."""
    assert bench.sh("echo 1 > /pfs/out/x; exit 7", accept_return_code=(3, 7)).state == "processed"
    failed = bench.sh("exit 8", accept_return_code=(3, 7))
    assert (failed.state, failed.exit_code, failed.reason) == ("failed", 8, "the step ended with exit code 8.")


def test_every_try_begins_with_fresh_inputs_and_an_empty_output(bench: Bench) -> None:
    """Break: keep the workplace between tries."""
    result = bench.sh("ls /pfs/out /tmp; echo x > /pfs/out/left; echo x > /tmp/left; exit 1", datum_tries=3)
    assert (result.state, result.tries) == ("failed", 3)
    assert "left" not in bench.log(result)
    assert bench.files == {}


def test_a_datum_whose_error_command_succeeds_is_recovered(bench: Bench) -> None:
    """It still uses all of its tries and has no output. Break: stop at the first recovery, or keep the output."""
    result = bench.sh(
        "echo try; echo x > /pfs/out/x; exit 1",
        datum_tries=2,
        err_cmd=("/bin/sh", "-c", "echo cleaning; test -f /pfs/out/x"),
    )
    assert (result.state, result.tries) == ("recovered", 2)
    assert bench.log(result).count("try\n") == 2
    assert bench.log(result).count("cleaning\n") == 2
    assert bench.files == {}


def test_a_command_that_does_not_exist_is_named(bench: Bench) -> None:
    """Break: treat the sandbox's own exit code as the step's."""
    result = bench.run("no-such-program")
    assert result.state == "failed"
    assert "'no-such-program' could not be started: No such file or directory" in result.reason


def test_a_signal_is_named(bench: Bench) -> None:
    """Break: report the raw number."""
    assert "SIGSEGV" in bench.sh("kill -SEGV $$").reason


def test_memory_is_limited(bench: Bench) -> None:
    """Break: do not put the process behind the fence."""
    program = "x = bytearray(400 << 20); print(len(x))"
    result = bench.run(sys.executable, "-c", program, resource_limits=Resources(memory_bytes=100 << 20))
    assert result.state == "failed"
    assert "memory limit of 100 MiB" in result.reason
    assert bench.run(sys.executable, "-c", program).state == "processed"


def test_memory_and_cores_are_limited_without_control_groups(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: take no fallback."""
    from pedigree.pipeline import limits

    monkeypatch.setattr(limits, "_parents", dict)
    few = Resources(memory_bytes=200 << 20, cpu=1)
    result = bench.run(sys.executable, "-c", "x = bytearray(400 << 20)", resource_limits=few)
    assert "memory limit of 200 MiB" in result.reason
    bench.sh("nproc > /pfs/out/x; echo $OMP_NUM_THREADS >> /pfs/out/x", resource_limits=Resources(cpu=1))
    assert bench.files == {"x": b"1\n1\n"}


def test_a_python_step_runs_its_code_from_a_read_only_folder(bench: Bench) -> None:
    """With byte code that names the files as the step sees them. Break: leave the byte code or PYTHONPATH out."""
    bench.write(
        "tools/helper.py", "import sys\nVALUE = 41\nWHERE = (lambda: 0).__code__.co_filename\nCACHED = __cached__\n"
    )
    bench.write("tools/__init__.py", "")
    bench.write(
        "run.py",
        "import os, sys\nfrom tools import helper\nopen('/pfs/out/x', 'w').write(f'{helper.VALUE + 1} {os.path.exists(helper.CACHED)} {helper.WHERE}')\n",
    )
    result = bench.run("python", "run.py")
    assert result.state == "processed", bench.log(result)
    value, cached, where = bench.files["x"].decode().split()
    assert (value, cached) == ("42", "True")
    assert where.endswith("/code/tools/helper.py")
    if bench.level in sandbox.SEALED:
        assert where == "/code/tools/helper.py"


def test_a_spec_written_for_a_container_finds_its_code_where_the_image_had_it(sealed: Bench) -> None:
    """Break: make no aliases."""
    sealed.write("edges.py", "open('/pfs/out/x', 'w').write('edges')")
    assert sealed.run("python3", "/edges.py").state == "processed"
    assert sealed.files == {"x": b"edges"}
    result = sealed.run("sh", "-c", "pwd > /pfs/out/x; python3 /app/edges.py; python3 edges.py", working_dir="/app")
    assert result.state == "processed", sealed.log(result)


def test_a_project_file_that_the_step_was_not_given_is_named(bench: Bench) -> None:
    """Break: give no hint."""
    bench.write("labels.json", "{}")
    bench.write("run.py", "import os\nopen(os.path.join(os.path.dirname(__file__), 'labels' + '.json')).read()\n")
    result = bench.run("python", "run.py")
    assert result.state == "failed"
    if bench.level in sandbox.SEALED:
        assert "labels.json exists in the project but not for this step" in result.remedy


def test_many_variables_reach_the_step(bench: Bench) -> None:
    """More than one pipe holds. Break: write the orders to the gate without enlarging it before the child reads."""
    env = {f"LONG{number}": "x" * 50_000 for number in range(30)}
    bench.sh("env | grep -c ^LONG > /pfs/out/x", env=env)
    assert bench.files == {"x": b"30\n"}


def test_input_files_keep_mode_and_have_one_time(bench: Bench) -> None:
    """Break: leave utime or the executable bit out."""
    bench.put({"tool": b"#!/bin/sh\necho ran\n", "big": bytes(1 << 20)}, executable=("tool",))
    bench.sh(
        "/pfs/in/tool > /pfs/out/x; stat -c '%Y %a %n' /pfs/in/a.txt /pfs/in/big /pfs/in/tool | sed 's,/.*/,,' > /pfs/out/y"
    )
    assert bench.files["x"] == b"ran\n"
    assert bench.files["y"] == b"1000000000 444 a.txt\n1000000000 444 big\n1000000000 555 tool\n"


def test_empty_files_have_names_only(bench: Bench) -> None:
    """A link to one is the file itself, without its bytes being moved. Break: link to the empty file."""
    pipeline = bench.pipeline(
        "/bin/sh",
        "-c",
        "wc -c < /pfs/in/a.txt > /pfs/out/size; ln -s /pfs/in/a.txt /pfs/out/a",
        input=PfsInput("in", "in", empty_files=True),
    )
    bench.run_all(pipeline)
    assert bench.files == {"size": b"0\n", "a": b"alpha\n"}


def test_lazy_files_are_pipes_filled_when_they_are_opened(bench: Bench) -> None:
    """Twice in turn, two side by side, empty and large ones, one left half read; a link to one moves no bytes.

    Break: keep the pipe after it was filled: the second reader then gets nothing, or the first one gets all twice.
    """
    bench.put({"big": bytes(range(256)) * 8192, "empty": b""})
    script = """
        cd /pfs/in; test -p a.txt && test -p deep/er/b.txt && stat -c '%s %a %Y' a.txt > /pfs/out/stat
        cat a.txt a.txt empty > /pfs/out/twice; paste a.txt deep/er/b.txt > /pfs/out/beside
        head -c 10 big | wc -c > /pfs/out/head; cat big | md5sum > /pfs/out/sum
        ln -s /pfs/in/a.txt /pfs/out/a; ln -s /pfs/in/deep /pfs/out/folder
    """
    pipeline = bench.pipeline("/bin/sh", "-ec", script, input=PfsInput("in", "in", lazy=True), datum_timeout_s=30.0)
    (result,) = bench.run_all(pipeline)
    assert result.state == "processed", bench.log(result)
    assert bench.files == {
        "stat": b"0 444 1000000000\n",
        "twice": b"alpha\nalpha\n",
        "beside": b"alpha\tbeta\n",
        "head": b"10\n",
        "sum": b"db1f7d786f6e0317456fac1628349973  -\n",
        "a": b"alpha\n",
        "folder/er/b.txt": b"beta\n",
    }


@pytest.mark.parametrize("held", [1 << 16, 10])
def test_thousands_of_lazy_files_are_read_in_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """Held open or, but for ten, tried in turn; the step keeps the limit on open files that the engine began with.

    Break: try all pipes in turn: each of 2,000 files then waits for a look at all of them, minutes together.
    """
    number = 2000 if held > 10 else 100
    monkeypatch.setattr(pipes, "_take", lambda wanted, take=pipes._take: take(min(wanted, held)))
    bench = _bench(tmp_path, LEVELS[0])
    bench.put({f"many/{name:04d}": f"{name}\n".encode() for name in range(number)})
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    pipeline = bench.pipeline(
        "/bin/sh",
        "-c",
        "cat /pfs/in/many/* > /pfs/out/x; ulimit -n > /pfs/out/limit",
        input=PfsInput("in", "in", lazy=True),
        datum_timeout_s=30.0,
    )
    (result,) = bench.run_all(pipeline)
    assert result.state == "processed", bench.log(result) + result.reason
    assert bench.files["x"].split() == [str(name).encode() for name in range(number)]
    assert bench.files["limit"] == f"{soft}\n".encode()


def test_a_lazy_file_that_nobody_opens_is_not_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: read the bytes when the input is laid out."""
    opened: list[str] = []
    read = Objects.open

    def counted(self: Objects, digest: str) -> BinaryIO:
        opened.append(digest)
        return read(self, digest)

    monkeypatch.setattr(Objects, "open", counted)
    pipeline = bench.pipeline("/bin/cat", "/pfs/in/a.txt", input=PfsInput("in", "in", lazy=True))
    (result,) = bench.run_all(pipeline)
    assert bench.log(result) == "alpha\n"
    assert len(opened) == 1


def test_a_lazy_file_that_cannot_be_read_fails_the_run_not_only_the_reader(bench: Bench) -> None:
    """The step sees it cut short, so its result must not count. Break: leave what the thread of the pipes raised there."""
    bench.put({"a.txt": os.urandom(2 << 20)})
    digest = next(entry.digest for path, entry in bench.entries_of("in") if path == "a.txt")
    os.unlink(bench.store.objects.alone_file(digest))
    with pytest.raises(MissingObject):
        bench.run("/bin/cat", "/pfs/in/a.txt", input=PfsInput("in", "in", lazy=True))


def test_printing_without_end_keeps_head_and_tail(bench: Bench) -> None:
    """Break: write everything to the log."""
    result = bench.sh("echo first; head -c 40000000 /dev/zero | tr '\\0' 'x'; echo; echo last; exit 1")
    data = result.task.log_path.read_bytes()
    assert result.log_bytes == 40_000_000 + len("first\n\nlast\n")
    assert data.startswith(b"first\nxxx")
    assert data.endswith(b"xxx\nlast\n")
    assert b"bytes were left out here" in data
    assert len(data) < 18 << 20


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", "1000 1000 user user"),
        ("nobody", "1000 1000 nobody nobody"),
        ("root", "0 0 root root"),
        ("0", "0 0 root root"),
        ("1234", "1234 1234 user user"),
        ("12:34", "12 34 user user"),
    ],
)
def test_a_step_is_the_user_of_its_spec(sealed: Bench, user: str, expected: str) -> None:
    """Break: leave the user to the sandbox's default."""
    result = sealed.sh("echo $(id -u) $(id -g) $(id -un) $USER > /pfs/out/x", user=user)
    assert sealed.files == {"x": expected.encode() + b"\n"}, sealed.log(result)


@pytest.mark.parametrize("user", ["", "root"])
def test_no_user_of_a_step_has_a_capability_or_can_write_to_its_inputs(sealed: Bench, user: str) -> None:
    """Break: give the command the capabilities of its user namespace: it then mounts /pfs again, writable."""
    script = """
        grep '^Cap[EP]' /proc/self/status | cut -f2 | sort -u > /pfs/out/caps
        mount -o remount,rw,bind /pfs 2> /tmp/said || umount /pfs 2>> /tmp/said || echo refused > /pfs/out/mount
        (echo changed > /pfs/in/a.txt) 2> /dev/null || echo refused > /pfs/out/write
    """
    result = sealed.sh(script, user=user)
    assert sealed.files == {"caps": b"0000000000000000\n", "mount": b"refused\n", "write": b"refused\n"}, sealed.log(
        result
    )
