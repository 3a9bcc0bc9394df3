#!/usr/bin/python3
"""The fake's own promises that no recording shows: faults, held commands, backups, rights, tables that follow."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from wire import Connection, answer_element, read_answer, split_multipart

SERVER = os.path.join(os.environ.get("BUILD", "build"), "fakekopano")
NOT_FOUND, NO_ACCESS, END_OF_SESSION, COLLISION = 0x80000002, 0x80000003, 0x80000010, 0x80000008
HIERARCHYID, SUBJECT, BODY = 0x67110003, 0x0037001F, 0x1000001F
ENVELOPE = ('<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="urn:zarafa"><E:Body>'
            "<ns:{0}>{1}</ns:{0}></E:Body></E:Envelope>")


def b64(hexadecimal):
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


class Fake:
    def __init__(self, *options):
        self.process = subprocess.Popen([SERVER, *options], stdout=subprocess.PIPE)
        self.ready = json.loads(self.process.stdout.readline())
        self.port = self.ready["port"]

    def stop(self):
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait()

    def do(self, verb, **arguments):
        answer = Connection(self.port).post(json.dumps({"do": verb, **arguments}).encode(), "/control", close=True)
        return json.loads(answer.body)

    def folder(self, owner, name):
        folders = self.do("folders", store=owner)["folders"]
        return next(f for f in folders if f["name"] == name and not f["deleted"])


class Client:
    """A session."""

    def __init__(self, fake, user="user1", password="pass1", capabilities=25424, path=None, group=0):
        self.fake, self.path = fake, path
        answer = self.post("logon", f"<szUsername>{user}</szUsername><szPassword>{password}</szPassword>"
                           "<szImpersonateUser/><szVersion>11.0.2</szVersion>"
                           f"<ulCapabilities>{capabilities}</ulCapabilities><ullSessionGroup>{group}</ullSessionGroup>")
        self.session = answer.value("ulSessionId")

    def raw(self, method, arguments):
        body = ENVELOPE.format(method, arguments).encode()
        if self.path:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self.path)
                connection.sendall(b"POST / HTTP/1.1\r\nHost:\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                with connection.makefile("rb") as stream:
                    return read_answer(stream)
        return Connection(self.fake.port).post(body, close=True)

    def post(self, method, arguments):
        body = self.raw(method, arguments).body
        if body.startswith(b"--=="):
            body = split_multipart(body)[0][1]
        return answer_element(body)

    def call(self, method, arguments=""):
        return self.post(method, f"<ulSessionId>{self.session}</ulSessionId>{arguments}")

    def register(self, key, kind=1):
        answer = self.call("setSyncStatus", f"<sSourceKeyFolder>{b64(key)}</sSourceKeyFolder><ulSyncId>0</ulSyncId>"
                           f"<ulChangeId>0</ulChangeId><ulChangeType>{kind}</ulChangeType>")
        return int(answer.value("ulSyncId")), int(answer.value("er"))

    def changes(self, sync, after, kind=1, flags=0x38):
        answer = self.call("getChanges", f"<ulSyncId>{sync}</ulSyncId><ulChangeId>{after}</ulChangeId>"
                           f"<ulChangeType>{kind}</ulChangeType><ulFlags>{flags}</ulFlags>")
        entries = [(int(i.value("ulChangeId")), int(i.value("ulChangeType")) & 15)
                   for i in answer.child("sChangesArray").children]
        return entries, int(answer.value("ulMaxChangeId")), int(answer.value("er"))

    def open_table(self, folder, flags=0, kind=5, extra=""):
        columns = f"<item>{HIERARCHYID}</item><item>{SUBJECT}</item>"
        answer = self.call("tableMulti", f"<sRequest><lpOpen><sEntryId>{b64(folder['entry_id'])}</sEntryId>"
                           f"<ulTableType>1</ulTableType><ulType>{kind}</ulType><ulFlags>{flags}</ulFlags></lpOpen>"
                           f"<lpSetColumns>{columns}</lpSetColumns>{extra}</sRequest>")
        return answer.value("ulTableId")

    def rows(self, table, n):
        answer = self.call("tableQueryRows", f"<ulTableId>{table}</ulTableId><ulRowCount>{n}</ulRowCount>")
        return [row.children[1].children[1].text for row in answer.child("sRowSet").children]

    def load(self, entry_id, flags=0x80000000):
        return self.call("loadObject", f"<sEntryId>{b64(entry_id)}</sEntryId><ulFlags>{flags}</ulFlags>")


class FakeTest(unittest.TestCase):
    options = ()

    def setUp(self):
        self.fake = Fake(*self.options)
        self.addCleanup(self.fake.stop)
        self.inbox = self.fake.folder("user1", "Inbox")

    def create(self, folder="user1/Inbox", **arguments):
        return self.fake.do("create", folder=folder, **arguments)["items"]


class Journal(FakeTest):
    def test_a_newer_entry_replaces_the_older(self):
        client, item = Client(self.fake), self.create(subject="a")[0]
        sync, _ = client.register(self.inbox["key"])
        self.fake.do("change", folder="user1/Inbox", item=item["number"], subject="b")
        self.fake.do("change", folder="user1/Inbox", item=item["key"], subject="c")
        entries, last, _ = client.changes(sync, 1)
        self.assertEqual([(item["change"], 1), (item["change"] + 2, 2)], entries)
        self.assertEqual(item["change"] + 2, last)

    def test_placeholder_raises_only_the_maximum(self):
        client = Client(self.fake)
        sync, _ = client.register(self.inbox["key"])
        self.assertEqual(([], 0, 0), client.changes(sync, 0xFFFFFFFF))
        entries, last, _ = client.changes(sync, 0)
        self.assertEqual([], entries)
        self.assertGreater(last, 0)
        self.assertEqual(([], last, 0), client.changes(sync, 1))

    def test_held_operations_become_visible_late_under_their_old_ids(self):
        client = Client(self.fake)
        sync, _ = client.register(self.inbox["key"])
        self.fake.do("hold", folder="user1/Inbox")
        held = self.fake.do("create", folder="user1/Inbox", n=2, saves=1, subject="late")
        early = self.create("user1/Drafts", subject="early")[0]
        self.assertEqual(4, held["n_changes"])
        self.assertEqual(held["first_change"] + 4, early["change"])
        self.assertEqual([], client.changes(sync, 1)[0])
        self.assertEqual([], self.fake.do("list", folder="user1/Inbox")["items"])
        self.assertEqual(1, self.fake.do("release")["released"])
        first = held["first_change"]
        self.assertEqual([(first, 1), (first + 1, 2), (first + 2, 1), (first + 3, 2)], client.changes(sync, 1)[0])

    def administrator(self):
        self.fake.do("user-create", name="boss", password="x", admin=2)
        return Client(self.fake, "boss", "x")

    def test_late_commits_across_folders(self):
        root = self.administrator()
        contents, hierarchy = root.register("")[0], root.register("", kind=2)[0]
        before = self.fake.do("info")["max_change"]
        self.fake.do("hold")
        self.fake.do("folder-create", parent="user1/", name="late")
        self.fake.do("create", folder="user2/Inbox", n=2)
        self.fake.do("folder-delete", folder="user1/Drafts", hard=True)
        self.fake.do("folder-move", folder="user1/Tasks", to="user1/Notes")
        self.assertEqual(([], before, 0), root.changes(contents, before))
        self.fake.do("release", order="last")
        self.assertEqual([(before + n, action) for n, action in ((1, 1), (4, 5), (5, 2), (6, 2))],
                         root.changes(hierarchy, before, kind=2)[0])
        self.assertEqual([(before + 2, 1), (before + 3, 1)], root.changes(contents, before)[0])
        self.assertEqual(before + 6, self.fake.do("info")["max_change"])

    def test_one_command_is_late_by_the_millisecond_or_the_hour(self):
        client = Client(self.fake)
        sync, _ = client.register(self.inbox["key"])
        fast = self.fake.do("create", folder="user1/Inbox", subject="fast", late_ms=1)["first_change"]
        slow = self.fake.do("create", folder="user1/Inbox", subject="slow", late_ms=3600000)["first_change"]
        now = self.create(subject="now")[0]["change"]
        deadline = time.monotonic() + 5
        while len(client.changes(sync, 1)[0]) < 2 and time.monotonic() < deadline:
            pass
        self.assertEqual([(fast, 1), (now, 1)], client.changes(sync, 1)[0])
        self.fake.do("advance", seconds=3599)
        self.assertEqual(2, len(Client(self.fake).changes(sync, 1)[0]))
        self.fake.do("advance", seconds=2)
        while len(self.fake.do("list", folder="user1/Inbox")["items"]) < 3 and time.monotonic() < deadline:
            pass
        self.assertEqual([(fast, 1), (slow, 1), (now, 1)], Client(self.fake).changes(sync, 1)[0])

    def test_a_lag_hides_entries_from_every_reader_of_the_journal(self):
        root = self.administrator()
        contents, hierarchy, inbox = root.register("")[0], root.register("", 2)[0], root.register(self.inbox["key"])[0]
        before = self.fake.do("info")["max_change"]
        self.fake.do("lag", ms=60000)
        late = self.create(subject="late")[0]["change"]
        self.fake.do("folder-create", parent="user1/", name="late")
        self.fake.do("lag", ms=0)
        early = self.create(subject="early")[0]["change"]
        self.assertEqual(([(early, 1)], early, 0), root.changes(contents, before))
        self.assertEqual([(early, 1)], root.changes(inbox, before)[0])
        self.assertEqual([], root.changes(hierarchy, before, kind=2)[0])
        self.assertEqual(2, len(self.fake.do("list", folder="user1/Inbox")["items"]))
        self.fake.do("advance", seconds=61)
        self.assertEqual([(late, 1), (early, 1)], root.changes(contents, before)[0])
        self.assertEqual([(late + 1, 1)], root.changes(hierarchy, before, kind=2)[0])

    def test_away_for_a_year(self):
        client = Client(self.fake)
        sync, _ = client.register(self.inbox["key"])
        item = self.create(subject="x")[0]
        self.assertEqual(1, self.fake.do("advance", seconds=365 * 86400)["syncs_expired"])
        self.assertEqual(str(END_OF_SESSION), client.call("getStore").value("er"))
        client = Client(self.fake)
        self.assertEqual(NOT_FOUND, client.changes(sync, 1)[2])
        sync, _ = client.register(self.inbox["key"])
        self.assertEqual([(item["change"], 1)], client.changes(sync, 1)[0])

    def test_another_guid_changes_every_id(self):
        before = self.fake.do("info")["guid"]
        self.assertNotEqual(before, self.fake.do("new-guid")["guid"])
        inbox = self.fake.folder("user1", "Inbox")
        self.assertNotEqual(self.inbox["key"], inbox["key"])
        self.assertEqual((0, NOT_FOUND), Client(self.fake).register(self.inbox["key"]))
        self.assertEqual(0, Client(self.fake).register(inbox["key"])[1])

    def test_an_administrator_is_one_until_he_logs_on_again(self):
        root = self.administrator()
        self.fake.do("user-change", user="boss", admin=0)
        self.assertEqual(0, root.register("")[1])
        self.assertEqual(NO_ACCESS, Client(self.fake, "boss", "x").register("")[1])

    def test_marks_are_several(self):
        for name in "one", "two":
            self.fake.do("mark", name=name)
            self.create(subject=name)
        subjects = lambda: [i["subject"] for i in self.fake.do("list", folder="user1/Inbox")["items"]]
        self.fake.do("restore-mark", name="two")
        self.assertEqual(["one"], subjects())
        self.fake.do("restore-mark", name="one")
        self.assertEqual([], subjects())

    def test_held_operations_are_released_by_time(self):
        self.fake.do("hold", folder="user1/Inbox", ms=50)
        self.fake.do("create", folder="user1/Inbox", subject="late")
        self.assertEqual([], self.fake.do("list", folder="user1/Inbox")["items"])
        time.sleep(0.2)
        self.assertEqual(1, len(self.fake.do("list", folder="user1/Inbox")["items"]))

    def test_a_restart_loses_what_is_held(self):
        self.fake.do("hold", folder="user1/Inbox")
        held = self.fake.do("create", folder="user1/Inbox", subject="lost")
        self.fake.do("restart")
        item = self.create(subject="after")[0]
        self.assertEqual(held["first_change"] + 1, item["change"])
        self.assertEqual(1, len(self.fake.do("list", folder="user1/Inbox")["items"]))

    def test_a_restored_backup_takes_everything_back(self):
        client = Client(self.fake)
        self.create(subject="kept")
        sync, _ = client.register(self.inbox["key"])
        before = self.fake.do("mark")["max_change"]
        self.create(n=5, subject="gone %d")
        client.register(self.inbox["key"])
        self.fake.do("folder-delete", folder="user1/Drafts", hard=True)
        self.assertEqual(before, self.fake.do("restore-mark")["max_change"])
        self.assertEqual("2147483664", client.call("getStore").value("er"))
        client = Client(self.fake)
        self.assertEqual(before, client.changes(sync, 1)[1])
        self.assertEqual(["kept"], [i["subject"] for i in self.fake.do("list", folder="user1/Inbox")["items"]])
        self.fake.folder("user1", "Drafts")
        self.create(n=3, subject="new %d")
        self.fake.do("restore-mark")
        self.assertEqual(before, self.fake.do("info")["max_change"])

    def test_sync_ids(self):
        client = Client(self.fake)
        sync, _ = client.register(self.inbox["key"])
        self.assertEqual(COLLISION, client.changes(sync, 1, kind=2)[2])
        self.fake.do("expire-syncs", ids=[sync])
        self.assertEqual(NOT_FOUND, client.changes(sync, 1)[2])
        self.assertEqual(0x80000007, client.changes(sync, 0)[2])
        self.assertEqual((0, NO_ACCESS), client.register(""))

    def test_deleting_a_folder(self):
        root = Client(self.fake, "admin2", "x") if self.fake.do("user-create", name="admin2", password="x", admin=2) else 0
        contents, _ = root.register("")
        hierarchy, _ = root.register("", kind=2)
        self.fake.do("folder-create", parent="user1/", name="top")
        self.fake.do("folder-create", parent="user1/top", name="sub")
        self.create("user1/top/sub", n=2)
        before = self.fake.do("info")["max_change"]
        self.fake.do("folder-delete", folder="user1/top")
        self.assertEqual([(before + 1, 4), (before + 2, 4)], root.changes(hierarchy, before, kind=2)[0])
        self.assertEqual([(before + 3, 4), (before + 4, 4)], root.changes(contents, before)[0])


class Folders(FakeTest):
    """Journal entries as observed on a real server."""

    def setUp(self):
        super().setUp()
        self.names = {}
        for path in ("top", "top/a", "top/a/a1", "top/b"):
            parent, _, name = path.rpartition("/")
            self.name(path, self.fake.do("folder-create", parent=f"user1/{parent}", name=name))
        for path in ("top", "top/a", "top/a/a1", "top/b"):
            self.name(f"i-{path}", self.create(f"user1/{path}")[0])
        self.name("gone", self.create("user1/top/b")[0])
        self.fake.do("delete", folder="user1/top/b", last=1)
        self.start = self.fake.do("info")["max_change"]

    def name(self, name, thing):
        self.names[thing["key"]] = name

    def entries(self):
        found = self.fake.do("journal", after=self.start)["entries"]
        return [(e["kind"] & 15, self.names.get(e["key"], "new")) for e in found]

    def test_a_tree_is_deleted_level_by_level(self):
        for hard, action, extra in ((False, 4, []), (True, 5, [(5, "gone")])):
            self.start = self.fake.do("info")["max_change"]
            top = next(key for key, name in self.names.items() if name == "top")
            self.fake.do("folder-delete", folder=top, hard=hard)
            expected = ["top", "top/a", "top/b", "i-top", "top/a/a1", "i-top/a", "i-top/b"]
            self.assertEqual([(action, n) for n in expected] + extra + [(action, "i-top/a/a1")], self.entries())

    def test_a_purge_deletes_what_was_soft_deleted(self):
        self.fake.do("folder-delete", folder="user1/top/a")
        self.start = self.fake.do("info")["max_change"]
        self.assertEqual({"ok": True, "folders": 1, "items": 1}, self.fake.do("purge-server"))
        self.assertEqual([(5, n) for n in ("top/a", "top/a/a1", "i-top/a", "i-top/a/a1", "gone")], self.entries())

    def test_a_copy_writes_folders_with_their_items(self):
        self.fake.do("folder-copy", folder="user1/top", to="user1/Inbox")
        self.assertEqual([(1, "new"), (2, "new"), (1, "new")] * 4, self.entries())

    def test_another_store_gets_a_copy(self):
        self.fake.do("folder-move", folder="user1/top/b", to="user2/Inbox")
        self.assertEqual([(1, "new"), (2, "new"), (1, "new"), (4, "top/b"), (4, "i-top/b")], self.entries())

    def test_search_folders_are_in_no_journal(self):
        self.fake.do("folder-create", parent="user1/~root", name="search", type=2)
        self.fake.do("folder-change", folder="user1/~root/search", name="renamed")
        self.fake.do("folder-delete", folder="user1/~root/renamed", hard=True)
        self.assertEqual([], self.entries())


class Tables(FakeTest):
    def test_the_cursor_is_a_row(self):
        items = self.create(n=8, subject="t%d")
        client = Client(self.fake)
        table = client.open_table(self.inbox)
        self.assertEqual(["t8", "t7", "t6"], client.rows(table, 3))
        self.fake.do("delete", folder="user1/Inbox", item=items[7]["number"])
        self.create(subject="new")
        self.assertEqual(["t5", "t4"], client.rows(table, 2))

    def test_nine_at_once_do_not_reload_ten_do(self):
        for n, expected in ((9, ["t3", "t2"]), (10, ["x10", "x9"])):
            with self.subTest(n=n):
                self.fake.do("delete", folder="user1/Inbox", all=True, hard=True)
                self.create(n=6, subject="t%d")
                client = Client(self.fake)
                table = client.open_table(self.inbox)
                self.assertEqual(["t6", "t5", "t4"], client.rows(table, 3))
                self.create(n=n, subject="x%d")
                self.assertEqual(expected, client.rows(table, 2))

    def test_ascending_rows_are_appended_but_not_seen_from_the_end(self):
        self.create(n=3, subject="t%d")
        client = Client(self.fake)
        sort = (f"<lpSort><sSortOrder><item><ulPropTag>{HIERARCHYID}</ulPropTag><ulOrder>0</ulOrder></item></sSortOrder>"
                "</lpSort>")
        table = client.open_table(self.inbox, extra=sort)
        self.assertEqual(["t1", "t2"], client.rows(table, 2))
        self.create(subject="t4")
        self.assertEqual(["t3", "t4"], client.rows(table, 10))
        self.create(subject="t5")
        self.assertEqual([], client.rows(table, 10))

    def test_deleting_the_next_row_skips_none(self):
        client = Client(self.fake)
        for read in range(3, 9):
            self.create(n=10, subject="t%d")
            table = client.open_table(self.inbox)
            seen = client.rows(table, read)
            self.fake.do("delete", folder="user1/Inbox", where={"subject": f"t{10 - read}"}, hard=True)
            seen += client.rows(table, 20)
            self.assertEqual({f"t{n}" for n in range(1, 11) if n != 10 - read}, set(seen))
            self.fake.do("delete", folder="user1/Inbox", all=True, hard=True)

    def test_sort_by_subject_follows_changes(self):
        items = self.create(n=4, subject="s%d")
        client = Client(self.fake)
        sort = (f"<lpSort><sSortOrder><item><ulPropTag>{SUBJECT}</ulPropTag><ulOrder>0</ulOrder></item></sSortOrder>"
                "</lpSort>")
        table = client.open_table(self.inbox, extra=sort)
        self.fake.do("change", folder="user1/Inbox", item=items[0]["number"], subject="z")
        self.assertEqual(["s2", "s3", "s4", "z"], client.rows(table, 10))

    def test_an_unreadable_folder_lists_as_empty_and_an_open_table_goes_on(self):
        self.create(n=3, subject="t%d")
        self.fake.do("right", folder="user1/Inbox", user="user2", rights="read visible")
        client = Client(self.fake, "user2", "pass2")
        old = client.open_table(self.inbox)
        self.fake.do("right", folder="user1/Inbox", user="user2", rights="visible")
        self.assertEqual([], client.rows(client.open_table(self.inbox), 10))
        self.assertEqual(["t3", "t2", "t1"], client.rows(old, 10))
        self.assertEqual((0, NO_ACCESS), client.register(self.inbox["key"]))

    def test_tables_belong_to_their_session(self):
        client = Client(self.fake)
        table = client.open_table(self.inbox)
        answer = Client(self.fake).call("tableQueryRows", f"<ulTableId>{table}</ulTableId><ulRowCount>1</ulRowCount>")
        self.assertEqual(str(NOT_FOUND), answer.value("er"))

    def test_restriction_by_or_of_source_keys(self):
        items = self.create(n=5, subject="t%d")
        one = ("<item><ulType>4</ulType><lpProp><ulType>4</ulType><ulPropTag>1709179138</ulPropTag><lpProp>"
               "<ulPropTag>1709179138</ulPropTag><bin>{}</bin></lpProp></lpProp></item>")
        parts = "".join(one.format(b64(items[n]["key"])) for n in (1, 3))
        table = Client(self.fake)
        number = table.open_table(self.inbox, extra=f"<lpRestrict><ulType>1</ulType><lpOr>{parts}</lpOr></lpRestrict>")
        self.assertEqual(["t4", "t2"], table.rows(number, 10))


class Reading(FakeTest):
    def test_a_big_value_is_whole_only_after_an_uncut_read(self):
        item = self.create(subject="big", body="B" * 40000)[0]
        client = Client(self.fake)

        def bodies():
            props = client.load(item["entry_id"]).child("sSaveObject").child("modProps").children
            return [len(p.children[1].text) for p in props if p.value("ulPropTag") == str(BODY)]

        self.assertEqual([], bodies())
        client.rows(client.open_table(self.inbox, flags=0x40000000), 10)
        self.assertEqual([40000], bodies())
        self.fake.do("uncache")
        self.assertEqual([], bodies())

    def test_a_refused_item(self):
        item = self.create(subject="x")[0]
        client = Client(self.fake)
        for error, code in (("NOT_FOUND", NOT_FOUND), ("NO_ACCESS", NO_ACCESS), (0, 0)):
            self.fake.do("refuse", folder="user1/Inbox", item=item["number"], error=error)
            self.assertEqual(str(code), client.load(item["entry_id"]).value("er"))

    def test_a_moved_item_keeps_its_number_only(self):
        item = self.create(subject="x")[0]
        moved = self.fake.do("move", folder="user1/Inbox", item=item["number"], to="user1/Drafts")["items"][0]
        self.assertEqual(item["number"], moved["number"])
        self.assertNotEqual(item["key"], moved["key"])
        client = Client(self.fake)
        self.assertEqual(str(NOT_FOUND), client.load(item["entry_id"]).value("er"))
        self.assertEqual("0", client.load(moved["entry_id"]).value("er"))

    def test_soft_deleted_and_restored(self):
        item = self.create(subject="x")[0]
        self.fake.do("delete", folder="user1/Inbox", all=True)
        client = Client(self.fake)
        self.assertEqual(str(NOT_FOUND), client.load(item["entry_id"]).value("er"))
        self.assertEqual("0", client.load(item["entry_id"], 0x80000400).value("er"))
        restored = self.fake.do("restore", folder="user1/Inbox", all=True)["items"][0]
        self.assertEqual(item["number"], restored["number"])
        self.assertEqual("0", client.load(restored["entry_id"]).value("er"))

    def test_a_stream_may_be_left_after_its_xml(self):
        item = self.create(subject="x", body="B" * 3000000)[0]
        client = Client(self.fake)
        connection = Connection(self.fake.port)
        arguments = (f"<ulSessionId>{client.session}</ulSessionId><sPropTags><item>{SUBJECT}</item></sPropTags><param-1>"
                     f"<item><sParentKey>{b64(self.inbox['key'])}</sParentKey><sObjectKey>{b64(item['key'])}</sObjectKey>"
                     "</item></param-1>")
        body = ENVELOPE.format("exportMessageChangesAsStream", arguments).encode()
        connection.socket.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        seen = b""
        while b"</SOAP-ENV:Envelope>" not in seen:
            seen += connection.stream.read1(4096)
        connection.close()
        self.assertEqual("0", client.call("getStore").value("er"))


class Sessions(FakeTest):
    options = ("--socket", os.path.join(tempfile.gettempdir(), f"fakekopano-test-{os.getpid()}.sock"))

    def test_everybody_is_trusted_on_the_socket(self):
        client = Client(self.fake, "SYSTEM", "", path=self.fake.ready["socket"])
        self.assertEqual("2", client.call("getUser").child("lpsUser").value("ulUserId"))
        self.assertEqual("0", client.call("resolveUserStore", "<szUserName>user2</szUserName>").value("er"))

    def test_a_session_belongs_to_its_peer(self):
        client = Client(self.fake, "SYSTEM", "", path=self.fake.ready["socket"])
        client.path = None
        self.assertEqual(str(END_OF_SESSION), client.call("getStore").value("er"))

    def test_expired(self):
        client = Client(self.fake)
        self.fake.do("expire-sessions")
        self.assertEqual(str(END_OF_SESSION), client.call("getStore").value("er"))


class Stores(FakeTest):
    def test_a_detached_store(self):
        client = Client(self.fake, "admin1", "adminpass")
        self.fake.do("store-detach", store="user2")
        self.assertEqual(str(NOT_FOUND), client.call("resolveUserStore", "<szUserName>user2</szUserName>").value("er"))
        self.fake.do("store-attach", store="user2")
        self.assertEqual("0", client.call("resolveUserStore", "<szUserName>user2</szUserName>").value("er"))

    def test_a_removed_store_leaves_no_trace_but_its_folders_until_it_is_purged(self):
        client = Client(self.fake, "admin1", "adminpass")
        inbox, item = self.fake.folder("user2", "Inbox"), self.create("user2/Inbox", subject="x")[0]
        sync, _ = client.register(inbox["key"])
        before = self.fake.do("info")
        self.fake.do("store-remove", store="user2")
        self.assertEqual(before["max_change"], self.fake.do("info")["max_change"])
        self.assertEqual(([(item["change"], 1)], item["change"], 0), client.changes(sync, 1))
        self.assertEqual("0", client.load(item["entry_id"]).value("er"))
        self.fake.do("store-remove", store=inbox["store"], purge=True)
        self.assertEqual(NOT_FOUND, client.changes(sync, 1)[2])
        self.assertLess(self.fake.do("info")["folders"], before["folders"])

    def test_address_book(self):
        client = Client(self.fake)
        entries, last, _ = client.changes(0, 0, kind=3)
        self.assertEqual([1] * 3, [action for _, action in entries])
        self.assertEqual(([], 0, 0), client.changes(0, last, kind=3))
        self.fake.do("user-create", name="new", full_name="New")
        self.fake.do("group-create", name="all", members=["user1", "new"])
        self.fake.do("user-change", user="new", full_name="Newer")
        self.fake.do("user-delete", user="new")
        entries, last, _ = client.changes(0, last, kind=3)
        self.assertEqual([1, 1, 2, 5], [action for _, action in entries])


class Bulk(FakeTest):
    options = ("--stores", "5", "--folders", "24", "--items", "100", "--groups", "2")

    def test_a_backlog_is_spread_over_the_folders(self):
        before = self.fake.do("info")["max_change"]
        for kind, n, actions in (("read", 300, {3}), ("delete", 100, {4, 5}), ("create", 150, {1})):
            self.assertEqual(n, self.fake.do("backlog", n=n, kind=kind)["n"])
            entries = self.fake.do("journal", after=before)["entries"]
            self.assertEqual((n, actions), (len(entries), {e["kind"] & 15 for e in entries}))
            self.assertGreater(sum(a["parent"] != b["parent"] for a, b in zip(entries, entries[1:])), n * 0.9)
            before = self.fake.do("info")["max_change"]
        self.assertEqual(0, self.fake.do("backlog", n=10, kind="none").get("n", 0))

    def test_generated_groups(self):
        answer = Client(self.fake).call("getGroupList")
        self.assertEqual(["Everyone", "team1", "team2"], [g.value("lpszGroupname") for g in answer.child("sGroupArray").children])

    def happen(self, seed):
        fake = Fake()
        try:
            fake.do("lively", per_second=1000, changes=1000, seed=seed)
            deadline = time.monotonic() + 10
            while fake.do("stats")["lively"] < 1000 and time.monotonic() < deadline:
                pass
            return [(e["kind"], e["flags"], e["key"][32:]) for e in fake.do("journal", after=0)["entries"]]
        finally:
            fake.stop()

    def test_a_lively_mailbox_is_the_same_for_the_same_seed(self):
        first = self.happen(7)
        self.assertEqual({1, 2, 4}, {kind & 15 for kind, _, _ in first if kind & 0x2000})
        self.assertEqual({1, 2, 3, 4, 5}, {kind & 15 for kind, _, _ in first if kind & 0x1000})
        self.assertEqual(first, self.happen(7))
        self.assertNotEqual(first, self.happen(8))

    def test_a_lively_mailbox_ends(self):
        self.fake.do("lively", user="user2", per_second=200, seconds=1)
        deadline, last = time.monotonic() + 10, -1
        while self.fake.do("stats")["lively"] == 0 and time.monotonic() < deadline:
            pass
        self.fake.do("advance", seconds=2)
        while (n := self.fake.do("stats")["lively"]) != last and time.monotonic() < deadline:
            last = n
            time.sleep(0.05)
        self.assertGreater(last, 0)
        self.assertLess(last, 210)


class Faults(FakeTest):
    def body(self, client):
        return client.raw("getStore", f"<ulSessionId>{client.session}</ulSessionId>").body

    def test_drop(self):
        client = Client(self.fake)
        for n in (0, 100):
            self.fake.do("fault", kind="drop", method="getStore", n=n)
            with self.assertRaises((ConnectionError, ValueError, IndexError)):
                if len(self.body(client)) < 500:
                    raise ConnectionError
            self.assertEqual("0", client.call("getStore").value("er"))

    def test_only_the_method_and_only_so_often(self):
        client = Client(self.fake)
        self.fake.do("fault", kind="error", method="getStore", n=NOT_FOUND, times=2, after=1)
        self.assertEqual("0", client.call("getUser").value("er"))
        seen = [client.call("getStore").value("er") for _ in range(4)]
        self.assertEqual(["0", str(NOT_FOUND), str(NOT_FOUND), "0"], seen)

    def test_spoilt_bodies(self):
        client = Client(self.fake)
        self.fake.do("fault", kind="truncate", n=700)
        self.assertEqual(700, len(self.body(client)))
        self.fake.do("fault", kind="garbage", n=50)
        self.assertEqual(50, len(self.body(client)))
        self.fake.do("fault", kind="oversize", n=1000000)
        self.assertGreater(len(self.body(client)), 1000000)
        self.fake.do("fault", kind="http", n=503)
        self.assertIn("503", client.raw("getStore", "").status)

    def test_slow_and_drip(self):
        client = Client(self.fake)
        for arguments in ({"kind": "slow", "n": 200}, {"kind": "drip", "n": 300}):
            self.fake.do("fault", **arguments)
            start = time.monotonic()
            self.body(client)
            self.assertGreater(time.monotonic() - start, 0.15)

    def test_never_until_cleared(self):
        client = Client(self.fake)
        self.fake.do("fault", kind="never", method="getStore")
        connection = Connection(self.fake.port)
        body = ENVELOPE.format("getStore", f"<ulSessionId>{client.session}</ulSessionId>").encode()
        connection.socket.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        connection.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            connection.socket.recv(1)
        self.fake.do("clear-faults")
        connection.socket.settimeout(5)
        self.assertEqual(b"", connection.socket.recv(1))
        connection.close()

    def test_restart(self):
        client = Client(self.fake)
        connection = Connection(self.fake.port)
        connection.post(ENVELOPE.format("logoff", "<ulSessionId>1</ulSessionId>").encode())
        self.fake.do("restart")
        self.assertEqual(b"", connection.socket.recv(1))
        connection.close()
        self.assertEqual(str(END_OF_SESSION), client.call("getStore").value("er"))

    def test_wrong_commands(self):
        for line in (b"", b"{", b"[]", b'"x"', b'{"do":1}', b'{"do":"create"}', b'{"do":"create","folder":"nobody/x"}',
                     b'{"do":"create","folder":"user1/Inbox","props":{"0x0037001F":1}}',
                     b'{"do":"move","folder":"user1/Inbox","to":"user1/None","all":true}',
                     b'{"do":"folder-move","folder":"user1/Inbox","to":"user1/Inbox"}', b"{" * 100):
            answer = Connection(self.fake.port).post(line, "/control").body
            self.assertIn(b"error" if line else b"", answer, line)

    def test_stats(self):
        client = Client(self.fake)
        client.rows(client.open_table(self.inbox), 5)
        stats = self.fake.do("stats", reset=True)
        self.assertEqual((1, 1, 1), (stats["calls"]["logon"], stats["sessions"], stats["tables"]))
        self.assertEqual({}, self.fake.do("stats")["calls"])

    def test_it_stops_at_once(self):
        fake = Fake()
        Client(fake)
        start = time.monotonic()
        self.assertEqual(0, fake.stop())
        self.assertLess(time.monotonic() - start, 2)


if __name__ == "__main__":
    if "--server" in sys.argv:
        SERVER = sys.argv.pop(sys.argv.index("--server") + 1)
        sys.argv.remove("--server")
    unittest.main()
