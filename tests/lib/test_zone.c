#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/zone.h"

/* A zoneinfo directory of our own, so that data can come and go. */
static char dir[64];

static void
path_of(const char *name, char *path, size_t cap)
{
	snprintf(path, cap, "%s/%s", dir, name);
}

static void
put_file(const char *name, const void *p, size_t n)
{
	char path[128];
	FILE *f;

	path_of(name, path, sizeof(path));
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void
drop_file(const char *name)
{
	char path[128];

	path_of(name, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
}

/* A zone of version 1 with no change: 30 minutes and 17 s east. */
static const uint8_t fixed[] = "TZif"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
    "\0\0\x07\x19\0\0FIX";

/* What the clock on the wall shows. */
static int
zone_local(const char *name, int64_t utc_s, struct zone_time *ret)
{
	struct zone_span sp;
	int rc = zone_span(name, utc_s, &sp);

	if (rc == 0)
		*ret = zone_time_of(utc_s, sp.offset_s);
	return rc;
}

static int
own_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/suitd-zone-XXXXXX");
	if (mkdtemp(dir) == NULL || setenv("TZDIR", dir, 1) != 0)
		return -1;
	zone_forget();
	return 0;
}

static int
system_dir(void **state)
{
	(void)state;
	unsetenv("TZDIR");
	unsetenv("TZ");
	tzset();
	zone_forget();
	return rmdir(dir);
}

static int64_t
utc(int y, int mo, int d, int h, int mi)
{
	struct tm tm = {.tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d,
		.tm_hour = h, .tm_min = mi};

	return timegm(&tm);
}

static void
names_cannot_leave_the_directory(void **state)
{
	static const char *const good[] = {
		"UTC", "Europe/Berlin", "Etc/GMT+5", "America/Port-au-Prince",
		"America/Argentina/Buenos_Aires", "EST5EDT",
	};
	static const char *const bad[] = {
		"", "/etc/passwd", "../passwd", "Europe/../Berlin", "a.b",
		":UTC", "Europe/Ber lin", "UTC\n", "%s", "Z\xc3\xbcrich",
	};
	char name[LIMIT_ZONE + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(zone_name_ok(slice_str(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(zone_name_ok(slice_str(bad[i])));
		assert_false(zone_exists(bad[i]));
	}
	memset(name, 'a', sizeof(name));
	assert_true(zone_name_ok(slice_of(name, LIMIT_ZONE)));
	assert_false(zone_name_ok(slice_of(name, LIMIT_ZONE + 1)));
	name[LIMIT_ZONE + 1] = '\0';
	assert_false(zone_exists(name));
}

static void
only_zone_data_is_a_zone(void **state)
{
	struct zone_span sp;

	(void)state;
	put_file("text", "hello, world", 12);
	put_file("short", "TZi", 3);
	put_file("fixed", fixed, sizeof(fixed));
	assert_false(zone_exists("text"));
	assert_false(zone_exists("short"));
	assert_false(zone_exists("absent"));
	assert_false(zone_exists("fixed/")); /* not a directory */
	assert_false(zone_exists("Europe/Berlin")); /* of the other TZDIR */
	assert_true(zone_exists("fixed"));
	assert_true(zone_exists("UTC")); /* needs no file */
	assert_int_equal(zone_span("text", 0, &sp), ERR_NOT_FOUND);
	assert_int_equal(zone_span("", 0, &sp), ERR_NOT_FOUND);
	assert_int_equal(zone_span("../x", 0, &sp), ERR_NOT_FOUND);
	assert_int_equal(zone_span("fixed", 1000, &sp), 0);
	assert_int_equal(sp.offset_s, 1817);
	assert_int_equal(zone_span("UTC", 1000, &sp), 0);
	assert_int_equal(sp.offset_s, 0);
	drop_file("text");
	drop_file("short");
	drop_file("fixed");
}

static void
a_zone_is_read_once_a_month(void **state)
{
	const int64_t day = 86400, t = utc(2024, 5, 1, 0, 0);
	struct zone_time z;

	(void)state;
	put_file("fixed", fixed, sizeof(fixed));
	assert_int_equal(zone_local("fixed", t, &z), 0);
	drop_file("fixed");
	for (int64_t d = -1; d < 30; d++)
		assert_int_equal(zone_local("fixed", t + d * day, &z), 0);
	assert_int_equal(zone_local("fixed", t + 30 * day, &z), ERR_NOT_FOUND);
	assert_int_equal(zone_local("fixed", t - 2 * day, &z), ERR_NOT_FOUND);
	/* a failure does not cost what is known */
	assert_int_equal(zone_local("fixed", t, &z), 0);
	zone_forget();
	assert_int_equal(zone_local("fixed", t, &z), ERR_NOT_FOUND);
}

static void
as_many_zones_as_the_limit_are_remembered(void **state)
{
	struct zone_time z;
	char name[16];

	(void)state;
	for (int i = 0; i <= LIMIT_ZONES; i++) {
		snprintf(name, sizeof(name), "z%d", i);
		put_file(name, fixed, sizeof(fixed));
		if (i < LIMIT_ZONES)
			assert_int_equal(zone_local(name, 0, &z), 0);
		drop_file(name);
	}
	for (int i = 0; i < LIMIT_ZONES; i++) {
		snprintf(name, sizeof(name), "z%d", i);
		assert_int_equal(zone_local(name, 0, &z), 0);
	}
	put_file("more", fixed, sizeof(fixed));
	assert_int_equal(zone_local("more", 0, &z), 0);
	drop_file("more");
	assert_int_equal(zone_local("more", 0, &z), 0);
	assert_int_equal(zone_local("z0", 0, &z), ERR_NOT_FOUND);
	assert_int_equal(zone_local("z1", 0, &z), 0);
}

static void
the_clock_shows_weekday_and_minute(void **state)
{
	static const struct {
		const char *zone;
		int y, mo, d, h, mi; /* UTC */
		unsigned weekday, minute;
		int32_t offset_s;
	} v[] = {
		{"UTC", 1970, 1, 1, 0, 0, 3, 0, 0},
		{"UTC", 1969, 12, 31, 23, 59, 2, 1439, 0},
		{"Europe/Berlin", 2024, 3, 31, 0, 59, 6, 119, 3600},
		{"Europe/Berlin", 2024, 3, 31, 1, 0, 6, 180, 7200},
		{"Europe/Berlin", 2024, 10, 27, 0, 59, 6, 179, 7200},
		{"Europe/Berlin", 2024, 10, 27, 1, 0, 6, 120, 3600},
		{"America/New_York", 2024, 7, 1, 2, 0, 6, 1320, -14400},
		{"Asia/Kolkata", 2024, 1, 1, 18, 30, 1, 0, 19800},
		{"Asia/Kathmandu", 2024, 1, 1, 3, 15, 0, 540, 20700},
		{"Australia/Lord_Howe", 2024, 4, 6, 14, 59, 6, 119, 39600},
		{"Australia/Lord_Howe", 2024, 4, 6, 15, 0, 6, 90, 37800},
		{"Pacific/Apia", 2011, 12, 30, 9, 59, 3, 1439, -36000},
		{"Pacific/Apia", 2011, 12, 30, 10, 0, 5, 0, 50400},
	};
	struct zone_time z;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_int_equal(zone_local(v[i].zone, utc(v[i].y, v[i].mo,
		    v[i].d, v[i].h, v[i].mi) + 7, &z), 0);
		assert_int_equal(z.weekday, v[i].weekday);
		assert_int_equal(z.minute, v[i].minute);
		assert_int_equal(z.second, 7);
		assert_int_equal(z.offset_s, v[i].offset_s);
	}
}

/* Against the C library, every 20 minutes of six years around changes of all
 * kinds: a half hour, two in a month, a lost day, a new standard time. */
static void
spans_agree_with_the_c_library(void **state)
{
	static const char *const zones[] = {
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
		"Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu",
		"America/St_Johns", "Asia/Pyongyang", "Europe/Lisbon",
	};
	const int64_t from = utc(2010, 1, 1, 0, 0), to = utc(2016, 1, 1, 0, 0);
	struct zone_span sp = {0, 0, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		for (int64_t t = from; t < to; t += 1200) {
			time_t tt = (time_t)t;
			struct tm tm;

			assert_int_equal(zone_span(zones[i], t, &sp), 0);
			assert_true(sp.from_s <= t && t < sp.to_s);
			localtime_r(&tt, &tm);
			assert_int_equal(sp.offset_s, tm.tm_gmtoff);
		}
	}
	unsetenv("TZ");
	tzset();
}

static void
tz_of_the_process_is_put_back(void **state)
{
	static const char *const before[] = {"America/New_York", "", NULL};
	char big[1025];
	struct zone_time z;
	struct tm a, b;
	time_t t = (time_t)utc(2024, 7, 1, 0, 0);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		if (before[i] != NULL)
			setenv("TZ", before[i], 1);
		else
			unsetenv("TZ");
		tzset();
		localtime_r(&t, &a);
		zone_forget();
		assert_int_equal(zone_local("Asia/Kolkata", t, &z), 0);
		localtime_r(&t, &b);
		assert_int_equal(a.tm_gmtoff, b.tm_gmtoff);
		if (before[i] == NULL)
			assert_null(getenv("TZ"));
		else
			assert_string_equal(getenv("TZ"), before[i]);
	}
	zone_forget();
	memset(big, 'A', sizeof(big));
	big[1024] = '\0';
	setenv("TZ", big, 1);
	assert_int_equal(zone_local("Asia/Kolkata", t, &z), ERR_SPACE);
	assert_string_equal(getenv("TZ"), big);
	big[1023] = '\0';
	setenv("TZ", big, 1);
	assert_int_equal(zone_local("Asia/Kolkata", t, &z), 0);
	assert_string_equal(getenv("TZ"), big);
	unsetenv("TZ");
	tzset();
}

static void
the_ends_of_time_are_answered(void **state)
{
	const int64_t end = INT64_MAX / 1000;
	struct zone_span sp;
	struct zone_time z;

	(void)state;
	assert_int_equal(zone_local("Europe/Berlin", end, &z), 0);
	assert_int_equal(zone_local("Europe/Berlin", -end, &z), 0);
	assert_int_equal(zone_span("UTC", end, &sp), 0);
	assert_int_equal(zone_span("UTC", end + 1, &sp), ERR_RANGE);
	assert_int_equal(zone_span("Europe/Berlin", -end - 1, &sp), ERR_RANGE);
	assert_int_equal(zone_span("UTC", INT64_MAX, &sp), ERR_RANGE);
	assert_int_equal(zone_span("UTC", INT64_MIN, &sp), ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_cannot_leave_the_directory),
		cmocka_unit_test_setup_teardown(only_zone_data_is_a_zone,
		    own_dir, system_dir),
		cmocka_unit_test_setup_teardown(a_zone_is_read_once_a_month,
		    own_dir, system_dir),
		cmocka_unit_test_setup_teardown(
		    as_many_zones_as_the_limit_are_remembered,
		    own_dir, system_dir),
		cmocka_unit_test(the_clock_shows_weekday_and_minute),
		cmocka_unit_test(spans_agree_with_the_c_library),
		cmocka_unit_test(tz_of_the_process_is_put_back),
		cmocka_unit_test(the_ends_of_time_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
