"""What only Gymnasium itself can tell: its checkers, its specifications, its vector environments and wrappers."""

import importlib.util
import unittest
import warnings

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from ready import ready_client
from stable_baselines3.common.vec_env import DummyVecEnv
from tasks import Walk, random_episodes

from rudder_bridge import Client, RedistributeReward, RedistributeRewardVector, RemoteEnv, RemoteVectorEnv
from rudder_bridge.sb3 import VecRedistributeReward
from rudder_bridge.wire import Space

REAL = importlib.util.find_spec("gymnasium.envs") is not None
if REAL:
    from gymnasium.envs.registration import EnvSpec
    from gymnasium.utils.env_checker import check_env
    from gymnasium.vector import AsyncVectorEnv
    from gymnasium.vector.utils import concatenate, create_empty_array
    from gymnasium.wrappers import FlattenObservation, PassiveEnvChecker, RecordEpisodeStatistics, TimeAwareObservation
    from gymnasium.wrappers.vector import NormalizeReward
    from gymnasium.wrappers.vector import RecordEpisodeStatistics as RecordStatisticsOfAll

TOLERANCE = 1e-5
MODES = tuple(AutoresetMode)


def setUpModule():
    if not REAL:
        raise unittest.SkipTest("Gymnasium is not installed")


class Divided(gymnasium.ObservationWrapper if REAL else gymnasium.Wrapper):
    """Walk's place and time as a Dict."""

    def __init__(self, env):
        super().__init__(env)
        places, times = env.observation_space.nvec
        self.observation_space = spaces.Dict({"time": spaces.Discrete(times), "place": spaces.Discrete(places)})

    def observation(self, row):
        return {"place": row[0], "time": row[1]}


class DividedVecEnv(DummyVecEnv):
    """Two of them, with Dict observations as Stable-Baselines3 batches them."""

    def __init__(self):
        super().__init__([Walk, Walk])
        self.observation_space = Divided(Walk()).observation_space

    @staticmethod
    def divided(rows):
        return {"time": rows[..., 1], "place": rows[..., 0]}

    def reset(self):
        return self.divided(super().reset())

    def step_wait(self):
        rows, rewards, dones, infos = super().step_wait()
        for i in np.flatnonzero(dones):
            infos[i]["terminal_observation"] = self.divided(infos[i]["terminal_observation"])
        return self.divided(rows), rewards, dones, infos


def divided_episodes(*arguments):
    """As random_episodes, flattened."""
    space = Divided(Walk()).observation_space
    return [
        {
            **episode,
            "observations": [spaces.flatten(space, {"place": p, "time": t}) for p, t in episode["observations"]],
        }
        for episode in random_episodes(*arguments)
    ]


