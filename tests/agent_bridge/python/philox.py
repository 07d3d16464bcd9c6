"""The random numbers of rudder/base/rng.c."""

_32, _64 = (1 << 32) - 1, (1 << 64) - 1


def _mix(x):
    """The finaliser of SplitMix64."""
    x = (x + 0x9E3779B97F4A7C15) & _64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _64
    return x ^ (x >> 31)


def _hash(text):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & _64
    return value


class Stream:
    """Philox4x32-10; the stream of (seed, purpose, 0)."""

    def __init__(self, seed, purpose):
        self._key = _mix(_mix(seed) ^ _hash(purpose))
        self._block_number = 0
        self._words = []

    def _block(self):
        x0, x1 = self._block_number & _32, self._block_number >> 32
        x2 = x3 = 0
        key0, key1 = self._key & _32, self._key >> 32
        for _ in range(10):
            a, b = 0xD2511F53 * x0, 0xCD9E8D57 * x2
            x0, x1, x2, x3 = (b >> 32) ^ x1 ^ key0, b & _32, (a >> 32) ^ x3 ^ key1, a & _32
            key0, key1 = (key0 + 0x9E3779B9) & _32, (key1 + 0xBB67AE85) & _32
        self._block_number += 1
        return [x3, x2, x1, x0]

    def u32(self):
        if not self._words:
            self._words = self._block()
        return self._words.pop()

    def uniform(self):
        """In [0, 1), 53 bits."""
        low = self.u32()
        return ((self.u32() << 32 | low) >> 11) * 2.0**-53

    def below(self, n):
        """Uniform in 0 .. n - 1, by Lemire's method."""
        product = self.u32() * n
        while product & _32 < (1 << 32) % n:
            product = self.u32() * n
        return product >> 32
