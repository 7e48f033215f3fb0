"""`gatekit expose` on the command line: a public address for a service on this machine."""

from __future__ import annotations

import argparse
import sys
import threading
from typing import Any

from gatekit.commands.answer import Answer, Commands
from gatekit.errors import ServiceProblem, UsageProblem

MOST_PORT = 65535


def add_expose(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `expose` to the commands of the parser."""
    del common  # it reads no policy
    expose = commands.add_parser(
        "expose",
        help="a public address for a service on this machine, until Ctrl-C",
        description="Open an ngrok tunnel to the service on this machine, so that a registry "
        "elsewhere can deliver its webhooks. Needs the extra `expose`, and ngrok's own token "
        "(NGROK_AUTHTOKEN).",
    )
    expose.add_argument(
        "--port", type=int, default=8000, metavar="PORT", help="of the service (default: 8000)"
    )
    expose.set_defaults(command=expose_command)


def expose_command(args: argparse.Namespace) -> Answer:
    """Open the tunnel, print its address, close it on Ctrl-C.

    Raises:
        UsageProblem: pyngrok is not installed, or there is no such port.
        ServiceProblem: ngrok does not open the tunnel.
    """
    if not 0 < args.port <= MOST_PORT:
        raise UsageProblem(f"--port {args.port}: no port", "Give the one the service listens on")
    tunnel = _connect(args.port)
    sys.stdout.write(f"public: {tunnel.public_url}  ->  127.0.0.1:{args.port}   (Ctrl-C ends it)\n")
    sys.stdout.write(f"hooks:  gatekit hooks install --url {tunnel.public_url}\n")
    sys.stdout.write("Everybody who knows the address can ask for predictions: set a token.\n")
    sys.stdout.flush()
    try:
        wait_for_interrupt()
    except KeyboardInterrupt:
        pass
    finally:
        _close(tunnel.public_url)
    return Answer(["closed"])


def wait_for_interrupt() -> None:
    """Until Ctrl-C."""
    threading.Event().wait()


def _connect(port: int) -> Any:
    try:
        from pyngrok import ngrok
    except ModuleNotFoundError as error:
        raise UsageProblem(
            "pyngrok is not installed", "Install pytest-gatekit[expose]; it fetches ngrok once"
        ) from error
    try:
        return ngrok.connect(f"127.0.0.1:{port}", "http")
    except Exception as error:
        words = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ServiceProblem(
            f"ngrok does not open a tunnel: {words}", "Is NGROK_AUTHTOKEN set, and ngrok reachable?"
        ) from error


def _close(url: str) -> None:
    from pyngrok import ngrok

    ngrok.disconnect(url)
    ngrok.kill()
