#include "lib/conf_key.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/near.h"
#include "lib/text.h"

#define OFF(m) offsetof(struct conf, m)
#define RULE(c, m) OFF(track.backoff.rule[c].m)
#define DAY 86400u
/* Does a reload apply it? What is read from the configuration at each use
 * can be; sizes of what is made at the start, and sockets, cannot. */
#define LIVE true
#define START false

#define RETRY(name, c, what, head) \
	{"retry_" name "_base", CONF_MS, NULL, LIVE, \
	    RULE(c, base_ms), NULL, 1, 30 * DAY, \
	    NULL, head, "The least time before another try after " what "."}, \
	{"retry_" name "_cap", CONF_MS, NULL, LIVE, \
	    RULE(c, cap_ms), NULL, 1, 90 * DAY, \
	    NULL, NULL, "The most."}, \
	{"retry_" name "_attempts", CONF_NUMBER, "failures", LIVE, \
	    RULE(c, attempts), NULL, 0, 1000, NULL, NULL, \
	    "Failures of this class until suitd gives up; 0: never tried " \
	    "again\nwithout an operator."}

const struct conf_key conf_keys[] = {
	{"state_dir", CONF_TEXT, NULL, START,
	    OFF(state_dir), "/var/lib/suitd", 1, 255,
	    NULL, "Where things are",
	    "The database, the images and the operator's key. Option -d goes "
	    "before it."},
	{"listen_coap", CONF_ADDR, NULL, START,
	    OFF(listen_coap), "[::]:5683", 0, 0, NULL,
	    "Who can reach us. \"HOST:PORT\", \"[V6]:PORT\"; \"\" is off.",
	    "CoAP over UDP: open to everybody, devices are known by what they "
	    "say."},
	{"listen_coaps", CONF_ADDR, NULL, START,
	    OFF(listen_coaps), "[::]:5684", 0, 0, NULL,
	    NULL, "CoAP over DTLS with a key per device."},
	{"listen_tcp", CONF_ADDR, NULL, START,
	    OFF(listen_tcp), "[::]:5683", 0, 0, NULL,
	    NULL, "CoAP over TCP."},
	{"listen_admin", CONF_ADDR, NULL, START,
	    OFF(listen_admin), "127.0.0.1:5685", 0, 0,
	    NULL, NULL,
	    "The operators' port: DTLS with the key in state_dir/admin.psk."},
	{"listen_http", CONF_ADDR, "TCP", START,
	    OFF(listen_http), "127.0.0.1:9683", 0, 0,
	    NULL, NULL,
	    "HTTP for monitoring: /metrics, /healthz and /readyz, to anybody "
	    "who reaches\nthe address."},
	{"public_uri", CONF_TEXT, NULL, LIVE,
	    OFF(public_uri), "", 0, LIMIT_URI, NULL,
	    NULL,
	    "What devices call this server, e.g. \"coap://fw.example.org\". "
	    "Empty: the\naddress that the device is talking to."},

	{"synchronous_full", CONF_BOOL, NULL, START,
	    OFF(synchronous_full), "true", 0, 0,
	    NULL, "Storage",
	    "What was acknowledged survives a power cut. Off is faster and "
	    "survives a\ncrash of suitd only."},
	{"image_max", CONF_BYTES, NULL, START,
	    OFF(image_max), "64M", 1, LIMIT_IMAGE, NULL,
	    NULL, "The largest image."},
	{"images_total", CONF_BYTES, NULL, START,
	    OFF(images_total), "4G", 1,
	    UINT64_C(1) << 50, NULL, NULL, "All images together."},
	{"envelope_max", CONF_BYTES, NULL, LIVE,
	    OFF(envelope_max), "64k", 64,
	    LIMIT_ENVELOPE, NULL, NULL, "The largest signed manifest."},
	{"events_keep", CONF_NUMBER, "events", LIVE,
	    OFF(events_keep), "1000000", 1000,
	    100000000, NULL, NULL,
	    "Events that are kept, the newest; 1000000 take some 200 MiB. Of "
	    "jobs and\ncampaigns the last state always stays."},

	{"block_size", CONF_BLOCK, NULL, START,
	    OFF(block_size), "1024", 16, 1024, NULL,
	    "Serving",
	    "Bytes in a block when a request does not say; a device that asks "
	    "for a\nsize gets that size or a smaller one."},
	{"image_workers", CONF_NUMBER, "threads", START,
	    OFF(image_workers), "4", 0,
	    LIMIT_IMAGE_WORKERS, NULL, NULL,
	    "Threads that do nothing but serve image blocks over plain UDP, "
	    "never more\nthan suitd may use cores. 0: the main loop serves "
	    "them, too."},
	{"poll_max_age", CONF_SECONDS, NULL, LIVE,
	    OFF(poll_max_age), "15m", 1, 30 * DAY,
	    NULL, NULL, "When a polling device is told to ask again."},
	{"sessions_max", CONF_NUMBER, "sessions", START,
	    OFF(sessions_max), "10000", 1, 1000000,
	    NULL, NULL, "Idle UDP and DTLS sessions that are kept."},
	{"notify_rate", CONF_NUMBER, "a second", LIVE,
	    OFF(notify_rate), "50", 0, 100000, NULL,
	    NULL,
	    "Notifications per second when a new release is announced to the "
	    "devices that\nobserve, so that they do not all come at once; a "
	    "tenth of that many leave\nat once. 0: no limit."},
	{"drain_grace", CONF_SECONDS, NULL, LIVE,
	    OFF(drain_grace), "10s", 0, 600, NULL, NULL,
	    "How long a suitd that was told to stop goes on with the downloads "
	    "that run.\nIt stops earlier when no block was asked for 2 "
	    "seconds."},

	{"unknown_devices", CONF_CHOICE, NULL, LIVE,
	    OFF(unknown_devices), "accept", 0, 0,
	    "accept|refuse", "Devices",
	    "What happens when a device registers that no operator added and "
	    "that has no\ncredential: accept (its status is graded L0) or "
	    "refuse."},
	{"devices_max", CONF_NUMBER, "devices", LIVE,
	    OFF(devices_max), "200000", 1,
	    LIMIT_DEVICES, NULL, NULL, "Devices, at most."},
	{"register_tags", CONF_TAGS, NULL, LIVE,
	    OFF(register_tags), "", 0, LIMIT_TAGS,
	    NULL, NULL,
	    "Tags that a device may give itself when it registers, at most "
	    "16 names, e.g.\n\"site room\"; others are passed over, and what "
	    "is set already stays."},
	{"allow_unsigned", CONF_BOOL, NULL, LIVE,
	    OFF(allow_unsigned), "false", 0, 0, NULL,
	    NULL,
	    "Publish manifests without a signature. For a laboratory only."},

	{"concurrency", CONF_NUMBER, "devices", LIVE,
	    OFF(concurrency), "50", 1, 100000, NULL,
	    "Campaigns",
	    "Devices of one campaign that update at the same time, unless the "
	    "campaign\nsays otherwise."},
	{"campaign_policy", CONF_TEXT, NULL, LIVE,
	    OFF(campaign_policy), "", 0,
	    LIMIT_POLICY, NULL, NULL,
	    "Rules of every campaign that does not say otherwise, e.g.\n"
	    "\"soak=24h broke=2%\"; suitd.conf(5) lists them."},
	{"campaign_approval", CONF_BOOL, NULL, LIVE,
	    OFF(campaign_approval), "false", 0,
	    0, NULL, NULL,
	    "A campaign starts only after another operator than the one who "
	    "planned it\nhas approved."},
	{"downloads", CONF_NUMBER, "downloads", LIVE,
	    OFF(downloads), "500", 1, 90000, NULL,
	    "Not to flood the network",
	    "Downloads at a time. A device that asks for its manifest beyond "
	    "that is told\nwhen to come back (4.29 with Max-Age)."},
	{"downloads_group", CONF_NUMBER, "downloads", LIVE,
	    OFF(downloads_group), "16", 0, 90000,
	    NULL, NULL,
	    "Downloads at a time in one network group; 0: no limit. Loopback "
	    "has none."},
	{"group_tag", CONF_TEXT, NULL, LIVE,
	    OFF(group_tag), "", 0, LIMIT_TAG_NAME, NULL,
	    NULL,
	    "The tag whose value is a device's network group, e.g. gateway. "
	    "Empty: the /64\nof its IPv6 address, the /24 of IPv4."},
	{"bytes_per_second", CONF_BYTES, "bytes a second", LIVE,
	    OFF(bytes_per_second), "0", 0,
	    UINT64_C(1) << 40, NULL, NULL,
	    "Image bytes a second that are admitted, by the images' sizes; 0: "
	    "no limit."},
	{"bytes_per_second_group", CONF_BYTES, "bytes a second", LIVE,
	    OFF(bytes_group), "0", 0,
	    UINT64_C(1) << 40, NULL, NULL, "The same for a network group."},
	{"retries", CONF_NUMBER, "a minute", LIVE,
	    OFF(retries), "600", 0, 60000, NULL, NULL,
	    "Second and later attempts a minute; 0: no limit."},
	{"retries_group", CONF_NUMBER, "a minute", LIVE,
	    OFF(retries_group), "60", 0, 60000,
	    NULL, NULL, "The same for a network group."},
	{"deadline_notify", CONF_MS, NULL, LIVE,
	    OFF(track.notify_ms), NULL, 1, 30 * DAY,
	    NULL, NULL,
	    "From an accepted trigger to the device's request for the "
	    "manifest."},
	{"deadline_fetch_idle", CONF_MS, NULL, LIVE,
	    OFF(track.fetch_idle_ms), NULL, 1,
	    30 * DAY, NULL, NULL, "Between two signs of a download."},
	{"deadline_fetch_per_kib", CONF_MS_NUMBER, NULL, LIVE,
	    OFF(track.fetch_per_kib_ms),
	    NULL, 0, 600000, NULL, NULL,
	    "Milliseconds added to it for each KiB that is still missing."},
	{"deadline_install", CONF_MS, NULL, LIVE,
	    OFF(track.install_ms), NULL, 1, 90 * DAY,
	    NULL, NULL,
	    "From the last block to the proof that the new version runs."},

	RETRY("transport", FAIL_TRANSPORT,
	    "a time-out, a reset or a lost\ndevice",
	    "Trying again. Each failure of a class doubles the wait or more, "
	    "with\n# jitter, from base to cap."),
	RETRY("integrity", FAIL_INTEGRITY, "a wrong digest on the\ndevice",
	    NULL),
	RETRY("policy", FAIL_POLICY,
	    "a refused signature, class\nor sequence", NULL),
	RETRY("execution", FAIL_EXECUTION,
	    "a failed write, boot or\nroll-back", NULL),
	{"retry_attempts_total", CONF_NUMBER, "attempts", LIVE,
	    OFF(track.backoff.attempts_total), NULL, 1, 10000, NULL, NULL,
	    "The budget of one device and release, over all classes."},
	{"retry_give_up_push", CONF_NUMBER, "triggers", LIVE,
	    OFF(track.give_up_push), NULL, 1,
	    1000, NULL, NULL,
	    "Unanswered triggers until suitd waits for the device to make "
	    "contact."},

	{"log_level", CONF_WORD, NULL, LIVE,
	    OFF(log_level), "info", 0, 0,
	    "error|warn|info|debug", "Log", "error, warn, info or debug."},
	{.name = NULL},
};

