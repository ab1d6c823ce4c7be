#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/backoff.h"
#include "lib/window.h"
#include "lib/zone.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define MINUTE 60000LL

/* "2024-03-31 01:00" in UTC to Unix ms; NULL: 0. */
static int64_t
ms(const char *s)
{
	struct tm tm = {0};

	if (s == NULL)
		return 0;
	assert_non_null(strptime(s, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm) * 1000LL;
}

static struct window
parsed(const char *text)
{
	struct window w;
	struct why why = {0};

	if (window_parse(text, &w, NULL, &why) != 0)
		fail_msg("%s: %s", text, why.text);
	return w;
}

static void
assert_window_equal(const struct window *a, const struct window *b)
{
	assert_int_equal(a->n, b->n);
	assert_string_equal(a->zone, b->zone);
	for (unsigned i = 0; i < a->n; i++) {
		assert_int_equal(a->range[i].days, b->range[i].days);
		assert_int_equal(a->range[i].start, b->range[i].start);
		assert_int_equal(a->range[i].end, b->range[i].end);
	}
}

static void
assert_prints(const char *text, const char *want)
{
	struct window w = parsed(text), again;
	char s[LIMIT_WINDOW + 1];
	struct buf b = buf_of(s, LIMIT_WINDOW);

	window_print(&w, &b);
	assert_false(b.over);
	s[b.n] = '\0';
	assert_string_equal(s, want);
	again = parsed(s);
	assert_window_equal(&w, &again);
}

static void
canonical_text_parses_to_the_same(void **state)
{
	static const char *const v[][2] = {
		{"", "always"}, {"  ", "always"}, {" Always ", "always"},
		{"22:00-04:00", "22:00-04:00"},
		{"daily 22:00-04:00 UTC", "22:00-04:00"},
		{"mon-sun 22:00-04:00", "22:00-04:00"},
		{"mon-fri 22:00-04:00, sat,sun 00:00-24:00 Europe/Berlin",
		    "mon-fri 22:00-04:00, sat,sun 00:00-24:00 Europe/Berlin"},
		{"sat-mon 22:00-00:00", "sat-mon 22:00-24:00"},
		{"SUN,mon , Sat,10:00-11:00", "sat-mon 10:00-11:00"},
		{"mon,wed,fri,fri 10:00-10:00", "mon,wed,fri 10:00-10:00"},
		{"tue-wed 00:00-00:00", "tue,wed 00:00-24:00"},
		{"sun-tue,thu 23:59-00:01   Asia/Kolkata",
		    "thu,sun-tue 23:59-00:01 Asia/Kolkata"},
		{"mon 01:00-02:00,tue,daily 03:00-04:00 Etc/GMT+5",
		    "mon 01:00-02:00, 03:00-04:00 Etc/GMT+5"},
	};

	(void)state;
	for (size_t i = 0; i < N(v); i++)
		assert_prints(v[i][0], v[i][1]);
}

static void
refusals_name_the_column(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned column;
	} v[] = {
		{"foo 10:00-11:00", ERR_MALFORMED, 1},
		{"monday 10:00-11:00", ERR_MALFORMED, 1},
		{"mo 10:00-11:00", ERR_MALFORMED, 1},
		{",", ERR_MALFORMED, 1},
		{"mon", ERR_MALFORMED, 4},
		{"mon,", ERR_MALFORMED, 5},
		{"mon-", ERR_MALFORMED, 5},
		{"mon-daily 10:00-11:00", ERR_MALFORMED, 5},
		{"mon -fri 10:00-11:00", ERR_MALFORMED, 5},
		{"mon10:00-11:00", ERR_MALFORMED, 4},
		{"mon tue 10:00-11:00", ERR_MALFORMED, 5},
		{"1:00-02:00", ERR_MALFORMED, 1},
		{"10:0-11:00", ERR_MALFORMED, 1},
		{"10.00-11:00", ERR_MALFORMED, 1},
		{"10:000-11:00", ERR_MALFORMED, 1},
		{"24:00-01:00", ERR_RANGE, 1},
		{"10:60-11:00", ERR_RANGE, 1},
		{"10:00-24:01", ERR_RANGE, 7},
		{"10:00-99:99", ERR_RANGE, 7},
		{"10:00", ERR_MALFORMED, 6},
		{"10:00 -11:00", ERR_MALFORMED, 6},
		{"10:00-", ERR_MALFORMED, 7},
		{"10:00-11:00,", ERR_MALFORMED, 13},
		{"10:00-11:00, ", ERR_MALFORMED, 14},
		{"10:00-11:00 12:00-13:00", ERR_MALFORMED, 13},
		{"10:00-11:00 mon 12:00-13:00", ERR_MALFORMED, 13},
		{"10:00-11:00 ../x", ERR_MALFORMED, 13},
		{"10:00-11:00 /etc/localtime", ERR_MALFORMED, 13},
		{"10:00-11:00 Europe/Berlim", ERR_UNSUPPORTED, 13},
		{"10:00-11:00 Europe", ERR_UNSUPPORTED, 13},
		{"10:00-11:00UTC", ERR_MALFORMED, 12}, /* printed, longer */
		{"10:00-11:00 UTC x", ERR_TRAILING, 17},
		{"10:00-11:00 UTC, 12:00-13:00", ERR_TRAILING, 16},
		{"always UTC", ERR_TRAILING, 8},
		{"10:00-11:00\n", ERR_MALFORMED, 12},
	};

	(void)state;
	for (size_t i = 0; i < N(v); i++) {
		struct window w = {.n = 77};
		unsigned column = 0;
		struct why why = {0};

		if (window_parse(v[i].text, &w, &column, &why) != v[i].err ||
		    column != v[i].column)
			fail_msg("'%s': %s, column %u", v[i].text,
			    err_name(why.err), column);
		assert_int_equal(why.err, v[i].err);
		assert_int_equal(w.n, 77);
		assert_int_equal(window_parse(v[i].text, &w, NULL, NULL),
		    v[i].err);
	}
}

