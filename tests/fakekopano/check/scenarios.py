"""What happened on the recorded server, in the order of its recordings: the writes between the exchanges.

A scenario is a generator that yields (folder of recordings, number of the exchange before which to stop), and makes
its writes in between. bind_* tell the checker which recorded object a new one stands for, where an exchange names it
before any answer did.
"""

LAST = 10**6  # go on to the last exchange


def no_writes(folder):
    def scenario(run):
        yield folder, LAST

    return scenario


def logon(run):
    """Its store was changed a second after its creation."""
    run.do("store-change", store="user1", created=10**9, modified=10**9 + 1)
    yield "01-logon-tcp-password", LAST


def folder_sync(run):
    """One folder through all its states."""
    state = "10-folder-sync-tcp-00-state"
    second = run.recorded_object(state, 2, "kctest-a")["time"]
    for name, at in (("kctest-a", (state, 2)), ("kctest-b", ("10-folder-sync-tcp-01b-initial-minimal-importer", 14))):
        folder = run.do("folder-create", parent="user1/", name=name, time=second)
        run.bind_object(run.recorded_object(*at, name), folder)
    for n in range(3):
        run.do("create", folder="user1/kctest-a", subject=f"Initial {n}", body=f"Body text {n} <&> é中", flags=9, saves=2,
               cached=True, time=second)
    yield state, LAST
    yield "10-folder-sync-tcp-01-initial", LAST
    yield "10-folder-sync-tcp-01b-initial-minimal-importer", LAST
    yield "10-folder-sync-tcp-02-nochange", LAST
    run.do("create", folder="user1/kctest-a", subject="Created later", body="new body", flags=9, saves=2, cached=True,
           time=second + 1)
    yield "10-folder-sync-tcp-03-create", LAST
    run.do("change", folder="user1/kctest-a", where={"subject": "Initial 0"}, subject="Changed subject", cached=True,
           time=second + 1)
    yield "10-folder-sync-tcp-04-update", LAST
    run.do("unread", folder="user1/kctest-a", where={"subject": "Changed subject"})
    yield "10-folder-sync-tcp-05-read", LAST
    run.do("delete", folder="user1/kctest-a", where={"subject": "Initial 1"})
    yield "10-folder-sync-tcp-06-softdelete", LAST
    run.do("delete", folder="user1/kctest-a", where={"subject": "Initial 2"}, hard=True)
    yield "10-folder-sync-tcp-07-harddelete", LAST
    run.do("move", folder="user1/kctest-a", where={"subject": "Changed subject"}, to="user1/kctest-b")
    yield "10-folder-sync-tcp-08-move-source", LAST
    yield "10-folder-sync-tcp-09-move-target", LAST
    yield "10-folder-sync-tcp-10-bad-syncid", LAST
    run.do("folder-delete", folder="user1/kctest-a", hard=True)
    yield "10-folder-sync-tcp-11-folder-gone", LAST


def content(run):
    """Items with text, attachment, recipients, in a subtree that has had other folders before."""
    here = "12-folder-sync-tcp-content"
    run.do("store-change", store="user1", modified=10**9 + 1)
    second = run.recorded_object(here, 30, "kctest-c")["time"]
    for n in range(6):
        run.do("folder-create", parent="user1/", name=f"gone {n}")
        run.do("folder-delete", folder=f"user1/gone {n}")
        run.do("folder-create", parent="user1/", name=f"other {n}")
    run.do("folder-create", parent="user1/", name="kctest-c", time=second)
    where = {"folder": "user1/kctest-c", "flags": 9, "cached": True, "time": second}
    run.do("create", **where, subject="rich é中😀", body="plain € text\r\nline2", saves=4,
           recipients=[{"name": "User Two", "address": "user2@example.com"}],
           attachments=[{"name": "a.txt", "data": b"attached bytes".hex()}])
    run.do("create", **where, subject="big body", body="x" * 20000, saves=2)
    run.do("create", **where, subject="html", body="h", saves=2,
           props={"0x10130102": b"<html><body>h</body></html>".hex()})
    yield here, LAST


