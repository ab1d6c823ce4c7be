/*
 * manifest_parse: an envelope to a view (SUIT 8.2 to 8.5).
 *
 * The whole item is checked first (well-formed, no duplicate keys, definite
 * lengths, depth), so what follows only has to look at types. Then twice
 * over the envelope's map: once for authentication and manifest, from which
 * the dialect follows, and once for members that only have a meaning in a
 * dialect.
 *
 * The dialect shows in the authentication wrapper (a digest first, or COSE
 * messages right away) and, for the newer drafts, in the number of install:
 * the version field is 1 in all of them.
 */
#include "lib/manifest_key.h"

struct parse {
	struct manifest m;
	struct why *why;
	uint64_t tag;
	struct slice auth; /* content of the wrapper */
	bool have_version, have_sequence, have_common;
};

static int
bad(struct parse *p, int rc, const char *what)
{
	return why_set(p->why, rc, "%s: %s", what, err_text(rc));
}

/* Positions *c after the head of the envelope's map. */
static int
open_envelope(struct parse *p, struct cbr *c, uint64_t *ret_pairs)
{
	struct cbr_item item;
	int rc;

	if ((rc = cbr_peek(c, &item)) != 0)
		return bad(p, rc, "SUIT 8.2: envelope");
	p->tag = 0;
	if (item.type == CBR_TAG && (rc = cbr_get_tag(c, &p->tag)) != 0)
		return bad(p, rc, "SUIT 8.2: tag");
	p->m.tagged = item.type == CBR_TAG;
	if (p->tag == SUIT_TAG_MANIFEST)
		return why_set(p->why, ERR_UNSIGNED,
		    "SUIT 8.2: a bare manifest (tag %d) carries no "
		    "authentication", SUIT_TAG_MANIFEST);
	if (p->m.tagged && p->tag != SUIT_TAG_ENVELOPE &&
	    p->tag != SUIT_TAG_ENVELOPE_10)
		return why_set(p->why, ERR_TYPE,
		    "SUIT 8.2: tag %llu is not that of an envelope (107)",
		    (unsigned long long)p->tag);
	if ((rc = cbr_get_map(c, ret_pairs)) != 0)
		return bad(p, rc, "SUIT 8.2: an envelope is a map");
	return 0;
}

/* The two members that say how to read the others. */
static int
find_auth_and_manifest(struct parse *p)
{
	struct cbr c = cbr_of(p->m.envelope);
	struct slice raw;
	uint64_t n, key;
	int rc;

	if ((rc = open_envelope(p, &c, &n)) != 0)
		return rc;
	for (; n > 0; n--) {
		bool known = cbr_get_uint(&c, &key) == 0;

		if (!known && (rc = cbr_skip(&c, NULL)) != 0)
			return bad(p, rc, "SUIT 8.2: key");
		if ((rc = cbr_skip(&c, &raw)) != 0)
			return bad(p, rc, "SUIT 8.2: member");
		struct cbr v = cbr_of(raw);
		if (known && key == SUIT_KEY_AUTH) {
			if (p->m.manifest_raw.p != NULL)
				return why_set(p->why, ERR_ORDER,
				    "SUIT 8.3: the authentication wrapper "
				    "stands after the manifest");
			rc = cbr_get_bstr(&v, &p->auth);
		} else if (known && key == SUIT_KEY_MANIFEST) {
			p->m.manifest_raw = raw;
			rc = cbr_get_bstr(&v, &p->m.manifest_body);
		}
		if (rc != 0)
			return bad(p, rc, "SUIT 8.2: members 2 and 3 are bstr");
	}
	if (p->m.manifest_raw.p == NULL)
		return bad(p, ERR_MISSING, "SUIT 8.2: manifest (3)");
	if (p->auth.p == NULL)
		return why_set(p->why, ERR_UNSIGNED,
		    "SUIT 8.3: no authentication wrapper (2)");
	return 0;
}

static bool
is_cose_tag(uint64_t tag)
{
	return tag == COSE_TAG_SIGN1 || tag == COSE_TAG_SIGN ||
	    tag == COSE_TAG_MAC0 || tag == COSE_TAG_MAC;
}

