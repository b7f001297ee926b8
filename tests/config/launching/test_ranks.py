"""The place of a process, as each launcher tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.config.launching import DistEnv
from pedigree.config.launching.hosts import counts, hosts
from pedigree.errors import InvalidConfig

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "GROUP_RANK": "1",
    "MASTER_ADDR": "gpu01",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RUN_ID": "none",
}
SLURM = {
    "SLURM_JOB_ID": "123456",
    "SLURM_STEP_ID": "0",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_STEP_NUM_TASKS": "7",
    "SLURM_STEP_TASKS_PER_NODE": "4,3",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
    "SLURM_NTASKS": "64",
}
OPENMPI = {
    "OMPI_COMM_WORLD_RANK": "5",
    "OMPI_COMM_WORLD_SIZE": "8",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    "OMPI_COMM_WORLD_NODE_RANK": "1",
}
MPICH = {"PMI_RANK": "2", "PMI_SIZE": "4", "MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": "2"}
SUBMITIT = {
    "SUBMITIT_EXECUTOR": "local",
    "SUBMITIT_LOCAL_GLOBALID": "1",
    "SUBMITIT_LOCAL_LOCALID": "1",
    "SUBMITIT_LOCAL_NTASKS": "2",
    "SUBMITIT_LOCAL_NODEID": "0",
}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, DistEnv()),
        (TORCHRUN, DistEnv(5, 1, 8, 4, 1, "gpu01", 29500, "torchrun")),
        (SLURM, DistEnv(5, 1, 7, 3, 1, "gpu07", 23456, "slurm")),
        (OPENMPI, DistEnv(5, 1, 8, 4, 1, None, None, "openmpi")),
        (MPICH, DistEnv(2, 0, 4, 2, 1, None, None, "mpi")),
        (SUBMITIT, DistEnv(1, 1, 2, 2, 0, None, None, "submitit")),
        # Ray Train's workers.
        ({**TORCHRUN, "TORCHELASTIC_RUN_ID": "", "RAY_JOB_ID": "01"}, DistEnv(5, 1, 8, 4, 1, "gpu01", 29500, "ray")),
        # Lightning starts the other ranks of a node without RANK.
        (
            {"LOCAL_RANK": "3", "NODE_RANK": "0", "WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1234"},
            DistEnv(3, 3, 4, None, 0, "127.0.0.1", 1234, "lightning"),
        ),
        ({"RANK": "0", "WORLD_SIZE": "1"}, DistEnv(0, 0, 1, None, None, None, None, "env")),
    ],
)
def test_each_launcher_is_understood(environment: dict[str, str], expected: DistEnv) -> None:
    """Break: read the world of SLURM from SLURM_NTASKS, which is the allocation's; leave out Lightning, whose ranks
    then all write."""
    assert DistEnv.from_env(environment) == expected
    assert DistEnv.from_env(environment).is_main == (expected.rank == 0)


@pytest.mark.parametrize(
    ("environment", "rank", "world", "launcher"),
    [
        # torchrun on each node of a step, one task each: its rendezvous numbers nodes as it likes.
        ({**SLURM, **TORCHRUN, "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}, 5, 8, "torchrun"),
        # mpirun in a batch job starts its daemons with srun, one less than there are nodes.
        ({**SLURM, **OPENMPI, "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_STEP_NUM_TASKS": "1"}, 5, 8, "openmpi"),
        # srun --mpi=pmi2 tells the same twice.
        ({**SLURM, "PMI_RANK": "5", "PMI_SIZE": "7"}, 5, 7, "mpi"),
        # A script for sbatch exports WORLD_SIZE, and srun gives the ranks.
        ({**SLURM, "WORLD_SIZE": "7"}, 5, 7, "slurm"),
        ({**SLURM, "RANK": "5", "WORLD_SIZE": "7"}, 5, 7, "env"),
        # One task a node, and the script starts its own eight processes a node.
        (
            {
                **SLURM,
                "SLURM_STEP_NUM_TASKS": "2",
                "SLURM_PROCID": "1",
                "RANK": "9",
                "WORLD_SIZE": "16",
                "LOCAL_RANK": "1",
            },
            9,
            16,
            "env",
        ),
    ],
)
def test_of_launchers_inside_each_other_the_innermost_counts(
    environment: dict[str, str], rank: int, world: int, launcher: str
) -> None:
    """Break: compare every two launchers."""
    found = DistEnv.from_env(environment)
    assert (found.rank, found.world_size, found.launcher) == (rank, world, launcher)


def test_the_rank_on_this_machine_comes_from_srun_where_rank_was_set_by_hand() -> None:
    """Break: default LOCAL_RANK to 0: all processes of a node then take its first GPU."""
    found = DistEnv.from_env({**SLURM, "RANK": "5", "WORLD_SIZE": "7"})
    assert (found.local_rank, found.local_world_size, found.node_rank) == (1, 3, 1)


@pytest.mark.parametrize(
    "special",
    [
        {},  # a batch script: SLURM_PROCID=0 and no step
        {"SLURM_STEP_ID": "4294967290"},  # the shell of salloc
        {"SLURM_STEP_ID": "4294967291"},  # batch, where it is told
    ],
)
def test_a_batch_script_is_no_task_of_a_step(special: dict[str, str]) -> None:
    """Break: take SLURM_PROCID and SLURM_NTASKS as they are: the script would wait for ranks that nobody starts."""
    environment = {**SLURM, "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    del environment["SLURM_STEP_ID"]
    assert DistEnv.from_env({**environment, **special}) == DistEnv()


@given(st.integers(0, 999), st.sampled_from([{}, TORCHRUN, SLURM, OPENMPI, MPICH, SUBMITIT]))
def test_the_index_of_a_sweep_is_never_a_rank(index: int, environment: dict[str, str]) -> None:
    """Break: fall back to SLURM_ARRAY_TASK_ID where RANK is not set."""
    names = ["SLURM_ARRAY_TASK_ID", "HYDRA_JOB_NUM", "PBS_ARRAY_INDEX", "LSB_JOBINDEX", "SGE_TASK_ID", "JOB_NUM"]
    sweep = {name: str(index) for name in names} | {"PEDIGREE_JOB": f"/sweep/jobs/{index:04d}"}
    assert DistEnv.from_env({**environment, **sweep}) == DistEnv.from_env(environment)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {**TORCHRUN, "RANK": "8"},
            "torchrun contradict each other: RANK is 8, but with WORLD_SIZE=8 ranks go from 0 to 7.\nStart again through",
        ),
        (
            {"RANK": "1"},
            "RANK is 1 but WORLD_SIZE is not set: a process of several must know both.\nSet WORLD_SIZE too, or unset RANK",
        ),
        ({"WORLD_SIZE": "4"}, "WORLD_SIZE is 4 but RANK is not set"),
        ({"LOCAL_RANK": "1"}, "LOCAL_RANK is 1 but neither RANK nor WORLD_SIZE is set."),
        ({"OMPI_COMM_WORLD_RANK": "0"}, "OMPI_COMM_WORLD_RANK is 0 but OMPI_COMM_WORLD_SIZE is not set"),
        (
            {**SLURM, "RANK": "4", "WORLD_SIZE": "7"},
            "RANK and WORLD_SIZE say rank 4 of 7; SLURM_PROCID and SLURM_STEP_NUM_TASKS of slurm say rank 5 of 7.\nUnset",
        ),
        ({**SLURM, "PMI_RANK": "1", "PMI_SIZE": "4"}, "PMI_RANK and PMI_SIZE say rank 1 of 4; SLURM_PROCID"),
        ({**SLURM, "WORLD_SIZE": "8"}, "WORLD_SIZE is 8 but SLURM_STEP_NUM_TASKS of slurm is 7."),
        ({"RANK": "1", "WORLD_SIZE": "2"}, "RANK is 1 of 2, but nothing tells the rank on this machine."),
        ({"RANK": "-1", "WORLD_SIZE": "2"}, "RANK is '-1', which is no whole number from 0."),
        ({"RANK": "0", "WORLD_SIZE": "0"}, "WORLD_SIZE is 0: no process is in a world of none"),
        ({**TORCHRUN, "LOCAL_RANK": "4"}, "the rank on this machine is 4, but 4 processes are on it"),
        ({**TORCHRUN, "LOCAL_WORLD_SIZE": "9"}, "9 processes on this machine do not fit into WORLD_SIZE=8"),
        ({**TORCHRUN, "RANK": "0"}, "the rank on this machine is 1, which is more than RANK=0"),
        ({**TORCHRUN, "MASTER_PORT": "70000"}, "MASTER_PORT is 70000, which is no port."),
        ({**SLURM, "SLURM_STEP_NODELIST": "gpu[1"}, "SLURM's list of nodes is 'gpu[1', which is no list of hosts."),
        ({"LOCAL_RANK": "1", "NODE_RANK": "1", "WORLD_SIZE": "4"}, "the rank among all cannot be told"),
    ],
)
def test_what_cannot_be_is_refused(environment: dict[str, str], message: str) -> None:
    """Break: take rank 0, or a world of 1, where its variable is missing: two processes write the same files."""
    with pytest.raises(InvalidConfig) as caught:
        DistEnv.from_env(environment)
    assert message in str(caught.value)


@given(st.sampled_from([TORCHRUN, SLURM, OPENMPI, MPICH, SUBMITIT]))
def test_its_variables_give_the_same_place_again(environment: dict[str, str]) -> None:
    """Break: write LOCAL_RANK from the rank among all."""
    place = DistEnv.from_env(environment)
    assert DistEnv.from_env(place.environment()) == replace(place, launcher="env")


def test_slurm_lists_are_written_out() -> None:
    """Break: lose the zeros in front."""
    assert hosts("gpu[01-03,7],login") == ["gpu01", "gpu02", "gpu03", "gpu7", "login"]
    assert hosts("r[1-2]-n[09-10].x") == ["r1-n09.x", "r1-n10.x", "r2-n09.x", "r2-n10.x"]
    assert counts("4(x2),3") == [4, 4, 3]


@pytest.mark.parametrize("text", ["", "a[", "a[x]", "a[1-]", "a]", "n[0-99999999999]", "n[0-999999][0-999999]"])
def test_what_is_no_list_of_hosts_is_refused_at_once(text: str) -> None:
    """Break: write out what is asked for, whatever its size."""
    with pytest.raises(InvalidConfig):
        hosts(text)
    with pytest.raises(InvalidConfig):
        counts(f"4(x{text})")
