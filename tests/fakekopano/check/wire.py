"""Reading what the servers write: XML with control characters, HTTP, multipart, the message stream."""

import re
import select
import socket
import struct

TOKEN = re.compile(r"<\?.*?\?>|<!--.*?-->|<(/?)([^\s/>]+)([^>]*?)(/?)>|([^<]+)", re.S)
ATTRIBUTE = re.compile(r'([^\s=]+)\s*=\s*"([^"]*)"')
REFERENCE = re.compile(r"&(#x[0-9A-Fa-f]+|#[0-9]+|lt|gt|amp|quot|apos);")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


def resolve(text):
    def one(match):
        name = match[1]
        if name.startswith("#x"):
            return chr(int(name[2:], 16))
        return chr(int(name[1:])) if name.startswith("#") else NAMED[name]

    return REFERENCE.sub(one, text)


class Node:
    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children, self.text = [], ""

    def child(self, name):
        return next((c for c in self.children if c.name == name), None)

    def value(self, name):
        return self.child(name).text

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def parse_xml(data):
    """A tree, tolerant of characters that XML forbids: expat refuses what the server sends."""
    root = Node("", {}, None)
    node = root
    for match in TOKEN.finditer(data.decode("utf-8")):
        close, name, attributes, empty, text = match.groups()
        if text is not None:
            node.text += resolve(text)
        elif name is None:
            continue
        elif close:
            node = node.parent
        else:
            child = Node(name, dict(ATTRIBUTE.findall(attributes)), node)
            node.children.append(child)
            if not empty:
                node = child
    for one in root.walk():
        if one.children:
            one.text = ""
    return root


def answer_element(data):
    """The element inside the SOAP body."""
    body = parse_xml(data).children[0].child("SOAP-ENV:Body")
    return body.children[0]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def read_answer(stream):
    line = stream.readline()
    if not line:
        raise ConnectionError("connection closed without an answer")
    status, headers = line.decode().strip(), []
    while (line := stream.readline().decode().strip()):
        headers.append(tuple(line.split(": ", 1)))
    fields = {name.lower(): value for name, value in headers}
    if fields.get("transfer-encoding") == "chunked":
        body = b""
        while (size := int(stream.readline(), 16)):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    else:
        body = stream.read(int(fields["content-length"]))
    return Answer(status, headers, body)


class Connection:
    """To a port, or to a unix socket by its path."""

    def __init__(self, address):
        if isinstance(address, int):
            self.socket = socket.create_connection(("127.0.0.1", address), timeout=30)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        self.stream = self.socket.makefile("rb")

    def send(self, body, path="/", close=False):
        head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: gSOAP/2.8\r\n"
                f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                f"Connection: {'close' if close else 'keep-alive'}\r\n\r\n")
        self.socket.sendall(head.encode() + body)

    def is_answered(self):
        return bool(select.select([self.socket], [], [], 0)[0])

    def receive(self):
        return read_answer(self.stream)

    def post(self, body, path="/", close=False):
        try:
            self.send(body, path, close)
            return self.receive()
        finally:
            if close:
                self.close()

    def close(self):
        self.stream.close()
        self.socket.close()


def split_multipart(body):
    """[(headers, content)] of a multipart body, whose boundary is its first line."""
    boundary = body[: body.index(b"\r\n")]
    parts = []
    for part in body[len(boundary) + 2 :].split(b"\r\n" + boundary)[:-1]:
        head, content = part.removeprefix(b"\r\n").split(b"\r\n\r\n", 1)
        parts.append((head.decode(), content))
    return parts


class StreamReader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        if self.at > len(self.data):
            raise ValueError("stream ends early")
        return self.data[self.at - n : self.at]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def value(self, kind):
        if kind in (0x1E, 0x1F, 0x102, 0x48):
            return self.take(self.u32())
        sizes = {2: 2, 3: 4, 0xB: 1, 0x14: 8, 4: 4, 5: 8, 7: 8, 6: 8, 0x40: 8}
        return self.take(sizes[kind])

    def prop(self):
        tag = self.u32()
        name = None
        if tag >> 16 > 0x8500:
            guid, kind = self.take(16), self.u32()
            name = (guid, self.u32() if kind == 0 else self.take(self.u32()))
        kind = tag & 0xFFFF
        if kind & 0x1000:
            return tag, name, [self.value(kind & ~0x1000) for _ in range(self.u32())]
        return tag, name, self.value(kind)

    def props(self):
        return [self.prop() for _ in range(self.u32())]

    def message(self):
        message = {"props": self.props(), "subs": []}
        for _ in range(self.u32()):
            sub = {"type": self.u32(), "id": self.u32(), "props": self.props()}
            if sub["type"] == 7:
                sub["data"] = self.take(self.u32())
                if self.u32():
                    sub["embedded"] = (self.u32(), self.u32(), self.message())
            message["subs"].append(sub)
        return message


def parse_stream(data):
    reader = StreamReader(data)
    version = reader.u32()
    message = reader.message()
    if version != 1 or reader.at != len(data):
        raise ValueError("not a message stream")
    return message
