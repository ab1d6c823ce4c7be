# suitd. `make help` lists the targets.
#
# The directory is the layer, and the linker proves it: one archive each,
#   lib <- db <- daemon      lib <- device      lib <- cli
# Sources are found by folder; nothing is listed twice.

VERSION := 0.1.0
comma := ,
SAN ?=
FUZZER ?=
TSAN := $(filter thread,$(SAN))
B := build$(if $(SAN),/$(if $(TSAN),tsan,san))
V ?=
Q := $(if $(V),,@)

CC ?= gcc
WERROR ?= -Werror
CSTD := -std=c11 -D_GNU_SOURCE
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wformat=2 -Wpointer-arith -Wvla $(WERROR) -pthread
comma := ,
# Landing pads for indirect calls, and a stack that cannot jump over its guard;
# what the machine calls them.
MACHINE := $(shell $(CC) -dumpmachine)
HARDEN := -fstack-clash-protection $(if $(filter x86_64-%,$(MACHINE)), \
	-fcf-protection,$(if $(filter aarch64-%,$(MACHINE)), \
	-mbranch-protection=standard))
# SAN=1: ASan and UBSan; SAN=thread: TSan
SANS := $(or $(TSAN),address$(comma)undefined$(if $(FUZZER),$(comma)fuzzer))
OPT := $(if $(SAN),-O1 -fsanitize=$(SANS:fuzzer=fuzzer-no-link) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer,-O2 \
	-D_FORTIFY_SOURCE=2 -fstack-protector-strong $(HARDEN))
CFLAGS ?= -g
ALL_CFLAGS = $(CSTD) $(WARN) $(OPT) $(CPPFLAGS) $(CFLAGS) -fPIE -I. \
	-DSUITD_VERSION='"$(VERSION)"' -DSUITD_DEBUG=$(if $(SAN)$(DEBUG),1,0) \
	-ffile-prefix-map=$(CURDIR)=.
ALL_LDFLAGS = $(if $(SAN),-fsanitize=$(SANS)) -pie \
	-Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

# pkg-config is asked on first use only: `make deps` may have to install it.
once = $(eval $(1) := $(2))$($(1))
LIB_PKGS := libcbor libcrypto libconfuse jansson
COAP_PKGS := libcoap-3-openssl
LIB_LIBS = $(call once,LIB_LIBS,$(shell pkg-config --libs $(LIB_PKGS)) -lm)
DB_LIBS = $(call once,DB_LIBS,$(shell pkg-config --libs sqlite3))
COAP_LIBS = $(call once,COAP_LIBS,$(shell pkg-config --libs $(COAP_PKGS) libssl))
LOOP_LIBS = $(call once,LOOP_LIBS,$(shell pkg-config --libs libevent_core libevent_extra libsystemd))