def contents_table(run):
    """A contents table as a listing, while rows come and go."""
    here = "71-contents-table-tcp-user1"
    for name in ("perf-10k", "kctest-idle", "kctest-b", "kctest-s", "kctest-n2", "kctest-c", "kctest-n", "kctest-to",
                 "kctest-gz", "kctest-rs", "kctest-m", "kctest-rs2", "haz-2", "haz-4", "haz-0", "haz-one", "folder-u",
                 "folder-t"):
        run.do("folder-create", parent="user1/", name=name)
    where = {"folder": "user1/folder-t"}
    run.do("create", **where, n=11, subject="t%d", saves=1, **{"from": 0})
    run.do("create", **where, n=13, subject="t%d", saves=1, **{"from": 11})
    yield here, 6
    run.do("create", **where, subject="new", saves=1)
    run.do("delete", **where, where={"subject": "t23"}, hard=True)
    run.do("delete", **where, first=11, hard=True)
    yield here, 18
    run.do("create", **where, subject="hidden", associated=True, saves=1)
    run.do("delete", **where, where={"subject": "t15"})
    yield here, LAST


def missing_items(run):
    """A stream of items that are there, gone, deleted, unreadable, and by wrong parents."""
    here = "72-export-missing-items-tcp-user1"
    where = {"folder": "user1/missing", "flags": 9, "saves": 1, "time": run.stream_time(here, 3)}
    folder = run.do("folder-create", parent="user1/", name="missing")
    run.bind_key(0x55D3, folder)
    items = run.do("create", **where, n=6, subject="x0%d", **{"from": 0})["items"]
    items += run.do("create", **where, subject="L" * 300 + "é" * 10)["items"]
    items += run.do("create", **where, subject="é" * 250)["items"]
    items += run.do("create", **where, subject="a\x01b & <c>\x1f\x0b\r\n\ttab")["items"]
    items += run.do("create", **where, n=3, subject="soft")["items"]
    for n, item in enumerate(items):
        run.bind_key(0x55D4 + n, item)
    run.bind_bytes(run.recorded_bytes(here, 14, "sObjectKey"), items[2]["entry_id"])
    run.do("delete", folder="user1/missing", item=items[10]["number"], hard=True)
    run.do("delete", folder="user1/missing", item=items[11]["number"])
    run.bind_key(0x55E0, run.do("folder-create", parent="user2/", name="private"))
    run.bind_key(0x55E1, run.do("create", folder="user2/private", subject="private")["items"][0])
    yield here, LAST


def long_values(run):
    """Control characters, and values of more than 32 KiB that are not in the server's memory."""
    here = "73-control-characters-and-long-values-tcp-user1"
    time = run.recorded_object(here, 4, None)["time"]
    where = {"folder": "user1/long", "flags": 9, "saves": 1, "time": time}
    folder = run.do("folder-create", parent="user1/", name="long")
    run.bind_bytes(run.recorded_bytes(here, 2, "sEntryId"), folder["entry_id"])
    items = [run.do("create", **where, subject="a\x01b & <c>\x1f\x0b\r\n\ttab")["items"][0],
             run.do("create", **where, subject="S" * 100000, body="B" * 33000 + "\x02end")["items"][0]]
    for exchange, item in zip((4, 5), items):
        run.bind_object(run.recorded_object(here, exchange, None), item)
    yield here, LAST


def hierarchy(run):
    """Folders are created, renamed, moved and deleted."""
    here = "20-hierarchy-sync-01-initial"
    for name in ("kctest-s", "kctest-n2", "kctest-c", "kctest-n", "perf-10k", "kctest-idle", "kctest-b", "kctest-h"):
        run.do("folder-create", parent="user1/", name=name)
    run.do("folder-create", parent="user1/kctest-h", name="one")
    inbox = next(f for f in run.do("folders", store="user1")["folders"] if f["name"] == "Inbox")
    run.bind_object(run.recorded_object(here, 5, "Inbox"), inbox)
    subtree = next(f for f in run.do("folders", store="user1")["folders"] if f["name"] == "IPM_SUBTREE")
    run.bind_bytes(run.recorded_bytes(here, 1, "sSourceKeyFolder"), subtree["key"])
    run.bind_bytes(run.recorded_bytes(here, 3, "sStoreId"), run.store_id("user1"))
    yield here, 3
    # What follows reads every folder of a store that had been in use for long, up to the last exchange.
    run.skip(here, run.last(here) - 1)
    yield here, LAST
    yield "20-hierarchy-sync-02-nochange", LAST
    second = run.recorded_object("20-hierarchy-sync-03-create", 4, "two")["time"]
    run.do("folder-create", parent="user1/kctest-h", name="two", time=second)
    yield "20-hierarchy-sync-03-create", LAST
    run.do("folder-change", folder="user1/kctest-h/two", name="two renamed", time=second)
    yield "20-hierarchy-sync-04-rename", LAST
    run.do("folder-move", folder="user1/kctest-h/two renamed", to="user1/kctest-h/one")
    yield "20-hierarchy-sync-05-move", LAST
    run.do("folder-delete", folder="user1/kctest-h")
    yield "20-hierarchy-sync-06-softdelete", 3
    run.do("folder-create", parent="user1/", name="kctest-h2", time=second)
    yield "20-hierarchy-sync-06-softdelete", LAST
    run.do("folder-delete", folder="user1/kctest-h2", hard=True)
    yield "20-hierarchy-sync-07-harddelete", LAST


