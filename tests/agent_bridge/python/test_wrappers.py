import json
import pickle
import subprocess
import tempfile
import unittest
import warnings
from copy import deepcopy
from unittest import mock

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from ready import ready_client
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from tasks import STEPS, Walk

from rudder_bridge import Client, RedistributeReward, RedistributeRewardVector, RudderError
from rudder_bridge.client import shared
from rudder_bridge.sb3 import VecRedistributeReward
from rudder_bridge.server import find_server

# A stream and a batch sum the network's products, 32-bit numbers, in another order.
TOLERANCE = 1e-5

KEYS = {"original_reward", "redistributed_reward", "ready", "redistribution"}


def play(env, actions, seed=None):
    """One episode; its steps as (reward, terminated, truncated, info), reset's info first."""
    _, info = env.reset(seed=seed)
    steps = [(0.0, False, False, info)]
    for action in actions:
        _, *rest = env.step(action)
        steps.append(tuple(rest))
        if rest[1] or rest[2]:
            break
    return steps


class WithModel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = ready_client()
        cls.addClassCleanup(cls.client.close)
        cls.address = cls.client.address

    def wrapped(self, env, wrapper=RedistributeReward, **arguments):
        made = wrapper(env, self.address, timeout=60, **arguments)
        self.addCleanup(made.close)
        return made

    def batch_rewards(self, rows, actions, rewards, **arguments):
        episode = {"observations": rows, "actions": actions, "rewards": rewards, "terminated": True}
        return self.client.redistribute([episode], **arguments)[0].rewards


def rows_of(actions):
    places = STEPS + np.concatenate([[0], np.cumsum(2 * np.asarray(actions) - 1)])
    return np.stack([places, np.arange(len(actions) + 1)], axis=1)