def warnings_of(call):
    """What it warns of; the checkers' general advice on spaces and wrapped environments is left out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    texts = [str(warning.message) for warning in caught if warning.category is not ResourceWarning]
    advice = ("different from the unwrapped version", "Box observation space", "Box action spaces")
    return [text for text in texts if not any(part in text for part in advice)]


class ForAllModes(unittest.TestCase):
    def run_modes(self, check):
        for mode in MODES:
            with self.subTest(mode=mode.name):
                check(mode)


class Checkers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = Client()
        cls.addClassCleanup(cls.client.close)
        cls.address = cls.client.address

    def check(self, env):
        self.addCleanup(env.close)
        self.assertEqual(warnings_of(lambda: check_env(env, skip_render_check=True)), [])

    def test_remote_environments(self):
        for name in ("coin-walk", "watch-repair"):
            self.check(RemoteEnv(self.address, name))
            self.check(PassiveEnvChecker(RemoteEnv(self.address, name)))

    def test_wrapped_environments(self):
        for name in ("FrozenLake-v1", "CartPole-v1", "Pendulum-v1"):
            with self.subTest(name):
                self.check(RedistributeReward(gymnasium.make(name), self.address))
                self.check(PassiveEnvChecker(RedistributeReward(gymnasium.make(name), self.address)))
                self.check(RedistributeReward(TimeAwareObservation(gymnasium.make(name)), self.address))

    def test_tuples_and_dicts(self):
        self.check(RedistributeReward(gymnasium.make("Blackjack-v1"), self.address))
        self.check(RedistributeReward(FlattenObservation(gymnasium.make("Blackjack-v1")), self.address))
        self.check(RedistributeReward(Divided(Walk()), self.address))

    def test_a_registered_remote_environment(self):
        gymnasium.register(
            "rudder/CoinWalk-v0",
            entry_point="rudder_bridge:RemoteEnv",
            vector_entry_point="rudder_bridge:RemoteVectorEnv",
            kwargs={"address": self.address, "name": "coin-walk"},
        )
        self.addCleanup(gymnasium.registry.pop, "rudder/CoinWalk-v0")
        with gymnasium.make("rudder/CoinWalk-v0") as env:
            self.assertEqual(env.reset(seed=1), (7, {}))
        for mode in ("sync", "vector_entry_point"):
            envs = gymnasium.make_vec("rudder/CoinWalk-v0", num_envs=2, vectorization_mode=mode)
            self.assertEqual(envs.reset(seed=1)[0].tolist(), [7, 7])
            envs.close()


class Specifications(unittest.TestCase):
    def test_rebuilt_by_way_of_json(self):
        with Client() as client:
            env = TimeAwareObservation(gymnasium.make("FrozenLake-v1"))
            env = RedistributeReward(
                FlattenObservation(env), client.address, 0.5, time_limit="terminal", specification={"seed": 3}
            )
            env = RecordEpisodeStatistics(env)
            again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
            self.assertEqual(repr(again), repr(env))
            self.assertEqual(again.spec, env.spec)
            self.assertEqual(again.env._saved_kwargs, env.env._saved_kwargs)
            for one in (env, again):
                one.reset(seed=1)
            for action in (2, 2, 1):
                np.testing.assert_array_equal(again.step(action)[0], env.step(action)[0])
            env.close()
            again.close()


class VectorsOfRemote(ForAllModes):
    """RemoteVectorEnv against Gymnasium's vector of as many RemoteEnv."""

    @classmethod
    def setUpClass(cls):
        cls.client = Client()
        cls.addClassCleanup(cls.client.close)
        cls.address = cls.client.address

    def assert_same(self, ours, theirs):
        """Of the same types, shapes and values."""
        self.assertIs(type(ours), type(theirs))
        if isinstance(ours, dict):
            self.assertEqual(ours.keys(), theirs.keys())
            ours, theirs = list(ours.values()), [theirs[key] for key in ours]
        if isinstance(ours, (tuple, list)) or (isinstance(ours, np.ndarray) and ours.dtype == object):
            self.assertEqual(len(ours), len(theirs))
            for one, other in zip(ours, theirs):
                self.assert_same(one, other)
        elif ours is not None:
            self.assertEqual((ours.dtype, ours.shape), (theirs.dtype, theirs.shape))
            np.testing.assert_array_equal(ours, theirs)

    def compare(self, name, mode, **options):
        copies = 3
        ours = RemoteVectorEnv(self.address, name, copies, autoreset_mode=mode, **options)
        theirs = SyncVectorEnv([lambda: RemoteEnv(self.address, name, **options)] * copies, autoreset_mode=mode)
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        for attribute in ("observation_space", "action_space", "single_observation_space", "single_action_space"):
            self.assertEqual(getattr(ours, attribute), getattr(theirs, attribute))
        self.assertEqual(ours.metadata["autoreset_mode"], theirs.metadata["autoreset_mode"])
        generator = np.random.default_rng(3)
        ended = 0
        for seed in (5, [9, None, 2**63], None):
            self.assert_same(ours.reset(seed=seed), theirs.reset(seed=seed))
            for _ in range(60):
                actions = generator.integers(2, size=copies)
                step = ours.step(actions)
                self.assert_same(step, theirs.step(actions))
                done = step[2] | step[3]
                ended += done.sum()
                if mode is AutoresetMode.DISABLED and done.any():
                    both = [env.reset(options={"reset_mask": done}) for env in (ours, theirs)]
                    self.assert_same(*both)
        self.assertGreaterEqual(ended, 3 * copies)

    def test_the_same_trajectories(self):
        self.run_modes(lambda mode: self.compare("watch-repair", mode, delay=12))
        self.run_modes(lambda mode: self.compare("coin-walk", mode))


