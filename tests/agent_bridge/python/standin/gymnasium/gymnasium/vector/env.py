from copy import deepcopy
from enum import Enum

import numpy as np

from ..utils import seeding
from .utils import batch_space


class AutoresetMode(Enum):
    NEXT_STEP = "NextStep"
    SAME_STEP = "SameStep"
    DISABLED = "Disabled"


class VectorEnv:
    metadata = {}
    spec = None
    render_mode = None
    closed = False
    _np_random = None
    _np_random_seed = None

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self._np_random, self._np_random_seed = seeding.np_random(seed)

    @property
    def np_random(self):
        if self._np_random is None:
            self._np_random, self._np_random_seed = seeding.np_random()
        return self._np_random

    def close(self, **kwargs):
        if not self.closed:
            self.close_extras(**kwargs)
            self.closed = True

    def close_extras(self, **kwargs):
        pass

    @property
    def unwrapped(self):
        return self

    def __del__(self):
        if not getattr(self, "closed", True):
            self.close()

    def _add_info(self, vector_infos, env_info, env_num):
        """Puts one copy's info into the arrays of all, each with a mask `_key`."""
        for key, value in env_info.items():
            if key == "final_obs":
                array = vector_infos.get(key, np.full(self.num_envs, None, dtype=object))
                array[env_num] = value
            elif isinstance(value, dict):
                array = self._add_info(vector_infos.get(key, {}), value, env_num)
            else:
                if key in vector_infos:
                    array = vector_infos[key]
                elif type(value) in (int, float, bool) or isinstance(value, np.number):
                    array = np.zeros(self.num_envs, dtype=type(value))
                elif isinstance(value, np.ndarray):
                    array = np.zeros((self.num_envs, *value.shape), dtype=value.dtype)
                else:
                    array = np.full(self.num_envs, None, dtype=object)
                array[env_num] = value
            mask = vector_infos.get(f"_{key}", np.zeros(self.num_envs, dtype=np.bool_))
            mask[env_num] = True
            vector_infos[key], vector_infos[f"_{key}"] = array, mask
        return vector_infos


class VectorWrapper(VectorEnv):
    def __init__(self, env):
        self.env = env
        assert isinstance(env, VectorEnv)

    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=seed, options=options)

    def step(self, actions):
        return self.env.step(actions)

    def close(self, **kwargs):
        return self.env.close(**kwargs)

    @property
    def unwrapped(self):
        return self.env.unwrapped

    @property
    def num_envs(self):
        return self.env.num_envs

    @property
    def metadata(self):
        return self.env.metadata

    @property
    def single_observation_space(self):
        return self.env.single_observation_space

    @property
    def single_action_space(self):
        return self.env.single_action_space

    @property
    def observation_space(self):
        return self.env.observation_space

    @property
    def action_space(self):
        return self.env.action_space

    @property
    def closed(self):
        return self.env.closed

    @closed.setter
    def closed(self, value):
        self.env.closed = value


class SyncVectorEnv(VectorEnv):
    """With `copy=False` every step returns the same array of observations."""

    def __init__(self, env_fns, copy=True, autoreset_mode=AutoresetMode.NEXT_STEP):
        self.envs = [make() for make in env_fns]
        self.copy, self.autoreset_mode = copy, autoreset_mode
        self.num_envs = len(self.envs)
        self.metadata = self.envs[0].metadata  # as the real one does: all vectors of this environment share it
        self.metadata["autoreset_mode"] = autoreset_mode
        self.single_observation_space = self.envs[0].observation_space
        self.single_action_space = self.envs[0].action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        space = self.single_observation_space
        self._observations = np.zeros((self.num_envs, *space.shape), space.dtype)
        self._rewards = np.zeros(self.num_envs)
        self._terminations = np.zeros(self.num_envs, dtype=np.bool_)
        self._truncations = np.zeros(self.num_envs, dtype=np.bool_)
        self._autoreset = np.zeros(self.num_envs, dtype=np.bool_)

    def reset(self, *, seed=None, options=None):
        seeds = (
            seed
            if isinstance(seed, (list, tuple))
            else [None if seed is None else seed + i for i in range(self.num_envs)]
        )
        chosen = np.ones(self.num_envs, dtype=np.bool_)
        if options is not None and "reset_mask" in options:
            chosen = options.pop("reset_mask")  # as the real one does: the caller's dict loses it
            assert chosen.shape == (self.num_envs,) and chosen.dtype == np.bool_ and chosen.any()
        infos = {}
        for i in np.flatnonzero(chosen):
            self._observations[i], info = self.envs[i].reset(seed=seeds[i], options=options)
            infos = self._add_info(infos, info, i)
        self._autoreset[chosen] = False
        return self._seen(), infos

    def step(self, actions):
        infos = {}
        for i, env in enumerate(self.envs):
            if self.autoreset_mode == AutoresetMode.NEXT_STEP and self._autoreset[i]:
                self._observations[i], info = env.reset()
                self._rewards[i], self._terminations[i], self._truncations[i] = 0.0, False, False
                infos = self._add_info(infos, info, i)
                continue
            assert not self._autoreset[i] or self.autoreset_mode == AutoresetMode.SAME_STEP
            observation, self._rewards[i], self._terminations[i], self._truncations[i], info = env.step(actions[i])
            if self.autoreset_mode == AutoresetMode.SAME_STEP and (self._terminations[i] or self._truncations[i]):
                infos = self._add_info(infos, {"final_obs": observation, "final_info": info}, i)
                observation, info = env.reset()
            self._observations[i] = observation
            infos = self._add_info(infos, info, i)
        self._autoreset = self._terminations | self._truncations
        return self._seen(), np.copy(self._rewards), np.copy(self._terminations), np.copy(self._truncations), infos

    def _seen(self):
        return deepcopy(self._observations) if self.copy else self._observations

    def close_extras(self, **kwargs):
        for env in self.envs:
            env.close()