static int
add_auth_block(struct parse *p, struct slice block)
{
	struct cbr c = cbr_of(block);
	uint64_t tag;
	int rc;

	if (p->m.auth_count == LIMIT_AUTH_BLOCKS)
		return why_set(p->why, ERR_SIZE,
		    "SUIT 8.3: more than %d authentication blocks",
		    LIMIT_AUTH_BLOCKS);
	if ((rc = cbr_check(block)) != 0 || (rc = cbr_get_tag(&c, &tag)) != 0 ||
	    (rc = is_cose_tag(tag) ? 0 : ERR_TYPE) != 0)
		return why_set(p->why, rc,
		    "SUIT 8.3: authentication block %zu is not a tagged COSE "
		    "message: %s", p->m.auth_count + 1, err_text(rc));
	p->m.auth[p->m.auth_count++] = block;
	return 0;
}

/* Each block claims a digest; the manifest itself has but this one. */
static int
riot_digest(struct parse *p)
{
	int rc;

	p->m.dialect = MANIFEST_RIOT09;
	rc = digest_compute(DIGEST_SHA256, p->m.manifest_raw, &p->m.digest);
	return rc == 0 ? 0 : bad(p, rc, "SUIT 8.3: digest");
}

static int
parse_auth(struct parse *p)
{
	struct manifest *m = &p->m;
	struct cbr c = cbr_of(p->auth);
	struct slice item = SLICE_NONE;
	struct cbr_item head;
	uint64_t n;
	bool old;
	int rc;

	if ((rc = cbr_check(p->auth)) != 0 || (rc = cbr_get_array(&c, &n)) != 0)
		return bad(p, rc, "SUIT 8.3: authentication wrapper");
	if (n == 0 && m->tagged)
		return bad(p, ERR_MISSING,
		    "SUIT 8.3: digest in the authentication wrapper");
	if (n == 0)
		return riot_digest(p);
	if ((rc = cbr_get_bstr(&c, &item)) != 0)
		return bad(p, rc, "SUIT 8.3: authentication wrapper item 1");
	struct cbr first = cbr_of(item);
	if ((rc = cbr_peek(&first, &head)) != 0)
		return bad(p, rc, "SUIT 8.3: authentication wrapper item 1");
	old = head.type == CBR_TAG && is_cose_tag(head.u) && !m->tagged;
	if (p->tag == SUIT_TAG_ENVELOPE_10)
		m->dialect = MANIFEST_DRAFT10;
	if (old) {
		if ((rc = riot_digest(p)) == 0)
			rc = add_auth_block(p, item);
	} else {
		m->digest_body = item;
		rc = manifest_digest_read(m->dialect, item, &m->digest, p->why);
	}
	while (rc == 0 && --n > 0) {
		if ((rc = cbr_get_bstr(&c, &item)) != 0)
			return bad(p, rc, "SUIT 8.3: authentication block");
		rc = add_auth_block(p, item);
	}
	return rc;
}

/* Of the drafts with a digest in the wrapper: by their manifest's keys. */
static int
detect_dialect(struct parse *p)
{
	struct manifest *m = &p->m;
	struct cbr c = cbr_of(m->manifest_body);
	bool has[25] = {false};
	uint64_t n, key;
	int rc;

	if ((rc = cbr_check(m->manifest_body)) != 0 ||
	    (rc = cbr_get_map(&c, &n)) != 0)
		return bad(p, rc, "SUIT 8.4: a manifest is a map");
	for (; n > 0; n--) {
		if (cbr_get_uint(&c, &key) != 0) {
			if ((rc = cbr_skip(&c, NULL)) != 0)
				return bad(p, rc, "SUIT 8.4: key");
			key = 0;
		}
		if ((rc = cbr_skip(&c, NULL)) != 0)
			return bad(p, rc, "SUIT 8.4: value");
		if (key < 25)
			has[key] = true;
	}
	if (m->dialect == MANIFEST_CURRENT && !has[20]) {
		if (has[17])
			m->dialect = MANIFEST_DRAFT17;
		else if (has[10] || has[11] || has[12] || has[13])
			m->dialect = MANIFEST_DRAFT14;
	}
	if (m->dialect != MANIFEST_CURRENT && m->dialect != MANIFEST_RIOT09)
		m->warnings |= MANIFEST_WARN_DIALECT;
	if (!m->tagged && m->dialect != MANIFEST_RIOT09)
		m->warnings |= MANIFEST_WARN_UNTAGGED;
	return 0;
}

