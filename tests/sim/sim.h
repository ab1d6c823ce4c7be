/*
 * sim: the daemon, its devices and their network in one process, under
 * virtual time (README.md has the language of the scenarios).
 *
 *   sim_main.c     the command line, the verdict
 *   sim_play.c     statements of a scenario
 *   sim_fleet.c    ... those that say what there is
 *   sim_metric.c   what EXPECT can ask for
 *   sim_count.c    what is counted while time passes
 *   sim_ops.c      the operator: the one file that knows campaigns
 *   sim_world.c    the daemon: started, killed, started again
 *   sim_clock.c    the loop: event queue, virtual clock, trace
 *   sim_front.c    the front: requests, held answers
 *   sim_observe.c  the front: observers
 *   sim_peer.c     the peer: requests to devices
 *   sim_dev.c      devices: power, sleep, what an installed image does
 *   sim_wire.c     devices: their exchanges, over a wire that loses
 *
 * Real are lib/, db/, the engine and the resources of daemon/, and device/.
 * Loop, front and peer are these: the linker takes them instead of the
 * archive's.
 */
#ifndef SUITD_TESTS_SIM_H
#define SUITD_TESTS_SIM_H

#include "daemon/front.h"
#include "daemon/loop.h"
#include "daemon/peer.h"
#include "daemon/suitd.h"
#include "device/suitdev.h"
#include "lib/cose.h"

#define SIM_NEVER INT64_MAX
#define SIM_EPOCH INT64_C(1767225600000) /* AT 0: 2026-01-01 00:00 UTC */
#define SIM_TRACE 40
#define SIM_TRACE_LINE 120
#define SIM_GROUPS 16
#define SIM_RELEASES 8
#define SIM_MANIFEST 1024
#define SIM_HOUR INT64_C(3600000)
#define SIM_TRIES 5 /* RFC 7252: MAX_RETRANSMIT and the first one */

struct sim;

/* What an event does; `n` is whatever sim_at was given. When s->over it
 * only gives back what `arg` holds. */
struct sim_event {
	int64_t at;
	uint64_t seq; /* of the same time the older one goes first */
	void (*fn)(struct sim *s, void *arg, int64_t n);
	void *arg;
	int64_t n;
};

struct loop {
	struct sim *s;
	int64_t timer_at; /* 0: not armed */
	void (*timer)(void *arg);
	void (*hook)(void *arg);
	void (*tick)(void *arg);
	void *timer_arg, *hook_arg, *tick_arg;
	int64_t tick_ms;
};

/* A device's request: one object for all datagrams that carry it. */
struct sim_req {
	unsigned refs;
	struct sim_dev *d;
	uint32_t id; /* of the exchange, grows over power cycles */
	unsigned method;
	char uri[200];
	bool have_block, observe;
	bool admission; /* asks for a manifest, first block */
	uint32_t num;
	uint8_t szx;
	int cf;
	size_t etag_n;
	uint8_t etag[8];
	size_t n;
	uint8_t payload[512];
};

/* An answer or a notification. */
struct sim_ans {
	unsigned refs;
	struct sim_dev *d;
	uint32_t id; /* of the exchange it answers */
	bool admission; /* of what it answers */
	struct suitdev_response r; /* slices point into bytes */
	uint8_t bytes[];
};


struct front {
	struct sim *s;
	struct sim_ans **held; /* until the commit */
	size_t held_n, held_cap;
	uint32_t *marked, *dirty; /* devices whose observer is to be told */
	size_t marked_n, dirty_n, dirty_at;
	uint64_t notes; /* notifications sent, numbers them */
};

struct peer {
	struct sim *s;
	size_t n;
	uint32_t next;
};

/* Who observes on behalf of a device, and what flies to it. */
struct sim_obs {
	bool on, queued, force;
	struct sim_req *rq; /* what is asked again */
	uint8_t etag_n, etag[8];
	struct sim_ans *note; /* not acknowledged yet */
	uint32_t note_id;
	unsigned tries;
	void (*done)(void *arg, int err);
	void *done_arg;
};

/* What is counted for the whole fleet, and for each group. */
struct sim_tally {
	unsigned n; /* devices */
	uint64_t requests; /* admission requests */
	uint64_t done, loading, loading_peak;
	uint64_t minute, bytes, bytes_peak; /* of images, in a minute */
};

struct sim_group {
	unsigned n, first; /* index of its first device */
	struct suitdev_kind kind;
	bool auth;
	bool attest; /* its bootloader has a key */
	bool rude; /* asks again at once, whatever Max-Age says */
	uint64_t seq;
	int64_t boot; /* powered on within this span */
	int64_t sleep, wake; /* 0: never sleeps */
	bool in_step; /* they all fall asleep at AT 0 */
	double gone; /* share */
	char prefix[24], tag_name[LIMIT_TAG_NAME + 1];
	char tag_value[LIMIT_TAG_VALUE + 1];
	unsigned net[2]; /* 10.1 of 10.1.x.y */
	struct sim_tally tally;
};

enum sim_fate { FATE_ALIVE, FATE_GONE, FATE_BRICKED };

