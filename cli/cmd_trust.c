/*
 * cmd_trust: `trust init`, and what changes a list besides its keys: roots,
 * denied digests, floors. Nothing here needs a private key or a daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/opts.h"
#include "cli/trust.h"
#include "lib/text.h"

static int
read_need(const char *text, unsigned *ret)
{
	uint64_t n;

	if (cli_number("--need", text, &n) != 0)
		return CLI_USAGE;
	*ret = n > LIMIT_TRUST_ROOTS ? LIMIT_TRUST_ROOTS + 1 : (unsigned)n;
	return CLI_OK;
}

static int
add_root(struct trust_spec *s, const char *path, struct trust_public *mem)
{
	if (s->root_count == LIMIT_TRUST_ROOTS)
		return cli_usage("a list has at most %d roots",
		    LIMIT_TRUST_ROOTS);
	if (trust_read_public(path, mem) != CLI_OK)
		return CLI_USAGE;
	for (size_t i = 0; i < s->root_count; i++)
		if (slice_eq(s->root[i], mem->cose))
			return cli_usage("TRUST 2.2: %s is a root of the list "
			    "already", path);
	s->root[s->root_count++] = mem->cose;
	return CLI_OK;
}

static int
enough_roots(const struct trust_spec *s)
{
	if (s->need >= 1 && s->need <= s->root_count)
		return CLI_OK;
	return cli_usage("TRUST 2.2: %u must sign, and the list has %zu roots: "
	    "more roots, or --need M, at least 1", s->need, s->root_count);
}

int
cmd_trust_init(struct cli *c, int argc, char **argv)
{
	const char *need = NULL, *out = NULL;
	const struct cli_opt table[] = {{.name = "--need", .value = &need},
	    {.name = "--out", .value = &out}, {.name = NULL}};
	struct trust_public mem[LIMIT_TRUST_ROOTS];
	struct trust_spec s = {.seq = 1};
	int n = cli_opts(table, argc, argv, 1, LIMIT_TRUST_ROOTS);

	(void)c;
	if (n < 0)
		return CLI_USAGE;
	if (out == NULL)
		return cli_usage("trust init: --out FILE is missing");
	for (int i = 0; i < n; i++) {
		if (add_root(&s, argv[i], &mem[i]) != CLI_OK)
			return CLI_USAGE;
	}
	s.need = (unsigned)n / 2 + 1; /* no two halves can disagree */
	if (need != NULL && read_need(need, &s.need) != CLI_OK)
		return CLI_USAGE;
	return enough_roots(&s) != CLI_OK ? CLI_USAGE :
	    trust_write_spec(&s, out);
}

/* --- root --- */

static int
remove_root(struct trust_spec *s, const struct trust *list, const char *word)
{
	uint8_t kid[TRUST_KID];

	if (trust_read_kid(word, kid) != CLI_OK)
		return CLI_USAGE;
	for (size_t i = 0; i < list->roots.n; i++) {
		if (memcmp(list->roots.kid[i], kid, TRUST_KID) != 0)
			continue;
		for (size_t j = 0; j < s->root_count; j++) {
			if (!slice_eq(s->root[j], list->roots.cose[i]))
				continue;
			s->root[j] = s->root[--s->root_count];
			return CLI_OK;
		}
	}
	return cli_usage("%s is no root of the list", word);
}

struct root {
	const char *need, *out;
	const char *add[LIMIT_TRUST_ROOTS], *remove[LIMIT_TRUST_ROOTS];
	size_t add_count, remove_count;
	struct trust_public mem[LIMIT_TRUST_ROOTS];
};

static int
change_roots(struct root *r, struct trust_edit *e)
{
	for (size_t i = 0; i < r->remove_count; i++) {
		if (remove_root(&e->spec, &e->in.list, r->remove[i]) !=
		    CLI_OK)
			return CLI_USAGE;
	}
	for (size_t i = 0; i < r->add_count; i++) {
		if (add_root(&e->spec, r->add[i], &r->mem[i]) != CLI_OK)
			return CLI_USAGE;
	}
	if (r->need != NULL && read_need(r->need, &e->spec.need) != CLI_OK)
		return CLI_USAGE;
	return enough_roots(&e->spec);
}

