from . import utils
from .env import AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper

__all__ = ["AutoresetMode", "SyncVectorEnv", "VectorEnv", "VectorWrapper", "utils"]
