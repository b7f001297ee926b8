"""The variables in which each launcher tells a process its place among others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pedigree.errors import InvalidConfig

#: Every variable read here: a job that is a world of its own is started without them.
NAMES = frozenset(
    {
        *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT"),
        *("GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_WORLD_SIZE", "ROLE_NAME"),
        *("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_MAX_RESTARTS"),
        "TORCHELASTIC_USE_AGENT_STORE",
        *("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
        *("OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
        *("PMI_RANK", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
        *("SLURM_STEP_ID", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID"),
        *("SLURM_STEP_NUM_TASKS", "SLURM_STEP_TASKS_PER_NODE", "SLURM_STEP_NODELIST"),
        *("SUBMITIT_LOCAL_GLOBALID", "SUBMITIT_LOCAL_LOCALID", "SUBMITIT_LOCAL_NTASKS", "SUBMITIT_LOCAL_NODEID"),
        "SUBMITIT_EXECUTOR",
    }
)

#: From here on SLURM numbers steps that nobody started with srun: batch, extern, interactive.
_SPECIAL_STEPS = 0xFFFF_FFF0


class Place(NamedTuple):
    """What one launcher says; None where it says nothing. `own` is True for a launcher that starts processes of its
    own, possibly inside a task of another: what the other says is then about somebody else."""

    launcher: str
    rank: int
    world_size: int
    names: tuple[str, str]  #: of the variables of rank and world size, for messages
    local_rank: int | None = None
    local_world_size: int | None = None
    node_rank: int | None = None
    own: bool = True


def number(environment: Mapping[str, str], name: str) -> int | None:
    """The variable as a whole number that is not negative; None where it is unset or empty."""
    text = environment.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise InvalidConfig(
            f"{name} is {text[:40]!r}, which is no whole number from 0.",
            remedy="A launcher sets it; unset it where none runs.",
        )
    return int(text)


def places(environment: Mapping[str, str]) -> list[Place]:
    """What each launcher that left its variables says, the innermost first. Raises InvalidConfig for half-set ones."""
    outer = [
        _mpi(environment, "openmpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_"),
        _mpi(environment, "mpi", "PMI_RANK", "PMI_SIZE", "MPI_LOCAL"),
        _slurm(environment),
        _submitit(environment),
    ]
    known = [place for place in outer if place is not None]
    inner = _env(environment, known)
    return known if inner is None else [inner, *known]


def _pair(environment: Mapping[str, str], rank: str, world: str) -> tuple[int, int] | None:
    """Rank and world size; None where neither is set."""
    found = number(environment, rank), number(environment, world)
    if found == (None, None):
        return None
    if found[0] is None or found[1] is None:
        there, missing = (rank, world) if found[1] is None else (world, rank)
        raise InvalidConfig(
            f"{there} is {environment[there]} but {missing} is not set: a process of several must know both.",
            remedy=f"Set {missing} too, or unset {there} for a process that runs alone.",
        )
    return found[0], found[1]


def _env(environment: Mapping[str, str], known: list[Place]) -> Place | None:
    """RANK and friends: torchrun's, Ray Train's, Lightning's, or set by hand."""
    world, rank = number(environment, "WORLD_SIZE"), number(environment, "RANK")
    local, node = number(environment, "LOCAL_RANK"), number(environment, "NODE_RANK")
    size = number(environment, "LOCAL_WORLD_SIZE")
    if rank is None and world is not None and local is not None and node is not None:
        return _lightning(world, local, size, node)
    if rank is None and local is None and world is not None and known:
        # Scripts for sbatch often export WORLD_SIZE and let srun give the ranks.
        if world != known[0].world_size:
            raise InvalidConfig(
                f"WORLD_SIZE is {world} but {known[0].names[1]} of {known[0].launcher} is {known[0].world_size}.",
                remedy="Unset WORLD_SIZE, or start as many tasks as it says.",
            )
        return None
    if rank is None and world is None:
        if local is not None and not known:
            raise InvalidConfig(
                f"LOCAL_RANK is {local} but neither RANK nor WORLD_SIZE is set.",
                remedy="Set all three, or unset LOCAL_RANK for a process that runs alone.",
            )
        return None
    pair = _pair(environment, "RANK", "WORLD_SIZE")
    assert pair is not None
    elastic = bool(environment.get("TORCHELASTIC_RUN_ID"))
    group = number(environment, "GROUP_RANK")
    return Place(
        "torchrun" if elastic else "ray" if environment.get("RAY_JOB_ID") else "env",
        *pair,
        ("RANK", "WORLD_SIZE"),
        local,
        size,
        node if group is None else group,
        own=elastic or bool(environment.get("RAY_JOB_ID")),
    )


def _lightning(world: int, local: int, size: int | None, node: int) -> Place:
    """Lightning tells the processes that it starts all but their rank."""
    if node and size is None:
        raise InvalidConfig(
            f"LOCAL_RANK is {local} and NODE_RANK is {node}, but neither RANK nor LOCAL_WORLD_SIZE is set: "
            "the rank among all cannot be told.",
            remedy="Set RANK, or LOCAL_WORLD_SIZE to the number of processes on each node.",
        )
    return Place("lightning", node * (size or 0) + local, world, ("LOCAL_RANK", "WORLD_SIZE"), local, size, node)


def _mpi(environment: Mapping[str, str], launcher: str, rank: str, world: str, local: str) -> Place | None:
    pair = _pair(environment, rank, world)
    if pair is None:
        return None
    mine = number(environment, local + "RANK") if launcher == "openmpi" else number(environment, local + "RANKID")
    size = number(environment, local + "SIZE") if launcher == "openmpi" else number(environment, local + "NRANKS")
    node = None
    if mine is not None and size and (pair[0] - mine) % size == 0:
        node = (pair[0] - mine) // size  # so long as ranks fill one node after another; nothing else is told
    return Place(launcher, *pair, (rank, world), mine, size, node, own=launcher == "openmpi" or mine is not None)


def _slurm(environment: Mapping[str, str]) -> Place | None:
    """srun's. A batch script and the shell of salloc have SLURM_PROCID=0 as well, and are no task of anything."""
    step = number(environment, "SLURM_STEP_ID")
    if step is None or step >= _SPECIAL_STEPS:
        return None
    pair = _pair(environment, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS")
    if pair is None:
        return None
    node = number(environment, "SLURM_NODEID")
    spread = environment.get("SLURM_STEP_TASKS_PER_NODE")
    size = None
    if spread and node is not None:
        from pedigree.config.launching.hosts import counts

        each = counts(spread)
        size = each[node] if node < len(each) else None
    local = number(environment, "SLURM_LOCALID")
    return Place("slurm", *pair, ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"), local, size, node, own=False)


def _submitit(environment: Mapping[str, str]) -> Place | None:
    """submitit's executor on this machine; on a cluster it is SLURM that tells."""
    if environment.get("SUBMITIT_EXECUTOR") != "local":
        return None
    pair = _pair(environment, "SUBMITIT_LOCAL_GLOBALID", "SUBMITIT_LOCAL_NTASKS")
    if pair is None:
        return None
    local, node = number(environment, "SUBMITIT_LOCAL_LOCALID"), number(environment, "SUBMITIT_LOCAL_NODEID")
    names = ("SUBMITIT_LOCAL_GLOBALID", "SUBMITIT_LOCAL_NTASKS")
    return Place("submitit", *pair, names, local, pair[1], node, own=False)