class VectorsOfWrapped(ForAllModes):
    """Every way to redistribute the rewards of several environments pays what Gymnasium's vector of
    RedistributeReward pays."""

    lengths = (8, 3, 5)

    @classmethod
    def setUpClass(cls):
        cls.client = ready_client()
        cls.addClassCleanup(cls.client.close)
        cls.address = cls.client.address

    def makers(self, wrap):
        return [lambda n=n: wrap(Walk(limit=n, steps=n)) for n in self.lengths]

    def wrapped_makers(self):
        # The address alone, not this object: processes that are spawned get the function.
        address = self.address
        return self.makers(lambda env: RedistributeReward(env, address, timeout=60))

    def episodes(self, env, mode):
        """Of each copy: (paid, original reward, whole sequence) of each step of its episodes."""
        steps = [[] for _ in self.lengths]
        ended = np.zeros(len(self.lengths), bool)
        env.reset(seed=1)
        for actions in np.random.default_rng(4).integers(2, size=(30, len(self.lengths))):
            again = ended & (mode is AutoresetMode.NEXT_STEP)
            _, rewards, terminated, truncated, infos = env.step(actions)
            ended = terminated | truncated
            for i in np.flatnonzero(~again):
                final = mode is AutoresetMode.SAME_STEP and ended[i]
                told = infos["final_info"] if final else infos
                self.assertTrue(told["ready"][i])
                self.assertEqual(told["redistributed_reward"][i], rewards[i])
                steps[i].append((rewards[i], told["original_reward"][i], told["redistribution"][i]))
            if mode is AutoresetMode.DISABLED and ended.any():
                env.reset(options={"reset_mask": ended.copy()})
        env.close()
        return steps

    def check(self, make, mode):
        wanted = self.episodes(SyncVectorEnv(self.wrapped_makers(), autoreset_mode=mode), mode)
        found = self.episodes(make(mode), mode)
        for ours, theirs in zip(found, wanted):
            self.assertEqual(len(ours), len(theirs))
            paid = original = 0.0
            for (reward, earned, whole), (other_reward, other_earned, other_whole) in zip(ours, theirs):
                self.assertAlmostEqual(reward, other_reward, delta=TOLERANCE)
                self.assertEqual(earned, other_earned)
                self.assertEqual(whole is None, other_whole is None)
                paid, original = paid + reward, original + earned
                if whole is not None:
                    self.assertIs(type(whole), tuple)
                    np.testing.assert_allclose(whole, other_whole, atol=TOLERANCE)
                    self.assertAlmostEqual(paid, original, places=9)
                    self.assertAlmostEqual(sum(whole), original, places=9)
                    paid = original = 0.0

    def over(self, vector, **arguments):
        def make(mode):
            inner = vector(self.makers(lambda env: env), autoreset_mode=mode, **arguments)
            return RedistributeRewardVector(inner, self.address, timeout=60)

        return make

    def test_around_a_vector_environment(self):
        self.run_modes(lambda mode: self.check(self.over(SyncVectorEnv), mode))
        self.run_modes(lambda mode: self.check(self.over(SyncVectorEnv, copy=False), mode))

    def test_around_environments_in_processes(self):
        self.run_modes(lambda mode: self.check(self.over(AsyncVectorEnv), mode))
        self.run_modes(lambda mode: self.check(self.over(AsyncVectorEnv, copy=False), mode))

    def test_inside_processes(self):
        def make(context, shared_memory):
            makers = self.wrapped_makers()
            return lambda mode: AsyncVectorEnv(
                makers, shared_memory=shared_memory, context=context, autoreset_mode=mode
            )

        self.run_modes(lambda mode: self.check(make("fork", True), mode))
        self.check(make("spawn", False), AutoresetMode.SAME_STEP)

    def test_with_statistics_outside_and_inside(self):
        outside = self.over(SyncVectorEnv)
        self.run_modes(lambda mode: self.check(lambda mode: RecordStatisticsOfAll(outside(mode)), mode))

        def inside(mode):
            recorded = RecordStatisticsOfAll(SyncVectorEnv(self.makers(lambda env: env), autoreset_mode=mode))
            return RedistributeRewardVector(recorded, self.address, timeout=60)

        self.run_modes(lambda mode: self.check(inside, mode))

    def test_warns_of_reward_normalisation(self):
        env = NormalizeReward(self.over(SyncVectorEnv)(AutoresetMode.NEXT_STEP))
        self.addCleanup(env.close)
        (text,) = warnings_of(env.reset)
        self.assertIn("NormalizeReward normalises the rewards", text)
        self.assertEqual(warnings_of(env.reset), [])


