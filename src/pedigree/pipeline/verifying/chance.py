"""Signs in a step's code that it may come out otherwise the next time: found by reading it, never by running it.

A sign is a line that draws at random, reads the clock, counts the cores or meets files in no fixed order. That it changed a
result is for others to judge: suspects.py holds it against what was seen.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: Kinds of signs. DRAW, SEED and WORKER name a library; the others stand alone.
DRAW, SEED, WORKER, ENTROPY, CLOCK, CORES, ORDER, STEADY, GIVEN = (
    "draw", "seed", "worker", "entropy", "clock", "cores", "order", "steady", "given seed",
)  # fmt: skip

RANDOM, NUMPY, TORCH = "random", "numpy.random", "torch"
EVERY = (RANDOM, NUMPY, TORCH)

#: Calls that seed all of them, whichever library they come from (Pedigree, Lightning, transformers, Keras).
_SEED_ALL = {"seed_everything", "set_seed", "set_random_seed", "fix_seed"}
_SEEDS = {
    "random.seed": RANDOM,
    "numpy.random.seed": NUMPY,
    "torch.manual_seed": TORCH,
    "torch.random.manual_seed": TORCH,
}
#: Draws that nothing can seed.
_ENTROPY = {
    "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "random.SystemRandom", "torch.seed", "torch.random.seed",
    "secrets.token_bytes", "secrets.token_hex", "secrets.token_urlsafe", "secrets.randbelow", "secrets.choice",
    "secrets.randbits", "os.getpid", "tempfile.mkdtemp", "tempfile.mktemp",
}  # fmt: skip
#: Generators that take a seed, and entropy where they are given none.
_GENERATORS = {"random.Random", "numpy.random.default_rng", "numpy.random.RandomState", "numpy.random.SeedSequence",
               "numpy.random.PCG64", "numpy.random.Philox", "numpy.random.MT19937"}  # fmt: skip
_CLOCK = {
    "time.time", "time.time_ns", "time.ctime", "time.localtime", "time.gmtime", "time.strftime", "time.perf_counter",
    "time.perf_counter_ns", "time.monotonic", "time.monotonic_ns", "time.process_time", "datetime.datetime.now",
    "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
}  # fmt: skip
_CORES = {
    "os.cpu_count", "os.process_cpu_count", "os.sched_getaffinity", "multiprocessing.cpu_count", "psutil.cpu_count",
    "joblib.cpu_count", "torch.multiprocessing.cpu_count",
}  # fmt: skip
_ORDER = {"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob"}
_ORDER_METHODS = {"iterdir", "rglob", "imap_unordered"}
_TORCH_DRAWS = {"rand", "randn", "randint", "randperm", "bernoulli", "normal", "multinomial", "poisson", "rand_like", "randn_like", "randint_like"}  # fmt: skip
_TORCH_METHODS = {
    "uniform_",
    "normal_",
    "random_",
    "bernoulli_",
    "exponential_",
    "log_normal_",
    "cauchy_",
    "geometric_",
}
#: Layers that draw their weights when they are made, or a mask each time.
_LAYERS = re.compile(r"torch\.nn\.(Linear|Bilinear|Conv\w*|LazyLinear|LazyConv\w*|Embedding\w*|RNN\w*|LSTM\w*|GRU\w*|Multihead\w*|Transformer\w*|.*Dropout\w*|init\.(?!constant_|zeros_|ones_|eye_|dirac_)\w+_)")  # fmt: skip
_NUMPY_QUIET = {"seed", "get_state", "set_state", "Generator", "BitGenerator"}
_UNORDERED = {"sorted", "set", "frozenset", "len", "any", "all", "min", "max", "Counter"}
_SHELL = (
    (re.compile(r"\$\{?RANDOM\b|/dev/u?random|\buuidgen\b|\bshuf\b(?!.*--random-source)|\bsort\s+-\w*R"), ENTROPY),
    (re.compile(r"(^|[\s;|&(`])date(\s|$|[;|)`])"), CLOCK),
    (re.compile(r"\bnproc\b"), CORES),
)


@dataclass(frozen=True, slots=True)
class Sign:
    """`place` is FILE:LINE; `what` is the call as it is written, shortened; `library` one of EVERY or ""."""

    kind: str
    place: str
    what: str
    library: str = ""


def signs(files: Mapping[str, str]) -> list[Sign]:
    """Those of Python and shell files by path, in the order of the files and lines. What does not parse has none."""
    found: list[Sign] = []
    for path, text in files.items():
        if path.endswith(".py"):
            found += in_python(text, path)
        elif path.endswith((".sh", ".bash")) or (text.startswith("#!") and "sh" in text.partition("\n")[0]):
            found += in_shell(text, path)
    return found


def in_python(text: str, path: str) -> Iterator[Sign]:
    """The signs of one module."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    names = dict(_imported(tree))
    ordered = {id(inner) for node in ast.walk(tree) for inner in _put_in_order(node)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        for kind, library in _kinds(call, _dotted(call.func, names), ordered):
            yield Sign(kind, f"{path}:{call.lineno}", _written(call), library)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value == "PEDIGREE_SEED":
            yield Sign(GIVEN, f"{path}:{node.lineno}", "PEDIGREE_SEED")


def in_shell(text: str, path: str) -> Iterator[Sign]:
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, kind in _SHELL:
            found = pattern.search(line.partition(" #")[0])
            if found is not None:
                yield Sign(kind, f"{path}:{number}", found[0].strip(" ;|&()`"))


def imported(files: Mapping[str, str]) -> dict[str, str]:
    """Top-level names that the Python files import, each with the place of the first import."""
    found: dict[str, str] = {}
    for path, text in files.items():
        if path.endswith(".py"):
            try:
                tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError):
                continue
            for node in ast.walk(tree):
                tops = []
                if isinstance(node, ast.Import):
                    tops = [item.name.partition(".")[0] for item in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    tops = [node.module.partition(".")[0]]
                for top in tops:
                    found.setdefault(top, f"{path}:{getattr(node, 'lineno', 1)}")
    return found


def _kinds(call: ast.Call, name: str, ordered: set[int]) -> Iterator[tuple[str, str]]:
    """Kind and library of each sign that a call is."""
    last = name.rpartition(".")[2]
    given = {word.arg for word in call.keywords}
    generator = "generator" in given or "rng" in given
    if last in _SEED_ALL:
        yield from ((SEED, library) for library in EVERY)
    elif name in _SEEDS:
        # seed(None) and seed() take the system's entropy.
        yield (ENTROPY, "") if _without(call) else (SEED, _SEEDS[name])
    elif last == "set_rng_state" or name.endswith("default_generator.set_state"):
        yield SEED, TORCH
    elif name in _ENTROPY or (name in _GENERATORS and _without(call)):
        yield ENTROPY, ""
    elif name in _CLOCK:
        yield CLOCK, ""
    elif name in _CORES:
        yield CORES, ""
    elif last in ("use_deterministic_algorithms", "deterministic"):
        yield STEADY, ""
    elif (name in _ORDER or ("." in name and last in _ORDER_METHODS) or last == "as_completed") and id(
        call
    ) not in ordered:
        yield ORDER, ""
    elif name.startswith("random.") and last not in ("Random", "getstate", "setstate", "SystemRandom"):
        yield DRAW, RANDOM
    elif name.startswith("numpy.random.") and name not in _GENERATORS and last not in _NUMPY_QUIET:
        yield DRAW, NUMPY
    elif not generator and _draws_torch(name, last):
        yield DRAW, TORCH
    elif last == "DataLoader" and not generator:
        if _is_set(call, "num_workers") and "worker_init_fn" not in given:
            yield WORKER, TORCH
        elif _is_set(call, "shuffle"):
            yield DRAW, TORCH
    elif last == "random_split" and not generator:
        yield DRAW, TORCH


def _draws_torch(name: str, last: str) -> bool:
    if name.startswith("torch.") and last in _TORCH_DRAWS:
        return True
    method = last in _TORCH_METHODS and not name.startswith(("random.", "numpy."))
    return method or _LAYERS.match(name) is not None


def _is_set(call: ast.Call, name: str) -> bool:
    """Whether a keyword is given and may be true: `num_workers=0` and `shuffle=False` are not."""
    for word in call.keywords:
        if word.arg == name:
            return not isinstance(word.value, ast.Constant) or bool(word.value.value)
    return False


def _without(call: ast.Call) -> bool:
    values = [*call.args, *(word.value for word in call.keywords)]
    return not values or (isinstance(values[0], ast.Constant) and values[0].value is None)


def _put_in_order(node: ast.AST) -> Iterator[ast.AST]:
    """What stands inside sorted(), set(), len() and their like, for which order is nothing."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _UNORDERED:
        yield from (inner for argument in node.args for inner in ast.walk(argument))


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield (
                    item.asname or item.name.partition(".")[0],
                    item.name if item.asname else item.name.partition(".")[0],
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                yield item.asname or item.name, f"{node.module}.{item.name}"


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    """`numpy.random.rand` for `np.random.rand`; the methods of values are `?.name`, names of nowhere themselves."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        inner = node.value
        if isinstance(inner, ast.Name) and inner.id not in names:
            return f"?.{node.attr}"
        return (
            f"{_dotted(inner, names)}.{node.attr}" if isinstance(inner, (ast.Name, ast.Attribute)) else f"?.{node.attr}"
        )
    return "?"


def _written(call: ast.Call) -> str:
    text = ast.unparse(call)
    return text if len(text) <= 60 else f"{ast.unparse(call.func)}(…)"
