"""`resegment dashboard`: Streamlit in this process, on this machine only unless asked otherwise."""

import errno
import socket
import threading
from importlib.util import find_spec
from pathlib import Path

from flows.settings import load_settings
from warehouse.errors import ResegmentError


class DashboardError(ResegmentError):
    """The dashboard cannot be started."""


def serve_dashboard(config: Path | None, address: str, port: int) -> None:
    """Serve until the process is told to stop.

    Raises
    ------
    DashboardError
        Somebody listens on that port already, or the address is not one of this machine's.
    """
    settings = load_settings(config).settings
    _check_free(address, port)
    threading.Thread(target=_import_what_pages_need, name="preload", daemon=True).start()
    from streamlit.web import bootstrap

    options = {
        "server_address": address,
        "server_port": port,
        "server_headless": True,
        "server_fileWatcherType": "none",
        "server_showEmailPrompt": False,
        "browser_gatherUsageStats": False,
        "client_toolbarMode": "minimal",
        "client_showErrorDetails": "none",
        "theme_light_primaryColor": "#3c6693",  # one for both would switch the browser's dark setting off
        "theme_dark_primaryColor": "#4477aa",  # white letters stand on it
    }
    script = find_spec("dashboard.app.main")
    if script is None or script.origin is None:
        raise DashboardError("The dashboard is not installed; install resegment with all its packages.")
    bootstrap.load_config_options(options)
    bootstrap.run(script.origin, False, [str(settings.warehouse.serving.absolute()), settings.report.currency], options)


def _check_free(address: str, port: int) -> None:
    """Streamlit would say so only after a second, with a traceback."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(where)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DashboardError(f"Port {port} of {address} is taken. Choose another with --port.") from error
        raise DashboardError(f"Cannot listen on {address}, port {port}: {error.strerror or error}.") from error


def _import_what_pages_need() -> None:
    """So that the first visitor does not wait for it."""
    import plotly.graph_objects
    import polars  # noqa: F401

    import warehouse.reading  # noqa: F401

    plotly.graph_objects.Figure()
