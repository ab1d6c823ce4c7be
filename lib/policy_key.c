/*
 * policy_key: the rules of campaigns as a table, and the values of its types
 * from text and back. To change a rule is to change a line here.
 */
#include "lib/policy.h"

#include <inttypes.h>

#include "lib/near.h"
#include "lib/policy_value.h"
#include "lib/text.h"

#define OFF(m) offsetof(struct policy, m)
#define DAY 86400u
#define YEAR_9999 UINT64_C(253402300799)

const struct policy_key policy_keys[] = {
	{"waves", POLICY_T_WAVES, OFF(wave), "1%:10,10%,50%,100%", 1,
	    LIMIT_DEVICES, NULL,
	    "Devices in all by each wave: a share, with :N at least N, or a "
	    "count; 100% is last."},
	{"soak", POLICY_T_SECONDS, OFF(soak), "1h", 0, 90 * DAY, NULL,
	    "How long a wave's criteria must hold before the next one opens."},
	{"sample", POLICY_T_NUMBER, OFF(sample), "10", 1, LIMIT_DEVICES, NULL,
	    "Least outcomes to judge by; a smaller wave counts as its size."},
	{"confidence", POLICY_T_PERCENT, OFF(confidence), "95%", 50, 99, NULL,
	    "Of the bounds that gates use, one-sided."},
	{"broke", POLICY_T_RATE, OFF(broke), "5%", 0, POLICY_WHOLE, NULL,
	    "Stop when more than this share broke, beyond doubt."},
	{"unreachable", POLICY_T_RATE, OFF(unreachable), "50%", 0,
	    POLICY_WHOLE, NULL,
	    "Stop when more than this share cannot be reached, beyond doubt."},
	{"success", POLICY_T_RATE, OFF(success), "60%", 0, POLICY_WHOLE, NULL,
	    "Go on only if at least this share is done, beyond doubt."},
	{"settle", POLICY_T_RATE, OFF(settle), "90%", 0, POLICY_WHOLE, NULL,
	    "Go on only if this share of the devices that can be tried has "
	    "an outcome."},
	{"on_failure", POLICY_T_CHOICE, OFF(on_failure), "pause", 0, 0,
	    "pause|abort|rollback", "What a stop does."},
	{"rollback", POLICY_T_NUMBER64, OFF(rollback), "0", 0, INT64_MAX, NULL,
	    "The release to roll back to, published with a higher sequence; "
	    "0: none."},
	{"concurrency", POLICY_T_NUMBER, OFF(concurrency), "50", 1, 100000,
	    NULL, "Devices in an attempt at the same time."},
	{"rate", POLICY_T_NUMBER, OFF(rate), "0", 0, 1000000, NULL,
	    "Starts per minute; 0: unlimited."},
	{"rate_factor", POLICY_T_FACTOR, OFF(rate_factor), "1.0", 100, 500,
	    NULL, "The rate is multiplied by this after each rate_step."},
	{"rate_step", POLICY_T_NUMBER, OFF(rate_step), "0", 0, LIMIT_DEVICES,
	    NULL, "Proven successes until the rate grows; 0: never."},
	{"rate_max", POLICY_T_NUMBER, OFF(rate_max), "0", 0, 1000000, NULL,
	    "Where the rate stops to grow; 0: nowhere."},
	{"start", POLICY_T_TIME, OFF(start), "0", 0, YEAR_9999, NULL,
	    "Not before: Unix seconds or 2026-12-01T02:00Z; 0: at once."},
	{"window", POLICY_T_TEXT, OFF(window), "", 0, LIMIT_WINDOW, NULL,
	    "The maintenance window in which attempts start; empty: always."},
	{"silent", POLICY_T_SECONDS, OFF(silent), "0", 0, 3650 * DAY, NULL,
	    "Leave out devices that were silent for longer; 0: none."},
	{"grade", POLICY_T_CHOICE, OFF(grade), "L0", 0, 0, "L0|L1|L2",
	    "Least grade of the evidence that counts at all."},
	{"grade_nonce", POLICY_T_BOOL, OFF(grade_nonce), "no", 0, 0, NULL,
	    "Count a boot report as L2 only with a fresh nonce of suitd."},
	{"credential", POLICY_T_BOOL, OFF(credential), "no", 0, 0, NULL,
	    "Leave out devices without a credential."},
	{"from", POLICY_T_NUMBER64, OFF(from), "0", 0, UINT64_MAX, NULL,
	    "Devices below this sequence must pass through another release "
	    "first."},
	{"approval", POLICY_T_BOOL, OFF(approval), "no", 0, 0, NULL,
	    "A second operator must approve the plan."},
	{"continuous", POLICY_T_BOOL, OFF(continuous), "no", 0, 0, NULL,
	    "Take in devices that match later."},
	{"attempts", POLICY_T_PERCENT, OFF(attempts), "0%", 0, 10000, NULL,
	    "Attempts of the whole campaign, in percent of its devices; "
	    "0: unlimited."},
	{"expire", POLICY_T_SECONDS, OFF(expire), "0", 0, 3650 * DAY, NULL,
	    "After the start, when what still waits is given up; 0: never."},
	{"announce", POLICY_T_SECONDS, OFF(announce), "0", 0, 30 * DAY, NULL,
	    "The spread of answers that pushes announce; 0: none."},
	{"forgive_broke", POLICY_T_NUMBER64, OFF(forgive_broke), "0", 0,
	    INT64_MAX, NULL,
	    "Broken devices that the gate leaves out; set by resume."},
	{"forgive_unreachable", POLICY_T_NUMBER64, OFF(forgive_unreachable),
	    "0", 0, INT64_MAX, NULL, "Likewise unreachable ones."},
	{"forgive_recovery", POLICY_T_NUMBER64, OFF(forgive_recovery), "0", 0,
	    INT64_MAX, NULL, "Likewise devices in recovery mode."},
	{"forgive_attempts", POLICY_T_NUMBER64, OFF(forgive_attempts), "0", 0,
	    INT64_MAX, NULL, "Likewise attempts."},
	{NULL, POLICY_T_NUMBER, 0, NULL, 0, 0, NULL, NULL},
};

