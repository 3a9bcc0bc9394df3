# What is too long for `make test`: `make check-all`. Each target can be made alone.

.PHONY: check-all check-clang check-static check-tidy check-memory check-threads check-service

CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck
VALGRIND ?= valgrind

check-all: check-clang check-static check-tidy check-service check-memory check-threads asan ## all checks that exist, two hours

check-clang: ## build it with clang, warnings are errors
	$(MAKE) BUILD=build-clang CC=$(CLANG) all test-programs

# One suppression: an outbox is on the stack of the function that fills and empties it, and is taken back before that
# returns (core/pipeline.c). Headers that protoc-c made are not looked at.
check-static: all ## cppcheck
	$(CPPCHECK) -q --std=c11 -j2 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=autoVariables:core/pipeline.c -I. -D_GNU_SOURCE core proto bridge

# bugprone and the analyzer, but for:
#   easily-swappable-parameters    two sizes side by side are what C has
#   narrowing-conversions          -Wconversion by another name
#   reserved-identifier            feature macros of libc
#   assignment-in-if-condition     `if ((rc = f()) || (rc = g()))` is the project's way to go on until something fails
#   implicit-widening              constants of a few KiB
#   sizeof-expression              sizeof of a pointer's target, which is meant
#   not-null-terminated-result     slices have no mark at their end
#   insecureAPI                    memcpy_s and its kin do not exist in glibc
#   valist, Padding                false with va_start of this clang; nobody counts bytes of a table
TIDY_CHECKS := -*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,$\
	-bugprone-reserved-identifier,-bugprone-assignment-in-if-condition,$\
	-bugprone-implicit-widening-of-multiplication-result,-bugprone-sizeof-expression,-bugprone-not-null-terminated-result,clang-analyzer-*,$\
	-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-valist.Uninitialized,$\
	-clang-analyzer-optin.performance.Padding

# Its stderr only counts the warnings of the system's headers.
check-tidy: all ## clang-tidy
	printf '%s\n' $(SOURCES) bridge/main.c | xargs -n 4 -P 2 sh -c '$(CLANG_TIDY) --quiet --checks="$(TIDY_CHECKS)" \
		--warnings-as-errors="*" "$$@" -- -std=gnu11 -I. -I$(GENERATED) -D_GNU_SOURCE \
		-DTIDINGS_VERSION=\"$(VERSION)\" 2>/dev/null' clang-tidy

# librdkafka's threads are C11's, which TSan does not know: without c11_threads.o the first of them that allocates ends
# the process.
TSAN := BUILD=build-tsan SANITIZE=-fsanitize=thread CFLAGS="-O1 -g"

# Not the whole suite: ZeroMQ's library is not built with it, and hands memory between threads by atomics that it cannot
# see; and of the rest only what starts, stops and breaks threads, for time. One suppression: librdkafka destroys its
# locks where its own counters, which TSan does not see either, say that nobody holds them; the project has no rwlocks.
check-threads: ## ThreadSanitizer: unit programs, the daemon into files and into Kafka
	$(MAKE) $(TSAN) build-tsan/tests/preload/c11_threads.o
	$(MAKE) $(TSAN) LDFLAGS="-rdynamic build-tsan/tests/preload/c11_threads.o" unit test-programs
	printf 'race:pthread_rwlock_destroy\n' > build-tsan/suppressions
	TSAN_OPTIONS=suppressions=$(CURDIR)/build-tsan/suppressions BUILD=build-tsan tests/run \
		tests/daemon/test_file_sink.py tests/daemon/test_notify.py tests/daemon/test_tls.py \
		tests/daemon/test_follow.py tests/daemon/test_stop.py tests/daemon/test_broker.py

check-memory: test-programs ## valgrind: unit programs, the daemon into each sink
	BUILD=$(BUILD) tests/memory $(sort $(UNITS))

check-service: all $(BUILD)/fakekopano $(PROTO_PY) ## the package under a systemd of its own, as root
	BUILD=$(BUILD) $(PYTHON) tests/installation/service.py
