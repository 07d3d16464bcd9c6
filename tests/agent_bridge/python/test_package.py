"""The package without Gymnasium; the protocol's examples."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import msgpack
import numpy as np

import rudder_bridge
from rudder_bridge.server import find_server

BRIDGE = Path(rudder_bridge.__file__).resolve().parents[2]
EXAMPLES = BRIDGE / "python" / "examples"


def python(program, **environment):
    """Runs it without the stand-ins for Gymnasium and Stable-Baselines3."""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(BRIDGE / "python"), **environment},
    )


class WithoutGymnasium(unittest.TestCase):
    def test_client_works(self):
        done = python(
            "import sys; from rudder_bridge import *\n"
            "with Client() as client: print(client.status()['episodes'], 'gymnasium' in sys.modules)"
        )
        self.assertEqual(done.stdout, "0 False\n", done.stderr)

    def test_wrappers_say_what_is_missing(self):
        done = python("import sys; sys.modules['gymnasium'] = None; import rudder_bridge; rudder_bridge.RemoteEnv")
        self.assertIn("ImportError: RemoteEnv needs Gymnasium", done.stderr)


class FindServer(unittest.TestCase):
    def test_a_wrong_path_is_named(self):
        done = python("from rudder_bridge import Client; Client()", RUDDER_SERVER="/no/such/program")
        self.assertIn("RUDDER_SERVER=/no/such/program is no program", done.stderr)

    def test_by_variable_then_by_path(self):
        named, path = os.environ["RUDDER_SERVER"], os.environ["PATH"]
        self.assertEqual(find_server(), named)
        self.addCleanup(os.environ.update, RUDDER_SERVER=named, PATH=path)
        del os.environ["RUDDER_SERVER"]
        os.environ["PATH"] = os.path.dirname(os.path.abspath(named))
        self.assertEqual(find_server(), os.path.abspath(named))


class Protocol(unittest.TestCase):
    text = (BRIDGE / "PROTOCOL.md").read_text(encoding="utf-8")

    def test_the_client_in_it_is_the_example(self):
        self.assertIn(f"```python\n{(EXAMPLES / 'raw_client.py').read_text()}```", self.text)

    def hex_example(self, first_line):
        block = re.search(rf"```\n({first_line}.*?)```", self.text, re.S).group(1)
        pairs = re.findall(r"^((?:[0-9a-f]{2} +)*[0-9a-f]{2}(?= ))", block, re.M)
        return msgpack.unpackb(bytes.fromhex("".join(pairs)))

    def test_the_bytes_in_it_are_what_they_are_said_to_be(self):
        self.assertEqual(self.hex_example("84 "), {"version": 1, "id": 7, "op": "train", "updates": 100})
        tensor = self.hex_example("83 ")
        self.assertEqual((tensor["dtype"], tensor["shape"]), ("float32", [3]))
        self.assertEqual(np.frombuffer(tensor["data"], "<f4").tolist(), [0, 0, 1])


if __name__ == "__main__":
    unittest.main()
