/*
 * manifest_lint: a manifest can be right and still be useless to a device.
 * RIOT's limits are those of its sys/suit and nanocoap as of 2026.07; each
 * error is something such a device refuses, each warning something that
 * goes wrong later or depends on how it was built.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/manifest_key.h"
#include "lib/text.h"
#include "lib/uri.h"

#define RIOT_MANIFEST 640
#define RIOT_URL 120
#define RIOT_PATH 64
#define RIOT_HOST 63
#define RIOT_MAGIC 0x544f4952u /* "RIOT", little endian */

struct lint {
	const struct manifest *m;
	const struct manifest_plan *plan;
	struct slice image;
	struct manifest_finding *out;
	size_t n, cap;
};

static void PRINTF(3, 4)
finding(struct lint *l, bool error, const char *fmt, ...)
{
	va_list ap;

	if (l->n == l->cap)
		return;
	l->out[l->n].error = error;
	va_start(ap, fmt);
	vsnprintf(l->out[l->n].text, sizeof(l->out[0].text), fmt, ap);
	va_end(ap);
	l->n++;
}

/* --- any device --- */

static void
lint_any(struct lint *l)
{
	const struct manifest *m = l->m;
	struct why why;

	if (m->auth_count == 0)
		finding(l, true, "SUIT 6.2: not signed");
	if (m->component_count == 0)
		finding(l, true, "SUIT 8.4.5: declares no components");
	if (l->plan->vendor_count == 0 || l->plan->class_count == 0)
		finding(l, false, "SUIT 6.2: names no %s: any device may "
		    "install it", l->plan->class_count == 0 ? "class" :
		    "vendor");
	if (l->plan->n == 0)
		finding(l, false, "SUIT 8.4.10: nothing is fetched");
	if ((m->warnings & MANIFEST_WARN_DIALECT) != 0)
		finding(l, false, "written to an old draft (%s)",
		    manifest_dialect_name(m->dialect));
	if ((m->warnings & MANIFEST_WARN_UNKNOWN_KEY) != 0)
		finding(l, false, "holds keys, commands or parameters that "
		    "are not known here");
	if (manifest_check_integrated(m, l->plan, &why) != 0)
		finding(l, true, "%.190s", why.text);
	for (size_t i = 0; i < l->plan->n; i++) {
		const struct manifest_download *d = &l->plan->d[i];
		char uri[100];

		text_escape(d->uri, uri, sizeof(uri));
		if (d->digest.alg == 0 && !d->encrypted)
			finding(l, false, "SUIT 7: no digest for %s", uri);
		if (!d->have_size)
			finding(l, false, "SUIT 8.4.8.7: no size for %s", uri);
	}
}

/* --- the image --- */

static uint32_t
le32(struct slice s, size_t at)
{
	return (uint32_t)s.p[at] | (uint32_t)s.p[at + 1] << 8 |
	    (uint32_t)s.p[at + 2] << 16 | (uint32_t)s.p[at + 3] << 24;
}

/* The bytes are those of one of the downloads. */
static void
lint_image(struct lint *l)
{
	for (size_t i = 0; i < l->plan->n; i++) {
		const struct manifest_download *d = &l->plan->d[i];
		struct digest computed;

		if (d->have_size && d->size != l->image.n)
			continue;
		if (digest_size(d->digest.alg) == 0 ||
		    (digest_compute(d->digest.alg, l->image, &computed) == 0 &&
		    digest_eq(&computed, &d->digest)))
			return;
	}
	finding(l, true, "the image (%zu bytes) is none of those that the "
	    "manifest names", l->image.n);
}

