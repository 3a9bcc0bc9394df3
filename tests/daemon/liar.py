"""A proxy between the daemon and the fake server that may answer something else."""

import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Iterable

HEAD = b"Content-Type: text/xml; charset=utf-8\r\n"

# Of the true answer, the pieces of what is sent instead: all of it, from the status line on.
Lie = Callable[[bytes], Iterable[bytes]]


def whole(body: bytes, head: bytes = HEAD, status: str = "200 OK") -> list[bytes]:
    return [f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n".encode() + head + b"\r\n" + body]


def html(status: str, head: bytes = b"") -> Lie:
    page = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Please sign in<br></body></html>\n"
    return lambda _: whole(page, b"Content-Type: text/html\r\n" + head, status)


def after(n_bytes: int, piece: bytes, mark: bytes = b"Response>") -> Lie:
    """So many bytes of pieces before the first element of the true answer, if there is such an element."""

    def lie(body: bytes) -> Iterable[bytes]:
        at = body.index(mark) + len(mark)
        n_pieces = n_bytes // len(piece)
        yield f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) + n_pieces * len(piece)}\r\n".encode() + HEAD + b"\r\n" + body[:at]
        for _ in range(n_pieces):
            yield piece
        yield body[at:]

    return lie


class Liar:
    """Tells the truth but for the calls of `method` while `lie` is set."""

    def __init__(self, to_port: int) -> None:
        self.method = ""
        self.lie: Lie | None = None
        self.replaced = (b"", b"")  # in every answer, by as many bytes
        self.n_told = 0
        liar = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                status, head, body = true_answer(to_port, request)
                method = re.search(rb"<SOAP-ENV:Body[^>]*>\s*<(?:\w+:)?(\w+)", request)
                lie = liar.lie if method and method[1].decode() == liar.method else None
                body = body.replace(*liar.replaced)
                pieces = lie(body) if lie else whole(body, head, status)
                liar.n_told += lie is not None
                try:
                    for piece in pieces:
                        self.wfile.write(piece)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # the daemon has closed the connection

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def tell(self, method: str, lie: Lie) -> None:
        self.method, self.lie, self.n_told = method, lie, 0

    def tell_the_truth(self) -> None:
        self.lie = None

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def true_answer(port: int, request: bytes) -> tuple[str, bytes, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/", request, {"Content-Type": "text/xml"})
        answer = connection.getresponse()
        head = f"Content-Type: {answer.getheader('Content-Type')}\r\n".encode()
        return f"{answer.status} {answer.reason}", head, answer.read()
    finally:
        connection.close()
