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

from compare import Comparison, Mapping
from scenarios import SCENARIOS
from wire import Connection, answer_element, read_answer, split_multipart

RECORDINGS = os.path.join(os.path.dirname(__file__), "..", "..", "data", "transcripts", "kopano")
DISPLAY_NAME, RECORD_KEY, SOURCE_KEY = "805371935", "267976962", "1709179138"
CREATED = "805765184"
EPOCH = 11644473600
RECORDED_CAPABILITIES = 59218

LOGON = ('<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="urn:zarafa">'
         "<SOAP-ENV:Body><ns:logon><szUsername>user1</szUsername><szPassword>pass1</szPassword><szImpersonateUser/>"
         "<szVersion>11.0.2</szVersion><ulCapabilities>%d</ulCapabilities></ns:logon></SOAP-ENV:Body>"
         "</SOAP-ENV:Envelope>")

REPLACED = {"ulSessionId": "session", "ulSyncId": "sync", "ulChangeId": "change", "ulTableId": "table",
            "ulObjId": "object", "ul": "object"}
BASE64 = ("sEntryId|lpsEntryId|sStoreId|sUserId|sSourceKeyFolder|folderSourceKey|messageSourceKey|sParentKey|"
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
        self.process = subprocess.Popen([server], stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.control = Connection(self.port)
        self.mapping = Mapping()
        self.connections = {}
        self.answers, self.equal, self.differences = 0, 0, []

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

    def recorded_object(self, folder, number, name):
        """Ids and times of the object in a recorded loadObject answer; name is only a check."""
        saved = answer_element(recorded(folder, number, "res.xml")).child("sSaveObject")
        props = {p.value("ulPropTag"): p.children[1] for p in saved.child("modProps").children}
        if name is not None and props[DISPLAY_NAME].text != name:
            raise RuntimeError(f"{folder} {number} is not {name}")
        return {"entry_id": base64.b64decode(props[RECORD_KEY].text), "key": base64.b64decode(props[SOURCE_KEY].text),
                "number": int(saved.value("ulServerId")), "time": seconds(props[CREATED])}

    def recorded_entry_id(self, folder, number):
        return base64.b64decode(re.search(rb"<sEntryId>([^<]*)", recorded(folder, number, "req.xml"))[1])

    def recorded_key_of(self, folder, number):
        return base64.b64decode(re.search(rb"<sObjectKey>([^<]*)", recorded(folder, number, "req.xml"))[1])

    def stream_time(self, folder, number):
        """The creation time inside the first recorded message stream."""
        content = split_multipart(recorded(folder, number, "res.xml"))[1][1]
        at = content.index(bytes.fromhex("30070040")) + 4
        return int.from_bytes(content[at : at + 8], "big") // 10**7 - EPOCH

    # The exchanges

    def log_on(self, session):
        """A session that was begun in another recording."""
        answer = Connection(self.port).post((LOGON % RECORDED_CAPABILITIES).encode(), close=True)
        fake = int(answer_element(answer.body).value("ulSessionId"))
        self.mapping.bind("session", session, fake)

    def translate(self, request):
        """The recorded request in terms of the fake's ids."""
        session = re.search(rb"<ulSessionId>(\d+)<", request)
        if session and int(session[1]) > 1000000 and not self.mapping.has("session", int(session[1])):
            self.log_on(int(session[1]))

        def number(match):
            name, value = match[1], int(match[2])
            return f"<{name}>{self.mapping.get(REPLACED[name], value)}</{name}>"

        def binary(match):
            value = self.mapping.translate_bytes(base64.b64decode(match[2]))
            return f"<{match[1]}>{base64.b64encode(value).decode()}</{match[1]}>"

        text = request.decode("utf-8")
        text = re.sub(rf"<({'|'.join(REPLACED)})>(\d+)</\1>", number, text)
        return re.sub(rf"<({BASE64})>([^<]+)</\1>", binary, text).encode("utf-8")

    def exchange(self, folder, number, connection):
        request = recorded(folder, number, "req.xml")
        raw = recorded(folder, number, "req.http")
        close = raw is not None and b"Connection: close" in raw
        body = self.translate(request)
        key = (folder, connection)
        try:
            answer = self.connections.setdefault(key, Connection(self.port)).post(body, close=close)
        except (ConnectionError, BrokenPipeError):
            self.connections[key] = Connection(self.port)
            answer = self.connections[key].post(body, close=close)
        if close:
            del self.connections[key]
        comparison = Comparison(self.mapping)
        comparison.bodies(recorded(folder, number, "res.xml"), answer.body)
        raw = recorded(folder, number, "res.http")
        if raw is not None:
            comparison.headers(read_answer(io.BytesIO(raw)), answer)
        self.answers += 1
        self.equal += comparison.equal
        self.differences += [f"{folder} {number}: {text}" for text in comparison.differences]

    def play(self, scenario):
        done = {}
        for folder, stop in scenario(self):
            for number, connection, _ in load_exchanges(folder):
                if done.get(folder, 0) < number < stop:
                    self.exchange(folder, number, connection)
                    done[folder] = number


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