static int
add_component(struct parse *p, struct cbr *c)
{
	struct manifest *m = &p->m;
	struct slice id, part;
	uint64_t n;
	int rc;

	if (m->component_count == LIMIT_COMPONENTS)
		return why_set(p->why, ERR_SIZE,
		    "SUIT 8.4.5: more than %d components", LIMIT_COMPONENTS);
	if ((rc = cbr_skip(c, &id)) != 0)
		return bad(p, rc, "SUIT 8.4.5: component");
	struct cbr parts = cbr_of(id);
	rc = cbr_get_array(&parts, &n);
	for (; rc == 0 && n > 0; n--)
		rc = cbr_get_bstr(&parts, &part);
	if (rc != 0)
		return bad(p, rc, "SUIT 8.4.5.1: a component identifier is a "
		    "list of bstr");
	for (size_t i = 0; i < m->component_count; i++)
		if (slice_eq(m->component[i], id))
			return bad(p, ERR_DUPLICATE,
			    "SUIT 8.4.5: component identifier");
	m->component[m->component_count++] = id;
	return 0;
}

static int
parse_components(struct parse *p, struct slice raw)
{
	struct cbr c = cbr_of(raw);
	uint64_t n;
	int rc;

	if ((rc = cbr_get_array(&c, &n)) != 0)
		return bad(p, rc, "SUIT 8.4.5: components");
	for (; n > 0; n--)
		if ((rc = add_component(p, &c)) != 0)
			return rc;
	return 0;
}

/* {+ component index => metadata}; a list of maps up to draft -16 */
static int
parse_dependencies(struct parse *p, struct slice raw)
{
	struct cbr c = cbr_of(raw);
	uint64_t n;
	int rc;

	if ((rc = cbr_get_map(&c, &n)) == ERR_TYPE)
		rc = cbr_get_array(&c, &n);
	if (rc != 0)
		return bad(p, rc, "SUIT trust-domains: dependencies");
	if (n > LIMIT_COMPONENTS)
		return why_set(p->why, ERR_SIZE,
		    "SUIT trust-domains: more than %d dependencies",
		    LIMIT_COMPONENTS);
	p->m.dependency_count = n;
	return 0;
}

static int
set_part(struct parse *p, enum manifest_section s, struct slice raw)
{
	struct manifest_part *part = &p->m.part[s];
	struct cbr c = cbr_of(raw);
	struct digest digest;

	part->present = true;
	if (cbr_get_bstr(&c, &part->content) == 0) {
		part->raw = raw;
		return 0;
	}
	if (!manifest_section_severable(s))
		return why_set(p->why, ERR_TYPE, "SUIT 8.4: %s is not a bstr",
		    manifest_section_name(s));
	part->severed = true;
	part->digest = raw;
	return manifest_digest_read(p->m.dialect, raw, &digest, p->why);
}

