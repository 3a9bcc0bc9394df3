"""Is the fake's answer the recorded one? Ids may differ, but one to one and always the same way."""

import base64
import struct

from wire import answer_element, parse_stream, split_multipart

# What is compared neither exactly nor by mapping, and why.
EXCEPTIONS = {
    "sLicenseResponse": "the fake has no licence to encrypt; an empty answer is accepted by clients",
    "PR_MESSAGE_SIZE_EXTENDED": "sum over everything that the recorded store had held before",
    "PR_FREEBUSY_ENTRYIDS": "names two hidden messages that the fake's stores do not have",
}

SOURCE_KEY, ENTRY_ID, OLD_ENTRY_ID, CHANGE_KEY, SYNC_STATE = 22, 48, 36, 20, 8
# Head of each entry id in PR_IPM_OL2007_ENTRYIDS; the first of them is for the RSS folder.
LATER_FOLDER = bytes.fromhex("0180340001003000")
AB_PROVIDER = bytes.fromhex("ac21a95040d3ee48b319fba753304425")

HIERARCHYID, PARENT_HIERARCHYID, IMAP_ID = 0x67110003, 0x67150003, 0x67820003
SIZE_EXTENDED, INSTANCE_KEY, FREEBUSY = 0x0E080014, 0x0FF60102, 0x36E41102
OPAQUE = {0x300B0102: "search key", 0x0FF90102: "record key"}

LEAVES = {
    "ulSessionId": "session",
    "ulSyncId": "sync",
    "ulChangeId": "change",
    "ulMaxChangeId": "change",
    "ulServerId": "object",
    "ulUserId": "user",
    "ulGroupId": "user",
    "ulTableId": "table",
}
BINARIES = {"sEntryId", "lpsEntryId", "sStoreId", "sRootId", "sUserId", "sGroupId", "guid", "sServerGuid", "sSourceKey",
            "sParentSourceKey", "sSourceKeyFolder", "folderSourceKey", "messageSourceKey", "sParentKey", "sObjectKey",
            "pEntryId", "pParentId", "pOldId", "pOldParentId", "pSyncState"}
# These stand for themselves: nothing, the smallest position, the largest one.
LITERAL = {"change": {0, 1, 0xFFFFFFFF}, "sync": {0}, "object": {0}, "session": {0}, "table": {0},
           "user": {0, 1, 2}}
ORDERED = {"change"}


def property_order(item):
    """The properties of an object come in no promised order: it depends on what the server had in memory."""
    return int(item.value("ulPropTag") if item.children else item.text)


class Mapping:
    """Recorded ids to the fake's, one to one; ids of an ordered class keep their order too."""

    def __init__(self):
        self.forward, self.backward = {}, {}

    def bind(self, kind, recorded, real):
        if recorded in LITERAL.get(kind, ()) or real in LITERAL.get(kind, ()):
            return recorded == real
        there = self.forward.setdefault(kind, {})
        back = self.backward.setdefault(kind, {})
        if recorded in there or real in back:
            return there.get(recorded) == real and back.get(real) == recorded
        if kind in ORDERED and any((r < recorded) != (f < real) for r, f in there.items()):
            return False
        there[recorded], back[real] = real, recorded
        return True

    def get(self, kind, recorded):
        if recorded in LITERAL.get(kind, ()):
            return recorded
        return self.forward.get(kind, {}).get(recorded, recorded)

    def has(self, kind, recorded):
        return recorded in self.forward.get(kind, {})

    # Binary ids: their parts are mapped, the rest must be equal.

    def shape(self, data):
        """[(kind or None, value)]; kind None is literal."""
        if len(data) == SYNC_STATE:
            return [("sync", struct.unpack("<I", data[:4])[0]), ("change", struct.unpack("<I", data[4:])[0])]
        if len(data) == 16:
            return [("guid", data)]
        if len(data) == SOURCE_KEY:
            return [("guid", data[:16]), ("key", int.from_bytes(data[16:], "little"))]
        if len(data) == CHANGE_KEY:
            return [("guid", data[:16]), ("change", struct.unpack("<I", data[16:])[0])]
        if data[4:20] == AB_PROVIDER and len(data) >= OLD_ENTRY_ID:
            return [(None, data[:28]), ("user", struct.unpack("<I", data[28:32])[0]), ("external", data[32:])]
        if len(data) == ENTRY_ID and data[20:24] == b"\1\0\0\0":
            return [(None, data[:4]), ("guid", data[4:20]), (None, data[20:28]), ("unique", data[28:44]),
                    (None, data[44:])]
        if len(data) == OLD_ENTRY_ID:
            return [(None, data[:4]), ("guid", data[4:20]), (None, data[20:28]),
                    ("object", struct.unpack("<I", data[28:32])[0]), (None, data[32:])]
        if data[:8] == LATER_FOLDER:
            return [part for at in range(0, len(data), 8 + ENTRY_ID)
                    for part in [(None, data[at : at + 8])] + self.shape(data[at + 8 : at + 8 + ENTRY_ID])]
        return [(None, data)]

    def bind_bytes(self, recorded, real):
        left, right = self.shape(recorded), self.shape(real)
        return len(left) == len(right) and all(
            a == b if kind is None else kind == other and self.bind(kind, a, b)
            for (kind, a), (other, b) in zip(left, right))

    def translate_bytes(self, data):
        sizes = {"key": 6, "change": 4, "object": 4, "user": 4}
        out = b""
        for kind, value in self.shape(data):
            value = value if kind is None else self.get(kind, value)
            out += value.to_bytes(sizes[kind], "little") if isinstance(value, int) else value
        return out


