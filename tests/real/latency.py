#!/usr/bin/python3
"""How long a change takes to reach a consumer: from the moment at which the server has saved an item to that at which a
consumer holds its record, through Kafka (linger.ms 0) and through ZeroMQ, with the doorbell.

Items are created one after another, in pauses, so each finds an idle bridge. Beside it, in the same run and in turns, what no
bridge can beat: a bare producer's time from produce to acknowledgement, and a call that the server refuses at once (a bridge
needs four: the poll's answer, the journal, and two for the item). Times in milliseconds; the clocks are those of this
machine. Exit code 1: p50 or p99 of Kafka are above the aims.
"""

import argparse
import http.client
import json
import statistics
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any, Callable, Dict, List

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "proto" / "clients" / "python"))

import groupware  # noqa: E402
import place  # noqa: E402
from confluent_kafka import Producer  # noqa: E402
from daemon import Daemon  # noqa: E402
from topic import Tail, change  # noqa: E402

AIMS = {"p50": 5.0, "p99": 25.0}
PAUSE_SECONDS = 0.05
SECONDS = 30.0
NO_SESSION = (b'<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="urn:zarafa"><E:Body>'
              b"<ns:logoff><ulSessionId>1</ulSessionId></ns:logoff></E:Body></E:Envelope>")


def figures(times: List[float]) -> Dict[str, float]:
    ordered = sorted(times)
    return {"n": len(ordered), "p50": statistics.median(ordered), "p95": ordered[int(len(ordered) * 0.95)],
            "p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1]}


class Arrivals:
    """When the record of each subject came, by whatever consumer."""

    def __init__(self) -> None:
        self.at: Dict[str, float] = {}
        self.over = threading.Event()

    def take(self, event: Any) -> None:
        if event.kind in (change.KIND_CREATED, change.KIND_UPDATED):
            self.at.setdefault(event.item.subject, time.monotonic())

    def wait(self, subject: str) -> float:
        end = time.monotonic() + SECONDS
        while subject not in self.at:
            if time.monotonic() > end:
                raise TimeoutError(f"no record of {subject}")
            time.sleep(0.0002)  # a look, up to the deadline
        return self.at[subject]


def read_kafka(daemon: Daemon, where: place.Place, arrivals: Arrivals) -> None:
    tail = Tail(where.kafka, daemon.topic("items"), daemon.check)
    while not arrivals.over.is_set():
        for message in tail.consumer.consume(1, 0.05):
            if message.error() is None:
                arrivals.take(change.ChangeEvent.FromString(message.value()))
    tail.close()


def read_zeromq(endpoint: str, arrivals: Arrivals) -> None:
    import zmq

    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.connect(endpoint)
    socket.subscribe(b"")
    while not arrivals.over.is_set():
        if socket.poll(50):
            topic, _, value = socket.recv_multipart()
            if topic.endswith(b"/item"):
                arrivals.take(change.ChangeEvent.FromString(value))
    socket.close(0)


def acknowledgement_ms(producer: Producer, topic: str) -> float:
    done: List[float] = []
    began = time.monotonic()
    producer.produce(topic, b"x" * 300, on_delivery=lambda *_: done.append(time.monotonic()))
    while not done:
        producer.poll(0.5)
    return (done[0] - began) * 1000


class RoundTrip:
    """A call that needs nothing but the server's attention, on a connection that is kept; over plain HTTP only."""

    def __init__(self, url: str) -> None:
        self.times: List[float] = []
        place = urllib.parse.urlsplit(url)
        self.path = place.path or "/"
        self.connection = http.client.HTTPConnection(place.netloc, timeout=SECONDS) if place.scheme == "http" else None

    def measure(self) -> None:
        if not self.connection:
            return
        began = time.monotonic()
        self.connection.request("POST", self.path, NO_SESSION, {"Content-Type": "text/xml; charset=utf-8"})
        self.connection.getresponse().read()
        self.times.append((time.monotonic() - began) * 1000)


def configure(daemon: Daemon, folder: str, sink: Dict[str, Any]) -> None:
    config = json.loads(daemon.config.read_text())
    config["source"]["kopano"]["poll_interval_ms"] = 1000
    config["notifications"] = "wake"
    config["snapshot"] = "none"
    if "zeromq" in sink:
        config["sink"] = sink
    else:
        config["sink"]["kafka"]["librdkafka"] |= {"linger.ms": 0}
    daemon.config.write_text(json.dumps(config))


def measure(folder: Any, arrivals: Arrivals, n: int, beside: Callable[[], None]) -> List[float]:
    times = []
    for i in range(n + 5):
        subject = f"latency {time.monotonic_ns()}"
        groupware.create(folder, subject)
        saved = time.monotonic()
        took = (arrivals.wait(subject) - saved) * 1000
        if i >= 5:  # the first ones find what is not warm yet
            times.append(took)
        beside()
        time.sleep(PAUSE_SECONDS)  # the bridge comes to rest
    return times


def wait_until_listening(folder: Any, arrivals: Arrivals) -> None:
    """A consumer that joins late misses the first ones."""
    end = time.monotonic() + SECONDS
    while not arrivals.at and time.monotonic() < end:
        groupware.create(folder, f"first {time.monotonic_ns()}")
        time.sleep(0.3)  # between two attempts


def through(where: place.Place, folder: Any, sink: Dict[str, Any], n: int, beside: Callable[[Daemon], Callable[[], None]]) -> List[float]:
    daemon = Daemon(where, [folder.name])
    arrivals = Arrivals()
    configure(daemon, folder.name, sink)
    daemon.start()
    endpoint = sink.get("zeromq", {}).get("live", {}).get("bind")
    reader = threading.Thread(target=read_zeromq, args=(endpoint, arrivals)) if endpoint else \
        threading.Thread(target=read_kafka, args=(daemon, where, arrivals))
    reader.start()
    try:
        wait_until_listening(folder, arrivals)
        times = measure(folder, arrivals, n, beside(daemon))
    finally:
        arrivals.over.set()
        reader.join()
        daemon.stop()
    daemon.remove()
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    parser.add_argument("-n", type=int, default=300, help="items for each way")
    parser.add_argument("--endpoint", default="tcp://127.0.0.1:5571", help="of ZeroMQ")
    options = parser.parse_args()
    where = place.place_of(options)
    store = groupware.open_store(where)
    folder = groupware.new_folder(store, f"real-latency-{time.monotonic_ns()}")
    bare: List[float] = []
    producer = Producer({"bootstrap.servers": where.kafka, "linger.ms": 0, "acks": "all"})

    server = RoundTrip(where.url)

    def beside(daemon: Daemon) -> Callable[[], None]:
        def both() -> None:
            bare.append(acknowledgement_ms(producer, daemon.topic("notifications")))
            server.measure()
        return both

    try:
        results = {"Kafka": through(where, folder, {}, options.n, beside),
                   "ZeroMQ": through(where, folder, {"zeromq": {"delivery": "best-effort", "live": {"bind": options.endpoint}}}, options.n,
                                     lambda daemon: server.measure)}
    finally:
        groupware.remove_folders(store, [folder])
    results["bare producer, acknowledgement"] = bare[5:]
    if server.times[5:]:
        results["the server's round trip"] = server.times[5:]
    for name, times in results.items():
        row = figures(times)
        print(f"{name:32} " + "  ".join(f"{word} {value:.1f}" if word != "n" else f"n {value}" for word, value in row.items()))
    kafka = figures(results["Kafka"])
    return any(kafka[word] > aim for word, aim in AIMS.items())


if __name__ == "__main__":
    sys.exit(main())