static int
parse_common(struct parse *p, struct slice raw)
{
	struct cbr c = cbr_of(raw);
	struct slice body, value;
	uint64_t n, key;
	int rc;

	if ((rc = cbr_get_bstr(&c, &body)) != 0 || (rc = cbr_check(body)) != 0)
		return bad(p, rc, "SUIT 8.4.5: common");
	c = cbr_of(body);
	if ((rc = cbr_get_map(&c, &n)) != 0)
		return bad(p, rc, "SUIT 8.4.5: common");
	for (; n > 0 && rc == 0; n--) {
		if ((rc = cbr_get_uint(&c, &key)) != 0 ||
		    (rc = cbr_skip(&c, &value)) != 0)
			return bad(p, rc, "SUIT 8.4.5: common");
		switch (key) {
		case SUIT_COMMON_DEPENDENCIES:
			rc = parse_dependencies(p, value);
			break;
		case SUIT_COMMON_COMPONENTS:
			rc = parse_components(p, value);
			break;
		case SUIT_COMMON_SHARED:
			rc = set_part(p, MANIFEST_SHARED, value);
			break;
		default:
			p->m.warnings |= MANIFEST_WARN_UNKNOWN_KEY;
			break;
		}
	}
	p->have_common = true;
	if (rc == 0 && p->m.component_count == 0)
		p->m.warnings |= MANIFEST_WARN_NO_COMPONENTS;
	return rc;
}

static int
parse_version(struct parse *p, struct cbr *v)
{
	int rc;

	p->have_version = true;
	if ((rc = cbr_get_uint(v, &p->m.version)) != 0)
		return bad(p, rc, "SUIT 8.4.1: manifest version");
	if (p->m.version != 1)
		return why_set(p->why, ERR_UNSUPPORTED,
		    "SUIT 8.4.1: manifest version is %llu, not 1",
		    (unsigned long long)p->m.version);
	return 0;
}

static int
manifest_member(struct parse *p, uint64_t key, struct slice raw)
{
	enum manifest_section s = manifest_key_section(p->m.dialect, key);
	bool newer = p->m.dialect == MANIFEST_CURRENT ||
	    p->m.dialect == MANIFEST_DRAFT17;
	struct cbr v = cbr_of(raw);
	int rc;

	if (s != MANIFEST_SECTIONS)
		return set_part(p, s, raw);
	switch (key) {
	case SUIT_KEY_VERSION:
		return parse_version(p, &v);
	case SUIT_KEY_SEQUENCE:
		p->have_sequence = true;
		rc = cbr_get_uint(&v, &p->m.sequence);
		return rc == 0 ? 0 : bad(p, rc, "SUIT 8.4.2: sequence number");
	case SUIT_KEY_COMMON:
		return parse_common(p, raw);
	case SUIT_KEY_REFERENCE_URI:
		rc = cbr_get_tstr(&v, &p->m.reference_uri);
		return rc == 0 ? 0 : bad(p, rc, "SUIT 8.4.3: reference URI");
	}
	if (!newer || (key != SUIT_KEY_COMPONENT_ID &&
	    key != SUIT_KEY_SET_VERSION))
		p->m.warnings |= MANIFEST_WARN_UNKNOWN_KEY;
	return 0;
}

static int
parse_manifest(struct parse *p)
{
	struct cbr c = cbr_of(p->m.manifest_body);
	struct slice raw;
	uint64_t n;
	int64_t key;
	int rc;

	if ((rc = cbr_get_map(&c, &n)) != 0)
		return bad(p, rc, "SUIT 8.4: a manifest is a map");
	for (; n > 0; n--) {
		if ((rc = cbr_get_int(&c, &key)) != 0 ||
		    (rc = cbr_skip(&c, &raw)) != 0)
			return bad(p, rc, "SUIT 8.4: manifest key");
		if (key <= 0)
			p->m.warnings |= MANIFEST_WARN_UNKNOWN_KEY;
		else if ((rc = manifest_member(p, (uint64_t)key, raw)) != 0)
			return rc;
	}
	if (!p->have_version)
		return bad(p, ERR_MISSING, "SUIT 8.4.1: manifest version (1)");
	if (!p->have_sequence)
		return bad(p, ERR_MISSING, "SUIT 8.4.2: sequence number (2)");
	if (!p->have_common)
		return bad(p, ERR_MISSING, "SUIT 8.4.5: common (3)");
	return 0;
}