/* What a value must look like. */
static const char *const shapes[] = {
	[POLICY_T_WAVES] = "waves such as 1%:10,10%,100% or 10,100,100%",
	[POLICY_T_NUMBER] = "a number",
	[POLICY_T_NUMBER64] = "a number",
	[POLICY_T_PERCENT] = "a whole percentage such as 95%",
	[POLICY_T_RATE] = "a percentage such as 5% or 0.25%",
	[POLICY_T_FACTOR] = "a factor such as 1.5",
	[POLICY_T_SECONDS] = "a duration such as 90s, 15m, 1h or 7d",
	[POLICY_T_TIME] = "Unix seconds or a time such as 2026-12-01T02:00Z",
	[POLICY_T_BOOL] = "yes or no",
	[POLICY_T_TEXT] = "text without control characters, '\"' and '\\'",
};

static const struct policy_key *
key_find(struct slice name)
{
	for (const struct policy_key *k = policy_keys; k->name != NULL; k++)
		if (slice_eq_str(name, k->name))
			return k;
	return NULL;
}

static int
key_unknown(struct slice key, struct why *why)
{
	const char *best = NULL;
	unsigned d, best_d = NEAR_MAX + 1;
	char name[NEAR_MAX + 1], shown[80];

	if (slice_to_cstr(key, name, sizeof(name)))
		for (const struct policy_key *k = policy_keys; k->name; k++) {
			d = near_distance(name, k->name);
			if (d >= best_d || !near_match(name, k->name))
				continue;
			best = k->name;
			best_d = d;
		}
	text_escape(key, shown, sizeof(shown));
	return why_set(why, ERR_NOT_FOUND, "%s: unknown key%s%s%s", shown,
	    best ? "; did you mean " : "", best ? best : "", best ? "?" : "");
}

static int
waves_set(const struct policy_key *k, struct slice value, struct policy *p,
    struct why *why)
{
	struct policy_wave w[POLICY_WAVES] = {{0, 0}};
	uint32_t n;
	int rc = policy_waves_parse(value, w, &n);

	switch (rc) {
	case 0:
		memcpy(p->wave, w, sizeof(w));
		p->wave_count = n;
		return 0;
	case ERR_SIZE:
		return why_set(why, rc, "%s: more than %d", k->name,
		    POLICY_WAVES);
	case ERR_RANGE:
		return why_set(why, rc, "%s: a share is 0.01%% .. 100%%, a "
		    "count 1 .. %d", k->name, LIMIT_DEVICES);
	case ERR_ORDER:
		return why_set(why, rc, "%s: shares and counts must rise, and "
		    "the last is 100%%", k->name);
	default:
		return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
		    shapes[k->type]);
	}
}

static int
text_set(const struct policy_key *k, struct slice value, char *at,
    struct why *why)
{
	bool ok = text_utf8_ok(value);

