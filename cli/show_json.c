/*
 * show_json: `manifest show --json`, for programs: the same facts as the
 * text, nothing proven. Bytes are hex; texts were checked to be UTF-8.
 */
#include <stdio.h>

#include <jansson.h>

#include "cli/cmd.h"
#include "cli/json_u64.h"
#include "lib/text.h"

static json_t *
text_of(struct slice s)
{
	return json_stringn(s.p != NULL ? (const char *)s.p : "", s.n);
}

static json_t *
hex_of(struct slice s)
{
	char hex[2 * DIGEST_MAX + 1];

	return json_string(text_hex(slice_sub(s, 0, DIGEST_MAX), hex,
	    sizeof(hex)));
}

static json_t *
uuids(const uint8_t (*list)[16], size_t n)
{
	json_t *a = json_array();
	char text[37];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, json_string(text_uuid(list[i],
		    text)));
	return a;
}

static json_t *
digest_of(const struct digest *d)
{
	if (d->alg == 0)
		return json_null();
	return json_pack("{s:i, s:o}", "alg", d->alg, "hex",
	    hex_of(digest_slice(d)));
}

static json_t *
signatures(const struct manifest *m)
{
	json_t *a = json_array();
	struct cose_msg msg;
	struct why why;

	for (size_t i = 0; i < m->auth_count; i++) {
		if (cose_parse(m->auth[i], &msg, &why) != 0)
			json_array_append_new(a, json_pack("{s:s}", "error",
			    why.text));
		else
			json_array_append_new(a, json_pack("{s:I, s:s, s:o}",
			    "alg", (json_int_t)msg.alg, "name",
			    cose_alg_name(msg.alg), "kid", hex_of(msg.kid)));
	}
	return a;
}

static json_t *
components(const struct manifest *m)
{
	json_t *a = json_array();
	char name[LIMIT_COMPONENT_ID + 1];

	for (size_t i = 0; i < m->component_count; i++)
		json_array_append_new(a, json_string(manifest_component_name(
		    m->component[i], name, sizeof(name))));
	return a;
}

static json_t *
downloads(const struct manifest_plan *p)
{
	json_t *a = json_array(), *o;

	for (size_t i = 0; i < p->n; i++) {
		const struct manifest_download *d = &p->d[i];

		o = json_pack("{s:i, s:o, s:o, s:s, s:b}", "component",
		    (int)d->component, "uri", text_of(d->uri), "digest",
		    digest_of(&d->digest), "section",
		    manifest_section_name(d->section), "encrypted",
		    d->encrypted);
		if (d->have_size)
			json_object_set_new(o, "size", json_u64(d->size));
		if (d->have_slot)
			json_object_set_new(o, "slot", json_u64(d->slot));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
sections(const struct manifest *m)
{
	json_t *o = json_object();

	for (int i = 0; i < MANIFEST_SECTIONS; i++)
		if (m->part[i].present)
			json_object_set_new(o, manifest_section_name(i),
			    json_string(m->part[i].severed ? "severed" :
			    "present"));
	return o;
}

void
cmd_show_json(const struct manifest *m, const struct manifest_plan *p)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "dialect", manifest_dialect_name(m->dialect),
	    "sequence", json_u64(m->sequence),
	    "digest", digest_of(&m->digest),
	    "vendors", uuids(p->vendor, p->vendor_count),
	    "classes", uuids(p->class_id, p->class_count),
	    "signatures", signatures(m),
	    "components", components(m),
	    "downloads", downloads(p),
	    "sections", sections(m));

	if (m->reference_uri.n > 0)
		json_object_set_new(o, "reference_uri",
		    text_of(m->reference_uri));
	json_dumpf(o, stdout, 0);
	putchar('\n');
	json_decref(o);
}
