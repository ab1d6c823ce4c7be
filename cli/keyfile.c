#include "cli/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/csv.h"
#include "lib/text.h"

#define HEAD "ep,identity,psk"

struct keyfile {
	char path[1024];
	FILE *out;
	void *tree; /* of struct keyfile_key, by ep */
	struct keyfile_key **all; /* in the order in which they came */
	size_t n, cap, most;
};

static int
by_ep(const void *a, const void *b)
{
	return strcmp(((const struct keyfile_key *)a)->ep,
	    ((const struct keyfile_key *)b)->ep);
}

static int
failed(const struct keyfile *k, const char *what)
{
	return cli_usage("%s: %s: %s", k->path, what, strerror(errno));
}

static int
add(struct keyfile *k, const struct keyfile_key *e, struct keyfile_key **ret)
{
	struct keyfile_key *copy, **all;
	size_t cap = k->cap != 0 ? k->cap * 2 : 1024;

	if (k->n == k->most)
		return cli_usage("%s: more than %zu keys", k->path, k->most);
	if (k->n == k->cap) {
		all = reallocarray(k->all, cap, sizeof(*all));
		if (all == NULL)
			return failed(k, "keys");
		k->all = all;
		k->cap = cap;
	}
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return failed(k, "keys");
	*copy = *e;
	if (tsearch(copy, &k->tree, by_ep) == NULL) {
		free(copy);
		return failed(k, "keys");
	}
	k->all[k->n++] = copy;
	*ret = copy;
	return CLI_OK;
}

static bool
parse(char *line, size_t n, struct keyfile_key *e)
{
	struct slice f[3];
	struct buf key = buf_of(e->key, sizeof(e->key));
	size_t nf;

	return csv_split(line, n, f, 3, &nf) == 0 && nf == 3 &&
	    text_name_ok(f[0], LIMIT_EP) &&
	    slice_to_cstr(f[0], e->ep, sizeof(e->ep)) &&
	    slice_to_cstr(f[1], e->identity, sizeof(e->identity)) &&
	    text_unhex(f[2], &key) == 0 && key.n == sizeof(e->key);
}

/* What was cut off by a kill or a full disk is no line, and goes. */
static int
read_all(struct keyfile *k, FILE *in)
{
	struct keyfile_key e = {.taken = true}, *p;
	char line[LIMIT_IMPORT_LINE + 1];
	off_t end = 0;
	unsigned number = 0;

	while (fgets(line, sizeof(line), in) != NULL) {
		size_t n = strlen(line);

		if (number == 0 && strcmp(line, HEAD "\n") != 0)
			return cli_usage("%s: its first line is not %s: is "
			    "it another file?", k->path, HEAD);
		if ((n == 0 || line[n - 1] != '\n') && feof(in))
			break;
		if (n == 0 || line[n - 1] != '\n')
			return cli_usage("%s:%u: longer than %d bytes, or "
			    "with a NUL", k->path, number + 1,
			    LIMIT_IMPORT_LINE);
		end += (off_t)n;
		if (number++ == 0)
			continue;
		if (!parse(line, n - 1, &e))
			return cli_usage("%s:%u: not %s with a key of %d "
			    "bytes", k->path, number, HEAD, KEYFILE_KEY);
		if (tfind(&e, &k->tree, by_ep) == NULL &&
		    add(k, &e, &p) != CLI_OK)
			return CLI_USAGE;
	}
	explicit_bzero(&e, sizeof(e));
	explicit_bzero(line, sizeof(line));
	return ftruncate(fileno(in), end) != 0 ? failed(k, "cut") : CLI_OK;
}