	if (value.n > k->max)
		return why_set(why, ERR_SIZE, "%s: more than %" PRIu64
		    " bytes", k->name, k->max);
	for (size_t i = 0; i < value.n; i++)
		ok = ok && value.p[i] >= ' ' && value.p[i] != 0x7f &&
		    value.p[i] != '"' && value.p[i] != '\\';
	if (!ok)
		return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
		    shapes[k->type]);
	/* the rest as well: policies are compared as bytes */
	memset(at, 0, k->max + 1);
	if (value.n > 0)
		memcpy(at, value.p, value.n);
	return 0;
}

static int
word_set(const struct policy_key *k, struct slice value, void *at,
    struct why *why)
{
	bool yes_no = k->type == POLICY_T_BOOL;
	int i = policy_word(yes_no ? "no|yes|false|true|off|on" : k->words,
	    value);

	if (i < 0)
		return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
		    yes_no ? shapes[k->type] : k->words);
	if (yes_no)
		*(bool *)at = i & 1;
	else
		*(int *)at = i;
	return 0;
}

static int
number_parse(enum policy_type type, struct slice value, uint64_t *ret)
{
	switch (type) {
	case POLICY_T_PERCENT:
		if (value.n > 0 && value.p[value.n - 1] == '%')
			value.n--;
		return text_u64(value, ret);
	case POLICY_T_RATE:
		if (value.n > 0 && value.p[value.n - 1] == '%')
			value.n--;
		return policy_hundredths(value, ret);
	case POLICY_T_FACTOR:
		return policy_hundredths(value, ret);
	case POLICY_T_SECONDS:
		return policy_seconds(value, ret);
	case POLICY_T_TIME:
		return policy_time(value, ret);
	default:
		return text_u64(value, ret);
	}
}

static bool
is_wide(enum policy_type type)
{
	return type == POLICY_T_NUMBER64 || type == POLICY_T_SECONDS ||
	    type == POLICY_T_TIME;
}

static int
number_set(const struct policy_key *k, struct slice value, void *at,
    struct why *why)
{
	uint8_t low[40], high[40];
	struct buf l = buf_of(low, sizeof(low)), h = buf_of(high, sizeof(high));
	uint64_t u = 0;
	int rc = number_parse(k->type, value, &u);

	if (rc == ERR_RANGE || (rc == 0 && (u < k->min || u > k->max))) {
		policy_number_put(k->type, k->min, &l);
		policy_number_put(k->type, k->max, &h);
		return why_set(why, ERR_RANGE, "%s: not within %.*s .. %.*s",
		    k->name, (int)l.n, (char *)low, (int)h.n, (char *)high);
	}
	if (rc != 0)
		return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
		    shapes[k->type]);
	if (is_wide(k->type)) /* what is signed has a max below 2^63 */
		*(uint64_t *)at = u;
	else
		*(uint32_t *)at = (uint32_t)u;
	return 0;
}

int
policy_set(struct policy *p, struct slice key, struct slice value,
    struct why *why)
{
	const struct policy_key *k = key_find(key);
	char *at;

	if (k == NULL)
		return key_unknown(key, why);
	at = (char *)p + k->off;
	switch (k->type) {
	case POLICY_T_WAVES:
		return waves_set(k, value, p, why);
	case POLICY_T_TEXT:
		return text_set(k, value, at, why);
	case POLICY_T_BOOL:
	case POLICY_T_CHOICE:
		return word_set(k, value, at, why);
	default:
		return number_set(k, value, at, why);
	}
}

static void
text_put(const char *s, struct buf *out)
{
	const char *quote = s[0] == '\0' || strpbrk(s, " '") != NULL ?
	    "\"" : ""; /* which no text has inside */

	buf_puts(out, quote);
	buf_puts(out, s);
	buf_puts(out, quote);
}

void
policy_key_put(const struct policy_key *k, const struct policy *p,
    struct buf *out)
{
	const char *at = (const char *)p + k->off;

	switch (k->type) {
	case POLICY_T_WAVES:
		policy_waves_put(p->wave, p->wave_count, out);
		break;
	case POLICY_T_TEXT:
		text_put(at, out);
		break;
	case POLICY_T_BOOL:
		buf_puts(out, *(const bool *)at ? "yes" : "no");
		break;
	case POLICY_T_CHOICE:
		policy_word_put(k->words, *(const int *)at, out);
		break;
	default:
		policy_number_put(k->type, is_wide(k->type) ?
		    *(const uint64_t *)at : *(const uint32_t *)at, out);
		break;
	}
}
