/* backup.json: what is accepted is within its caps, and is accepted again as
 * it is written. */
#include <stdlib.h>

#include "lib/backup.h"
#include "tests/fuzz/fuzz.h"

struct again {
	struct buf out;
	bool first;
};

static int
put(void *arg, const struct backup_file *f)
{
	struct again *a = arg;

	if (f->size == 0 || f->size > LIMIT_IMAGE)
		abort();
	backup_put_image(f, a->first, &a->out);
	a->first = false;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char room[1 << 20];
	struct again a = {buf_of(room, sizeof(room)), true};
	struct backup b, c;

	if (backup_read(slice_of(p, n), &b, NULL, NULL, NULL) != 0)
		return 0;
	backup_put_begin(&b, &a.out);
	if (backup_read(slice_of(p, n), &b, put, &a, NULL) != 0)
		abort();
	backup_put_end(&a.out);
	if (a.out.over)
		return 0;
	if (backup_read(buf_slice(&a.out), &c, NULL, NULL, NULL) != 0 ||
	    c.images != b.images || c.created != b.created)
		abort();
	return 0;
}
