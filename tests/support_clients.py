"""Other people's Python: environments with just the packages a client has, made once from a package index."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resegment-tests" / "clients"


def environment(*packages: str) -> Path:
    """Python of an environment with just these packages; skips if no index has them for this machine."""
    name = re.sub(r"[^a-z0-9.]+", "-", "-".join(packages))
    folder = CACHE / f"py{sys.version_info.major}.{sys.version_info.minor}-{name}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        install = [*uv, "pip", "install", "--quiet", "--only-binary", ":all:", "--python", python, *packages]
        made = subprocess.run(install, capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"{' '.join(packages)} cannot be installed: {made.stderr.strip().splitlines()[-1]}")
        (folder / "complete").touch()
    return python
