/*
 * The operators' keys: a file that is small, written by hand, and looked at
 * again when it is another one than before. Not inotify: an editor replaces
 * the file, and a watch that was lost would keep a removed operator in.
 *
 * What tells a change is the inode, its size and its ctime, which moves with
 * every write and every chmod, whatever was done to the mtime. It is taken
 * before the file is read: what changes meanwhile is read the next time.
 */
#include "daemon/access_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/secret.h"
#include "lib/text.h"

#define ADMIN_KEY 32
#define NEWS 300 /* longer ones are cut */

struct table {
	size_t n;
	struct operator op[LIMIT_OPERATORS];
};

struct operators {
	char path[512];
	struct stat seen; /* zeroes: there was no file */
	struct table table;
	char news[NEWS]; /* what was not told yet */
};

/* --- one line --- */

static const struct operator *
find(const struct table *t, const char *identity)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->op[i].identity, identity) == 0)
			return &t->op[i];
	return NULL;
}

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t
word(struct slice s)
{
	size_t n = 0;

	while (n < s.n && !blank(s.p[n]))
		n++;
	return n;
}

/* Where the rights begin: the first word with a = in it. */
static size_t
rights_at(struct slice s)
{
	size_t at = 0, n;

	while (at < s.n) {
		n = word(slice_sub(s, at, s.n));
		if (n > 0 && memchr(s.p + at, '=', n) != NULL)
			return at;
		at += n > 0 ? n : 1;
	}
	return s.n;
}

/* Hex, and rights or nothing. */
static int
add_key(struct operator *op, struct slice rest, struct why *why)
{
	struct buf key = buf_of(op->key, sizeof(op->key));
	size_t n = rights_at(rest);
	struct why reason = {0};

	switch (text_unhex(slice_sub(rest, 0, n), &key)) {
	case 0:
		break;
	case ERR_SPACE:
		key.n = 0;
		break;
	default:
		return why_set(why, ERR_MALFORMED, "the key of %s is not hex",
		    op->identity);
	}
	if (key.n < LIMIT_OPERATOR_KEY_LEAST)
		return why_set(why, ERR_KEY, "the key of %s must have %d to "
		    "%d bytes", op->identity, LIMIT_OPERATOR_KEY_LEAST,
		    LIMIT_PSK_KEY);
	op->key_len = key.n;
	op->rights = (struct rights){.role = ROLES_ADMIN};
	if (n == rest.n)
		return 0;
	/* (ERR_NOT_FOUND would be a file that is not there) */
	return rights_parse(slice_sub(rest, n, rest.n), NULL, &op->rights,
	    &reason) == 0 ? 0 : why_set(why, ERR_MALFORMED, "the rights of "
	    "%s: %s", op->identity, reason.text);
}

/* *why gets the reason without the line's number. */
static int
add_line(struct table *t, struct slice line, struct why *why)
{
	struct operator *op = &t->op[t->n];
	struct slice id;
	int rc;

	while (line.n > 0 && blank(line.p[0]))
		line = slice_sub(line, 1, line.n);
	if (line.n == 0 || line.p[0] == '#')
		return 0;
	if (t->n == LIMIT_OPERATORS)
		return why_set(why, ERR_LIMIT, "more than %d operators",
		    LIMIT_OPERATORS);
	id = slice_sub(line, 0, word(line));
	if (!text_name_ok(id, LIMIT_PSK_IDENTITY) || id.n == line.n ||
	    !slice_to_cstr(id, op->identity, sizeof(op->identity)))
		return why_set(why, ERR_MALFORMED, "not \"identity hexkey\"; "
		    "an identity has letters, digits and ._:@- , %d at most",
		    LIMIT_PSK_IDENTITY);
	if (find(t, op->identity) != NULL)
		return why_set(why, ERR_DUPLICATE, "%s has a line already",
		    op->identity);
	rc = add_key(op, slice_sub(line, id.n, line.n), why);
	t->n += rc == 0;
	return rc;
}

static int
parse(struct table *t, struct slice text, const char *path, struct why *why)
{
	struct why line_why = {0};
	int rc = 0;

	for (int line = 1; rc == 0 && text.n > 0; line++) {
		const uint8_t *nl = memchr(text.p, '\n', text.n);
		size_t n = nl == NULL ? text.n : (size_t)(nl - text.p);

		rc = add_line(t, slice_sub(text, 0, n), &line_why);
		if (rc != 0)
			return why_set(why, rc, "%s: line %d: %s", path, line,
			    line_why.text);
		text = slice_sub(text, n + 1, text.n);
	}
	if (t->n == 0)
		return why_set(why, ERR_MISSING, "%s: no line \"identity "
		    "hexkey\"; when suitd's own file is removed, a new key "
		    "is made at the next start", path);
	return 0;
}

/* --- the file --- */

static int
write_first(const char *path, struct why *why)
{
	uint8_t key[ADMIN_KEY];
	char hex[2 * ADMIN_KEY + 1], line[128];
	int fd, n, rc = 0;

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return why_set(why, ERR_CRYPTO, "no randomness for a key");
	text_hex(slice_of(key, sizeof(key)), hex, sizeof(hex));
	n = snprintf(line, sizeof(line), "admin %s\n", hex);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	if (write(fd, line, (size_t)n) != n || fsync(fd) != 0)
		rc = why_set(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO,
		    "%s: %s", path, strerror(errno));
	close(fd);
	if (rc != 0)
		unlink(path);
	return rc;
}

