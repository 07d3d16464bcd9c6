import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid
from pathlib import Path
from unittest import mock

import numpy as np
from scripted import Scripted
from tasks import random_episodes

from rudder_bridge import Client, RudderError, RudderTimeout, relabel
from rudder_bridge.server import find_server
from rudder_bridge.wire import array, tensor


def with_ids(episodes):
    return [{**episode, "id": uuid.uuid4().hex} for episode in episodes]


class Episodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = Client()
        cls.addClassCleanup(cls.client.close)

    def test_submit_counts_each_id_once(self):
        first, second = with_ids(random_episodes(2))
        reply = self.client.submit([first, second, first])
        self.assertEqual((reply["accepted"], reply["duplicates"]), (2, 1))
        self.assertEqual(self.client.submit(second)["duplicates"], 1)
        self.assertEqual(reply["ids"], [first["id"], second["id"], first["id"]])

    def test_missing_ids_are_new_ones(self):
        episode = random_episodes(1)[0]
        self.assertEqual(self.client.submit([episode, episode])["accepted"], 2)
        self.assertNotIn("id", episode)

    def test_original_rewards_until_the_model_is_ready(self):
        episodes = random_episodes(3)
        for one, episode in zip(self.client.redistribute(episodes), episodes):
            self.assertFalse(one.ready)
            np.testing.assert_array_equal(one.rewards, episode["rewards"])
            np.testing.assert_array_equal(one.original_rewards, episode["rewards"])

    def test_more_episodes_than_a_message_holds(self):
        with Client() as client:
            count = client.hello()["limits"]["episodes"] + 1
            reply = client.submit(random_episodes(1) * count)
            self.assertEqual(reply["accepted"], count)
            self.assertEqual(client.status()["episodes"], count)

    def test_relabel_keeps_the_rest_of_an_episode(self):
        episode = {**random_episodes(1)[0], "id": "one"}
        (changed,) = relabel([episode], client=self.client)
        self.assertEqual(changed["id"], "one")
        self.assertIs(changed["observations"], episode["observations"])
        np.testing.assert_array_equal(changed["original_rewards"], episode["rewards"])

    def test_errors_name_the_field(self):
        episodes = random_episodes(3)
        episodes[2]["actions"] = episodes[2]["actions"][:-1]
        with self.assertRaises(RudderError) as caught:
            self.client.submit(episodes)
        self.assertEqual((caught.exception.code, caught.exception.field), ("wrong_shape", "episodes[2].actions"))

    def test_ragged_rows_are_refused_before_they_are_sent(self):
        with self.assertRaisesRegex(ValueError, r"episodes\[0\]\.observations"):
            self.client.submit({"observations": [[1, 2], [3]], "rewards": [0.0]})

    def test_misspelt_fields_are_refused(self):
        with self.assertRaisesRegex(ValueError, "'reward'"):
            self.client.submit({"observations": [1, 2], "reward": [0.0]})


    def test_what_is_no_episode_is_told(self):
        for wrong in ([5], "text", [["observations"]]):
            with self.assertRaisesRegex(TypeError, r"episodes\[0\]: an episode is a dict"):
                self.client.submit(wrong)
        with self.assertRaises(TypeError):
            self.client.train(updates=2.5)
        self.assertEqual(self.client.redistribute([]), [])
        self.assertEqual(self.client.explain([]), [])
        self.assertEqual(relabel([], client=self.client), [])


