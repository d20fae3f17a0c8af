"""`resegment dashboard` as a process: it answers on this machine only, says when it cannot, and ends when told to."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    (folder / "resegment.toml").write_text("")
    command = [sys.executable, "-m", "flows.cli", "dashboard", *arguments, "--config", str(folder / "resegment.toml")]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_it_answers_on_loopback_only_and_ends_when_told_to(tmp_path: Path) -> None:
    port = free_port()
    dashboard = started(tmp_path, "--port", str(port))
    try:
        while dashboard.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                    assert answer.read() == b"ok"
                break
            except OSError:
                time.sleep(0.1)
        assert listening(port) == {"127.0.0.1"}
        dashboard.send_signal(signal.SIGTERM)
        assert dashboard.wait(30) == 0
    finally:
        dashboard.kill()
        dashboard.communicate()


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dashboard = started(tmp_path, "--port", str(taken.getsockname()[1]))
        _, told = dashboard.communicate(timeout=60)
    assert dashboard.returncode == 1
    assert "is taken. Choose another with --port." in told
    assert "Traceback" not in told


def listening(port: int) -> set[str]:
    """Addresses of this machine on which somebody listens on a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    found = {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}
    return {socket.inet_ntoa(bytes.fromhex(one)[::-1]) if len(one) == 8 else one for one in found}