class Single(WithModel):
    actions = [1, 0, 0, 1, 1, 0, 1, 0]
    rewards = [0.0] * (STEPS - 1) + [1.0]

    def test_rewards_while_it_runs_are_those_of_the_whole_episode(self):
        steps = play(self.wrapped(Walk()), self.actions)
        wanted = self.batch_rewards(rows_of(self.actions), self.actions, self.rewards)
        np.testing.assert_allclose([step[0] for step in steps[1:]], wanted, atol=TOLERANCE)
        self.assertGreater(wanted[0], 0.2)  # the first step earned it

    def test_infos(self):
        steps = play(self.wrapped(Walk()), self.actions)
        for reward, _, _, info in steps:
            self.assertLessEqual(KEYS, info.keys())
            self.assertIs(info["ready"], True)
            self.assertIs(type(info["original_reward"]), float)
            self.assertEqual(info["redistributed_reward"], reward)
        self.assertEqual([step[3]["redistribution"] for step in steps[:-1]], [None] * STEPS)
        whole = steps[-1][3]["redistribution"]
        self.assertIs(type(whole), tuple)
        self.assertEqual({type(value) for value in whole}, {float})
        self.assertEqual(len(whole), STEPS)
        self.assertAlmostEqual(sum(whole), 1.0)
        self.assertEqual([step[3]["original_reward"] for step in steps[1:]], self.rewards)
        self.assertEqual(steps[1][3]["here"], 1)

    def test_rewards_are_plain_floats_and_flags_are_passed_on(self):
        steps = play(self.wrapped(Walk()), self.actions)
        self.assertEqual({type(step[0]) for step in steps[1:]}, {float})
        self.assertEqual([step[1] for step in steps[1:]], [False] * (STEPS - 1) + [True])

    def test_spaces_are_passed_on(self):
        env = self.wrapped(Walk())
        self.assertIs(env.observation_space, Walk.observation_space)
        self.assertIs(env.action_space, Walk.action_space)

    def test_same_seed_same_step(self):
        env = self.wrapped(Walk())
        first, second = (play(env, [1], seed=123)[1] for _ in range(2))
        self.assertEqual(first, second)
        self.assertIsNotNone(env.unwrapped._np_random)

    def test_cut_by_a_time_limit(self):
        steps = play(self.wrapped(Walk(limit=3)), [1, 1, 1])
        reward, terminated, truncated, info = steps[-1]
        self.assertEqual((terminated, truncated, info["ready"]), (False, True, False))
        self.assertEqual(info["redistribution"], (0.0, 0.0, 1.0))
        # What was paid stays paid, and nothing makes up for it.
        self.assertTrue(steps[1][3]["ready"])
        self.assertNotAlmostEqual(sum(step[0] for step in steps), 1.0)

    def test_a_time_limit_that_ends_the_task(self):
        steps = play(self.wrapped(Walk(limit=3), time_limit="terminal"), [1, 1, 1])
        self.assertAlmostEqual(sum(step[0] for step in steps), 1.0)
        self.assertTrue(steps[-1][3]["ready"])
        # Who bootstraps at truncation alone does not here.
        self.assertEqual([step[1:3] for step in steps[2:]], [(False, False), (True, True)])
        env = DummyVecEnv([lambda: self.wrapped(Walk(limit=1), time_limit="terminal")])
        env.reset()
        _, _, (done,), (info,) = env.step(np.array([1]))
        self.assertEqual((bool(done), info["TimeLimit.truncated"]), (True, False))

    def test_mixing(self):
        full = play(self.wrapped(Walk()), self.actions)
        half = play(self.wrapped(Walk(), mix=0.25), self.actions)
        for (all_of_it, *_, info), (part, *_) in zip(full[1:], half[1:]):
            self.assertAlmostEqual(part, 0.75 * info["original_reward"] + 0.25 * all_of_it)

    def test_an_episode_is_kept_once_it_ended_and_not_before(self):
        env = self.wrapped(Walk())
        before = self.client.status()["episodes"]
        play(env, self.actions[:3])
        env.reset()
        self.assertEqual(self.client.status()["episodes"], before)
        play(env, self.actions)
        self.assertEqual(self.client.status()["episodes"], before + 1)
        play(self.wrapped(Walk(), submit=False), self.actions)
        self.assertEqual(self.client.status()["episodes"], before + 1)

    def test_a_forgotten_stream_is_begun_again(self):
        env = self.wrapped(Walk())
        env.reset()
        paid = []
        for t, action in enumerate(self.actions):
            if t in (3, STEPS - 1):
                episode = env._stream._episode
                episode.task.client.request("stream.close", {"stream": episode.number, "abandon": True})
            paid.append(env.step(action)[1])
        wanted = self.batch_rewards(rows_of(self.actions), self.actions, self.rewards)
        np.testing.assert_allclose(paid, wanted, atol=TOLERANCE)

    def test_a_server_whose_disk_is_full(self):
        env = self.wrapped(Walk())
        env.reset()
        stream = env._stream
        client = stream._source.client
        real, keeps = client.request, {}

        def request(op, fields=None, progress=None):
            if op == "stream.open":
                keeps[fields["stream"]] = fields["submit"]
            if op == "stream.step" and fields.get("terminated") and keeps.get(fields["stream"], True):
                raise RudderError("storage", "the disk is full")
            return real(op, fields, progress)

        before = self.client.status()["episodes"]
        with mock.patch.object(client, "request", request), mock.patch.object(stream, "_request", request):
            with self.assertWarnsRegex(UserWarning, "the disk is full"):
                paid = [env.step(action)[1] for action in self.actions]
        wanted = self.batch_rewards(rows_of(self.actions), self.actions, self.rewards)
        np.testing.assert_allclose(paid, wanted, atol=TOLERANCE)
        self.assertEqual(self.client.status()["episodes"], before)

    def test_rebuilt_from_its_spec(self):
        env = self.wrapped(gymnasium.make("Walk-v0", limit=5), mix=0.5, time_limit="terminal")
        again = gymnasium.make(env.spec)
        self.addCleanup(again.close)
        json.loads(env.spec.to_json())
        self.assertIsInstance(again, RedistributeReward)
        self.assertEqual(again._saved_kwargs, env._saved_kwargs)
        self.assertEqual([step[0] for step in play(again, self.actions)], [step[0] for step in play(env, self.actions)])

    def test_a_pickled_one_must_be_reset(self):
        env = self.wrapped(Walk())
        wanted = [step[0] for step in play(env, self.actions)]
        env.reset()
        env.step(1)
        for copied in (pickle.loads(pickle.dumps(env)), deepcopy(env)):
            self.addCleanup(copied.close)
            with self.assertRaises(gymnasium.error.ResetNeeded):
                copied.step(1)
            self.assertEqual([step[0] for step in play(copied, self.actions)], wanted)

    def test_warns_of_wrappers_that_stand_wrong(self):
        class TimeLimit(gymnasium.Wrapper):
            pass

        class ClipReward(gymnasium.Wrapper):
            pass

        class NormalizeReward(gymnasium.Wrapper):
            pass

        def warned(env):
            self.addCleanup(env.close)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                env.reset()
                env.reset()
            return [str(warning.message).split()[0] for warning in caught if warning.category is UserWarning]

        for other in (TimeLimit, ClipReward, NormalizeReward):
            self.assertEqual(warned(other(self.wrapped(Walk()))), [other.__name__])
        self.assertEqual(warned(self.wrapped(TimeLimit(ClipReward(Walk())))), [])
        self.assertEqual(warned(self.wrapped(NormalizeReward(Walk()))), ["NormalizeReward"])

    def test_observations_and_actions_outside_their_box(self):
        class Overstepping(Walk):
            observation_space = gymnasium.spaces.Box(0, 1, (2,))
            action_space = gymnasium.spaces.Box(-1, 1, (1,))

            def reset(self, **arguments):
                row, info = super().reset(**arguments)
                return row.astype(np.float32), info

            def step(self, action):
                row, *rest = super().step(action[0] > 0)
                return (row.astype(np.float32), *rest)

        steps = play(self.wrapped(Overstepping()), np.full((STEPS, 1), 1.5, np.float32))
        self.assertEqual(sum(step[0] for step in steps), 1.0)

    def test_spaces_that_cannot_be_sent(self):
        class Text(gymnasium.spaces.Space):
            pass

        env = Walk()
        for space in (Text((), np.int64), gymnasium.spaces.Dict({"word": Text((), np.int64)})):
            env.observation_space = space
            with self.assertRaisesRegex(TypeError, "not Text"):
                RedistributeReward(env)

    def test_wrappers_without_an_address_share_a_server_that_ends_with_the_last(self):
        first, second = RedistributeReward(Walk()), RedistributeReward(Walk())
        for env in (first, second):
            play(env, self.actions)
        client = first._stream._source.client
        self.assertIs(client, second._stream._source.client)
        self.assertEqual(first._stream._source.task.request("status", {})["episodes"], 2)
        first.close()
        self.assertIsNone(client._server.process.poll())
        second.close()
        self.assertIsNotNone(client._server.process.poll())
        self.assertEqual(shared._clients, {})


