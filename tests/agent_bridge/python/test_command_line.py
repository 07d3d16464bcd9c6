import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from tasks import random_episodes

from rudder_bridge import Client


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "rudder_bridge", *arguments], capture_output=True, text=True, timeout=60
    )


def lines(episodes):
    plain = ({key: np.asarray(value).tolist() for key, value in episode.items()} for episode in episodes)
    return "".join(json.dumps(episode) + "\n" for episode in plain)


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.client = Client()
        self.addCleanup(self.client.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "episodes.jsonl"
        self.address = ("--address", self.client.address)

    def test_submit_and_status(self):
        episodes = [{**episode, "id": f"e{i}"} for i, episode in enumerate(random_episodes(3))]
        episodes[0]["redistributed_rewards"] = episodes[0]["rewards"]
        self.file.write_text(lines(episodes) + "\n" + lines(episodes[:1]))
        done = run("submit", str(self.file), *self.address)
        self.assertEqual((done.returncode, done.stdout), (0, "3 accepted, 1 duplicates, 0 cut\n"), done.stderr)
        done = run("status", "--json", *self.address)
        self.assertEqual(json.loads(done.stdout)["episodes"], 3, done.stderr)
        table = run("status", *self.address).stdout
        self.assertRegex(table, r"(?m)^[0-9a-f]{16} .* 3 ")

    def test_a_line_that_is_no_json(self):
        self.file.write_text(lines(random_episodes(1)) + "{\n")
        done = run("submit", str(self.file), *self.address)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.file}:2:", done.stderr)

    def test_rows_of_unequal_length(self):
        self.file.write_text(json.dumps({"observations": [[1], [1, 2]], "rewards": [1]}) + "\n")
        done = run("submit", str(self.file), *self.address)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.file}:1:", done.stderr)

    def test_nobody_there(self):
        done = run("status", "--address", "tcp://127.0.0.1:1", "--timeout", "0.2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("tcp://127.0.0.1:1 did not answer", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
