"""How a process of ours ends when it is told to."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
import os, time
os.kill(os.getpid(), {number})
time.sleep(0.2)
print("imported", flush=True)
"""
MAIN = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from flows.ending import ending_on_signals
sys.path.insert(0, {folder!r})
try:
    with ending_on_signals():
        import told_to_stop
        time.sleep(60)
finally:
    print("ended", flush=True)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_waits_for_an_import_to_be_over(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """A native module may abort the process when something is raised while it is being set up."""
    (tmp_path / "told_to_stop.py").write_text(MODULE.format(number=int(number)))
    command = [sys.executable, "-c", MAIN.format(folder=str(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert (done.stdout.splitlines(), done.returncode) == (["imported", "ended"], code), done.stderr
