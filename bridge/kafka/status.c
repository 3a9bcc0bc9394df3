#include <stdio.h>
#include <time.h>

#include "bridge/kafka/kafka.h"

void kafka_tell_outage(struct kafka_sink *sink, const char *outage)
{
	struct kafka_told *told = &sink->told;
	pthread_mutex_lock(&told->mutex);
	if (!outage)
		told->down_since = 0;
	else if (!told->down_since)
		told->down_since = time(NULL);
	snprintf(told->outage, sizeof told->outage, "%s", outage ? outage : "");
	pthread_mutex_unlock(&told->mutex);
}

void kafka_tell_unanswered(struct kafka_sink *sink)
{
	pthread_mutex_lock(&sink->told.mutex);
	sink->told.n_unanswered = sink->n_unanswered;
	pthread_mutex_unlock(&sink->told.mutex);
}

void kafka_status(struct sink *sink, struct report *report)
{
	struct kafka_sink *kafka = kafka_sink(sink);
	struct kafka_told *told = &kafka->told;
	pthread_mutex_lock(&told->mutex);
	report_text(report, "brokers", "%s", kafka->config->brokers);
	report_truth(report, "connected", !told->down_since);
	if (told->down_since) {
		report_number(report, "since", told->down_since);
		report_text(report, "outage", "%s", told->outage);
	}
	report_number(report, "unacknowledged", (int64_t)told->n_unanswered);
	pthread_mutex_unlock(&told->mutex);
}
