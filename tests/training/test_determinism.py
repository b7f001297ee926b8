"""deterministic() sets what it reports, puts everything back, and names what has no deterministic form."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from pedigree import training
from pedigree.errors import InvalidInput, NoDeterministicForm, TooLate
from pedigree.training import alternatives, knobs
from pedigree.training.settings import PRECISIONS, present
from tests.training.subject import trained


def standing() -> Any:
    """Everything that deterministic() may touch, read without its code where that is possible."""
    return (
        present("", False, ()),
        torch.are_deterministic_algorithms_enabled(),
        [torch._C._get_fp32_precision_getter(*pair) for pair in PRECISIONS],
        torch.backends.cuda.matmul.allow_fp16_accumulation,
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
        torch.backends.cuda.matmul.allow_tf32,
        {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        len(torch.utils._python_dispatch._get_current_dispatch_mode_stack()),
    )


if torch.cuda.is_available():
    # Other tests start CUDA, and cuBLAS reads this once.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # so that seed_everything, which a test calls, leaves it
    torch.use_deterministic_algorithms(False)  # imports the compiler's settings, which set variables of their own
    before = standing()
    yield
    assert standing() == before


@pytest.mark.parametrize("level", ["full", "close"])
def test_everything_is_put_back(level: Any) -> None:
    """The fixture compares. Break: leave the precision, or the environment, as it was set."""
    with training.deterministic(level, threads=3):
        pass


@pytest.mark.parametrize("precision", ["high", "medium", "highest"])
def test_a_precision_that_somebody_chose_is_put_back(precision: str) -> None:
    """Also where "full" was asked to leave TF32 alone. Break: put "highest" back, whatever was."""
    before = [torch._C._get_fp32_precision_getter(*pair) for pair in PRECISIONS]
    torch.set_float32_matmul_precision(precision)
    chosen = standing()
    with training.deterministic("full", tf32=False) as settings:
        assert settings.float32_matmul_precision == "highest"
        assert torch.get_float32_matmul_precision() == "highest"
    assert standing() == chosen
    with training.deterministic("full") as settings:
        assert settings.float32_matmul_precision == torch.get_float32_matmul_precision() == precision
    torch.set_float32_matmul_precision("highest")
    for (backend, kind), value in zip(PRECISIONS, before, strict=True):
        torch._C._set_fp32_precision_setter(backend, kind, value)


def test_full_sets_what_it_says() -> None:
    """Break: any one of them left out."""
    with training.deterministic("full", threads=3, tf32=False) as settings:
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # a module that is a class
        assert torch.empty(3).isnan().all()
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
        assert settings.mkldnn_deterministic
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert torch.get_num_threads() == settings.threads == 3
        assert (settings.level, settings.without_deterministic_form, settings.notes) == ("full", "error", ())


def test_the_settings_are_plain_json_and_frozen() -> None:
    """Break: leave a dtype or a tuple in."""
    with training.deterministic("full") as settings, torch.autocast("cpu", torch.bfloat16):
        plain = present("full", False, ()).to_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["autocast"] == {"cpu": "bfloat16"}
    assert settings.autocast == {}
    with pytest.raises(AttributeError):
        settings.threads = 4  # type: ignore[misc]  # that is the test


def test_close_turns_tf32_off_and_full_leaves_it_as_it_is() -> None:
    """On an H100 TF32 is what makes full determinism cheap. Break: turn it off for both."""
    before = torch.backends.cudnn.allow_tf32
    with training.deterministic("full") as settings:
        assert settings.cudnn_tf32 == torch.backends.cudnn.allow_tf32 == before
    with training.deterministic("close") as settings:
        assert not settings.cudnn_tf32
        assert settings.float32_matmul_precision == "highest"


def test_tf32_is_there_for_those_who_ask() -> None:
    """Break: ignore the argument."""
    with training.deterministic("close", tf32=True) as settings:
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    assert settings.cudnn_tf32
    assert settings.float32_matmul_precision == "high"


def test_a_workspace_that_is_deterministic_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: always set ours."""
    with monkeypatch.context() as patch:
        patch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        with training.deterministic("full") as settings:
            assert settings.cublas_workspace_config == ":16:8"


def test_the_plain_function_stands_until_it_is_restored() -> None:
    """Break: set nothing before `with`."""
    made = training.deterministic("full")
    assert torch.are_deterministic_algorithms_enabled()
    assert made.settings.level == "full"
    made.restore()
    made.restore()
    assert not torch.are_deterministic_algorithms_enabled()
    with made:
        assert torch.are_deterministic_algorithms_enabled()


def test_a_decorated_function_is_deterministic_only_while_it_runs() -> None:
    """It calls itself, too. Break: keep what decorating set; share one state between the calls."""

    @training.deterministic("full")
    def deep(level: int) -> int:
        """A docstring."""
        assert torch.are_deterministic_algorithms_enabled()
        return level if level == 0 else deep(level - 1)

    assert not torch.are_deterministic_algorithms_enabled()
    assert deep(2) == 0
    assert not torch.are_deterministic_algorithms_enabled()
    assert (deep.__name__, deep.__doc__) == ("deep", "A docstring.")


def test_levels_nest() -> None:
    """Break: put torch's defaults back and not what stood."""
    with training.deterministic("full"):
        with training.deterministic("close"):
            assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()


