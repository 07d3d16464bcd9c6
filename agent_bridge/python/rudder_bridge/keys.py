"""CURVE keys, in the files that `rudder keygen` makes: one key in Z85 text each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import zmq


@dataclass(frozen=True)
class CurveKeys:
    """Z85 text: the server's public key, and the client's pair."""

    server: bytes
    public: bytes
    secret: bytes


def _read(path: str) -> bytes:
    key = Path(path).read_bytes().strip()
    if len(key) != 40:
        raise ValueError(f"{path} holds no key: 40 characters are expected, as `rudder keygen` writes them")
    return key


def read_keys(secret: str | None, server: str | None) -> CurveKeys | None:
    """From the file of the client's secret key, which no other user may read, and that of the server's public key."""
    if secret is None and server is None:
        return None
    if secret is None or server is None:
        raise ValueError("key and server_key (RUDDER_KEY and RUDDER_SERVER_KEY) belong together")
    if os.stat(secret).st_mode & 0o077:
        raise PermissionError(f"{secret} can be read by others: chmod 600 {secret}")
    own = _read(secret)
    return CurveKeys(_read(server), zmq.curve_public(own), own)
