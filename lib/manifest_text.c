/*
 * The author's words (SUIT 8.4.4): language -> component -> key. Drafts
 * before -24 have no level of languages. Text is never needed: what cannot
 * be read is not there.
 */
#include "lib/manifest.h"

#include "lib/cbor.h"

struct pair {
	struct cbr_item key;
	struct slice value;
};

/* False at the end, and where the map breaks. */
static bool
next_pair(struct cbr *c, uint64_t *left, struct pair *ret)
{
	if (*left == 0 || cbr_peek(c, &ret->key) != 0 ||
	    cbr_skip(c, NULL) != 0 || cbr_skip(c, &ret->value) != 0)
		return false;
	(*left)--;
	return true;
}

static struct slice
of_component(struct slice map, enum manifest_text want)
{
	struct cbr c = cbr_of(map);
	struct slice text = SLICE_NONE;
	struct pair p;
	uint64_t n;

	if (cbr_get_map(&c, &n) != 0)
		return text;
	while (next_pair(&c, &n, &p)) {
		struct cbr v = cbr_of(p.value);

		if (p.key.type == CBR_UINT && p.key.u == want &&
		    cbr_get_tstr(&v, &text) == 0)
			break;
	}
	return text;
}

/* The first component that has it, in the first language that does. */
static struct slice
of_map(struct slice map, enum manifest_text want, bool languages)
{
	struct cbr c = cbr_of(map);
	struct slice text = SLICE_NONE;
	struct pair p;
	uint64_t n;

	if (cbr_get_map(&c, &n) != 0)
		return text;
	while (text.n == 0 && next_pair(&c, &n, &p)) {
		if (p.key.type == CBR_ARRAY)
			text = of_component(p.value, want);
		else if (p.key.type == CBR_TSTR && languages)
			text = of_map(p.value, want, false);
	}
	return text;
}

struct slice
manifest_component_text(const struct manifest *m, enum manifest_text key)
{
	return of_map(m->part[MANIFEST_TEXT].content, key, true);
}
