"""Ports for servers that are stopped and started again.

They are below the ephemeral range: a client that retries a dead server's ephemeral port may connect to itself, or another's
connection may get it, and then the server cannot have it back.
"""

import random
import socket

PORTS = range(12000, 20000)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    return next(port for port in random.sample(PORTS, len(PORTS)) if is_free(port))
