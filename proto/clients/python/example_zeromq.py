#!/usr/bin/python3
"""Prints what happens in the followed folders: example_zeromq.py ENDPOINT NAME [COUNT]"""
import sys

from tidings.v1.change_pb2 import ChangeEvent, Kind
from tidings_zeromq import Consumer

endpoint, name = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else -1
with Consumer(endpoint, name) as consumer:
    for n, record in enumerate(consumer, 1):
        if record.topic == "items":
            event = ChangeEvent.FromString(record.value)
            print(Kind.Name(event.kind), event.store.owner, event.folder.path, event.item.subject, flush=True)
        consumer.acknowledge(record)
        if n == count:
            break
