#!/usr/bin/env python3
"""How many logged episodes does an offline learner need? Prints a table.

    tests/bench/offline_learner.py [--rudder build/rudder] [--sizes 30,100,...] [--sets 10]
                                   [--set KEY=VALUE]...

Tabular fitted Q over (position, time) on coin-walk episodes of the random policy. For each size and
seed a new data set; its rewards as they are (paid at the end), spread evenly (G / T), redistributed
by `rudder train configs/offline.yaml` and `rudder redistribute` on these very episodes, or exactly,
from E[G | history]. The greedy policy that is learned is then played; the table shows the median
return over the data sets and in how many it reached 90 % of the optimal 24.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile

POSITIONS, START, COIN, STEPS, OPTIMAL = 13, 7, 9, 50, 24
KINDS = ("redistributed", "uniform", "plain", "exact")


def move(position, action):
    return min(max(position + (1 if action else -1), 0), POSITIONS - 1)


def expected_returns():
    """V[t][s] of the random policy: reward of the steps t .. STEPS - 1."""
    values = [[0.0] * POSITIONS for _ in range(STEPS + 1)]
    for t in reversed(range(STEPS)):
        for s in range(POSITIONS):
            after = (values[t + 1][move(s, 0)] + values[t + 1][move(s, 1)]) / 2
            values[t][s] = (s == COIN) + after
    return values


VALUES = expected_returns()


def exact(episode):
    """Differences of E[G | s_0, a_0 .. s_t, a_t]; the next position follows from s_t and a_t."""
    rewards, before = [], 0.0
    for t, (s, a) in enumerate(zip(episode["observations"], episode["actions"])):
        now = sum(x == COIN for x in episode["observations"][: t + 1]) + VALUES[t + 1][move(s, a)]
        rewards.append(now - before)
        before = now
    return rewards


def fitted_q(episodes, rewards):
    """Q[t][s][a] backwards in time: the mean of reward + max Q of what followed. None: never seen."""
    q = [[[None, None] for _ in range(POSITIONS)] for _ in range(STEPS + 1)]
    for t in reversed(range(STEPS)):
        sums = [[[0.0, 0] for _ in range(2)] for _ in range(POSITIONS)]
        for episode, r in zip(episodes, rewards):
            s, a = episode["observations"][t], episode["actions"][t]
            seen = [v for v in q[t + 1][episode["observations"][t + 1]] if v is not None]
            cell = sums[s][a]
            cell[0] += r[t] + (max(seen) if seen else 0.0)
            cell[1] += 1
        for s in range(POSITIONS):
            for a in range(2):
                total, count = sums[s][a]
                q[t][s][a] = total / count if count else None
    return q


def play(q):
    position, gained = START, 0
    for t in range(STEPS):
        gained += position == COIN
        values = [-1e300 if v is None else v for v in q[t][position]]
        position = move(position, values[1] > values[0])
    return gained


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def redistribute(arguments, folder, data):
    run, out = os.path.join(folder, "run"), os.path.join(folder, "out.jsonl")
    settings = [word for item in arguments.set for word in ("--set", item)]
    quiet = {"stdout": subprocess.DEVNULL, "check": True}
    subprocess.run([arguments.rudder, "train", "configs/offline.yaml", "--episodes", data, "-o", run,
                    "-q", *settings], **quiet)
    subprocess.run([arguments.rudder, "redistribute", "-m", run, data, "-o", out, "-q"], **quiet)
    return [episode["rewards"] for episode in read(out)]


def returns_of(arguments, size, seed):
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data.jsonl")
        subprocess.run([arguments.rudder, "envs", "rollout", "coin-walk", "-n", str(size), "--seed",
                        str(seed * 1000003), "-q", "-o", data], check=True)
        episodes = read(data)
        rewards = {
            "plain": [e["rewards"] for e in episodes],
            "uniform": [[sum(e["rewards"]) / STEPS] * STEPS for e in episodes],
            "exact": [exact(e) for e in episodes],
        }
        if size <= arguments.most:
            rewards["redistributed"] = redistribute(arguments, folder, data)
        return {kind: play(fitted_q(episodes, r)) for kind, r in rewards.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rudder", default="build/rudder")
    parser.add_argument("--sizes", default="10,20,30,100,300,1000,3000,10000")
    parser.add_argument("--sets", type=int, default=10)
    parser.add_argument("--most", type=int, default=10**9, help="larger sizes are not redistributed")
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    print("episodes  " + "".join(f"{kind:>18}" for kind in KINDS), flush=True)
    for size in map(int, arguments.sizes.split(",")):
        found = [returns_of(arguments, size, seed) for seed in range(1, arguments.sets + 1)]
        line = f"{size:8}  "
        for kind in KINDS:
            if kind not in found[0]:
                line += f"{'-':>18}"
                continue
            values = [f[kind] for f in found]
            good = sum(v >= 0.9 * OPTIMAL for v in values)
            line += f"{statistics.median(values):>10g} ({good:2}/{len(values)})"
        print(line, flush=True)


if __name__ == "__main__":
    main()
