/*
 * cmd_trust_show: a list for a person, or as JSON. Which of its own roots
 * have signed is proven; that these are the right roots is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/args.h"
#include "cli/json_u64.h"
#include "cli/trust.h"
#include "lib/cbor.h"
#include "lib/text.h"

static const char *
kind_of(struct slice cose)
{
	struct cose_key *key;
	const char *name;

	if (cose_key_parse(cose, &key, NULL) != 0)
		return "unknown";
	name = cose_key_kind_name(cose_key_kind(key));
	cose_key_free(key);
	return name;
}

/* Rows are walked anew for each item: they are short. False past the end. */
static bool
class_at(struct slice row, size_t i, char dst[37])
{
	struct cbr c = cbr_of(row);
	struct slice s = SLICE_NONE;

	for (size_t j = 0; j <= i; j++) {
		if (cbr_get_bstr(&c, &s) != 0)
			return false;
	}
	text_uuid(s.p, dst);
	return true;
}

static bool
component_at(struct slice row, size_t i, char dst[LIMIT_COMPONENT_ID + 1])
{
	struct cbr c = cbr_of(row);
	struct slice s = SLICE_NONE;

	for (size_t j = 0; j <= i; j++) {
		if (cbr_skip(&c, &s) != 0)
			return false;
	}
	manifest_component_name(s, dst, LIMIT_COMPONENT_ID + 1);
	return true;
}

static bool
denied_at(const struct trust *t, size_t i, char dst[2 * TRUST_HASH + 1])
{
	struct cbr c = cbr_of(t->denied);
	struct slice s = SLICE_NONE;

	for (size_t j = 0; j <= i; j++) {
		if (cbr_get_bstr(&c, &s) != 0)
			return false;
	}
	text_hex(s, dst, 2 * TRUST_HASH + 1);
	return true;
}

static bool
has_range(const struct trust_key *k)
{
	return k->role == TRUST_AUTHOR &&
	    (k->seq_min != 0 || k->seq_max != UINT64_MAX);
}

/* --- for a person --- */

static void
show_key(const struct trust_key *k)
{
	char kid[17], text[LIMIT_COMPONENT_ID + 1], name[LIMIT_TRUST_NAME + 1];

	printf("key         %s  %-9s  %-8s  %s\n", trust_kid_text(k->kid, kid),
	    trust_role_name(k->role), kind_of(k->cose),
	    text_escape(k->name, name, sizeof(name)));
	if (k->role != TRUST_AUTHOR)
		return;
	if (k->every_class)
		printf("  class       every one\n");
	else if (k->classes.n == 0)
		printf("  class       none\n");
	for (size_t i = 0; class_at(k->classes, i, text); i++)
		printf("  class       %s\n", text);
	if (!k->every_component && k->components.n == 0)
		printf("  component   none\n");
	for (size_t i = 0; component_at(k->components, i, text); i++)
		printf("  component   %s\n", text);
	if (has_range(k) && k->seq_max == UINT64_MAX)
		printf("  sequences   from %llu\n",
		    (unsigned long long)k->seq_min);
	else if (has_range(k))
		printf("  sequences   %llu to %llu\n",
		    (unsigned long long)k->seq_min,
		    (unsigned long long)k->seq_max);
}

static void
show_bounds(const struct trust *t)
{
	char text[2 * TRUST_HASH + 1], id[37];

	for (size_t i = 0; denied_at(t, i, text); i++)
		printf("denied      %s\n", text);
	for (size_t i = 0; i < t->floor_count; i++) {
		struct trust_floor f = trust_floor_at(t, i);

		printf("floor       %s  at least %llu",
		    text_uuid(f.class_id, id), (unsigned long long)f.least);
		if (f.most != UINT64_MAX)
			printf(", at most %llu", (unsigned long long)f.most);
		putchar('\n');
	}
}

static void
show_signatures(const struct trust *t, unsigned n)
{
	struct cose_signer s;
	char kid[2 * LIMIT_KID + 1];

	if (t->msg.rest.n == 0) {
		printf("signatures  none: still being edited\n");
		return;
	}
	for (size_t i = 0; cose_signer_at(&t->msg, i, &s) == 0; i++)
		printf("signature   %s  %-9s  %s\n", text_hex(s.kid, kid,
		    sizeof(kid)), trust_is_root(t, s.kid) ? "root" : "no root",
		    cose_alg_name(s.alg));
	printf("signed by   %u of its own roots, %u must\n", n,
	    t->roots.need);
}