class Vector(WithModel):
    """Each copy must get what the same actions get in an environment of its own."""

    lengths = (STEPS, 3, 5)

    def play_vector(self, env, actions, reset=lambda env, done: None):
        env.reset(seed=1)
        steps = []
        for row in actions:
            _, rewards, terminated, truncated, infos = env.step(row)
            steps.append((rewards, terminated | truncated, infos))
            if (terminated | truncated).any():
                reset(env, terminated | truncated)
        return steps

    def episodes_of(self, steps, copy, skip_after_end):
        """The copy's finished episodes: lists of (reward, info value of each key)."""
        episodes, running, skip = [], [], False
        for rewards, done, infos in steps:
            if skip:
                self.assertEqual((rewards[copy], infos["redistributed_reward"][copy]), (0.0, 0.0))
                skip = False
                continue
            running.append((rewards[copy], *(infos[key][copy] for key in sorted(KEYS))))
            if done[copy]:
                episodes.append(running)
                running, skip = [], skip_after_end
        return episodes

    def check_mode(self, mode, copy_observations, reset=lambda env, done: None):
        actions = np.random.default_rng(5).integers(2, size=(30, len(self.lengths)))
        inner = SyncVectorEnv(
            [lambda n=n: Walk(limit=n, steps=n) for n in self.lengths], copy_observations, autoreset_mode=mode
        )
        env = self.wrapped(inner, RedistributeRewardVector)
        before = self.client.status()["episodes"]
        steps = self.play_vector(env, actions, reset)
        skip = mode is AutoresetMode.NEXT_STEP
        count = 0
        for copy, length in enumerate(self.lengths):
            alone = self.wrapped(Walk(limit=length, steps=length), submit=False)
            taken = actions[:, copy].tolist()
            for episode in self.episodes_of(steps, copy, skip):
                wanted = play(alone, [taken.pop(0) for _ in range(length)])[1:]
                del taken[:skip]
                self.assertEqual(len(episode), length)
                for got, (reward, _, _, info) in zip(episode, wanted):
                    values = [reward, *(info[key] for key in sorted(KEYS))]
                    np.testing.assert_allclose(got[:4], values[:4], atol=TOLERANCE)
                whole = episode[-1][-1]
                self.assertIs(type(whole), tuple)
                np.testing.assert_allclose(whole, wanted[-1][3]["redistribution"], atol=TOLERANCE)
                count += 1
        self.assertGreater(count, 10)
        self.assertEqual(self.client.status()["episodes"], before + count)
        return env, steps

    def test_next_step(self):
        self.check_mode(AutoresetMode.NEXT_STEP, True)

    def test_next_step_with_one_array_of_observations(self):
        self.check_mode(AutoresetMode.NEXT_STEP, False)

    def test_same_step(self):
        _, steps = self.check_mode(AutoresetMode.SAME_STEP, False)
        for rewards, done, infos in steps:
            for copy in np.flatnonzero(done):
                self.assertEqual(infos["final_info"]["redistribution"][copy], infos["redistribution"][copy])
                self.assertEqual(infos["final_info"]["redistributed_reward"][copy], rewards[copy])

    def test_disabled_with_a_reset_mask(self):
        def reset(env, done):
            env.reset(options={"reset_mask": done})

        self.check_mode(AutoresetMode.DISABLED, False, reset)

    def test_the_mode_is_that_of_this_vector(self):
        inner = SyncVectorEnv([Walk, Walk], autoreset_mode=AutoresetMode.SAME_STEP)
        SyncVectorEnv([Walk], autoreset_mode=AutoresetMode.NEXT_STEP)
        env = self.wrapped(inner, RedistributeRewardVector)
        steps = self.play_vector(env, [[1, 0]] * (2 * STEPS))
        self.assertEqual([done.all() for _, done, _ in steps], ([False] * (STEPS - 1) + [True]) * 2)
        for first, second in zip(steps[:STEPS], steps[STEPS:]):
            np.testing.assert_allclose(second[0], first[0], atol=TOLERANCE)

    def test_a_time_limit_that_ends_the_task(self):
        inner = SyncVectorEnv([lambda: Walk(limit=2), Walk])
        env = self.wrapped(inner, RedistributeRewardVector, time_limit="terminal")
        env.reset()
        rewards = env.step([1, 1])[1]
        _, more, terminated, truncated, infos = env.step([1, 1])
        self.assertEqual((terminated.tolist(), truncated.tolist()), ([True, False], [True, False]))
        self.assertEqual(terminated.dtype, np.bool_)
        self.assertAlmostEqual(rewards[0] + more[0], 1.0, places=5)
        self.assertTrue(infos["ready"][0])

    def test_a_whole_reset_forgets_what_ran(self):
        env = self.wrapped(SyncVectorEnv([Walk, Walk]), RedistributeRewardVector)
        before = self.client.status()["episodes"]
        self.play_vector(env, [[1, 1]] * 3)
        steps = self.play_vector(env, [[1, 0]] * STEPS)
        self.assertEqual(self.client.status()["episodes"], before + 2)
        np.testing.assert_allclose(sum(step[0] for step in steps), [1.0, 0.0], atol=TOLERANCE)

    def test_forgotten_streams_are_begun_again(self):
        env = self.wrapped(SyncVectorEnv([Walk, Walk]), RedistributeRewardVector)
        wanted = self.play_vector(env, [[1, 0]] * STEPS)
        env.reset()
        for t in range(STEPS):
            if t == 4:
                lost = env._streams._episodes[1]
                lost.task.client.request("stream.close", {"stream": lost.number, "abandon": True})
            np.testing.assert_allclose(env.step([1, 0])[1], wanted[t][0], atol=TOLERANCE)

    def test_info_keys_are_the_same_at_every_step(self):
        env = self.wrapped(SyncVectorEnv([Walk, Walk]), RedistributeRewardVector)
        _, info = env.reset()
        keys = KEYS | {f"_{key}" for key in KEYS}
        self.assertLessEqual(keys, info.keys())
        for _, _, infos in self.play_vector(env, [[1, 0]] * (STEPS + 2)):
            self.assertLessEqual(keys, infos.keys())


