#include "daemon/conf_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DIR_OF_USERS "suitd-state" /* who is not root has no /var/lib */

struct load {
	void (*tell)(void *arg, const char *text);
	void *arg;
	int rc; /* of the first error */
};

static void
fail(struct load *l, int err, const char *text)
{
	if (l->rc == 0)
		l->rc = err;
	l->tell(l->arg, text);
}

/* The bytes of `path` with a NUL; *why says what is wrong with them. */
static int
read_text(const char *path, char text[LIMIT_CONF_FILE + 2], struct why *why)
{
	FILE *f = fopen(path, "re");
	size_t n;
	bool whole;

	if (f == NULL)
		return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	n = fread(text, 1, LIMIT_CONF_FILE + 1, f);
	whole = !ferror(f) && n <= LIMIT_CONF_FILE;
	fclose(f);
	if (!whole)
		return why_set(why, ERR_SIZE, "%s: cannot be read, or over %d "
		    "bytes", path, LIMIT_CONF_FILE);
	text[n] = '\0';
	if (strlen(text) != n)
		return why_set(why, ERR_MALFORMED, "%s: not a text file: it "
		    "has a zero byte", path);
	return 0;
}

static void
load_file(struct load *l, const char *path, struct conf *c)
{
	static char text[LIMIT_CONF_FILE + 2];
	static struct conf_errors e;
	struct why why = {0};
	char line[512];

	if (read_text(path, text, &why) != 0) {
		fail(l, why.err, why.text);
		return;
	}
	if (conf_read(text, c, &e) == 0)
		return;
	for (size_t i = 0; i < e.n; i++) {
		conf_error_text(&e.at[i], path, line, sizeof(line));
		fail(l, e.at[i].why.err, line);
	}
	if (e.more > 0) {
		snprintf(line, sizeof(line), "%s: and more errors than these "
		    "%d", path, LIMIT_CONF_ERRORS);
		fail(l, e.at[0].why.err, line);
	}
}

static void
load_setting(struct load *l, const char *setting, struct conf *c)
{
	struct why why = {0};
	char line[sizeof(why.text) + 8];

	if (conf_set(c, setting, &why) == 0)
		return;
	snprintf(line, sizeof(line), "-o: %s", why.text);
	fail(l, why.err, line);
}

static void
on_check(void *arg, const char *key, const struct why *why)
{
	(void)key;
	fail(arg, why->err, why->text);
}

int
conf_load(const struct conf_source *s, struct conf *ret,
    void (*tell)(void *arg, const char *text), void *arg)
{
	struct load l = {.tell = tell, .arg = arg};
	const char *dir = s->dir;
	struct conf c;

	conf_default(&c);
	if (s->file != NULL)
		load_file(&l, s->file, &c);
	else if (dir == NULL && geteuid() != 0)
		dir = DIR_OF_USERS;
	if (dir != NULL && (size_t)snprintf(c.state_dir, sizeof(c.state_dir),
	    "%s", dir) >= sizeof(c.state_dir))
		fail(&l, ERR_SIZE, "-d: too long");
	for (size_t i = 0; i < s->settings; i++)
		load_setting(&l, s->setting[i], &c);
	/* what a file lacks across keys it has been told already */
	if (l.rc == 0)
		conf_check_each(&c, on_check, &l);
	if (l.rc == 0)
		*ret = c;
	return l.rc;
}
