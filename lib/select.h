/*
 * select: which devices an operator means. A boolean expression over what is
 * known of a device, e.g.
 *
 *   class == sensor-v1 && tag.site == "north" && seq < 7
 *   not (grade >= L1) or ep ~ "lab-*"
 *   version in (1.2.0, 1.2.1) and seen < 7d and !revoked
 *
 * The grammar is in docs/PROTOCOL.md ("Selecting devices"), the attributes
 * in select_attrs. `not` binds tighter than `and`, that tighter than `or`.
 *
 * What is missing: a comparison with a value that the device does not have
 * (no class, no vendor, no sequence, no version, no such tag) is false, `!=`,
 * `!~` and `not in` included; so `!(seq < 7)` takes in devices without a
 * sequence and `seq >= 7` does not. A bare attribute asks whether there is a
 * value. A device that was never seen was last seen infinitely long ago:
 * `seen > 30d` is true of it, the bare `seen` is not.
 *
 * An empty text, or white space alone, selects every device.
 */
#ifndef SUITD_LIB_SELECT_H
#define SUITD_LIB_SELECT_H

#include "lib/conf.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/rd.h"
#include "lib/track.h"

enum select_type {
	SELECT_ID, /* == != in */
	SELECT_TEXT, /* == != in ~ !~ */
	SELECT_NUMBER, /* == != in < <= > >= */
	SELECT_GRADE, /* the same */
	SELECT_AGE, /* < <= > >= : two moments are never equal */
	SELECT_FLAG, /* bare only */
	SELECT_TYPES,
};

enum select_attr_id {
	SELECT_CLASS,
	SELECT_VENDOR,
	SELECT_EP,
	SELECT_VERSION,
	SELECT_SEQ,
	SELECT_SEEN,
	SELECT_GRADE_OF,
	SELECT_DRIVER,
	SELECT_TAG,
	SELECT_PSK,
	SELECT_REGISTERED,
	SELECT_REVOKED,
	SELECT_AHEAD,
	SELECT_TWIN,
	SELECT_CLASS_SET,
	SELECT_CLASS_SAID,
	SELECT_ATTRS,
};

struct select_attr {
	const char *name; /* "tag.NAME" stands for every tag */
	enum select_type type;
	size_t max; /* bytes of a SELECT_TEXT value */
	const char *help; /* one line for people */
};
extern const struct select_attr select_attrs[SELECT_ATTRS];

/*
 * A compiled expression: without pointers, to be copied at will. All
 * zero, it selects everything. `text` is what was parsed; the rest is for
 * select_*.c only.
 */
struct select_node {
	uint8_t attr; /* enum select_attr_id */
	uint8_t want; /* which outcomes of the comparison are true */
	bool glob;
	uint8_t yes, no; /* next node, or how the walk ends */
	uint16_t name, value; /* C strings at these offsets of `pool` */
	uint64_t number; /* SEQ, GRADE_OF; SEEN: milliseconds */
	uint8_t id[16];
};

struct select {
	char text[LIMIT_SELECT + 1];
	uint8_t count;
	struct select_node node[LIMIT_SELECT_NODES];
	char pool[LIMIT_SELECT + 1];
};

/* A device, borrowed for the call. Texts that are NULL or "" are missing. */
struct select_subject {
	const char *ep;
	bool have_class;
	const uint8_t *class_id; /* 16 bytes */
	const uint8_t *vendor; /* 16 bytes; NULL or all zero: none */
	bool have_seq;
	uint64_t seq;
	enum grade grade;
	const char *version;
	const char *driver; /* "none", "trigger", ... */
	int64_t seen; /* Unix ms, 0 never; the future counts as now */
	bool psk, registered, revoked, ahead;
	bool twin; /* two devices use its credential */
	bool class_set, class_said; /* by an operator; it says another */
	size_t tag_count;
	const struct rd_tag *tag; /* an empty value is a value */
};

/*
 * Compiles `text`; class aliases are looked up in `conf` here, once (NULL:
 * UUIDs only). On failure *ret stays untouched, *ret_column (NULL is
 * accepted) is the 1-based byte of `text` where the mistake begins, and
 * why->text says "column N: ..." with what was found and what was expected.
 *
 *   ERR_MALFORMED  not the grammar; a tag's name with other characters
 *   ERR_TRUNCATED  the text ends where something has to follow
 *   ERR_NOT_FOUND  no such attribute or class alias; the nearest is named
 *   ERR_TYPE       operator or value does not fit the attribute
 *   ERR_RANGE      a number or a duration that is too large
 *   ERR_SIZE       LIMIT_SELECT, _NODES or _VALUES; a name or a value longer
 *                  than any device's
 *   ERR_DEPTH      LIMIT_SELECT_DEPTH
 *   ERR_UTF8       the text is not UTF-8
 *   ERR_CRYPTO     a vendor's name could not be hashed
 */
int select_parse(const char *text, const struct conf *conf,
    struct select *ret, unsigned *ret_column, struct why *why) MUST_USE;

/*
 * Is `d` selected at `now` (Unix ms)? No parsing, no allocation, no
 * recursion: each test is looked at once at most, so that a plan may call it
 * for every device there is.
 */
bool select_match(const struct select *s, const struct select_subject *d,
    int64_t now);

/*
 * What every match must have, for the choice of an index: a match always
 * satisfies the hint, and much that satisfies it is no match. The members
 * fit struct store_device_filter of db/store.h.
 */
struct select_hint {
	bool have_class;
	uint8_t class_id[16];
	char tag_name[LIMIT_TAG_NAME + 1]; /* "" none */
	char tag_value[LIMIT_TAG_VALUE + 1]; /* "" any value of that tag */
	char prefix[LIMIT_EP + 1]; /* of ep; "" any */
	bool exact; /* `prefix` is the whole ep */
};
void select_hint(const struct select *s, struct select_hint *ret);

/* Does it look at tags? Otherwise they need not be read. */
bool select_uses_tags(const struct select *s);

#endif
