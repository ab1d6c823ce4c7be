/*
 * gen: what the parts of coapgen share: the devices, what was counted, and
 * the steps of a run. One thread.
 */
#ifndef SUITD_BENCH_GEN_H
#define SUITD_BENCH_GEN_H

#include "tests/bench/gen_args.h"
#include "tests/bench/gen_hist.h"
#include "tests/bench/gen_net.h"
#include "tests/bench/gen_tls.h"
#include "tests/bench/gen_wheel.h"
#include "tests/bench/gen_wire.h"

enum dev_state {
	DEV_IDLE, /* in the queue of those that may ask next */
	DEV_WAIT, /* for an answer; its timer repeats the request */
	DEV_THINK,
	DEV_SHAKE, /* DTLS; its timer is OpenSSL's */
	DEV_WATCH, /* registered; no timer */
	DEV_OVER,
};

/* A million of them: no more than a cache line. */
struct dev {
	struct wheel_link link; /* first: the wheel's, or the queue's */
	uint32_t sent; /* us, low bits: first transmission */
	uint32_t timeout; /* ms, of this transmission */
	uint32_t item; /* block, or body */
	uint32_t made; /* requests, images or notifications of --each */
	uint32_t seen; /* number of the last notification */
	uint16_t mid;
	uint8_t state; /* enum dev_state */
	uint8_t tries;
	bool spoilt; /* this image lacks a block, or has a wrong one */
};

_Static_assert(sizeof(struct dev) <= 64, "a cache line");

/* Everything up to the end of the measured time; `late` is what came later. */
struct tally {
	uint64_t done, bad, retransmissions, given_up, strays, late;
	uint64_t answer_bytes, images, registered, notifications;
	uint64_t handshakes, refused, lost_sessions;
	uint64_t codes[256];
	uint64_t first_us, last_us; /* notifications, since the start */
	struct hist latency;
	struct hist overslept; /* how much later than due a thinker asked */
};

struct gen {
	const struct gen_args *a;
	struct net *net;
	struct tls *tls; /* NULL: UDP */
	struct wire wire;
	struct wheel wheel;
	struct dev *dev;
	struct slice image; /* empty: answers' bytes are not compared */
	uint32_t blocks; /* of the image; 0: none */
	struct slice etag; /* the first that was seen; all are the same */
	uint8_t etag_bytes[8];
	uint32_t head, tail; /* the queue */
	uint32_t unshaken; /* at its head: have not begun a handshake */
	uint32_t shaken; /* handshakes that are over, well or not */
	uint32_t in_sight, over;
	uint64_t issued, luck;
	uint64_t origin, now, start; /* us; start: of what is measured */
	double handshake_seconds, cpu_start;
	bool shaking, stopping;
	unsigned complaints;
	struct tally t;
};

/* --- gen_check.c: is it the right answer? 0, or ERR_, also in *why --- */
int check_answer(struct gen *g, uint32_t k, const struct wire_answer *a,
    struct why *why);
int check_notification(struct gen *g, uint32_t k,
    const struct wire_answer *a, struct why *why);
/* 205 for 2.05 */
unsigned code_number(uint8_t code);

/* --- gen_dev.c: what devices do --- */
int dev_init(struct gen *g) MUST_USE;
/* With --think: all of the queue begin at times of their own. */
void dev_scatter(struct gen *g);
/* Those whose turn it is ask, as far as the window is open. */
void dev_turns(struct gen *g);
/* For net_receive and wheel_advance; `arg` is the gen. */
void dev_datagram(void *arg, uint32_t k, struct slice datagram);
void dev_due(void *arg, uint32_t k);
/* Counts a wrong answer and tells a person of the first few. */
void dev_bad(struct gen *g, uint32_t k, const char *what);

/* --- gen_ask.c: one request of one device --- */
/* Sends, or sends again, what the device asks; its timer is set. */
void ask_send(struct gen *g, uint32_t k);
/* The next request; its timer must not be set. */
void ask_begin(struct gen *g, uint32_t k);
/* A CoAP message for this device. */
void ask_message(struct gen *g, uint32_t k, struct slice message);
/* Its timer: again, or given up. */
void ask_due(struct gen *g, uint32_t k);

/* --- gen_queue.c: who is next --- */
void queue_put(struct gen *g, uint32_t k);
uint32_t queue_take(struct gen *g); /* WHEEL_NONE when empty */

/* --- gen_run.c --- */
int gen_run(struct gen *g, struct why *why) MUST_USE;
uint64_t gen_clock(void); /* monotonic, us */

/* --- gen_show.c --- */
struct span {
	double seconds, cpu;
};
void show_json(const struct gen *g, const struct span *s);
void show_progress(const struct gen *g);

/* --- gen_echo.c --- */
int echo_run(const struct gen_args *a, struct why *why) MUST_USE;

#endif
