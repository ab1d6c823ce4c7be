#include "lib/content.h"

#include "lib/cbor.h"

int
content_opaque(const uint16_t *accept, uint16_t *ret_cf, struct why *why)
{
	static const uint16_t fine[] = {CF_OCTET, CF_CBOR, CF_TEXT, CF_JSON};

	if (accept == NULL) {
		*ret_cf = CF_OCTET;
		return 0;
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		if (*accept == fine[i]) {
			*ret_cf = fine[i];
			return 0;
		}
	}
	return why_set(why, ERR_ACCEPT,
	    "RFC 7252 5.10.4: these bytes are application/octet-stream");
}

void
content_diagnose(int err, const char *detail, bool problem, struct buf *out)
{
	if (!problem) {
		buf_puts(out, detail[0] != '\0' ? detail : err_text(err));
		if (out->n > LIMIT_DIAGNOSTIC)
			out->n = LIMIT_DIAGNOSTIC;
		return;
	}
	cbr_put_map(out, detail[0] != '\0' ? 2 : 1);
	cbr_put_int(out, -1); /* title */
	cbr_put_str(out, err_text(err));
	if (detail[0] != '\0') {
		cbr_put_int(out, -2);
		cbr_put_str(out, detail);
	}
}

uint8_t
content_szx(size_t bytes)
{
	uint8_t szx = 6;

	while (szx > 0 && block_size(szx) > bytes)
		szx--;
	return szx;
}

int
content_cut(const struct content_ask *ask, size_t total,
    struct content_part *ret, struct why *why)
{
	struct block_slice s;
	int rc = block_slice(total, ask->b2, ask->b2 != NULL ||
	    ask->szx > ask->most ? ask->most : ask->szx, &s);

	if (rc != 0)
		return why_set(why, rc,
		    "RFC 7959 2.4: block %u of %zu bytes",
		    ask->b2 != NULL ? ask->b2->num : 0, total);
	ret->s = s;
	ret->size2 = ask->size2 || (s.use_option && s.off == 0);
	return 0;
}

bool
content_has_etag(const struct slice *etags, size_t n, struct slice etag)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(etags[i], etag))
			return true;
	return false;
}

bool
content_unwanted(unsigned code, uint32_t no_response)
{
	return (no_response >> (code / 100 - 1)) & 1;
}
