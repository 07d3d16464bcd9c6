"""A PyTorch policy gradient on the delayed coin-walk, with redistributed rewards and with the original ones.

The same actor-critic learns from both: generalised advantage estimation, gamma is 1, and the time is an input. Both
learning curves go into one picture, policy_gradient.svg.
"""

import argparse

import numpy as np
import torch
from learning_curves import write_picture

from rudder_bridge import Client, RedistributeRewardVector, RemoteVectorEnv

STEPS, POSITIONS, COPIES = 50, 13, 4
GAE_LAMBDA = 0.9


class ActorCritic(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(POSITIONS + 1, 32), torch.nn.Tanh())
        self.logits = torch.nn.Linear(32, 2)
        self.value = torch.nn.Linear(32, 1)

    def forward(self, positions, time):
        inputs = torch.nn.functional.one_hot(torch.as_tensor(positions), POSITIONS).float()
        times = torch.full((len(inputs), 1), time / STEPS)
        hidden = self.body(torch.cat([inputs, times], 1))
        return torch.distributions.Categorical(logits=self.logits(hidden)), self.value(hidden)[:, 0]


def play(env, network):
    """One episode of each copy: lists [STEPS] of log-probabilities, entropies, values and rewards [COPIES]; coins."""
    observations, _ = env.reset()
    log_probabilities, entropies, values, rewards, coins = [], [], [], [], 0.0
    for time in range(STEPS):
        policy, value = network(observations, time)
        actions = policy.sample()
        observations, reward, _, _, infos = env.step(actions.numpy())
        log_probabilities.append(policy.log_prob(actions))
        entropies.append(policy.entropy())
        values.append(value)
        rewards.append(torch.as_tensor(reward, dtype=torch.float32))
        coins += infos.get("original_reward", reward).mean()
    return log_probabilities, entropies, values, rewards, coins


def loss_of(log_probabilities, entropies, values, rewards):
    loss, advantage, following = 0.0, torch.zeros(COPIES), torch.zeros(COPIES)
    for t in reversed(range(STEPS)):
        value = values[t].detach()
        advantage = rewards[t] + following - value + GAE_LAMBDA * advantage
        following = value
        loss = loss - (log_probabilities[t] * advantage).mean() - 0.01 * entropies[t].mean()
        loss = loss + 0.5 * ((advantage + value - values[t]) ** 2).mean()
    return loss / STEPS


def learn(env, iterations, seed, after_iteration=lambda: None):
    """The mean number of coins in each iteration's episodes."""
    torch.manual_seed(seed)
    network = ActorCritic()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    curve = []
    env.reset(seed=seed)
    for _ in range(iterations):
        *played, coins = play(env, network)
        optimiser.zero_grad()
        loss_of(*played).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimiser.step()
        curve.append(coins)
        after_iteration()
    return curve


def with_redistribution(iterations, seed):
    with Client(timeout=60) as client:
        env = RemoteVectorEnv(client.address, "coin-walk", COPIES, autoreset_mode="disabled")
        env = RedistributeRewardVector(env, client.address, timeout=60, specification={"seed": seed})
        spaces = env.single_observation_space, env.single_action_space
        client.configure(*spaces, seed=seed)
        client.pause_training()
        curve = learn(env, iterations, seed, lambda: client.train(updates=20))
        env.close()
    return curve


def without_redistribution(iterations, seed):
    with Client(timeout=60) as client:
        env = RemoteVectorEnv(client.address, "coin-walk", COPIES, autoreset_mode="disabled")
        curve = learn(env, iterations, seed)
        env.close()
    return curve


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
