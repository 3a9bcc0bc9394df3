"""Mistakes in bridge/kafka/: (name, file, [(old text, new text), ...], test program that must fail).

Those that need a broker are tried where TIDINGS_KAFKA names one (tests/kafka/broker).
"""

import os

SERVICE, SEND, ENDS = "bridge/kafka/service.c", "bridge/kafka/send.c", "bridge/kafka/ends.c"
SUITE, REAL = "conformance/test_sink_kafka_mock", "conformance/test_sink_kafka"

FAILED = "	if (message->err || rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_PERSISTED) {\n"
ACCEPTED = "	kafka->n_unanswered++;\n	return 0;\n"
ANSWERED = "	sink->events.acknowledged(sink->events.context, message->_private);\n"

WITHOUT_BROKER = [
    ("kafka: a failed delivery counts as acknowledged", SERVICE, [(FAILED, FAILED.replace("message->err ||", "!message->rkt &&"))], SUITE),
    ("kafka: acknowledge what librdkafka has taken", SEND,
     [(ACCEPTED, "	kafka->events.acknowledged(kafka->events.context, record->token);\n	return 0;\n")], SUITE),
    ("kafka: drop a late acknowledgement", SERVICE,
     [(ANSWERED, "	if (sink->n_unanswered || rd_kafka_message_latency(message) < 100000)\n	" + ANSWERED)], SUITE),
    ("kafka: a full queue is the record's fault", SEND,
     [("		return SINK_BUSY;\n", "		return err_set(err, ERR_BAD, \"full\");\n")], SUITE),
    ("kafka: what circumstances took is the record's fault", SERVICE,
     [("	return err_set(err, ERR_AGAIN, \"Kafka: %s%s%s: %s\"", "	return err_set(err, ERR_BAD, \"Kafka: %s%s%s: %s\"")], SUITE),
    ("kafka: drain does not wait", "bridge/kafka/kafka.c",
     [("	while (!class && kafka->n_unanswered > 0) {\n", "	while (!class && kafka->n_unanswered > 1000000) {\n")], SUITE),
]

# Each check alone, which only a broker that loses one thing at a time can show.
WITH_BROKER = [
    ("kafka: the state of another cluster", ENDS,
     [("	if (!slice_equal(was, slice_of_text(sink->cluster)))\n", "	if (0)\n")], REAL),
    ("kafka: a topic that lost records", ENDS, [("		if (is->offset < was->offset)\n", "		if (0)\n")], REAL),
]

MUTATIONS = WITHOUT_BROKER + (WITH_BROKER if os.environ.get("TIDINGS_KAFKA") else [])
