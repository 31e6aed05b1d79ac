"""Functions that a user brings as `module:function`."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from probes.agent import ProbeError


def find_function(given: str, what: str) -> Callable[..., object]:
    """Import `module:function`, from the working directory too, as `python -m` would.

    Args:
        given: the name.
        what: it names, for messages, such as `target`.

    Raises:
        ProbeError: it is not written so, cannot be imported, or there is no such function; the message names
            the nearest spelling.
    """
    module_name, _, name = given.partition(":")
    if not module_name or not name:
        raise ProbeError(f"{what} {given!r}: a {what} of your own is written module:function")
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        module = import_module(module_name)
    except ProbeError:
        raise
    except (Exception, SystemExit) as error:
        raise ProbeError(
            f"{what} {given!r}: module {module_name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(here)
    function = getattr(module, name, None)
    if callable(function):
        return function  # type: ignore[no-any-return]  # `callable` narrows to Any
    functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    near = get_close_matches(name, functions, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ProbeError(f"{what} {given!r}: {module_name} has no function {name!r}{hint}")


def source_digest(given: str) -> str | None:
    """Return the sha256 of the module that `module:function` was found in, which may change without its name.

    None if it has not been imported, or has no file.
    """
    module = sys.modules.get(given.partition(":")[0])
    file = None if module is None else module.__file__
    return None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
