"""Rewards while episodes run: the streams of PROTOCOL.md, for one environment and for many at once.

Every step is kept until its episode ends. If the server forgets a stream (it was started anew, the session expired, or
the answer to the last step was lost), the episode is opened again under the same id and its steps are sent again.
"""

from __future__ import annotations

import itertools
import uuid
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .client import Client, Task, shared
from .errors import RudderError
from .wire import Array, array, tensor

# The stream is not there any more, or not where it should be: begin it again.
_LOST = frozenset({"unknown_stream", "out_of_order", "unknown_task"})


@dataclass(frozen=True)
class Settings:
    """How a wrapper wants its rewards; see `RedistributeReward`."""

    mix: float = 1.0
    time_limit: str = "cut"
    submit: bool = True


@dataclass(frozen=True)
class StreamedStep:
    reward: float
    ready: bool
    redistribution: tuple[float, ...] | None
    """The whole corrected sequence at the episode's end, else None."""


class _Episode:
    """One running episode: its stream and the steps made so far, as they stand in messages."""

    def __init__(self, task: Task, settings: Settings, name: str) -> None:
        self.task = task
        self.settings = settings
        self.name = name
        # Each step's fields, or the columns of many copies' steps and the row that is this one's.
        self.steps: list[tuple[dict[str, Any], int | None]] = []
        self.paid = 0.0
        self.number = 0
        self.opened = False

    def opening(self) -> dict[str, Any]:
        """The fields of stream.open, for a stream of a new number."""
        self.number = self.task.client.new_stream()
        settings = self.settings
        return {
            "stream": self.number,
            "episode": self.name,
            "mix": settings.mix,
            "time_limit": settings.time_limit,
            "submit": settings.submit,
        }

    def step(self, t: int) -> dict[str, Any]:
        fields, row = self.steps[t]
        if row is None:
            return fields
        step = {"t": t, **{name: values[row].tolist() for name, values in fields.items()}}
        if not (step.get("terminated") or step.get("truncated")):
            step.pop("final_observation", None)
        return step

    def abandon(self) -> None:
        if self.opened:
            self.task.client.post("stream.close", {"stream": self.number, "abandon": True})
            self.opened = False

    def again(self) -> dict[str, Any]:
        """Opens the episode anew and sends all its steps; the last one's reply, its reward such that the sum of all
        that was paid is what the new stream pays."""
        self.abandon()
        self.task.see(self.task.request("stream.open", self.opening()))
        self.opened = True
        total = 0.0
        reply: dict[str, Any] = {}
        for t in range(len(self.steps)):
            reply = self.task.client.request("stream.step", {"stream": self.number, **self.step(t)})
            total += reply["redistributed_reward"]
        return {**reply, "redistributed_reward": total - self.paid}

    def recover(self, error: RudderError) -> dict[str, Any]:
        """What to do about a step's error; raises it where there is nothing to do."""
        if error.code == "storage" and self.settings.submit:
            warnings.warn(f"the server cannot keep the episode, which is redistributed all the same: {error.message}")
            self.settings = Settings(self.settings.mix, self.settings.time_limit, submit=False)
        elif error.code not in _LOST:
            raise error
        return self.again()


class _Source:
    """What the streams of one wrapper share: the connection, the task and the names of the episodes."""

    def __init__(self, spec: dict[str, Any], address: str | None, timeout: float, settings: Settings) -> None:
        self.client: Client = shared.take(address, timeout)
        self.task = Task(self.client, spec)
        self.settings = settings
        self._names = (f"{uuid.uuid4().hex}-{n}" for n in itertools.count())
        try:
            self.task.configure()
        except BaseException:
            self.close()
            raise

    def episode(self) -> _Episode:
        return _Episode(self.task, self.settings, next(self._names))

    def close(self) -> None:
        shared.give_back(self.client)


class Stream:
    """The episodes of one environment, one after the other."""

    def __init__(self, spec: dict[str, Any], address: str | None, timeout: float, settings: Settings) -> None:
        self._source = _Source(spec, address, timeout, settings)
        self._request = self._source.client.request
        self._final = self._source.task.final_observation
        self._episode: _Episode | None = None

    def begin(self) -> bool:
        """A new episode; whether its rewards will be redistributed. One that still ran is forgotten."""
        if self._episode is not None:
            self._episode.abandon()
        episode = self._source.episode()
        task = self._source.task
        task.see(task.request("stream.open", episode.opening()))
        episode.opened = True
        self._episode = episode
        return task.ready

    def step(
        self, observation: Any, action: Any, reward: float, terminated: bool, truncated: bool, following: Any
    ) -> StreamedStep:
        """One step of the running episode; rows as `Space.row` gives them, ``following`` the one behind the step."""
        episode = self._episode
        if episode is None:
            raise RuntimeError("step() behind the end of an episode: reset() first")
        step = {"t": len(episode.steps), "observation": observation, "action": action, "reward": reward}
        ends = terminated or truncated
        if ends:
            step["terminated"], step["truncated"] = terminated, truncated
            if self._final:
                step["final_observation"] = following
        episode.steps.append((step, None))
        try:
            reply = self._request("stream.step", {"stream": episode.number, **step})
        except RudderError as error:
            reply = episode.recover(error)
        paid = reply["redistributed_reward"]
        episode.paid += paid
        if not ends:
            return StreamedStep(paid, reply["ready"], None)
        self._episode = None
        whole = tuple(array(reply["ended"]["redistributed_rewards"]).tolist())
        return StreamedStep(paid, reply["ended"]["ready"], whole)

    def close(self) -> None:
        if self._episode is not None:
            self._episode.abandon()
            self._episode = None
        self._source.close()


