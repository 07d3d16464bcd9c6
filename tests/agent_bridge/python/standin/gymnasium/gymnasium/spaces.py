import numpy as np


class Space:
    def __init__(self, shape, dtype):
        self._shape = None if shape is None else tuple(shape)
        self.dtype = None if dtype is None else np.dtype(dtype)
        self.random = np.random.default_rng()

    @property
    def shape(self):
        return self._shape

    def seed(self, seed=None):
        self.random = np.random.default_rng(seed)
        return seed

    def __contains__(self, x):
        return self.contains(x)

    def __eq__(self, other):
        return type(self) is type(other) and repr(self) == repr(other)


class Discrete(Space):
    def __init__(self, n, seed=None, start=0):
        super().__init__((), np.int64)
        self.n, self.start = np.int64(n), np.int64(start)

    def sample(self):
        return self.start + self.random.integers(self.n)

    def contains(self, x):
        integer = isinstance(x, int) or (isinstance(x, (np.generic, np.ndarray)) and x.dtype.kind in "iu")
        return bool(integer and np.shape(x) == () and self.start <= x < self.start + self.n)

    def __repr__(self):
        return f"Discrete({self.n}, start={self.start})"


class MultiDiscrete(Space):
    def __init__(self, nvec, dtype=np.int64, seed=None, start=None):
        self.nvec = np.array(nvec, dtype=dtype)
        self.start = np.zeros_like(self.nvec) if start is None else np.array(start, dtype=dtype)
        super().__init__(self.nvec.shape, dtype)

    def sample(self):
        return (self.random.integers(self.nvec) + self.start).astype(self.dtype)

    def contains(self, x):
        fits = isinstance(x, np.ndarray) and x.shape == self.shape and x.dtype == self.dtype
        return bool(fits and np.all(self.start <= x) and np.all(x < self.start + self.nvec))

    def __repr__(self):
        return f"MultiDiscrete({self.nvec.tolist()}, start={self.start.tolist()})"


class MultiBinary(Space):
    def __init__(self, n, seed=None):
        self.n = n
        super().__init__((n,) if isinstance(n, int) else n, np.int8)

    def sample(self):
        return self.random.integers(0, 2, self.shape, dtype=self.dtype)

    def contains(self, x):
        return isinstance(x, np.ndarray) and x.shape == self.shape and bool(np.all((x == 0) | (x == 1)))

    def __repr__(self):
        return f"MultiBinary({self.n})"


class Box(Space):
    def __init__(self, low, high, shape=None, dtype=np.float32, seed=None):
        shape = np.shape(low) if shape is None else shape
        super().__init__(shape, dtype)
        self.low = np.broadcast_to(np.asarray(low, dtype), shape).copy()
        self.high = np.broadcast_to(np.asarray(high, dtype), shape).copy()

    def sample(self):
        low = np.maximum(self.low, -1e3)
        return self.random.uniform(low, np.minimum(self.high, 1e3)).astype(self.dtype)

    def contains(self, x):
        fits = isinstance(x, np.ndarray) and np.can_cast(x.dtype, self.dtype) and x.shape == self.shape
        return bool(fits and np.all(x >= self.low) and np.all(x <= self.high))

    def __repr__(self):
        return f"Box({self.low.tolist()}, {self.high.tolist()}, {self.shape}, {self.dtype})"


class Dict(Space):
    def __init__(self, spaces):
        self.spaces = spaces
        super().__init__(None, None)