struct sim_dev {
	struct suitdev core;
	struct storage_ram ram;
	uint8_t manifest[SIM_MANIFEST];
	struct sim *s;
	struct sim_group *g;
	unsigned index;
	char ep[40], addr[16], peer[24];
	enum sim_fate fate;
	bool on, asleep;
	int64_t armed; /* its event comes then */
	int64_t busy; /* the last block is being dealt with until then */
	int64_t phase; /* of its sleep */

	/* its exchange */
	struct sim_req *ask; /* NULL: none is out */
	uint32_t ask_id; /* the last one's number */
	unsigned tries;
	int64_t again, wait; /* repeated then; doubles */
	int64_t asked_at;
	unsigned session; /* DTLS: the daemon's life; 0: shakes hands next */
	uint32_t note_token; /* exchange of its observation; 0: none */
	uint32_t note_seen;

	/* requests to it: the first is out, the others wait (NSTART 1) */
	struct sim_push *push, **push_end;
	uint32_t push_seen;
	unsigned push_code; /* what it answered to that */

	struct suitdev_attest attest;
	struct cose_key *boot_key; /* NULL: none */

	/* at the server: what an exchange that must not run twice was told */
	struct sim_ans *memo;
	uint32_t memo_id;
	unsigned memo_life; /* of the daemon */
	bool memo_held;
	struct sim_obs obs;

	/* counted */
	bool done, loading; /* runs the release; an attempt is open */
	int64_t not_before; /* was told not to ask sooner */
	int64_t tried; /* its last exchange began */
	unsigned asks; /* admission requests that arrived */
};

/* What installing a release does; chances. */
struct sim_release {
	uint64_t seq;
	double brick, badboot;
	uint64_t id; /* 0: not published yet */
};

/* Of one minute since AT 0. */
struct sim_minute {
	uint32_t requests, busiest, done, active, loading;
};

struct sim_count {
	uint64_t forged; /* lies that were refused */
	uint64_t arrivals; /* datagrams of devices at the server */
	struct sim_tally all;
	int64_t second;
	uint64_t in_second, peak;
	int64_t peak_at, loading_peak_at, early_at; /* when first so */
	uint64_t loading_after_kill;
	int64_t active_peak, slots_peak;
	uint64_t inside_max_age, steered;
	uint64_t bricked, rolled_back, kills;
	int64_t done_at; /* the last one */
	int64_t longest_wait;
	struct sim_minute *minute;
	size_t minute_n;
};

/* The wire. */
struct sim_net {
	double drop, dup;
	int64_t lat_min, lat_max;
	int64_t dark_until; /* an outage */
	int64_t lie_until; /* an answer that the daemon never gave */
	unsigned lie_code;
	uint32_t lie_age;
};

enum sim_kill { KILL_NO, KILL_TURN, KILL_SENT };

struct sim {
	struct app app;
	struct loop loop;
	struct front front;
	struct peer peer;

	/* clock */
	int64_t now, start; /* start: AT 0, once it has come */
	int64_t at; /* of the last AT, since the start */
	struct sim_event *heap;
	size_t heap_n, heap_cap;
	uint64_t seq, events;
	bool over;
	uint64_t net_rnd, loop_rnd, dev_rnd;

	/* the daemon */
	bool sqlite, up;
	bool touched; /* its turn is to be ended */
	unsigned life; /* starts so far */
	enum sim_kill kill; /* dies at the next turn that writes */
	uint64_t commits; /* before this turn */
	char dir[200];
	struct cose_key *key;
	struct cose_keyring ring;
	uint8_t class_id[16], vendor[16];
	char class_hex[33];

	/* the scenario */
	const char *file;
	unsigned line;
	uint64_t seed;
	bool began, gate, fails, verbose;
	int64_t settle, block_ms;
	size_t image_n;
	uint8_t block_szx;
	struct sim_net net;
	struct sim_group group[SIM_GROUPS];
	size_t group_n;
	struct sim_release release[SIM_RELEASES];
	size_t release_n;
	struct sim_dev *dev;
	unsigned dev_n;

	struct sim_heard *heard; /* boot reports, by who listens */
	size_t heard_n;
	int64_t forge_until;

	/* the campaign that is looked at */
	uint64_t campaign, target_seq;
	unsigned slots, todo; /* devices that shall change */
	int64_t campaign_at;

	struct sim_count count;
	unsigned expected, missed;
	char verdict[200];
	char trace[SIM_TRACE][SIM_TRACE_LINE];
	uint64_t trace_n;
	struct why why;
};

/* sim_clock.c */
void sim_at(struct sim *s, int64_t at,
    void (*fn)(struct sim *s, void *arg, int64_t n), void *arg, int64_t n);
void sim_run(struct sim *s, int64_t until);
void sim_drain(struct sim *s); /* at the end: gives everything back */
void sim_trace(struct sim *s, const struct sim_dev *d, const char *fmt, ...)
    PRINTF(3, 4);