class Streams:
    """The episodes of many copies of an environment, all stepped in one round trip."""

    def __init__(
        self,
        copies: int,
        spec: dict[str, Any],
        address: str | None,
        timeout: float,
        settings: Settings,
    ) -> None:
        self._source = _Source(spec, address, timeout, settings)
        self._episodes: list[_Episode | None] = [None] * copies
        self._numbers = np.zeros(copies, np.int64)
        self._times = np.zeros(copies, np.int64)
        self.ready = np.full(copies, self._source.task.ready)

    def begin(self, mask: Array) -> None:
        """New episodes where mask [copies] is true; they are opened with their first step."""
        self.ready[mask] = self._source.task.ready
        for i in np.flatnonzero(mask):
            running = self._episodes[i]
            if running is not None:
                running.abandon()
            self._episodes[i] = self._source.episode()
            self._times[i] = 0

    def step(
        self,
        mask: Array,
        observations: Array,
        actions: Array,
        rewards: Array,
        terminated: Array,
        truncated: Array,
        following: Array,
    ) -> tuple[Array, Array]:
        """One step of the copies where mask is true; the other rows are not looked at.

        Observations and actions are as `Space.rows` gives them; ``following`` are the observations behind the step, the
        last of their episodes where these end.
        Returns float64 [copies], 0 where mask is false, and an object array [copies] with the whole corrected sequence
        where an episode ended, else None. ``ready`` is brought up to date.
        """
        rows = np.flatnonzero(mask)
        paid = np.zeros(len(mask))
        wholes = np.full(len(mask), None, dtype=object)
        if len(rows) == 0:
            return paid, wholes
        everything = len(rows) == len(mask)
        columns = {
            "observation": observations,
            "action": actions,
            "reward": np.asarray(rewards, np.float64),
        }
        ends = (terminated | truncated) & mask
        if ends.any():
            columns["terminated"], columns["truncated"] = terminated, truncated
            if self._source.task.final_observation:
                columns["final_observation"] = following
        if not everything:
            columns = {name: values[rows] for name, values in columns.items()}
        episodes = self._keep(rows, columns)
        paid[rows], self.ready[rows], ended = self._send(rows, columns)
        self._times[rows] += 1
        for episode, amount in zip(episodes, paid[rows].tolist()):
            episode.paid += amount
        for i, end in ended:
            wholes[i] = tuple(array(end["redistributed_rewards"]).tolist())
            self.ready[i] = end["ready"]
            self._episodes[i] = None
        return paid, wholes

    def _keep(self, rows: Array, columns: dict[str, Array]) -> list[_Episode]:
        """Each copy's step, in case that it must be sent again; their episodes."""
        kept = {name: values.copy() for name, values in columns.items()}
        episodes = []
        for k, i in enumerate(rows.tolist()):
            episode = self._episodes[i]
            if episode is None:
                raise RuntimeError(f"step behind the end of an episode of copy {i}: reset it first")
            episode.steps.append((kept, k))
            episodes.append(episode)
        return episodes

    def _send(self, rows: Array, columns: dict[str, Array]) -> tuple[Array, Array, list[tuple[int, dict[str, Any]]]]:
        """Rewards [rows], readiness [rows], and (copy, ended map) of the episodes that ended."""
        opens = []
        for i in rows[self._times[rows] == 0].tolist():
            episode = self._episodes[i]
            assert episode is not None
            opens.append({**episode.opening(), "task": self._source.task.name})
            episode.opened = True
            self._numbers[i] = episode.number
        message: dict[str, Any] = {name: tensor(values) for name, values in columns.items()}
        message["stream"] = tensor(self._numbers[rows])
        message["t"] = tensor(self._times[rows])
        if opens:
            message["opens"] = opens
        try:
            reply = self._source.client.request("stream.step", message)
        except RudderError as error:
            return self._recover(error, rows)
        ended = [(int(rows[end["index"]]), end) for end in reply.get("ended") or ()]
        ready = array(reply["ready"])
        if opens:  # the latest news
            self._source.task.ready = bool(ready[self._times[rows] == 0].any())
        return array(reply["redistributed_reward"]), ready, ended

    def _recover(self, error: RudderError, rows: Array) -> tuple[Array, Array, list[tuple[int, dict[str, Any]]]]:
        """Begins every episode of the step again, one after the other."""
        paid, ready, ended = np.zeros(len(rows)), np.zeros(len(rows), bool), []
        for k, i in enumerate(rows.tolist()):
            episode = self._episodes[i]
            assert episode is not None
            reply = episode.recover(error)
            paid[k], ready[k] = reply["redistributed_reward"], reply["ready"]
            self._numbers[i] = episode.number
            if reply.get("ended"):
                ended.append((i, reply["ended"]))
        return paid, ready, ended

    def close(self) -> None:
        for episode in self._episodes:
            if episode is not None:
                episode.abandon()
        self._episodes = [None] * len(self._episodes)
        self._source.close()
