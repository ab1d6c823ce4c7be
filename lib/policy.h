/*
 * policy: how a campaign goes through its waves, as one line of text and as
 * a pure decision.
 *
 * The line is `key=value` words separated by blanks. A value with blanks in
 * it is put in double quotes, window="Sa,Su 02:00-05:00 Europe/Berlin"; a
 * quoted value ends at the next quote, nothing is escaped, and no value can
 * hold a quote. Single quotes do as well, so that a line can stand inside of
 * double ones. (Blanks written as '_' were rejected: names of time zones
 * have '_'.) The keys are the table in policy_key.c, and nowhere else.
 *
 * Durations are in seconds, as written. Instants are Unix milliseconds, as
 * everywhere, but for `start`, which is written by people: Unix seconds.
 */
#ifndef SUITD_LIB_POLICY_H
#define SUITD_LIB_POLICY_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"
#include "lib/track.h"

#define POLICY_WAVES 8
#define POLICY_WHOLE 10000 /* 100 % in hundredths of a percent */

enum policy_action {
	POLICY_PAUSE, /* no new starts until an operator says so */
	POLICY_ABORT,
	POLICY_ROLLBACK, /* abort, and bring the release `rollback` to those
	                    that were attempted; pause if that cannot be */
};

/* Open until this many devices are in, counted from the first wave on. */
struct policy_wave {
	uint32_t share; /* of all devices, hundredths of a percent; 0: none */
	uint32_t least; /* at least so many devices in all; 0: no such word */
};

struct policy {
	uint32_t wave_count;
	struct policy_wave wave[POLICY_WAVES];
	int64_t soak;
	uint32_t sample; /* outcomes */
	uint32_t confidence; /* percent */
	uint32_t broke, unreachable, success, settle; /* hundredths of a
	                                                 percent */
	int on_failure; /* enum policy_action */
	uint64_t rollback; /* release; 0: none */
	uint32_t concurrency;
	uint32_t rate; /* starts per minute; 0: unlimited */
	uint32_t rate_factor; /* hundredths: 150 is 1.5 */
	uint32_t rate_step; /* proven successes per factor; 0: never */
	uint32_t rate_max; /* 0: none */
	int64_t start; /* Unix time in SECONDS; 0: at once */
	char window[LIMIT_WINDOW + 1]; /* maintenance window, not parsed here;
	                                  "": always */
	int64_t silent; /* 0: off */
	int grade; /* enum grade */
	bool grade_nonce; /* L2 only with a nonce of ours */
	bool credential;
	uint64_t from; /* sequence */
	bool approval;
	bool continuous;
	uint32_t attempts; /* percent of the devices; 0: unlimited */
	int64_t expire; /* after the start; 0: never */
	int64_t announce; /* 0: none */
	/* what an operator has looked at and gone on from: the gate counts
	 * only what came after */
	uint64_t forgive_broke, forgive_unreachable, forgive_recovery,
	    forgive_attempts;
};

enum policy_type {
	POLICY_T_WAVES, /* struct policy_wave[] and wave_count */
	POLICY_T_NUMBER, /* uint32_t */
	POLICY_T_NUMBER64, /* uint64_t */
	POLICY_T_PERCENT, /* uint32_t, whole percent; the '%' may be left out */
	POLICY_T_RATE, /* uint32_t, hundredths of a percent; likewise */
	POLICY_T_FACTOR, /* uint32_t, hundredths */
	POLICY_T_SECONDS, /* int64_t, a duration such as 90s 15m 1h 7d */
	POLICY_T_TIME, /* int64_t, Unix seconds or "2026-12-01T02:00Z" */
	POLICY_T_BOOL, /* bool */
	POLICY_T_CHOICE, /* int, one of `words` */
	POLICY_T_TEXT, /* up to `max` bytes, UTF-8 */
};

struct policy_key {
	const char *name; /* NULL ends the table */
	enum policy_type type;
	size_t off;
	const char *def;
	uint64_t min, max; /* in the unit of the member; of a text its bytes */
	const char *words; /* "pause|abort|rollback" */
	const char *help; /* one line */
};
extern const struct policy_key policy_keys[];

/* Every key at its default; padding too, so that memcmp compares. */
void policy_default(struct policy *ret);
/*
 * One key. The value is without quotes. ERR_NOT_FOUND for an unknown key
 * (with the one that was probably meant), ERR_TYPE, ERR_RANGE, ERR_SIZE (a
 * text or a list that is too long), ERR_ORDER (of waves). *p is untouched on
 * failure.
 */
int policy_set(struct policy *p, struct slice key, struct slice value,
    struct why *why) MUST_USE;
/*
 * The words of a line on top of *p. Also ERR_SIZE for more than LIMIT_POLICY
 * bytes, ERR_MALFORMED, ERR_TRUNCATED (a quote does not end), ERR_DUPLICATE.
 * On failure *p is untouched and *ret_column (may be NULL) the byte that is
 * wrong, counted from 1. policy_check is the caller's.
 */