void sim_trace_print(const struct sim *s);
char *sim_time(int64_t ms, char dst[24]); /* "1h02m03.004s" */
void *sim_alloc(void *old, size_t n, size_t size); /* exits without memory */
double sim_chance(uint64_t *rnd); /* 0 up to 1 */
int64_t sim_below(uint64_t *rnd, int64_t n); /* 0 up to n - 1; 0 of none */

/* sim_boot.c: a device's bootloader, and its key in the store */
int sim_boot_init(struct sim_dev *d) MUST_USE;
int sim_boot_put(const struct sim_dev *d, uint64_t device) MUST_USE;
/* From now on, for so long, somebody lies once a second. */
void sim_forge(struct sim *s, int64_t ms);

/* sim_world.c: 0 or an error with s->why */
int sim_world_open(struct sim *s) MUST_USE;
int sim_world_begin(struct sim *s) MUST_USE; /* the set-up is read */
void sim_world_close(struct sim *s);
void sim_daemon_kill(struct sim *s);
int sim_daemon_start(struct sim *s) MUST_USE;
int sim_publish(struct sim *s, struct sim_release *r) MUST_USE;
void sim_turn(struct sim *s); /* the hook before sleep, kills included */
/* It has committed, and dies before anything leaves. */
bool sim_daemon_dying(struct sim *s);

/* sim_wire.c */
extern const struct suitdev_net sim_wire;
unsigned sim_copies(struct sim *s); /* 0: lost; 2: doubled */
bool sim_dark(const struct sim *s);
int64_t sim_latency(struct sim *s);
int64_t sim_ack_timeout(struct sim *s);
void sim_wire_again(struct sim_dev *d); /* the exchange's timer */
void sim_wire_answer(struct sim *s, struct sim_ans *a);
void sim_wire_forget(struct sim_dev *d);
struct sim_req *sim_req_ref(struct sim_req *r);
void sim_req_unref(struct sim_req *r); /* NULL is fine */
struct sim_ans *sim_ans_ref(struct sim_ans *a);
void sim_ans_unref(struct sim_ans *a);

/* sim_front.c */
void sim_front_request(struct sim *s, struct sim_req *rq);
struct sim_ans *sim_front_run(struct sim *s, struct sim_req *rq, bool notify,
    bool *ret_hold);
void sim_front_close(struct sim *s);

/* sim_observe.c */
void sim_obs_register(struct sim *s, struct sim_req *rq,
    const struct sim_ans *a);
void sim_obs_flush(struct sim *s, int commit_err);
void sim_obs_heard(struct sim_dev *d); /* a request of the device came */
void sim_obs_drop(struct sim_dev *d, int err);

/* sim_peer.c */
void sim_peer_close(struct sim *s);

/* sim_dev.c */
int sim_dev_init(struct sim *s, unsigned index, struct sim_group *g)
    MUST_USE;
void sim_dev_fini(struct sim_dev *d);
void sim_dev_power(struct sim_dev *d, bool on);
void sim_dev_run(struct sim_dev *d);
struct sim_dev *sim_dev_by_addr(struct sim *s, struct slice host);
struct sim_dev *sim_dev_by_ep(struct sim *s, const char *ep);
bool sim_dev_hears(const struct sim_dev *d);

/* sim_count.c */
void sim_count_arrival(struct sim *s, const struct sim_req *rq);
void sim_count_bytes(struct sim_dev *d, size_t n); /* of an image, sent */
void sim_count_try(struct sim_dev *d);
void sim_count_told(struct sim_dev *d, const struct sim_ans *a);
void sim_count_state(struct sim_dev *d); /* after each turn of it */
void sim_count_second(struct sim *s); /* the daemon's tick */
void sim_count_campaign(struct sim *s); /* one begins now */

/* sim_metric.c: false: missed, and said so; ERR_* for nonsense */
int sim_expect(struct sim *s, char *words, bool *ret_met) MUST_USE;
double sim_ideal(const struct sim *s); /* ms */
int sim_csv(const struct sim *s, const char *path) MUST_USE;

/* sim_ops.c */
struct ops_view {
	int64_t state; /* -1: there is no campaign */
	int64_t done, failed, live, active;
	int64_t slots; /* jobs that download */
};
int ops_start(struct sim *s, uint64_t release, char *words) MUST_USE;
int ops_do(struct sim *s, const char *verb) MUST_USE; /* "pause" ... */
void ops_view(struct sim *s, struct ops_view *ret);
int ops_state(const char *name); /* -1: no such state */
bool ops_ended(struct sim *s);

/* sim_play.c */
int sim_play(struct sim *s, char *text) MUST_USE;

/* sim_fleet.c: the rest of a line; 0 or an error with s->why */
char *sim_word(char **rest); /* NULL at the end */
int sim_ms(const char *text, int64_t *ret) MUST_USE; /* 10ms 5s 3m 8h 2d */
int sim_share(const char *text, double *ret) MUST_USE; /* 5% */
int sim_fleet(struct sim *s, char *rest) MUST_USE;
int sim_release(struct sim *s, char *rest) MUST_USE;
struct sim_release *sim_release_by(struct sim *s, uint64_t seq);

#endif
