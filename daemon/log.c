#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/text.h"

static enum log_level log_max = LOGL_INFO;
static bool log_journal;

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[LOGL_ERROR] = {"error", 3},
	[LOGL_WARN] = {"warn", 4},
	[LOGL_INFO] = {"info", 6},
	[LOGL_DEBUG] = {"debug", 7},
};

/* The variable is inherited: from a service by a shell that it starts, say,
 * whose stderr may be a terminal or a file. */
static bool
is_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	int end = 0;

	return text != NULL && fstat(fd, &st) == 0 &&
	    sscanf(text, "%llu:%llu%n", &dev, &ino, &end) == 2 &&
	    text[end] == '\0' && dev == st.st_dev && ino == st.st_ino;
}

void
log_level_set(enum log_level level)
{
	log_max = level;
}

void
log_init(enum log_level level)
{
	log_level_set(level);
	log_journal = is_journal(STDERR_FILENO);
	setvbuf(stderr, NULL, _IOLBF, 0);
}

bool
log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void
log_line(enum log_level level, const char *fmt, va_list ap)
{
	char raw[1024], line[2048];

	if (level > log_max)
		return;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	text_escape(slice_str(raw), line, sizeof(line));
	if (log_journal)
		fprintf(stderr, "<%d>%s\n", levels[level].priority, line);
	else
		fprintf(stderr, "%s %s\n", levels[level].name, line);
}

#define LOG_FN(fn, level) \
	void fn(const char *fmt, ...) \
	{ \
		va_list ap; \
		va_start(ap, fmt); \
		log_line(level, fmt, ap); \
		va_end(ap); \
	}

LOG_FN(log_error, LOGL_ERROR)
LOG_FN(log_warn, LOGL_WARN)
LOG_FN(log_info, LOGL_INFO)
LOG_FN(log_debug, LOGL_DEBUG)
