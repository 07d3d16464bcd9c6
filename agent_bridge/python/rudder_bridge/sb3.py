"""Stable-Baselines3 (2.4 to 2.7): a wrapper for its vectorised environments, and a replay buffer."""

from __future__ import annotations

import uuid
import warnings
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecNormalize

from .client import Client, Task, shared, task_specification
from .errors import RudderError
from .streams import Settings, Streams
from .surroundings import warn_of_others, warn_of_outer
from .wire import Array, Space, array, episode_map

# So many stored episodes are made ready for a message at once.
_TOGETHER = 256


class VecRedistributeReward(VecEnvWrapper):
    """A VecEnv with its rewards redistributed, in one round trip a step for all copies.

    Each info holds ``original_reward``, ``redistributed_reward``, ``ready`` and ``redistribution`` as with
    `RedistributeReward`, whose arguments these are. A Monitor inside goes on to report original rewards.
    With the time limit ``terminal`` the infos' ``TimeLimit.truncated`` is false, so that no learner bootstraps behind
    the end and counts the correction twice.
    """

    def __init__(
        self,
        venv: VecEnv,
        address: str | None = None,
        mix: float = 1.0,
        *,
        time_limit: str = "cut",
        submit: bool = True,
        timeout: float = 10.0,
        specification: dict[str, Any] | None = None,
    ) -> None:
        VecEnvWrapper.__init__(self, venv)
        self._observation = Space(venv.observation_space)
        self._action = Space(venv.action_space)
        self._specification = task_specification(venv.observation_space, venv.action_space, specification)
        self._connect = (address, timeout, Settings(mix, time_limit, submit))
        self._terminal = time_limit == "terminal"
        self._streams: Streams | None = None
        self._last = np.zeros(0)
        self._taken = np.zeros(0)
        self._everywhere = np.ones(venv.num_envs, bool)
        self._warned = False

    def reset(self) -> Array:
        self._warned = self._warned or warn_of_others(self.venv)
        observations = self.venv.reset()
        if self._streams is None:
            self._streams = Streams(self.num_envs, self._specification, *self._connect)
        self._begin(self._streams, self._everywhere)
        self._last = self._observation.rows(observations)
        return observations

    def step_async(self, actions: Array) -> None:
        self._taken = self._action.rows(actions)
        self.venv.step_async(actions)

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        streams = self._streams
        if streams is None:
            raise RuntimeError("step() before the first reset()")
        observations, rewards, dones, infos = self.venv.step_wait()
        done, rewards = np.asarray(dones, bool), np.asarray(rewards)
        cut = np.array([bool(info.get("TimeLimit.truncated", False)) for info in infos]) & done
        following = self._observation.rows(observations)
        for i in np.flatnonzero(done):
            following[i] = self._observation.one(infos[i]["terminal_observation"])
        paid, wholes = streams.step(self._everywhere, self._last, self._taken, rewards, done & ~cut, cut, following)
        told = zip(infos, rewards.tolist(), paid.tolist(), streams.ready.tolist(), wholes)
        infos = [{**info, **_told(*values)} for info, *values in told]
        if self._terminal:
            for i in np.flatnonzero(cut):
                infos[i]["TimeLimit.truncated"] = False
        if done.any():
            self._begin(streams, done)
        self._last = self._observation.rows(observations)
        # Stable-Baselines3's rewards are float32; those of SubprocVecEnv are integers where the environment's are.
        return observations, paid.astype(np.float32), dones, infos

    def _begin(self, streams: Streams, mask: Array) -> None:
        """New episodes where mask [copies] is true."""
        streams.begin(mask)
        for i in np.flatnonzero(mask):
            self.reset_infos[i] = {**self.venv.reset_infos[i], **_told(0.0, 0.0, bool(streams.ready[i]), None)}

    def close(self) -> None:
        if self._streams is not None:
            self._streams.close()
            self._streams = None
        super().close()


def _told(original: float, redistributed: float, ready: bool, redistribution: Any) -> dict[str, Any]:
    return {
        "original_reward": original,
        "redistributed_reward": redistributed,
        "ready": ready,
        "redistribution": redistribution,
    }


