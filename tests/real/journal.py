"""The server's journal of all stores, read by plain calls: what was there to be told. http:// only, system administrator."""

import base64
import http.client
import re
from dataclasses import dataclass
from typing import Any, List, Tuple
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from place import Place

ENVELOPE = ('<?xml version="1.0" encoding="UTF-8"?>'
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="urn:zarafa"><e:Body>'
            '<ns:{call}>{body}</ns:{call}></e:Body></e:Envelope>')
CAPABILITIES = 0x210  # 64-bit session ids, UTF-8
CONTENTS = 1
READ_STATE, ASSOCIATED, NORMAL, CATCHUP = 0x8, 0x10, 0x20, 0x400
ALL = READ_STATE | ASSOCIATED | NORMAL
SECONDS = 60
ENTRY = re.compile("<item><ulChangeId>(.*?)</ulChangeId><sSourceKey>(.*?)</sSourceKey>"
                   "<sParentSourceKey>(.*?)</sParentSourceKey><ulChangeType>(.*?)</ulChangeType>")


@dataclass(frozen=True)
class Entry:
    change_id: int
    folder: bytes  # source keys
    key: bytes
    type: int


def number(answer: str, name: str) -> int:
    found = re.search(f"<{name}>(\\d+)</{name}>", answer)
    if not found:
        raise RuntimeError(f"no {name} in {answer[:200]}")
    return int(found.group(1))


class Journal:
    def __init__(self, where: Place) -> None:
        url = urlsplit(where.url)
        if url.scheme != "http" or not url.hostname:
            raise SystemExit("the journal is read over http:// only")
        self.address: Tuple[str, int] = (url.hostname, url.port or 236)
        self.connection = http.client.HTTPConnection(*self.address, timeout=SECONDS)
        answer = self.call("logon", szUsername=where.user, szPassword=where.password(), szVersion="11.0.2",
                           ulCapabilities=CAPABILITIES, ulFlags=0, szClientApp="journal")
        self.session = number(answer, "ulSessionId")
        self.sync_id = number(self.sync("setSyncStatus", 0, 0, 0), "ulSyncId")

    def call(self, name: str, **values: Any) -> str:
        body = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in values.items())
        text = ENVELOPE.format(call=name, body=body)
        for is_last in (False, True):  # the server closes idle connections
            try:
                self.connection.request("POST", "/", text, {"Content-Type": "text/xml; charset=utf-8"})
                answer = self.connection.getresponse().read().decode()
                break
            except (http.client.HTTPException, ConnectionError):
                self.connection.close()
                if is_last:
                    raise
        if number(answer, "er"):
            raise RuntimeError(f"{name}: error {number(answer, 'er'):#x}")
        return answer

    def sync(self, name: str, sync_id: int, change_id: int, flags: int) -> str:
        return self.call(name, ulSessionId=self.session, sSourceKeyFolder="", ulSyncId=sync_id, ulChangeId=change_id,
                         ulChangeType=CONTENTS, ulFlags=flags)

    def maximum(self) -> int:
        return number(self.sync("getChanges", self.sync_id, 0, ALL | CATCHUP), "ulMaxChangeId")

    def after(self, change_id: int) -> List[Entry]:
        """All entries above, in all stores, as far as they are visible now."""
        found = ENTRY.findall(self.sync("getChanges", self.sync_id, change_id, ALL))
        return [Entry(int(id), base64.b64decode(folder), base64.b64decode(key), int(kind)) for id, key, folder, kind in found]
