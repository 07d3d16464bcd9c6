"""A private server: `rudder serve` as a child process on an ipc socket, which ends with this process."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import RudderError

_START_SECONDS = 20.0
_END_SECONDS = 5.0
_LONGEST_FOLDER = 80


def find_server() -> str:
    """The program `rudder`: RUDDER_SERVER, else on PATH, else in the build folder of the checkout that this file is
    in."""
    named = os.environ.get("RUDDER_SERVER")
    if named:
        if shutil.which(named) is None:
            raise FileNotFoundError(f"RUDDER_SERVER={named} is no program")
        return named
    built = Path(__file__).resolve().parents[3] / "build" / "rudder"
    found = shutil.which("rudder") or shutil.which(str(built))
    if found is None:
        raise FileNotFoundError(
            f"there is no program `rudder` on PATH nor at {built}: build and install it, set RUDDER_SERVER to it, "
            "or give the address of a server that runs"
        )
    return found


def _socket_folder() -> str | None:
    """Where a socket's path stays below the 108 bytes that systems allow: not in every TMPDIR."""
    return None if len(os.fsencode(tempfile.gettempdir())) <= _LONGEST_FOLDER else "/tmp"


class PrivateServer:
    """Starts at once; ``address`` is where it listens. The arguments are those of `rudder serve`."""

    def __init__(
        self, config: str | None = None, state: str | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        folder = tempfile.mkdtemp(prefix="rudder-", dir=_socket_folder())  # readable by this user alone
        self.address = f"ipc://{folder}/socket"
        self._log = Path(folder) / "log"
        command = [find_server(), "serve"]
        if config is not None:
            command.append(os.fspath(config))
        command += ["--bind", self.address, "--parent", str(os.getpid())]
        if state is not None:
            command += ["--state", os.fspath(state)]
        command += [f"--set={key}={_text(value)}" for key, value in (settings or {}).items()]
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C is for this program to handle, not for the server.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        # Also when this object is forgotten, and when Python ends.
        self.close = weakref.finalize(self, _end, self.process, folder, os.getpid())
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def _wait_until_ready(self) -> None:
        output = self.process.stdout
        assert output is not None
        deadline = time.monotonic() + _START_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            wait = max(0.0, deadline - time.monotonic())
            if not select.select([output], [], [], wait)[0]:
                raise RudderError("server_ended", f"the private server was not ready in {_START_SECONDS:g} s")
            piece = os.read(output.fileno(), 4096)
            if not piece:
                self.process.wait(_END_SECONDS)
                raise RudderError("server_ended", self.failure() or "the private server closed its output")
            line += piece

    def failure(self) -> str | None:
        """Why it has ended, or None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        said = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        return "; ".join([f"the private server ended with code {code}", *said[-3:]])


def _text(value: Any) -> str:
    """As the configuration file writes it; JSON is YAML too."""
    return value if isinstance(value, str) else json.dumps(value)


def _end(process: subprocess.Popen[bytes], folder: str, owner: int) -> None:
    """Ends the server, in the process that started it only: a forked child has no right to it."""
    if os.getpid() != owner:
        return
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
    shutil.rmtree(folder, ignore_errors=True)
