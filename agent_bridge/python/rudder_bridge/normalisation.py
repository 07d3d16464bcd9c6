"""Warns of Stable-Baselines3's reward normalisation around or inside a wrapper."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

_NORMALISED = (
    "VecNormalize normalises the rewards (norm_reward=True): what it divides by drifts, and it clips, so redistributed "
    "rewards do not sum to the return any more. Use VecNormalize(..., norm_reward=False)."
)


def normalises_rewards(env: Any) -> bool:
    """Whether this is a VecNormalize that changes rewards; told by its class's name, so that Stable-Baselines3 need not
    be there."""
    names = {kind.__name__ for kind in type(env).__mro__}
    return "VecNormalize" in names and bool(getattr(env, "norm_reward", False))


def warn() -> None:
    warnings.warn(_NORMALISED, stacklevel=4)


def warn_if_normalised(env: Any) -> bool:
    """To be called by a wrapper's method around ``env``: looks at what is inside, and at the callers for what is
    outside. Returns whether it warned."""
    found = False
    frame = inspect.currentframe()
    while frame is not None and not found:
        found = normalises_rewards(frame.f_locals.get("self"))
        frame = frame.f_back
    while env is not None and not found:
        found = normalises_rewards(env)
        env = env.__dict__.get("venv")
    if found:
        warn()
    return found
