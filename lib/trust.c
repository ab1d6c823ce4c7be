/*
 * trust: what a list says. Sets are small and stay encoded; each question
 * walks one of them, whose form trust_parse has checked.
 */
#include "lib/trust.h"

#include "lib/trust_impl.h"

static const char *const roles[TRUST_ROLES] = {
	[TRUST_FOREIGN] = "foreign",
	[TRUST_AUTHOR] = "author",
	[TRUST_OPERATOR] = "operator",
	[TRUST_SERVER] = "server",
	[TRUST_FRESHNESS] = "freshness",
};

const char *
trust_role_name(enum trust_role role)
{
	return roles[(unsigned)role < TRUST_ROLES ? role : TRUST_FOREIGN];
}

enum trust_role
trust_role_find(const char *name)
{
	for (int i = TRUST_AUTHOR; i < TRUST_ROLES; i++) {
		if (strcmp(roles[i], name) == 0)
			return (enum trust_role)i;
	}
	return TRUST_FOREIGN;
}

const struct trust_key *
trust_find(const struct trust *list, struct slice kid)
{
	for (size_t i = 0; i < list->key_count; i++) {
		if (slice_eq(kid, slice_of(list->key[i].kid, TRUST_KID)))
			return &list->key[i];
	}
	return NULL;
}

bool
trust_is_root(const struct trust *list, struct slice kid)
{
	for (size_t i = 0; i < list->roots.n; i++) {
		if (slice_eq(kid, slice_of(list->roots.kid[i], TRUST_KID)))
			return true;
	}
	return false;
}

/* Is `want` one of the byte strings in a row? */
static bool
row_has(struct slice row, struct slice want)
{
	struct cbr c = cbr_of(row);
	struct slice s;

	while (cbr_get_bstr(&c, &s) == 0) {
		if (slice_eq(s, want))
			return true;
	}
	return false;
}

bool
trust_key_has_class(const struct trust_key *key,
    const uint8_t class_id[TRUST_CLASS])
{
	return key->every_class ||
	    row_has(key->classes, slice_of(class_id, TRUST_CLASS));
}

bool
trust_key_has_component(const struct trust_key *key, struct slice component)
{
	struct cbr c = cbr_of(key->components);
	struct slice s;

	if (key->every_component)
		return true;
	while (cbr_skip(&c, &s) == 0) {
		if (slice_eq(s, component))
			return true;
	}
	return false;
}

bool
trust_denies(const struct trust *list, struct slice digest)
{
	return row_has(list->denied, slice_sub(digest, 0, TRUST_HASH));
}

/* False at the end. */
static bool
next_floor(struct cbr *c, struct trust_floor *ret)
{
	struct trust_floor f = {.most = UINT64_MAX};
	struct slice s;
	uint64_t n;

	if (cbr_get_bstr(c, &s) != 0 || s.n != TRUST_CLASS)
		return false;
	memcpy(f.class_id, s.p, TRUST_CLASS);
	if (cbr_get_uint(c, &f.least) != 0 && (cbr_get_array(c, &n) != 0 ||
	    cbr_get_uint(c, &f.least) != 0 || cbr_get_uint(c, &f.most) != 0))
		return false;
	*ret = f;
	return true;
}

struct trust_floor
trust_floor_of(const struct trust *list, const uint8_t class_id[TRUST_CLASS])
{
	struct cbr c = cbr_of(list->floors);
	struct trust_floor none = {.most = UINT64_MAX}, f;

	while (next_floor(&c, &f)) {
		if (memcmp(f.class_id, class_id, TRUST_CLASS) == 0)
			return f;
	}
	memcpy(none.class_id, class_id, TRUST_CLASS);
	return none;
}

struct trust_floor
trust_floor_at(const struct trust *list, size_t i)
{
	struct cbr c = cbr_of(list->floors);
	struct trust_floor f = {.most = UINT64_MAX};

	for (size_t j = 0; j <= i && next_floor(&c, &f); j++)
		continue;
	return f;
}

uint64_t
trust_base(const struct trust *list, const uint8_t class_id[TRUST_CLASS],
    uint64_t running)
{
	struct trust_floor f = trust_floor_of(list, class_id);

	if (running <= f.most)
		return running;
	return f.least > 0 ? f.least - 1 : 0;
}
