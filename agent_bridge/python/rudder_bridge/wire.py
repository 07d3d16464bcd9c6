"""Values as they stand in messages: tensors, spaces, episodes (PROTOCOL.md, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_NAMES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
_NAME_OF = {np.dtype(name): name for name in _NAMES}
_DTYPE_OF = {name: np.dtype(name).newbyteorder("<") for name in _NAMES}

# Up to this many numbers a list is packed faster than a tensor is made.
_SHORT_ROW = 8


def tensor(values: Any, field: str = "value") -> dict[str, Any]:
    """``values`` (an array, or anything numpy makes one of) as a message's tensor. ``field`` is for the error."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
    name = _NAME_OF.get(array.dtype)
    if name is None:
        array = _converted(array, field)
        name = _NAME_OF[array.dtype]
    return {"dtype": name, "shape": array.shape, "data": array.tobytes()}


def _converted(array: Array, field: str) -> Array:
    """An array whose element type the protocol does not have, in one that it has."""
    if array.dtype.kind in "iub":
        return array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    raise ValueError(f"{field}: rows of equal length with numbers are needed, not {array.dtype} values")


def array(value: Any) -> Array:
    """A message's tensor, list or number as an array of its own, in this machine's byte order."""
    if isinstance(value, Mapping):
        dtype = _DTYPE_OF[value["dtype"]]
        return np.frombuffer(value["data"], dtype).reshape(value["shape"]).astype(dtype.newbyteorder("="))
    return np.array(value)


class Space:
    """A space: its map for messages, and rows of it to and from messages.

    ``space`` is a space of Gymnasium or a map of PROTOCOL.md. A Dict or Tuple becomes the Box that
    `gymnasium.spaces.flatten_space` makes of it: its parts one behind the other, whole numbers one-hot.
    """

    def __init__(self, space: Any) -> None:
        # Gymnasium's Dict is a Mapping too, of spaces.
        is_map = isinstance(space, Mapping) and not hasattr(space, "sample")
        self._parts: list[_Part] = [] if is_map else _parts(space)
        if self._parts:
            self.map: dict[str, Any] = {"type": "box", "shape": [sum(part.width for part in self._parts)]}
        else:
            self.map = dict(space) if is_map else space_map(space)
        self.kind: str = self.map["type"]
        self.shape: tuple[int, ...] = _shape(self.map)
        self._short = int(np.prod(self.shape)) <= _SHORT_ROW

    def row(self, value: Any) -> Any:
        """One row for a message; nothing of ``value`` is referred to afterwards."""
        if self.kind == "discrete":
            return value if type(value) is int else int(np.asarray(value).item())
        row = self.one(value) if self._parts else np.asarray(value)
        return row.ravel().tolist() if self._short else tensor(row)

    def one(self, value: Any) -> Array:
        """One row as an array [...shape]."""
        if self._parts:
            return np.concatenate([part.rows(np.asarray(part.of(value))[None])[0] for part in self._parts])
        return np.asarray(value).reshape(self.shape)

    def rows(self, values: Any) -> Array:
        """Many rows as an array [n, ...shape] of its own."""
        if self._parts:
            return np.concatenate([part.rows(np.asarray(part.of(values))) for part in self._parts], axis=1)
        rows = np.array(values)
        return rows.reshape(len(rows), *self.shape)


class _Part:
    """A simple space within a Dict or Tuple."""

    def __init__(self, path: tuple[Any, ...], space: Any) -> None:
        self._path = path
        found = space_map(space)
        self._discrete = found["type"] in ("discrete", "multi_discrete")
        if self._discrete:
            self._sizes = array(found.get("n", found.get("nvec"))).astype(np.int64).ravel()
            self._start = array(found.get("start", 0)).astype(np.int64).ravel()
            self._first = np.cumsum(self._sizes) - self._sizes
            self.width = int(self._sizes.sum())
        else:
            self.width = int(np.prod(_shape(found)))

    def of(self, value: Any) -> Any:
        """This part of a value of the whole, or of a batch of them."""
        for key in self._path:
            value = value[key]
        return value

    def rows(self, values: Array) -> Array:
        """A batch of this part as an array [n, width]."""
        rows = values.reshape(len(values), -1)
        if not self._discrete:
            return rows
        places = rows.astype(np.int64) - self._start
        if np.any((places < 0) | (places >= self._sizes)):
            raise ValueError(f"a value outside its space at {list(self._path)}: {rows.tolist()}")
        one_hot = np.zeros((len(rows), self.width), np.uint8)
        np.put_along_axis(one_hot, self._first + places, 1, axis=1)
        return one_hot


