/* Lines of an export, and heads: what is accepted is written again as it was,
 * and a run of lines that is proven is proven line by line. */
#include <stdlib.h>

#include "lib/audit.h"
#include "tests/fuzz/fuzz.h"

static void
head(struct slice in)
{
	char text[AUDIT_HEAD_TEXT];
	struct audit_head h, again;

	if (audit_head_parse(in, &h) != 0)
		return;
	if (audit_head_parse(slice_str(audit_head_text(&h, text)), &again) !=
	    0 || again.n != h.n || memcmp(again.hash, h.hash, AUDIT_HASH) != 0)
		abort();
}

static int
line(struct slice in, struct audit_verify *v)
{
	static uint8_t room[AUDIT_LINE];
	struct buf b = buf_of(room, sizeof(room));
	struct audit_entry e;
	struct why why;
	int rc = audit_line_get(in, &e, &why);

	if (rc != 0)
		return rc;
	if (audit_line_put(&e, &b) != 0 ||
	    !slice_eq(slice_sub(buf_slice(&b), 0, b.n - 1), in))
		abort();
	return audit_verify_add(v, &e, &why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	struct audit_verify v;
	uint64_t entries = 0;
	struct why why;
	int rc = 0;

	head(in);
	audit_verify_begin(&v, NULL);
	while (rc == 0 && in.n > 0) {
		const uint8_t *nl = memchr(in.p, '\n', in.n);
		size_t len = nl == NULL ? in.n : (size_t)(nl - in.p);

		rc = line(slice_sub(in, 0, len), &v);
		entries += rc == 0;
		in = slice_sub(in, len + 1, in.n);
	}
	if (v.entries != entries)
		abort();
	(void)!audit_verify_end(&v, &why);
	return 0;
}
