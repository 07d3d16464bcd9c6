"""An agent over the bridge, in lock step, against the experiment in one process: the same runs, bit for bit.

The agent is that of rudder/agents/rudder.c, written in Python: it has the environment, the rewards and the training
from the server, and draws the same random numbers. LOCK_STEP_SEEDS and LOCK_STEP_CAP change how much is compared.
"""

import json
import os
import subprocess
import tempfile
import unittest
from collections import defaultdict
from pathlib import Path

import numpy as np
from philox import Stream

from rudder_bridge import Client
from rudder_bridge.server import find_server
from rudder_bridge.wire import array, tensor

SEEDS = int(os.environ.get("LOCK_STEP_SEEDS", 10))
CAP = int(os.environ.get("LOCK_STEP_CAP", 260))

DELAY, ACTIONS, EXPLORATION, RANDOM_EPISODES = 20, 2, 0.1, 40
# A power of two: whether the compiler fuses the multiplication with the addition makes no difference.
STEP_SIZE = 0.125
CAPACITY, MIN_EPISODES = 150, 40
EVERY, GROWTH, FIRST_UPDATES, UPDATES = 10, 0.03, 400, 20

# The first action that pays, by brand (envs/watch_repair.c): 0 repairs, 1 does not.
GOOD = (1, 0, 0, 1)
WINDOW, OPTIMAL_SHARE, CURVE_WINDOW = 50, 0.95, 100

FEATURES = {
    "observation": ["none", "raw", "raw", "one-hot", "none"],
    "action": "one-hot",
    "difference": True,
    "standardise": True,
}
SETTINGS = {
    "predictor.cell": "rudder",
    "predictor.hidden": 8,
    "predictor.batch": 8,
    "predictor.all_steps_weight": 0.3,
    "predictor.averaging": 0.99,
    "predictor.learning_rate": 0.03,
    "predictor.weight_decay": 1e-4,
    "lesson_buffer.capacity": CAPACITY,
    "lesson_buffer.insertion": "fifo",
    "lesson_buffer.min_episodes": MIN_EPISODES,
}
EXPERIMENT = {
    **SETTINGS,
    **{f"features.{key}": value for key, value in FEATURES.items()},
    "environment.name": "watch-repair",
    "environment.delay": DELAY,
    "methods": ["rudder"],
    "seeds.first": 0,
    "seeds.count": SEEDS,
    "cap": CAP,
    "solved.window": WINDOW,
    "solved.optimal_share": OPTIMAL_SHARE,
    "agent.exploration": EXPLORATION,
    "agent.random_episodes": RANDOM_EPISODES,
    "agent.step_size": STEP_SIZE,
    "training.every": EVERY,
    "training.growth": GROWTH,
    "training.first_updates": FIRST_UPDATES,
    "training.updates": UPDATES,
}


class Lessons:
    """The lesson buffer's episodes, in its order: the oldest makes room, and the last takes its place."""

    def __init__(self):
        self.episodes, self.arrivals, self.count = [], [], 0

    def add(self, episode):
        if len(self.episodes) == CAPACITY:
            oldest = self.arrivals.index(min(self.arrivals))
            for column in (self.episodes, self.arrivals):
                column[oldest] = column[-1]
                column.pop()
        self.episodes.append(episode)
        self.arrivals.append(self.count)
        self.count += 1

    def ready(self):
        returns = {sum(episode["rewards"]) for episode in self.episodes}
        return len(self.episodes) >= MIN_EPISODES and len(returns) > 1


