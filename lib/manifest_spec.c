/*
 * manifest_spec: what an author asks for, checked before anything is
 * written: the encoder then cannot make a manifest that is refused later.
 */
#include "lib/manifest_key.h"
#include "lib/text.h"

bool
manifest_spec_has_text(const struct manifest_spec *s)
{
	return s->text_description != NULL || s->text_version != NULL ||
	    s->text_vendor != NULL || s->text_model != NULL;
}

static int
check_id(struct slice id, struct why *why)
{
	struct cbr c = cbr_of(id);
	struct slice part;
	uint64_t n;

	if (cbr_check(id) != 0 || cbr_get_array(&c, &n) != 0)
		return why_set(why, ERR_TYPE,
		    "SUIT 8.4.5.1: a component id is an array of bstr");
	for (; n > 0; n--)
		if (cbr_get_bstr(&c, &part) != 0)
			return why_set(why, ERR_TYPE,
			    "SUIT 8.4.5.1: a component id is an array of bstr");
	return 0;
}

static int
check_payload(const struct manifest_spec_payload *p, bool riot,
    struct why *why)
{
	struct slice uri = slice_str(p->uri);
	struct digest d;
	int rc;

	if (uri.n == 0 || uri.n > LIMIT_URI || !text_utf8_ok(uri))
		return why_set(why, ERR_RANGE,
		    "SUIT 8.4.8.10: a payload needs a URI of 1 to 255 bytes");
	if (digest_size(p->digest.alg) == 0 ||
	    p->digest.n != digest_size(p->digest.alg) ||
	    (riot && p->digest.alg != DIGEST_SHA256))
		return why_set(why, ERR_ALGORITHM,
		    "SUIT 8.4.8.6: digest of a payload: algorithm or length");
	if ((uri.p[0] == '#') != (p->integrated.p != NULL))
		return why_set(why, ERR_INVALID,
		    "SUIT 5.5: an integrated payload has a URI '#name' and "
		    "content");
	if (p->integrated.p == NULL)
		return 0;
	if (riot)
		return why_set(why, ERR_UNSUPPORTED,
		    "RIOT takes no integrated payloads");
	if ((rc = digest_compute(p->digest.alg, p->integrated, &d)) != 0)
		return rc;
	if (!digest_eq(&d, &p->digest) || p->size != p->integrated.n)
		return why_set(why, ERR_DIGEST, "SUIT 8.4.8.6: digest or size "
		    "of the integrated payload is another's");
	return 0;
}

static int
check_component(const struct manifest_spec_component *c, bool riot,
    struct why *why)
{
	int rc;

	if ((rc = check_id(c->id, why)) != 0)
		return rc;
	if (c->payload_count < 1 ||
	    c->payload_count > sizeof(c->payload) / sizeof(c->payload[0]))
		return why_set(why, ERR_RANGE,
		    "a component has 1 to 4 payloads, one per slot");
	for (size_t i = 0; i < c->payload_count; i++) {
		if ((rc = check_payload(&c->payload[i], riot, why)) != 0)
			return rc;
		if (c->payload_count > 1 && !c->payload[i].have_slot)
			return why_set(why, ERR_MISSING,
			    "SUIT 7, A/B: each of several payloads needs a "
			    "slot");
		for (size_t j = 0; j < i; j++)
			if (c->payload[i].slot == c->payload[j].slot)
				return why_set(why, ERR_DUPLICATE,
				    "SUIT 7, A/B: two payloads for one slot");
	}
	return 0;
}

static int
check_texts(const struct manifest_spec *s, struct why *why)
{
	const char *texts[] = {s->text_description, s->text_version,
	    s->text_vendor, s->text_model, s->reference_uri};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i] != NULL && !text_utf8_ok(slice_str(texts[i])))
			return why_set(why, ERR_UTF8,
			    "SUIT 8.4.4: text is not UTF-8");
	return 0;
}

int
manifest_spec_check(const struct manifest_spec *s, struct why *why)
{
	bool riot = s->dialect == MANIFEST_RIOT09;
	size_t max = sizeof(s->component) / sizeof(s->component[0]);
	int rc;

	if (s->dialect != MANIFEST_CURRENT && !riot)
		return why_set(why, ERR_UNSUPPORTED,
		    "only the current dialect and RIOT's are written");
	if (s->component_count < 1 || s->component_count > max)
		return why_set(why, ERR_RANGE,
		    "SUIT 8.4.5: 1 to 8 components");
	if (riot && (manifest_spec_has_text(s) || s->reference_uri != NULL ||
	    s->list_min > 0))
		return why_set(why, ERR_UNSUPPORTED,
		    "RIOT takes neither text, nor a reference URI, nor a "
		    "least trust list");
	if (riot && s->sequence > UINT32_MAX)
		return why_set(why, ERR_RANGE,
		    "RIOT's sequence numbers have 32 bits");
	if ((rc = check_texts(s, why)) != 0)
		return rc;
	for (size_t i = 0; i < s->component_count; i++) {
		if ((rc = check_component(&s->component[i], riot, why)) != 0)
			return rc;
		for (size_t j = 0; j < i; j++)
			if (slice_eq(s->component[i].id, s->component[j].id))
				return why_set(why, ERR_DUPLICATE,
				    "SUIT 8.4.5: one component twice");
	}
	return 0;
}