const struct conf_key *
conf_key_find(const char *name)
{
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

const struct conf_key *
conf_key_near(const char *name)
{
	const struct conf_key *best = NULL;
	unsigned d, best_d = NEAR_MAX + 1;

	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		d = near_distance(name, k->name);
		if (d < best_d && near_match(name, k->name)) {
			best = k;
			best_d = d;
		}
	}
	return best;
}

/* The index of `s` in "a|b|c", or -1. */
static int
word_index(const char *words, const char *s)
{
	size_t n = strlen(s), len;

	for (int i = 0;; i++) {
		len = strcspn(words, "|");
		if (len == n && memcmp(words, s, n) == 0)
			return i;
		if (words[len] == '\0')
			return -1;
		words += len + 1;
	}
}

static int
addr_check(const char *s)
{
	const char *colon = strrchr(s, ':');
	const char *host_end = colon;
	uint64_t port;

	if (*s == '\0')
		return 0;
	if (strlen(s) >= LIMIT_ADDRESS)
		return ERR_SIZE;
	if (colon == NULL || text_u64(slice_str(colon + 1), &port) != 0 ||
	    port > 65535)
		return ERR_TYPE;
	if (*s == '[') {
		s++;
		if (--host_end <= s || *host_end != ']')
			return ERR_TYPE;
		s += strspn(s, "0123456789abcdefABCDEF:.");
		if (*s == '%') /* a scope */
			s += strcspn(s, "]/\" ");
		return s == host_end ? 0 : ERR_TYPE;
	}
	if (host_end == s || strcspn(s, ":") != (size_t)(host_end - s) ||
	    strcspn(s, "/[]@\" \t") < (size_t)(host_end - s))
		return ERR_TYPE;
	return 0;
}

