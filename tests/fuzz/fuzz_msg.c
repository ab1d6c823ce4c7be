/* Admin messages: the first byte chooses the record; what is accepted is
 * written and read back the same, and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "lib/msg_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct msg_record *const all[] = {&msg_status, &msg_job,
    &msg_device, &msg_device_put, &msg_tags, &msg_psk, &msg_release,
    &msg_cert, &msg_revoked,
    &msg_author, &msg_author_put, &msg_image, &msg_campaign,
    &msg_campaign_start, &msg_event, &msg_explain};
#define ALL (sizeof(all) / sizeof(all[0]))

static void
page(struct slice in)
{
	static struct msg_device d;
	struct msg_page pg;

	if (msg_page_open(&msg_device, in, &pg) == 0)
		while (pg.left > 0 && msg_page_item(&pg, &d, NULL) == 0)
			;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t a[128 * 1024], b[128 * 1024], out[256 * 1024];
	struct buf w = buf_of(out, sizeof(out));
	struct msg_problem problem;
	const struct msg_record *r;
	struct slice in;

	if (n < 1 || n > 65536)
		return 0;
	r = all[p[0] % ALL];
	in = slice_of(p + 1, n - 1);
	page(in);
	(void)!msg_get_problem(in, &problem);
	if (r->size > sizeof(a))
		abort();
	if (msg_get(r, in, a, NULL) != 0)
		return 0;
	msg_put_cbor(r, a, &w);
	if (w.over || msg_get(r, buf_slice(&w), b, NULL) != 0 ||
	    memcmp(a, b, r->size) != 0)
		abort();
	w = buf_of(out, sizeof(out));
	msg_put_json(r, a, &w);
	return 0;
}