class Agent:
    def __init__(self, client, seed):
        self.client = client
        self.random = Stream(seed, "exploration")
        self.values = defaultdict(lambda: [0.0] * ACTIONS)
        self.lessons = Lessons()
        self.episodes = self.since_training = self.updates = 0
        self.open = False

    def act(self, state):
        exploration = 1 if self.episodes < RANDOM_EPISODES else EXPLORATION
        if self.random.uniform() < exploration:
            return self.random.below(ACTIONS)
        values = self.values.get(state)
        return 0 if values is None else values.index(max(values))

    def learn(self, episode, targets):
        for state, action, target in zip(episode["states"], episode["actions"], targets):
            values = self.values[state]
            values[action] += STEP_SIZE * (target - values[action])

    def learn_rewards_to_go(self, episode):
        to_go = 0.0
        for t in reversed(range(len(episode["actions"]))):
            to_go += episode["rewards"][t]
            values = self.values[episode["states"][t]]
            values[episode["actions"][t]] += STEP_SIZE * (to_go - values[episode["actions"][t]])

    def finish(self, episode):
        self.episodes += 1
        (result,) = self.client.redistribute(sent(episode), submit=True)
        if result.ready:
            self.learn(episode, result.rewards.tolist())
        else:
            self.learn_rewards_to_go(episode)
        self.lessons.add(episode)
        self.since_training += 1
        trained = self.train()
        ready = self.client.status()["ready"]
        opened, self.open = not self.open, ready
        if ready and (opened or trained):
            self.learn_anew()

    def train(self):
        since = self.since_training
        if self.episodes < RANDOM_EPISODES:
            return False
        if since < EVERY or since < GROWTH * self.episodes or not self.lessons.ready():
            return False
        self.since_training = 0
        wanted = FIRST_UPDATES if self.updates == 0 else UPDATES
        self.updates += self.client.train(updates=wanted)["done"]
        return True

    def learn_anew(self):
        self.values.clear()
        results = self.client.redistribute(map(sent, self.lessons.episodes))
        for episode, result in zip(self.lessons.episodes, results):
            self.learn(episode, result.rewards.tolist())


def sent(episode):
    return {key: episode[key] for key in ("observations", "actions", "rewards", "terminated")}


def play(client, env, agent):
    request = client.request
    rows = [array(request("env.reset", {"env": env})["observation"])]
    episode = {"states": [], "actions": [], "rewards": [], "terminated": False}
    while not episode["terminated"]:
        episode["states"].append(tuple(rows[-1].ravel().tolist()))
        action = agent.act(episode["states"][-1])
        reply = request("env.step", {"env": env, "action": action})
        rows.append(array(reply["observation"]))
        episode["actions"].append(action)
        episode["rewards"].append(reply["reward"])
        episode["terminated"] = reply["terminated"]
    episode["observations"] = np.stack(rows)
    return episode


class Record:
    """What the experiment records of a run."""

    def __init__(self, points):
        self.points = points
        self.good = []
        self.curve, self.predictor = [], []
        self.solved = None

    def add(self, client, episode):
        self.good.append(episode["actions"][0] == GOOD[episode["states"][0][3]])
        number = len(self.good)
        if self.solved is None and number >= WINDOW and sum(self.good[-WINDOW:]) / WINDOW >= OPTIMAL_SHARE:
            self.solved = number
        if number in self.points:
            status = client.status()
            recent = self.good[-min(CURVE_WINDOW, WINDOW) :]
            self.curve.append([number, sum(recent) / len(recent)])
            self.predictor.append([number, status["loss"], status["quality"] or 0.0, status["ready"]])

    def results(self):
        episodes = self.solved or CAP
        return {
            "solved": self.solved is not None,
            "episodes": episodes,
            "poor_decisions": episodes - sum(self.good[:episodes]),
            "curve": self.curve,
            "predictor": self.predictor,
        }


def over_the_bridge(seed, points):
    record = Record(points)
    with Client(timeout=120, settings={**SETTINGS, "server.background_training": False}) as client:
        space = {"type": "multi_discrete", "nvec": tensor(np.array([2, DELAY + 1, DELAY + 1, 4, DELAY + 1]))}
        client.configure(space, {"type": "discrete", "n": ACTIONS}, features=FEATURES, seed=seed)
        made = client.request("env.make", {"name": "watch-repair", "options": {"delay": DELAY}, "seed": seed})
        agent = Agent(client, seed)
        for _ in range(CAP):
            episode = play(client, made["env"], agent)
            agent.finish(episode)
            record.add(client, episode)
    return record.results()


class LockStep(unittest.TestCase):
    def experiment(self):
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "config.yaml"
            config.write_text("cap: 1\n")
            output = Path(folder) / "run"
            settings = (f"--set={k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in EXPERIMENT.items())
            done = subprocess.run(
                [find_server(), "experiment", str(config), "-q", "-o", str(output), *settings],
                capture_output=True,
                text=True,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            return [json.loads(line) for line in (output / "runs.jsonl").read_text().splitlines()]

    def test_runs_are_equal_to_those_of_the_experiment(self):
        runs = self.experiment()
        self.assertEqual(len(runs), SEEDS)
        for run in runs:
            with self.subTest(seed=run["seed"]):
                found = over_the_bridge(run["seed"], {point[0] for point in run["predictor"]})
                self.assertEqual(found, {key: run[key] for key in found})
                self.assertTrue(found["predictor"][-1][3], "never ready: too little is compared")


if __name__ == "__main__":
    unittest.main()