static void
limits_hold_at_the_cap_and_one_past(void **state)
{
	char text[LIMIT_WINDOW + 64] = "", zone[LIMIT_ZONE + 2];
	struct window w;
	unsigned column = 9;

	(void)state;
	for (int i = 0; i < LIMIT_WINDOW_RANGES; i++)
		sprintf(text + strlen(text), "%s%02d:00-%02d:30",
		    i > 0 ? "," : "", i, i);
	assert_int_equal(strlen(text), 191);
	/* too long with spaces after the commas, so there are none */
	assert_prints(text, text);
	assert_int_equal(window_parse(text, &w, NULL, NULL), 0);
	assert_int_equal(w.n, LIMIT_WINDOW_RANGES);

	memset(text + strlen(text), ' ', LIMIT_WINDOW - strlen(text));
	assert_int_equal(strlen(text), LIMIT_WINDOW);
	assert_int_equal(window_parse(text, &w, &column, NULL), 0);
	assert_int_equal(column, 9);
	strcat(text, " ");
	assert_int_equal(window_parse(text, &w, &column, NULL), ERR_SIZE);
	assert_int_equal(column, LIMIT_WINDOW + 1);

	/* one range more cannot be shorter than this */
	text[0] = '\0';
	for (int i = 0; i < LIMIT_WINDOW_RANGES; i++)
		strcat(text, "01:00-02:00,");
	strcat(text, "01:00-02:00");
	assert_int_equal(window_parse(text, &w, NULL, NULL), ERR_SIZE);

	memset(zone, 'a', sizeof(zone));
	zone[LIMIT_ZONE + 1] = '\0';
	sprintf(text, "01:00-02:00 %s", zone);
	assert_int_equal(window_parse(text, &w, NULL, NULL), ERR_MALFORMED);
	text[strlen(text) - 1] = '\0';
	assert_int_equal(window_parse(text, &w, NULL, NULL), ERR_UNSUPPORTED);
}