/* A number of any of the numeric types, in the unit of min and max. */
static int
number_parse(const struct conf_key *k, const char *value, uint64_t *ret)
{
	struct slice s = slice_str(value);
	int64_t sec;
	int rc;

	switch (k->type) {
	case CONF_BYTES:
		return text_bytes(s, ret);
	case CONF_SECONDS:
	case CONF_MS:
		rc = text_duration(s, &sec);
		if (rc == 0)
			*ret = (uint64_t)sec;
		return rc;
	default:
		return text_u64(s, ret);
	}
}

static void
number_store(const struct conf_key *k, void *at, uint64_t u)
{
	switch (k->type) {
	case CONF_BYTES:
		*(uint64_t *)at = u;
		break;
	case CONF_MS:
		*(int64_t *)at = (int64_t)u * 1000;
		break;
	case CONF_MS_NUMBER:
		*(int64_t *)at = (int64_t)u;
		break;
	default:
		*(uint32_t *)at = (uint32_t)u;
		break;
	}
}

static const char *const shapes[] = {
	[CONF_NUMBER] = "a number",
	[CONF_BLOCK] = "16, 32, 64, 128, 256, 512 or 1024",
	[CONF_BYTES] = "a size such as 65536, 64k or 64M",
	[CONF_SECONDS] = "a duration such as 90s, 15m, 1h or 7d",
	[CONF_MS] = "a duration such as 90s, 15m, 1h or 7d",
	[CONF_MS_NUMBER] = "a number of milliseconds",
};

