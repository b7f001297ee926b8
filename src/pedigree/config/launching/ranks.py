"""The place of this process among those that were started together, as its launcher tells it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pedigree.config.launching.hosts import hosts
from pedigree.config.launching.variables import Place, number, places
from pedigree.errors import InvalidConfig


@dataclass(frozen=True, slots=True)
class DistEnv:
    """Rank, world size and friends; of a process that runs alone: rank 0 of 1.

    `local_world_size` and `node_rank` are None where the launcher does not tell. The master's address and port are
    those of MASTER_ADDR and MASTER_PORT, or on SLURM the first node of the step and a port made from the job's number,
    the same for all its tasks; None where nobody tells. `launcher` is torchrun, ray, lightning, env, openmpi, mpi,
    slurm, submitit, or single.
    """

    rank: int = 0
    local_rank: int = 0
    world_size: int = 1
    local_world_size: int | None = 1
    node_rank: int | None = 0
    master_address: str | None = None
    master_port: int | None = None
    launcher: str = "single"

    @property
    def is_main(self) -> bool:
        """True for one process of them all: the one that writes what belongs to the whole run."""
        return self.rank == 0

    @property
    def is_distributed(self) -> bool:
        return self.world_size > 1

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> DistEnv:
        """The place that the launcher of this process gave it.

        Read are the variables of torchrun, Ray Train, Lightning, Open MPI, PMI (MPICH, Intel MPI), srun and submitit,
        and RANK with WORLD_SIZE set by hand. Of launchers inside each other the innermost counts: torchrun in a
        task of srun. The index of a job in a sweep or in an array of jobs is no rank and is never read.

        Raises InvalidConfig for numbers that contradict each other, variables set by half, and launchers that
        disagree: a wrong rank makes two processes write, or none.
        """
        environment = os.environ if environment is None else environment
        found = places(environment)
        if not found:
            return cls()
        place = _completed(found)
        _check(place)
        local = place.local_rank
        if local is None:
            if place.world_size > 1:
                raise InvalidConfig(
                    f"{place.names[0]} is {place.rank} of {place.world_size}, but nothing tells the rank on this machine.",
                    remedy="Set LOCAL_RANK: it chooses the GPU.",
                )
            local = 0
        address, port = _master(environment, place)
        return cls(
            place.rank, local, place.world_size, place.local_world_size, place.node_rank, address, port, place.launcher
        )

    def environment(self) -> dict[str, str]:
        """The same as the variables that `torch.distributed` reads with `env://`."""
        told = {
            "RANK": self.rank,
            "WORLD_SIZE": self.world_size,
            "LOCAL_RANK": self.local_rank,
            "LOCAL_WORLD_SIZE": self.local_world_size,
            "NODE_RANK": self.node_rank,
            "MASTER_ADDR": self.master_address,
            "MASTER_PORT": self.master_port,
        }
        return {name: str(value) for name, value in told.items() if value is not None}


def _completed(found: list[Place]) -> Place:
    """The innermost place, with what only those around it tell. Raises InvalidConfig where they disagree."""
    place = found[0]
    for other in found[1:]:
        if place.own:
            break  # what is around it started the launcher, not this process
        if place.world_size > other.world_size and place.world_size % other.world_size == 0:
            break  # started by hand, several in each task of the other
        if (place.rank, place.world_size) != (other.rank, other.world_size):
            raise InvalidConfig(
                f"{place.names[0]} and {place.names[1]} say rank {place.rank} of {place.world_size}; "
                f"{other.names[0]} and {other.names[1]} of {other.launcher} say rank {other.rank} of {other.world_size}.",
                remedy=f"Unset {place.names[0]} and {place.names[1]}, or set them to what {other.launcher} says.",
                places=(place, other),
            )
        place = place._replace(
            local_rank=other.local_rank if place.local_rank is None else place.local_rank,
            local_world_size=other.local_world_size if place.local_world_size is None else place.local_world_size,
            node_rank=other.node_rank if place.node_rank is None else place.node_rank,
        )
    return place


def _check(place: Place) -> None:
    rank, world, local, size, node = place[1], place[2], place.local_rank, place.local_world_size, place.node_rank
    rank_name, world_name = place.names
    if world < 1:
        problem = f"{world_name} is 0: no process is in a world of none"
    elif rank >= world:
        problem = f"{rank_name} is {rank}, but with {world_name}={world} ranks go from 0 to {world - 1}"
    elif size is not None and not 1 <= size <= world:
        problem = f"{size} processes on this machine do not fit into {world_name}={world}"
    elif size is not None and local is not None and local >= size:
        problem = f"the rank on this machine is {local}, but {size} processes are on it: ranks go from 0 to {size - 1}"
    elif local is not None and local > rank:
        problem = f"the rank on this machine is {local}, which is more than {rank_name}={rank}, the rank among all"
    elif node is not None and node >= world:
        problem = f"the node is number {node} of at most {world}: {world_name} is {world}"
    else:
        return
    raise InvalidConfig(
        f"The variables of {place.launcher} contradict each other: {problem}.",
        remedy="Start again through the launcher, or unset what was exported by hand.",
        place=place,
    )


def _master(environment: Mapping[str, str], place: Place) -> tuple[str | None, int | None]:
    address = environment.get("MASTER_ADDR") or None
    port = number(environment, "MASTER_PORT")
    if port is not None and not 0 < port < 65536:
        raise InvalidConfig(f"MASTER_PORT is {port}, which is no port.", remedy="Choose one from 1024 to 65535.")
    if place.launcher == "slurm":
        nodes = environment.get("SLURM_STEP_NODELIST")
        if address is None and nodes:
            address = hosts(nodes)[0]
        job = number(environment, "SLURM_JOB_ID")
        if port is None and address is not None and job is not None:
            port = 20_000 + job % 10_000  # below the range from which systems hand out ports to clients
    return address, port
