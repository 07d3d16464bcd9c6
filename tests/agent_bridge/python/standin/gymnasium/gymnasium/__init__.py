from . import error, spaces, utils, vector
from .core import Env, Wrapper
from .registration import EnvSpec, WrapperSpec, make, register

__all__ = ["Env", "EnvSpec", "Wrapper", "WrapperSpec", "error", "make", "register", "spaces", "utils", "vector"]
__version__ = "1.1.0"