class StableBaselines(WithModel):
    def play(self, env, actions):
        env.reset()
        return [env.step(np.asarray(row)) for row in actions]

    def test_every_copy_gets_what_it_gets_alone(self):
        lengths = (STEPS, 3)
        env = self.wrapped(DummyVecEnv([lambda n=n: Walk(limit=n, steps=n) for n in lengths]), VecRedistributeReward)
        actions = np.random.default_rng(6).integers(2, size=(24, 2))
        steps = self.play(env, actions)
        for copy, length in enumerate(lengths):
            alone = self.wrapped(Walk(limit=length, steps=length), submit=False)
            for first in range(0, 24, length):
                wanted = play(alone, actions[first : first + length, copy])[1:]
                for (_, rewards, dones, infos), (reward, terminated, _, info) in zip(steps[first:], wanted):
                    self.assertEqual(rewards.dtype, np.float32)
                    self.assertAlmostEqual(rewards[copy], reward, places=6)
                    self.assertEqual(dones[copy], terminated)
                    self.assertEqual(infos[copy]["original_reward"], info["original_reward"])
                    self.assertEqual(infos[copy]["redistribution"] is None, not terminated)
                    self.assertIn("TimeLimit.truncated", infos[copy])

    def test_rewards_that_are_integers(self):
        class Integers(DummyVecEnv):
            def step_wait(self):
                observations, rewards, dones, infos = super().step_wait()
                return observations, rewards.astype(np.int64), dones, infos

        rewards = [
            step[1][0] for step in self.play(self.wrapped(Integers([Walk]), VecRedistributeReward), [[1]] * STEPS)
        ]
        self.assertGreater(rewards[0] % 1, 0)
        self.assertAlmostEqual(sum(rewards), 1.0, places=5)

    def test_truncation_is_told_by_the_infos(self):
        env = self.wrapped(DummyVecEnv([lambda: Walk(limit=3)]), VecRedistributeReward)
        _, _, dones, infos = self.play(env, [[1]] * 3)[-1]
        self.assertTrue(dones[0] and infos[0]["TimeLimit.truncated"])
        self.assertEqual(infos[0]["redistribution"], (0.0, 0.0, 1.0))
        self.assertFalse(infos[0]["ready"])

    def test_a_time_limit_that_is_the_end_is_not_bootstrapped_behind(self):
        env = self.wrapped(DummyVecEnv([lambda: Walk(limit=3)]), VecRedistributeReward, time_limit="terminal")
        _, _, dones, infos = self.play(env, [[1]] * 3)[-1]
        self.assertTrue(dones[0] and infos[0]["ready"])
        self.assertIs(infos[0]["TimeLimit.truncated"], False)

    def test_reset_infos_and_attributes(self):
        env = self.wrapped(DummyVecEnv([Walk, Walk]), VecRedistributeReward)
        env.reset()
        for info in env.reset_infos:
            self.assertLessEqual(KEYS, info.keys())
        # An episode that begins by itself has a reset's info too.
        env.envs[0].reset = lambda: (Walk.reset(env.envs[0])[0], {"second": True})
        for _ in range(STEPS):
            env.step(np.array([1, 0]))
        self.assertEqual(["second" in info and KEYS <= info.keys() for info in env.reset_infos], [True, False])
        self.assertIs(env.unwrapped, env.venv)
        self.assertEqual(len(env.envs), 2)

    def test_warns_of_reward_normalisation(self):
        def warned(make):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                env = make()
                env.reset()
                env.reset()
                env.close()
            return [str(warning.message) for warning in caught if "VecNormalize" in str(warning.message)]

        def wrapped(venv):
            return VecRedistributeReward(venv, self.address)

        self.assertEqual(len(warned(lambda: VecNormalize(wrapped(DummyVecEnv([Walk]))))), 1)
        self.assertEqual(len(warned(lambda: wrapped(VecNormalize(DummyVecEnv([Walk]))))), 1)
        self.assertEqual(len(warned(lambda: VecNormalize(wrapped(DummyVecEnv([Walk])), norm_reward=False))), 0)
        single = [lambda: RedistributeReward(Walk(), self.address)]
        self.assertEqual(len(warned(lambda: VecNormalize(DummyVecEnv(single)))), 1)