/* The last sample of each is where the state before it ends. */
static void
open_and_until(void **state)
{
	static const struct {
		const char *text, *now;
		bool open;
		const char *until;
	} v[] = {
		{"always", "2024-01-01 00:00", true, NULL},
		{"00:00-24:00", "2024-01-01 00:00", true, NULL},
		{"12:00-12:00 Europe/Berlin", "2024-03-31 00:30", true, NULL},
		{"mon-fri 00:00-24:00,sat 00:00-24:00,sun 12:00-12:00,"
		 "sun 00:00-12:00", "2024-01-01 00:00", true, NULL},
		/* 2024-01-01 was a Monday */
		{"10:00-11:00", "2024-01-01 09:59", false, "2024-01-01 10:00"},
		{"10:00-11:00", "2024-01-01 10:00", true, "2024-01-01 11:00"},
		{"10:00-11:00", "2024-01-01 11:00", false, "2024-01-02 10:00"},
		{"sat,sun 00:00-24:00", "2024-01-06 12:00", true,
		    "2024-01-08 00:00"},
		{"sat,sun 00:00-24:00", "2024-01-08 00:00", false,
		    "2024-01-13 00:00"},
		{"mon 10:00-11:00", "2024-01-01 11:00", false,
		    "2024-01-08 10:00"},
		/* ranges that touch or overlap are one */
		{"10:00-11:00, 11:00-12:00, 10:30-11:30", "2024-01-01 10:00",
		    true, "2024-01-01 12:00"},
		/* over midnight: of the day on which it starts */
		{"fri 22:00-04:00", "2024-01-06 03:59", true,
		    "2024-01-06 04:00"},
		{"fri 22:00-04:00", "2024-01-05 03:59", false,
		    "2024-01-05 22:00"},
		{"sun 22:00-22:00", "2024-01-08 21:59", true,
		    "2024-01-08 22:00"},
		{"sun 22:00-04:00", "2024-01-08 03:59", true,
		    "2024-01-08 04:00"},
		{"fri 22:00-04:00 America/New_York", "2024-06-15 07:59", true,
		    "2024-06-15 08:00"},
		{"fri 22:00-04:00 America/New_York", "2024-06-15 08:00", false,
		    "2024-06-22 02:00"},
		/* Berlin 2024-03-31 01:00 UTC: 02:00 becomes 03:00 */
		{"02:15-02:45 Europe/Berlin", "2024-03-30 22:00", false,
		    "2024-04-01 00:15"},
		{"sun 02:15-02:45 Europe/Berlin", "2024-03-24 02:00", false,
		    "2024-04-07 00:15"},
		{"22:00-04:00 Europe/Berlin", "2024-03-30 21:00", true,
		    "2024-03-31 02:00"},
		{"02:30-04:00 Europe/Berlin", "2024-03-31 00:59", false,
		    "2024-03-31 01:00"},
		{"02:30-04:00 Europe/Berlin", "2024-03-31 01:00", true,
		    "2024-03-31 02:00"},
		{"01:00-02:30 Europe/Berlin", "2024-03-31 00:00", true,
		    "2024-03-31 01:00"},
		{"01:00-02:00,03:00-04:00 Europe/Berlin", "2024-03-31 00:00",
		    true, "2024-03-31 02:00"},
		/* Berlin 2024-10-27 01:00 UTC: 03:00 becomes 02:00 */
		{"02:15-02:45 Europe/Berlin", "2024-10-27 00:00", false,
		    "2024-10-27 00:15"},
		{"02:15-02:45 Europe/Berlin", "2024-10-27 00:15", true,
		    "2024-10-27 00:45"},
		{"02:15-02:45 Europe/Berlin", "2024-10-27 00:45", false,
		    "2024-10-27 01:15"},
		{"02:15-02:45 Europe/Berlin", "2024-10-27 01:15", true,
		    "2024-10-27 01:45"},
		{"02:15-02:45 Europe/Berlin", "2024-10-27 01:45", false,
		    "2024-10-28 01:15"},
		{"22:00-04:00 Europe/Berlin", "2024-10-26 20:00", true,
		    "2024-10-27 03:00"},
		{"02:30-03:30 Europe/Berlin", "2024-10-27 00:30", true,
		    "2024-10-27 01:00"},
		{"02:30-03:30 Europe/Berlin", "2024-10-27 01:00", false,
		    "2024-10-27 01:30"},
		{"02:30-03:30 Europe/Berlin", "2024-10-27 01:30", true,
		    "2024-10-27 02:30"},
		/* Lord Howe 2024-04-06 15:00 UTC: 02:00 becomes 01:30 */
		{"01:00-02:00 Australia/Lord_Howe", "2024-04-06 14:00", true,
		    "2024-04-06 15:30"},
		{"09:00-17:00 Asia/Kolkata", "2024-01-01 03:29", false,
		    "2024-01-01 03:30"},
		{"09:00-17:00 Asia/Kathmandu", "2024-01-01 03:15", true,
		    "2024-01-01 11:15"},
		/* Samoa had no Friday the 30th of December 2011 */
		{"fri 00:00-24:00 Pacific/Apia", "2011-12-30 00:00", false,
		    "2012-01-05 10:00"},
		{"thu,sat 00:00-24:00 Pacific/Apia", "2011-12-30 00:00", true,
		    "2011-12-31 10:00"},
		/* before 1970 */
		{"10:00-11:00", "1969-12-31 10:30", true, "1969-12-31 11:00"},
	};
	int64_t until;

	(void)state;
	for (size_t i = 0; i < N(v); i++) {
		struct window w = parsed(v[i].text);
		int64_t now = ms(v[i].now), want = ms(v[i].until);

		for (int64_t late = 0; late < MINUTE; late += 29999) {
			bool open = window_is_open(&w, now + late, &until);

			if (open != v[i].open || until != want)
				fail_msg("%s at %s + %d ms: %d until %lld, "
				    "not %lld", v[i].text, v[i].now, (int)late,
				    open, (long long)until, (long long)want);
		}
		if (v[i].until == NULL)
			continue;
		assert_int_equal(window_is_open(&w, want - 1, &until),
		    v[i].open);
		assert_int_equal(window_is_open(&w, want, &until), !v[i].open);
	}
}