static int
add_integrated(struct parse *p, struct slice uri, struct slice raw)
{
	struct manifest *m = &p->m;
	struct manifest_integrated *in = &m->integrated[m->integrated_count];
	struct cbr c = cbr_of(raw);
	int rc;

	if (m->integrated_count == LIMIT_INTEGRATED)
		return why_set(p->why, ERR_SIZE,
		    "SUIT 8.5: more than %d integrated payloads",
		    LIMIT_INTEGRATED);
	if ((rc = cbr_get_bstr(&c, &in->payload)) != 0)
		return bad(p, rc, "SUIT 8.5: an integrated payload is a bstr");
	in->uri = uri;
	m->integrated_count++;
	return 0;
}

/* A member that the manifest declares by digest. */
static int
add_severed(struct parse *p, uint64_t key, struct slice raw)
{
	enum manifest_section s = manifest_key_section(p->m.dialect, key);
	struct manifest_part *part;
	struct cbr c = cbr_of(raw);
	int rc;

	if (s == MANIFEST_SECTIONS) {
		p->m.warnings |= MANIFEST_WARN_UNKNOWN_KEY;
		return 0;
	}
	part = &p->m.part[s];
	if (part->digest.p == NULL)
		return why_set(p->why, ERR_POLICY,
		    "SUIT 8.5: envelope member %llu (%s) is not declared by a "
		    "digest in the manifest", (unsigned long long)key,
		    manifest_section_name(s));
	if ((rc = cbr_get_bstr(&c, &part->content)) != 0)
		return bad(p, rc, "SUIT 8.5: a severable member is a bstr");
	part->raw = raw;
	part->severed = false;
	return 0;
}

static int
parse_members(struct parse *p)
{
	struct cbr c = cbr_of(p->m.envelope);
	struct slice raw, uri;
	uint64_t n, key;
	int rc;

	if ((rc = open_envelope(p, &c, &n)) != 0)
		return rc;
	for (; n > 0 && rc == 0; n--) {
		bool text = cbr_get_tstr(&c, &uri) == 0;
		bool known = !text && cbr_get_uint(&c, &key) == 0;

		if (!text && !known && (rc = cbr_skip(&c, NULL)) != 0)
			return bad(p, rc, "SUIT 8.2: key");
		if ((rc = cbr_skip(&c, &raw)) != 0)
			return bad(p, rc, "SUIT 8.2: member");
		if (text)
			rc = add_integrated(p, uri, raw);
		else if (!known)
			p->m.warnings |= MANIFEST_WARN_UNKNOWN_KEY;
		else if (key != SUIT_KEY_AUTH && key != SUIT_KEY_MANIFEST)
			rc = add_severed(p, key, raw);
	}
	return rc;
}

static int
check_described(struct parse *p, enum manifest_section s, const char *what)
{
	struct slice content = p->m.part[s].content;
	int rc;

	if (content.p == NULL || (rc = cbr_check(content)) == 0)
		return 0;
	return bad(p, rc, what);
}

int
manifest_parse(struct slice envelope, struct manifest *ret_m, struct why *why)
{
	struct parse p = {.m.envelope = envelope, .why = why};
	int rc;

	if (envelope.n > LIMIT_ENVELOPE)
		return why_set(why, ERR_SIZE,
		    "SUIT 8.2: envelope of %zu bytes, at most %d", envelope.n,
		    LIMIT_ENVELOPE);
	if ((rc = cbr_check(envelope)) != 0)
		return bad(&p, rc, "SUIT 8.1: envelope is not one CBOR item "
		    "in deterministic encoding");
	if ((rc = find_auth_and_manifest(&p)) != 0 ||
	    (rc = parse_auth(&p)) != 0 ||
	    (rc = detect_dialect(&p)) != 0 ||
	    (rc = parse_manifest(&p)) != 0 ||
	    (rc = parse_members(&p)) != 0 ||
	    (rc = manifest_check_sequences(&p.m, why)) != 0 ||
	    (rc = check_described(&p, MANIFEST_TEXT,
	    "SUIT 8.4.4: text")) != 0 ||
	    (rc = check_described(&p, MANIFEST_COSWID,
	    "SUIT update-management: coswid")) != 0)
		return rc;
	*ret_m = p.m;
	return 0;
}