class Restart(unittest.TestCase):
    def serve(self):
        command = [find_server(), "serve", "--bind", f"ipc://{self.folder}/socket", "--state", f"{self.folder}/state"]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertIn(b"listening", self.server.stdout.readline())

    def kill(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def test_an_episode_goes_on_when_the_server_was_killed_and_started_again(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.serve()
        self.addCleanup(lambda: self.kill())
        address = f"ipc://{self.folder}/socket"
        single = RedistributeReward(Walk(), address)
        vector = RedistributeRewardVector(SyncVectorEnv([Walk, Walk]), address)
        client = Client(address)
        for closed in (single, vector, client):
            self.addCleanup(closed.close)
        single.reset()
        vector.reset()
        for t in range(STEPS):
            if t in (2, STEPS - 1):
                self.kill()
                self.serve()
            _, reward, _, _, info = single.step(1)
            rewards = vector.step([1, 0])[1]
        self.assertEqual((reward, info["redistribution"]), (1.0, (0.0,) * (STEPS - 1) + (1.0,)))
        self.assertEqual(rewards.tolist(), [1.0, 0.0])
        self.assertEqual(client.status()["episodes"], 3)


class WithoutModel(unittest.TestCase):
    def test_original_rewards_for_the_whole_episode(self):
        with Client() as client:
            env = RedistributeReward(Walk(), client.address)
            steps = play(env, [1] * STEPS)
            self.assertEqual([step[0] for step in steps[1:]], [0.0] * (STEPS - 1) + [1.0])
            self.assertEqual({step[3]["ready"] for step in steps}, {False})
            self.assertEqual(steps[-1][3]["redistribution"], (0.0,) * (STEPS - 1) + (1.0,))
            env.close()
            env.close()


if __name__ == "__main__":
    unittest.main()
