from copy import deepcopy
from types import SimpleNamespace

import numpy as np


def np_random(seed=None):
    if seed is not None and not (isinstance(seed, int) and seed >= 0):
        raise ValueError(f"Seed must be a non-negative python integer, actual: {seed!r}")
    sequence = np.random.SeedSequence(seed)
    return np.random.Generator(np.random.PCG64(sequence)), sequence.entropy


seeding = SimpleNamespace(np_random=np_random)


class RecordConstructorArgs:
    """Keeps the arguments of the first class that calls it, as `_saved_kwargs`."""

    def __init__(self, *, _disable_deepcopy=False, **kwargs):
        if not hasattr(self, "_saved_kwargs"):
            self._saved_kwargs = kwargs if _disable_deepcopy else deepcopy(kwargs)


class EzPickle:
    """Pickles the constructor's arguments instead of the object."""

    def __init__(self, *args, **kwargs):
        self._ezpickle_args, self._ezpickle_kwargs = args, kwargs

    def __getstate__(self):
        return {"_ezpickle_args": self._ezpickle_args, "_ezpickle_kwargs": self._ezpickle_kwargs}

    def __setstate__(self, state):
        self.__dict__.update(type(self)(*state["_ezpickle_args"], **state["_ezpickle_kwargs"]).__dict__)
