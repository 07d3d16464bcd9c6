import numpy as np

from ..spaces import Box, Discrete, MultiBinary, MultiDiscrete


def batch_space(space, n=1):
    if isinstance(space, Discrete):
        if space.start == 0:
            return MultiDiscrete(np.full(n, space.n))
        return Box(space.start, space.start + space.n - 1, (n,), space.dtype)
    if isinstance(space, MultiDiscrete):
        low = np.broadcast_to(space.start, (n, *space.shape))
        return Box(low, low + space.nvec - 1, dtype=space.dtype)
    if isinstance(space, MultiBinary):
        return Box(0, 1, (n, *space.shape), space.dtype)
    repeat = (n,) + (1,) * space.low.ndim
    return Box(np.tile(space.low, repeat), np.tile(space.high, repeat), dtype=space.dtype)
