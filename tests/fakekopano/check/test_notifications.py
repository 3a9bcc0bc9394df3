#!/usr/bin/python3
"""Notifications: what no recording shows, as observed on a real server; and what tests can make of polls."""

import base64
import concurrent.futures
import time
import unittest

from test_control import END_OF_SESSION, NO_ACCESS, NOT_FOUND, Client, FakeTest, b64


class Waiting:
    """A call in a thread of its own."""

    def __init__(self, call):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.future = self.pool.submit(call)
        self.pool.shutdown(wait=False)

    def result(self):
        return self.future.result(10)


class Notifications(FakeTest):
    ALL, COUNTERS = 0x7007C, 0x7E

    def setUp(self):
        super().setUp()
        self.client = self.log_on()
        self.sub = self.fake.do("folder-create", parent="user1/Inbox", name="sub")
        self.names = {self.inbox["entry_id"]: "inbox", self.sub["entry_id"]: "sub"}

    def log_on(self, group=77, user="user1"):
        return Client(self.fake, user, user.replace("user", "pass"), group=group)

    def subscribe(self, connection, key, mask, client=None, sync=0, change=0):
        item = (f"<ulConnection>{connection}</ulConnection><sKey>{b64(key)}</sKey><ulEventMask>{mask}</ulEventMask>"
                f"<sSyncState><ulSyncId>{sync}</ulSyncId><ulChangeId>{change}</ulChangeId></sSyncState>")
        answer = (client or self.client).call("notifySubscribe", f"<notifySubscribe>{item}</notifySubscribe>")
        return int(answer.value("result"))

    def store(self, client=None):
        return base64.b64decode((client or self.client).call("getStore").value("sStoreId")).hex()

    def polled(self, client=None):
        """[(connection, type, object's name)]; the error where there is one."""
        answer = (client or self.client).call("notifyGetItems")
        if answer.value("er") != "0":
            return int(answer.value("er"))
        items = []
        for item in answer.child("pNotificationArray").children:
            what = item.children[2]
            name = "entry" if what.name == "ics" else base64.b64decode(what.value("pEntryId")).hex()
            items.append((int(item.value("ulConnection")), int(item.value("ulEventType")) & 0xFF, self.names.get(name, name)))
        return items

    def test_who_is_told_of_what(self):
        self.subscribe(20, self.store(), self.COUNTERS)
        self.subscribe(10, self.store(), self.ALL)
        self.subscribe(5, self.inbox["entry_id"], self.ALL)
        self.subscribe(4, self.inbox["entry_id"], self.ALL & ~0x10000)
        self.subscribe(3, self.inbox["entry_id"], self.COUNTERS)
        item = self.create(subject="x")[0]["entry_id"]
        self.assertEqual([(5, 4, item), (10, 4, item), (20, 4, item), (3, 16, "inbox"), (20, 16, "inbox")], self.polled())
        self.fake.do("folder-change", folder=self.sub["key"], name="new")
        self.assertEqual([(10, 16, "sub"), (20, 16, "sub")], self.polled())
        self.fake.do("folder-change", folder=self.inbox["key"], name="new")
        self.assertEqual([(n, 16, "inbox") for n in (3, 4, 5, 10, 20)], self.polled())
        moved = self.fake.do("move", folder=self.inbox["key"], all=True, to=self.sub["key"])["items"][0]["entry_id"]
        self.assertEqual([(5, 32, moved), (10, 32, moved), (20, 32, moved), (3, 16, "inbox"), (20, 16, "inbox"),
                          (20, 16, "sub")], self.polled())

    def test_a_deleted_tree_is_told_of_in_full_when_soft_and_by_its_top_when_hard(self):
        item = self.create(self.sub["key"])[0]["entry_id"]
        self.subscribe(10, self.store(), self.ALL)
        self.fake.do("folder-delete", folder=self.inbox["key"])
        self.assertEqual([(10, 8, "inbox"), (10, 8, "sub"), (10, 8, item)], self.polled())
        self.fake.do("folder-delete", folder=self.inbox["key"], hard=True)
        self.assertEqual([(10, 8, "inbox")], self.polled())

    def test_journal_subscriptions(self):
        sync, _ = self.client.register(self.inbox["key"])
        last = self.create(saves=1)[0]["change"]
        self.assertEqual(0, self.subscribe(7, "", 0x80000001, sync=sync, change=last - 1))
        self.assertEqual([(7, 1, "entry")], self.polled())
        other = self.log_on()
        self.create(saves=1)
        self.assertEqual([(7, 1, "entry")] * 2, self.polled(other))
        self.client.call("logoff")
        self.create()
        self.assertEqual([(7, 1, "entry")], self.polled(other))

    def test_several_subscriptions_are_all_or_nothing(self):
        item = ("<item><ulConnection>{}</ulConnection><sKey>{}</sKey><ulEventMask>127</ulEventMask></item>")
        array = item.format(1, b64(self.store())) + item.format(2, b64("00" * 48))
        answer = self.client.call("notifySubscribeMulti", f"<notifySubscribeArray>{array}</notifySubscribeArray>")
        self.assertEqual(str(NOT_FOUND), answer.value("result"))
        self.assertEqual(0, self.fake.do("stats")["subscriptions"])

    def test_rights(self):
        other = self.log_on(user="user2")
        self.assertEqual(0, self.subscribe(1, self.store(), self.ALL, other))
        self.assertEqual(NO_ACCESS, self.subscribe(2, self.inbox["entry_id"], self.ALL, other))

    def test_without_a_group_nothing_comes(self):
        alone = self.log_on(group=0)
        self.fake.do("poll", idle_ms=1)
        self.assertEqual(0, self.subscribe(1, self.store(), self.ALL, alone))
        self.create()
        self.assertEqual([], self.polled(alone))

    def test_idle_polls(self):
        self.fake.do("poll", idle="close", idle_ms=1)
        with self.assertRaises(ConnectionError):
            self.polled()
        self.fake.do("poll", idle="never", idle_ms=1)
        waiting = Waiting(self.polled)
        self.fake.do("poll", idle="answer", idle_ms=60000)
        self.fake.do("advance", seconds=61)
        self.assertEqual([], waiting.result())

    def wait_for_polls(self, n):
        deadline = time.monotonic() + 5
        while self.fake.do("stats")["polls"] != n and time.monotonic() < deadline:
            pass

    def test_a_second_poll_replaces_the_first(self):
        first = Waiting(self.polled)
        self.wait_for_polls(1)
        second = Waiting(self.polled)
        self.assertEqual(NOT_FOUND, first.result())
        self.client.call("logoff")
        self.assertEqual(END_OF_SESSION, second.result())

    def test_a_restart_ends_subscriptions_and_polls_but_not_sync_ids(self):
        sync, _ = self.client.register(self.inbox["key"])
        self.subscribe(1, self.store(), self.ALL)
        waiting = Waiting(self.polled)
        self.wait_for_polls(1)
        self.fake.do("restart")
        with self.assertRaises(ConnectionError):
            waiting.result()
        self.assertEqual(END_OF_SESSION, self.polled())
        self.assertEqual(0, self.fake.do("stats")["subscriptions"])
        self.assertEqual(0, self.log_on().changes(sync, 1)[2])

    def test_a_burst(self):
        self.subscribe(1, self.store(), self.ALL)
        for n in range(2, 2002):
            self.subscribe(n, self.sub["entry_id"], self.ALL)
        self.fake.do("create", folder="user1/Inbox", n=10000)
        self.assertEqual(10000, len(self.polled()))


if __name__ == "__main__":
    unittest.main()
