"""The public names: all there, and none hidden behind a room of the same name."""

import importlib
import pkgutil
from types import ModuleType

import facespot


def test_every_public_name_is_what_it_says_even_when_all_rooms_are_loaded():
    for module in pkgutil.iter_modules(facespot.__path__, "facespot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in facespot.__all__:
        assert not isinstance(getattr(facespot, name), ModuleType), name
        assert getattr(facespot, name).__doc__, name