static void
show(const struct trust *t, unsigned n, unsigned bits)
{
	char hex[2 * TRUST_HASH + 1];

	printf("list        %llu\n", (unsigned long long)t->seq);
	printf("hash        %s\n", text_hex(slice_of(t->hash, TRUST_HASH),
	    hex, sizeof(hex)));
	printf("after       %s\n", t->seq == 1 ? "none: it is the first" :
	    text_hex(slice_of(t->prev, TRUST_HASH), hex, sizeof(hex)));
	printf("size        %zu bytes\n", t->message.n > 0 ? t->message.n :
	    t->payload.n);
	printf("roots       %u of %zu must sign\n", t->roots.need, t->roots.n);
	for (size_t i = 0; i < t->roots.n; i++)
		printf("root        %s  %-9s  %s\n",
		    trust_kid_text(t->roots.kid[i], hex),
		    bits >> i & 1 ? "signed" : "-",
		    kind_of(t->roots.cose[i]));
	for (size_t i = 0; i < t->key_count; i++)
		show_key(&t->key[i]);
	show_bounds(t);
	show_signatures(t, n);
}

/* --- for programs --- */

static json_t *
bound(uint64_t u)
{
	return u == UINT64_MAX ? json_null() : json_u64(u);
}

static json_t *
key_json(const struct trust_key *k)
{
	char text[LIMIT_COMPONENT_ID + 1], kid[17];
	json_t *classes = json_array(), *components = json_array();

	for (size_t i = 0; class_at(k->classes, i, text); i++)
		json_array_append_new(classes, json_string(text));
	for (size_t i = 0; component_at(k->components, i, text); i++)
		json_array_append_new(components, json_string(text));
	return json_pack("{s:s, s:s, s:s#, s:s, s:b, s:o, s:b, s:o, s:o, "
	    "s:o}", "kid", trust_kid_text(k->kid, kid), "role",
	    trust_role_name(k->role), "name",
	    k->name.n > 0 ? (const char *)k->name.p : "", (int)k->name.n,
	    "kind", kind_of(k->cose), "every_class", k->every_class,
	    "classes", classes, "every_component", k->every_component,
	    "components", components, "least", json_u64(k->seq_min), "most",
	    bound(k->seq_max));
}

static json_t *
roots_json(const struct trust *t, unsigned bits)
{
	json_t *a = json_array();
	char kid[17];

	for (size_t i = 0; i < t->roots.n; i++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:b}", "kid",
		    trust_kid_text(t->roots.kid[i], kid), "kind",
		    kind_of(t->roots.cose[i]), "signed", bits >> i & 1));
	return a;
}

static json_t *
floors_json(const struct trust *t)
{
	json_t *a = json_array();
	char id[37];

	for (size_t i = 0; i < t->floor_count; i++) {
		struct trust_floor f = trust_floor_at(t, i);

		json_array_append_new(a, json_pack("{s:s, s:o, s:o}", "class",
		    text_uuid(f.class_id, id), "least", json_u64(f.least),
		    "most", bound(f.most)));
	}
	return a;
}

static void
show_json(const struct trust *t, unsigned n, unsigned bits)
{
	char hash[2 * TRUST_HASH + 1], prev[2 * TRUST_HASH + 1];
	json_t *keys = json_array(), *denied = json_array(), *o;
	char text[2 * TRUST_HASH + 1];

	for (size_t i = 0; i < t->key_count; i++)
		json_array_append_new(keys, key_json(&t->key[i]));
	for (size_t i = 0; denied_at(t, i, text); i++)
		json_array_append_new(denied, json_string(text));
	o = json_pack("{s:I, s:s, s:s, s:b, s:i, s:i, s:o, s:o, s:o, s:o}",
	    "seq", (json_int_t)t->seq,
	    "hash", text_hex(slice_of(t->hash, TRUST_HASH), hash,
		sizeof(hash)),
	    "after", text_hex(slice_of(t->prev, TRUST_HASH), prev,
		sizeof(prev)),
	    "signed", t->message.n > 0, "signatures", (int)n,
	    "need", (int)t->roots.need, "roots", roots_json(t, bits),
	    "keys", keys, "denied", denied, "floors", floors_json(t));
	json_dumpf(o, stdout, 0);
	putchar('\n');
	json_decref(o);
}

int
cmd_trust_show(struct cli *c, int argc, char **argv)
{
	const struct cli_opt table[] = {{.name = NULL}};
	unsigned n = 0, bits = 0;
	struct trust_file f;
	int rc;

	if (cli_opts(table, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if ((rc = trust_read(c, argv[0], &f)) != CLI_OK)
		return rc;
	if ((rc = trust_count(&f.list, &f.list.roots, &n, &bits)) != 0)
		rc = cli_usage("%s: %s", argv[0], err_text(rc));
	else if (c->json)
		show_json(&f.list, n, bits);
	else
		show(&f.list, n, bits);
	free((void *)f.bytes.p);
	return rc;
}
