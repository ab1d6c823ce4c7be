/*
 * cmd_trust_key: `trust add` and `trust revoke`. Rights are said, never
 * assumed: an author without --class is a mistake, not an author of all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/opts.h"
#include "cli/trust.h"
#include "lib/cbor.h"
#include "lib/text.h"

struct add {
	const char *name, *role, *vendor, *range, *out;
	const char *class_name[LIMIT_TRUST_CLASSES];
	const char *component[LIMIT_TRUST_COMPONENTS];
	size_t class_count, component_count;
	uint8_t class_mem[LIMIT_TRUST_CLASSES * (TRUST_CLASS + 1)];
	uint8_t component_mem[LIMIT_TRUST_COMPONENTS * 256];
	struct trust_public public;
};

static int
set_classes(struct add *a, struct trust_key *k)
{
	struct buf b = buf_of(a->class_mem, sizeof(a->class_mem));
	uint8_t id[TRUST_CLASS];

	if (a->class_count == 1 && strcmp(a->class_name[0], "all") == 0) {
		k->every_class = true;
		return CLI_OK;
	}
	for (size_t i = 0; i < a->class_count; i++) {
		if (strcmp(a->class_name[i], "all") == 0)
			return cli_usage("--class all leaves no other class");
		if (opts_class(a->vendor, a->class_name[i], id) != CLI_OK)
			return CLI_USAGE;
		cbr_put_bstr(&b, slice_of(id, sizeof(id)));
	}
	k->classes = buf_slice(&b);
	return CLI_OK;
}

static int
set_components(struct add *a, struct trust_key *k)
{
	struct buf b = buf_of(a->component_mem, sizeof(a->component_mem));

	k->every_component = a->component_count == 0;
	for (size_t i = 0; i < a->component_count; i++) {
		if (opts_component(a->component[i], &b) != CLI_OK)
			return CLI_USAGE;
	}
	k->components = buf_slice(&b);
	return CLI_OK;
}

/* "7-100", "7-", "-100" */
static int
set_range(const struct add *a, struct trust_key *k)
{
	const char *dash = a->range == NULL ? NULL : strchr(a->range, '-');
	size_t n = dash == NULL ? 0 : (size_t)(dash - a->range);

	k->seq_max = UINT64_MAX;
	if (a->range == NULL)
		return CLI_OK;
	if (dash == NULL || (n == 0 && dash[1] == '\0') ||
	    (n > 0 && text_u64(slice_of(a->range, n), &k->seq_min) != 0) ||
	    (dash[1] != '\0' &&
		text_u64(slice_str(dash + 1), &k->seq_max) != 0))
		return cli_usage("--sequences %s: LEAST-MOST, LEAST- or -MOST",
		    a->range);
	if (k->seq_max < k->seq_min)
		return cli_usage("TRUST 2.3: --sequences %s: the least is "
		    "above the most", a->range);
	return CLI_OK;
}

static int
set_key(struct add *a, struct trust_key *k)
{
	const char *role = a->role != NULL ? a->role : "author";
	bool rights = a->class_count + a->component_count > 0 ||
	    a->range != NULL;

	*k = (struct trust_key){.cose = a->public.cose,
	    .name = slice_str(a->name)};
	memcpy(k->kid, a->public.kid, TRUST_KID);
	k->role = trust_role_find(role);
	if (k->role == TRUST_FOREIGN)
		return cli_usage("--role %s: author, operator, server or "
		    "freshness", role);
	if (k->role == TRUST_AUTHOR && a->class_count == 0)
		return cli_usage("an author needs --class C, or --class all");
	if (k->role != TRUST_AUTHOR && rights)
		return cli_usage("classes, components and sequences are rights "
		    "of authors, not of role %s", role);
	if (set_classes(a, k) != CLI_OK || set_components(a, k) != CLI_OK)
		return CLI_USAGE;
	return set_range(a, k);
}

static int
insert(struct trust_spec *s, const struct trust_key *k)
{
	char kid[17];

	for (size_t i = 0; i < s->key_count; i++) {
		if (memcmp(s->key[i].kid, k->kid, TRUST_KID) == 0)
			return cli_usage("key %s is in the list already: "
			    "revoke it first, other rights are another entry",
			    trust_kid_text(k->kid, kid));
		if (k->name.n > 0 && slice_eq(s->key[i].name, k->name))
			return cli_usage("the name is in the list already, "
			    "for key %s", trust_kid_text(s->key[i].kid, kid));
	}
	if (s->key_count == LIMIT_TRUST_KEYS)
		return cli_usage("a list has at most %d keys",
		    LIMIT_TRUST_KEYS);
	s->key[s->key_count++] = *k;
	return CLI_OK;
}

int
cmd_trust_add(struct cli *c, int argc, char **argv)
{
	struct add a = {.name = NULL};
	const struct cli_opt table[] = {
		{.name = "--name", .value = &a.name},
		{.name = "--role", .value = &a.role},
		{.name = "--vendor", .value = &a.vendor},
		{.name = "--class", .list = a.class_name,
		    .count = &a.class_count, .cap = LIMIT_TRUST_CLASSES},
		{.name = "--component", .list = a.component,
		    .count = &a.component_count,
		    .cap = LIMIT_TRUST_COMPONENTS},
		{.name = "--sequences", .value = &a.range},
		{.name = "--out", .value = &a.out},
		{.name = NULL},
	};
	struct trust_edit e;
	struct trust_key k;
	int rc;

	if (cli_opts(table, argc, argv, 2, 2) < 0 ||
	    trust_read_public(argv[1], &a.public) != CLI_OK ||
	    set_key(&a, &k) != CLI_OK)
		return CLI_USAGE;
	if ((rc = trust_edit_open(c, argv[0], a.out, &e)) != CLI_OK)
		return rc;
	if (insert(&e.spec, &k) == CLI_OK)
		return trust_edit_write(&e);
	trust_edit_drop(&e);
	return CLI_USAGE;
}

/* --- revoke --- */

/* The index of a name, a kid or a key's file; -1, and has been said. */
static int
find_key(const struct trust_spec *s, const char *word)
{
	uint8_t kid[TRUST_KID];

	for (size_t i = 0; i < s->key_count; i++) {
		if (slice_eq_str(s->key[i].name, word))
			return (int)i;
	}
	if (trust_read_kid(word, kid) != CLI_OK)
		return -1;
	for (size_t i = 0; i < s->key_count; i++) {
		if (memcmp(s->key[i].kid, kid, TRUST_KID) == 0)
			return (int)i;
	}
	cli_usage("%s is not in the list", word);
	return -1;
}

int
cmd_trust_revoke(struct cli *c, int argc, char **argv)
{
	const char *out = NULL;
	const struct cli_opt table[] = {{.name = "--out", .value = &out},
	    {.name = NULL}};
	int n = cli_opts(table, argc, argv, 2, 1 + LIMIT_TRUST_KEYS), rc, at;
	struct trust_edit e;

	if (n < 0)
		return CLI_USAGE;
	if ((rc = trust_edit_open(c, argv[0], out, &e)) != CLI_OK)
		return rc;
	for (int i = 1; i < n; i++) {
		if ((at = find_key(&e.spec, argv[i])) < 0) {
			trust_edit_drop(&e);
			return CLI_USAGE;
		}
		e.spec.key[at] = e.spec.key[--e.spec.key_count];
	}
	return trust_edit_write(&e);
}
