"""One connection: requests out, replies in (PROTOCOL.md, sections 1 and 4)."""

from __future__ import annotations

import itertools
import os
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgpack
import zmq

from .errors import RudderError, RudderTimeout
from .keys import CurveKeys

VERSION = 1

# Carrying these out twice would change more than once.
_NOT_AGAIN = frozenset({"env.step", "train", "shutdown"})
# Nothing was done: the same may be sent again.
_LATER = frozenset({"busy", "shutting_down"})
# A request without an answer is sent again after these shares of the time-out.
_SEND_AGAIN = (0.25, 0.5)
_LINGER = 100  # ms for what `post` left, when the connection is closed
_SLICE = 0.25  # seconds between looks at a private server's process


def _unpack(frame: bytes) -> dict[str, Any]:
    """A message; empty, and so an answer to nothing, if the frame does not hold one."""
    try:
        message = msgpack.unpackb(frame)
    except ValueError:
        return {}
    return message if type(message) is dict else {}


class Connection:
    """A DEALER socket. May be used by several threads, and after a fork (the child gets a connection of its own).

    ``timeout`` [s] is the longest wait for one answer; a progress message restarts it. ``alive`` is asked while
    waiting: it returns None, or why no answer can come any more.
    """

    def __init__(
        self,
        address: str,
        timeout: float,
        curve: CurveKeys | None = None,
        alive: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.address = address
        self.timeout = timeout
        self._curve = curve
        self._alive = alive
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._pack = msgpack.Packer(autoreset=True).pack
        self._process = -1
        self._closed = False
        self._first_wait = max(1, int(1000 * timeout * _SEND_AGAIN[0]))

    def _open(self) -> zmq.Socket[bytes]:
        """Connects, or connects anew in a forked child, which must leave its parent's socket alone."""
        if self._closed:
            raise RudderError("closed", f"the connection to {self.address} was closed")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        socket.sndhwm = socket.rcvhwm = 0
        # Nothing is kept for a server that is not there: a request that timed out must not be carried out later.
        socket.immediate = True
        socket.ipv6 = "[" in self.address
        socket.routing_id = b"py-" + uuid.uuid4().hex.encode()
        if self._curve is not None:
            socket.curve_serverkey = self._curve.server
            socket.curve_publickey = self._curve.public
            socket.curve_secretkey = self._curve.secret
        socket.rcvtimeo = self._first_wait
        socket.sndtimeo = self._first_wait
        try:
            socket.connect(self.address)
        except zmq.ZMQError as error:
            socket.close()
            raise ValueError(
                f"{self.address!r} is no address of a server, such as tcp://127.0.0.1:5555: {error}"
            ) from None
        self._socket = socket
        self._process = os.getpid()
        return socket

    def wait_longer(self, timeout: float) -> None:
        """Makes the time-out at least this long."""
        self.timeout = max(self.timeout, timeout)

    def close(self) -> None:
        with self._lock:
            if self._process == os.getpid():
                self._socket.close(linger=_LINGER)
                self._context.term()
                self._process = -1
            self._closed = True

    def request(
        self, op: str, fields: dict[str, Any] | None = None, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        """Sends one request and returns its reply. RudderError is the server's error, RudderTimeout no answer."""
        with self._lock:
            socket = self._socket if self._process == os.getpid() else self._open()
            number = next(self._numbers)
            message = {"version": VERSION, "id": number, "op": op}
            if fields:
                message.update(fields)
            reply = None
            started = time.monotonic()
            sent = False
            try:
                socket.send(self._pack(message))
                sent = True
                reply = _unpack(socket.recv())
                if reply.get("id") == number and reply.get("ok"):
                    return reply
            except zmq.Again:
                pass
            return _Exchange(self, socket, message, started, progress).finish(reply, sent)

    def post(self, op: str, fields: dict[str, Any]) -> None:
        """Sends a request whose answer does not matter, if it can be sent at once."""
        with self._lock:
            if self._process != os.getpid():
                return
            message = {"version": VERSION, "id": next(self._numbers), "op": op, **fields}
            try:
                self._socket.send(self._pack(message), zmq.DONTWAIT)
            except (zmq.ZMQError, ImportError):  # pyzmq cannot make its error where Python is ending
                return


class _Exchange:
    """A request that was not answered rightly at the first look: waits on, sends again, sorts out what comes."""

    def __init__(
        self,
        connection: Connection,
        socket: zmq.Socket[bytes],
        message: dict[str, Any],
        started: float,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.connection = connection
        self.socket = socket
        self.message = message
        self.ids = {message["id"]}
        self.progress = progress
        self.restart(started)

    def restart(self, started: float) -> None:
        timeout = self.connection.timeout
        self.deadline = started + timeout
        again = () if self.message["op"] in _NOT_AGAIN else _SEND_AGAIN
        self.send_at = [started + share * timeout for share in again]

    def finish(self, reply: dict[str, Any] | None, sent: bool) -> dict[str, Any]:
        if not sent:
            self.send_at.insert(0, time.monotonic())
        while True:
            if reply is not None:
                answer = self.judge(reply)
                if answer is not None:
                    return answer
            reply = self.receive()

    def judge(self, reply: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None to wait on: for late replies to earlier requests, progress, and `busy`."""
        if reply.get("id") not in self.ids:
            return None
        if "ok" not in reply:
            if self.progress is not None:
                self.progress(reply["progress"]["done"], reply["progress"]["total"])
            self.restart(time.monotonic())
            self.send_at = []
            return None
        if reply["ok"]:
            return reply
        error = reply.get("error") or {}
        if error.get("code") in _LATER and self.wait_for(error.get("retry_after_ms", 100) / 1000):
            return None
        raise RudderError(error.get("code", "internal"), error.get("message", "no message"), error)

    def wait_for(self, seconds: float) -> bool:
        """Plans to send again after this time; false if that is too late."""
        when = time.monotonic() + seconds
        self.send_at = [when]
        return when < self.deadline

    def receive(self) -> dict[str, Any] | None:
        """The next message, or None after a while; sends again when it is time to."""
        now = time.monotonic()
        reason = self.connection._alive()
        if reason is not None:
            raise RudderError("server_ended", reason)
        if now >= self.deadline:
            raise RudderTimeout(self.explanation())
        if self.send_at and now >= self.send_at[0]:
            self.send_again()
        until = min([self.deadline, now + _SLICE, *self.send_at[:1]])
        if not self.socket.poll(max(1, int(1000 * (until - now)))):
            return None
        return _unpack(self.socket.recv())

    def send_again(self) -> None:
        """Under a new id; an answer to either is taken."""
        connection = self.connection
        number = next(connection._numbers)
        try:
            self.socket.send(connection._pack({**self.message, "id": number}), zmq.DONTWAIT)
        except zmq.Again:  # no connection yet
            self.send_at[0] = time.monotonic() + 0.02
            return
        self.ids.add(number)
        del self.send_at[0]

    def explanation(self) -> str:
        connection = self.connection
        return (
            f"{connection.address} did not answer `{self.message['op']}` within {connection.timeout:g} s. "
            "Is `rudder serve` running there, is the address the one that it prints, does a firewall stand between, "
            "and does it ask for CURVE keys that this client lacks? If it is only slow, give a longer timeout."
        )
