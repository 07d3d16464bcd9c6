"""Small environments for the tests."""

import gymnasium
import numpy as np

STEPS = 8


class Walk(gymnasium.Env):
    """A random walk on a line; whether step 0 went right is paid at the end. With `limit` it is truncated there."""

    observation_space = gymnasium.spaces.MultiDiscrete([2 * STEPS + 1, STEPS + 1])
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, limit=STEPS, steps=STEPS):
        self.limit, self.steps = limit, steps

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.row = np.array([STEPS, 0])
        self.first = None
        return self.row, {}

    def step(self, action):
        if self.first is None:
            self.first = int(action)
        # The same array each time, as some environments do.
        self.row[0] += 2 * int(action) - 1
        self.row[1] += 1
        terminated = bool(self.row[1] == self.steps)
        truncated = bool(self.row[1] == self.limit and not terminated)
        return self.row, float(self.first) if terminated or truncated else 0.0, terminated, truncated, {"here": 1}


gymnasium.register("Walk-v0", "tasks:Walk")


def actions_of(generator, copies, steps=STEPS):
    return generator.integers(2, size=(steps, copies))


def random_episodes(count, seed=0, steps=STEPS):
    """Episodes of Walk by the random policy, as dicts."""
    generator = np.random.default_rng(seed)
    episodes = []
    for _ in range(count):
        actions = generator.integers(2, size=steps)
        places = STEPS + np.concatenate([[0], np.cumsum(2 * actions - 1)])
        rewards = np.zeros(steps)
        rewards[-1] = actions[0]
        episodes.append(
            {
                "observations": np.stack([places, np.arange(steps + 1)], axis=1),
                "actions": actions,
                "rewards": rewards,
                "terminated": True,
                "truncated": False,
            }
        )
    return episodes