static void
lint_riotboot(struct lint *l)
{
	uint32_t version;

	if (l->image.n < 16 || le32(l->image, 0) != RIOT_MAGIC) {
		finding(l, false, "the image has no riotboot header: a slot "
		    "will not boot it");
		return;
	}
	version = le32(l->image, 4);
	if (version < l->m->sequence)
		finding(l, true, "riotboot header has version %u, below "
		    "sequence %llu: the device would install it again and "
		    "again", version, (unsigned long long)l->m->sequence);
	else if (version > l->m->sequence)
		finding(l, true, "riotboot header has version %u, above "
		    "sequence %llu: the device would refuse later manifests",
		    version, (unsigned long long)l->m->sequence);
}

/* --- RIOT --- */

static void
lint_riot_url(struct lint *l, struct slice url)
{
	struct uri u;
	char shown[100];

	text_escape(url, shown, sizeof(shown));
	if (uri_parse(url, &u, NULL) != 0 || u.scheme == URI_NONE ||
	    u.scheme == URI_COAP_TCP || u.scheme == URI_COAPS_TCP ||
	    (u.scheme == URI_OTHER && (url.n < 7 ||
	    memcmp(url.p, "file://", 7) != 0))) {
		finding(l, true, "RIOT fetches absolute coap:// and coaps:// "
		    "only: %s", shown);
		return;
	}
	if (url.n > RIOT_URL)
		finding(l, true, "URL of %zu bytes, RIOT takes %d: %s", url.n,
		    RIOT_URL, shown);
	if (u.path.n + 1 > RIOT_PATH)
		finding(l, true, "path of %zu bytes, RIOT takes %d: %s",
		    u.path.n + 1, RIOT_PATH, shown);
	if (u.host.n > RIOT_HOST)
		finding(l, true, "host of %zu bytes, RIOT takes %d: %s",
		    u.host.n, RIOT_HOST, shown);
}

static void
lint_riot_auth(struct lint *l)
{
	struct cose_msg msg;

	if (l->m->auth_count > 1)
		finding(l, true, "%zu signatures, RIOT takes one",
		    l->m->auth_count);
	for (size_t i = 0; i < l->m->auth_count; i++) {
		if (cose_parse(l->m->auth[i], &msg, NULL) != 0)
			finding(l, true, "authentication block cannot be read");
		else if (msg.tag != COSE_TAG_SIGN1 || msg.alg != COSE_EDDSA)
			finding(l, true, "authentication by %s: RIOT takes "
			    "COSE_Sign1 with EdDSA (-8)",
			    cose_alg_name(msg.alg));
	}
}

static bool
riot_knows_param(int64_t key)
{
	return key == 1 || key == 2 || key == 3 || key == 5 || key == 14 ||
	    key == 21;
}

static bool
riot_knows_command(int64_t code)
{
	static const uint8_t known[] = {1, 2, 3, 5, 12, 15, 19, 20, 21, 30};

	for (size_t i = 0; i < sizeof(known); i++)
		if (known[i] == code)
			return true;
	return false;
}

static void
lint_riot_params(struct lint *l, struct slice map)
{
	struct cbr c = cbr_of(map);
	uint64_t n;
	int64_t key;

	if (cbr_get_map(&c, &n) != 0)
		return;
	for (; n > 0; n--) {
		if (cbr_get_int(&c, &key) != 0 || cbr_skip(&c, NULL) != 0)
			return;
		if (!riot_knows_param(key))
			finding(l, true, "RIOT does not know parameter %lld",
			    (long long)key);
	}
}

static void lint_riot_sequence(struct lint *l, struct slice content);

static void
lint_riot_command(struct lint *l, const struct manifest_cmd *cmd)
{
	struct cbr c = cbr_of(cmd->arg);
	struct slice content;
	uint64_t n = 1, index;

	if (!riot_knows_command(cmd->code)) {
		finding(l, true, "RIOT does not know command %lld",
		    (long long)cmd->code);
		return;
	}
	switch (cmd->row->arg) {
	case ARG_PARAMS:
		lint_riot_params(l, cmd->arg);
		break;
	case ARG_INDEX:
		if (cbr_get_uint(&c, &index) != 0)
			finding(l, true, "RIOT takes one integer as component "
			    "index, no list and no true");
		break;
	case ARG_TRY:
		if (cbr_get_array(&c, &n) != 0)
			break;
		/* FALLTHROUGH */
	case ARG_SEQUENCE:
		for (; n > 0 && cbr_get_bstr(&c, &content) == 0; n--)
			lint_riot_sequence(l, content);
		break;
	default:
		break;
	}
}

