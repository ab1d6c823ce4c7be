/*
 * manifest_encode: manifests for authors, after the templates of SUIT 7:
 * compatibility check and image data in the shared sequence, one fetch and
 * one check per component in install, one check in validate. Two slots are
 * a try-each in both (SUIT 7, the A/B template). RIOT's dialect has the
 * same shape under its own numbers.
 *
 * The output is deterministic. A length that stands before its content is
 * put there afterwards, by moving the content: no second buffer is needed.
 */
#include "lib/manifest_key.h"

/* Reporting policies as in the draft's examples (SUIT 8.4.7). */
#define POLICY_ALL 15
#define POLICY_FAILURE 2
#define POLICY_RECORD_FAILURE 5

struct encode {
	const struct manifest_spec *spec;
	struct buf *out;
	bool riot;
	bool many; /* components: each sequence says which */
	struct why *why;
};

/* A command sequence in the making; a bstr when closed. */
struct seq {
	struct buf *out;
	size_t mark;
	size_t items;
};

static void
insert(struct buf *b, size_t at, struct slice s)
{
	if (b->over || s.n > b->cap - b->n) {
		b->over = true;
		return;
	}
	memmove(b->p + at + s.n, b->p + at, b->n - at);
	memcpy(b->p + at, s.p, s.n);
	b->n += s.n;
}

void
manifest_wrap(struct buf *b, size_t mark)
{
	uint8_t head[9];
	struct buf h = buf_of(head, sizeof(head));

	cbr_put_bstr_head(&h, b->n - mark);
	insert(b, mark, buf_slice(&h));
}

static struct seq
seq_begin(struct buf *out)
{
	return (struct seq){out, out->n, 0};
}

static void
seq_command(struct seq *s, int code)
{
	cbr_put_int(s->out, code);
	s->items += 2;
}

static void
seq_policy(struct seq *s, int code, unsigned policy)
{
	seq_command(s, code);
	cbr_put_uint(s->out, policy);
}

static void
seq_end(struct seq *s)
{
	uint8_t head[9];
	struct buf h = buf_of(head, sizeof(head));

	cbr_put_array(&h, s->items);
	insert(s->out, s->mark, buf_slice(&h));
	manifest_wrap(s->out, s->mark);
}

static void
put_digest(struct encode *e, const struct digest *d)
{
	cbr_put_array(e->out, 2);
	cbr_put_int(e->out, e->riot ? 2 : d->alg);
	cbr_put_bstr(e->out, digest_slice(d));
}

/* {3: digest, 14: size}; the slot stands between when it is fixed. */
static void
put_image(struct encode *e, const struct manifest_spec_payload *p,
    bool with_slot)
{
	size_t mark;

	cbr_put_uint(e->out, 3);
	mark = e->out->n;
	put_digest(e, &p->digest);
	manifest_wrap(e->out, mark);
	if (with_slot) {
		cbr_put_uint(e->out, 5);
		cbr_put_uint(e->out, p->slot);
	}
	cbr_put_uint(e->out, 14);
	cbr_put_uint(e->out, p->size);
}

static void
put_slot_check(struct seq *s, int set, uint64_t slot)
{
	seq_command(s, set);
	cbr_put_map(s->out, 1);
	cbr_put_uint(s->out, 5);
	cbr_put_uint(s->out, slot);
	seq_policy(s, 5, POLICY_RECORD_FAILURE);
}

static void
select_component(struct encode *e, struct seq *s, size_t i)
{
	if (!e->many)
		return;
	seq_command(s, 12);
	cbr_put_uint(s->out, i);
}

