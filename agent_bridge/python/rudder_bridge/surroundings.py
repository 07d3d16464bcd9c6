"""Warns of other wrappers, Stable-Baselines3's and Gymnasium's, that spoil redistributed rewards where they stand."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

_DRIFTS = (
    "{} normalises the rewards: what it divides by drifts, and it may clip, so redistributed rewards do not sum to the "
    "return any more. {}."
)
_OUTSIDE = {
    "ClipReward": "ClipReward clips redistributed rewards, so they do not sum to the return any more. "
    "Put it inside the wrapper.",
    "TimeLimit": "TimeLimit cuts episodes without the wrapper's knowledge, so they are not learnt from. "
    "Put it inside the wrapper.",
}


def _trouble(env: Any, outside: bool) -> str | None:
    """What is wrong with this environment inside or outside of a wrapper; told by its class's name, so that neither
    package need be there."""
    names = {kind.__name__ for kind in type(env).__mro__}
    if "VecNormalize" in names and getattr(env, "norm_reward", False):
        return _DRIFTS.format("VecNormalize", "Use VecNormalize(..., norm_reward=False)")
    if "NormalizeReward" in names:
        return _DRIFTS.format("NormalizeReward", "Leave it out")
    found = names & _OUTSIDE.keys() if outside else set()
    return _OUTSIDE[found.pop()] if found else None


def warn_of_outer(env: Any) -> bool:
    """To be called where ``env`` is known to stand outside. Returns whether it warned."""
    found = _trouble(env, outside=True)
    if found is not None:
        warnings.warn(found, stacklevel=3)
    return found is not None


def warn_of_others(env: Any) -> bool:
    """To be called by a wrapper's method around ``env``: looks at what is inside, and at the callers for what is
    outside. Returns whether it warned."""
    found = None
    frame = inspect.currentframe()
    while frame is not None and found is None:
        found = _trouble(frame.f_locals.get("self"), outside=True)
        frame = frame.f_back
    while env is not None and found is None:
        found = _trouble(env, outside=False)
        attributes = getattr(env, "__dict__", {})
        env = attributes.get("venv", attributes.get("env"))
    if found is not None:
        warnings.warn(found, stacklevel=3)
    return found is not None
