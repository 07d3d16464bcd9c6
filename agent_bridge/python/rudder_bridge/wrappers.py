"""The Gymnasium wrapper (Gymnasium 1.0 to 1.3)."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from .client import task_specification
from .streams import Settings, Stream
from .surroundings import warn_of_others
from .wire import Space


class RedistributeReward(gymnasium.Wrapper, RecordConstructorArgs):
    """The environment with its rewards redistributed while the episode runs, for any training loop.

    ``info`` holds at every step ``original_reward``, ``redistributed_reward``, ``ready`` (false while the model is not
    good enough yet: the rewards are the original ones then) and ``redistribution``: None until the last step, then the
    whole corrected sequence as a tuple of floats, with the same sum as the original rewards. Finished episodes go to
    the server, which learns from them.

    ``address`` is that of a server; without one, all wrappers of this process share a private server, which ends with
    the last of them. ``mix`` w pays (1 - w) r + w r'. ``time_limit`` says what truncation means: with ``cut`` the
    episode is not learnt from, and its last step gets no correction; with ``terminal`` it is an end like any other, and
    the step that is truncated is reported as terminated too, so that no learner bootstraps behind the end and counts
    the correction twice.
    ``submit`` false: the server does not keep the episodes. ``timeout`` [s] is the longest wait for an answer.
    ``specification`` holds further fields of the task's specification in PROTOCOL.md (features, final_observation,
    seed, name).
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        address: str | None = None,
        mix: float = 1.0,
        *,
        time_limit: str = "cut",
        submit: bool = True,
        timeout: float = 10.0,
        specification: dict[str, Any] | None = None,
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            address=address,
            mix=mix,
            time_limit=time_limit,
            submit=submit,
            timeout=timeout,
            specification=specification,
        )
        gymnasium.Wrapper.__init__(self, env)
        self._observation_row = Space(env.observation_space).row
        self._action_row = Space(env.action_space).row
        self._specification = task_specification(env.observation_space, env.action_space, specification)
        self._connect = (address, timeout, Settings(mix, time_limit, submit))
        self._terminal = time_limit == "terminal"
        self._stream: Stream | None = None
        self._observation: Any = None
        self._warned = False

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: without the connection, so that the copy must be reset before it is stepped."""
        return {**self.__dict__, "_stream": None}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._warned = self._warned or warn_of_others(self.env)
        observation, info = self.env.reset(seed=seed, options=options)
        if self._stream is None:
            self._stream = Stream(self._specification, *self._connect)
        ready = self._stream.begin()
        self._observation = self._observation_row(observation)
        return observation, {**info, **_reward_info(0.0, 0.0, ready, None)}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        if self._stream is None:
            raise gymnasium.error.ResetNeeded("step() before the first reset()")
        taken = self._action_row(action)
        observation, reward, terminated, truncated, info = self.env.step(action)
        reward, following = float(reward), self._observation_row(observation)
        paid = self._stream.step(self._observation, taken, reward, bool(terminated), bool(truncated), following)
        self._observation = following
        if self._terminal and truncated:
            terminated = True
        info = {**info, **_reward_info(reward, paid.reward, paid.ready, paid.redistribution)}
        return observation, paid.reward, terminated, truncated, info

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        super().close()


def _reward_info(
    original: float, redistributed: float, ready: bool, redistribution: tuple[float, ...] | None
) -> dict[str, Any]:
    return {
        "original_reward": original,
        "redistributed_reward": redistributed,
        "ready": ready,
        "redistribution": redistribution,
    }
