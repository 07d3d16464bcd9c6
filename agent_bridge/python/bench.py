"""Measures the bridge from Python beside a bare ZeroMQ echo of the same messages, both pinned alike.

    python bench.py [--json] [--seconds S]

Client, I/O and worker threads and the echo share one core (--pin; -1 pins nothing), the trainer has another one.
Figures are medians and 99th percentiles of single calls [us]; `above echo` is the difference of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rudder_bridge import Client  # noqa: E402
from rudder_bridge.wire import tensor  # noqa: E402

STEPS, POSITIONS, COPIES = 50, 13, 256

# zmq.proxy with one socket on both sides sends each message back to where it came from, without any Python between.
_ECHO = """
import sys, zmq
socket = zmq.Context().socket(zmq.ROUTER)
socket.bind(sys.argv[1])
print("ready", flush=True)
zmq.proxy(socket, socket)
"""


def pin(process: int, core: int) -> None:
    """All threads of the process."""
    for thread in os.listdir(f"/proc/{process}/task"):
        os.sched_setaffinity(int(thread), {core})


def pin_server(process: int, core: int, trainer_core: int) -> None:
    """Everything to one core but the trainer's threads, which are told by their name."""
    for thread in os.listdir(f"/proc/{process}/task"):
        name = Path(f"/proc/{process}/task/{thread}/comm").read_text().strip()
        os.sched_setaffinity(int(thread), {trainer_core if "train" in name else core})


def measure(call: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Times of single calls [us]."""
    for _ in range(200):
        call()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - began)
    middle, high = np.percentile(np.array(times) / 1000, [50, 99])
    return {"median": float(middle), "p99": float(high), "calls": len(times)}


class Echo:
    """The echo server, and calls that send so many bytes to it and wait for them."""

    def __init__(self, core: int) -> None:
        folder = tempfile.mkdtemp(prefix="rudder-bench-")
        address = f"ipc://{folder}/echo"
        self._process = subprocess.Popen([sys.executable, "-c", _ECHO, address], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()
        if core >= 0:
            pin(self._process.pid, core)
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.connect(address)

    def call(self, size: int) -> Callable[[], Any]:
        frame, send, receive = bytes(size), self._socket.send, self._socket.recv

        def exchange() -> None:
            send(frame)
            receive()

        return exchange

    def close(self) -> None:
        self._socket.close(linger=0)
        self._process.kill()
        self._process.communicate()


def episode(random: np.random.Generator) -> dict[str, Any]:
    actions = random.integers(2, size=STEPS)
    positions = np.clip(7 + np.concatenate([[0], np.cumsum(2 * actions - 1)]), 0, POSITIONS - 1)
    rewards = np.zeros(STEPS)
    rewards[-1] = (positions[:-1] == 9).sum()
    return {"observations": positions, "actions": actions, "rewards": rewards, "terminated": True}


class Bench:
    def __init__(self, client: Client, echo: Echo, seconds: float) -> None:
        self.client, self.echo, self.seconds = client, echo, seconds
        self.random = np.random.default_rng(0)
        self.figures: dict[str, dict[str, float]] = {}

    def beside_echo(self, name: str, call: Callable[[], Any], request_bytes: int) -> dict[str, float]:
        """Medians over five rounds of call and echo in turn."""
        rounds = []
        for _ in range(5):
            ours = measure(call, self.seconds / 10)
            bare = measure(self.echo.call(request_bytes), self.seconds / 10)
            rounds.append((ours["median"], ours["p99"], bare["median"]))
        median, p99, bare_median = (float(value) for value in np.median(rounds, axis=0))
        figure = {"median_us": median, "p99_us": p99, "echo_us": bare_median, "above_echo_us": median - bare_median}
        self.figures[name] = figure
        return figure

    def redistribute(self, name: str) -> None:
        one = episode(self.random)
        size = len(msgpack.packb({"episodes": [{k: tensor(v) for k, v in one.items()}]})) + 80
        self.beside_echo(name, lambda: self.client.redistribute(one), size)

    def stream(self) -> None:
        from rudder_bridge.streams import Settings, Stream
        from rudder_bridge.client import task_specification

        spec = task_specification({"type": "discrete", "n": POSITIONS}, {"type": "discrete", "n": 2})
        stream = Stream(spec, self.client.address, 10.0, Settings(submit=False))
        steps = 0

        def step() -> None:
            # The rare opening of a stream is between the steps: it moves no median.
            nonlocal steps
            if steps % STEPS == 0:
                stream.begin()
            steps += 1
            stream.step(7, 1, 0.0, steps % STEPS == 0, False, 8)

        self.beside_echo("stream step", step, 110)
        stream.close()

    def environments(self) -> None:
        request = self.client.request
        env = request("env.make", {"name": "coin-walk", "copies": 1, "autoreset": "next_step"})["env"]
        request("env.reset", {"env": env, "seed": 0})
        action = tensor(np.ones(1, np.int64))
        self.beside_echo("env step", lambda: request("env.step", {"env": env, "actions": action}), 100)
        many = request("env.make", {"name": "coin-walk", "copies": COPIES, "autoreset": "next_step"})["env"]
        request("env.reset", {"env": many, "seed": 0})
        actions = self.random.integers(2, size=COPIES)

        def step_all() -> None:
            reply = request("env.step", {"env": many, "actions": tensor(actions)})
            np.frombuffer(reply["observations"]["data"], np.int64)
            np.frombuffer(reply["rewards"]["data"], np.float64)

        figure = self.beside_echo(f"env step of {COPIES} copies", step_all, 100 + 8 * COPIES)
        figure["env_steps_per_second"] = COPIES / figure["median_us"] * 1e6

    def run(self) -> None:
        self.client.configure({"type": "discrete", "n": POSITIONS}, {"type": "discrete", "n": 2})
        self.client.pause_training()
        self.client.submit([episode(self.random) for _ in range(300)])
        self.client.train(updates=200)
        self.client.submit([episode(self.random) for _ in range(100)])
        self.redistribute("redistribute")
        self.client.resume_training()
        self.redistribute("redistribute while training")
        self.client.pause_training()
        self.stream()
        self.environments()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure (default: %(default)s)")
    parser.add_argument("--pin", type=int, default=0, metavar="CORE", help="default: %(default)s; -1: none")
    given = parser.parse_args()
    if given.pin >= 0:
        os.sched_setaffinity(0, {given.pin})
    echo = Echo(given.pin)
    with Client() as client:
        if given.pin >= 0 and client._server is not None:
            cores = os.cpu_count() or 1
            pin_server(client._server.process.pid, given.pin, (given.pin + 1) % cores)
        bench = Bench(client, echo, given.seconds)
        bench.run()
    echo.close()
    if given.json:
        print(json.dumps(bench.figures))
        return
    print(f"{'':<30}{'median':>9}{'p99':>9}{'echo':>9}{'above echo':>12}")
    for name, one in bench.figures.items():
        more = f"   {one['env_steps_per_second'] / 1e6:.2f} M steps/s" if "env_steps_per_second" in one else ""
        print(
            f"{name:<30}{one['median_us']:>9.1f}{one['p99_us']:>9.1f}{one['echo_us']:>9.1f}"
            f"{one['above_echo_us']:>12.1f}{more}"
        )


if __name__ == "__main__":
    main()