def whole_server(run):
    """Items of several stores, followed by SYSTEM over the unix socket."""
    here = "30-server-sync-unix-system-02-create"
    run.do("store-change", store="user1", created=10**9, modified=10**9 + 1)
    run.do("store-change", store="user2", created=10**9 + 1, modified=10**9 + 1)
    second = run.recorded_object(here, 13, "kctest-s")["time"]
    folder = run.do("folder-create", parent="user1/", name="kctest-s", time=second)
    run.bind_object(run.recorded_object(here, 13, "kctest-s"), folder)
    run.log_on_as("user1", "pass1")
    yield "30-server-sync-unix-system-00-state", LAST
    yield "30-server-sync-unix-system-01-nochange", LAST
    where = {"flags": 9, "cached": True, "time": second}
    run.do("create", folder="user1/kctest-s", subject="srv1", body="b", saves=2, **where)
    run.do("create", folder="user2/Inbox", subject="srv2", saves=1, **where)
    yield here, LAST
    run.do("change", folder="user1/kctest-s", all=True, subject="srv1-mod", cached=True, time=second)
    yield "30-server-sync-unix-system-03-update", LAST
    run.do("unread", folder="user1/kctest-s", all=True)
    yield "30-server-sync-unix-system-04-read", LAST
    run.do("move", folder="user1/kctest-s", all=True, to="user1/Inbox")
    yield "30-server-sync-unix-system-05-move", 7  # which reads an inbox with other items
    run.skip("30-server-sync-unix-system-05-move", 7)
    yield "30-server-sync-unix-system-05-move", LAST
    run.do("delete", folder="user2/Inbox", all=True, hard=True)
    yield "30-server-sync-unix-system-06-harddelete", LAST
    yield "30-server-sync-unix-system-07-zero-state-error", LAST


def refused(run):
    """A user asks for the whole server."""
    run.do("store-change", store="user1", modified=10**9 + 1)
    yield "31-server-sync-nonadmin-tcp-user1", LAST


def address_book(run):
    """Users come and go."""
    run.do("user-delete", user="admin1")
    run.do("store-change", store="user1", modified=10**9 + 1)
    yield "40-gab-sync-01-initial", LAST
    yield "40-gab-sync-02-nochange", LAST
    run.do("user-create", name="tmpg", full_name="Tmp G")
    yield "40-gab-sync-03-user-created", LAST
    run.do("user-delete", user="tmpg")
    yield "40-gab-sync-04-user-removed", LAST
    yield "41-gab-sync-tcp-user1-initial", LAST


def subscribed_folders(run, here, **loads):
    """The folders of these loadObject exchanges, in a subtree that has had others before."""
    run.do("store-change", store="user1", created=10**9, modified=10**9 + 1)
    for n in range(6):
        run.do("folder-create", parent="user1/", name=f"gone {n}")
        run.do("folder-delete", folder=f"user1/gone {n}")
    for n in range(7 - len(loads)):
        run.do("folder-create", parent="user1/", name=f"other {n}")
    for name, exchange in loads.items():
        there = run.recorded_object(here, exchange, name.replace("_", "-"))
        run.bind_object(there, run.do("folder-create", parent="user1/", name=name.replace("_", "-"), time=there["time"]))


def new_item(run, here, exchange, subject):
    """As the recorded client read it in that exchange: what its later saves add comes with the first of them."""
    run.do("create", folder="user1/kctest-n", subject=subject, flags=9, cached=True,
           time=run.recorded_object(here, exchange, None)["time"])


def item_events(run, here, created, loaded, changed, unread, moved, others):
    """The exchanges before which each happens; others are (created, loaded, deleted)."""
    source = "user1/kctest-n"
    yield here, created
    new_item(run, here, loaded, "ev1")
    yield here, loaded + 2  # the client read the item before it was saved again, and the folder after that
    time = run.recorded_object(here, loaded, None)["time"]
    run.do("change", folder=source, last=1, saves=2, body="b", cached=True, time=time)
    yield here, changed
    run.do("change", folder=source, last=1, subject="ev1-mod", time=time)
    yield here, unread
    run.do("unread", folder=source, last=1)
    yield here, moved
    run.do("move", folder=source, last=1, to="user1/kctest-n2")
    for n, (created, loaded, deleted) in enumerate(others):
        yield here, created
        new_item(run, here, loaded, f"ev{n + 2}")
        run.do("change", folder=source, last=1, time=run.recorded_object(here, loaded, None)["time"])
        yield here, deleted
        run.do("delete", folder=source, last=1, hard=n > 0)