/* Vendor, class, and what does not depend on the slot. */
static void
shared_params(struct encode *e, struct seq *s,
    const struct manifest_spec_component *c)
{
	const struct manifest_spec *spec = e->spec;
	bool single = c->payload_count == 1;
	bool slot = single && c->payload[0].have_slot;
	size_t n = (size_t)spec->have_vendor + spec->have_class +
	    (single ? 2 : 0) + slot;

	if (n == 0)
		return;
	seq_command(s, 20);
	cbr_put_map(e->out, n);
	if (spec->have_vendor) {
		cbr_put_uint(e->out, 1);
		cbr_put_bstr(e->out, slice_of(spec->vendor, 16));
	}
	if (spec->have_class) {
		cbr_put_uint(e->out, 2);
		cbr_put_bstr(e->out, slice_of(spec->class_id, 16));
	}
	if (single)
		put_image(e, &c->payload[0], slot);
	if (slot)
		seq_policy(s, 5, POLICY_RECORD_FAILURE);
}

/* SUIT 7, A/B: the branch of the slot sets digest and size. */
static void
shared_slots(struct encode *e, struct seq *s,
    const struct manifest_spec_component *c)
{
	if (c->payload_count < 2)
		return;
	seq_command(s, 15);
	cbr_put_array(e->out, c->payload_count);
	for (size_t i = 0; i < c->payload_count; i++) {
		struct seq branch = seq_begin(e->out);

		put_slot_check(&branch, 20, c->payload[i].slot);
		seq_command(&branch, 20);
		cbr_put_map(e->out, 2);
		put_image(e, &c->payload[i], false);
		seq_end(&branch);
	}
}

static void
put_common(struct encode *e)
{
	const struct manifest_spec *spec = e->spec;
	size_t mark = e->out->n;
	struct seq s;

	cbr_put_map(e->out, 2);
	cbr_put_uint(e->out, SUIT_COMMON_COMPONENTS);
	cbr_put_array(e->out, spec->component_count);
	for (size_t i = 0; i < spec->component_count; i++)
		buf_put(e->out, spec->component[i].id);
	cbr_put_uint(e->out, SUIT_COMMON_SHARED);
	s = seq_begin(e->out);
	if (spec->list_min > 0) {
		seq_command(&s, MANIFEST_LIST_MIN);
		cbr_put_uint(e->out, spec->list_min);
	}
	for (size_t i = 0; i < spec->component_count; i++) {
		select_component(e, &s, i);
		shared_params(e, &s, &spec->component[i]);
		shared_slots(e, &s, &spec->component[i]);
		if (spec->have_vendor)
			seq_policy(&s, 1, POLICY_ALL);
		if (spec->have_class)
			seq_policy(&s, 2, POLICY_ALL);
	}
	seq_end(&s);
	manifest_wrap(e->out, mark);
}

static void
put_uri(struct encode *e, struct seq *s, const char *uri)
{
	seq_command(s, e->riot ? 19 : 20);
	cbr_put_map(e->out, 1);
	cbr_put_uint(e->out, 21);
	cbr_put_str(e->out, uri);
}

static void
put_install(struct encode *e)
{
	const struct manifest_spec_component *c;
	struct seq s = seq_begin(e->out);

	for (size_t i = 0; i < e->spec->component_count; i++) {
		c = &e->spec->component[i];
		select_component(e, &s, i);
		if (c->payload_count == 1) {
			put_uri(e, &s, c->payload[0].uri);
		} else {
			seq_command(&s, 15);
			cbr_put_array(e->out, c->payload_count);
		}
		for (size_t j = 0; c->payload_count > 1 &&
		    j < c->payload_count; j++) {
			struct seq branch = seq_begin(e->out);

			put_slot_check(&branch, e->riot ? 19 : 20,
			    c->payload[j].slot);
			put_uri(e, &branch, c->payload[j].uri);
			seq_end(&branch);
		}
		seq_policy(&s, 21, POLICY_FAILURE);
		seq_policy(&s, 3, POLICY_ALL);
	}
	seq_end(&s);
}

static void
put_validate(struct encode *e)
{
	struct seq s = seq_begin(e->out);

	for (size_t i = 0; i < e->spec->component_count; i++) {
		select_component(e, &s, i);
		seq_policy(&s, 3, POLICY_ALL);
	}
	seq_end(&s);
}

