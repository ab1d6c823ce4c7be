/*
 * cmd_trust_sign: signatures of a list, gathered on one machine after the
 * other or on several at once, and the question whether they are enough.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/opts.h"
#include "cli/trust.h"
#include "lib/text.h"

/* The list that was made is read again, to say how far it has come. */
static int
write_list(const char *out, struct slice bytes)
{
	struct trust t;
	struct why why;
	unsigned n = 0;
	int rc;

	if ((rc = trust_parse(bytes, &t, &why)) != 0 ||
	    (rc = trust_count(&t, &t.roots, &n, NULL)) != 0)
		return cli_usage("%s: %s", out, err_text(rc));
	if ((rc = cli_write(out, bytes, 0644)) != 0)
		return cli_usage("%s: %s", out, err_text(rc));
	if (strcmp(out, "-") != 0)
		printf("%s: list %llu, %zu bytes, signed by %u of its own "
		    "roots, %u must\n", out, (unsigned long long)t.seq,
		    bytes.n, n, t.roots.need);
	return CLI_OK;
}

static int
sign(const struct trust *list, const char *path, struct buf *b)
{
	uint8_t kid[TRUST_KID];
	struct cose_key *key;
	struct why why;
	char text[17];
	int rc;

	if (opts_key(path, &key) != CLI_OK)
		return CLI_USAGE;
	rc = trust_sign(list, key, b, &why);
	if (rc == 0 && cose_key_id(key, kid) == 0 &&
	    !trust_is_root(list, slice_of(kid, TRUST_KID)))
		fprintf(stderr, "suitctl: %s is no root of this list: it "
		    "counts only if it is one of the list before\n",
		    trust_kid_text(kid, text));
	cose_key_free(key);
	return rc == 0 ? CLI_OK : cli_usage("%s: %s", path, why.text);
}

int
cmd_trust_sign(struct cli *c, int argc, char **argv)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	const char *key = NULL, *out = NULL;
	const struct cli_opt table[] = {{.name = "--key", .value = &key},
	    {.name = "--out", .value = &out}, {.name = NULL}};
	struct trust_file f;
	int rc;

	if (cli_opts(table, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (key == NULL)
		return cli_usage("trust sign: --key PRIVATE is missing");
	if ((rc = trust_read(c, argv[0], &f)) != CLI_OK)
		return rc;
	if ((rc = sign(&f.list, key, &b)) == CLI_OK)
		rc = write_list(out != NULL ? out : argv[0], buf_slice(&b));
	free((void *)f.bytes.p);
	return rc;
}

/* --- merge --- */

/* `b` has what was merged so far; it is replaced. */
static int
merge_one(struct cli *c, const char *path, struct buf *b)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf m = buf_of(mem, sizeof(mem));
	struct trust_file f;
	struct trust t;
	struct why why;
	int rc;

	if ((rc = trust_read(c, path, &f)) != CLI_OK)
		return rc;
	if (trust_parse(buf_slice(b), &t, &why) != 0 ||
	    trust_merge(&t, &f.list, &m, &why) != 0) {
		rc = cmd_verdict(c, why.err, why.text);
	} else {
		b->n = 0;
		buf_put(b, buf_slice(&m));
	}
	free((void *)f.bytes.p);
	return rc;
}

int
cmd_trust_merge(struct cli *c, int argc, char **argv)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	const char *out = NULL;
	const struct cli_opt table[] = {{.name = "--out", .value = &out},
	    {.name = NULL}};
	int n = cli_opts(table, argc, argv, 2, LIMIT_AUTH_BLOCKS), rc;
	struct trust_file f;

	if (n < 0)
		return CLI_USAGE;
	if (out == NULL)
		return cli_usage("trust merge: --out FILE is missing");
	if ((rc = trust_read(c, argv[0], &f)) != CLI_OK)
		return rc;
	buf_put(&b, f.list.message);
	free((void *)f.bytes.p);
	if (b.n == 0)
		return cli_usage("%s is not signed", argv[0]);
	for (int i = 1; rc == CLI_OK && i < n; i++)
		rc = merge_one(c, argv[i], &b);
	return rc == CLI_OK ? write_list(out, buf_slice(&b)) : rc;
}

/* --- verify --- */

struct verdict {
	int err;
	struct why why; /* of a refusal, or what was accepted */
};

/* CLI_OK: *v is filled; else it has been said why not. */
static int
judge_list(struct cli *c, const struct trust *list, const char *after,
    struct verdict *v)
{
	struct trust_file old;
	int rc;

	if (after == NULL) {
		v->err = trust_pin(list, &v->why);
		if (v->err == 0)
			why_set(&v->why, 0, "list %llu, by its own roots: "
			    "true only if it comes from where you trust",
			    (unsigned long long)list->seq);
		return CLI_OK;
	}
	if ((rc = trust_read(c, after, &old)) != CLI_OK)
		return rc;
	v->err = trust_step_chain(&old.list, list, &v->why);
	if (v->err == 0)
		why_set(&v->why, 0, "list %llu after list %llu",
		    (unsigned long long)list->seq,
		    (unsigned long long)old.list.seq);
	free((void *)old.bytes.p);
	return CLI_OK;
}

static int
judge_manifest(struct cli *c, const struct trust *list, const char *path,
    struct verdict *v)
{
	static struct manifest_plan plan;
	const struct trust_key *author = NULL;
	char name[LIMIT_TRUST_NAME + 1], kid[17];
	struct trust_claim claim;
	struct slice bytes;
	struct manifest m;
	int rc;

	if ((rc = cmd_read_manifest(c, path, &bytes, &m)) != CLI_OK)
		return rc;
	if ((v->err = manifest_walk(&m, &plan, &v->why)) == 0) {
		claim = trust_claim_of(&m, &plan);
		v->err = trust_manifest(list, &claim, &author, &v->why);
	}
	if (v->err == 0)
		why_set(&v->why, 0, "sequence %llu, by %s %s, list %llu",
		    (unsigned long long)m.sequence,
		    text_escape(author->name, name, sizeof(name)),
		    trust_kid_text(author->kid, kid),
		    (unsigned long long)list->seq);
	free((void *)bytes.p);
	return CLI_OK;
}

int
cmd_trust_verify(struct cli *c, int argc, char **argv)
{
	const char *after = NULL, *manifest = NULL;
	const struct cli_opt table[] = {{.name = "--after", .value = &after},
	    {.name = "--manifest", .value = &manifest}, {.name = NULL}};
	struct trust_file f;
	struct verdict v;
	int rc;

	if (cli_opts(table, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if ((rc = trust_read(c, argv[0], &f)) != CLI_OK)
		return rc;
	rc = judge_list(c, &f.list, after, &v);
	if (rc == CLI_OK && v.err == 0 && manifest != NULL)
		rc = judge_manifest(c, &f.list, manifest, &v);
	free((void *)f.bytes.p);
	return rc == CLI_OK ? cmd_verdict(c, v.err, v.why.text) : rc;
}
