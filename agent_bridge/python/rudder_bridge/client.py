"""The client: episodes out, redistributed rewards in."""

from __future__ import annotations

import itertools
import operator
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from .connection import Connection
from .errors import RudderError
from .keys import read_keys
from .server import PrivateServer
from .wire import Array, Space, array, episode_bytes, episode_map

Episode = Mapping[str, Any]
"""observations [T or T + 1, ...], actions [T, ...], rewards [T]; terminated, truncated, seed, id may be absent."""

# A message may hold so much without asking the server for its limits.
_SURE_EPISODES = 256
_SURE_BYTES = 1 << 23


@dataclass(frozen=True)
class Redistribution:
    """One episode's rewards, redistributed. While ``ready`` is false they are the original ones."""

    id: str | None
    rewards: Array
    """float64 [T], in reward units; they sum to the original return up to rounding."""
    original_rewards: Array
    prediction: float
    """The return that the model predicts after the last step."""
    quality: float | None
    """1 - (return - prediction)^2 / variance of the returns."""
    model_version: int
    ready: bool
    cut: bool
    """Cut by a time limit, and so neither learnt from nor redistributed (``time_limit="cut"``)."""


@dataclass(frozen=True)
class Explanation:
    """What one episode's prediction came from."""

    id: str | None
    prediction: float
    step_relevance: Array
    """[T or T + 1], one for each input."""
    relevance: Array | None
    """[inputs, columns], if asked for and the method tells it."""
    columns: tuple[str, ...]
    total: float
    conservation_error: float | None


