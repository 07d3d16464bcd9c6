"""The examples, each as a user runs it."""

import ast
import importlib.util
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import rudder_bridge
from rudder_bridge.server import find_server

EXAMPLES = Path(rudder_bridge.__file__).resolve().parents[1] / "examples"


def run(program, *arguments):
    return subprocess.run([sys.executable, program, *arguments], capture_output=True, text=True, timeout=600)


class Examples(unittest.TestCase):
    def test_q_learning_finds_the_coins(self):
        done = run(EXAMPLES / "q_learning.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        coins = [int(n) for n in re.findall(r"gets (\d+) of 24", done.stdout)]
        self.assertGreaterEqual(max(coins), 20, done.stdout)
        self.assertIn("ready: True", done.stdout)

    def test_q_learning_is_short(self):
        lines = (EXAMPLES / "q_learning.py").read_text().split('"""')[2].splitlines()
        self.assertLessEqual(sum(bool(line.strip()) for line in lines), 40)

    @unittest.skipUnless(importlib.util.find_spec("torch"), "PyTorch is not installed (Debian: python3-torch)")
    def test_policy_gradient_draws_both_curves(self):
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "curves.svg"
            arguments = ("--iterations", "40", "--seeds", "3", "--picture", str(picture))
            done = run(EXAMPLES / "policy_gradient.py", *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            coins = dict(re.findall(r"^(\w+) rewards: ([\d.]+) of 24", done.stdout, re.M))
            self.assertGreater(float(coins["redistributed"]), 1.5 * float(coins["original"]), done.stdout)
            drawn = picture.read_text()
            self.assertEqual(drawn.count("<polyline"), 2)
            self.assertNotIn("nan", drawn)

    def test_raw_client(self):
        with tempfile.TemporaryDirectory() as folder:
            server = subprocess.Popen(
                [find_server(), "serve", "--bind", f"ipc://{folder}/socket"], stdout=subprocess.PIPE, text=True
            )
            self.addCleanup(server.stdout.close)
            self.addCleanup(server.wait)
            self.addCleanup(server.terminate)
            self.assertEqual(server.stdout.readline(), f"rudder: listening on ipc://{folder}/socket\n")
            program = Path(folder) / "raw_client.py"
            text = (EXAMPLES / "raw_client.py").read_text()
            self.assertIn("tcp://127.0.0.1:5555", text)
            program.write_text(text.replace("tcp://127.0.0.1:5555", f"ipc://{folder}/socket"))
            done = run(program)
        reply = ast.literal_eval(done.stdout)
        self.assertEqual((reply["id"], reply["ok"], reply["ready"]), (7, True, False), done.stderr)
        self.assertEqual(reply["results"][0]["redistributed_rewards"], [0.0, 1.0])


if __name__ == "__main__":
    unittest.main()
