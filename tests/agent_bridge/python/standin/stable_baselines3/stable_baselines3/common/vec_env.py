import inspect
from copy import deepcopy

import numpy as np


class VecEnv:
    def __init__(self, num_envs, observation_space, action_space):
        self.num_envs = num_envs
        self.observation_space = observation_space
        self.action_space = action_space
        self.reset_infos = [{} for _ in range(num_envs)]
        self.render_mode = self.get_attr("render_mode")[0]

    def step(self, actions):
        self.step_async(actions)
        return self.step_wait()

    @property
    def unwrapped(self):
        return self.venv.unwrapped if isinstance(self, VecEnvWrapper) else self

    def getattr_depth_check(self, name, already_found):
        return type(self).__name__ if hasattr(self, name) and already_found else None


class VecEnvWrapper(VecEnv):
    def __init__(self, venv, observation_space=None, action_space=None):
        self.venv = venv
        super().__init__(venv.num_envs, observation_space or venv.observation_space, action_space or venv.action_space)
        self.class_attributes = dict(inspect.getmembers(self.__class__))

    def step_async(self, actions):
        self.venv.step_async(actions)

    def close(self):
        return self.venv.close()

    def get_attr(self, attr_name, indices=None):
        return self.venv.get_attr(attr_name, indices)

    def __getattr__(self, name):
        hidden = self.getattr_depth_check(name, already_found=False)
        if hidden is not None:
            raise AttributeError(f"{name} is ambiguous: {hidden}")
        return self.getattr_recursive(name)

    def _get_all_attributes(self):
        return {**self.__dict__, **self.class_attributes}

    def getattr_recursive(self, name):
        if name in self._get_all_attributes():
            return getattr(self, name)
        if hasattr(self.venv, "getattr_recursive"):
            return self.venv.getattr_recursive(name)
        return getattr(self.venv, name)

    def getattr_depth_check(self, name, already_found):
        if name in self._get_all_attributes() and already_found:
            return type(self).__name__
        return self.venv.getattr_depth_check(name, already_found or name in self._get_all_attributes())


class DummyVecEnv(VecEnv):
    def __init__(self, env_fns):
        self.envs = [make() for make in env_fns]
        super().__init__(len(env_fns), self.envs[0].observation_space, self.envs[0].action_space)
        self._observations = np.zeros((self.num_envs, *self.observation_space.shape), self.observation_space.dtype)

    def reset(self):
        for i, env in enumerate(self.envs):
            self._observations[i], self.reset_infos[i] = env.reset()
        return deepcopy(self._observations)

    def step_async(self, actions):
        self.actions = actions

    def step_wait(self):
        rewards = np.zeros(self.num_envs, dtype=np.float32)
        dones = np.zeros(self.num_envs, dtype=bool)
        infos = []
        for i, env in enumerate(self.envs):
            observation, rewards[i], terminated, truncated, info = env.step(self.actions[i])
            info = dict(info)
            dones[i] = terminated or truncated
            info["TimeLimit.truncated"] = truncated and not terminated
            if dones[i]:
                info["terminal_observation"] = observation
                observation, self.reset_infos[i] = env.reset()
            self._observations[i] = observation
            infos.append(info)
        return deepcopy(self._observations), rewards, dones, infos

    def get_attr(self, attr_name, indices=None):
        return [getattr(env, attr_name) for env in self.envs]

    def close(self):
        for env in self.envs:
            env.close()


class VecNormalize(VecEnvWrapper):
    """Divides rewards by a constant; the real one by a running estimate."""

    def __init__(self, venv, norm_obs=True, norm_reward=True):
        super().__init__(venv)
        self.norm_obs, self.norm_reward = norm_obs, norm_reward

    def reset(self):
        return self.venv.reset()

    def step_wait(self):
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, self.normalize_reward(rewards), dones, infos

    def normalize_reward(self, rewards):
        return rewards / 2 if self.norm_reward else rewards

    def normalize_obs(self, observations):
        return observations