static int
number_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	uint64_t u = 0;
	int rc = number_parse(k, value, &u);

	if (rc == ERR_RANGE || (rc == 0 && (u < k->min || u > k->max)))
		return why_set(why, ERR_RANGE, "%s: not within %" PRIu64
		    "..%" PRIu64 "%s", k->name, k->min, k->max,
		    k->type == CONF_MS || k->type == CONF_SECONDS ? " seconds"
		    : "");
	if (rc != 0 || (k->type == CONF_BLOCK && (u & (u - 1)) != 0))
		return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
		    shapes[k->type]);
	number_store(k, (char *)c + k->off, u);
	return 0;
}

static int
text_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	char *at = (char *)c + k->off;
	size_t n = strlen(value);
	int rc = 0;

	if (k->type == CONF_ADDR)
		rc = addr_check(value);
	else if (n > k->max)
		rc = ERR_SIZE;
	else if (n < k->min)
		return why_set(why, ERR_RANGE, "%s: must not be empty",
		    k->name);
	if (rc == ERR_SIZE)
		return why_set(why, ERR_SIZE, "%s: too long", k->name);
	if (rc != 0)
		return why_set(why, rc, "%s: must be HOST:PORT, [V6]:PORT or "
		    "\"\"", k->name);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == '"' ||
		    value[i] == '\\')
			return why_set(why, ERR_TYPE, "%s: control "
			    "characters, '\"' and '\\' cannot be used",
			    k->name);
	memcpy(at, value, n + 1);
	return 0;
}

