import pickle
import unittest

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from rudder_bridge import Client, RemoteEnv, RemoteVectorEnv, RudderError
from rudder_bridge.remote import gymnasium_space
from rudder_bridge.wire import Space

T = 50  # steps of coin-walk


class Remote(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = Client()
        cls.addClassCleanup(cls.client.close)
        cls.address = cls.client.address

    def env(self, name="watch-repair", **options):
        made = RemoteEnv(self.address, name, **options)
        self.addCleanup(made.close)
        return made

    def vector(self, mode, name="coin-walk", copies=3, **options):
        made = RemoteVectorEnv(self.address, name, num_envs=copies, autoreset_mode=mode, **options)
        self.addCleanup(made.close)
        return made

    def test_spaces_and_values(self):
        env = self.env()
        np.testing.assert_array_equal(env.observation_space.nvec, [2, 51, 51, 4, 51])
        self.assertEqual(env.action_space.n, 2)
        observation, info = env.reset(seed=123)
        self.assertTrue(env.observation_space.contains(observation))
        self.assertEqual(info, {})
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        self.assertTrue(env.observation_space.contains(observation))
        self.assertEqual([type(value) for value in (reward, terminated, truncated, info)], [float, bool, bool, dict])

    def test_a_discrete_observation_is_a_numpy_integer(self):
        env = self.env("coin-walk")
        observation, _ = env.reset()
        self.assertIs(type(observation), np.int64)
        self.assertTrue(env.observation_space.contains(observation))

    def test_seeds(self):
        env = self.env()

        def play(seed):
            rows = [env.reset(seed=seed)[0]] + [env.step(1)[0] for _ in range(10)]
            return np.array(rows).tolist()

        self.assertEqual(play(2**64 - 1), play(2**64 - 1))
        self.assertNotEqual(play(1), play(2))
        first = play(1)
        self.assertNotEqual(play(None), first)  # goes on
        env.reset(seed=123)
        state = env._np_random.bit_generator.state
        env.reset(seed=123)
        self.assertEqual(env._np_random.bit_generator.state, state)

    def test_delay_is_an_option(self):
        env = self.env(delay=7)
        env.reset(seed=1)
        ends = [env.step(1)[2] for _ in range(7)]
        self.assertEqual(ends, [False] * 6 + [True])
        with self.assertRaises(RudderError) as caught:
            env.step(1)
        self.assertEqual(caught.exception.code, "needs_reset")

    def test_a_pickled_one_is_another_environment(self):
        env = self.env(delay=7)
        env.reset(seed=1)
        copied = pickle.loads(pickle.dumps(env))
        self.addCleanup(copied.close)
        env.step(1)
        copied.reset(seed=1)
        ends = [copied.step(1)[2] for _ in range(7)]
        self.assertEqual(ends, [False] * 6 + [True])

    def test_unknown_names(self):
        with self.assertRaisesRegex(RudderError, "no-such"):
            RemoteEnv(self.address, "no-such")

    def check_batch(self, env, observations):
        self.assertTrue(env.observation_space.contains(observations), observations)

    def test_next_step(self):
        env = self.vector(AutoresetMode.NEXT_STEP)
        self.assertEqual(env.metadata["autoreset_mode"], AutoresetMode.NEXT_STEP)
        observations, _ = env.reset(seed=1)
        self.check_batch(env, observations)
        for t in range(1, T + 2):
            observations, rewards, terminated, truncated, infos = env.step(np.ones(3, int))
            self.assertEqual(terminated.tolist(), [t == T] * 3)
            self.check_batch(env, observations)
        # This step was the reset.
        self.assertEqual((observations.tolist(), rewards.tolist()), ([7] * 3, [0.0] * 3))
        self.assertEqual((rewards.dtype, terminated.dtype, truncated.dtype), (np.float64, np.bool_, np.bool_))

    def test_same_step(self):
        env = self.vector(AutoresetMode.SAME_STEP)
        env.reset(seed=1)
        for _ in range(T):
            observations, _, terminated, _, infos = env.step(np.ones(3, int))
        self.assertTrue(terminated.all())
        self.assertEqual(observations.tolist(), [7] * 3)
        self.assertEqual(infos["final_obs"].tolist(), [12] * 3)
        self.assertEqual(infos["_final_obs"].tolist(), [True] * 3)

    def test_disabled(self):
        env = self.vector("disabled")
        env.reset(seed=1)
        for _ in range(T):
            env.step(np.ones(3, int))
        with self.assertRaises(RudderError):
            env.step(np.ones(3, int))
        observations, _ = env.reset(options={"reset_mask": np.array([True, False, True])})
        self.assertEqual(observations.tolist(), [7, 12, 7])

    def test_a_seed_gives_each_copy_the_next(self):
        env = self.vector("next_step", "watch-repair", copies=3)
        alone = self.env()
        for seeds in (5, [9, 2**64 - 1, 0]):
            observations, _ = env.reset(seed=seeds)
            following = env.step(np.ones(3, int))[0]
            for i in range(3):
                seed = seeds + i if isinstance(seeds, int) else seeds[i]
                np.testing.assert_array_equal(observations[i], alone.reset(seed=seed)[0])
                np.testing.assert_array_equal(following[i], alone.step(1)[0])

    def test_copies_seeded_alone_go_on_with_their_own_streams(self):
        env = self.vector("same_step", "watch-repair", copies=3, delay=4)
        alone = self.env(delay=4)

        def play(seed, episodes):
            rows = []
            alone.reset(seed=seed)
            for _ in range(episodes):
                rows += [alone.step(1)[1] for _ in range(4)]
                alone.reset()
            return rows

        env.reset(seed=[9, 5, 2**64 - 1])
        rewards = [env.step(np.ones(3, int))[1] for _ in range(8)]
        env.reset(seed=3, options={"reset_mask": np.array([False, True, False])})
        rewards += [env.step(np.ones(3, int))[1] for _ in range(8)]
        rewards = np.transpose(rewards).tolist()
        self.assertEqual(rewards[0], play(9, 4))
        self.assertEqual(rewards[1], play(5, 2) + play(4, 2))
        self.assertEqual(rewards[2], play(2**64 - 1, 4))

    def test_closed_twice(self):
        for env in (self.env(), self.vector("next_step")):
            env.close()
            env.close()


class Spaces(unittest.TestCase):
    def test_from_messages(self):
        box = gymnasium_space({"type": "box", "shape": [2], "low": -1.0})
        self.assertEqual((box.low.tolist(), box.high.tolist()), ([-1, -1], [np.inf, np.inf]))
        self.assertEqual(gymnasium_space({"type": "discrete", "n": 3, "start": -1}).start, -1)
        self.assertEqual(gymnasium_space({"type": "multi_binary", "n": [2, 2]}).shape, (2, 2))

    def test_the_parts_of_a_dict_stand_one_behind_the_other(self):
        inner = gymnasium.spaces.Dict({"kind": gymnasium.spaces.Discrete(3, start=-1)})
        space = Space(gymnasium.spaces.Dict({"in": inner, "x": gymnasium.spaces.Box(-1, 1, (2,))}))
        self.assertEqual(space.map, {"type": "box", "shape": [5]})
        self.assertEqual(space.row({"in": {"kind": 1}, "x": [0.5, -1]}), [0, 0, 1, 0.5, -1])
        batch = {"in": {"kind": np.array([-1, 0])}, "x": np.array([[0, 1], [1, 0]])}
        self.assertEqual(space.rows(batch).tolist(), [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0]])
        with self.assertRaisesRegex(ValueError, r"outside its space at \['in', 'kind'\]"):
            space.row({"in": {"kind": 2}, "x": [0, 0]})


if __name__ == "__main__":
    unittest.main()
