from collections import namedtuple

import numpy as np

ReplayBufferSamples = namedtuple(
    "ReplayBufferSamples", ["observations", "actions", "next_observations", "dones", "rewards"]
)


class BaseBuffer:
    def __init__(self, buffer_size, observation_space, action_space, device="auto", n_envs=1):
        self.buffer_size = buffer_size
        self.observation_space = observation_space
        self.action_space = action_space
        self.obs_shape = observation_space.shape or (1,)
        self.action_dim = int(np.prod(action_space.shape or (1,)))
        self.pos = 0
        self.full = False
        self.device = device
        self.n_envs = n_envs

    def size(self):
        return self.buffer_size if self.full else self.pos

    def reset(self):
        self.pos = 0
        self.full = False

    def sample(self, batch_size, env=None):
        upper_bound = self.buffer_size if self.full else self.pos
        return self._get_samples(np.random.randint(0, upper_bound, size=batch_size), env=env)


class ReplayBuffer(BaseBuffer):
    """The samples are arrays instead of PyTorch's tensors."""

    def __init__(
        self,
        buffer_size,
        observation_space,
        action_space,
        device="auto",
        n_envs=1,
        optimize_memory_usage=False,
        handle_timeout_termination=True,
    ):
        super().__init__(buffer_size, observation_space, action_space, device, n_envs=n_envs)
        self.buffer_size = max(buffer_size // n_envs, 1)
        self.optimize_memory_usage = optimize_memory_usage
        self.handle_timeout_termination = handle_timeout_termination
        shape = (self.buffer_size, n_envs)
        self.observations = np.zeros((*shape, *self.obs_shape), dtype=observation_space.dtype)
        self.next_observations = np.zeros((*shape, *self.obs_shape), dtype=observation_space.dtype)
        self.actions = np.zeros((*shape, self.action_dim), dtype=action_space.dtype)
        self.rewards = np.zeros(shape, dtype=np.float32)
        self.dones = np.zeros(shape, dtype=np.float32)
        self.timeouts = np.zeros(shape, dtype=np.float32)

    def add(self, obs, next_obs, action, reward, done, infos):
        self.observations[self.pos] = np.reshape(obs, (self.n_envs, *self.obs_shape))
        self.next_observations[self.pos] = np.reshape(next_obs, (self.n_envs, *self.obs_shape))
        self.actions[self.pos] = np.reshape(action, (self.n_envs, self.action_dim))
        self.rewards[self.pos] = np.array(reward)
        self.dones[self.pos] = np.array(done)
        if self.handle_timeout_termination:
            self.timeouts[self.pos] = np.array([info.get("TimeLimit.truncated", False) for info in infos])
        self.pos += 1
        if self.pos == self.buffer_size:
            self.full = True
            self.pos = 0

    def _get_samples(self, batch_inds, env=None):
        copies = np.random.randint(0, high=self.n_envs, size=(len(batch_inds),))
        rewards = self.rewards[batch_inds, copies].reshape(-1, 1)
        return ReplayBufferSamples(
            self.observations[batch_inds, copies],
            self.actions[batch_inds, copies],
            self.next_observations[batch_inds, copies],
            (self.dones[batch_inds, copies] * (1 - self.timeouts[batch_inds, copies])).reshape(-1, 1),
            rewards if env is None else env.normalize_reward(rewards).astype(np.float32),
        )
