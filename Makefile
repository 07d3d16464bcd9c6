# All output goes to build/. `make help` lists the targets. To be set on the command line: CC, CFLAGS,
# LDFLAGS, ARCH (for -march), PREFIX, LIBDIR, DESTDIR, BUILD (the output folder), V=1 (shows commands).
VERSION := 0.1.0
SONAME  := librudder.so.0
BUILD  ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
ARCH   ?= native
CFLAGS ?= -O3 -g
CC     := $(if $(filter default,$(origin CC)),gcc,$(CC))
Q      := $(if $(V),,@)

# pkg-config is asked when a recipe runs: `make deps` may just have installed it. Newer systems
# call MessagePack for C msgpack-c.
PACKAGES  = openblas yaml-0.1 json-c hdf5-serial zlib libzmq \
            $(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
LIBS      = $(shell pkg-config --libs $(PACKAGES)) -lm
WARNINGS := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Werror
FLAGS     = -std=c11 -D_POSIX_C_SOURCE=200809L -DRUD_VERSION=\"$(VERSION)\" -Irudder -I. -I$(BUILD) \
            $(shell pkg-config --cflags $(PACKAGES)) $(WARNINGS) -fPIC -pthread -march=$(ARCH) \
            -fno-math-errno -fno-trapping-math -fopenmp-simd -ffp-contract=fast $(CFLAGS)
COMPILE   = $(CC) $(FLAGS) -MMD -MP -c
LINK      = $(CC) $(CFLAGS) -pthread $(LDFLAGS)
asan tsan fuzz: SANITIZE = -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=

objects  = $(addprefix $(BUILD)/obj/,$(addsuffix .o,$(basename $(1))))
PROGRAM_SOURCES := $(wildcard rudder/cli/*.c)
LIBRARY_SOURCES := $(filter-out rudder/cli/%,$(wildcard rudder/*/*.c rudder/*/*.S envs/*.c agent_bridge/*.c))
TEST_SOURCES    := $(wildcard tests/*/test_*.c)
PROGRAM_OBJECTS := $(call objects,$(PROGRAM_SOURCES))
LIBRARY_OBJECTS := $(call objects,$(LIBRARY_SOURCES))
HARNESS_OBJECTS := $(call objects,$(wildcard tests/*.c))
TESTS   := $(TEST_SOURCES:%.c=$(BUILD)/%)
ENDURANCE := $(BUILD)/tests/agent_bridge/endurance
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
# The public ones: rudder.h and what it includes.
HEADERS = $(filter %.h,$(shell $(CC) $(FLAGS) -MM rudder/rudder.h))
CODE    := $(wildcard rudder/*.h rudder/*/*.[ch] envs/*.[ch] agent_bridge/*.[ch] tests/*.[ch] tests/*/*.[ch])
PROGRAM := $(BUILD)/rudder
LIBRARY := $(BUILD)/librudder.a
SHARED  := $(BUILD)/librudder.so.$(VERSION)

.PHONY: build tests deps demo test bench asan tsan fuzz fuzzers chaos soak mutate coverage format lint install uninstall clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

build: $(PROGRAM) $(LIBRARY) $(SHARED) ## build the program and the library (the default)
tests: build $(TESTS) $(ENDURANCE) ## build the tests too

deps: ## install the Debian packages that are missing, or name them
	@.ci/deps

demo: deps ## build, then run the experiment configs/watch-repair.yaml
	@$(MAKE) --no-print-directory build
	$(PROGRAM) experiment configs/watch-repair.yaml

test: deps ## build and run all tests, or those whose path holds ONLY=word
	@$(MAKE) --no-print-directory tests
	@CC='$(CC)' PACKAGES='$(PACKAGES)' tests/run $(BUILD) $(ONLY)

bench: build ## measure the throughput of each part
	$(PROGRAM) bench

asan: ## run the tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory test BUILD=build/asan CFLAGS='$(SANITIZE)address,undefined'
tsan: ## run the tests under ThreadSanitizer
	@TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp $(MAKE) --no-print-directory test BUILD=build/tsan CFLAGS='$(SANITIZE)thread'

fuzz: deps ## feed the parsers hostile bytes, each for SECONDS (60); ONLY=word as in test
	@.ci/deps clang libclang-rt-dev
	@$(MAKE) --no-print-directory fuzzers BUILD=build/fuzz CC='$(if $(findstring ccache,$(CC)),ccache )clang' \
	    CFLAGS='$(SANITIZE)fuzzer-no-link,address,undefined -Wno-pass-failed'
	@tests/fuzz/run build/fuzz '$(SECONDS)' $(ONLY)
fuzzers: $(FUZZERS)

chaos: build $(ENDURANCE) ## kill the bridge's server 50 times under load and look for what it acknowledged
	$(ENDURANCE) chaos $(PROGRAM)
soak: build $(ENDURANCE) ## load the bridge's server for MINUTES (30) and watch its memory
	$(ENDURANCE) soak $(PROGRAM) $(MINUTES)
mutate: build $(ENDURANCE) ## send the bridge's server a million mutated frames
	$(ENDURANCE) mutate $(PROGRAM)

coverage: ## run the tests and write build/coverage/html
	@.ci/deps lcov
	@$(MAKE) --no-print-directory test BUILD=build/coverage CFLAGS='-O1 -g --coverage -fprofile-update=atomic'
	@.ci/coverage build/coverage

format: ## lay out all sources by .clang-format
	@.ci/deps clang-format
	clang-format -i $(CODE)

# Not the tests: clang-tidy cannot see that a failed assertion of Check does not return.
lint: deps ## look for likely mistakes by clang-tidy
	@.ci/deps clang-tidy
	clang-tidy --quiet --warnings-as-errors='*' $(filter-out tests/%,$(filter %.c,$(CODE))) -- $(FLAGS) -Wno-unknown-warning-option

install: build ## install below PREFIX, or below DESTDIR/PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig
	install $(PROGRAM) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(LIBRARY) $(SHARED) $(DESTDIR)$(LIBDIR)
	cp -P $(BUILD)/$(SONAME) $(BUILD)/librudder.so $(DESTDIR)$(LIBDIR)
	for h in $(HEADERS); do install -D -m 644 $$h $(DESTDIR)$(PREFIX)/include/rudder/$${h#rudder/} || exit; done
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|; s|@PACKAGES@|$(PACKAGES)|' rudder/rudder.pc.in \
	    > $(DESTDIR)$(LIBDIR)/pkgconfig/rudder.pc

uninstall: ## remove what install put there
	rm -rf $(addprefix $(DESTDIR)$(PREFIX)/,bin/rudder include/rudder) $(addprefix $(DESTDIR)$(LIBDIR)/,librudder.* pkgconfig/rudder.pc)

clean: ## remove build/
	rm -rf build

help: ## show this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | expand -t 12

# Rewritten, and so everything rebuilt, only when the compiler or a flag changes.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@command -v $(CC) >/dev/null && pkg-config --exists $(PACKAGES) || { echo "Run 'make deps' first."; exit 1; }
	@printf '%s\n' '$(COMPILE)' | cmp -s - $@ || printf '%s\n' '$(COMPILE)' > $@
$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D) && echo '  CC  $<'
	$(Q)$(COMPILE) $< -o $@
$(BUILD)/obj/%.o: %.S $(BUILD)/flags
	$(Q)mkdir -p $(@D) && $(COMPILE) -Wa,--noexecstack $< -o $@
# The report's page and charts are embedded by .incbin, which -MMD does not see.
$(BUILD)/vega.js: rudder/report/vega/bundle.sh
	$(Q)mkdir -p $(@D) && $< $@
$(BUILD)/obj/rudder/report/assets.o: $(BUILD)/vega.js $(wildcard rudder/report/vega/*)

$(LIBRARY): $(LIBRARY_OBJECTS)
	$(Q)rm -f $@ && ar rcs $@ $^
$(SHARED): $(LIBRARY_OBJECTS)
	$(Q)$(LINK) -shared -Wl,-soname,$(SONAME) $^ $(LIBS) -o $@
	$(Q)ln -sf $(@F) $(BUILD)/$(SONAME) && ln -sf $(SONAME) $(BUILD)/librudder.so
$(PROGRAM): $(PROGRAM_OBJECTS) $(LIBRARY)
	$(Q)$(LINK) $^ $(LIBS) -o $@
$(TESTS): $(BUILD)/%: $(BUILD)/obj/%.o $(HARNESS_OBJECTS) $(LIBRARY)
	$(Q)mkdir -p $(@D) && $(LINK) $^ $$(pkg-config --libs check) $(LIBS) -o $@
$(ENDURANCE): $(BUILD)/%: $(BUILD)/obj/%.o $(LIBRARY)
	$(Q)mkdir -p $(@D) && $(LINK) $^ $(LIBS) -o $@
$(FUZZERS): $(BUILD)/%: $(BUILD)/obj/%.o $(LIBRARY)
	$(Q)mkdir -p $(@D) && $(LINK) -fsanitize=fuzzer $^ $(LIBS) -o $@
-include $(patsubst %.o,%.d,$(PROGRAM_OBJECTS) $(LIBRARY_OBJECTS) $(HARNESS_OBJECTS) $(call objects,$(TEST_SOURCES)) $(ENDURANCE:$(BUILD)/%=$(BUILD)/obj/%.o) $(FUZZERS:$(BUILD)/%=$(BUILD)/obj/%.o))
