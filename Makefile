# Tidings. `make help` says what there is.
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= gcc
CLANG ?= clang
PYTHON ?= /usr/bin/python3
CLANG_FORMAT ?= clang-format
CFLAGS ?= -O2 -g
SANITIZE ?=

VERSION := 0.1.0
LIBS := rdkafka libcurl sqlite3 yaml-0.1 libprotobuf-c libxxhash
ALL_CFLAGS = -std=gnu11 -I. -I$(BUILD) -D_GNU_SOURCE -DTIDINGS_VERSION='"$(VERSION)"' -MMD -MP -pthread \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror $(SANITIZE) $(CFLAGS)
ALL_LIBS = $(shell pkg-config --libs $(LIBS)) -lpthread -lm $(SANITIZE)

PROTOS := $(wildcard proto/tidings/v1/*.proto)
PROTO_C := $(PROTOS:proto/%.proto=$(BUILD)/%.pb-c.c) $(BUILD)/google/protobuf/timestamp.pb-c.c
SOURCES := $(filter-out bridge/main.c,$(wildcard core/*.c proto/*.c bridge/*.c bridge/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(PROTO_C:.c=.o)
LIBRARY := $(BUILD)/libtidings.a
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
CONFORMANCE := $(patsubst tests/conformance/%.c,$(BUILD)/tests/conformance/%,$(wildcard tests/conformance/test_*.c))
TEST_HELPERS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c) \
	$(filter-out tests/conformance/test_%,$(wildcard tests/conformance/*.c)))
FAKEKOPANO_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fakekopano/*.c))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/bench_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.SECONDARY:
.PHONY: help all deps test unit lint format asan bench-quick install clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

all: $(BUILD)/tidings ## build build/tidings

$(BUILD)/tidings: $(BUILD)/bridge/main.o $(LIBRARY)
	$(CC) -o $@ $^ $(ALL_LIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | $(PROTO_C)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/%.pb-c.o: $(BUILD)/%.pb-c.c
	$(CC) $(ALL_CFLAGS) -Wno-shadow -c -o $@ $<

$(BUILD)/tidings/v1/%.pb-c.c: proto/tidings/v1/%.proto
	@mkdir -p $(BUILD)
	protoc-c -Iproto -I/usr/include --c_out=$(BUILD) $<

$(BUILD)/google/protobuf/timestamp.pb-c.c:
	@mkdir -p $(BUILD)
	protoc-c -I/usr/include --c_out=$(BUILD) /usr/include/google/protobuf/timestamp.proto

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(TEST_HELPERS) $(LIBRARY)
	$(CC) -o $@ $^ -lcmocka $(ALL_LIBS)

$(BUILD)/tests/conformance/%: $(BUILD)/tests/conformance/%.o $(TEST_HELPERS) $(LIBRARY)
	$(CC) -o $@ $^ -lcmocka $(ALL_LIBS)

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(TEST_HELPERS) $(LIBRARY)
	$(CC) -o $@ $^ -lcmocka $(ALL_LIBS)

$(BUILD)/fakekopano: $(FAKEKOPANO_OBJECTS)
	$(CC) -o $@ $^ -lmicrohttpd -lpthread $(SANITIZE)

clean: ## remove what was built
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
