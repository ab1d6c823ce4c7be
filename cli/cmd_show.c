/*
 * cmd_show: a manifest explained to a person. Nothing here is proven; every
 * text comes from a stranger and is escaped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "lib/cbor.h"
#include "lib/text.h"

#define SHOWN 400

static const char *
dialect_text(enum manifest_dialect d)
{
	static const char *const texts[] = {
		[MANIFEST_CURRENT] = "drafts -29 to -37",
		[MANIFEST_RIOT09] = "draft -09 as RIOT reads it",
		[MANIFEST_DRAFT17] = "drafts -17 to -28: stored and served",
		[MANIFEST_DRAFT14] = "drafts -14 to -16: stored and served",
		[MANIFEST_DRAFT10] = "drafts -10 to -13: stored and served",
	};

	return texts[d];
}

/* What is not known by name, by UUID only. */
static const char *
known_vendor(const uint8_t uuid[16])
{
	static const char *const domains[] = {"riot-os.org", "arm.com",
	    "nordicsemi.com", "example.com"};
	uint8_t made[16];

	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		if (text_uuid5(text_uuid_dns, slice_str(domains[i]),
		    made) == 0 && memcmp(made, uuid, 16) == 0)
			return domains[i];
	return NULL;
}

static void
show_ids(const struct manifest_plan *p)
{
	char text[37];
	const char *name;

	for (size_t i = 0; i < p->vendor_count; i++) {
		name = known_vendor(p->vendor[i]);
		printf("vendor      %s%s%s\n", text_uuid(p->vendor[i], text),
		    name != NULL ? "  " : "", name != NULL ? name : "");
	}
	for (size_t i = 0; i < p->class_count; i++)
		printf("class       %s\n", text_uuid(p->class_id[i], text));
	if (p->vendor_count == 0 && p->class_count == 0)
		printf("class       none named: for any device\n");
}

static void
show_signatures(const struct manifest *m)
{
	char kid[2 * LIMIT_KID + 1];
	struct cose_msg msg;
	struct why why;

	if (m->auth_count == 0)
		printf("signatures  none\n");
	for (size_t i = 0; i < m->auth_count; i++) {
		if (cose_parse(m->auth[i], &msg, &why) != 0) {
			printf("signature   %zu: %s\n", i + 1, why.text);
			continue;
		}
		printf("signature   %zu: %s (%lld)", i + 1,
		    cose_alg_name(msg.alg), (long long)msg.alg);
		if (msg.kid.n > 0)
			printf(", kid %s", msg.kid.n <= LIMIT_KID ?
			    text_hex(msg.kid, kid, sizeof(kid)) : "too long");
		printf("; not proven by show\n");
	}
}

static void
show_digest(const struct digest *d)
{
	char hex[2 * DIGEST_MAX + 1];

	if (d->alg == 0) {
		printf("none\n");
		return;
	}
	if (d->alg == DIGEST_SHA256)
		printf("sha-256 ");
	else
		printf("algorithm %d ", d->alg);
	printf("%s\n", text_hex(digest_slice(d), hex, sizeof(hex)));
}

static void
show_downloads(const struct manifest *m, const struct manifest_plan *p)
{
	char text[SHOWN];

	printf("downloads   %zu\n", p->n);
	for (size_t i = 0; i < p->n; i++) {
		const struct manifest_download *d = &p->d[i];

		printf("  %zu. %s\n", i + 1,
		    text_escape(d->uri, text, sizeof(text)));
		printf("     for %s", d->component < m->component_count ?
		    manifest_component_name(m->component[d->component], text,
		    sizeof(text)) : "a dependency");
		if (d->have_slot)
			printf(", %s %llu", m->dialect == MANIFEST_RIOT09 ?
			    "offset" : "slot", (unsigned long long)d->slot);
		if (d->have_size)
			printf(", %llu bytes", (unsigned long long)d->size);
		printf(", in %s%s\n     ",
		    manifest_section_name(d->section),
		    d->encrypted ? ", encrypted" : "");
		show_digest(&d->digest);
	}
}

/* --- text (SUIT 8.4.4) --- */