class Inference(unittest.TestCase):
    def test_all_of_a_submission_counts_not_its_first_message(self):
        usual = {"observations": [0, 1], "actions": [0], "rewards": [1.0]}
        for rare in ({"observations": [7, 1]}, {"actions": [5]}, {"observations": [1]}, {"observations": [-1, 0.5]}):
            with self.subTest(rare), Client() as client:
                count = client.hello()["limits"]["episodes"] + 1
                reply = client.submit([usual] * count + [{**usual, **rare}])
                self.assertEqual(reply["accepted"], count + 1)

    def test_discrete_from_integers_and_an_error_outside(self):
        with Client() as client:
            client.submit({"observations": np.array([0, 3, 1]), "actions": np.array([0, 1]), "rewards": [0.0, 1.0]})
            spec = client.hello()["spec"]
            self.assertEqual((spec["observation_space"]["type"], spec["observation_space"]["n"]), ("discrete", 4))
            self.assertEqual((spec["action_space"]["type"], spec["action_space"]["n"]), ("discrete", 2))
            with self.assertRaisesRegex(RudderError, "configure"):
                client.submit({"observations": np.array([0, 9, 1]), "actions": [0, 1], "rewards": [0.0, 1.0]})

    def test_box_from_real_numbers(self):
        with Client() as client:
            client.submit({"observations": np.zeros((3, 2)), "actions": np.zeros((2, 1)), "rewards": np.zeros(2)})
            spec = client.hello()["spec"]
            self.assertEqual((spec["observation_space"]["type"], spec["observation_space"]["shape"]), ("box", [2]))
            self.assertEqual(spec["action_space"]["type"], "box")


class Training(unittest.TestCase):
    def test_train_publishes_and_the_sum_stays(self):
        with Client() as client:
            client.submit(random_episodes(1))
            client.pause_training()
            client.submit(random_episodes(199, seed=7))
            reply = client.train(updates=20)
            self.assertEqual(reply["done"], 20)
            status = client.status()
            self.assertGreaterEqual(status["model_version"], 1)
            self.assertEqual((status["episodes"], status["updates"]), (200, 20))
            for key in ("ready", "quality"):
                self.assertIn(key, status)
            for one in client.redistribute(random_episodes(5, seed=1)):
                self.assertEqual(one.model_version, status["model_version"])
                self.assertAlmostEqual(one.rewards.sum(), one.original_rewards.sum(), places=9)
            (why,) = client.explain(random_episodes(1, seed=2))
            self.assertAlmostEqual(why.step_relevance.sum(), why.total, places=6)
            self.assertEqual(len(client.model(weights=True)["safetensors"][:8]), 8)


class Waiting(unittest.TestCase):
    def test_nobody_there(self):
        began = time.monotonic()
        with Client("tcp://127.0.0.1:1", timeout=0.3) as client, self.assertRaises(RudderTimeout) as caught:
            client.status()
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn("tcp://127.0.0.1:1", str(caught.exception))
        self.assertIn("rudder serve", str(caught.exception))

    def test_an_address_that_is_none(self):
        with self.assertRaisesRegex(ValueError, "'localhost' is no address"):
            Client("localhost").status()

    def test_late_replies_are_thrown_away(self):
        late = []

        def answer(request, say):
            if request["op"] == "env.step":
                late.append(request["id"])
                return
            for id in late:
                say(id, ok=True, answer="late")
            say(ok=True, answer=request["op"])

        with Scripted(answer) as server, Client(server.address, timeout=0.3) as client:
            with self.assertRaises(RudderTimeout):
                client.request("env.step")
            self.assertEqual(client.request("status")["answer"], "status")
            self.assertEqual(client.request("hello")["answer"], "hello")

    def test_a_lost_request_is_sent_again_under_a_new_id(self):
        def answer(request, say):
            if len(server.requests) > 1:
                say(ok=True, accepted=1, duplicates=0, cut=0)

        with Scripted(answer) as server, Client(server.address, timeout=2) as client:
            self.assertEqual(client.submit(random_episodes(1))["accepted"], 1)
        first, second = server.requests
        self.assertNotEqual(first["id"], second["id"])
        self.assertEqual(first["episodes"], second["episodes"])

    def test_what_changes_twice_is_sent_once(self):
        with Scripted(lambda request, say: None) as server, Client(server.address, timeout=0.4) as client:
            with self.assertRaises(RudderTimeout):
                client.train(1)
        self.assertEqual(len(server.requests), 1)

    def test_progress_restarts_the_time_out(self):
        def answer(request, say):
            for done in range(6):
                say(progress={"done": done, "total": 6})
                time.sleep(0.15)
            say(ok=True, task="t", model_version=1, done=6)

        seen = []
        with Scripted(answer) as server, Client(server.address, timeout=0.5) as client:
            self.assertEqual(client.train(6, lambda done, total: seen.append((done, total)))["done"], 6)
        self.assertEqual(seen, [(done, 6) for done in range(6)])

    def test_busy_is_tried_again(self):
        def answer(request, say):
            if len(server.requests) < 3:
                say(ok=False, error={"code": "busy", "message": "full", "retry_after_ms": 10})
            else:
                say(ok=True, tries=len(server.requests))

        with Scripted(answer) as server, Client(server.address, timeout=2) as client:
            self.assertEqual(client.request("env.step")["tries"], 3)

    def test_frames_that_are_no_messages_do_no_harm(self):
        def answer(request, say):
            server._socket.send_multipart([b"nobody", b""])
            say("another", ok=True, answer=1)
            say(ok=True, answer=2)

        with Scripted(answer) as server, Client(server.address, timeout=2) as client:
            self.assertEqual(client.request("status")["answer"], 2)

    def test_threads_share_a_client(self):
        def answer(request, say):
            say(ok=True, answer=request["number"])

        wrong = []

        def ask(client, numbers):
            wrong.extend(n for n in numbers if client.request("status", {"number": n})["answer"] != n)

        with Scripted(answer) as server, Client(server.address) as client:
            threads = [threading.Thread(target=ask, args=(client, range(k, k + 50))) for k in (0, 100, 200)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])


