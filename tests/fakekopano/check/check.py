#!/usr/bin/python3
"""Send recorded requests to the fake server and compare its answers with the recorded ones, element by element."""

import argparse
import base64
import glob
import io
import json
import os
import re
import subprocess
import sys
import tempfile

from compare import Comparison, Mapping
from scenarios import SCENARIOS
from wire import Connection, answer_element, read_answer, split_multipart

RECORDINGS = os.path.join(os.path.dirname(__file__), "..", "..", "data", "transcripts", "kopano")
DISPLAY_NAME, RECORD_KEY, SOURCE_KEY = "805371935", "267976962", "1709179138"
CREATED = "805765184"
EPOCH = 11644473600
RECORDED_CAPABILITIES = 59218
END_OF_SESSION = b"<er>2147483664</er>"

LOGON = ('<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="urn:zarafa">'
         "<SOAP-ENV:Body><ns:logon><szUsername>%s</szUsername><szPassword>%s</szPassword><szImpersonateUser/>"
         "<szVersion>11.0.2</szVersion><ulCapabilities>%d</ulCapabilities></ns:logon></SOAP-ENV:Body>"
         "</SOAP-ENV:Envelope>")

GET_STORE = ('<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="urn:zarafa">'
             "<SOAP-ENV:Body><ns:getStore><ulSessionId>%d</ulSessionId></ns:getStore></SOAP-ENV:Body>"
             "</SOAP-ENV:Envelope>")

REPLACED = {"ulSessionId": "session", "ulSyncId": "sync", "ulChangeId": "change", "ulTableId": "table",
            "ulObjId": "object", "ul": "object", "ulUserId": "user", "ulGroupId": "user"}
BASE64 = ("sEntryId|lpsEntryId|sKey|sStoreId|sUserId|sGroupId|sSourceKeyFolder|folderSourceKey|messageSourceKey|sParentKey|"
          "sObjectKey|guid")


def load_exchanges(folder):
    """[(number, connection, operation)] of a recording."""
    with open(os.path.join(RECORDINGS, folder, "index.tsv"), encoding="utf-8") as f:
        lines = [line.rstrip("\n").split("\t") for line in f]
    return [(int(line[0]), line[1], line[2]) for line in lines[1:]]


def recorded(folder, number, suffix):
    names = glob.glob(os.path.join(RECORDINGS, folder, f"{number:04}-*.{suffix}"))
    if not names:
        return None
    with open(names[0], "rb") as f:
        return f.read()


def seconds(hilo):
    return ((int(hilo.value("hi")) << 32) + int(hilo.value("lo"))) // 10**7 - EPOCH