/* Whether one range covers a minute of the wall clock, told from the start
 * of each of its days by plain counting. */
static bool
covers(const struct window_range *r, int weekday, int minute)
{
	int length = r->end > r->start ? r->end - r->start :
	    1440 - r->start + r->end;

	for (int back = 0; back < 2; back++) {
		int since = minute + back * 1440 - r->start;

		if (r->days >> (weekday + 7 - back) % 7 & 1 && since >= 0 &&
		    since < length)
			return true;
	}
	return false;
}

/* By the C library, in the zone that TZ names. */
static bool
open_by_the_wall(const struct window *w, int64_t now)
{
	time_t t = (time_t)(now / 1000);
	struct tm tm;

	localtime_r(&t, &tm);
	for (unsigned i = 0; i < w->n; i++) {
		if (covers(&w->range[i], (tm.tm_wday + 6) % 7,
		    tm.tm_hour * 60 + tm.tm_min))
			return true;
	}
	return false;
}

static struct window
random_window(const char *zone, uint64_t *seed)
{
	struct window w = {.n = 1 + (unsigned)(backoff_rand(seed) % 4)};

	strcpy(w.zone, zone);
	for (unsigned i = 0; i < w.n; i++) {
		w.range[i].days = (uint8_t)(1 + backoff_rand(seed) % 127);
		w.range[i].start = (uint16_t)(backoff_rand(seed) % 1440);
		w.range[i].end = (uint16_t)(1 + backoff_rand(seed) % 1440);
	}
	return w;
}

