from copy import deepcopy
from typing import Generic, TypeVar

from .registration import WrapperSpec
from .utils import RecordConstructorArgs, seeding

ObsType = TypeVar("ObsType")
ActType = TypeVar("ActType")


class Env(Generic[ObsType, ActType]):
    metadata = {"render_modes": []}
    render_mode = None
    spec = None
    _np_random = None
    _np_random_seed = None

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self._np_random, self._np_random_seed = seeding.np_random(seed)

    def close(self):
        pass

    @property
    def unwrapped(self):
        return self

    @property
    def np_random(self):
        if self._np_random is None:
            self._np_random, self._np_random_seed = seeding.np_random()
        return self._np_random

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()
        return False


class Wrapper(Env):
    def __init__(self, env):
        assert isinstance(env, Env)
        self.env = env
        self._action_space = None
        self._observation_space = None
        self._cached_spec = None

    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=seed, options=options)

    def step(self, action):
        return self.env.step(action)

    def close(self):
        return self.env.close()

    @property
    def unwrapped(self):
        return self.env.unwrapped

    @property
    def np_random(self):
        return self.env.np_random

    @property
    def _np_random(self):
        raise AttributeError("Can't access `_np_random` of a wrapper")

    @property
    def metadata(self):
        return self.env.metadata

    @property
    def render_mode(self):
        return self.env.render_mode

    @property
    def action_space(self):
        return self.env.action_space if self._action_space is None else self._action_space

    @property
    def observation_space(self):
        return self.env.observation_space if self._observation_space is None else self._observation_space

    @property
    def spec(self):
        if self._cached_spec is None and self.env.spec is not None:
            kwargs = self._saved_kwargs if isinstance(self, RecordConstructorArgs) else None
            made = WrapperSpec(type(self).__name__, f"{self.__module__}:{type(self).__name__}", kwargs)
            self._cached_spec = deepcopy(self.env.spec)
            self._cached_spec.additional_wrappers += (made,)
        return self._cached_spec