def running(process):
    """Whether the process is there and no zombie."""
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(process, seconds=10):
    deadline = time.monotonic() + seconds
    while running(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(process)


class PrivateServer(unittest.TestCase):
    def test_ends_with_the_client(self):
        client = Client()
        process = client._server.process.pid
        folder = os.path.dirname(client.address[len("ipc://") :])
        self.assertTrue(running(process))
        client.close()
        client.close()
        self.assertTrue(gone(process))
        self.assertEqual(client._server.process.returncode, 0)
        self.assertFalse(os.path.exists(folder))

    def test_where_the_temporary_folder_has_a_long_path(self):
        with tempfile.TemporaryDirectory() as folder:
            deep = os.path.join(folder, *["folders-in-folders"] * 5)
            os.makedirs(deep)
            with mock.patch.object(tempfile, "tempdir", deep), Client() as client:
                self.assertEqual(client.status()["episodes"], 0)

    def end_python(self, ending):
        program = f"from rudder_bridge import Client; c = Client(); print(c._server.process.pid, flush=True); {ending}"
        child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(child.stdin.close)
        self.addCleanup(child.stdout.close)
        return child, int(child.stdout.readline())

    def test_ends_when_python_ends(self):
        child, server = self.end_python("pass")
        child.wait(20)
        self.assertTrue(gone(server))

    def test_ends_when_python_is_killed(self):
        child, server = self.end_python("input()")
        self.assertTrue(running(server))
        child.send_signal(signal.SIGKILL)
        child.wait(20)
        self.assertTrue(gone(server))

    def test_an_interrupt_from_the_keyboard_is_not_its_business(self):
        with Client() as client:
            self.assertNotEqual(os.getpgid(client._server.process.pid), os.getpgid(0))

    def test_a_client_that_is_forgotten_holds_nothing_up(self):
        child, server = self.end_python("c.status(); import gc; del c; gc.collect(); print('done', flush=True)")
        self.assertEqual(child.stdout.readline(), b"done\n")
        self.assertEqual(child.wait(20), 0)
        self.assertTrue(gone(server))

    def test_a_forked_child_has_its_own_connection(self):
        with Client() as client:
            client.submit(random_episodes(1))
            child = os.fork()
            if child == 0:
                right = client.status()["episodes"] == 1
                client.close()
                os._exit(0 if right else 1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertEqual(client.status()["episodes"], 1)

    def test_its_end_is_told(self):
        with Client(timeout=2) as client:
            client._server.process.kill()
            with self.assertRaisesRegex(RudderError, "private server ended"):
                client.status()

    def test_a_server_that_cannot_start_says_why(self):
        with self.assertRaisesRegex(RudderError, "no-such-file"):
            Client(config="/no-such-file.yaml")


class Crashes(unittest.TestCase):
    """What a server that is killed has told is so afterwards."""

    def setUp(self):
        self.state = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.state)

    def start(self):
        client = Client(state=self.state, timeout=60)
        self.addCleanup(client.close)
        return client

    def test_a_model_version_is_one_model(self):
        episodes = with_ids(random_episodes(60))
        probe = random_episodes(1, seed=9)
        told = {}
        for turn in range(4):
            client = self.start()
            if turn == 0:
                client.submit(episodes[:1])
                client.pause_training()
                client.submit(episodes[1:])
            for _ in range(3):
                (now,) = client.redistribute(probe)
                # The model of a number that was told before, or a new number.
                self.assertEqual(told.setdefault(now.model_version, now.prediction), now.prediction)
                self.assertGreaterEqual(now.model_version, max(told))
                version = client.train(updates=3)["model_version"]
                self.assertNotIn(version, told)
                told[version] = client.redistribute(probe)[0].prediction
            status = client.status()
            client._server.process.kill()
            client.close()
        self.assertEqual(len(set(told.values())), 1 + 3 * 4)
        status_again = self.start().status()
        for key in ("model_version", "episodes", "updates", "lessons", "training", "quality", "ready"):
            self.assertEqual(status_again[key], status[key], key)
        self.assertEqual(status["training"], "paused")


class Keys(unittest.TestCase):
    """A server that asks for CURVE keys."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        (cls.folder / "allowed").mkdir()
        for name in ("server", "client", "stranger"):
            subprocess.run([find_server(), "keygen", str(cls.folder / name)], check=True, stdout=subprocess.DEVNULL)
        shutil.copy(cls.folder / "client.public", cls.folder / "allowed")
        cls.address = f"ipc://{cls.folder}/socket"
        settings = {"secret_key": cls.folder / "server.secret", "allowed_clients": cls.folder / "allowed"}
        server = subprocess.Popen(
            [find_server(), "serve", "-q", "--bind", cls.address]
            + [f"--set=server.{key}={value}" for key, value in settings.items()],
            stdout=subprocess.PIPE,
        )
        cls.addClassCleanup(server.stdout.close)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        assert b"listening" in server.stdout.readline()

    def client(self, name, timeout=10.0):
        made = Client(
            self.address,
            timeout,
            key=None if name is None else str(self.folder / f"{name}.secret"),
            server_key=None if name is None else str(self.folder / "server.public"),
        )
        self.addCleanup(made.close)
        return made

    def test_an_allowed_client_is_served(self):
        self.assertEqual(self.client("client").status()["episodes"], 0)

    def test_others_get_no_answer(self):
        for name in ("stranger", None):
            with self.assertRaisesRegex(RudderTimeout, "CURVE"):
                self.client(name, timeout=0.5).status()

    def test_keys_from_the_environment(self):
        names = {"RUDDER_KEY": "client.secret", "RUDDER_SERVER_KEY": "server.public"}
        with mock.patch.dict(os.environ, {key: str(self.folder / name) for key, name in names.items()}):
            self.assertEqual(self.client(None).status()["episodes"], 0)

    def test_a_secret_that_others_can_read_is_refused(self):
        open_to_all = self.folder / "open.secret"
        shutil.copy(self.folder / "client.secret", open_to_all)
        open_to_all.chmod(0o644)
        with self.assertRaisesRegex(PermissionError, "chmod 600"):
            self.client("open")

    def test_files_that_hold_no_key(self):
        (self.folder / "empty.secret").write_text("\n")
        (self.folder / "empty.secret").chmod(0o600)
        with self.assertRaisesRegex(ValueError, "empty.secret"):
            self.client("empty")


class Tensors(unittest.TestCase):
    def test_what_goes_out_comes_back(self):
        values = np.arange(6).reshape(2, 3)
        for dtype in ("bool", "int8", "uint16", "int64", "float32", "float64", ">i4", ">f8", "float16"):
            sent = values.astype(dtype)
            np.testing.assert_array_equal(array(tensor(sent)), sent)
            np.testing.assert_array_equal(array(tensor(sent[:, ::2].T)), sent[:, ::2].T)

    def test_bytes_are_little_endian(self):
        self.assertEqual(tensor(np.array([1], ">i4"))["data"], b"\x01\0\0\0")

    def test_text_is_no_tensor(self):
        with self.assertRaisesRegex(ValueError, "rewards"):
            tensor(["a"], "rewards")


if __name__ == "__main__":
    unittest.main()
