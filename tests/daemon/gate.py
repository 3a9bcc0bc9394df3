"""A gate between the daemon and the fake server: closed, it refuses connections and breaks those that are open."""

import socket
import threading

from ports import free_port


class Gate:
    """Listens on a port of its own, the same one each time it is opened, and passes bytes both ways."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.listener: socket.socket | None = None
        self.port = free_port()
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.mutex = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def open(self) -> None:
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self) -> None:
        if self.listener:
            shut(self.listener)
            self.listener.close()
        self.listener = None
        with self.mutex:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                shut(end)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                return
            with self.mutex:
                self.pairs.append((near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=pass_on, args=(source, target), daemon=True).start()


def shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until either side is gone."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    shut(source)
    shut(target)
    source.close()