class Composite(unittest.TestCase):
    """Dicts and Tuples: the agent sees them, the model sees them flattened."""

    def test_flattened_as_gymnasium_does(self):
        space = spaces.Dict(
            {
                "b": spaces.Tuple((spaces.Discrete(3, start=-1), spaces.Box(-1, 1, (2, 2)))),
                "a": spaces.MultiDiscrete([[2, 3], [4, 2]], start=[[1, 0], [0, -2]]),
                "c": spaces.Dict({"x": spaces.MultiBinary(4)}),
            }
        )
        space.seed(1)
        values = [space.sample() for _ in range(20)]
        wanted = [spaces.flatten(space, value) for value in values]
        ours = Space(space)
        self.assertEqual(ours.shape, spaces.flatten_space(space).shape)
        np.testing.assert_array_equal([ours.one(value) for value in values], wanted)
        batch = concatenate(space, values, create_empty_array(space, 20))
        np.testing.assert_array_equal(ours.rows(batch), wanted)
        values[0]["b"] = (np.int64(-2), values[0]["b"][1])
        with self.assertRaisesRegex(ValueError, r"outside its space at \['b', 0\]"):
            ours.row(values[0])

    def test_the_same_rewards_as_flattened_outside(self):
        client = ready_client(spaces.flatten_space(Divided(Walk()).observation_space), divided_episodes)
        self.addCleanup(client.close)
        actions = np.random.default_rng(4).integers(2, size=(24, 2))

        def play(env):
            self.addCleanup(env.close)
            env.reset()
            steps = [env.step(row) for row in actions]
            self.assertTrue(steps[-1][4]["ready"].all())
            rewards = np.array([step[1] for step in steps])
            np.testing.assert_allclose(rewards[:8].sum(axis=0), actions[0])
            return rewards

        def alone():
            return RedistributeReward(FlattenObservation(Divided(Walk())), client.address, timeout=60)

        for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
            wanted = play(SyncVectorEnv([alone] * 2, autoreset_mode=mode))
            inner = SyncVectorEnv([lambda: Divided(Walk())] * 2, autoreset_mode=mode)
            ours = play(RedistributeRewardVector(inner, client.address, timeout=60))
            np.testing.assert_allclose(ours, wanted, atol=TOLERANCE)
            single = [lambda: RedistributeReward(Divided(Walk()), client.address, timeout=60)] * 2
            np.testing.assert_allclose(play(SyncVectorEnv(single, autoreset_mode=mode)), wanted, atol=TOLERANCE)
        # Stable-Baselines3's begin the next episode in the same step.
        ours = VecRedistributeReward(DividedVecEnv(), client.address, timeout=60)
        self.addCleanup(ours.close)
        ours.reset()
        np.testing.assert_allclose([ours.step(row)[1] for row in actions], wanted, atol=TOLERANCE)


if __name__ == "__main__":
    unittest.main()
