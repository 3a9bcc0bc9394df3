# Tidings. `make help` says what there is.
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= gcc
CLANG ?= clang
PYTHON ?= /usr/bin/python3
CLANG_FORMAT ?= clang-format
CFLAGS ?= -O2 -g
LDFLAGS ?=
SANITIZE ?=

VERSION := 0.1.0
LIBS := rdkafka libzmq libcurl sqlite3 yaml-0.1 libprotobuf-c libxxhash libmicrohttpd
ALL_CFLAGS = -std=gnu11 -Wno-unknown-warning-option -Wno-format-truncation -I. -I$(GENERATED) -D_GNU_SOURCE -DTIDINGS_VERSION='"$(VERSION)"' -MMD -MP -pthread \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror $(SANITIZE) $(CFLAGS)
ALL_LIBS = $(LDFLAGS) $(shell pkg-config --libs $(LIBS)) -lpthread -lm $(SANITIZE)

PROTOS := $(wildcard proto/tidings/v1/*.proto)
GENERATED := $(BUILD)/generated
PROTO_C := $(PROTOS:proto/%.proto=$(GENERATED)/%.pb-c.c) $(GENERATED)/google/protobuf/timestamp.pb-c.c
SOURCES := $(filter-out bridge/main.c,$(wildcard core/*.c proto/*.c bridge/*.c bridge/*/*.c))
PROTO_PY := $(PROTOS:proto/%.proto=$(BUILD)/python/%_pb2.py)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(PROTO_C:.c=.o)
LIBRARY := $(BUILD)/libtidings.a
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
CONFORMANCE := $(patsubst tests/conformance/%.c,$(BUILD)/tests/conformance/%,$(wildcard tests/conformance/test_*.c))
TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c) \
	$(filter-out tests/conformance/test_%,$(wildcard tests/conformance/*.c)))
# A library, so that each program takes only the helpers that it uses.
TEST_HELPERS := $(BUILD)/libtesting.a
FAKEKOPANO_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fakekopano/*.c))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/bench_*.c))

.DEFAULT_GOAL := all
.SECONDARY:
.PHONY: help all deps test test-programs steps crash soak fuzz mutations unit lint format asan bench bench-quick bench-plots demo clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile deploy/*.mk tests/*.mk

all: $(BUILD)/tidings ## build build/tidings

$(BUILD)/tidings: $(BUILD)/bridge/main.o $(LIBRARY)
	$(CC) -o $@ $^ $(ALL_LIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(TEST_HELPERS): $(TEST_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | $(PROTO_C)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/%.pb-c.o: $(BUILD)/%.pb-c.c | $(PROTO_C)
	$(CC) $(ALL_CFLAGS) -Wno-shadow -c -o $@ $<

$(GENERATED)/tidings/v1/%.pb-c.c: proto/tidings/v1/%.proto
	@mkdir -p $(GENERATED)
	protoc-c -Iproto -I/usr/include --c_out=$(GENERATED) $<

$(GENERATED)/google/protobuf/timestamp.pb-c.c:
	@mkdir -p $(GENERATED)
	protoc-c -I/usr/include --c_out=$(GENERATED) /usr/include/google/protobuf/timestamp.proto

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(TEST_HELPERS) $(LIBRARY)
	$(CC) -o $@ $^ -lcmocka $(ALL_LIBS)

$(BUILD)/tests/conformance/%: $(BUILD)/tests/conformance/%.o $(TEST_HELPERS) $(LIBRARY)
	$(CC) -o $@ $^ -lcmocka $(ALL_LIBS)

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(TEST_HELPERS) $(LIBRARY)
	$(CC) -o $@ $^ -lcmocka $(ALL_LIBS)

$(BUILD)/fakekopano: $(FAKEKOPANO_OBJECTS)
	$(CC) -o $@ $^ -lmicrohttpd -lpthread $(SANITIZE)

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(LIBRARY)
	$(CC) -fsanitize=fuzzer -o $@ $^ $(ALL_LIBS)

# The consumer's side: what protoc makes of the same .proto files for Python.
$(BUILD)/python/tidings/v1/%_pb2.py: proto/tidings/v1/%.proto
	@mkdir -p $(BUILD)/python
	protoc -Iproto -I/usr/include --python_out=$(BUILD)/python $<

APT := gcc make pkg-config git librdkafka-dev libzmq3-dev libcurl4-openssl-dev libsqlite3-dev libyaml-dev libprotobuf-c-dev \
	protobuf-c-compiler libprotobuf-dev protobuf-compiler libxxhash-dev libmicrohttpd-dev
APT_TEST := libcmocka-dev curl clang libclang-rt-dev clang-format kcat maven default-jre-headless \
	python3 python3-protobuf python3-confluent-kafka python3-zmq openssl systemd mandoc dpkg-dev lintian \
	valgrind cppcheck clang-tidy

deps: ## install what is needed to build and test (Debian, as root)
	@if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $(APT) $(APT_TEST); \
	else echo "as root: apt-get install $(APT) $(APT_TEST)"; exit 1; fi

# What the demo needs; through Kafka a little more.
APT_DEMO = $(APT) libmicrohttpd-dev python3 python3-protobuf $(if $(filter kafka,$(SINK)),maven default-jre-headless)
SINK ?= zeromq

demo: ## see it work: a lively mailbox, the bridge, a consumer (SINK=kafka: through a real Kafka)
	@tests/demo/packages $(APT_DEMO)
	@$(MAKE) -s -j"$$(nproc)" all $(BUILD)/fakekopano $(PROTO_PY)
	@BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/demo/demo --sink $(SINK)

# The daemon that counts its steps, and can be told at which to end (core/step.h).
steps:
	@$(MAKE) -s BUILD=$(BUILD)-steps CFLAGS="$(CFLAGS) -DTIDINGS_STEPS" all

test-programs: all steps $(UNITS) $(CONFORMANCE) $(BENCHES) $(BUILD)/fakekopano $(PROTO_PY)

test: test-programs ## run all tests
	@BUILD=$(BUILD) tests/run $(sort $(UNITS)) $(sort $(CONFORMANCE)) \
		"tests/fakekopano/check/check.py --server $(BUILD)/fakekopano" \
		$(filter-out $(LEFT_OUT),$(sort $(wildcard tests/*/test_*.py))) \
		$(wildcard tests/fakekopano/check/test_*.py) "tests/fuzz/run 10"

