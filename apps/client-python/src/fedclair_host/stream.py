"""The keyed streams of random numbers that fedclair draws from, so that Python clients can draw the same numbers."""

from __future__ import annotations

import json

_OFFSETS = (0x811C9DC5, 0x9E3779B9, 0x85EBCA6B, 0xC2B2AE35)
_MASK = 0xFFFFFFFF


class Stream:
    """A keyed stream of random numbers, the same as in libs/linalg/src/stream.ts: xoroshiro128+, seeded by a hash of the path.

    It draws a few hundred thousand numbers per second. For more, seed a NumPy generator with ``stream.integer(2**32)``.
    """

    def __init__(self, path: str):
        """:param path: identifies the stream; streams with the same path draw the same numbers"""
        self.path = path
        self._state: list[int] | None = None

    def at(self, *keys: str | int) -> Stream:
        """Derives an independent stream. It neither consumes numbers of this stream nor depends on those already drawn."""
        return Stream(self.path + json.dumps(keys, separators=(",", ":"), ensure_ascii=False))

    def uniform(self) -> float:
        """Draws from [0, 1), with 53 random bits."""
        high = self._next() & 0x3FFFFFF
        return high * 2.0**-26 + (self._next() & 0x7FFFFFF) * 2.0**-53

    def integer(self, bound: int) -> int:
        """Draws from 0 … bound - 1, uniformly. :raises ValueError: unless bound is in 1 … 2³²"""
        if not 1 <= bound <= 2**32:
            raise ValueError(f"integer(bound): expected 1 to 2³², got {bound}")
        largest = 2**32 // bound * bound
        while True:
            # Signed in fedclair, where the smallest number counts as 0.
            drawn = self._next() ^ 0x80000000
            if drawn < largest:
                return drawn % bound

    def _next(self) -> int:
        """Draws 32 random bits: the lower half of a number of xoroshiro128+."""
        state = self._state
        if state is None:
            state = self._state = _hash(self.path)
        s01, s00, s11, s10 = state
        a0, a1 = s10 ^ s00, s11 ^ s01
        state[1] = (s00 << 24 ^ s01 >> 8 ^ a0 ^ a0 << 16) & _MASK
        state[0] = (s01 << 24 ^ s00 >> 8 ^ a1 ^ (a1 << 16 | a0 >> 16)) & _MASK
        state[3] = (a1 << 5 ^ a0 >> 27) & _MASK
        state[2] = (a0 << 5 ^ a1 >> 27) & _MASK
        return (s00 + s10) & _MASK


def root_stream(seed: int) -> Stream:
    """Returns the stream from which all random numbers of a trial come. :param seed: ``job.trial["seed"]``"""
    return Stream(json.dumps(seed))


def _hash(text: str) -> list[int]:
    """Hashes UTF-16 code units to 128 bits: four FNV-1a passes with different offsets, each finished as in MurmurHash3."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    units = [encoded[i] | encoded[i + 1] << 8 for i in range(0, len(encoded), 2)]
    words = []
    for h in _OFFSETS:
        for unit in units:
            h = (h ^ unit) * 0x01000193 & _MASK
        h = (h ^ h >> 16) * 0x85EBCA6B & _MASK
        h = (h ^ h >> 13) * 0xC2B2AE35 & _MASK
        words.append(h ^ h >> 16)
    return words