static int
read_all(int fd, const char *path, struct buf *text, struct why *why)
{
	ssize_t n = 1;

	while (n > 0 && text->n < text->cap) {
		n = read(fd, text->p + text->n, text->cap - text->n);
		if (n > 0)
			text->n += (size_t)n;
	}
	if (n < 0)
		return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	if (text->n > LIMIT_OPERATORS_FILE)
		return why_set(why, ERR_SIZE, "%s: over %d bytes", path,
		    LIMIT_OPERATORS_FILE);
	return 0;
}

static int
read_file(struct operators *o, int fd, struct why *why)
{
	uint8_t bytes[LIMIT_OPERATORS_FILE + 1];
	struct buf text = buf_of(bytes, sizeof(bytes));
	struct table t = {.n = 0};
	int rc;

	if (fstat(fd, &o->seen) != 0)
		return why_set(why, ERR_IO, "%s: %s", o->path,
		    strerror(errno));
	rc = secret_check(o->path, &o->seen, why);
	if (rc == 0)
		rc = read_all(fd, o->path, &text, why);
	if (rc == 0)
		rc = parse(&t, buf_slice(&text), o->path, why);
	if (rc == 0)
		o->table = t;
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(&t, sizeof(t));
	return rc;
}

/* On failure the operators are those of before. */
static int
load(struct operators *o, struct why *why)
{
	int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	memset(&o->seen, 0, sizeof(o->seen));
	if (fd < 0)
		return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s: %s", o->path, strerror(errno));
	rc = read_file(o, fd, why);
	close(fd);
	return rc;
}

int
operators_open(const char *path, bool make, struct operators **ret,
    struct why *why)
{
	struct operators *o = calloc(1, sizeof(*o));
	int rc;

	if (o == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	snprintf(o->path, sizeof(o->path), "%s", path);
	rc = load(o, why);
	if (rc == ERR_NOT_FOUND && make) {
		rc = write_first(o->path, why);
		if (rc == 0)
			rc = load(o, why);
	}
	if (rc != 0)
		operators_free(o);
	else
		*ret = o;
	return rc;
}

const char *
operators_file(const struct operators *o)
{
	return o->path;
}

size_t
operators_count(const struct operators *o)
{
	return o->table.n;
}

void
operators_free(struct operators *o)
{
	if (o != NULL)
		explicit_bzero(o, sizeof(*o));
	free(o);
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* --- what has become of it --- */

static bool
same_rights(const struct rights *a, const struct rights *b)
{
	char text[2][LIMIT_RIGHTS + 1];
	struct buf x = buf_of(text[0], LIMIT_RIGHTS);
	struct buf y = buf_of(text[1], LIMIT_RIGHTS);

	rights_print(a, &x);
	rights_print(b, &y);
	return slice_eq(buf_slice(&x), buf_slice(&y));
}

static bool
same_operator(const struct operator *a, const struct operator *b)
{
	return a->key_len == b->key_len &&
	    memcmp(a->key, b->key, a->key_len) == 0 &&
	    same_rights(&a->rights, &b->rights);
}

static void
say(struct operators *o, const char *what, const char *who)
{
	size_t n = strlen(o->news);

	snprintf(o->news + n, sizeof(o->news) - n, "%s%s%s", n > 0 ? ", " : "",
	    what, who);
}

static void
say_difference(struct operators *o, const struct table *was)
{
	const struct operator *op;

	for (size_t i = 0; i < o->table.n; i++) {
		op = find(was, o->table.op[i].identity);
		if (op == NULL)
			say(o, "added ", o->table.op[i].identity);
		else if (!same_operator(op, &o->table.op[i]))
			say(o, "changed ", op->identity);
	}
	for (size_t i = 0; i < was->n; i++)
		if (find(&o->table, was->op[i].identity) == NULL)
			say(o, "removed ", was->op[i].identity);
	if (o->news[0] == '\0')
		say(o, "written, ", "with the same operators");
}

static void
tell_ended(const struct table *was, const struct table *now,
    const struct operators_told *told)
{
	for (size_t i = 0; i < was->n; i++) {
		const struct operator *a = &was->op[i],
		    *b = find(now, a->identity);

		if (b == NULL || !slice_eq(slice_of(a->key, a->key_len),
		    slice_of(b->key, b->key_len)))
			told->ended(told->arg, a->identity);
	}
}

/* A file that stays damaged is told once, since it is not read again. */
static void
look_again(struct operators *o, const struct operators_told *told)
{
	static struct table was;
	struct stat now = {0};
	struct why why = {0};

	if (stat(o->path, &now) != 0)
		memset(&now, 0, sizeof(now));
	if (same_file(&now, &o->seen))
		return;
	was = o->table;
	if (load(o, &why) != 0) {
		log_error("operators: %s; the %zu of before stay", why.text,
		    o->table.n);
		say(o, "not usable, those of before stay: ", why.text);
	} else {
		log_info("operators: file=%s changed, operators=%zu", o->path,
		    o->table.n);
		say_difference(o, &was);
	}
	tell_ended(&was, &o->table, told);
	explicit_bzero(&was, sizeof(was));
}

const char *
operators_news(struct operators *o, const struct operators_told *told)
{
	look_again(o, told);
	return o->news[0] != '\0' ? o->news : NULL;
}

void
operators_news_told(struct operators *o)
{
	o->news[0] = '\0';
}

const struct operator *
operators_find(struct operators *o, const char *identity,
    const struct operators_told *told)
{
	look_again(o, told);
	return find(&o->table, identity);
}
