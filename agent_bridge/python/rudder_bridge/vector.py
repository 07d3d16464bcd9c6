"""The wrapper for Gymnasium's vector environments (Gymnasium 1.0 to 1.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from .client import task_specification
from .streams import Settings, Streams
from .surroundings import warn_of_others
from .wire import Array, Space


def autoreset_mode(env: VectorEnv) -> str:
    """`next_step`, `same_step` or `disabled`: what the environment says, else its metadata, which Gymnasium's vectors
    share with all others of the same environment; Gymnasium 1.0 knows the first only and says nothing."""
    mode = getattr(env.unwrapped, "autoreset_mode", None) or (env.metadata or {}).get("autoreset_mode", "next_step")
    word = str(getattr(mode, "name", mode)).replace("_", "").lower()
    modes = {"nextstep": "next_step", "samestep": "same_step", "disabled": "disabled"}
    if word not in modes:
        raise ValueError(f"unknown autoreset mode {mode!r} in the environment's metadata")
    return modes[word]


class RedistributeRewardVector(VectorWrapper):
    """A vector environment with its rewards redistributed, in one round trip a step for all copies.

    The infos hold arrays [num_envs]: ``original_reward``, ``redistributed_reward``, ``ready``, and ``redistribution``
    (an object array: None, or where an episode ended with this step its whole corrected sequence as a tuple of floats).
    They belong to the step's rewards in all three autoreset modes; with the mode SAME_STEP the rows of episodes that
    ended stand in ``final_info`` too. A row that is a reset (the step after an end, in the mode NEXT_STEP) is no step
    of any episode: its reward stays 0.

    The arguments are those of `RedistributeReward`; with the time limit ``terminal`` a step that is truncated is
    reported as terminated too.
    """

    def __init__(
        self,
        env: VectorEnv,
        address: str | None = None,
        mix: float = 1.0,
        *,
        time_limit: str = "cut",
        submit: bool = True,
        timeout: float = 10.0,
        specification: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(env)
        self._streams: Streams | None = None
        self._mode = autoreset_mode(env)
        self._observation = Space(env.single_observation_space)
        self._action = Space(env.single_action_space)
        self._specification = task_specification(env.single_observation_space, env.single_action_space, specification)
        self._connect = (address, timeout, Settings(mix, time_limit, submit))
        self._terminal = time_limit == "terminal"
        self._last = np.zeros(0)
        # Whose next step is a reset.
        self._ended = np.zeros(env.num_envs, bool)
        self._warned = False

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: without the connection, so that the copy must be reset before it is stepped."""
        return {**self.__dict__, "_streams": None}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        self._warned = self._warned or warn_of_others(self.env)
        # Looked at first: environments take the mask out of the options.
        mask = (options or {}).get("reset_mask")
        begun = np.ones(self.num_envs, bool) if mask is None else np.array(mask, bool)
        observations, infos = self.env.reset(seed=seed, options=options)
        if self._streams is None:
            self._streams = Streams(self.num_envs, self._specification, *self._connect)
        self._streams.begin(begun)
        self._ended[begun] = False
        self._last = self._observation.rows(observations)
        nothing = np.zeros(self.num_envs)
        return observations, self._told(infos, nothing, nothing, np.full(self.num_envs, None, dtype=object))

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        streams = self._streams
        if streams is None:
            raise RuntimeError("step() before the first reset()")
        taken = self._action.rows(actions)
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        steps = ~self._ended if self._mode == "next_step" else np.ones(self.num_envs, bool)
        ended = (np.asarray(terminated, bool) | np.asarray(truncated, bool)) & steps
        following = self._observation.rows(observations)
        if self._mode == "same_step" and ended.any():
            self._last_observations(infos, ended, following)
        original = np.where(steps, np.asarray(rewards, np.float64), 0.0)
        paid, wholes = streams.step(steps, self._last, taken, original, terminated, truncated, following)
        infos = self._told(infos, original, paid, wholes)
        if self._mode == "same_step":
            self._tell_final(infos, ended)
            streams.begin(ended)
        elif self._mode == "next_step":
            streams.begin(~steps)
            self._ended = ended
        self._last = self._observation.rows(observations)
        if self._terminal:
            terminated = np.logical_or(terminated, truncated)
        return observations, paid, terminated, truncated, infos

    def _last_observations(self, infos: dict[str, Any], ended: Array, following: Array) -> None:
        """Puts the observations that ended episodes into ``following``, where the new episodes' first ones stand."""
        last = infos.get("final_obs", infos.get("final_observation"))
        if last is None:
            raise ValueError("an episode ended by an autoreset in the same step, but infos have no `final_obs`")
        for i in np.flatnonzero(ended):
            following[i] = self._observation.one(last[i])

    def _told(self, infos: dict[str, Any], original: Array, paid: Array, wholes: Array) -> dict[str, Any]:
        assert self._streams is not None
        everywhere = np.ones(self.num_envs, bool)
        return {
            **infos,
            "original_reward": original.copy(),
            "_original_reward": everywhere,
            "redistributed_reward": paid.copy(),
            "_redistributed_reward": everywhere.copy(),
            "ready": self._streams.ready.copy(),
            "_ready": everywhere.copy(),
            "redistribution": wholes,
            "_redistribution": np.array([whole is not None for whole in wholes]),
        }

    def _tell_final(self, infos: dict[str, Any], ended: Array) -> None:
        final = infos.get("final_info")
        if not isinstance(final, dict):
            return
        told = {}
        for key in ("original_reward", "redistributed_reward", "ready", "redistribution"):
            told[key], told[f"_{key}"] = infos[key], ended.copy()
        infos["final_info"] = {**final, **told}

    def close(self, **kwargs: Any) -> None:
        if self._streams is not None:
            self._streams.close()
            self._streams = None
        super().close(**kwargs)