static void
changes_agree_with_a_walk_over_minutes(void **state)
{
	static const struct {
		const char *zone, *near;
	} v[] = {
		{"UTC", "2024-02-28 00:00"},
		{"Europe/Berlin", "2024-03-30 12:00"},
		{"Europe/Berlin", "2024-10-26 12:00"},
		{"America/New_York", "2024-11-02 12:00"},
		{"Australia/Lord_Howe", "2024-04-06 03:00"},
		{"Australia/Lord_Howe", "2024-10-05 03:00"},
		{"America/St_Johns", "2024-03-09 12:00"},
		{"Africa/Casablanca", "2024-03-09 12:00"},
		{"Pacific/Apia", "2011-12-29 12:00"},
		{"Asia/Kathmandu", "2024-05-01 12:00"},
		{"America/Havana", "2024-11-02 12:00"},
		{"Europe/Berlin", "2044-03-26 12:00"},
	};
	uint64_t seed = 5;

	(void)state;
	for (size_t i = 0; i < 40 * N(v); i++) {
		const char *zone = v[i % N(v)].zone;
		struct window w = random_window(zone, &seed);
		int64_t t, until, now = ms(v[i % N(v)].near) +
		    (int64_t)(backoff_rand(&seed) % (36 * 60)) * MINUTE;
		bool open;

		assert_int_equal(setenv("TZ", zone, 1), 0);
		tzset();
		open = open_by_the_wall(&w, now);
		for (t = now; t < now + 20 * 1440 * MINUTE; t += MINUTE) {
			if (open_by_the_wall(&w, t) != open)
				break;
		}
		if (t == now + 20 * 1440 * MINUTE)
			t = 0;
		assert_int_equal(window_is_open(&w, now, &until), open);
		assert_int_equal(until, t);
	}
	unsetenv("TZ");
	tzset();
}

static void
random_windows_print_and_parse(void **state)
{
	uint64_t seed = 6;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct window w = random_window(i % 2 ? "UTC" : "Asia/Kolkata",
		    &seed), again;
		char s[LIMIT_WINDOW + 1];
		struct buf b = buf_of(s, LIMIT_WINDOW);

		window_print(&w, &b);
		assert_false(b.over);
		s[b.n] = '\0';
		assert_int_equal(window_parse(s, &again, NULL, NULL), 0);
		assert_window_equal(&w, &again);
	}
}

static void
printing_does_not_overrun(void **state)
{
	struct window w = parsed("mon-fri 22:00-04:00");
	char s[20];

	(void)state;
	for (size_t cap = 0; cap <= sizeof(s); cap++) {
		struct buf b = buf_of(s, cap);

		window_print(&w, &b);
		assert_int_equal(b.over, cap < 19);
	}
}

/* A zone that can be parsed, and then the package is removed. */
static void
a_lost_zone_is_closed_and_asked_again(void **state)
{
	char dir[] = "/tmp/suitd-window-XXXXXX", path[64], data[4096];
	int64_t until, now = ms("2024-01-01 12:00");
	struct window w;
	size_t n;
	FILE *f;

	(void)state;
	f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
	assert_non_null(f);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/Here", dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);

	setenv("TZDIR", dir, 1);
	zone_forget();
	w = parsed("10:00-14:00 Here");
	assert_true(window_is_open(&w, now, &until));
	assert_int_equal(until, ms("2024-01-01 13:00"));
	unlink(path);
	rmdir(dir);
	assert_true(window_is_open(&w, now, &until));
	/* at the end of what is known: open, and to be asked again there */
	assert_true(window_is_open(&w, ms("2024-01-31 11:59"), &until));
	assert_int_equal(until, ms("2024-01-31 12:00"));
	zone_forget();
	assert_false(window_is_open(&w, now, &until));
	assert_int_equal(until, now + WINDOW_LOST_MS);
	unsetenv("TZDIR");
	zone_forget();
}

static void
the_ends_of_time_are_answered(void **state)
{
	static const int64_t v[] = {
		INT64_MIN, INT64_MIN + 1000, -1, 0, 1, INT64_MAX - 1000,
		INT64_MAX};
	struct window w = parsed("10:00-11:00"),
	    z = parsed("10:00-11:00 Europe/Berlin");
	int64_t until;

	(void)state;
	for (size_t i = 0; i < N(v); i++) {
		window_is_open(&w, v[i], &until);
		assert_true(until == 0 || until > v[i]);
		window_is_open(&z, v[i], &until);
		assert_true(until == 0 || until > v[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_text_parses_to_the_same),
		cmocka_unit_test(refusals_name_the_column),
		cmocka_unit_test(limits_hold_at_the_cap_and_one_past),
		cmocka_unit_test(open_and_until),
		cmocka_unit_test(changes_agree_with_a_walk_over_minutes),
		cmocka_unit_test(random_windows_print_and_parse),
		cmocka_unit_test(printing_does_not_overrun),
		cmocka_unit_test(a_lost_zone_is_closed_and_asked_again),
		cmocka_unit_test(the_ends_of_time_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
