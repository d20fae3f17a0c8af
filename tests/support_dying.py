"""Runs nights or erasures that are killed, at a named moment or after some time, then again to their end.

The slow imports happen once; each night is a fork of this process, so that none is killed before it begins to work.
Prints the exit codes, and where there is a time to wait, the seconds of the run that nobody killed.
"""

import importlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import sklearn.cluster  # noqa: F401

from expectations.run import preload
from flows.nightly import nightly
from flows.settings import load_settings
from tasks.erasing import erase_customers


def dying(function: Callable[..., Any], at: str) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if at == "end":
            function(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


def replace_everywhere(module: str, name: str, at: str) -> None:
    """Also where it was imported by name."""
    function = getattr(importlib.import_module(module), name)
    for loaded in list(sys.modules.values()):
        if (getattr(loaded, "__name__", "").split(".")[0] in ("warehouse", "tasks", "flows")) and getattr(
            loaded, name, None
        ) is function:
            setattr(loaded, name, dying(function, at))


def forked(run: Callable[[], None], killed_after: float | None = None) -> int:
    child = os.fork()
    if not child:
        code = 1
        try:
            run()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    if killed_after is not None:
        time.sleep(killed_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    asked = json.load(sys.stdin)
    preload()
    os.environ["PREFECT_API_URL"] = ""
    print(json.dumps(killed_after(asked) if "after" in asked else killed_at_moments(asked)))  # noqa: T201


def killed_at_moments(asked: dict[str, Any]) -> dict[str, list[int]]:
    codes = {}
    for moment, config in asked["configs"].items():
        codes[moment] = [forked(lambda m=moment, c=config: killed(m, asked, Path(c)))]
        if "between" in asked:  # what is there after the kill, for a look at it
            shutil.copytree(Path(config).parent, Path(asked["between"]) / moment.replace(" ", "-"), symlinks=True)
        codes[moment] += [forked(lambda c=config: run(asked, Path(c)))]
    return codes


def killed_after(asked: dict[str, Any]) -> dict[str, Any]:
    config = Path(asked["config"])
    codes = [forked(lambda: run(asked, config), seconds) for seconds in asked["after"]]
    began = time.monotonic()
    codes.append(forked(lambda: run(asked, config)))
    return {"codes": codes, "seconds": time.monotonic() - began}


def killed(moment: str, asked: dict[str, Any], config: Path) -> None:
    dotted, at = moment.split()
    replace_everywhere(*dotted.rsplit(".", 1), at)
    run(asked, config)


def run(asked: dict[str, Any], config: Path) -> None:
    """A night, or an erasure of the customers in a file."""
    if "night" in asked:
        nightly(as_of=date.fromisoformat(asked["night"]), config=config)
    else:
        settings = load_settings(config).settings
        erase_customers(settings.warehouse, settings.source, Path(asked["customers"]))


if __name__ == "__main__":
    main()