int policy_parse(const char *line, struct policy *p, unsigned *ret_column,
    struct why *why) MUST_USE;
/* Rules across keys: ERR_MISSING, ERR_CONFLICT. */
int policy_check(const struct policy *p, struct why *why) MUST_USE;
/*
 * The canonical line: every key that differs from policy_default, in the
 * order of the table, without a NUL. At most LIMIT_POLICY bytes; on top of
 * policy_default it parses back to the same.
 */
void policy_print(const struct policy *p, struct buf *out);
/* One value as it stands in a line. */
void policy_key_put(const struct policy_key *k, const struct policy *p,
    struct buf *out);

/*
 * Devices of the open waves, each by its job. `fresh`, `asleep`, `active`,
 * `retrying`, `done`, `other` and what has failed for good do not overlap
 * and make up `size`. An outcome is `done`, `broke` or `unreachable`; of
 * those, the two last may be in `retrying` as well, and in no other.
 *
 * What a device says of itself below the policy's grade is no outcome, good
 * or bad: it is `weak`, and the gate waits for better evidence.
 */
struct policy_counts {
	uint64_t size;
	uint64_t fresh; /* never attempted, can be tried */
	uint64_t asleep; /* not in an attempt; waits for contact */
	uint64_t active; /* in an attempt, whatever came of earlier ones */
	uint64_t retrying; /* between attempts */
	uint64_t done;
	uint64_t broke; /* failed or retrying after class I, X or P */
	uint64_t unreachable; /* failed or retrying after class T */
	uint64_t other; /* cancelled, superseded, declined: no outcome */
	uint64_t weak; /* done, failed or retrying by evidence below the grade;
	                  may be in `retrying` as well */
	uint64_t recovery; /* devices that reported recovery mode */
	uint64_t told[GRADES]; /* outcomes that devices told, by grade; silence
	                          we have seen ourselves */
	/* of the whole campaign */
	uint64_t attempts, devices;
};

struct policy_view {
	int64_t now;
	unsigned wave, wave_count; /* open are the waves 1 .. wave */
	int64_t wave_opened; /* the last one */
	int64_t met; /* since when the criteria hold; 0: not yet */
	struct policy_counts n;
};

enum policy_verdict {
	POLICY_WAIT,
	POLICY_ADVANCE, /* open the next wave */
	POLICY_TRIP, /* do what on_failure says */
	POLICY_LAST, /* the last wave is open: nothing to decide */
};

enum policy_cause {
	POLICY_CAUSE_NONE, /* nothing holds it */
	POLICY_CAUSE_SAMPLE, /* too few outcomes to judge by */
	POLICY_CAUSE_SETTLE, /* too many devices have no outcome yet */
	POLICY_CAUSE_SUCCESS, /* too few proven successes */
	POLICY_CAUSE_SOAK, /* all is well, and has to stay so for a while */
	POLICY_CAUSE_BROKE, /* too many devices broke */
	POLICY_CAUSE_UNREACHABLE, /* too many devices cannot be reached */
	POLICY_CAUSE_RECOVERY, /* a device is in recovery mode */
	POLICY_CAUSE_ATTEMPTS, /* the campaign's attempts are spent */
};

#define POLICY_TEXT 200
struct policy_decision {
	enum policy_verdict verdict;
	enum policy_cause cause; /* of a trip or a wait, else NONE */
	bool met; /* the criteria hold now: to be kept as view.met (`now` if
	             it was 0), to be set to 0 if not, and when a wave opens */
	int64_t until; /* end of a soak; 0: not known */
	/* What decided: k of n, the rate, its bound (0 where none is used),
	 * and the limit that they were held against; 0 .. 1, but for
	 * ATTEMPTS, which may be above. */
	uint64_t k, n;
	double rate, bound, limit;
	int lowest; /* grade of the weakest evidence among the outcomes; GRADES
	               where none was told */
	char text[POLICY_TEXT]; /* for a person, without a full stop */
};

/*
 * Trips, in the last wave as well, in this order: any device in recovery
 * mode, at once; with at least `sample` outcomes (or the size of the open
 * waves, where that is smaller), if the lower bound of broke / outcomes is
 * above `broke`, or that of unreachable / outcomes above `unreachable`; and
 * if the budget of attempts is spent while devices still need some.
 *
 * Advances when the sample is there, `settle` of the devices of the open
 * waves that can be tried have an outcome (those asleep do not hold a gate;
 * those that wait for their turn do), the lower bound of done / outcomes
 * reaches `success`, and all of that held for `soak`, counted from the
 * opening of the wave at the earliest. Open waves that are so small that
 * even their full success would not reach `success` (5 devices at the
 * defaults) need just that full success.
 */
void policy_decide(const struct policy *p, const struct policy_view *v,
    struct policy_decision *ret);

#endif