class Comparison:
    """One answer against its recording. Counts the equal leaves, notes the differences."""

    def __init__(self, mapping):
        self.mapping, self.equal, self.differences = mapping, 0, []

    def check(self, holds, path, recorded, real):
        if holds:
            self.equal += 1
        else:
            self.differences.append(f"{path}: recorded {str(recorded)[:120]!r}, fake {str(real)[:120]!r}")

    def nodes(self, recorded, real, path=""):
        path = f"{path}/{recorded.name}"
        if recorded.name != real.name or recorded.attributes != real.attributes:
            self.check(False, path, (recorded.name, recorded.attributes), (real.name, real.attributes))
            return
        names = [[c.name for c in node.children] for node in (recorded, real)]
        if names[0] != names[1]:
            self.check(False, path, names[0], names[1])
            return
        left, right = recorded.children, real.children
        if recorded.name in ("delProps", "modProps"):
            left, right = (sorted(node.children, key=property_order) for node in (recorded, real))
        if not recorded.children:
            self.leaf(recorded, real, path)
        elif names[0] and names[0][0] == "ulPropTag" and len(names[0]) == 2:
            self.property(recorded, real, path)
        else:
            for a, b in zip(left, right):
                self.nodes(a, b, path)

    def leaf(self, recorded, real, path):
        left, right = recorded.text, real.text
        if recorded.name in EXCEPTIONS:
            return
        if recorded.name in LEAVES:
            self.check(self.mapping.bind(LEAVES[recorded.name], int(left), int(right)), path, left, right)
        elif recorded.name in BINARIES:
            left, right = base64.b64decode(left), base64.b64decode(right)
            self.check(self.mapping.bind_bytes(left, right), path, left.hex(), right.hex())
        elif path.endswith("/lpsPropTags/item"):
            self.check(self.mapping.bind("name", int(left), int(right)), path, left, right)
        else:
            self.check(left == right, path, left, right)

    def property(self, recorded, real, path):
        tag = int(recorded.value("ulPropTag"))
        path = f"{path}[{tag:#010x}]"
        left, right = recorded.children[1], real.children[1]
        if tag != int(real.value("ulPropTag")) or left.name != right.name or left.attributes != right.attributes:
            self.check(False, path, left.name, f"{real.value('ulPropTag')} {right.name}")
            return
        if left.name == "hilo":
            times = [(int(n.value("hi")) << 32) + int(n.value("lo")) for n in (left, right)]
            self.value(tag, times[0], times[1], path)
        elif left.name == "bin":
            self.value(tag, base64.b64decode(left.text), base64.b64decode(right.text), path)
        elif left.name == "mvbin":
            for a, b in zip(left.children, right.children):
                self.value(tag, base64.b64decode(a.text), base64.b64decode(b.text), path)
        else:
            self.value(tag, left.text, right.text, path)

    def value(self, tag, left, right, path):
        bind = self.mapping.bind
        if tag in (SIZE_EXTENDED, FREEBUSY):
            return
        if tag in (HIERARCHYID, PARENT_HIERARCHYID):
            holds = bind("object", int(left), int(right))
        elif tag == IMAP_ID:
            holds = bind("imap id", int(left), int(right))
        elif tag & 0xFFFF == 0x40:
            holds = bind("time", left, right)
        elif tag == INSTANCE_KEY:
            holds = left[4:] == right[4:] and bind("object", *(int.from_bytes(x[:4], "little") for x in (left, right)))
        elif tag in OPAQUE and len(left) == 16:
            holds = len(right) == 16 and bind(OPAQUE[tag], left, right)
        elif isinstance(left, bytes):
            holds = self.mapping.bind_bytes(left, right)
        else:
            holds = left == right
        show = (lambda x: x.hex() if isinstance(x, bytes) else x)
        self.check(holds, path, show(left), show(right))

    # The message stream

    def stream_value(self, tag, left, right, path):
        if tag in (HIERARCHYID, PARENT_HIERARCHYID, IMAP_ID):
            left, right = (int.from_bytes(x, "big") for x in (left, right))
        elif tag & 0xFFFF == 0x40:
            left, right = (int.from_bytes(x, "big") for x in (left, right))
        self.value(tag, left, right, path)

    def stream_props(self, left, right, path):
        tags = [[(tag, name) for tag, name, _ in props] for props in (left, right)]
        if tags[0] != tags[1]:
            self.check(False, path, [hex(t) for t, _ in tags[0]], [hex(t) for t, _ in tags[1]])
            return
        for (tag, _, a), (_, _, b) in zip(left, right):
            for x, y in zip(a, b) if isinstance(a, list) else [(a, b)]:
                self.stream_value(tag, x, y, f"{path}[{tag:#010x}]")

    def stream(self, left, right, path):
        left, right = parse_stream(left), parse_stream(right)
        self.stream_props(left["props"], right["props"], path)
        self.check(len(left["subs"]) == len(right["subs"]), f"{path}/subs", len(left["subs"]), len(right["subs"]))
        for n, (a, b) in enumerate(zip(left["subs"], right["subs"])):
            where = f"{path}/sub{n}"
            self.check(a["type"] == b["type"], where, a["type"], b["type"])
            self.check(self.mapping.bind("object", a["id"], b["id"]), f"{where}/id", a["id"], b["id"])
            self.stream_props(a["props"], b["props"], where)
            self.check(a.get("data") == b.get("data"), f"{where}/data", a.get("data"), b.get("data"))

    def bodies(self, recorded, real):
        if recorded.startswith(b"--=="):
            self.check(real.startswith(b"--=="), "multipart", True, real[:40])
            if self.differences:
                return
            left, right = split_multipart(recorded), split_multipart(real)
            self.check(len(left) == len(right), "parts", len(left), len(right))
            for n, ((head, content), (other, real_content)) in enumerate(zip(left, right)):
                self.check(head == other, f"part {n} headers", head, other)
                if n > 0:
                    self.stream(content, real_content, f"/stream{n - 1}")
            recorded, real = left[0][1], right[0][1]
        self.nodes(answer_element(recorded), answer_element(real))
        self.check(recorded[: recorded.index(b"<SOAP-ENV:Body")] == real[: real.index(b"<SOAP-ENV:Body")], "envelope",
                   recorded[:400], real[:400])
        self.check(recorded[-40:] == real[-40:], "end of envelope", recorded[-40:], real[-40:])

    def headers(self, recorded, real):
        """Status line and headers; the boundary and the length of the body are not compared."""
        def plain(answer):
            fields = {}
            for name, value in answer.headers:
                if name == "Content-Length":
                    value = "n"
                if name == "Connection":  # its value is a token without case
                    value = value.lower()
                if "boundary=" in value:
                    start = value.index('boundary="')
                    value = value[:start] + value[value.index('"', start + 10):]
                fields[name] = value
            return fields

        self.check(recorded.status == real.status, "status line", recorded.status, real.status)
        left, right = plain(recorded), plain(real)
        for name in sorted(left.keys() | right.keys()):
            self.check(left.get(name) == right.get(name), f"header {name}", left.get(name), right.get(name))
