"""What deterministic training costs, and which operations give other bits on another number of threads.

    python bench/determinism.py [--rounds 25] [--threads N] [--across] [--operations]

The same training (a small conv net, and the U-Net of examples/pets on synthetic data) with `deterministic("full")` and
with torch's defaults: short runs, interleaved, the same threads,
medians of the process's CPU time (threads that wait sleep and do not spin), which other work on the machine changes little.
Bar: full against none at most 1.05 on the CPU. Then the digests of the trained weights: full must repeat. `--across` adds
`across_threads=True` and one thread, with the digests on 1, 2, 3 and 4 threads. `--operations` prints which operations
change with the number of threads, by default and across threads. Exits with 1 when the bar is missed or bits differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # OpenMP reads it when torch is imported

import torch
from torch import Tensor, nn
from torch.nn import functional

from pedigree import training

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "pets"))
from losses import bce_jaccard  # the reference workload's own step
from unet import UNet

BAR = 1.05
COUNTS = (1, 2, 3, 4)


def small() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(64 * 8 * 8, 10),
    )


def train_small(steps: int) -> str:
    training.seed_everything(1)
    model = small()
    images, truth = torch.rand(64, 3, 32, 32), torch.randint(0, 10, (64,))
    return _train(model, steps, images, lambda logits: functional.cross_entropy(logits, truth))


def train_unet(steps: int) -> str:
    training.seed_everything(1)
    model = UNet(0.35, (64, 48, 32, 24, 16)).to(memory_format=torch.channels_last)
    images = torch.rand(8, 3, 96, 96).contiguous(memory_format=torch.channels_last)
    truth = torch.randint(0, 3, (8, 96, 96))
    return _train(model, steps, images, lambda logits: bce_jaccard(logits, truth))


def _train(model: nn.Module, steps: int, images: Tensor, loss_of: Callable[[Tensor], Tensor]) -> str:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = loss_of(model(images))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return digest(*model.state_dict().values())


WORKLOADS: dict[str, tuple[Callable[[int], str], int]] = {
    "small conv net": (train_small, 6),
    "U-Net of pets": (train_unet, 2),
}


def digest(*tensors: Tensor) -> str:
    """Of the bits of all tensors together."""
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
    return sha.hexdigest()[:12]


def operations() -> dict[str, Callable[[], Any]]:
    """Operations by name, each a function of fixed inputs, large enough that torch splits them among threads."""
    draw = training.torch_generator(1, "operations")

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw)

    x, table, images = normal(1_000_003), normal(5000, 64), normal(8, 16, 64, 64)
    weights, positive, pixels = (
        normal(32, 16, 3, 3),
        normal(1_000_003).abs(),
        torch.randint(0, 64, (5000,), generator=draw),
    )
    grid, bags = torch.rand(8, 32, 32, 2, generator=draw) * 2 - 1, torch.randint(0, 5000, (2000, 20), generator=draw)
    small_weights, odd, one = normal(10, 64), normal(3, 97, 101), normal(16, 1, 3, 3)
    query = normal(2, 4, 128, 32)

    def gradients(of: Callable[..., Tensor], *inputs: Tensor) -> Callable[[], Any]:
        def work() -> Any:
            leaves = [one.clone().requires_grad_() for one in inputs]
            # Each output element weighs otherwise, without a sum over threads: the backward pass alone is compared.
            result = of(*leaves)
            return torch.autograd.grad(result, leaves, torch.ones_like(result) * 0.37)

        return work

    chosen: dict[str, Callable[[], Any]] = {
        "sum of all": lambda: x.sum(),
        "mean of all": lambda: x.mean(),
        "var of all": lambda: x.var(),
        "norm of all": lambda: x.norm(),
        "dot": lambda: x @ x,
        "prod of all": lambda: (x * 1e-3 + 1).prod(),
        "logsumexp": lambda: x.logsumexp(0),
        "sum of rows": lambda: table.sum(1),
        "sum of columns": lambda: table.sum(0),
        "sum per channel": lambda: images.sum((0, 2, 3)),
        "cumsum": lambda: x.cumsum(0),
        "softmax of rows": lambda: table.softmax(1),
        "softmax of columns": lambda: table.softmax(0),
        "log_softmax of rows": lambda: table.log_softmax(1),
        "x ** 2.5": lambda: positive**2.5,
        "x ** 3": lambda: x**3,
        "x ** y": lambda: positive**x,
        "exp": lambda: x.exp(),
        "log": lambda: positive.log(),
        "sqrt": lambda: positive.sqrt(),
        "rsqrt": lambda: positive.rsqrt(),
        "sin": lambda: x.sin(),
        "tanh": lambda: x.tanh(),
        "sigmoid": lambda: x.sigmoid(),
        "silu": lambda: functional.silu(x),
        "gelu": lambda: functional.gelu(x),
        "gelu, tanh": lambda: functional.gelu(x, approximate="tanh"),
        "softplus": lambda: functional.softplus(x),
        "elu": lambda: functional.elu(x),
        "mish": lambda: functional.mish(x),
        "erf": lambda: x.erf(),
        "atan2": lambda: torch.atan2(x, x.flip(0)),
        "mul, add, div": lambda: (x * positive + x) / (positive + 1),
        "add with alpha": lambda: torch.add(x, positive, alpha=0.3),
        "addcmul": lambda: torch.addcmul(x, positive, x, value=0.1),
        "addcdiv": lambda: torch.addcdiv(x, positive, positive + 1, value=0.1),
        "lerp": lambda: torch.lerp(x, positive, 0.1),
        "X^T X": lambda: table.T @ table,
        "X X^T": lambda: table[:500] @ table[:500].T,
        "small linear": lambda: functional.linear(table[:32], small_weights),
        "linear, gradients": gradients(functional.linear, table, small_weights),
        "matrix x vector": lambda: table @ small_weights[0],
        "bmm": lambda: query[0] @ query[0].mT,
        "conv2d": lambda: functional.conv2d(images, weights, padding=1),
        "conv2d, gradients": gradients(lambda i, w: functional.conv2d(i, w, padding=1), images, weights),
        "depthwise conv2d, gradients": gradients(lambda i, w: functional.conv2d(i, w, groups=16), images, one),
        "transposed conv2d, gradients": gradients(
            lambda i, w: functional.conv_transpose2d(i, w, stride=2), images, weights.mT.transpose(0, 1)
        ),
        "batch_norm, gradients": gradients(lambda i: functional.batch_norm(i, None, None, training=True) ** 2, images),
        "layer_norm, gradients": gradients(lambda i: functional.layer_norm(i, (64,)) ** 2, table),
        "group_norm": lambda: functional.group_norm(images, 4),
        "max_pool2d, gradients": gradients(lambda i: functional.max_pool2d(i, 2), images),
        "avg_pool2d": lambda: functional.avg_pool2d(images, 2),
        "interpolate, bilinear": lambda: functional.interpolate(images, scale_factor=1.7, mode="bilinear"),
        "interpolate, nearest, gradients": gradients(lambda i: functional.interpolate(i, scale_factor=2.0), images),
        "grid_sample": lambda: functional.grid_sample(images, grid, align_corners=False),
        "cross_entropy": lambda: functional.cross_entropy(table, pixels),
        "binary_cross_entropy_with_logits": lambda: functional.binary_cross_entropy_with_logits(
            images, images.gt(0).float()
        ),
        "mse_loss": lambda: functional.mse_loss(images, images * 0.9),
        "l1_loss": lambda: functional.l1_loss(images, images * 0.9),
        "attention": lambda: functional.scaled_dot_product_attention(query, query, query),
        "embedding_bag": lambda: functional.embedding_bag(bags, table),
        "index_add_": lambda: torch.zeros(64, 64).index_add_(0, pixels, table),
        "scatter_add_": lambda: torch.zeros(64, 64).scatter_add_(0, pixels[:, None].expand(-1, 64), table),
        "svd": lambda: torch.linalg.svd(table, full_matrices=False)[1],
        "qr": lambda: torch.linalg.qr(table)[1],
        "eigh": lambda: torch.linalg.eigh(table[:64] + table[:64].T)[0],
        "solve": lambda: torch.linalg.solve(table[:64], table[64:128]),
        "cholesky": lambda: torch.linalg.cholesky(table.T @ table),
        "rfft, 1,000,003 values": lambda: torch.fft.rfft(x),
        "rfft2, 97 x 101": lambda: torch.fft.rfft2(odd),
        "randn with a generator": lambda: torch.randn(1_000_003, generator=training.torch_generator(1, "randn")),
        "dropout": lambda: functional.dropout(x, 0.5),
    }
    return chosen


def table_of(threads: int, across: bool) -> dict[str, str]:
    """Operation -> digest of its result, in this process."""
    with training.deterministic("full", threads=threads, across_threads=across):
        found = {}
        for name, work in operations().items():
            torch.manual_seed(0)
            result = work()
            tensors = result if isinstance(result, tuple) else (result,)
            found[name] = digest(*(torch.view_as_real(one) if one.is_complex() else one for one in tensors))
        return found


def elsewhere(*arguments: str, **variables: str) -> Any:
    """The JSON that this script prints in a process of its own: MKL reads its environment once."""
    environment = {name: value for name, value in os.environ.items() if name != "MKL_CBWR"} | variables
    done = subprocess.run(
        [sys.executable, __file__, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def seconds(work: Callable[[int], str], steps: int) -> tuple[float, str]:
    start = time.process_time()
    found = work(steps)
    return time.process_time() - start, found


def cost(rounds: int) -> bool:
    """The table of full against none; whether the bar was met and full repeated its bits."""
    good = True
    print("| training | none | full | full / none | bar |\n|---|---|---|---|---|")
    for name, (work, steps) in WORKLOADS.items():
        work(2)  # what is only done once
        none, full, digests = [], [], set()
        for number in range(rounds):
            for which in ("none", "full") if number % 2 else ("full", "none"):
                with training.deterministic("full") if which == "full" else nullcontext():
                    took, found = seconds(work, steps)
                (full if which == "full" else none).append(took)
                if which == "full":
                    digests.add(found)
        ratio = statistics.median(full) / statistics.median(none)
        met = ratio <= BAR and len(digests) == 1
        good &= met
        print(
            f"| {name}, {steps} steps | {statistics.median(none):.3f} s | {statistics.median(full):.3f} s | {ratio:.3f} "
            f"| <= {BAR}: {'met' if met else 'MISSED'} |",
            flush=True,
        )
        if len(digests) != 1:
            print(f"full gave {len(digests)} different results in {rounds} rounds")
    return good


def across(rounds: int) -> bool:
    """The table of independence of the number of threads: its price, and whether it holds."""
    good = True
    print(
        "\n| training | full | across threads | one thread | across / full | the same on 1, 2, 3, 4 threads: full | across |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in WORKLOADS:
        threads = str(torch.get_num_threads())
        ways = {"full": (threads, "0"), "across": (threads, "1"), "one": ("1", "0")}
        took: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, (count, flag) in ways.items():
                took[way].append(elsewhere("--one", name, "--threads", count, "--flag", flag)[0])
        same = {}
        for flag in "01":
            same[flag] = (
                len({elsewhere("--one", name, "--threads", str(count), "--flag", flag)[1] for count in COUNTS}) == 1
            )
        full, both, one = (statistics.median(took[way]) for way in ways)
        good &= same["1"]
        print(
            f"| {name} | {full:.3f} s | {both:.3f} s | {one:.3f} s | {both / full:.2f} | {'yes' if same['0'] else 'no'} "
            f"| {'yes' if same['1'] else 'NO'} |",
            flush=True,
        )
    return good


def changing() -> bool:
    """The table of operations that change with the number of threads; whether none does across threads."""
    found = {flag: [elsewhere("--table", "--threads", str(count), "--flag", flag) for count in COUNTS] for flag in "01"}
    again = elsewhere("--table", "--threads", str(COUNTS[-1]), "--flag", "0")
    print("\n| operation | full: differs from 1 thread on | across threads |\n|---|---|---|")
    same, good = [], again == found["0"][-1]
    for name in found["0"][0]:
        differ = {
            flag: [count for count, one in zip(COUNTS, found[flag], strict=True) if one[name] != found[flag][0][name]]
            for flag in "01"
        }
        good &= not differ["1"]
        if differ["0"] or differ["1"]:
            print(
                f"| {name} | {', '.join(map(str, differ['0'])) or 'none'} | {', '.join(map(str, differ['1'])) or 'the same'} |"
            )
        else:
            same.append(name)
    print(f"\nThe same on 1, 2, 3 and 4 threads: {', '.join(same)}.")
    if again != found["0"][-1]:
        print("SOME DIFFER BETWEEN TWO RUNS ON ONE NUMBER OF THREADS")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--across", action="store_true")
    parser.add_argument("--operations", action="store_true")
    parser.add_argument("--one", choices=WORKLOADS, help=argparse.SUPPRESS)
    parser.add_argument("--table", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--flag", default="0", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.table:
        print(json.dumps(table_of(options.threads, options.flag == "1")))
        return 0
    if options.one:
        work, steps = WORKLOADS[options.one]
        with training.deterministic("full", threads=options.threads, across_threads=options.flag == "1"):
            work(2)
            print(json.dumps(seconds(work, 4 * steps)))
        return 0
    print(
        f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores, {options.threads} threads, {options.rounds} rounds\n"
    )
    good = cost(options.rounds)
    if options.across:
        good &= across(max(1, options.rounds // 8))
    if options.operations:
        good &= changing()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