/* "a, b c" becomes "a b c"; the storage holds `max` of the longest names. */
static int
tags_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	struct conf list = {.register_tags = ""};
	struct buf b = buf_of(list.register_tags,
	    sizeof(list.register_tags) - 1);
	char name[LIMIT_TAG_NAME + 1];
	size_t n, found = 0;

	for (;; value += n) {
		value += strspn(value, " \t,");
		n = strcspn(value, " \t,");
		if (n == 0)
			break;
		if (!text_name_ok(slice_of(value, n), LIMIT_TAG_NAME) ||
		    !slice_to_cstr(slice_of(value, n), name, sizeof(name)))
			return why_set(why, ERR_TYPE, "%s: a name has letters, "
			    "digits and ._:@- , %d at most", k->name,
			    LIMIT_TAG_NAME);
		if (conf_register_tag(&list, name))
			return why_set(why, ERR_DUPLICATE, "%s: %s is there "
			    "twice", k->name, name);
		if (found++ == k->max)
			return why_set(why, ERR_SIZE, "%s: over %" PRIu64
			    " names", k->name, k->max);
		buf_puts(&b, found > 1 ? " " : "");
		buf_puts(&b, name);
	}
	memcpy((char *)c + k->off, list.register_tags,
	    sizeof(list.register_tags));
	return 0;
}

int
conf_key_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	void *at = (char *)c + k->off;
	int i;

	switch (k->type) {
	case CONF_TEXT:
	case CONF_ADDR:
		return text_set(k, value, c, why);
	case CONF_BOOL:
	case CONF_CHOICE:
	case CONF_WORD:
		i = word_index(k->words ? k->words
		    : "false|true|no|yes|off|on", value);
		if (i < 0)
			return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
			    k->words ? k->words : "true or false");
		if (k->type == CONF_BOOL)
			*(bool *)at = i & 1;
		else if (k->type == CONF_CHOICE)
			*(int *)at = i;
		else
			strcpy(at, value);
		return 0;
	case CONF_TAGS:
		return tags_set(k, value, c, why);
	default:
		return number_set(k, value, c, why);
	}
}

/* The largest unit that says it exactly. */
static void
put_unit(struct buf *out, uint64_t u, const uint64_t *unit, const char *name)
{
	char t[32];
	size_t i = 0;

	while (name[i] != '\0' && (u == 0 || u % unit[i] != 0))
		i++;
	if (name[i] == '\0')
		snprintf(t, sizeof(t), "%" PRIu64, u);
	else
		snprintf(t, sizeof(t), "%" PRIu64 "%c", u / unit[i], name[i]);
	buf_puts(out, t);
}

static void
put_seconds(struct buf *out, uint64_t s)
{
	static const uint64_t unit[] = {DAY, 3600, 60, 1};

	put_unit(out, s, unit, "dhms");
}

static void
put_word(struct buf *out, const char *words, int i)
{
	while (i-- > 0)
		words += strcspn(words, "|") + 1;
	buf_put(out, slice_of(words, strcspn(words, "|")));
}

void
conf_key_put(const struct conf_key *k, const struct conf *c, struct buf *out)
{
	static const uint64_t unit[] = {1u << 30, 1u << 20, 1u << 10};
	static const uint64_t one[] = {1};
	const void *at = (const char *)c + k->off;

	switch (k->type) {
	case CONF_TEXT:
	case CONF_ADDR:
	case CONF_TAGS:
		buf_puts(out, "\"");
		buf_puts(out, at);
		buf_puts(out, "\"");
		break;
	case CONF_BOOL:
		buf_puts(out, *(const bool *)at ? "true" : "false");
		break;
	case CONF_BYTES:
		put_unit(out, *(const uint64_t *)at, unit, "GMk");
		break;
	case CONF_SECONDS:
		put_seconds(out, *(const uint32_t *)at);
		break;
	case CONF_MS:
		put_seconds(out, (uint64_t)*(const int64_t *)at / 1000);
		break;
	case CONF_MS_NUMBER:
		put_unit(out, (uint64_t)*(const int64_t *)at, one, "");
		break;
	case CONF_CHOICE:
		put_word(out, k->words, *(const int *)at);
		break;
	case CONF_WORD:
		buf_puts(out, at);
		break;
	case CONF_NUMBER:
	case CONF_BLOCK:
		put_unit(out, *(const uint32_t *)at, one, "");
		break;
	}
}
