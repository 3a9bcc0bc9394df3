"""Certificates made with openssl, and a TLS listener that passes what it decrypts on to the fake server."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path

from gate import pass_on

LOCALHOST = "subjectAltName=DNS:localhost"


def openssl(*arguments: str | Path, text: str = "") -> None:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{command}:\n{done.stderr}")


class Certificate:
    """Files `NAME.pem` and `NAME.key`; signed by a CA, or by itself."""

    def __init__(self, directory: Path, name: str, ca: "Certificate | None" = None, san: str = LOCALHOST, days: int = 2) -> None:
        self.cert, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        subject = ["-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", self.key]
        if ca is None:
            openssl("req", "-x509", *subject, "-days", str(days), "-addext", san, "-out", self.cert)
            return
        request = directory / f"{name}.csr"
        openssl("req", *subject, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial", "-days", str(days),
                "-extfile", "/dev/stdin", "-out", self.cert, text=san)  # fmt: skip


def close_when_read(end: socket.socket) -> None:
    """A close with a request unread is a reset, which would overtake the alert that says why."""
    with end:
        try:
            end.shutdown(socket.SHUT_WR)
            while end.recv(65536):
                pass
        except OSError:
            pass


class TlsGate:
    """Shows its certificate, may ask for one of the client, and passes on to a port or a unix socket."""

    def __init__(self, to: int | Path, shown: Certificate, asks_for: Certificate | None = None) -> None:
        self.to = to
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(shown.cert, shown.key)
        if asks_for:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(asks_for.cert)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _connect(self) -> socket.socket:
        if isinstance(self.to, int):
            return socket.create_connection(("127.0.0.1", self.to))
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self.to))
        return far

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        inside = self.context.wrap_socket(near, server_side=True, do_handshake_on_connect=False)
        try:
            inside.do_handshake()
            far = self._connect()
        except OSError:
            close_when_read(socket.socket(fileno=inside.detach()))
            return
        threading.Thread(target=pass_on, args=(far, inside), daemon=True).start()
        pass_on(inside, far)