static void
put_text_entry(struct buf *out, unsigned key, const char *text)
{
	if (text == NULL)
		return;
	cbr_put_uint(out, key);
	cbr_put_str(out, text);
}

/* SUIT 8.4.4: {"en": {1: description, component: {...}}}, wrapped. */
static void
put_text(struct encode *e)
{
	const struct manifest_spec *s = e->spec;
	size_t mark = e->out->n;
	size_t n = (size_t)(s->text_vendor != NULL) + (s->text_model != NULL) +
	    (s->text_version != NULL);

	cbr_put_map(e->out, 1);
	cbr_put_str(e->out, "en");
	cbr_put_map(e->out, (s->text_description != NULL) + (n > 0));
	put_text_entry(e->out, 1, s->text_description);
	if (n > 0) {
		buf_put(e->out, s->component[0].id);
		cbr_put_map(e->out, n);
		put_text_entry(e->out, 1, s->text_vendor);
		put_text_entry(e->out, 2, s->text_model);
		put_text_entry(e->out, 6, s->text_version);
	}
	manifest_wrap(e->out, mark);
}

/* Declares the text by digest: what stands in the envelope can be cut. */
static int
put_text_digest(struct encode *e)
{
	size_t mark = e->out->n;
	struct digest d;
	int rc;

	put_text(e);
	if (e->out->over)
		return ERR_SPACE;
	rc = digest_compute(DIGEST_SHA256,
	    slice_of(e->out->p + mark, e->out->n - mark), &d);
	e->out->n = mark;
	if (rc == 0)
		put_digest(e, &d);
	return rc;
}

static int
put_manifest(struct encode *e)
{
	const struct manifest_spec *s = e->spec;
	bool text = manifest_spec_has_text(s);
	int rc = 0;

	cbr_put_map(e->out, 5 + (s->reference_uri != NULL) + text);
	cbr_put_uint(e->out, SUIT_KEY_VERSION);
	cbr_put_uint(e->out, 1);
	cbr_put_uint(e->out, SUIT_KEY_SEQUENCE);
	cbr_put_uint(e->out, s->sequence);
	cbr_put_uint(e->out, SUIT_KEY_COMMON);
	put_common(e);
	if (s->reference_uri != NULL) {
		cbr_put_uint(e->out, SUIT_KEY_REFERENCE_URI);
		cbr_put_str(e->out, s->reference_uri);
	}
	/* in the order of their numbers */
	for (unsigned key = 7; key <= 24; key++) {
		if (key == manifest_section_key(s->dialect, MANIFEST_INSTALL)) {
			cbr_put_uint(e->out, key);
			put_install(e);
		} else if (key ==
		    manifest_section_key(s->dialect, MANIFEST_VALIDATE)) {
			cbr_put_uint(e->out, key);
			put_validate(e);
		} else if (text &&
		    key == manifest_section_key(s->dialect, MANIFEST_TEXT)) {
			cbr_put_uint(e->out, key);
			rc = put_text_digest(e);
		}
	}
	return rc != 0 ? rc : e->out->over ? ERR_SPACE : 0;
}

static struct encode
encode_of(const struct manifest_spec *spec, struct buf *out, struct why *why)
{
	return (struct encode){
		.spec = spec,
		.out = out,
		.riot = spec->dialect == MANIFEST_RIOT09,
		.many = spec->component_count > 1,
		.why = why,
	};
}

static int
finish(struct encode *e, size_t start, int rc)
{
	if (rc == 0 && e->out->over)
		rc = ERR_SPACE;
	if (rc == ERR_SPACE)
		why_set(e->why, rc, "the manifest does not fit into %zu bytes",
		    e->out->cap);
	if (rc != 0)
		e->out->n = start;
	return rc;
}

int
manifest_encode(const struct manifest_spec *spec, struct buf *out,
    struct why *why)
{
	struct encode e = encode_of(spec, out, why);
	size_t start = out->n;
	int rc;