static void
show_entry(const char *name, struct slice value)
{
	char text[SHOWN];
	struct cbr c = cbr_of(value);
	struct slice s;

	if (cbr_get_tstr(&c, &s) == 0)
		printf("  %-18s %s\n", name, text_escape(s, text,
		    sizeof(text)));
}

static void
show_component_text(struct slice component, struct slice map)
{
	static const char *const names[] = {NULL, "vendor name", "model name",
	    "vendor domain", "model info", "description", "version",
	    "version required", "current version"};
	struct cbr c = cbr_of(map);
	struct slice value;
	uint64_t n, key;
	char name[LIMIT_COMPONENT_ID + 1];

	if (cbr_get_map(&c, &n) != 0)
		return;
	printf("  %s:\n", manifest_component_name(component, name,
	    sizeof(name)));
	for (; n > 0; n--) {
		if (cbr_get_uint(&c, &key) != 0 || cbr_skip(&c, &value) != 0)
			return;
		if (key > 0 && key < sizeof(names) / sizeof(names[0]))
			show_entry(names[key], value);
	}
}

/* {language => {...}} since -24, {...} before: text keys are languages. */
static void
show_text_map(struct slice map, unsigned depth)
{
	static const char *const names[] = {NULL, "description", "update",
	    "json source", "yaml source"};
	struct cbr c = cbr_of(map);
	struct slice key, value, language;
	uint64_t n, k;
	char text[64];

	if (depth > 1 || cbr_get_map(&c, &n) != 0)
		return;
	for (; n > 0; n--) {
		if (cbr_skip(&c, &key) != 0 || cbr_skip(&c, &value) != 0)
			return;
		struct cbr kc = cbr_of(key);
		if (cbr_get_tstr(&kc, &language) == 0) {
			printf("text (%s), from the author:\n",
			    text_escape(language, text, sizeof(text)));
			show_text_map(value, depth + 1);
		} else if (cbr_get_uint(&kc, &k) == 0) {
			if (k > 0 && k < sizeof(names) / sizeof(names[0]))
				show_entry(names[k], value);
		} else {
			show_component_text(key, value);
		}
	}
}

static void
show_parts(const struct manifest *m)
{
	const struct manifest_part *text = &m->part[MANIFEST_TEXT];
	char name[SHOWN];

	printf("sections   ");
	for (int i = 0; i < MANIFEST_SECTIONS; i++)
		if (m->part[i].present)
			printf(" %s%s", manifest_section_name(i),
			    m->part[i].severed ? " (severed)" : "");
	printf("\n");
	for (size_t i = 0; i < m->integrated_count; i++)
		printf("integrated  %s, %zu bytes\n",
		    text_escape(m->integrated[i].uri, name, sizeof(name)),
		    m->integrated[i].payload.n);
	if (text->content.p != NULL)
		show_text_map(text->content, 0);
}

static void
show(const struct manifest *m, const struct manifest_plan *p)
{
	char text[SHOWN];

	printf("dialect     %s (%s)\n", manifest_dialect_name(m->dialect),
	    dialect_text(m->dialect));
	printf("size        %zu bytes\n", m->envelope.n);
	printf("sequence    %llu\n", (unsigned long long)m->sequence);
	printf("digest      ");
	show_digest(&m->digest);
	show_ids(p);
	if (m->reference_uri.n > 0)
		printf("reference   %s\n", text_escape(m->reference_uri, text,
		    sizeof(text)));
	show_signatures(m);
	for (size_t i = 0; i < m->component_count; i++)
		printf("component   %zu: %s\n", i, manifest_component_name(
		    m->component[i], text, sizeof(text)));
	show_downloads(m, p);
	show_parts(m);
}

int
cmd_manifest_show(struct cli *c, int argc, char **argv)
{
	static struct manifest_plan plan;
	const char *path = cmd_one_word(argc, argv, "manifest show");
	struct slice bytes;
	struct manifest m;
	struct why why;
	int rc;

	if (path == NULL)
		return CLI_USAGE;
	if ((rc = cmd_read_manifest(c, path, &bytes, &m)) != CLI_OK)
		return rc;
	if ((rc = manifest_walk(&m, &plan, &why)) != 0)
		rc = cmd_verdict(c, rc, why.text);
	else if (c->json)
		cmd_show_json(&m, &plan);
	else
		show(&m, &plan);
	free((void *)bytes.p);
	return rc;
}