static int
start(struct keyfile *k)
{
	int fd = open(k->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	struct stat st;
	int rc;

	if (fd < 0)
		return failed(k, "open");
	k->out = fdopen(fd, "r+");
	if (k->out == NULL || fstat(fd, &st) != 0) {
		if (k->out == NULL)
			close(fd);
		return failed(k, "open");
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return cli_usage("%s: not a file of yours", k->path);
	if ((st.st_mode & 077) != 0)
		return cli_usage("%s: others may read it; chmod 600 it",
		    k->path);
	rc = read_all(k, k->out);
	if (rc == CLI_OK && (fseeko(k->out, 0, SEEK_END) != 0 ||
	    (ftello(k->out) == 0 && fputs(HEAD "\n", k->out) == EOF)))
		rc = failed(k, "write");
	return rc;
}

static void
drop(struct keyfile *k)
{
	for (size_t i = 0; i < k->n; i++) {
		tdelete(k->all[i], &k->tree, by_ep);
		explicit_bzero(k->all[i], sizeof(*k->all[i]));
		free(k->all[i]);
	}
	free(k->all);
	if (k->out != NULL)
		fclose(k->out);
	free(k);
}

int
keyfile_open(const char *path, size_t most, struct keyfile **ret)
{
	struct keyfile *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL || !slice_to_cstr(slice_str(path), k->path,
	    sizeof(k->path) - 5)) {
		free(k);
		return cli_usage("%s: too long a name", path);
	}
	k->most = most;
	rc = start(k);
	if (rc != CLI_OK)
		drop(k);
	else
		*ret = k;
	return rc;
}

static int
put(FILE *out, const struct keyfile_key *e)
{
	char line[512], hex[2 * KEYFILE_KEY + 1];
	struct buf b = buf_of(line, sizeof(line));
	size_t n;

	buf_puts(&b, e->ep);
	buf_puts(&b, ",");
	csv_put(&b, slice_str(e->identity));
	buf_puts(&b, ",");
	buf_puts(&b, text_hex(slice_of(e->key, sizeof(e->key)), hex,
	    sizeof(hex)));
	buf_puts(&b, "\n");
	n = b.over ? 0 : fwrite(line, 1, b.n, out);
	explicit_bzero(line, sizeof(line));
	explicit_bzero(hex, sizeof(hex));
	return n == 0 || n != b.n ? -1 : 0;
}

int
keyfile_get(struct keyfile *k, const char *ep, const char *identity,
    struct keyfile_key **ret)
{
	struct keyfile_key e = {.taken = false}, **old;
	int rc;

	if (!slice_to_cstr(slice_str(ep), e.ep, sizeof(e.ep)) ||
	    !slice_to_cstr(slice_str(identity), e.identity,
	    sizeof(e.identity)))
		return cli_usage("%s: too long a name", ep);
	old = tfind(&e, &k->tree, by_ep);
	if (old != NULL && strcmp((*old)->identity, identity) == 0) {
		*ret = *old;
		return CLI_OK;
	}
	if (old != NULL)
		return cli_usage("%s: it has a key of %s under another "
		    "identity, %s", k->path, ep, (*old)->identity);
	if (getrandom(e.key, sizeof(e.key), 0) != sizeof(e.key))
		return failed(k, "no randomness");
	rc = add(k, &e, ret);
	if (rc == CLI_OK && put(k->out, &e) != 0)
		rc = failed(k, "write");
	explicit_bzero(&e, sizeof(e));
	return rc;
}

int
keyfile_sync(struct keyfile *k)
{
	if (fflush(k->out) != 0 || fsync(fileno(k->out)) != 0)
		return failed(k, "write");
	return CLI_OK;
}

static int
rewrite(struct keyfile *k)
{
	char part[sizeof(k->path) + 8];
	FILE *out;
	int fd, bad = 0;

	snprintf(part, sizeof(part), "%s.part", k->path);
	/* what lies there may be a link, or have readers */
	(void)unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL) {
		if (fd >= 0)
			close(fd);
		return failed(k, "write");
	}
	bad |= fputs(HEAD "\n", out) == EOF;
	for (size_t i = 0; i < k->n && bad == 0; i++)
		if (k->all[i]->taken)
			bad |= put(out, k->all[i]);
	bad |= fflush(out) != 0 || fsync(fd) != 0;
	bad |= fclose(out) != 0;
	if (bad == 0 && rename(part, k->path) == 0)
		return CLI_OK;
	return failed(k, "write");
}

int
keyfile_close(struct keyfile *k, bool whole)
{
	int rc = whole ? rewrite(k) : keyfile_sync(k);

	drop(k);
	return rc;
}
