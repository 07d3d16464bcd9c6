"""Redistributed rewards for Python agents: the client of `rudder serve`, and wrappers for training loops.

    from rudder_bridge import RedistributeReward
    env = RedistributeReward(gymnasium.make("..."))

`Client` and `relabel` need numpy, pyzmq and msgpack alone. RedistributeReward, RedistributeRewardVector, RemoteEnv and
RemoteVectorEnv need Gymnasium, and `rudder_bridge.sb3` needs Stable-Baselines3; they are loaded when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .client import Client, Explanation, Redistribution, relabel
from .errors import RudderError, RudderTimeout

if TYPE_CHECKING:
    from .remote import RemoteEnv, RemoteVectorEnv
    from .vector import RedistributeRewardVector
    from .wrappers import RedistributeReward

__version__ = "0.1.0"

# What is there always; the names below are loaded when they are asked for.
__all__ = ["Client", "Explanation", "Redistribution", "RudderError", "RudderTimeout", "relabel"]

_NEEDS_GYMNASIUM = {
    "RedistributeReward": ".wrappers",
    "RedistributeRewardVector": ".vector",
    "RemoteEnv": ".remote",
    "RemoteVectorEnv": ".remote",
}


def __getattr__(name: str) -> Any:
    module = _NEEDS_GYMNASIUM.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(import_module(module, __name__), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "gymnasium":
            raise
        raise ImportError(f"{name} needs Gymnasium: pip install gymnasium") from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_NEEDS_GYMNASIUM])
