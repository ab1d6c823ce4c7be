/*
 * sim: a fleet of suitdev devices in one process, on libevent.
 *
 *   sim_args.c   the command line
 *   sim_net.c    sockets, and the wire that loses, doubles and delays
 *   sim_dev.c    one device: core, storage, exchanges, power
 *   sim_fault.c  what is wrong with it, and when it sleeps
 *   sim_attest.c its bootloader's key
 *   sim_show.c   progress, table, JSON
 *
 * Each device has an address of its own (127.1.0.1 and on), for a server
 * sees devices by address. The wire is not a relay: every datagram passes
 * through our hands when it leaves and when it comes in, so it is lost,
 * doubled or delayed right there, the server's own requests included. That
 * saves a second socket per device and half of the system calls.
 *
 * Two clocks: the network's is real; the cores' runs `scale` times faster,
 * so that polls, back-off and reboots take less time and exchanges do not.
 */
#ifndef SUITD_DEVICE_SIM_H
#define SUITD_DEVICE_SIM_H

#include <event2/event.h>

#include "device/dtls.h"
#include "device/exch.h"
#include "device/suitdev.h"
#include "lib/cose.h"

#define SIM_DEVICES 50000
#define SIM_KINDS 6
#define SIM_NEWER_SEQ 4000000000u /* above Unix times as well */

extern const struct suitdev_kind *const sim_kinds[SIM_KINDS];

/* What is wrong with a device: one thing at most. */
enum sim_fault {
	SIM_SOUND,
	SIM_BRICK, /* never starts again once it has installed */
	SIM_BAD_BOOT, /* no new image comes up */
	SIM_MUTE, /* takes triggers and never fetches */
	SIM_FAULTS,
};

enum sim_result {
	SIM_PENDING,
	SIM_UPDATED,
	SIM_NEWER,
	SIM_REFUSED,
	SIM_BRICKED,
	SIM_ROLLED_BACK,
	SIM_RECOVERY,
	SIM_MUTED,
	SIM_RESULTS,
};

struct sim_args {
	const char *server; /* coap://host[:port] */
	unsigned n;
	unsigned mix[SIM_KINDS]; /* by the order of sim_kinds */
	const char *class_name, *vendor_name;
	char class_path[33]; /* how devices name their class: 32 hex digits */
	uint8_t class_id[16], vendor[16];
	const char *prefix;
	const char *psk_file;
	const char *attest_dir; /* keys of bootloaders; NULL: they have none */
	bool attest_nonce;
	double loss, dup; /* 0 to 1 */
	int delay_ms; /* at most; each datagram draws its own */
	unsigned kill_n, kill_percent;
	double kill_s; /* back after */
	double share[SIM_FAULTS]; /* of the devices, 0 to 1 */
	bool single_slot;
	double sleep_s, awake_s; /* in turn; core seconds; 0: never asleep */
	uint32_t boot_spread; /* core seconds; 0: the core's default */
	unsigned newer;
	uint64_t seq;
	uint64_t seed;
	uint32_t addr_base; /* host order; 0: the system chooses */
	uint16_t port; /* of devices that can be triggered */
	double until; /* seconds; 0: until done */
	double linger; /* seconds to stay after that */
	double scale;
	int ack_timeout;
	uint32_t poll;
	bool json, list, verbose;
	struct cose_keyring keys;
	uint8_t trust[LIMIT_TRUST_LIST + 1]; /* the first list */
	size_t trust_n; /* 0: none */
	bool fresh; /* devices ask whether a manifest is current */
};
/* 0; 1: exit 0 at once (--help); ERR_*: said on stderr, exit 2. */
int sim_args_parse(int argc, char **argv, struct sim_args *ret) MUST_USE;
void sim_args_fini(struct sim_args *a);

struct sim_dev {
	struct sim *sim;
	unsigned index;
	char ep[LIMIT_EP + 1];
	const struct suitdev_kind *kind;
	bool newer; /* runs a sequence above the release's */
	bool kill, killed; /* to die on the way; has died */
	enum sim_fault fault;
	bool probed; /* somebody asked for the slot that runs it now */
	bool on;
	uint64_t start_seq;
	struct suitdev core;
	struct storage_ram ram;
	struct exch exch;
	uint8_t *manifest;
	struct suitdev_trust *trust; /* NULL: of no list */

	int fd, fetch_fd; /* the second: RIOT's, new for each transfer */
	struct event *ev, *fetch_ev, *timer;
	unsigned power; /* count of power cycles: older packets are void */
	struct dtls *dtls;
	bool dtls_over; /* ended; freed when nobody is inside of it */
	uint8_t psk[LIMIT_PSK_KEY];
	size_t psk_n;
	struct suitdev_attest attest;
	struct cose_key *boot_key; /* NULL: none */

	uint64_t attempts, blocks, repeats; /* over power cycles */
	enum sim_result result;
	int64_t ended; /* real ms since the start */
};

struct sim_packet;

struct sim {
	struct sim_args args;
	struct event_base *base;
	int64_t t0;
	struct sim_dev *dev;
	struct exch_peer server;
	bool secure;
	struct dtls_ctx *dtls_ctx;
	uint64_t rnd; /* of the wire */
	struct sim_packet *delayed;
	uint64_t passed, lost, doubled;
	unsigned ended;
	bool leaving;
	bool tty;
	struct event *show;
};

int64_t sim_now(const struct sim *s); /* real ms since the start */

/* sim_fault.c: pure; `now` is the core's clock, ms */
enum sim_fault sim_fault_draw(const struct sim_args *a, unsigned index);
/* How a device with that fault is expected to end. */
enum sim_result sim_fault_end(const struct sim_args *a, enum sim_fault f);
/* Whether it sleeps now, and until when. Each begins at its own point. */
bool sim_asleep(const struct sim_args *a, unsigned index, int64_t now,
    int64_t *ret_until);

/* sim_net.c */
int sim_net_server(struct sim *s, struct why *why) MUST_USE;
bool sim_net_loopback(const struct sim *s); /* the server is on 127/8 */
int sim_net_open(struct sim_dev *d) MUST_USE;
int sim_net_fresh(struct sim_dev *d) MUST_USE; /* RIOT's new port */
void sim_net_close(struct sim_dev *d);
void sim_net_send(struct sim_dev *d, const struct exch_peer *to,
    struct slice dgram);
/* Resolves what a device fetches; relative ones lie on the server. */
int sim_net_target(struct sim *s, const char *uri, struct exch_target *ret)
    MUST_USE;
void sim_net_fini(struct sim *s); /* delayed packets */
/* "coap://127.1.0.1:5690", where a device can be triggered. */
char *sim_net_address(const struct sim_dev *d, char *dst, size_t cap);

/* sim_dev.c */
int sim_dev_new(struct sim *s, unsigned index) MUST_USE;
void sim_dev_free(struct sim_dev *d);
int sim_dev_power_on(struct sim_dev *d) MUST_USE;
/* A datagram that the wire let through. */
void sim_dev_input(struct sim_dev *d, const struct exch_peer *from,
    struct slice dgram);
/* Runs core and exchanges as far as time allows. */
void sim_dev_run(struct sim_dev *d);

/* sim_attest.c: says what is wrong */
int sim_attest(struct sim_dev *d) MUST_USE;

/* sim_show.c */
void sim_show_list(const struct sim *s);
void sim_show_progress(struct sim *s);
void sim_show_line(const struct sim_dev *d, const char *fmt, ...) PRINTF(2, 3);
void sim_show_end(struct sim *s);

#endif
