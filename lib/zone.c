/*
 * zone: the C library knows the rules but answers one instant at a time, and
 * after TZ has changed it reads the zone's file anew. So one visit asks for
 * every hour of a month, halves its way to each change of the offset, and
 * keeps the list. Changes that undo each other within an hour would be
 * missed; the closest two in the database are four days apart (2025b).
 *
 * Rejected: a reader of TZif files of our own. It would need neither TZ nor
 * this memory, but also the POSIX rules at the end of each file, a second
 * truth beside the C library's.
 */
#include "lib/zone.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define HOUR 3600
#define DAY (24 * HOUR)
/* learned in one visit: a little of the past, for a clock that is set back,
 * and far more than the week that a window looks ahead */
#define BEFORE DAY
#define AFTER (30 * DAY)
#define CHANGES 4 /* in one month; Morocco has two */

struct known {
	char name[LIMIT_ZONE + 1]; /* "": free */
	int64_t to_s; /* end of the last of the spans */
	unsigned n;
	struct {
		int64_t from_s;
		int32_t offset_s;
	} span[CHANGES + 1];
};
static struct known known[LIMIT_ZONES];
static unsigned victim; /* the next one to be overwritten */

bool
zone_name_ok(struct slice name)
{
	if (name.n == 0 || name.n > LIMIT_ZONE || name.p[0] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i], lower = c | 0x20;

		if (!(lower >= 'a' && lower <= 'z') &&
		    !(c >= '0' && c <= '9') && memchr("_+/-", c, 4) == NULL)
			return false;
	}
	return true;
}

static bool
is_utc(const char *name)
{
	return strcmp(name, "UTC") == 0;
}

bool
zone_exists(const char *name)
{
	const char *dir = getenv("TZDIR");
	char path[PATH_MAX], magic[4];
	int fd, n;
	bool ok;

	if (!zone_name_ok(slice_str(name)))
		return false;
	if (is_utc(name))
		return true;
	if (dir == NULL || dir[0] == '\0')
		dir = "/usr/share/zoneinfo";
	n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	/* a name can be a pipe's or a device's only by an operator's hand,
	 * but must not hang the server even then */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	ok = read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, "TZif", sizeof(magic)) == 0;
	close(fd);
	return ok;
}

void
zone_forget(void)
{
	memset(known, 0, sizeof(known));
	victim = 0;
}

/* In the zone that TZ names now. */
static int
offset_at(int64_t utc_s, int32_t *ret)
{
	time_t t = (time_t)utc_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return ERR_RANGE;
	*ret = (int32_t)tm.tm_gmtoff;
	return 0;
}

/* The first second in (low, high] that has not the offset of low. */
static int
change_in(int64_t low, int64_t high, int32_t offset_s, int64_t *ret)
{
	int32_t o;
	int rc;

	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;

		if ((rc = offset_at(mid, &o)) != 0)
			return rc;
		if (o == offset_s)
			low = mid;
		else
			high = mid;
	}
	*ret = high;
	return 0;
}

/* Fills k but its name: in the zone that TZ names now, around utc_s. */
static int
learn_spans(struct known *k, int64_t utc_s)
{
	int64_t t = utc_s - BEFORE, at;
	int32_t o;
	int rc;

	k->to_s = utc_s + AFTER;
	k->n = 1;
	k->span[0].from_s = t;
	if ((rc = offset_at(t, &k->span[0].offset_s)) != 0)
		return rc;
	while (t < k->to_s) {
		int32_t last = k->span[k->n - 1].offset_s;

		if ((rc = offset_at(t + HOUR, &o)) != 0)
			return rc;
		if (o == last) {
			t += HOUR;
			continue;
		}
		if ((rc = change_in(t, t + HOUR, last, &at)) != 0)
			return rc;
		if (k->n == CHANGES + 1) {
			k->to_s = at;
			break;
		}
		k->span[k->n].from_s = at;
		/* not o: the hour may end after yet another change */
		if ((rc = offset_at(at, &k->span[k->n++].offset_s)) != 0)
			return rc;
		t = at;
	}
	return utc_s < k->to_s ? 0 : ERR_RANGE;
}

static int
learn(struct known *k, const char *name, int64_t utc_s)
{
	const char *tz = getenv("TZ");
	char old[1024];
	int rc;

	if (!zone_exists(name))
		return ERR_NOT_FOUND;
	if (tz != NULL && !slice_to_cstr(slice_str(tz), old, sizeof(old)))
		return ERR_SPACE;
	if (setenv("TZ", name, 1) != 0)
		return ERR_NOMEM;
	tzset();
	rc = learn_spans(k, utc_s);
	if (tz == NULL)
		unsetenv("TZ");
	else if (setenv("TZ", old, 1) != 0)
		rc = ERR_NOMEM;
	tzset();
	if (rc == 0)
		slice_to_cstr(slice_str(name), k->name, sizeof(k->name));
	return rc;
}

/* What is known about the zone at utc_s, learned when it is not yet. */
static int
find(const char *name, int64_t utc_s, const struct known **ret)
{
	struct known fresh = {0};
	unsigned i = 0;
	int rc;

	while (i < LIMIT_ZONES && strcmp(known[i].name, name) != 0)
		i++;
	if (i == LIMIT_ZONES || utc_s < known[i].span[0].from_s ||
	    utc_s >= known[i].to_s) {
		if ((rc = learn(&fresh, name, utc_s)) != 0)
			return rc;
		if (i == LIMIT_ZONES) {
			i = victim;
			victim = (victim + 1) % LIMIT_ZONES;
		}
		known[i] = fresh;
	}
	*ret = &known[i];
	return 0;
}

int
zone_span(const char *name, int64_t utc_s, struct zone_span *ret)
{
	const struct known *k;
	unsigned i;
	int rc;

	/* every ms of 64 bits; no sum overflows, no year leaves struct tm */
	if (utc_s > INT64_MAX / 1000 || utc_s < INT64_MIN / 1000)
		return ERR_RANGE;
	if (is_utc(name)) {
		*ret = (struct zone_span){utc_s - BEFORE, utc_s + AFTER, 0};
		return 0;
	}
	if (!zone_name_ok(slice_str(name)))
		return ERR_NOT_FOUND;
	if ((rc = find(name, utc_s, &k)) != 0)
		return rc;
	i = k->n - 1;
	while (utc_s < k->span[i].from_s)
		i--;
	ret->from_s = k->span[i].from_s;
	ret->to_s = i + 1 < k->n ? k->span[i + 1].from_s : k->to_s;
	ret->offset_s = k->span[i].offset_s;
	return 0;
}

struct zone_time
zone_time_of(int64_t utc_s, int32_t offset_s)
{
	int64_t s = utc_s + offset_s, day = s / DAY, in_day = s % DAY;
	struct zone_time z = {.offset_s = offset_s};

	if (in_day < 0) {
		in_day += DAY;
		day--;
	}
	/* day 0 of Unix time was a Thursday */
	z.weekday = (unsigned)((day % 7 + 7 + 3) % 7);
	z.minute = (unsigned)(in_day / 60);
	z.second = (unsigned)(in_day % 60);
	return z;
}