int
cmd_trust_root(struct cli *c, int argc, char **argv)
{
	struct root r = {.need = NULL};
	const struct cli_opt table[] = {
		{.name = "--add", .list = r.add, .count = &r.add_count,
		    .cap = LIMIT_TRUST_ROOTS},
		{.name = "--remove", .list = r.remove,
		    .count = &r.remove_count, .cap = LIMIT_TRUST_ROOTS},
		{.name = "--need", .value = &r.need},
		{.name = "--out", .value = &r.out}, {.name = NULL},
	};
	struct trust_edit e;
	int rc;

	if (cli_opts(table, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (r.add_count + r.remove_count == 0 && r.need == NULL)
		return cli_usage("trust root: --add, --remove or --need");
	if ((rc = trust_edit_open(c, argv[0], r.out, &e)) != CLI_OK)
		return rc;
	if (change_roots(&r, &e) == CLI_OK)
		return trust_edit_write(&e);
	trust_edit_drop(&e);
	return CLI_USAGE;
}

/* --- deny --- */

/* 64 hex digits, or the digest of a manifest's file. */
static int
read_digest(struct cli *c, const char *word, uint8_t ret[TRUST_HASH])
{
	uint8_t mem[TRUST_HASH];
	struct buf b = buf_of(mem, sizeof(mem));
	struct slice bytes;
	struct manifest m;
	int rc;

	if (strlen(word) == 2 * TRUST_HASH &&
	    text_unhex(slice_str(word), &b) == 0 && b.n == TRUST_HASH) {
		memcpy(ret, mem, TRUST_HASH);
		return CLI_OK;
	}
	if (access(word, F_OK) != 0)
		return cli_usage("%s: neither a digest of %d hex digits nor a "
		    "manifest's file", word, 2 * TRUST_HASH);
	if ((rc = cmd_read_manifest(c, word, &bytes, &m)) != CLI_OK)
		return rc;
	if (m.digest.n >= TRUST_HASH)
		memcpy(ret, m.digest.b, TRUST_HASH);
	else
		rc = cli_usage("%s: a digest of %zu bytes", word, m.digest.n);
	free((void *)bytes.p);
	return rc;
}

static int
deny(struct trust_spec *s, const uint8_t digest[TRUST_HASH], bool lift)
{
	size_t i = 0;

	while (i < s->denied_count &&
	    memcmp(s->denied[i], digest, TRUST_HASH) != 0)
		i++;
	if (lift && i == s->denied_count)
		return cli_usage("this digest is not denied");
	if (lift) {
		memmove(s->denied[i], s->denied[--s->denied_count],
		    TRUST_HASH);
		return CLI_OK;
	}
	if (i < s->denied_count)
		return cli_usage("this digest is denied already");
	if (s->denied_count == LIMIT_TRUST_DENIED)
		return cli_usage("a list denies at most %d digests: a floor "
		    "covers all before it", LIMIT_TRUST_DENIED);
	memcpy(s->denied[s->denied_count++], digest, TRUST_HASH);
	return CLI_OK;
}

int
cmd_trust_deny(struct cli *c, int argc, char **argv)
{
	const char *out = NULL;
	bool lift = false;
	const struct cli_opt table[] = {{.name = "--lift", .flag = &lift},
	    {.name = "--out", .value = &out}, {.name = NULL}};
	int n = cli_opts(table, argc, argv, 2, 1 + LIMIT_TRUST_DENIED), rc;
	uint8_t digest[TRUST_HASH];
	struct trust_edit e;

	if (n < 0)
		return CLI_USAGE;
	if ((rc = trust_edit_open(c, argv[0], out, &e)) != CLI_OK)
		return rc;
	for (int i = 1; rc == CLI_OK && i < n; i++) {
		rc = read_digest(c, argv[i], digest);
		if (rc == CLI_OK)
			rc = deny(&e.spec, digest, lift);
	}
	if (rc == CLI_OK)
		return trust_edit_write(&e);
	trust_edit_drop(&e);
	return rc;
}

/* --- floor --- */

/* "none" takes the floor away. */
static int
set_floor(struct trust_spec *s, struct trust_floor *f, const char *least,
    const char *most)
{
	size_t i = 0;

	f->most = UINT64_MAX;
	while (i < s->floor_count && memcmp(s->floor[i].class_id, f->class_id,
	    TRUST_CLASS) != 0)
		i++;
	if (strcmp(least, "none") == 0) {
		if (i == s->floor_count)
			return cli_usage("this class has no floor");
		s->floor[i] = s->floor[--s->floor_count];
		return CLI_OK;
	}
	if (cli_number("the floor", least, &f->least) != 0 ||
	    (most != NULL && cli_number("--most", most, &f->most) != 0))
		return CLI_USAGE;
	if (f->most < f->least)
		return cli_usage("TRUST 2.4: --most %s is below the floor, "
		    "%s: nothing could be installed", most, least);
	if (i == LIMIT_TRUST_FLOORS)
		return cli_usage("a list has at most %d floors",
		    LIMIT_TRUST_FLOORS);
	s->floor[i] = *f;
	if (i == s->floor_count)
		s->floor_count++;
	return CLI_OK;
}

int
cmd_trust_floor(struct cli *c, int argc, char **argv)
{
	const char *vendor = NULL, *most = NULL, *out = NULL;
	const struct cli_opt table[] = {
		{.name = "--vendor", .value = &vendor},
		{.name = "--most", .value = &most},
		{.name = "--out", .value = &out}, {.name = NULL},
	};
	struct trust_floor f = {.least = 0};
	struct trust_edit e;
	int rc;

	if (cli_opts(table, argc, argv, 3, 3) < 0 ||
	    opts_class(vendor, argv[1], f.class_id) != CLI_OK)
		return CLI_USAGE;
	if ((rc = trust_edit_open(c, argv[0], out, &e)) != CLI_OK)
		return rc;
	if (set_floor(&e.spec, &f, argv[2], most) == CLI_OK)
		return trust_edit_write(&e);
	trust_edit_drop(&e);
	return CLI_USAGE;
}