def _parts(space: Any, path: tuple[Any, ...] = ()) -> list[_Part]:
    """The parts of a Dict or Tuple of Gymnasium, in its order; none of any other space."""
    kinds = _kinds(space)
    if "Dict" not in kinds and "Tuple" not in kinds:
        return [_Part(path, space)] if path else []
    inner = space.spaces.items() if "Dict" in kinds else enumerate(space.spaces)
    return [part for key, one in inner for part in _parts(one, (*path, key))]


def _kinds(space: Any) -> set[str]:
    """The names of its classes: by them Gymnasium's spaces are told, so that Gymnasium need not be there."""
    return {kind.__name__ for kind in type(space).__mro__}


def _shape(space: Mapping[str, Any]) -> tuple[int, ...]:
    if space["type"] == "discrete":
        return ()
    if space["type"] == "multi_discrete":
        return array(space["nvec"]).shape
    if space["type"] == "multi_binary":
        n = space["n"]
        return (n,) if isinstance(n, int) else tuple(n)
    return tuple(space["shape"])


def space_map(space: Any) -> dict[str, Any]:
    """A simple space of Gymnasium as a message's map."""
    kinds = _kinds(space)
    if "Discrete" in kinds:
        return {"type": "discrete", "n": int(space.n), "start": int(getattr(space, "start", 0))}
    if "MultiDiscrete" in kinds:
        found = {"type": "multi_discrete", "nvec": tensor(np.asarray(space.nvec, np.int64))}
        start = getattr(space, "start", None)
        if start is not None and np.any(start):
            found["start"] = tensor(np.asarray(start, np.int64))
        return found
    if "MultiBinary" in kinds:
        return {"type": "multi_binary", "n": [int(n) for n in space.shape]}
    if "Box" in kinds:
        # Without its bounds: many environments overstep them now and then, and the server only checks by them.
        return {"type": "box", "shape": [int(n) for n in space.shape]}
    raise TypeError(
        "spaces are Discrete, MultiDiscrete, MultiBinary, Box, and Dict or Tuple of these, not "
        f"{type(space).__name__}: make one of it, say by gymnasium.wrappers.TransformObservation"
    )


COLUMNS = ("observations", "actions", "rewards")
EPISODE_FIELDS = ("id", *COLUMNS, "terminated", "truncated", "seed")


def episode_map(episode: Mapping[str, Any], path: str, default_id: str | None) -> dict[str, Any]:
    """An episode for a message. ``path`` names it in errors; ``default_id`` is used where it has no id."""
    if not isinstance(episode, Mapping):
        raise TypeError(f"{path}: an episode is a dict of arrays, not {type(episode).__name__}")
    message: dict[str, Any] = {}
    for key, value in episode.items():
        if key not in EPISODE_FIELDS:
            raise ValueError(f"{path}: unknown field {key!r}; an episode has {', '.join(EPISODE_FIELDS)}")
        if value is None:
            continue
        if key in COLUMNS:
            message[key] = tensor(value, f"{path}.{key}")
        elif key == "id":
            message[key] = value.decode() if isinstance(value, bytes) else str(value)
        else:
            message[key] = int(value) if key == "seed" else bool(value)
    for key in ("observations", "rewards"):
        if key not in message:
            raise ValueError(f"{path}: {key} are missing")
    if default_id is not None:
        message.setdefault("id", default_id)
    return message


def episode_bytes(message: Mapping[str, Any]) -> int:
    """About how long an episode of ``episode_map`` is in a message."""
    return 256 + sum(len(message[key]["data"]) for key in COLUMNS if key in message)
