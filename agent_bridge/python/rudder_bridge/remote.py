"""The server's environments as Gymnasium environments (Gymnasium 1.0 to 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import EzPickle
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

from .client import Client, shared
from .wire import Array, Space, array, tensor

_SEEDS = 1 << 64


def gymnasium_space(space: Mapping[str, Any]) -> spaces.Space[Any]:
    """A message's space as Gymnasium's."""
    if space["type"] == "discrete":
        return spaces.Discrete(int(space["n"]), start=int(space.get("start", 0)))
    if space["type"] == "multi_discrete":
        nvec = array(space["nvec"]).astype(np.int64)
        start = space.get("start")
        return spaces.MultiDiscrete(nvec, start=None if start is None else array(start).astype(np.int64))
    if space["type"] == "multi_binary":
        n = space["n"]
        return spaces.MultiBinary(n if isinstance(n, int) else list(n))
    shape = tuple(space["shape"])
    low, high = space.get("low", -np.inf), space.get("high", np.inf)
    return spaces.Box(_bound(low, shape), _bound(high, shape), shape, dtype=np.float64)


def _bound(bound: Any, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(array(bound).astype(np.float64), shape).copy()


class RemoteEnv(gymnasium.Env[Any, Any], EzPickle):
    """The server's environment ``name``, such as coin-walk; ``options`` are those of PROTOCOL.md's env.make.

    Without an address the private server that all wrappers of this process share is used. A copy made by pickle or
    deepcopy is an environment of its own, and must be reset.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, address: str | None, name: str, *, timeout: float = 10.0, **options: Any) -> None:
        EzPickle.__init__(self, address, name, timeout=timeout, **options)
        self._client: Client | None = shared.take(address, timeout)
        try:
            made = self._client.request("env.make", {"name": name, "options": options})
        except BaseException:
            shared.give_back(self._client)
            raise
        self._env: int = made["env"]
        self._request = self._client.request
        self.observation_space = gymnasium_space(made["observation_space"])
        self.action_space = gymnasium_space(made["action_space"])
        self._discrete = isinstance(self.observation_space, spaces.Discrete)
        self._row = Space(self.action_space).row
        self._seeded = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        fields: dict[str, Any] = {"env": self._env}
        if seed is not None:
            fields["seed"] = int(seed) % _SEEDS
        elif not self._seeded:
            fields["seed"] = _random_seed(self.np_random)
        self._seeded = True
        return self._observation(self._request("env.reset", fields)["observation"]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reply = self._request("env.step", {"env": self._env, "action": self._row(action)})
        return (
            self._observation(reply["observation"]),
            reply["reward"],
            reply["terminated"],
            reply["truncated"],
            {},
        )

    def _observation(self, value: Any) -> Any:
        found = array(value)
        if self._discrete:
            return np.int64(found.flat[0])
        space = self.observation_space
        return found.reshape(space.shape).astype(space.dtype, copy=False)

    def close(self) -> None:
        if self._client is not None:
            _close_environment(self._client, self._env)
            self._client = None


class RemoteVectorEnv(VectorEnv):
    """``num_envs`` copies of the server's environment ``name``, stepped in one round trip.

    ``autoreset_mode`` is Gymnasium's AutoresetMode or one of `next_step`, `same_step`, `disabled`. ``options`` are
    those of PROTOCOL.md's env.make. A seed s of `reset` gives copy i the seed s + i.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(
        self,
        address: str | None,
        name: str,
        num_envs: int = 1,
        *,
        autoreset_mode: Any = "next_step",
        timeout: float = 10.0,
        **options: Any,
    ) -> None:
        self.closed = True  # until it can be closed
        self._mode, self.metadata = _autoreset(autoreset_mode, self.metadata)
        self._client: Client | None = shared.take(address, timeout)
        try:
            made = self._client.request(
                "env.make", {"name": name, "options": options, "copies": num_envs, "autoreset": self._mode}
            )
        except BaseException:
            shared.give_back(self._client)
            raise
        self.closed = False
        self._env: int = made["env"]
        self._request = self._client.request
        self.num_envs = num_envs
        self.single_observation_space = gymnasium_space(made["observation_space"])
        self.single_action_space = gymnasium_space(made["action_space"])
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._shape = (num_envs, *(self.single_observation_space.shape or ()))
        self._dtype = np.dtype(self.single_observation_space.dtype)
        self._seeded = False

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        if seed is None or isinstance(seed, (int, np.integer)):
            super().reset(seed=None if seed is None else int(seed))
        mask = (options or {}).get("reset_mask")
        chosen = np.ones(self.num_envs, bool) if mask is None else np.asarray(mask)
        if chosen.shape != (self.num_envs,) or chosen.dtype != np.bool_ or not chosen.any():
            raise ValueError(f"reset_mask must be a bool array of shape ({self.num_envs},) with a True in it")
        if seed is None and not self._seeded:
            seed = _random_seed(self.np_random)
        self._seeded = True
        if seed is None or isinstance(seed, (int, np.integer)):
            return self._reset(chosen, None if seed is None else int(seed)), {}
        if len(seed) != self.num_envs:
            raise ValueError(f"{len(seed)} seeds for {self.num_envs} copies")
        for i in np.flatnonzero(chosen):
            # The server gives copy i the seed plus i.
            one = np.arange(self.num_envs) == i
            wanted = seed[i]
            observations = self._reset(one, None if wanted is None else int(wanted) - int(i))
        return observations, {}

    def _reset(self, chosen: Array, seed: int | None) -> Array:
        fields: dict[str, Any] = {"env": self._env}
        if not chosen.all():
            fields["mask"] = tensor(chosen)
        if seed is not None:
            fields["seed"] = seed % _SEEDS
        return self._observations(self._request("env.reset", fields)["observations"])

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        reply = self._request("env.step", {"env": self._env, "actions": tensor(actions)})
        infos: dict[str, Any] = {}
        if "final_mask" in reply:
            infos = self._final(array(reply["final_mask"]), self._observations(reply["final_observations"]))
        return (
            self._observations(reply["observations"]),
            array(reply["rewards"]),
            array(reply["terminated"]),
            array(reply["truncated"]),
            infos,
        )

    def _final(self, mask: Array, observations: Array) -> dict[str, Any]:
        """The infos of a step in which episodes ended and began anew."""
        if not mask.any():
            return {}
        last = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(mask):
            last[i] = observations[i]
        return {"final_obs": last, "_final_obs": mask, "final_info": {}, "_final_info": mask.copy()}

    def _observations(self, value: Any) -> Array:
        return array(value).reshape(self._shape).astype(self._dtype, copy=False)

    def close_extras(self, **kwargs: Any) -> None:
        if self._client is not None:
            _close_environment(self._client, self._env)
            self._client = None


def _autoreset(mode: Any, metadata: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The protocol's word for the mode, and the metadata that say it to Gymnasium (1.0 has one mode and no name)."""
    word = str(getattr(mode, "name", mode)).lower()
    word = {"nextstep": "next_step", "samestep": "same_step"}.get(word, word)
    modes = getattr(gymnasium.vector, "AutoresetMode", None)
    named = {} if modes is None else {each.name.lower(): each for each in modes}
    if word not in ("next_step", "same_step", "disabled"):
        raise ValueError(f"autoreset_mode is next_step, same_step or disabled, not {mode!r}")
    return word, {**metadata, "autoreset_mode": named.get(word, word)}


def _random_seed(generator: np.random.Generator) -> int:
    return int(generator.integers(0, _SEEDS, dtype=np.uint64))


def _close_environment(client: Client, env: int) -> None:
    client.post("env.close", {"env": env})
    shared.give_back(client)
