import json
from dataclasses import dataclass, field
from importlib import import_module


@dataclass
class WrapperSpec:
    name: str
    entry_point: str
    kwargs: dict


@dataclass
class EnvSpec:
    id: str
    entry_point: object
    nondeterministic: bool = False
    kwargs: dict = field(default_factory=dict)
    additional_wrappers: tuple = ()

    def to_json(self):
        return json.dumps([[spec.name, spec.entry_point, spec.kwargs] for spec in self.additional_wrappers])


registry = {}


def register(id, entry_point, **kwargs):
    registry[id] = EnvSpec(id, entry_point, kwargs=kwargs)


def make(spec, **kwargs):
    spec = registry[spec] if isinstance(spec, str) else spec
    module, name = spec.entry_point.split(":")
    env = getattr(import_module(module), name)(**{**spec.kwargs, **kwargs})
    env.spec = EnvSpec(spec.id, spec.entry_point, spec.nondeterministic, {**spec.kwargs, **kwargs})
    for wrapper in spec.additional_wrappers:
        if wrapper.kwargs is None:
            raise ValueError(f"{wrapper.name} wrapper does not inherit from `RecordConstructorArgs`")
        module, name = wrapper.entry_point.split(":")
        env = getattr(import_module(module), name)(env=env, **wrapper.kwargs)
    return env
