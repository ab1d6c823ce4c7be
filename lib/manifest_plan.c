/*
 * manifest_plan: what the walk writes down. Values that the walk keeps raw
 * become the downloads and the lists of struct manifest_plan; repetitions
 * are left out. Their types were checked by manifest_parse.
 */
#include "lib/manifest_walk.h"

int
walk_too_many(struct walk *w, const char *what, unsigned limit)
{
	return why_set(w->why, ERR_SIZE, "SUIT 8.4.6: more than %u %s", limit,
	    what);
}

/* --- reading kept values, whose types manifest_parse has checked --- */

bool
walk_value_uint(struct slice raw, uint64_t *ret)
{
	struct cbr c = cbr_of(raw);

	return raw.p != NULL && cbr_get_uint(&c, ret) == 0;
}

static struct slice
value_bytes(struct slice raw)
{
	struct cbr c = cbr_of(raw);
	struct slice s = SLICE_NONE;

	if (raw.p == NULL || (cbr_get_bstr(&c, &s) != 0 &&
	    cbr_get_tstr(&c, &s) != 0))
		return SLICE_NONE;
	return s;
}

static bool
value_uuid(struct slice raw, uint8_t ret[16])
{
	struct slice s = value_bytes(raw);

	if (s.n != 16)
		return false;
	memcpy(ret, s.p, 16);
	return true;
}

static void
value_digest(const struct walk *w, struct slice raw, struct digest *ret)
{
	*ret = (struct digest){0};
	if (raw.p != NULL && manifest_digest_read(w->m->dialect,
	    value_bytes(raw), ret, NULL) != 0)
		*ret = (struct digest){0};
}

/* --- the lists of the plan --- */

static int
add_uuid(struct walk *w, uint8_t (*list)[16], size_t *count,
    struct slice raw)
{
	uint8_t uuid[16];

	if (!value_uuid(raw, uuid))
		return 0; /* a private enterprise number */
	for (size_t i = 0; i < *count; i++)
		if (memcmp(list[i], uuid, 16) == 0)
			return 0;
	if (*count == LIMIT_COMPONENTS)
		return walk_too_many(w, "vendor or class ids",
		    LIMIT_COMPONENTS);
	memcpy(list[(*count)++], uuid, 16);
	return 0;
}

static int
add_uri(struct walk *w, struct slice uri)
{
	struct manifest_plan *p = &w->plan;

	for (size_t i = 0; i < p->uri_count; i++)
		if (slice_eq(p->uri[i], uri))
			return 0;
	if (p->uri_count == LIMIT_DOWNLOADS)
		return walk_too_many(w, "URIs", LIMIT_DOWNLOADS);
	p->uri[p->uri_count++] = uri;
	return 0;
}

static int
add_size(struct walk *w, uint64_t size)
{
	struct manifest_plan *p = &w->plan;

	for (size_t i = 0; i < p->size_count; i++)
		if (p->size[i] == size)
			return 0;
	if (p->size_count == LIMIT_DOWNLOADS)
		return walk_too_many(w, "image sizes", LIMIT_DOWNLOADS);
	p->size[p->size_count++] = size;
	return 0;
}

int
walk_note_value(struct walk *w, enum manifest_keep keep, struct slice raw)
{
	uint64_t size;

	switch (keep) {
	case KEEP_VENDOR:
		return add_uuid(w, w->plan.vendor, &w->plan.vendor_count, raw);
	case KEEP_CLASS:
		return add_uuid(w, w->plan.class_id, &w->plan.class_count,
		    raw);
	case KEEP_URI:
		return add_uri(w, value_bytes(raw));
	case KEEP_SIZE:
		return walk_value_uint(raw, &size) ? add_size(w, size) : 0;
	default:
		return 0;
	}
}

static bool
download_eq(const struct manifest_download *a,
    const struct manifest_download *b)
{
	return a->component == b->component && slice_eq(a->uri, b->uri) &&
	    digest_eq(&a->digest, &b->digest) &&
	    a->have_size == b->have_size && a->size == b->size &&
	    a->have_slot == b->have_slot && a->slot == b->slot &&
	    a->have_class == b->have_class &&
	    memcmp(a->class_id, b->class_id, 16) == 0 &&
	    a->have_vendor == b->have_vendor &&
	    memcmp(a->vendor, b->vendor, 16) == 0;
}

int
walk_add_download(struct walk *w, const struct variant *v)
{
	struct manifest_download d = {
		.component = v->component,
		.uri = value_bytes(v->value[KEEP_URI]),
		.encrypted = v->value[KEEP_ENCRYPTION].p != NULL,
		.fetch_args = value_bytes(v->value[KEEP_FETCH_ARGS]),
		.section = w->section,
	};

	d.have_size = walk_value_uint(v->value[KEEP_SIZE], &d.size);
	d.have_slot = walk_value_uint(v->value[KEEP_SLOT], &d.slot);
	d.have_vendor = value_uuid(v->value[KEEP_VENDOR], d.vendor);
	d.have_class = value_uuid(v->value[KEEP_CLASS], d.class_id);
	value_digest(w, v->value[KEEP_DIGEST], &d.digest);
	if (d.uri.n == 0)
		return 0; /* a fetch without URI fails on the device */
	for (size_t i = 0; i < w->plan.n; i++)
		if (download_eq(&w->plan.d[i], &d))
			return 0;
	if (w->plan.n == LIMIT_DOWNLOADS)
		return walk_too_many(w, "downloads", LIMIT_DOWNLOADS);
	w->plan.d[w->plan.n++] = d;
	return 0;
}

void
walk_image_match(struct walk *w)
{
	for (size_t i = w->base; i < w->top; i++) {
		struct variant *v = &w->variant[i];
		if (!walk_selected(w, v) || v->value[KEEP_DIGEST].p == NULL)
			continue;
		for (size_t j = 0; j < w->plan.n; j++) {
			struct manifest_download *d = &w->plan.d[j];
			if (d->component != v->component ||
			    d->section != w->section || d->digest.alg != 0 ||
			    !slice_eq(d->uri, value_bytes(v->value[KEEP_URI])))
				continue;
			value_digest(w, v->value[KEEP_DIGEST], &d->digest);
			if (!d->have_size)
				d->have_size = walk_value_uint(
				    v->value[KEEP_SIZE], &d->size);
		}
	}
}