@dataclass
class _Stored:
    """One episode in the buffer: where it begins, and by which model its rewards are redistributed."""

    copy: int
    start: int
    name: str
    steps: int = 0
    done: bool = False
    truncated: bool = False
    lost: bool = False
    """Its beginning was overwritten: its rewards are the original ones."""
    model: tuple[int, bool] | None = None
    """Version and readiness of the model that the rewards are from; None: the rewards that `add` was given."""


class RedistributedReplayBuffer(ReplayBuffer):
    """A replay buffer whose rewards are always those of the present model.

    ``DQN("MlpPolicy", env, replay_buffer_class=RedistributedReplayBuffer, replay_buffer_kwargs={"address": ...})``

    Stable-Baselines3 2.7 takes no notice of its ``n_steps`` where the buffer is given: transitions are single steps.

    When transitions are sampled, finished episodes among them whose rewards are older than the model are redistributed
    anew, all in one message. Episodes that still run keep the rewards that they came with; episodes whose beginning was
    overwritten have their original ones. With an environment in `VecRedistributeReward` or `RedistributeReward` the
    original rewards are taken from its infos; give the buffer the same ``address`` and specification as the wrapper.
    Else it gives the finished episodes to the server itself.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: Any,
        action_space: Any,
        device: Any = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        handle_timeout_termination: bool = True,
        *,
        address: str | None = None,
        mix: float = 1.0,
        time_limit: str = "cut",
        timeout: float = 10.0,
        specification: dict[str, Any] | None = None,
    ) -> None:
        if optimize_memory_usage:
            raise ValueError("RedistributedReplayBuffer needs optimize_memory_usage=False")
        if observation_space.shape is None:
            raise TypeError(
                f"RedistributedReplayBuffer stores arrays, no {type(observation_space).__name__}: wrap the environment "
                "in gymnasium.wrappers.FlattenObservation, or use VecRedistributeReward with a DictReplayBuffer"
            )
        super().__init__(
            buffer_size, observation_space, action_space, device, n_envs, False, handle_timeout_termination
        )
        self._observation, self._action = Space(observation_space), Space(action_space)
        self._specification = task_specification(observation_space, action_space, specification)
        self._address, self._timeout = address, timeout
        self._settings = {"mix": mix, "time_limit": time_limit}
        self._prefix = uuid.uuid4().hex
        self._count = 0
        self._task: Task | None = None
        # Whether nobody else has used this task: then no wrapper gives its episodes to the server. So it is with
        # images, which Stable-Baselines3 transposes between the wrapper and the buffer.
        self._alone = False
        self._warned = False
        self._original = np.zeros((self.buffer_size, self.n_envs))
        self._forget()

    def _forget(self) -> None:
        self._episode_of = np.full((self.buffer_size, self.n_envs), None, dtype=object)
        self._running: list[_Stored | None] = [None] * self.n_envs

    def reset(self) -> None:
        super().reset()
        self._forget()

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: without the connection, which is made anew when it is needed."""
        return {**self.__dict__, "_task": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The server may be another one, whose models have the same numbers: all rewards count as old."""
        self.__dict__.update(state)
        for episode in self._episode_of.ravel():
            if episode is not None:
                episode.model = None

    def add(
        self,
        obs: Array,
        next_obs: Array,
        action: Array,
        reward: Array,
        done: Array,
        infos: list[dict[str, Any]],
    ) -> None:
        position = self.pos
        for copy in range(self.n_envs):
            self._break_off(copy, obs)
            self._lose(self._episode_of[position, copy])
        super().add(obs, next_obs, action, reward, done, infos)
        if self._settings["time_limit"] == "terminal":
            self.timeouts[position] = 0  # no bootstrapping behind the end, which would count the correction twice
        for copy, info in enumerate(infos):
            wrapped = "original_reward" in info
            self._original[position, copy] = info["original_reward"] if wrapped else np.asarray(reward)[copy]
            episode = self._running[copy]
            if episode is None:
                episode = self._running[copy] = _Stored(copy, position, f"{self._prefix}-{self._count}")
                self._count += 1
            episode.steps += 1
            self._episode_of[position, copy] = episode
            if episode.lost:
                self.rewards[position, copy] = self._original[position, copy]
            if done[copy]:
                self._finish(episode, bool(info.get("TimeLimit.truncated", False)), wrapped)

    def _break_off(self, copy: int, observations: Array) -> None:
        """Ends the running episode if these observations are not those that it came to: the environment was reset in
        its midst, as `learn` does when it is called again. It stays unfinished, with the rewards that it came with."""
        episode = self._running[copy]
        if episode is None:
            return
        came_to = self.next_observations[self.pos - 1, copy]
        now = np.asarray(observations)[copy].reshape(came_to.shape).astype(came_to.dtype)
        if not np.array_equal(came_to, now):
            self._running[copy] = None

    def _finish(self, episode: _Stored, truncated: bool, wrapped: bool) -> None:
        episode.done, episode.truncated = True, truncated
        self._running[episode.copy] = None
        self._connected()
        if episode.lost or (wrapped and not self._alone):
            return
        try:
            self._relabel([episode], submit=True)
        except RudderError as error:
            if error.code != "storage":
                raise
            warnings.warn(f"the server cannot keep an episode, and does not learn from it: {error.message}")

    def _lose(self, episode: _Stored | None) -> None:
        """The place of the episode's first transition is about to be overwritten."""
        if episode is None or episode.lost:
            return
        episode.lost = True
        places = self._places(episode)
        self.rewards[places, episode.copy] = self._original[places, episode.copy]

    def _places(self, episode: _Stored) -> Array:
        return (episode.start + np.arange(episode.steps)) % self.buffer_size

    def _get_samples(self, batch_inds: Array, env: VecNormalize | None = None) -> Any:
        self._warned = self._warned or warn_of_outer(env)
        # Which copy each transition is taken from is drawn below: all copies are brought up to date.
        found = {id(one): one for one in self._episode_of[batch_inds].ravel() if one is not None}
        finished = [one for one in found.values() if one.done and not one.lost]
        if finished:
            model = self._model()
            self._relabel([one for one in finished if one.model != model])
        return super()._get_samples(batch_inds, env=env)

    def _connected(self) -> Task:
        if self._task is None:
            client: Client = shared.take(self._address, self._timeout)
            weakref.finalize(self, shared.give_back, client)
            self._task = Task(client, self._specification)
            self._alone = self._alone or self._task.configure()["created"]
        return self._task

    def _model(self) -> tuple[int, bool]:
        """Version and readiness of the present model."""
        task = self._connected()
        task.see(task.request("model", {}))
        return task.model_version, task.ready

    def _relabel(self, episodes: list[_Stored], submit: bool = False) -> None:
        """Writes the present model's rewards of finished episodes."""
        task = self._connected()
        for first in range(0, len(episodes), _TOGETHER):
            some = episodes[first : first + _TOGETHER]
            left = iter(some)
            for batch in task.client.batches([episode_map(self._episode(one), one.name, None) for one in some]):
                fields = {"episodes": batch, "submit": submit, **self._settings}
                reply = task.request("redistribute", fields)
                task.see(reply)
                for result, episode in zip(reply["results"], left):
                    places = self._places(episode)
                    self.rewards[places, episode.copy] = array(result["redistributed_rewards"])
                    episode.model = (task.model_version, task.ready)

    def _episode(self, stored: _Stored) -> dict[str, Any]:
        places, copy = self._places(stored), stored.copy
        last = self.next_observations[places[-1:], copy]
        observations = np.concatenate([self.observations[places, copy], last])
        return {
            "id": stored.name,
            "observations": self._observation.rows(observations),
            "actions": self._taken(self.actions[places, copy]),
            "rewards": self._original[places, copy],
            "terminated": not stored.truncated,
            "truncated": stored.truncated,
        }

    def _taken(self, stored: Array) -> Array:
        """The actions as the environment took them: off-policy learners store those of a Box scaled to [-1, 1]."""
        taken = self._action.rows(stored)
        if self._action.kind == "box":
            low, high = self.action_space.low, self.action_space.high
            taken = np.clip(low + 0.5 * (taken + 1.0) * (high - low), low, high)
        return taken
