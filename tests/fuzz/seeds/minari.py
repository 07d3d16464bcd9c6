"""Writes the seeds of tests/fuzz/fuzz_minari.c: bytes that make it build files without a fault."""

import json
import pathlib

AS_USUAL = 15


def array(values=b""):
    """One array; `values` are written over its zeros, a byte in five."""
    return bytes([0, AS_USUAL, 3]) + values.ljust(8, b"\0") if values else bytes([0, AS_USUAL, 0])


def episode(steps, end):
    """Observations, actions, rewards, the end, no infos."""
    rewards = array(bytes([0, 0x3F]))
    return bytes([0, steps - 1, 0, 0, 0, 0]) + array() + array() + rewards + array(end) + array() + bytes(2)


box = {"type": "Box", "dtype": "float32", "shape": [2], "low": [-1, -1], "high": [1, 1]}
metadata = {
    "dataset_id": "fuzz/seed-v0",
    "total_episodes": 2,
    "total_steps": 4,
    "data_format": "hdf5",
    "observation_space": json.dumps(box),
    "action_space": json.dumps({"type": "Discrete", "dtype": "int64", "start": 0, "n": 2}),
}
MINARI, LINES, D4RL = 0, 2, 3  # the format that is written again
PLAIN, FLAT, WITH_METADATA = 0, 1, 4
folder = pathlib.Path(__file__).parent / "fuzz_minari"
one = episode(1, b"\1")
(folder / "inferred").write_bytes(bytes([D4RL, PLAIN, 0]) + one)
(folder / "metadata").write_bytes(
    bytes([MINARI, WITH_METADATA, 1]) + one + episode(3, b"") + json.dumps(metadata).encode()
)
(folder / "flat").write_bytes(bytes([LINES, FLAT, 3]) + 3 * array() + array(b"\1") + 2 * array() + bytes(2))
