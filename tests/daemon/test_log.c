/* One line per decision, whatever a stranger has put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"

/* What the logger writes of one text, without the end of the line. */
static void
logged(const char *text, char *dst, size_t cap)
{
	FILE *f = tmpfile();
	int saved = dup(2);
	ssize_t n;

	assert_non_null(f);
	dup2(fileno(f), 2);
	log_info("peer says %s", text);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	n = pread(fileno(f), dst, cap - 1, 0);
	fclose(f);
	assert_true(n > 0 && dst[n - 1] == '\n');
	dst[n - 1] = '\0';
}

static void
a_line_stays_one_line(void **state)
{
	char line[4096];

	(void)state;
	logged("hello", line, sizeof(line));
	assert_string_equal(line, "info peer says hello");
	logged("a\nerror forged\r\x1b[2J\x7f", line, sizeof(line));
	assert_null(strpbrk(line, "\n\r\x1b\x7f"));
	assert_non_null(strstr(line, "forged"));
	logged("\xff\xfe\xe2\x80\xae", line, sizeof(line));
	for (const char *p = line; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
}

static void
a_long_one_is_cut(void **state)
{
	static char text[5000];
	char line[8192];

	(void)state;
	memset(text, 1, sizeof(text) - 1);
	logged(text, line, sizeof(line));
	assert_true(strlen(line) < 2100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_stays_one_line),
		cmocka_unit_test(a_long_one_is_cut),
	};

	unsetenv("JOURNAL_STREAM");
	log_init(LOGL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