def test_an_error_inside_comes_through_and_everything_is_put_back() -> None:
    """Break: translate every RuntimeError."""
    with pytest.raises(RuntimeError, match="^mine$"), training.deterministic("full"):
        raise RuntimeError("mine")


NO_FORM: list[tuple[str, Callable[[], object]]] = [
    ("torch.nn.MaxUnpool1d", lambda: functional.max_unpool1d(torch.rand(1, 1, 2), torch.tensor([[[0, 2]]]), [2])),
    (
        "torch.nn.MaxUnpool3d",
        lambda: functional.max_unpool3d(
            torch.rand(1, 1, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1, dtype=torch.int64), [1, 1, 1]
        ),
    ),
    ("torch.Tensor.put_", lambda: torch.zeros(3).put_(torch.tensor([0]), torch.tensor([1.0]))),
]


@pytest.mark.parametrize(("operation", "work"), NO_FORM)
def test_an_operation_without_a_deterministic_form_is_named_with_what_to_use(
    operation: str, work: Callable[[], object]
) -> None:
    """Real errors of torch on the CPU. Break: a name in the table that torch's error does not have."""
    with pytest.raises(NoDeterministicForm) as caught, training.deterministic("full"):
        work()
    assert caught.value.message.startswith(operation)
    assert re.search("[Uu]se ", caught.value.remedy or "")
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(("operation", "work"), NO_FORM[1:])
def test_close_lets_it_run_with_a_warning(operation: str, work: Callable[[], object]) -> None:
    """Break: warn_only=False."""
    with (
        training.deterministic("close"),
        pytest.warns(UserWarning, match="does not have a deterministic implementation"),
    ):
        work()


def test_the_table_has_the_operations_of_torchs_own_list() -> None:
    """Both ways. Break: leave one out of the table, or add one that torch can do."""
    text = torch.use_deterministic_algorithms.__doc__ or ""
    listed = text.partition("operations will throw a")[2].split("In addition,")[0]
    names = set(re.findall(r"\* :(?:class|func):`([^`]+)`", listed))
    ours = {one.operation for one in alternatives.TABLE} - alternatives.UNLISTED
    assert len(names) > 20
    assert ours == names


def test_alternatives_are_found_by_either_name() -> None:
    """Break: look at the alerts alone."""
    for name in ("torch.nn.CTCLoss", "CTCLoss", "ctc_loss_backward_gpu"):
        found = training.alternative(name)
        assert found is not None
        assert "CPU" in found.instead
    assert training.alternative("torch.add") is None


def test_an_operation_that_the_table_does_not_know_is_named_all_the_same() -> None:
    """An operation of somebody's extension. Break: translate only what is known."""
    with pytest.raises(NoDeterministicForm, match="my_op has no deterministic form in torch") as caught:
        with training.deterministic("full"):
            raise RuntimeError(
                "my_op does not have a deterministic implementation, but you set 'torch.use_deterministic_algorithms(True)'. You can"
            )
    assert caught.value.objects["operation"] == "my_op"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "most"}, "no level 'most'"),
        ({"level": "close", "across_threads": True}, "goes with"),
        ({"threads": 0}, "0 threads"),
        ({"threads": True}, "number of threads must be a whole number"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The fixture sees that nothing was set. Break: check after setting."""
    with pytest.raises(InvalidInput, match=message):
        training.deterministic(**arguments)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_full_gives_the_same_bits_again_at_the_same_number_of_threads(threads: int) -> None:
    """More threads than cores among them. Break: seed the weights from the clock."""
    with training.deterministic("full", threads=threads):
        assert trained() == trained()


def run(threads: int, way: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MKL_CBWR"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    subject = Path(__file__).with_name("subject.py")
    return subprocess.run(
        [sys.executable, subject, str(threads), way], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_across_threads_gives_the_same_bits_on_any_number_of_threads() -> None:
    """And without it the numbers differ, so that the test can see. Break: leave OneThread out; let convolution_backward keep its threads."""
    plain, across = ([run(count, way).stdout for count in (1, 2, 3, 4)] for way in ("plain", "across"))
    assert all(plain + across)
    assert len({*plain}) > 1
    assert len({*across}) == 1


@pytest.mark.slow
@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="torch has no MKL here")  # type: ignore[no-untyped-call]
def test_mkl_that_has_started_is_noticed() -> None:
    """Break: trust the environment variable."""
    done = run(2, "late")
    assert done.returncode
    assert "TooLate: MKL was used in this process before MKL_CBWR was set" in done.stderr
    assert "start with MKL_CBWR=AVX2,STRICT" in done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_cuda_that_has_started_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only with a GPU. Break: set the variable and say nothing."""
    with monkeypatch.context() as patch:
        patch.delenv(knobs.CUBLAS, raising=False)
        torch.zeros(1, device="cuda")
        with pytest.raises(TooLate, match=knobs.CUBLAS):
            training.deterministic("full")


def test_a_call_whose_result_is_dropped_stands() -> None:
    """As scripts write it, at the top. In a process of its own. Break: hold the settings by what is returned alone."""
    program = (
        "import gc, torch\n"
        "from pedigree import training\n"
        "training.deterministic('full', threads=1)\n"
        "gc.collect()\n"
        "assert torch.are_deterministic_algorithms_enabled()\n"
        "assert torch.get_num_threads() == 1\n"
    )
    env = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