srcs = $(sort $(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(B)/obj/%.o,$(1))

LIB_O := $(call objs,$(call srcs,lib))
DB_O := $(call objs,$(call srcs,db)) $(B)/obj/db/schema.o
DAEMON_O := $(call objs,$(filter-out daemon/suitd.c,$(call srcs,daemon)))
CLI_O := $(call objs,$(filter-out cli/suitctl.c,$(call srcs,cli)))
DEV_O := $(call objs,$(filter-out device/suitsim.c,$(call srcs,device)))

A_LIB := $(B)/libsuit.a
A_DB := $(B)/libstore.a
A_DAEMON := $(B)/libdaemon.a
A_CLI := $(B)/libcli.a
A_DEV := $(B)/libsuitdev.a
# what tests of the daemon share
A_RIG := $(B)/librig.a

BINS := $(foreach b,suitd suitctl suitsim,$(if $(wildcard */$(b).c),$(B)/$(b)))

.PHONY: all help deps deps-test demo check layers style \
	clean everything check-deploy sim-plots unit e2e bench vectors fuzz fuzz-replay man sim \
	tsan memcheck install uninstall deb analyze flags sbom

all: $(A_LIB) $(A_DB) $(A_DAEMON) $(A_CLI) $(A_DEV) $(BINS)

help:
	@sed -n 's/^## //p' Makefile

## make            build/suitd, build/suitctl, build/suitsim
## make demo       install what is missing, build, run the main job on loopback
## make check      install what tests need, build, run every test (SAN=1: ASan, UBSan)
## make check-deploy  a booted systemd, a Docker engine, Debian 13, clang, analyzers: as root, 20 minutes
## make unit       unit tests only
## make e2e        end-to-end tests only
## make fuzz       libFuzzer on every parser (clang), T=30 seconds each; ONLY="cbor cose" on some of them
## make tsan       what has threads, under TSan; make memcheck: what reads bytes, under valgrind
## make sim        scenarios in virtual time; SEEDS=100, ONLY=name
## make sim-plots  draws some of them: build/sim/*.svg
## make bench      the figures of docs/BENCHMARKS.md, 5 minutes; ONLY="blocks poll" runs some of them
## make install    DESTDIR= PREFIX=/usr/local: programs, unit, man pages, libsuitdev; make uninstall
## make deb        Debian packages of the last commit: build/deb/*.deb
## make analyze   gcc -fanalyzer, clang-tidy, cppcheck: nothing that a person has not looked at
## make sbom      what the programs consist of (CycloneDX): build/suitd.cdx.json
## make style      limits of the house style; make layers: include rules
## make clean      remove build/

$(A_LIB): $(LIB_O)
$(A_DB): $(DB_O)
$(A_DAEMON): $(DAEMON_O)
$(A_CLI): $(CLI_O)
$(A_DEV): $(DEV_O)
$(A_RIG): $(call objs,$(call srcs,tests/rig))
%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V)$(QUIET),,@echo "  CC $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Migrations are compiled in, in the order of their names.
SCHEMA := $(sort $(wildcard db/schema/*.sql))
$(B)/obj/db/schema.c: $(SCHEMA) db/schema.sh
	@mkdir -p $(@D)
	$(Q)sh db/schema.sh $(SCHEMA) > $@.tmp && mv $@.tmp $@
$(B)/obj/db/schema.o: $(B)/obj/db/schema.c
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

link = $(if $(V),,@$(if $(QUIET),,echo "  LD $@";))$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^)

$(B)/suitd: $(B)/obj/daemon/suitd.o $(A_DAEMON) $(A_DB) $(A_LIB)
	$(link) $(COAP_LIBS) $(LOOP_LIBS) $(DB_LIBS) $(LIB_LIBS)
$(B)/suitctl: $(B)/obj/cli/suitctl.o $(A_CLI) $(A_LIB)
	$(link) $(COAP_LIBS) $(LIB_LIBS)
$(B)/suitsim: $(B)/obj/device/suitsim.o $(A_DEV) $(A_LIB)
	$(link) $(COAP_LIBS) $(LOOP_LIBS) $(LIB_LIBS)

# --- tests: a unit test of a layer links that layer's archive and below ---
TESTS_lib := $(patsubst tests/%.c,$(B)/tests/%,$(call srcs,tests/lib))
TESTS_db := $(patsubst tests/%.c,$(B)/tests/%,$(call srcs,tests/db))
TESTS_daemon := $(patsubst tests/%.c,$(B)/tests/%,$(call srcs,tests/daemon))
TESTS_device := $(patsubst tests/%.c,$(B)/tests/%,$(call srcs,tests/device))
TESTS_cli := $(patsubst tests/%.c,$(B)/tests/%,$(call srcs,tests/cli))
TESTS_bench := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/bench/test_*.c))
UNIT := $(TESTS_lib) $(TESTS_db) $(TESTS_daemon) $(TESTS_device) $(TESTS_cli) \
	$(TESTS_bench)

$(TESTS_lib): $(B)/tests/%: $(B)/obj/tests/%.o $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(LIB_LIBS) -lcmocka
$(TESTS_db): $(B)/tests/%: $(B)/obj/tests/%.o $(A_DB) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(DB_LIBS) $(LIB_LIBS) -lcmocka
# tests of the front have the rig in the place of the images and the app, and
# it may play the time of the front
TESTS_front := $(filter $(B)/tests/daemon/test_front%,$(TESTS_daemon))
$(TESTS_front): ALL_LDFLAGS += -Wl,--wrap=loop_mono
$(TESTS_front): $(B)/tests/%: $(B)/obj/tests/%.o $(A_RIG) $(A_DAEMON) \
		$(A_DB) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(COAP_LIBS) $(LOOP_LIBS) $(DB_LIBS) $(LIB_LIBS) -lcmocka
$(filter-out $(TESTS_front),$(TESTS_daemon)): $(B)/tests/%: \
		$(B)/obj/tests/%.o $(A_DAEMON) $(A_DB) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(COAP_LIBS) $(LOOP_LIBS) $(DB_LIBS) $(LIB_LIBS) -lcmocka
$(TESTS_device): $(B)/tests/%: $(B)/obj/tests/%.o $(A_DEV) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(COAP_LIBS) $(LOOP_LIBS) $(LIB_LIBS) -lcmocka
$(TESTS_cli): $(B)/tests/%: $(B)/obj/tests/%.o $(A_CLI) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(COAP_LIBS) $(LIB_LIBS) -lcmocka
# tests of the load generator's pure parts
$(TESTS_bench): $(B)/tests/%: $(B)/obj/tests/%.o $(call objs,$(addprefix \
		tests/bench/gen_,hist.c wheel.c wire.c)) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(LIB_LIBS) -lcmocka

# Counters that end-to-end tests load into the daemon.
PRELOAD := $(patsubst %.c,$(B)/%.so,$(call srcs,tests/preload))
$(PRELOAD): $(B)/%.so: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(WARN) -O2 -fPIC -shared -o $@ $< -ldl

# The simulator: the daemon without its loop, front and peer, which the
# simulator plays, and devices, in one process under virtual time.
SIM_O := $(call objs,$(call srcs,tests/sim))
$(B)/sim/sim: $(SIM_O) $(A_DAEMON) $(A_DEV) $(A_DB) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(DB_LIBS) $(LIB_LIBS) -lm
SEEDS ?= 1
sim: $(B)/sim/sim
	@B=$(B) sh tests/sim/run.sh $(SEEDS) $(ONLY)
PLOTS ?= announced-spread poll-booking outage-start power-on gone brick
sim-plots: $(B)/sim/sim
	@sh config/deps.sh sim
	@B=$(B) sh tests/sim/plot.sh $(PLOTS)

# Fuzz targets: libFuzzer with `make fuzz` (clang), replay of their corpus
# without an engine in `make check`. Two of them ask libcoap whether it reads
# a message in the same way; the others do not come to link it (--as-needed).
# Nearly all are of lib/; the others have the archives that they are about.
FUZZ_LIBS = -Wl,--as-needed $(COAP_LIBS) $(LOOP_LIBS) $(DB_LIBS) $(LIB_LIBS) \
	-lcmocka
FUZZ := $(patsubst tests/%.c,$(B)/tests/%,$(filter tests/fuzz/fuzz_%,$(call srcs,tests/fuzz)))
FUZZ_daemon := $(addprefix $(B)/tests/fuzz/fuzz_,block option)
FUZZ_device := $(addprefix $(B)/tests/fuzz/fuzz_,journal)
FUZZ_lib := $(filter-out $(FUZZ_daemon) $(FUZZ_device),$(FUZZ))
# what runs a target: of `make fuzz` the engine does
FUZZ_RUN := $(if $(FUZZER),,$(B)/obj/tests/fuzz/replay.o)
$(FUZZ_lib): $(B)/tests/%: $(B)/obj/tests/%.o $(FUZZ_RUN) $(A_LIB)
$(FUZZ_daemon): $(B)/tests/%: $(B)/obj/tests/%.o $(FUZZ_RUN) $(A_DAEMON) \
		$(A_DB) $(A_LIB)
$(FUZZ_device): $(B)/tests/%: $(B)/obj/tests/%.o $(FUZZ_RUN) $(A_DEV) $(A_LIB)
$(FUZZ):
	@mkdir -p $(@D)
	$(link) $(FUZZ_LIBS)

# Real fuzzing: every target under libFuzzer with ASan and UBSan, T seconds
# each, starting from the corpus in the tree and from what was found before.
# ONLY="cbor cose" fuzzes some of them.
T ?= 30
FUZZ_NAMES = $(or $(ONLY),$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
fuzz:
	@$(BUILD) SAN=1 FUZZER=1 CC=clang B=build/fuzz \
	    $(addprefix build/fuzz/tests/fuzz/fuzz_,$(FUZZ_NAMES))
	@set -e; for t in $(FUZZ_NAMES); do \
		echo "== $$t"; mkdir -p build/fuzz/corpus-$$t; \
		build/fuzz/tests/fuzz/fuzz_$$t -max_total_time=$(T) -print_final_stats=1 -artifact_prefix=build/fuzz/ \
		    build/fuzz/corpus-$$t tests/fuzz/corpus/$$t >build/fuzz/$$t.log 2>&1 || \
		    { tail -n 60 build/fuzz/$$t.log; exit 1; }; \
		tail -n 5 build/fuzz/$$t.log; \
	done

.SECONDARY:

# The programs of a subject that has several: their names begin alike.
family = $(patsubst tests/%.c,%,$(sort $(wildcard tests/$(1)*.c)))

# What has threads, under TSan: the workers of images, the two threads of the
# disk, a snapshot, what is counted for a scrape; then a daemon under load.
TSAN_UNIT := $(addprefix db/test_,copy disk disk_damage statements store sync) \
	$(addprefix daemon/test_,backup disk health seen watch) \
	$(foreach f,blocks front_client life,$(call family,daemon/test_$(f)))
TSAN_E2E := test_burst test_image_life test_watch
tsan:
	@$(BUILD) SAN=thread all $(addprefix build/tsan/tests/,$(TSAN_UNIT))
	@B=build/tsan sh tests/tools/tsan.sh "$(TSAN_UNIT)" "$(TSAN_E2E)"

# Valgrind sees what ASan does not, above all bytes that nobody has set. It
# takes thirty times as long, so: what reads bytes of others (test_cose, which
# makes keys, takes minutes), and one of each kind of code that has its own
# memory; then a daemon.
MEMCHECK_UNIT := $(addprefix lib/test_,audit block bootreport cbor certmap \
	conf csv get get_answer get_refuse manifest manifest_dialect msg rd \
	report rights select trust trust_entry uri) \
	$(addprefix db/test_store_,audit credential device job) \
	$(addprefix daemon/test_front_,block1 dedup) \
	$(foreach f,blocks engine front_observe,$(call family,daemon/test_$(f))) \
	cli/test_list device/test_coap device/test_storage
MEMCHECK_E2E := test_wire
memcheck:
	@sh config/deps.sh build test memcheck
	@$(BUILD) all $(addprefix $(B)/tests/,$(MEMCHECK_UNIT))
	@B=$(B) sh tests/tools/memcheck.sh "$(MEMCHECK_UNIT)" "$(MEMCHECK_E2E)"

# What the programs consist of, for who must know where a library is.
sbom: all
	@python3 config/sbom.py $(B) $(VERSION) > $(B)/suitd.cdx.json.tmp
	@mv $(B)/suitd.cdx.json.tmp $(B)/suitd.cdx.json
	@echo $(B)/suitd.cdx.json

# gcc -fanalyzer, clang-tidy and cppcheck, against what a person has looked at.
analyze:
	@sh config/deps.sh build test analyze
	@python3 tests/tools/analyze.py
flags:
	@echo '$(CSTD) -I. -DSUITD_VERSION="\"$(VERSION)\"" -DSUITD_DEBUG=0'

unit: $(UNIT)
	@B=$(B) sh tests/tools/run-unit.sh $(UNIT)
fuzz-replay: $(FUZZ)
	@B=$(B) sh tests/tools/fuzz-replay.sh $(FUZZ)
vectors: $(B)/tests/lib/test_vectors
	$<

# Everything a fresh machine needs comes from config/packages. What is built
# on the way to something else is built on all processors, and quietly.
BUILD = $(MAKE) --no-print-directory -s -j$$(nproc) $(if $(V),,QUIET=1)
deps:
	@sh config/deps.sh build
deps-test:
	@sh config/deps.sh build test
demo: deps
	@echo "building $(BINS)"
	@$(BUILD) all
	@bash tests/tools/demo.sh $(B)
check: deps-test
	@echo "building, warnings are errors"
	@$(BUILD) everything
	@SAN=$(SAN) bash tests/tools/check.sh $(B)
check-deploy:
	@sh config/deps.sh build test deploy
	@$(BUILD) everything
	@bash tests/tools/check.sh $(B) deploy
e2e: all $(PRELOAD) $(B)/tests/bench/coapgen
	@bash tests/tools/check.sh $(B) e2e

# Figures, never verdicts: a missed bar is marked in the table, exit 0.
# A program for each file, but gen_*.c, which are coapgen's, and test_*.c.
BENCH_gen := $(wildcard tests/bench/gen_*.c)
BENCH := $(filter-out $(TESTS_bench),$(patsubst tests/%.c,$(B)/tests/%,$(filter-out \
	$(BENCH_gen),$(call srcs,tests/bench))))
BENCH_coapgen := $(filter %/coapgen,$(BENCH))
BENCH_daemon := $(filter %/plan,$(BENCH))
$(BENCH_coapgen): $(B)/tests/%: $(B)/obj/tests/%.o $(call objs,$(BENCH_gen)) \
		$(A_LIB)
	@mkdir -p $(@D)
	$(link) -lssl $(LIB_LIBS)
$(filter-out $(BENCH_coapgen) $(BENCH_daemon),$(BENCH)): $(B)/tests/%: $(B)/obj/tests/%.o \
		$(A_DB) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(DB_LIBS) $(LIB_LIBS)
$(BENCH_daemon): $(B)/tests/%: $(B)/obj/tests/%.o $(A_DAEMON) $(A_DB) $(A_LIB)
	@mkdir -p $(@D)
	$(link) $(COAP_LIBS) $(LOOP_LIBS) $(DB_LIBS) $(LIB_LIBS) -lcmocka
everything: all $(UNIT) $(FUZZ) $(BENCH) $(PRELOAD) $(B)/sim/sim
bench:
	@sh config/deps.sh build bench
	@$(BUILD) all $(BENCH)
	@B=$(B) python3 tests/bench/bench.py $(ONLY)

MANS := $(patsubst docs/man/%.scd,$(B)/man/%,$(wildcard docs/man/*.scd))
man: $(MANS)
$(B)/man/%: docs/man/%.scd
	@mkdir -p $(@D)
	$(Q)scdoc < $< > $@.tmp && mv $@.tmp $@

# What a device is made of: the core and the exchanges. The headers, with what
# these include, go out together with whatever is behind one of them and with
# what that needs of lib/, as the linker finds it, in one archive. The fleet of
# suitsim (sim_*) stays here.
SDK_H = $(call once,SDK_H,$(sort $(filter %.h,$(shell $(CC) -I. -MM \
	device/suitdev.h device/exch.h device/dtls.h lib/text.h lib/uri.h))))
SDK_O = $(filter-out $(B)/obj/device/sim_%.o,$(DEV_O)) $(sort $(call objs,$(foreach h,$(filter \
	lib/%,$(SDK_H)),$(wildcard $(h:.h=.c) $(h:.h=_*.c)))))
$(B)/sdk/libsuitdev.a: $(DEV_O) $(A_LIB)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(CC) -r -nostdlib -Wl,-M -o $@.o $(SDK_O) $(A_LIB) >$@.map
	$(Q)ar qcs $@ $(SDK_O) $$(sed -n 's/^[^ ]*libsuit\.a(\([^)]*\)).*/\1/p' $@.map | \
	    sort -u | sed 's,^,$(B)/obj/lib/,')
	@rm -f $@.o $@.map

# Where things go. Nothing is written but under DESTDIR, nothing is started.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
INST = B=$(B) VERSION=$(VERSION) $(foreach v,DESTDIR PREFIX BINDIR SBINDIR LIBDIR \
	INCLUDEDIR DATADIR SYSCONFDIR UNITDIR SYSUSERSDIR TMPFILESDIR,$(v)='$($(v))') \
	sh config/install.sh
install: all man $(B)/sdk/libsuitdev.a
	@$(INST) install $(SDK_H)
uninstall:
	@$(INST) uninstall $(SDK_H)

# Debian packages of the last commit
deb:
	@sh config/deps.sh build deb
	@B=$(B) bash config/deb.sh

layers:
	@sh tests/tools/layers.sh
style:
	@sh tests/tools/style.sh

clean:
	rm -rf build

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
