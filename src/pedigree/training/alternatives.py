"""The torch operations that have no deterministic form, and what to use instead.

The table holds what torch 2.13 lists under "will throw a RuntimeError" in `torch.use_deterministic_algorithms`, and what it
raises without listing; a test compares the two lists. `alerts` are the names that torch's error gives an operation.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ALERT = re.compile(r"(.+?) does not have a deterministic implementation, but you set 'torch\.use_deterministic")


class Alternative(NamedTuple):
    """An operation as torch documents it, where it has no deterministic form, its names in errors, what to do instead."""

    operation: str
    where: str
    alerts: tuple[str, ...]
    instead: str


_BACKWARD = "in the backward pass on a GPU"
_POOL = "Use strides or a plain pool of fixed size (nn.AvgPool2d, nn.MaxPool2d), whose backward pass is deterministic"
_PAD = "Pad with nn.ZeroPad or nn.ReplicationPad; or build the border with torch.cat of flipped slices"
_FRACTIONAL = "Use nn.MaxPool2d (or 3d) with a whole-number stride"
_UNPOOL = (
    "Give each index once and use scatter_add_ on zeros, or use nn.Upsample(mode='nearest') or a transposed convolution"
)
_RESIZE = "Use mode='nearest', or resize the images before the model with Pillow; a fixed 2x bilinear step is a transposed convolution"

TABLE = (
    Alternative(
        "torch.nn.AvgPool3d",
        _BACKWARD,
        ("avg_pool3d_backward_cuda",),
        "Use a strided nn.Conv3d with constant weights, grouped by channel",
    ),
    Alternative(
        "torch.nn.AdaptiveAvgPool2d",
        _BACKWARD,
        ("adaptive_avg_pool2d_backward_cuda",),
        f"{_POOL}; for an output of 1 x 1, x.mean((2, 3))",
    ),
    Alternative(
        "torch.nn.AdaptiveAvgPool3d",
        _BACKWARD,
        ("adaptive_avg_pool3d_backward_cuda",),
        "For an output of 1 x 1 x 1, x.mean((2, 3, 4)); else reshape into blocks and take their mean",
    ),
    Alternative(
        "torch.nn.AdaptiveMaxPool2d",
        _BACKWARD,
        ("adaptive_max_pool2d_backward_cuda",),
        f"{_POOL}; for an output of 1 x 1, x.amax((2, 3))",
    ),
    Alternative("torch.nn.FractionalMaxPool2d", _BACKWARD, ("fractional_max_pool2d_backward_cuda",), _FRACTIONAL),
    Alternative("torch.nn.FractionalMaxPool3d", _BACKWARD, ("fractional_max_pool3d_backward_cuda",), _FRACTIONAL),
    Alternative("torch.nn.MaxUnpool1d", "everywhere", ("max_unpooling2d_forward_out",), _UNPOOL),
    Alternative("torch.nn.MaxUnpool2d", "everywhere", ("max_unpooling2d_forward_out",), _UNPOOL),
    Alternative("torch.nn.MaxUnpool3d", "everywhere", ("max_unpooling3d_forward_out",), _UNPOOL),
    Alternative(
        "torch.nn.functional.interpolate",
        f"{_BACKWARD}, modes linear, bicubic and trilinear (bilinear in older versions of torch)",
        (
            "upsample_linear1d_backward_out_cuda",
            "upsample_bilinear2d_backward_out_cuda",
            "upsample_bicubic2d_backward_out_cuda",
            "upsample_trilinear3d_backward_out_cuda",
        ),
        _RESIZE,
    ),
    Alternative("torch.nn.ReflectionPad1d", _BACKWARD, ("reflection_pad1d_backward_out_cuda",), _PAD),
    Alternative("torch.nn.ReflectionPad2d", _BACKWARD, ("reflection_pad2d_backward_cuda",), _PAD),
    Alternative("torch.nn.ReflectionPad3d", _BACKWARD, ("reflection_pad3d_backward_out_cuda",), _PAD),
    Alternative(
        "torch.nn.NLLLoss",
        "on a GPU, for images (classes in dimension 1 of 4)",
        ("nll_loss2d_forward_out_cuda_template",),
        "Move the classes last and flatten: cross_entropy(x.permute(0, 2, 3, 1).reshape(-1, classes), y.reshape(-1)); "
        "or take binary_cross_entropy_with_logits of one-hot masks",
    ),
    Alternative(
        "torch.nn.CTCLoss",
        _BACKWARD,
        ("ctc_loss_backward_gpu",),
        "Compute this loss on the CPU: ctc_loss(x.cpu(), ...)",
    ),
    Alternative(
        "torch.nn.EmbeddingBag",
        f"{_BACKWARD}, mode max",
        ("embedding_bag_backward_cuda_max",),
        "Use mode='mean' or 'sum'; or nn.Embedding and amax over the bag",
    ),
    Alternative(
        "torch.Tensor.put_",
        "with accumulate=False everywhere, with accumulate=True on a GPU",
        ("put_",),
        "Use index_put_, x.view(-1)[index] = source, which is deterministic",
    ),
    Alternative(
        "torch.histc",
        "on a GPU",
        ("_histc_cuda", "_histc_cuda with floating point input"),
        "Use torch.histc on the CPU, or torch.bucketize and torch.bincount without weights",
    ),
    Alternative(
        "torch.bincount",
        "on a GPU with weights",
        ("_bincount_cuda",),
        "Use torch.zeros(n).index_add_(0, index, weights), which is deterministic, or the CPU",
    ),
    Alternative(
        "torch.median",
        "on a GPU with indices",
        ("median CUDA with indices output",),
        "Use torch.sort(x, stable=True) and take the middle; torch.median(x) without a dimension is deterministic",
    ),
    Alternative(
        "torch.nn.functional.grid_sample",
        _BACKWARD,
        ("grid_sampler_2d_backward_cuda", "grid_sampler_3d_backward_cuda"),
        "Warp images before the model without gradients, or on the CPU",
    ),
    Alternative(
        "torch.cumsum",
        "on a GPU for floats",
        ("cumsum_cuda_kernel",),
        "Sum on the CPU, or multiply with a triangular matrix of ones: x @ ones(n, n).triu()",
    ),
    Alternative(
        "torch.Tensor.scatter_reduce",
        "on a GPU, reduce='prod'",
        ("scatter_reduce_cuda_prod_",),
        "Use reduce='sum' of logarithms and signs, or the CPU",
    ),
    Alternative(
        "torch.Tensor.resize_", "for quantised tensors", ("quantized_resize_cpu_",), "Make a new tensor of that size"
    ),
    # Raised, and not listed by torch.
    Alternative(
        "torch.kthvalue", "on a GPU", ("kthvalue CUDA",), "Use torch.sort(x, stable=True) and take element k - 1"
    ),
)

#: Of TABLE, what torch raises without listing it.
UNLISTED = frozenset({"torch.kthvalue"})


def alert(message: str) -> str | None:
    """The operation that torch's error is about, in its words; None for any other error."""
    found = _ALERT.search(message)
    return found[1].rpartition("\n")[2] if found else None


def alternative(name: str) -> Alternative | None:
    """What to use instead of an operation, by its name in torch's documentation or in torch's error; None if unknown."""
    for one in TABLE:
        if name in (one.operation, one.operation.rpartition(".")[2]) or name in one.alerts:
            return one
    return None
