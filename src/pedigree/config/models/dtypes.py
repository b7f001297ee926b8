"""`NumpyDtype` and `TorchDtype`: types of array elements by name. Each library is imported when a name is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, PydanticSerializationUnexpectedValue, core_schema

from pedigree.errors import MissingExtra, meant

if TYPE_CHECKING:
    import numpy as np
    import torch


def numpy_dtype(name: Any) -> Any:
    """`float32`, `<i4`, `datetime64[ns]`: what `numpy.dtype` takes as text. Not `object`, which stands for anything, nor
    a structured one."""
    try:
        import numpy as np
    except ImportError as error:
        raise MissingExtra(
            "A dtype of NumPy is asked for, and NumPy is not installed.", remedy="pip install numpy"
        ) from error
    if isinstance(name, type) and issubclass(name, np.generic):
        name = np.dtype(name)
    if isinstance(name, str):
        try:
            name = np.dtype(name.removeprefix("numpy.").removeprefix("np."))
        except (TypeError, ValueError, SyntaxError):
            # No did-you-mean for a sized text such as `U3`; the names alone are worth one.
            known = [one.__name__ for one in np.sctypeDict.values()]
            raise _refused("a dtype of NumPy, such as float32", name, known) from None
    if not isinstance(name, np.dtype) or name.hasobject or name.names is not None or name.subdtype is not None:
        raise _refused("a dtype of NumPy, such as float32", "", ())
    return name


def torch_dtype(name: Any) -> Any:
    """`bfloat16`, `torch.float32`, `half`: a dtype of PyTorch; written without the prefix."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra(
            "A dtype of PyTorch is asked for, and PyTorch is not installed.", remedy="pip install torch"
        ) from error
    if isinstance(name, torch.dtype):
        return name
    text = name.removeprefix("torch.") if isinstance(name, str) else ""
    found = getattr(torch, text, None) if text.isidentifier() else None
    if isinstance(found, torch.dtype):
        return found
    known = [known for known in dir(torch) if isinstance(getattr(torch, known, None), torch.dtype)] if text else []
    raise _refused("a dtype of PyTorch, such as float32 or bfloat16", text, known)


def _refused(what: str, name: str, known: Any) -> PydanticCustomError:
    hint = meant(name, known).removesuffix(" ") if name else ""
    return PydanticCustomError("dtype_expected", "Input should be {what}", {"what": what, "hint": hint})


def _numpy_name(dtype: Any) -> str:
    # `name` forgets the byte order and the unit of bytes and text; `str` has them where they are not the machine's own.
    import numpy as np

    if not isinstance(dtype, np.dtype):
        raise PydanticSerializationUnexpectedValue("not a dtype of NumPy")  # of a union, another member
    name: str = dtype.name
    try:
        return name if np.dtype(name) == dtype else dtype.str
    except TypeError:
        return str(dtype.str)


def _torch_name(dtype: Any) -> str:
    import torch

    if not isinstance(dtype, torch.dtype):
        raise PydanticSerializationUnexpectedValue("not a dtype of PyTorch")  # of a union, another member
    return str(dtype).removeprefix("torch.")


class _Named:
    def __init__(self, read: Any, written: Any, example: str) -> None:
        self.read, self.written, self.example = read, written, example

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.written, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "examples": [self.example]}


if TYPE_CHECKING:
    NumpyDtype = np.dtype[Any]
    TorchDtype = torch.dtype
else:
    NumpyDtype = Annotated[Any, _Named(numpy_dtype, _numpy_name, "float32")]
    TorchDtype = Annotated[Any, _Named(torch_dtype, _torch_name, "bfloat16")]
