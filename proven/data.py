"""Reads what the process of a section, or a record, says: as data of declared types, and nothing else.

Messages are lines of JSON. Neither their size nor the time that one takes is without a limit.
"""

import json
import math
import socket
import time
import types
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

MESSAGE_LIMIT = 2**26  # bytes of one message
# ours, also where a cell changes the module; paths and dataclasses are what JSON does not know
_written = json.JSONEncoder(default=lambda v: vars(v) if is_dataclass(v) else str(v)).encode


def from_data(kind: Any, value: Any, at: str = "it") -> Any:
    """Make a value of a type, a dataclass or what a field of one may be, from what JSON can hold.

    A ValueError tells where data are of another type: `outcomes[2].seconds cannot be "a"`.
    """
    origin, inside = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        needed = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING]
        if not isinstance(value, dict) or value.keys() - hints or set(needed) - value.keys():
            if isinstance(value, dict):
                value = sorted({*value.keys() - hints, *set(needed) - value.keys()})
            told = json.dumps(value, default=str)[:200]
            raise ValueError(f"{at} lacks a field, or has one too many: {told}")
        made = {name: from_data(hints[name], one, f"{at}.{name}") for name, one in value.items()}
        return kind(**made)  # type: ignore[operator]
    if origin is tuple and isinstance(value, list):
        kinds = inside[:1] * len(value) if inside[-1] is ... else inside
        if len(kinds) == len(value):
            return tuple(
                from_data(one, part, f"{at}[{number}]")
                for number, (one, part) in enumerate(zip(kinds, value, strict=True))
            )
    elif origin is dict and isinstance(value, dict):
        return {name: from_data(inside[1], one, f"{at}.{name}") for name, one in value.items()}
    elif origin in (Union, types.UnionType):
        if value is None and type(None) in inside:
            return None
        return from_data(next(one for one in inside if one is not type(None)), value, at)
    elif origin is Literal and isinstance(value, str) and value in inside:
        return value
    elif kind is Path and isinstance(value, str):
        return Path(value)
    elif kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    elif kind is not float and type(value) is kind:
        return value
    raise ValueError(f"{at} cannot be {json.dumps(value, default=str)[:200]}")


def send(pipe: socket.socket, kind: str, value: Any) -> None:
    """Send a dataclass, a list of such, or a text, as a message of this kind."""
    pipe.sendall(_written({kind: value}).encode() + b"\n")


class Messages:
    """The messages that come through a socket."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe, self._read = pipe, bytearray()

    def next(self, deadline: float) -> tuple[str, Any]:
        """Wait for the next message, its kind and what it says, until `time.monotonic` says so.

        Raised is a TimeoutError if none has come as a whole, an EOFError if none will come, and a
        ValueError if it is longer than the limit, or no message.
        """
        begin = 0
        while (end := self._read.find(b"\n", begin)) < 0:
            begin, left = len(self._read), deadline - time.monotonic()
            if begin > MESSAGE_LIMIT:
                raise ValueError(f"a message of more than {MESSAGE_LIMIT:,} bytes")
            if left <= 0:
                raise TimeoutError
            self._pipe.settimeout(left)
            part = self._pipe.recv(1 << 20)
            if not part:
                raise EOFError
            self._read += part
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        message = json.loads(line)
        if not isinstance(message, dict) or len(message) != 1:
            raise ValueError("what is no message")
        [pair] = message.items()
        return pair
