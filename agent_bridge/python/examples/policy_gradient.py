"""A PyTorch policy gradient on the delayed coin-walk, with redistributed rewards and with the original ones.

REINFORCE with rewards-to-go and their mean over the copies as baseline; gamma is 1, and the time is an input. Both
learning curves go into one picture, policy_gradient.svg.
"""

import argparse

import numpy as np
import torch
from learning_curves import write_picture

from rudder_bridge import Client, RedistributeRewardVector, RemoteVectorEnv

STEPS, POSITIONS, COPIES = 50, 13, 16


class Policy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(POSITIONS + 1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 2)
        )

    def forward(self, positions, time):
        inputs = torch.nn.functional.one_hot(torch.as_tensor(positions), POSITIONS).float()
        times = torch.full((len(inputs), 1), time / STEPS)
        return torch.distributions.Categorical(logits=self.layers(torch.cat([inputs, times], 1)))


def play(env, policy):
    """One episode of each copy: log-probabilities, rewards to learn from, original rewards, all [STEPS, COPIES]."""
    observations, _ = env.reset()
    log_probabilities, rewards, original = [], [], []
    for time in range(STEPS):
        distribution = policy(observations, time)
        actions = distribution.sample()
        observations, reward, _, _, infos = env.step(actions.numpy())
        log_probabilities.append(distribution.log_prob(actions))
        rewards.append(reward)
        original.append(infos.get("original_reward", reward))
    return torch.stack(log_probabilities), np.array(rewards), np.array(original)


def learn(env, iterations, seed, after_iteration=lambda: None):
    """The mean return of each iteration's episodes."""
    torch.manual_seed(seed)
    policy = Policy()
    optimiser = torch.optim.Adam(policy.parameters(), lr=0.02)
    returns = []
    env.reset(seed=seed)
    for _ in range(iterations):
        log_probabilities, rewards, original = play(env, policy)
        to_go = np.cumsum(rewards[::-1], axis=0)[::-1]
        advantages = torch.as_tensor(to_go - to_go.mean(axis=1, keepdims=True), dtype=torch.float32)
        loss = -(log_probabilities * advantages).sum(0).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        returns.append(original.sum(0).mean())
        after_iteration()
    return returns


def with_redistribution(iterations, seed):
    with Client(timeout=60) as client:
        env = RemoteVectorEnv(client.address, "coin-walk", COPIES, autoreset_mode="disabled")
        env = RedistributeRewardVector(env, client.address, seed=seed, timeout=60)
        spaces = env.single_observation_space, env.single_action_space
        client.configure(*spaces, seed=seed)
        client.pause_training()
        returns = learn(env, iterations, seed, lambda: client.train(updates=20))
        env.close()
    return returns


def without_redistribution(iterations, seed):
    with Client(timeout=60) as client:
        env = RemoteVectorEnv(client.address, "coin-walk", COPIES, autoreset_mode="disabled")
        returns = learn(env, iterations, seed)
        env.close()
    return returns


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--picture", default="policy_gradient.svg")
    given = parser.parse_args()
    torch.set_num_threads(1)
    curves = {}
    for name, run in (("redistributed", with_redistribution), ("original", without_redistribution)):
        curves[name] = np.array([run(given.iterations, seed) for seed in range(given.seeds)])
        last = curves[name][:, -10:].mean()
        print(f"{name} rewards: {last:.1f} of 24 coins in the last {min(10, given.iterations)} iterations")
    episodes = COPIES * np.arange(1, given.iterations + 1)
    write_picture(given.picture, episodes, curves, "episodes", "coins in an episode")
    print(f"wrote {given.picture}")


if __name__ == "__main__":
    main()