/* manifest_parse has checked form and depth. */
static void
lint_riot_sequence(struct lint *l, struct slice content)
{
	struct manifest_seq seq;
	struct manifest_cmd cmd;

	if (manifest_seq_open(content, &seq, NULL) != 0)
		return;
	while (seq.left > 0 &&
	    manifest_seq_next(&seq, l->m->dialect, &cmd, NULL) == 0)
		lint_riot_command(l, &cmd);
}

static void
lint_riot_sections(struct lint *l)
{
	const struct manifest *m = l->m;

	for (int s = 0; s < MANIFEST_SECTIONS; s++) {
		const struct manifest_part *part = &m->part[s];

		if (!part->present)
			continue;
		if (s != MANIFEST_SHARED && s != MANIFEST_INSTALL &&
		    s != MANIFEST_VALIDATE)
			finding(l, true, "RIOT does not know section %s",
			    manifest_section_name(s));
		else if (part->digest.p != NULL)
			finding(l, true, "RIOT takes no severed section: %s",
			    manifest_section_name(s));
		else
			lint_riot_sequence(l, part->content);
	}
	if (m->integrated_count > 0)
		finding(l, true, "RIOT takes no integrated payloads");
	if (m->reference_uri.p != NULL)
		finding(l, true, "RIOT does not know reference-uri (4)");
	if (m->dependency_count > 0)
		finding(l, true, "RIOT does not know dependencies");
	if ((m->warnings & MANIFEST_WARN_UNKNOWN_KEY) != 0)
		finding(l, true, "RIOT refuses keys that it does not know");
	if ((m->warnings & MANIFEST_WARN_DIGEST_ID) != 0)
		finding(l, true, "RIOT knows SHA-256 as digest id 2 only");
}

static void
lint_riot(struct lint *l)
{
	const struct manifest *m = l->m;

	if (m->envelope.n > RIOT_MANIFEST)
		finding(l, true, "%zu bytes, RIOT's buffer holds %d",
		    m->envelope.n, RIOT_MANIFEST);
	if (m->dialect != MANIFEST_RIOT09 || m->tagged) {
		finding(l, true, "RIOT reads its own draft-09 dialect only, "
		    "this is %s", manifest_dialect_name(m->dialect));
		return;
	}
	if (m->sequence > UINT32_MAX)
		finding(l, true, "sequence number needs more than 32 bits");
	if (m->component_count > 1)
		finding(l, false, "%zu components: RIOT takes 1 unless built "
		    "with a larger CONFIG_SUIT_COMPONENT_MAX",
		    m->component_count);
	lint_riot_auth(l);
	lint_riot_sections(l);
	for (size_t i = 0; i < l->plan->uri_count; i++)
		lint_riot_url(l, l->plan->uri[i]);
	for (size_t i = 0; i < l->plan->n; i++)
		if (l->plan->d[i].digest.alg != DIGEST_SHA256)
			finding(l, true, "RIOT computes SHA-256 only");
	if (l->image.n > 0)
		lint_riotboot(l);
}

size_t
manifest_lint(const struct manifest *m, const struct manifest_plan *p,
    enum manifest_device kind, struct slice image,
    struct manifest_finding *out, size_t cap)
{
	struct lint l = {m, p, image, out, 0, cap};

	lint_any(&l);
	if (image.n > 0)
		lint_image(&l);
	if (kind == MANIFEST_DEVICE_RIOT)
		lint_riot(&l);
	return l.n;
}