crash: test-programs ## end the daemon at every one of its steps: the whole campaign
	@BUILD=$(BUILD) $(PYTHON) tests/crash/campaign.py
	@BUILD=$(BUILD) $(PYTHON) tests/crash/campaign.py --sink zeromq

soak: test-programs ## half an hour of random changes with a restart of the server every minute, of a folder and of a server
	@$(MAKE) -s -j2 soak-Soak soak-SoakOfTheServer

soak-%:
	@BUILD=$(BUILD) TIDINGS_SOAK_SECONDS=$(or $(TIDINGS_SOAK_SECONDS),1800) $(PYTHON) tests/daemon/test_soak.py $*

fuzz: ## run the fuzzers for ten minutes each
	@tests/fuzz/run 600

mutations: $(PROTO_PY) ## make the mistakes that the tests are there for, and see them caught
	@tests/mutations/run

unit: all $(UNITS) ## run the unit tests only
	@BUILD=$(BUILD) tests/run --no-broker $(sort $(UNITS))

lint: all ## check layers, headers, format, sizes
	@BUILD=$(BUILD) CC="$(CC)" CLANG_FORMAT="$(CLANG_FORMAT)" tests/lint

format: ## format all C files
	$(CLANG_FORMAT) -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

# But for the benchmark: it counts allocations in a malloc of its own, and measures nothing under a sanitizer.
asan: ## run all tests with AddressSanitizer and UndefinedBehaviorSanitizer
	tests/sanitized build-asan/reports $(MAKE) BUILD=build-asan CFLAGS="-O1 -g" \
		SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined" \
		LEFT_OUT=tests/bench/test_bench.py test

BENCH = @BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/bench/bench
BENCH_PROGRAMS = all $(BENCHES) $(BUILD)/fakekopano

bench: $(BENCH_PROGRAMS) ## all figures beside their limits, under ten minutes: a table and build/bench.json
	$(BENCH) --json $(BUILD)/bench.json

bench-quick: $(BENCH_PROGRAMS) ## the same with less, under a minute
	$(BENCH) --size quick --json $(BUILD)/bench-quick.json

bench-plots: ## draw build/bench.json
	@$(PYTHON) tests/bench/plots.py $(BUILD)/bench.json deploy/performance

clean: ## remove what was built
	rm -rf build build-*

include deploy/deploy.mk
include tests/checks.mk
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
