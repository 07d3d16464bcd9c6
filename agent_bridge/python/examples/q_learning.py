"""Tabular Q-learning on the coin-walk: 50 steps on a line, and all coins are paid at the last one.

The agent keeps its own loop. It sends each episode to the server and learns from the rewards that come back.
"""

import numpy as np

from rudder_bridge import Client

STEPS, POSITIONS, START, COIN = 50, 13, 7, 9


def walk(q, exploration, random):
    """One episode. A coin for every step that starts at COIN."""
    positions, actions = [START], []
    for t in range(STEPS):
        explore = random.random() < exploration
        actions.append(random.integers(2) if explore else int(q[t, positions[t]].argmax()))
        positions.append(min(max(positions[t] + 2 * actions[t] - 1, 0), POSITIONS - 1))
    rewards = np.zeros(STEPS)
    rewards[-1] = positions[:-1].count(COIN)
    return {"observations": np.array(positions), "actions": np.array(actions), "rewards": rewards, "terminated": True}


def main(episodes=800, seed=0):
    random = np.random.default_rng(seed)
    q = np.zeros((STEPS + 1, POSITIONS, 2))
    with Client(timeout=60) as client:
        client.configure({"type": "discrete", "n": POSITIONS}, {"type": "discrete", "n": 2}, seed=seed)
        client.pause_training()  # in lock step: the run depends on the seed alone
        for n in range(episodes):
            episode = walk(q, 1.0 if n < 200 else 0.1, random)
            (redistribution,) = client.redistribute(episode, submit=True)
            positions, actions = episode["observations"], episode["actions"]
            for t in reversed(range(STEPS)):
                target = redistribution.rewards[t] + q[t + 1, positions[t + 1]].max()
                q[t, positions[t], actions[t]] += 0.1 * (target - q[t, positions[t], actions[t]])
            if n % 100 == 99:
                client.train(updates=200)
                coins = walk(q, 0.0, random)["rewards"].sum()
                print(f"{n + 1} episodes: greedy walk gets {coins:.0f} of 24 coins, ready: {redistribution.ready}")


if __name__ == "__main__":
    main()
