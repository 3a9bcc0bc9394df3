/* What this build is made of: the only place that names drivers. */
#include "bridge/cli/cli.h"
#include "proto/encode.h"

extern const struct source_driver kopano_driver;
extern const struct sink_driver file_driver;
extern const struct sink_driver kafka_driver;
extern const struct sink_driver zeromq_driver;

int main(int argc, char **argv)
{
	static const struct source_driver *const sources[] = {&kopano_driver, NULL};
	static const struct sink_driver *const sinks[] = {&kafka_driver, &zeromq_driver, &file_driver, NULL};
	static const struct program program = {.sources = sources, .sinks = sinks, .encoder = &protobuf_encoder};
	return cli_main(&program, argc, argv);
}