def folder_subscription(run):
    """The real server's own client, told of what happens in a folder."""
    here = "50-subscribe-folder-tcp-user1"
    subscribed_folders(run, here, kctest_n=36, kctest_n2=65)
    yield from item_events(run, here, 32, 34, 49, 55, 61, [(70, 72, 82), (86, 88, 98)])
    yield here, LAST


def store_subscription(run):
    """The same for a store, and with a folder that comes and goes."""
    here = "51-subscribe-store-tcp-user1"
    subscribed_folders(run, here, kctest_n=26, kctest_n2=55)
    yield from item_events(run, here, 22, 24, 39, 46, 51, [(60, 62, 72), (76, 78, 88)])
    yield here, 92
    time = run.recorded_object(here, 94, "sub")["time"]
    run.do("folder-create", parent="user1/kctest-n", name="sub", time=time)
    yield here, 96
    run.do("folder-change", folder="user1/kctest-n/sub", name="subr", time=time)
    yield here, 100
    run.do("folder-delete", folder="user1/kctest-n/subr", hard=True)
    yield here, LAST


def idle_poll(run):
    """Two polls without an event, and one with."""
    here = "53-notify-longpoll-idle"
    subscribed_folders(run, here, kctest_n=38)
    yield here, 34
    new_item(run, here, 36, "after idle")
    run.do("change", folder="user1/kctest-n", last=1, time=run.recorded_object(here, 36, None)["time"])
    yield here, LAST


def journal_subscriptions(run):
    """A raw client with a poll that always runs."""
    here = "70-ics-subscribe-tcp-user1"
    for key, name in ((0x553B, "a"), (0x553C, "b")):
        run.bind_key(key, run.do("folder-create", parent="user1/", name=name))
    a, b = "user1/a", "user1/b"
    run.do("create", folder=a, saves=1)
    yield here, 8
    run.do("create", folder=a, subject="x", saves=1, read=True)
    yield here, 12
    run.do("change", folder=a, last=1, subject="y")
    yield here, 14
    run.do("unread", folder=a, last=1)
    yield here, 16
    run.do("move", folder=a, last=1, to=b)
    yield here, 19
    run.do("delete", folder=b, last=1)
    yield here, 21
    run.do("create", folder=b, saves=1)
    yield here, 25
    run.do("delete", folder=b, last=1, hard=True)
    yield here, 27
    run.do("folder-change", folder=a, name="a2")
    yield here, 28
    run.do("folder-change", folder="user1/a2", name="a")
    yield here, 29
    run.do("folder-create", parent=a, name="sub")
    yield here, LAST


def groups(run):
    """A group comes, gets members and loses them, and goes."""
    here = "42-groups-tcp-tmpboss"
    run.do("user-create", name="sysadmin1", admin=2)
    for name, full_name, admin in (("tmpa", "Tmp A", 0), ("tmpb", "Tmp B", 0), ("tmpboss", "Tmp Boss", 2)):
        run.do("user-create", name=name, full_name=full_name, password="pass", admin=admin)
    yield here, 3
    run.do("group-create", name="tmpg")
    yield here, 4
    run.do("group-add", group="tmpg", user="tmpa")
    yield here, 5
    run.do("group-add", group="tmpg", user="tmpb")
    yield here, 25
    run.do("group-change", group="tmpg")
    yield here, 26
    run.do("group-remove", group="tmpg", user="tmpb")
    yield here, 29
    run.do("user-delete", user="tmpa")
    yield here, 33
    run.do("group-delete", group="tmpg")
    yield here, LAST


SCENARIOS = {
    "01": logon,
    "03": no_writes("03-logon-wrong-password"),
    "10": folder_sync,
    "12": content,
    "20": hierarchy,
    "30": whole_server,
    "31": refused,
    "40": address_book,
    "42": groups,
    "50": folder_subscription,
    "51": store_subscription,
    "53": idle_poll,
    "54": no_writes("54-raw-errors"),
    "56": no_writes("56-raw-logon-variants"),
    "70": journal_subscriptions,
    "71": contents_table,
    "72": missing_items,
    "73": long_values,
}
