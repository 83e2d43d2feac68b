"""The user side: what users write; turns decorated functions into specs.

The package has the same name as the public decorator ``tidewheel.definitions``, so it can be called like it: whichever of
the two ``tidewheel.definitions`` names after some imports, ``@tidewheel.definitions`` works.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class _DecoratorPackage(ModuleType):
    def __call__(self, fn: Callable[..., Any]) -> Any:
        # imported when called: the package must not import its own modules while it is being imported
        return importlib.import_module("tidewheel.definitions.loading.loaders").definitions(fn)


sys.modules[__name__].__class__ = _DecoratorPackage
