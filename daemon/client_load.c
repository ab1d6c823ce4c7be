/*
 * What tells that a file has changed is its inode, size and ctime, as with
 * the operators' keys; a folder is the sum of its files, so that the order in
 * which the kernel lists them does not count. Not inotify: a list is often
 * replaced by a rename, on a file system that may be anywhere.
 */
#include "daemon/client_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_ROOM 520
#define SOON_MS (30 * 86400 * INT64_C(1000))

struct source {
	const char *key, *path;
	const char *const *ends; /* of names in a folder */
	size_t room; /* bytes of a file, and one */
	int (*add)(struct clientca *ca, struct slice bytes, struct why *why);
};

static const char *const ca_ends[] = {".pem", ".crt", ".cer", NULL};
static const char *const crl_ends[] = {".pem", ".crl", ".der", NULL};

static void
sources_of(const struct conf *c, struct source ret[2])
{
	ret[0] = (struct source){"client_ca", c->client_ca, ca_ends,
	    LIMIT_CERT_FILE + 1, clientca_add};
	ret[1] = (struct source){"client_crl", c->client_crl, crl_ends,
	    LIMIT_CRL_FILE + 1, clientca_add_crl};
}

static bool
named_so(const char *name, const char *const *ends)
{
	size_t n = strlen(name);

	for (; *ends != NULL; ends++)
		if (name[0] != '.' && n > strlen(*ends) &&
		    strcmp(name + n - strlen(*ends), *ends) == 0)
			return true;
	return false;
}

/* --- each file of a source --- */

/* Calls fn for the file, or for each of the folder in the order of names. */
static int
each_file(const struct source *s, int (*fn)(void *arg,
    const struct source *s, const char *path), void *arg, struct why *why)
{
	char path[PATH_ROOM];
	struct dirent **list;
	struct stat st;
	int n, rc = 0, seen = 0;

	if (stat(s->path, &st) != 0)
		return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s: %s: %s", s->key, s->path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fn(arg, s, s->path);
	n = scandir(s->path, &list, NULL, alphasort);
	if (n < 0)
		return why_set(why, ERR_IO, "%s: %s: %s", s->key, s->path,
		    strerror(errno));
	for (int i = 0; i < n; i++) {
		if (rc == 0 && named_so(list[i]->d_name, s->ends)) {
			snprintf(path, sizeof(path), "%s/%s", s->path,
			    list[i]->d_name);
			rc = seen++ < LIMIT_CLIENT_FILES ? fn(arg, s, path) :
			    why_set(why, ERR_LIMIT, "%s: %s: more than %d "
			    "files", s->key, s->path, LIMIT_CLIENT_FILES);
		}
		free(list[i]);
	}
	free(list);
	return rc;
}

struct load {
	struct clientca *ca;
	uint8_t *bytes; /* room for the largest */
	struct why *why;
};

static int
read_file(const char *path, struct buf *b, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && b->n < b->cap) {
		n = read(fd, b->p + b->n, b->cap - b->n);
		if (n > 0)
			b->n += (size_t)n;
	}
	if (n < 0)
		(void)why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return n < 0 ? why->err : 0;
}

static int
load_file(void *arg, const struct source *s, const char *path)
{
	struct load *l = arg;
	struct buf b = buf_of(l->bytes, s->room);
	struct why reason = {0};
	int rc = read_file(path, &b, &reason);

	if (rc == 0)
		rc = s->add(l->ca, buf_slice(&b), &reason);
	return rc == 0 ? 0 : why_set(l->why, rc, "%s: %.80s: %.120s", s->key,
	    path, reason.text);
}

static int
load(const struct source *s, struct load *l)
{
	int rc = each_file(&s[0], load_file, l, l->why);

	if (rc == 0 && clientca_count(l->ca) == 0)
		rc = why_set(l->why, ERR_MISSING, "client_ca: %s: no "
		    "certificate of an authority", s[0].path);
	if (rc == 0 && s[1].path[0] != '\0')
		rc = each_file(&s[1], load_file, l, l->why);
	return rc;
}

int
client_load(const struct conf *c, struct client_trust *ret, struct why *why)
{
	struct client_trust t = {.files = client_files(c)};
	struct load l = {.why = why};
	struct source s[2];
	int rc;

	if (c->client_ca[0] == '\0') {
		*ret = t;
		return 0;
	}
	rc = certmap_parse(slice_str(c->cert_endpoint), &t.map, why);
	if (rc != 0)
		return rc;
	sources_of(c, s);
	l.bytes = malloc(LIMIT_CRL_FILE + 1);
	rc = l.bytes == NULL ? ERR_NOMEM : clientca_new(&l.ca);
	rc = rc != 0 ? why_set(why, rc, "client_ca: out of memory") :
	    load(s, &l);
	free(l.bytes);
	if (rc != 0) {
		clientca_free(l.ca);
		return rc;
	}
	t.ca = l.ca;
	*ret = t;
	return 0;
}

void
client_unload(struct client_trust *t)
{
	clientca_free(t->ca);
	t->ca = NULL;
}

/* --- changes --- */

static uint64_t
mix(uint64_t h, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8) /* FNV-1a */
		h = (h ^ (v & 0xff)) * UINT64_C(0x100000001b3);
	return h;
}

static int
sum_file(void *arg, const struct source *s, const char *path)
{
	uint64_t *sum = arg, h = mix(UINT64_C(0xcbf29ce484222325),
	    (uint64_t)s->key[8]);
	struct stat st;

	if (stat(path, &st) != 0)
		memset(&st, 0, sizeof(st));
	h = mix(h, (uint64_t)st.st_ino);
	h = mix(h, (uint64_t)st.st_size);
	h = mix(h, (uint64_t)st.st_ctim.tv_sec);
	*sum += mix(h, (uint64_t)st.st_ctim.tv_nsec);
	return 0;
}

uint64_t
client_files(const struct conf *c)
{
	struct source s[2];
	uint64_t sum = 0;

	sources_of(c, s);
	for (int i = 0; i < 2; i++)
		if (s[i].path[0] != '\0')
			(void)each_file(&s[i], sum_file, &sum, NULL);
	return sum;
}

/* --- for a person --- */

static bool
put_date(const char *what, int64_t at, int64_t now, char *dst, size_t cap)
{
	size_t n = strlen(dst);
	time_t t = (time_t)(at / 1000);
	char date[32] = "?";
	struct tm tm;

	if (at == 0)
		return false;
	if (gmtime_r(&t, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%MZ", &tm);
	snprintf(dst + n, cap - n, ", %s %s%s", what, date, at <= now ?
	    ", which is over" : "");
	return at <= now;
}

bool
client_describe(const struct client_trust *t, int64_t now, char *dst,
    size_t cap)
{
	int64_t until;
	bool late;

	if (t->ca == NULL) {
		snprintf(dst, cap, "client certificates are not asked for");
		return false;
	}
	until = clientca_until(t->ca);
	snprintf(dst, cap, "authorities %zu, lists of revoked ones %zu",
	    clientca_count(t->ca), clientca_crls(t->ca));
	late = put_date("a list is due", clientca_crl_due(t->ca), now, dst,
	    cap);
	if (until - now < SOON_MS)
		late |= put_date("an authority ends", until, now, dst, cap);
	return late;
}