class Task:
    """A specification at a server: what says in each request which model is meant.

    It is sent in full once; afterwards by its name, until a server does not know that name any more.
    """

    def __init__(self, client: Client, spec: Mapping[str, Any]) -> None:
        self.client = client
        self.spec = dict(spec)
        self.name: str | None = None
        self.model_version = 0
        self.ready = False
        self.final_observation = True

    def configure(self) -> dict[str, Any]:
        reply = self.client.request("configure", {"spec": self.spec, "lists": True})
        self.final_observation = bool(reply["spec"].get("final_observation", True))
        self.see(reply)
        return reply

    def see(self, reply: Mapping[str, Any]) -> None:
        """Keeps what a reply says of the task."""
        self.name = reply["task"]
        self.model_version = reply["model_version"]
        self.ready = reply["ready"]

    def request(
        self, op: str, fields: dict[str, Any], progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        if self.name is None:
            self.configure()
        try:
            return self.client.request(op, {"task": self.name, **fields}, progress)
        except RudderError as error:
            if error.code != "unknown_task":
                raise
        self.configure()
        return self.client.request(op, {"task": self.name, **fields}, progress)


class Client:
    """A connection to `rudder serve`.

    ``address`` is what the server prints, such as ``tcp://127.0.0.1:5555``. Without one a private server is started,
    and ends with the client; ``config``, ``state`` and ``settings`` are its configuration file, its state folder and
    single keys of the configuration, such as ``{"predictor.hidden": 32}``.
    ``timeout`` [s] is the longest wait for an answer. A server that asks for CURVE keys wants ``key`` and
    ``server_key``, the files of this client's secret key and of the server's public key that `rudder keygen` made
    (default: what the environment variables RUDDER_KEY and RUDDER_SERVER_KEY name, which the wrappers go by too).
    """

    def __init__(
        self,
        address: str | None = None,
        timeout: float = 10.0,
        *,
        key: str | None = None,
        server_key: str | None = None,
        config: str | None = None,
        state: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._server: PrivateServer | None = None
        if address is None:
            self._server = PrivateServer(config, state, settings)
            address, curve = self._server.address, None
        elif config is not None or state is not None or settings is not None:
            raise ValueError("config, state and settings are for a private server: leave the address out")
        else:
            curve = read_keys(key or os.environ.get("RUDDER_KEY"), server_key or os.environ.get("RUDDER_SERVER_KEY"))
        self.address: str = address
        self.timeout = timeout
        alive = self._server.failure if self._server is not None else _always
        self._connection = Connection(address, timeout, curve, alive)
        self._task: Task | None = None
        self._inferred: str | None = None  # the task that the server made from the first episodes
        self._limits: dict[str, int] | None = None
        self._streams = itertools.count(1)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection and ends the private server. Harmless when done before."""
        self._connection.close()
        if self._server is not None:
            self._server.close()

    def __repr__(self) -> str:
        return f"Client({self.address!r})"

    def request(
        self, op: str, fields: dict[str, Any] | None = None, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        """Any operation of PROTOCOL.md, as it stands there."""
        return self._connection.request(op, fields, progress)

    def post(self, op: str, fields: dict[str, Any]) -> None:
        """The same without waiting for the answer, which is thrown away."""
        self._connection.post(op, fields)

    def new_stream(self) -> int:
        """A number for a stream that this client has not used yet."""
        return next(self._streams) & 0xFFFFFFFF

    def _of_task(
        self, op: str, fields: dict[str, Any], progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        if self._task is not None:
            return self._task.request(op, fields, progress)
        try:
            reply = self.request(op, {"task": self._inferred, **fields}, progress)
        except RudderError as error:
            if error.code != "unknown_task":
                raise
            reply = self.request(op, fields, progress)
        self._inferred = reply.get("task")
        return reply

    def hello(self) -> dict[str, Any]:
        """Versions, operations and limits of the server, and the specification of the task if there is one."""
        return _payload(self.request("hello", {"client": "rudder_bridge", "lists": True}))

    def configure(
        self,
        observation_space: Any = None,
        action_space: Any = None,
        *,
        spec: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> dict[str, Any]:
        """Says what the task is, before or instead of having it inferred from the first episodes.

        The spaces are Gymnasium's, or maps of PROTOCOL.md; of a Dict or Tuple, episodes hold the rows that
        `gymnasium.spaces.flatten` makes. ``settings`` are the other fields of its specification (final_observation,
        features, seed, name). Or give the whole map as ``spec``.
        """
        if (spec is None) == (observation_space is None):
            raise ValueError("give either the spaces or spec")
        task = Task(self, spec if spec is not None else task_specification(observation_space, action_space, settings))
        reply = task.configure()
        self._task = task
        return _payload(reply)

    def submit(self, episodes: Episode | Iterable[Episode], *, time_limit: str = "cut") -> dict[str, Any]:
        """Gives finished episodes to the server, which keeps them and learns from them.

        An episode without an id gets a new one. One whose id the server knows is a duplicate and changes nothing, so a
        call that failed can be repeated if the ids were given. Returns the counts ``accepted``, ``duplicates``,
        ``cut``, the state of the task, and the ``ids``.
        """
        messages = _messages(episodes, ids=True)
        counts = {"accepted": 0, "duplicates": 0, "cut": 0}
        reply: dict[str, Any] = {}
        for batch in self.batches(messages):
            reply = self._of_task("submit", {"episodes": batch, "time_limit": time_limit})
            for key in counts:
                counts[key] += reply[key]
        return {**_payload(reply), **counts, "ids": [message["id"] for message in messages]}

    def redistribute(
        self,
        episodes: Episode | Iterable[Episode],
        *,
        mix: float | None = None,
        submit: bool = False,
        time_limit: str = "cut",
    ) -> list[Redistribution]:
        """The redistributed rewards of finished episodes, in order.

        ``mix`` w gives (1 - w) r + w r' (default: the server's configuration, 1). With ``submit`` the server keeps the
        episodes too; these rewards are then those of the model as it was before.
        """
        episodes = _listed(episodes)
        if not episodes:
            return []
        messages = _messages(episodes, ids=submit)
        fields = {"time_limit": time_limit, "submit": submit, "mix": mix}
        found: list[Redistribution] = []
        for batch in self.batches(messages):
            reply = self._of_task("redistribute", {"episodes": batch, **fields})
            found += (
                _redistribution(result, episode, reply["model_version"])
                for result, episode in zip(reply["results"], episodes[len(found) :])
            )
        return found

    def explain(
        self,
        episodes: Episode | Iterable[Episode],
        method: str = "difference",
        *,
        options: Mapping[str, Any] | None = None,
        relevance: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Explanation]:
        """What the model's predictions came from, by any method of contribution analysis that `hello` lists."""
        fields = {"method": method, "options": dict(options or {}), "relevance": relevance}
        found: list[Explanation] = []
        messages = _messages(episodes, ids=False)
        for batch in self.batches(messages) if messages else ():
            reply = self._of_task("explain", {"episodes": batch, **fields}, progress)
            columns = tuple(reply.get("columns") or ())
            found += (_explanation(result, columns) for result in reply["results"])
        return found

    def train(self, updates: int, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Makes this many updates now and publishes their model; returns when that is done.

        Background training is paused from then on, until `resume_training`: what the server learns depends on the
        seeds and the order of the calls alone. ``progress(done, total)`` is called about once a second.
        """
        return _payload(self._of_task("train", {"updates": operator.index(updates)}, progress))

    def pause_training(self) -> dict[str, Any]:
        return _payload(self._of_task("train.pause", {}))

    def resume_training(self) -> dict[str, Any]:
        return _payload(self._of_task("train.resume", {}))

    def status(self) -> dict[str, Any]:
        """At least ``episodes`` (distinct acknowledged ids), ``updates``, ``model_version``, ``ready``, ``quality``."""
        return _payload(self._of_task("status", {"lists": True}))

    def model(self, weights: bool = False) -> dict[str, Any]:
        """The published model; with ``weights`` also ``safetensors``, the bytes of a model file."""
        return _payload(self._of_task("model", {"weights": weights}))

    def batches(self, messages: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
        """As many episodes together as the server takes in one message."""
        sizes = [episode_bytes(message) for message in messages]
        if len(messages) <= _SURE_EPISODES and sum(sizes) <= _SURE_BYTES:
            yield list(messages)
            return
        if self._limits is None:
            self._limits = self.hello()["limits"]
        if self._task is None and self._inferred is None:
            # Or else the spaces would be inferred from the first message alone.
            self._of_task("redistribute", {"episodes": _extremes(messages)})
        most, most_bytes = self._limits["episodes"], self._limits["message_bytes"] // 2
        batch: list[dict[str, Any]] = []
        total = 0
        for message, size in zip(messages, sizes):
            if batch and (len(batch) == most or total + size > most_bytes):
                yield batch
                batch, total = [], 0
            batch.append(message)
            total += size
        yield batch


def task_specification(
    observation_space: Any, action_space: Any = None, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A task's specification as a message's map; ``more`` are its other fields."""
    spec = {"observation_space": Space(observation_space).map, **(more or {})}
    if action_space is not None:
        spec["action_space"] = Space(action_space).map
    return spec


def _always() -> None:
    return None


def _payload(reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reply.items() if key not in ("version", "id", "ok")}


def _listed(episodes: Episode | Iterable[Episode]) -> list[Episode]:
    return [episodes] if isinstance(episodes, Mapping) else list(episodes)


def _messages(episodes: Episode | Iterable[Episode], ids: bool) -> list[dict[str, Any]]:
    return [
        episode_map(episode, f"episodes[{i}]", uuid.uuid4().hex if ids else None)
        for i, episode in enumerate(_listed(episodes))
    ]


def _extremes(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those episodes from which the server infers the same spaces as from all."""
    chosen: dict[int, dict[str, Any]] = {}
    for key in ("observations", "actions"):
        known = [(message, array(message[key])) for message in messages if key in message]
        filled = [(message, values) for message, values in known if values.size > 0]
        measures: list[Callable[[Array], float]] = [
            lambda values: float(values.max()),
            lambda values: -float(values.min()),
            lambda values: float(values.dtype.kind == "f"),
        ]
        for measure in measures if filled else ():
            message = max(filled, key=lambda one: measure(one[1]))[0]
            chosen[id(message)] = message
    # An episode without its final observation, if there is one.
    shortest = min(messages, key=lambda one: _length(one["observations"]) - _length(one["rewards"]))
    chosen[id(shortest)] = shortest
    return list(chosen.values())


def _length(column: Mapping[str, Any]) -> int:
    return column["shape"][0] if column["shape"] else 0


def _redistribution(result: Mapping[str, Any], episode: Episode, model_version: int) -> Redistribution:
    return Redistribution(
        id=result.get("id"),
        rewards=array(result["redistributed_rewards"]),
        original_rewards=np.array(episode["rewards"], np.float64),
        prediction=result["prediction"],
        quality=result.get("quality"),
        model_version=model_version,
        ready=result["ready"],
        cut=result["cut"],
    )


def _explanation(result: Mapping[str, Any], columns: tuple[str, ...]) -> Explanation:
    relevance = result.get("relevance")
    return Explanation(
        id=result.get("id"),
        prediction=result["prediction"],
        step_relevance=array(result["step_relevance"]),
        relevance=None if relevance is None else array(relevance),
        columns=columns,
        total=result["total"],
        conservation_error=result.get("conservation_error"),
    )


class _Shared:
    """Clients used by several wrappers of this process: one for each address, closed with its last user.

    It waits as long as the most patient of them wants to.
    """

    def __init__(self) -> None:
        self._clients: dict[tuple[Any, ...], list[Any]] = {}
        self._lock = threading.Lock()

    def take(self, address: str | None, timeout: float) -> Client:
        # A forked child may not use the private server of its parent: it would lose it when the parent ends.
        key = (address, os.getpid())
        with self._lock:
            entry = self._clients.get(key)
            if entry is None:
                entry = self._clients[key] = [Client(address, timeout), 0]
            entry[1] += 1
            client: Client = entry[0]
            client._connection.wait_longer(timeout)
            return client

    def give_back(self, client: Client) -> None:
        with self._lock:
            for key, entry in self._clients.items():
                if entry[0] is client:
                    entry[1] -= 1
                    if entry[1] == 0:
                        del self._clients[key]
                        client.close()
                    return


shared = _Shared()


def relabel(
    episodes: Episode | Iterable[Episode],
    address: str | None = None,
    *,
    mix: float | None = None,
    submit: bool = True,
    time_limit: str = "cut",
    timeout: float = 10.0,
    client: Client | None = None,
) -> list[dict[str, Any]]:
    """Copies of finished episodes with ``rewards`` redistributed, for any learner that takes episodes.

    ``original_rewards`` and ``ready`` stand beside them. With ``submit`` the server learns from the episodes as well.
    Uses ``client``, else a connection to ``address``, else a private server that lives until Python ends.
    """
    episodes = _listed(episodes)
    used = client if client is not None else shared.take(address, timeout)
    try:
        found = used.redistribute(episodes, mix=mix, submit=submit, time_limit=time_limit)
    finally:
        # The private server is kept: it holds what was learnt.
        if client is None and address is not None:
            shared.give_back(used)
    return [
        {**episode, "rewards": one.rewards, "original_rewards": one.original_rewards, "ready": one.ready}
        for episode, one in zip(episodes, found)
    ]
