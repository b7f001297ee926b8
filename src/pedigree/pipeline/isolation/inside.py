"""The program between the engine and a step at the levels without bwrap: reads its orders, makes the sandbox, watches.

Run as `python -I -S -B inside.py GATE STATUS`, with two descriptors: orders come as JSON from GATE until it is closed,
lines of JSON go to STATUS (sandbox.Started describes them). It imports nothing of Pedigree, because it must start
fast and before any path is set. Orders:

    mode     "unshare": own namespaces; "landlock": rules on files and TCP; "rewriting": neither
    argv, env, cwd, terminal, network, gpu
    mounts   [source, target, writable]; links [target, path]
    uid, gid in the sandbox (unshare)
    readable, writable   paths (landlock)
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys

TYPE_CHECKING = False  # typing takes 8 ms to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Orders = dict[str, Any]

# A tmpfs becomes the root for a while: /old is the machine, /new the view, so no path of one hides the other.
STAGE = "/tmp"  # noqa: S108  (a folder that every machine has, to mount on)

LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 24, 38, 36
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE, SYS_LANDLOCK_ADD, SYS_LANDLOCK_RESTRICT = 444, 445, 446
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
LINKS = {
    "core": "/proc/kcore",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
#: What the drivers of GPUs look up about the cards.
GPU_FACTS = ("/sys/class/drm", "/sys/module/nvidia", "/sys/bus/pci", "/sys/devices")


def main() -> None:
    gate, status = int(sys.argv[1]), int(sys.argv[2])
    for fd in (gate, status):
        os.set_inheritable(fd, False)
    with open(gate, "rb") as file:
        orders = json.loads(file.read())
    if os.getppid() != orders["engine"]:
        os._exit(1)  # the engine was killed while this started
    try:
        if orders["mode"] == "unshare":
            unshare(orders, status)
        else:
            family(orders, status)
    except OSError as error:
        sys.stderr.write(f"pedigree: {error}\n")
        sys.exit(1)


def check(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def die_with_parent(number: int) -> None:
    if sys.platform == "linux":
        parent = os.getppid()
        LIBC.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)


def tell(status: int, name: str, value: int) -> None:
    os.write(status, json.dumps({name: value}).encode() + b"\n")


def report(status: int, ended: int) -> None:
    import resource

    tell(status, "max-rss-kib", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    tell(status, "exit-code", code_of(ended))


def code_of(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def start_command(orders: Orders, prepare: Callable[[], object]) -> tuple[int, int]:
    """Fork the command. Returns its pid and a descriptor that reads as empty once it was really executed."""
    ready, failed = os.pipe()
    child = os.fork()
    if child:
        os.close(failed)
        return child, ready
    try:
        os.close(ready)
        if not orders["terminal"]:
            os.setsid()
        for number in range(1, 65):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                try:
                    signal.signal(number, signal.SIG_DFL)
                except (OSError, ValueError):
                    continue
        prepare()
        os.chdir(orders["cwd"])
        argv, env = orders["argv"], orders["env"]
        os.execvpe(argv[0], argv, env)  # noqa: S606  (the step's command, as it is)
    except BaseException as error:
        what = getattr(error, "strerror", None) or str(error)
        where = f"execvp {orders['argv'][0]}" if not isinstance(error, Unprepared) else "sandbox"
        sys.stderr.write(f"pedigree: {where}: {what}\n")
        sys.stderr.flush()
        os.write(failed, b"!")
    finally:
        os._exit(127)


class Unprepared(Exception):
    pass


def executed(ready: int) -> bool:
    return os.read(ready, 1) == b""


# ---------------------------------------------------------------------------------------------- namespaces


def unshare(orders: Orders, status: int) -> None:
    die_with_parent(signal.SIGKILL)
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS
    if not orders["network"]:
        flags |= CLONE_NEWNET
    check(LIBC.unshare(flags), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{orders['uid']} {uid} 1"),
        ("gid_map", f"{orders['gid']} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    first = os.fork()
    if first:
        tell(status, "child-pid", first)
        _, ended = os.waitpid(first, 0)
        os._exit(code_of(ended))
    die_with_parent(signal.SIGKILL)
    try:
        check(LIBC.sethostname(b"pedigree", 8), "sethostname")
        if not orders["network"]:
            loopback()
        lay_out(orders)
        child, ready = start_command(orders, give_up_privileges)
        good = executed(ready)
    except OSError as error:
        sys.stderr.write(f"pedigree: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    while True:
        pid, ended = os.wait()
        if pid == child:
            if good:
                report(status, ended)
            os._exit(code_of(ended))  # and with it everything else in the namespace


def give_up_privileges() -> None:
    """No capability survives the exec that follows, not even for user 0: it could make its inputs writable."""
    for number in range(64):
        LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def loopback() -> None:
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        fcntl.ioctl(end, 0x8914, struct.pack("16sh14x", b"lo", 1 | 64))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    check(LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]), f"mount {target}")


def restrict(target: str, attributes: int, *, recursive: bool) -> None:
    """Add mount attributes (1 read-only, 2 nosuid, 4 nodev) to a mount."""
    value = struct.pack("QQQQ", attributes, 0, 0, 0)
    check(
        LIBC.syscall(
            SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE if recursive else 0, value, len(value)
        ),
        f"mount_setattr {target}",
    )


def pivot(new: str, old: str) -> None:
    number = SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root is not known for {os.uname().machine}")
    check(LIBC.syscall(number, os.fsencode(new), os.fsencode(old)), "pivot_root")


def lay_out(orders: Orders) -> None:
    """Make the view the root of this mount namespace."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    os.mkdir(f"{STAGE}/old")
    os.mkdir(f"{STAGE}/new")
    pivot(STAGE, f"{STAGE}/old")
    os.chdir("/")
    mount("tmpfs", "/new", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    for item in orders["mounts"]:
        if len(item) == 2:
            target, path = item
            os.makedirs(os.path.dirname(f"/new{path}"), exist_ok=True)
            os.symlink(target, f"/new{path}")
        else:
            source, target, writable = item
            bind(source, target, writable=writable)
    os.makedirs("/new/proc", exist_ok=True)
    mount("proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    # The owner of these files may write to them, and when root runs the engine that is the step.
    for name in ("sys", "sysrq-trigger", "irq", "bus"):
        if os.path.exists(f"/new/proc/{name}"):
            mount(f"/new/proc/{name}", f"/new/proc/{name}", None, MS_BIND | MS_REC)
            restrict(f"/new/proc/{name}", 1, recursive=True)
    devices(gpu=orders["gpu"])
    restrict("/new", 1, recursive=False)
    os.chdir("/new")
    pivot(".", ".")
    check(LIBC.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def bind(source: str, target: str, *, writable: bool, device: bool = False) -> None:
    source, target = f"/old{source}", f"/new{target}"
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, target, None, MS_BIND | MS_REC)
    if not device:
        restrict(target, 2 | 4 | (0 if writable else 1), recursive=True)


def devices(*, gpu: bool) -> None:
    os.mkdir("/new/dev")
    mount("tmpfs", "/new/dev", "tmpfs", MS_NOSUID, "mode=0755")
    names = list(DEVICES)
    if gpu:
        names += [name for name in os.listdir("/old/dev") if name.startswith("nvidia") or name in ("dri", "kfd")]
    for name in names:
        if os.path.exists(f"/old/dev/{name}"):
            bind(f"/dev/{name}", f"/dev/{name}", writable=True, device=True)
    for name, target in LINKS.items():
        os.symlink(target, f"/new/dev/{name}")
    os.mkdir("/new/dev/shm", 0o755)
    os.mkdir("/new/dev/pts")
    mount("devpts", "/new/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    os.symlink("pts/ptmx", "/new/dev/ptmx")


# -------------------------------------------------------------------------------------------------- family


def family(orders: Orders, status: int) -> None:
    """Without a pid namespace: adopt every orphan of the step, and let none of them outlive it."""
    die_with_parent(signal.SIGTERM)
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    landlock = orders["mode"] == "landlock"
    child = 0

    def end(*_: object) -> None:
        end_family(child)
        os._exit(143)

    # Held back until there is somebody to kill.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    signal.signal(signal.SIGTERM, end)

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        if landlock:
            try:
                restrict_files(orders)
            except OSError as error:
                raise Unprepared(str(error)) from error

    child, ready = start_command(orders, prepare)
    good = executed(ready)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    while True:
        pid, ended = os.wait()
        if pid == child:
            break
    end_family(child)
    if good:
        report(status, ended)
    os._exit(code_of(ended))


def end_family(child: int) -> None:
    """Kill all descendants. Children of a killed one become ours, so this ends when we have none."""
    if child:
        with contextlib.suppress(OSError):
            os.killpg(child, signal.SIGKILL)
    while True:
        found = children()
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        try:
            if os.waitpid(-1, 0 if found else os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def children() -> list[int]:
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def restrict_files(orders: Orders) -> None:
    version = check(LIBC.syscall(SYS_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1), "landlock")
    # Bits 0 to 12 are in version 1; each of these versions added one more.
    everything = (1 << 13) - 1
    for since, bit in ((2, 13), (3, 14), (5, 15)):
        if version >= since:
            everything |= 1 << bit
    network = 3 if version >= 4 and not orders["network"] else 0
    scoped = 3 if version >= 6 else 0
    value = struct.pack("QQQ", everything, network, scoped)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = check(LIBC.syscall(SYS_LANDLOCK_CREATE, value[:size], ctypes.c_size_t(size), 0), "landlock")
    read = 1 | 4 | 8  # execute, read files, read folders
    on_files = 1 | 2 | 4 | (1 << 14) | (1 << 15)
    allowed = [(path, read) for path in orders["readable"]]
    allowed += [(path, everything) for path in orders["writable"]]
    allowed += [("/proc", read), *((f"/dev/{name}", 2 | 4 | (1 << 15)) for name in DEVICES)]
    shared = "/dev/shm"  # noqa: S108  (shared memory, of multiprocessing)
    allowed += [(shared, everything), ("/dev/pts", 2 | 4 | 8 | (1 << 15)), ("/dev/ptmx", 2 | 4 | (1 << 15))]
    if orders["gpu"]:
        allowed += [
            (f"/dev/{name}", 2 | 4 | 8 | (1 << 15))
            for name in os.listdir("/dev")
            if name.startswith("nvidia") or name in ("dri", "kfd")
        ]
        allowed += [(path, read) for path in GPU_FACTS]
    for path, access in allowed:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        if not os.path.isdir(path):
            access &= on_files
        rule = struct.pack("=Qi", access & everything, fd)
        check(LIBC.syscall(SYS_LANDLOCK_ADD, rules, 1, rule, 0), f"landlock {path}")
        os.close(fd)
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    check(LIBC.syscall(SYS_LANDLOCK_RESTRICT, rules, 0), "landlock_restrict_self")


if __name__ == "__main__":
    main()