	if ((rc = manifest_spec_check(spec, why)) == 0)
		rc = put_manifest(&e);
	return finish(&e, start, rc);
}

/* --- the envelope --- */

struct payloads {
	const struct manifest_spec_payload *p[32];
	size_t n;
};

static bool
key_before(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);

	return na != nb ? na < nb : strcmp(a, b) < 0;
}

/* By key, in deterministic order; the same one in two slots counts once. */
static int
collect_integrated(struct encode *e, struct payloads *list)
{
	for (size_t i = 0; i < e->spec->component_count; i++) {
		const struct manifest_spec_component *c =
		    &e->spec->component[i];
		for (size_t j = 0; j < c->payload_count; j++) {
			const struct manifest_spec_payload *p = &c->payload[j];
			size_t at = 0;

			if (p->integrated.p == NULL)
				continue;
			while (at < list->n &&
			    key_before(list->p[at]->uri, p->uri))
				at++;
			if (at < list->n &&
			    strcmp(list->p[at]->uri, p->uri) == 0) {
				if (slice_eq(list->p[at]->integrated,
				    p->integrated))
					continue;
				return why_set(e->why, ERR_DUPLICATE,
				    "SUIT 5.5: two payloads of one name");
			}
			memmove(&list->p[at + 1], &list->p[at],
			    (list->n - at) * sizeof(list->p[0]));
			list->p[at] = p;
			list->n++;
		}
	}
	return list->n <= LIMIT_INTEGRATED ? 0 :
	    why_set(e->why, ERR_SIZE, "SUIT 5.5: too many integrated payloads");
}

/* Key 2, put before the manifest that it digests. */
static int
insert_wrapper(struct encode *e, size_t at)
{
	uint8_t bytes[96];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct encode w = *e;
	size_t wrapper, inner;
	struct digest d;
	int rc;

	/* after `at` stands key 3, one byte */
	rc = digest_compute(DIGEST_SHA256, slice_of(e->out->p + at + 1,
	    e->out->n - at - 1), &d);
	if (rc != 0)
		return rc;
	w.out = &b;
	cbr_put_uint(&b, SUIT_KEY_AUTH);
	wrapper = b.n;
	cbr_put_array(&b, e->riot ? 0 : 1);
	inner = b.n;
	if (!e->riot) {
		put_digest(&w, &d);
		manifest_wrap(&b, inner);
	}
	manifest_wrap(&b, wrapper);
	insert(e->out, at, buf_slice(&b));
	return 0;
}

static int
put_envelope(struct encode *e)
{
	struct payloads list = {.n = 0};
	bool text = manifest_spec_has_text(e->spec);
	size_t at, mark;
	int rc;

	if ((rc = collect_integrated(e, &list)) != 0)
		return rc;
	if (!e->riot)
		cbr_put_tag(e->out, SUIT_TAG_ENVELOPE);
	cbr_put_map(e->out, 2 + text + list.n);
	at = e->out->n;
	cbr_put_uint(e->out, SUIT_KEY_MANIFEST);
	mark = e->out->n;
	if ((rc = put_manifest(e)) != 0)
		return rc;
	manifest_wrap(e->out, mark);
	if (e->out->over)
		return ERR_SPACE;
	if ((rc = insert_wrapper(e, at)) != 0)
		return rc;
	if (text) {
		cbr_put_uint(e->out,
		    manifest_section_key(e->spec->dialect, MANIFEST_TEXT));
		put_text(e);
	}
	for (size_t i = 0; i < list.n; i++) {
		cbr_put_str(e->out, list.p[i]->uri);
		cbr_put_bstr(e->out, list.p[i]->integrated);
	}
	return 0;
}

int
manifest_envelope(const struct manifest_spec *spec, struct buf *out,
    struct why *why)
{
	struct encode e = encode_of(spec, out, why);
	size_t start = out->n;
	int rc;

	if ((rc = manifest_spec_check(spec, why)) == 0)
		rc = put_envelope(&e);
	return finish(&e, start, rc);
}
