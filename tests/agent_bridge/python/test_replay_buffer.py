import pickle
import unittest
import warnings

import gymnasium
import numpy as np
from ready import ready_client
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from tasks import STEPS, Walk, random_episodes

from rudder_bridge import Client
from rudder_bridge.sb3 import RedistributedReplayBuffer, VecRedistributeReward


def fill(buffer, env, steps, seed=0):
    """Plays as Stable-Baselines3's off-policy algorithms do."""
    generator = np.random.default_rng(seed)
    seen = env.reset()
    for _ in range(steps):
        actions = generator.integers(2, size=env.num_envs)
        following, rewards, dones, infos = env.step(actions)
        behind = following.copy()
        for i in np.flatnonzero(dones):
            behind[i] = infos[i]["terminal_observation"]
        buffer.add(seen, behind, actions, rewards, dones, infos)
        seen = following


class Buffer(unittest.TestCase):
    def setUp(self):
        self.client = ready_client()
        self.addCleanup(self.client.close)

    def buffer(self, size, copies=1, **arguments):
        made = RedistributedReplayBuffer(
            size,
            Walk.observation_space,
            Walk.action_space,
            device="cpu",
            n_envs=copies,
            optimize_memory_usage=False,
            address=self.client.address,
            **arguments,
        )
        self.assertIsInstance(made, ReplayBuffer)
        return made

    def env(self, copies, wrap=False, **arguments):
        env = DummyVecEnv([lambda: Walk(**arguments)] * copies)
        if wrap:
            env = VecRedistributeReward(env, self.client.address)
            self.addCleanup(env.close)
        return env

    def rewards_of(self, buffer, copy, first, steps=STEPS):
        """What the server says now of the episode in these places."""
        places = np.arange(first, first + steps)
        rows = np.concatenate([buffer.observations[places, copy], buffer.next_observations[places[-1:], copy]])
        episode = {
            "observations": rows,
            "actions": buffer.actions[places, copy, 0],
            "rewards": buffer._original[places, copy],
        }
        return self.client.redistribute([episode])[0].rewards

    def learn_more(self):
        before = self.client.status()["model_version"]
        self.client.submit(random_episodes(50, seed=99))
        self.assertGreater(self.client.train(updates=50)["model_version"], before)

    def check_all(self, buffer, copies, steps):
        for copy in range(copies):
            for first in range(0, steps - STEPS + 1, STEPS):
                wanted = self.rewards_of(buffer, copy, first)
                np.testing.assert_allclose(buffer.rewards[first : first + STEPS, copy], wanted, atol=1e-6)

    def check_relabels(self, wrap):
        buffer = self.buffer(400, copies=2)
        before = self.client.status()["episodes"]
        fill(buffer, self.env(2, wrap), 3 * STEPS + 2)
        self.assertEqual(self.client.status()["episodes"], before + 6)
        for _ in range(2):
            self.learn_more()
            old = buffer.rewards.copy()
            buffer.sample(200)
            self.assertFalse(np.array_equal(old, buffer.rewards))
            self.check_all(buffer, 2, 3 * STEPS)
            # What still runs has kept its rewards.
            np.testing.assert_array_equal(buffer.rewards[3 * STEPS :], old[3 * STEPS :])

    def test_relabels_when_the_model_is_newer(self):
        self.check_relabels(wrap=False)

    def test_relabels_with_a_wrapped_environment_too(self):
        self.check_relabels(wrap=True)

    def test_a_task_that_no_wrapper_feeds_gets_the_episodes(self):
        buffer = self.buffer(400, specification={"name": "another"})
        fill(buffer, self.env(1, wrap=True), 30 * STEPS)
        client = Client(self.client.address)
        self.addCleanup(client.close)
        client.configure(Walk.observation_space, Walk.action_space, name="another")
        self.assertEqual(client.status()["episodes"], 30)

    def test_asks_nothing_anew_while_the_model_stays(self):
        buffer = self.buffer(100)
        fill(buffer, self.env(1), 2 * STEPS)
        buffer.sample(50)
        asked = []
        buffer._relabel, real = lambda episodes, **more: asked.extend(episodes), buffer._relabel
        buffer.sample(50)
        self.assertEqual(asked, [])
        self.learn_more()
        buffer.sample(50)
        self.assertEqual(len(asked), 2)

    def test_samples_hold_the_new_rewards(self):
        buffer = self.buffer(STEPS)
        fill(buffer, self.env(1), STEPS)
        self.learn_more()
        sample = buffer.sample(100)
        self.assertEqual(sample.rewards.shape, (100, 1))
        wanted = dict(zip(buffer.observations[:, 0, 1].tolist(), self.rewards_of(buffer, 0, 0)))
        for observation, reward in zip(sample.observations, sample.rewards):
            self.assertAlmostEqual(float(reward[0]), wanted[observation[1]], places=5)

    def test_episodes_without_a_beginning_have_their_original_rewards(self):
        buffer = self.buffer(3 * STEPS)
        fill(buffer, self.env(1), 4 * STEPS + 3)
        buffer.sample(200)
        # Places 0 to 7 hold the fourth episode, 8 to 10 the running one, 11 to 15 the rest of the second.
        np.testing.assert_array_equal(buffer.rewards[11:16, 0], buffer._original[11:16, 0])
        self.assertEqual(buffer.rewards[15, 0], float(buffer._original[15, 0]))
        for first in (0, 16):
            wanted = self.rewards_of(buffer, 0, first)
            np.testing.assert_allclose(buffer.rewards[first : first + STEPS, 0], wanted, atol=1e-6)

    def test_an_episode_longer_than_the_buffer(self):
        buffer = self.buffer(STEPS - 3)
        before = self.client.status()["episodes"]
        fill(buffer, self.env(1), 3 * STEPS)
        buffer.sample(50)
        np.testing.assert_array_equal(buffer.rewards, buffer._original.astype(np.float32))
        self.assertEqual(self.client.status()["episodes"], before)

    def test_truncated_episodes(self):
        buffer = self.buffer(100)
        fill(buffer, self.env(1, limit=4), 8)
        buffer.sample(20)
        np.testing.assert_array_equal(buffer.rewards, buffer._original.astype(np.float32))
        terminal = self.buffer(100, time_limit="terminal")
        fill(terminal, self.env(1, limit=4), 8)
        terminal.sample(20)
        self.assertFalse(np.array_equal(terminal.rewards, terminal._original.astype(np.float32)))
        self.assertAlmostEqual(terminal.rewards[:4].sum(), terminal._original[:4].sum(), places=5)
        # What is not known of the end is bootstrapped; a corrected end is not.
        np.testing.assert_array_equal(buffer.timeouts[:8, 0], [0, 0, 0, 1] * 2)
        np.testing.assert_array_equal(terminal.timeouts[:8, 0], np.zeros(8))

    def test_reset_forgets(self):
        buffer = self.buffer(100)
        fill(buffer, self.env(1), 3)
        buffer.reset()
        fill(buffer, self.env(1), STEPS)
        buffer.sample(20)
        self.check_all(buffer, 1, STEPS)

    def test_a_reset_in_the_midst_of_an_episode_begins_another(self):
        buffer = self.buffer(100, copies=2)
        before = self.client.status()["episodes"]
        env = self.env(2)
        fill(buffer, env, 3)  # `learn` resets the environment when it is called again
        fill(buffer, env, STEPS, seed=1)
        self.assertEqual(self.client.status()["episodes"], before + 2)
        self.learn_more()
        buffer.sample(50)
        for copy in range(2):
            wanted = self.rewards_of(buffer, copy, 3)
            np.testing.assert_allclose(buffer.rewards[3 : 3 + STEPS, copy], wanted, atol=1e-6)
        np.testing.assert_array_equal(buffer.rewards[:3], buffer._original[:3])

    def test_observations_of_another_dtype_than_the_space(self):
        box = gymnasium.spaces.Box(0.0, 1.0, (1,), dtype=np.float32)
        buffer = RedistributedReplayBuffer(10, box, Walk.action_space, address=self.client.address)
        seen = np.array([[0.1]])  # 0.1 is another number in float32
        for t in range(3):
            following = seen + 0.1
            buffer.add(seen, following, np.array([0]), np.array([1.0]), np.array([t == 2]), [{}])
            seen = following
        self.assertIs(buffer._episode_of[0, 0], buffer._episode_of[2, 0])
        self.assertTrue(buffer._episode_of[2, 0].done)

    def test_pickled_and_back(self):
        buffer = self.buffer(100)
        fill(buffer, self.env(1), STEPS)
        again = pickle.loads(pickle.dumps(buffer))
        again.rewards[:STEPS] = 0  # as another server's model of the same number might have it
        again.sample(20)
        self.check_all(again, 1, STEPS)
        self.learn_more()
        again.sample(20)
        self.check_all(again, 1, STEPS)

    def test_warns_of_reward_normalisation(self):
        buffer = self.buffer(100)
        fill(buffer, self.env(1), STEPS)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            buffer.sample(5, env=VecNormalize(self.env(1)))
        self.assertTrue(any("VecNormalize" in str(warning.message) for warning in caught))


