"""`Bytes`: a number of bytes that a file spells `64 MiB`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, PydanticSerializationUnexpectedValue, core_schema

_BINARY = {unit: 1024**power for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))}
_DECIMAL = {unit: 1000**power for power, unit in enumerate(("B", "kB", "MB", "GB", "TB", "PB", "EB"))}
_UNITS = {unit.casefold(): size for unit, size in (_BINARY | _DECIMAL).items()}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)")


def parse_bytes(text: str) -> int:
    """`64 MiB` is 67108864, `1.5kB` is 1500; case does not matter. KiB, MiB and so on are powers of 1024, kB, MB and so
    on of 1000. Raises ValueError for another unit, none, or part of a byte."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].casefold() not in _UNITS or len(found[1]) > 40:
        raise ValueError("not a number of bytes")
    size = Fraction(found[1]) * _UNITS[found[2].casefold()]
    if size.denominator != 1:
        raise ValueError("not a whole number of bytes")
    return int(size)


def format_bytes(size: int) -> str:
    """The one spelling that is written: the largest unit of which it is a whole number, of 1024 before 1000."""
    for units in (_BINARY, _DECIMAL):
        for unit, one in reversed(units.items()):
            if unit != "B" and size and size % one == 0:
                return f"{size // one} {unit}"
    return f"{size} B"


class _Spelling:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            _read,
            core_schema.int_schema(ge=0, strict=True),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtTpPeE][iI]?)?[bB]\s*$"
        return {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": pattern}]}


def _read(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_bytes(value)
        except ValueError:
            raise PydanticCustomError(
                "bytes_expected", "Input should be a number of bytes, such as 64 MiB or 1.5 GB"
            ) from None
    return value


def _written(size: Any) -> str:
    if type(size) is not int:
        raise PydanticSerializationUnexpectedValue("not a number of bytes")  # of a union, another member
    return format_bytes(size)


#: An int, 0 or more. A bare number in a file is bytes; it is written with its unit.
Bytes = Annotated[int, _Spelling()]