class Run:
    """One scenario on a server of its own."""

    def __init__(self, server):
        self.path = os.path.join(tempfile.gettempdir(), f"fakekopano-check-{os.getpid()}.sock")
        self.process = subprocess.Popen([server, "--socket", self.path], stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.control = Connection(self.port)
        self.mapping = Mapping()
        self.connections, self.done = {}, {}
        self.answers, self.equal, self.differences = 0, 0, []
        self.pending = []

    def close(self):
        for connection in [self.control, *self.connections.values()]:
            connection.close()
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait()

    # What scenarios use

    def do(self, verb, **arguments):
        line = json.dumps({"do": verb, **arguments}).encode() + b"\n"
        try:
            answer = self.control.post(line, "/control")
        except (ConnectionError, BrokenPipeError):
            self.control = Connection(self.port)
            answer = self.control.post(line, "/control")
        result = json.loads(answer.body)
        if "error" in result:
            raise RuntimeError(f"{verb}: {result['error']}")
        return result

    def bind_bytes(self, left, right_hex):
        if not self.mapping.bind_bytes(left, bytes.fromhex(right_hex)):
            raise RuntimeError("a scenario binds an id twice")

    def bind_key(self, counter, fake):
        if not self.mapping.bind("key", counter, int.from_bytes(bytes.fromhex(fake["key"])[16:], "little")):
            raise RuntimeError("a scenario binds a key twice")

    def bind_object(self, left, fake):
        self.bind_bytes(left["entry_id"], fake["entry_id"])
        self.bind_bytes(left["key"], fake["key"])
        self.mapping.bind("object", left["number"], fake["number"])

    def skip(self, folder, number):
        """Leave out the exchanges up to that one."""
        self.done[folder] = number

    def recorded_object(self, folder, number, name):
        """Ids and times of the object in a recorded loadObject answer; name is only a check."""
        saved = answer_element(recorded(folder, number, "res.xml")).child("sSaveObject")
        props = {p.value("ulPropTag"): p.children[1] for p in saved.child("modProps").children}
        if name is not None and props[DISPLAY_NAME].text != name:
            raise RuntimeError(f"{folder} {number} is not {name}")
        return {"entry_id": base64.b64decode(props[RECORD_KEY].text), "key": base64.b64decode(props[SOURCE_KEY].text),
                "number": int(saved.value("ulServerId")), "time": seconds(props[CREATED])}

    def recorded_bytes(self, folder, number, name):
        """The first argument of that name in a recorded request."""
        request = recorded(folder, number, "req.xml")
        return base64.b64decode(re.search(rf"<{name}>([^<]*)".encode(), request)[1])

    def last(self, folder):
        return load_exchanges(folder)[-1][0]

    def log_on_as(self, user, password):
        answer = Connection(self.port).post((LOGON % (user, password, RECORDED_CAPABILITIES)).encode(), close=True)
        return int(answer_element(answer.body).value("ulSessionId"))

    def store_id(self, user):
        """The entry id of a user's store, in hex."""
        answer = Connection(self.port).post((GET_STORE % self.log_on_as(user, user.replace("user", "pass"))).encode(),
                                            close=True)
        return base64.b64decode(answer_element(answer.body).value("sStoreId")).hex()

    def stream_time(self, folder, number):
        """The creation time inside the first recorded message stream."""
        content = split_multipart(recorded(folder, number, "res.xml"))[1][1]
        at = content.index(bytes.fromhex("30070040")) + 4
        return int.from_bytes(content[at : at + 8], "big") // 10**7 - EPOCH

    # The exchanges

    def connect(self, folder):
        return Connection(self.path if "unix-system" in folder else self.port)

    def log_on(self, folder, session):
        """A session that was begun in another recording."""
        user = ("SYSTEM", "") if "unix-system" in folder else ("user1", "pass1")
        answer = self.connect(folder).post((LOGON % (*user, RECORDED_CAPABILITIES)).encode(), close=True)
        fake = int(answer_element(answer.body).value("ulSessionId"))
        self.mapping.bind("session", session, fake)

    def translate(self, folder, request):
        """The recorded request in terms of the fake's ids."""
        session = re.search(rb"<ulSessionId>(\d+)<", request)
        if session and int(session[1]) > 1000000 and not self.mapping.has("session", int(session[1])):
            self.log_on(folder, int(session[1]))

        def number(match):
            name, value = match[1], int(match[2])
            return f"<{name}>{self.mapping.get(REPLACED[name], value)}</{name}>"

        def binary(match):
            value = self.mapping.translate_bytes(base64.b64decode(match[2]))
            return f"<{match[1]}>{base64.b64encode(value).decode()}</{match[1]}>"

        text = request.decode("utf-8")
        text = re.sub(rf"<({'|'.join(REPLACED)})>(\d+)</\1>", number, text)
        return re.sub(rf"<({BASE64})>([^<]+)</\1>", binary, text).encode("utf-8")

    def connection(self, key):
        if key not in self.connections:
            self.connections[key] = self.connect(key[0])
        return self.connections[key]

    def prepare_poll(self, folder, number):
        """Make the fake answer with as many items as the real server had at that moment."""
        items = recorded(folder, number, "res.xml").count(b"<ulConnection>")
        self.do("poll", items=items, idle_ms=60000 if items else 1)

    def exchange(self, folder, number, connection):
        request = recorded(folder, number, "req.xml")
        if b"<ns:notifyGetItems>" in request:
            if END_OF_SESSION in recorded(folder, number, "res.xml"):
                return self.leave_pending(folder, number)
            self.prepare_poll(folder, number)
        raw = recorded(folder, number, "req.http")
        close = raw is not None and b"Connection: close" in raw
        body = self.translate(folder, request)
        key = (folder, connection)
        try:
            answer = self.connection(key).post(body, close=close)
        except (ConnectionError, BrokenPipeError):
            del self.connections[key]
            answer = self.connection(key).post(body, close=close)
        if close:
            del self.connections[key]
        self.compare(folder, number, answer)

    def leave_pending(self, folder, number):
        """A poll that ends with its session: it is answered after exchanges that follow it."""
        self.do("poll", items=0, idle_ms=60000)
        connection = self.connect(folder)
        raw = recorded(folder, number, "req.http")
        connection.send(self.translate(folder, recorded(folder, number, "req.xml")),
                        close=raw is not None and b"Connection: close" in raw)
        self.pending.append((folder, number, connection))
        # The session may be gone already: then it is answered at once.
        while not self.do("stats")["polls"] and not connection.is_answered():
            pass

    def answer_pending(self):
        """Their sessions end at the latest with the recorded client."""
        self.do("expire-sessions")
        for folder, number, connection in self.pending:
            self.compare(folder, number, connection.receive())
            connection.close()
        self.pending = []

    def compare(self, folder, number, answer):
        comparison = Comparison(self.mapping)
        comparison.bodies(recorded(folder, number, "res.xml"), answer.body)
        raw = recorded(folder, number, "res.http")
        if raw is not None:
            comparison.headers(read_answer(io.BytesIO(raw)), answer)
        self.answers += 1
        self.equal += comparison.equal
        self.differences += [f"{folder} {number}: {text}" for text in comparison.differences]

    def play(self, scenario):
        for folder, stop in scenario(self):
            for number, connection, _ in load_exchanges(folder):
                if self.done.get(folder, 0) < number < stop:
                    self.exchange(folder, number, connection)
                    self.done[folder] = number
        self.answer_pending()


def check(server, name):
    run = Run(server)
    try:
        run.play(SCENARIOS[name])
    finally:
        run.close()
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the fake server's binary")
    parser.add_argument("--show", type=int, default=20, help="differences to print for each scenario")
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS), help="of " + " ".join(SCENARIOS))
    arguments = parser.parse_args()
    failed = False
    print(f"{'scenario':<10}{'answers':>9}{'equal':>9}{'different':>11}")
    for name in arguments.scenarios:
        run = check(arguments.server, name)
        print(f"{name:<10}{run.answers:>9}{run.equal:>9}{len(run.differences):>11}", flush=True)
        for text in run.differences[: arguments.show]:
            print("   ", text)
        failed |= bool(run.differences) or run.answers == 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