class Arguments(unittest.TestCase):
    def test_memory_must_not_be_optimised(self):
        with self.assertRaisesRegex(ValueError, "optimize_memory_usage"):
            RedistributedReplayBuffer(10, Walk.observation_space, Walk.action_space, optimize_memory_usage=True)

    def test_observations_must_be_arrays(self):
        space = gymnasium.spaces.Dict({"row": Walk.observation_space})
        with self.assertRaisesRegex(TypeError, "stores arrays, no Dict"):
            RedistributedReplayBuffer(10, space, Walk.action_space)

    def test_scaled_actions_of_a_box_are_scaled_back(self):
        actions = gymnasium.spaces.Box(np.array([-2.0, 0.0]), np.array([2.0, 10.0]), dtype=np.float32)
        buffer = RedistributedReplayBuffer(10, Walk.observation_space, actions)
        scaled = np.array([[-1.0, -1.0], [0.0, 0.5], [1.0, 1.0]], np.float32)
        np.testing.assert_allclose(buffer._taken(scaled), [[-2, 0], [0, 7.5], [2, 10]])
        # Stored flat, whatever the shape.
        square = gymnasium.spaces.Box(-2, 2, (2, 2))
        buffer = RedistributedReplayBuffer(10, Walk.observation_space, square)
        np.testing.assert_allclose(buffer._taken(np.array([[-1.0, 0.0, 0.5, 1.0]])), [[[-2, 0], [1, 2]]])


if __name__ == "__main__":
    unittest.main()
