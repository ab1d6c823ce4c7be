/*
 * fill: registered devices into a database that no suitd has open, by the
 * store's own verbs, a thousand to a commit.
 *
 *	fill DB N PREFIX CLASS-HEX [jobs] [psk=HEX]
 *
 * With "jobs" each device also gets a queued job for the newest release, so
 * that its reports have something to move; with "psk" all have that key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "db/store.h"
#include "lib/text.h"
#include "tests/db/psk.h"

#define GROUP 1000

struct fill {
	struct store *s;
	const char *prefix;
	uint8_t class_id[16];
	bool jobs;
	struct buf psk;
	uint8_t psk_bytes[64];
	struct store_release release;
	int64_t now;
};

static int
add(struct fill *f, unsigned k)
{
	struct store_device d = {
		.have_class = true, .driver = DRIVER_NONE, .have_seq = true,
		.seq = 1, .registered = true,
		.reg_expires = f->now + 86400000, .created = f->now,
		.seen = f->now, .tag_count = 1,
	};
	struct job job;
	int rc;

	snprintf(d.ep, sizeof(d.ep), "%s%06u", f->prefix, k);
	snprintf(d.addr, sizeof(d.addr), "10.%u.%u.%u", k >> 16 & 255,
	    k >> 8 & 255, k & 255);
	snprintf(d.version, sizeof(d.version), "1.0.%u", k % 7);
	snprintf(d.tag[0].name, sizeof(d.tag[0].name), "site");
	snprintf(d.tag[0].value, sizeof(d.tag[0].value), "s%u", k % 100);
	memcpy(d.class_id, f->class_id, sizeof(d.class_id));
	d.reg = (uint64_t)k + 1;
	d.have_psk = f->psk.n > 0;
	rc = f->s->ops->device_put(f->s, &d);
	if (rc == 0 && d.have_psk)
		rc = psk_put(f->s, d.ep, d.id, buf_slice(&f->psk));
	if (rc != 0 || !f->jobs)
		return rc;
	track_init(&job, d.id, f->release.id, f->release.seq, f->now);
	job.due = 0; /* waits for contact: the clock leaves it alone */
	return f->s->ops->job_put(f->s, &job);
}

static int
group(struct fill *f, unsigned from, unsigned end)
{
	int rc = store_begin(f->s);

	for (unsigned k = from; k < end && rc == 0; k++)
		rc = add(f, k);
	return rc != 0 ? rc : store_commit(f->s);
}

/* "jobs", "psk=HEX" */
static bool
extra(struct fill *f, const char *word)
{
	if (strncmp(word, "psk=", 4) == 0)
		return text_unhex(slice_str(word + 4), &f->psk) == 0;
	f->jobs = f->jobs || strcmp(word, "jobs") == 0;
	return f->jobs;
}

int
main(int argc, char **argv)
{
	struct fill f = {.now = (int64_t)time(NULL) * 1000};
	struct buf class_id = buf_of(f.class_id, sizeof(f.class_id));
	struct why why = {0};
	size_t n = 1;
	bool ok;
	int rc;

	f.psk = buf_of(f.psk_bytes, sizeof(f.psk_bytes));
	ok = argc >= 5 && text_unhex(slice_str(argv[4]), &class_id) == 0 &&
	    class_id.n == sizeof(f.class_id);
	for (int i = 5; ok && i < argc; i++)
		ok = extra(&f, argv[i]);
	if (!ok) {
		fputs("usage: fill DB N PREFIX CLASS-HEX [jobs] [psk=HEX]\n",
		    stderr);
		return 2;
	}
	f.prefix = argv[3];
	rc = store_sqlite_open(&(struct store_sqlite_opts){
	    .path = argv[1]}, &f.s, &why);
	if (rc == 0 && f.jobs)
		rc = f.s->ops->release_list(f.s, 0, 1, &f.release, &n);
	if (rc == 0 && n == 0)
		rc = ERR_NOT_FOUND;
	for (unsigned k = 0, end = (unsigned)atoi(argv[2]); k < end && rc == 0;
	    k += GROUP)
		rc = group(&f, k, k + GROUP < end ? k + GROUP : end);
	if (rc != 0)
		fprintf(stderr, "fill: %s %s\n", err_text(rc),
		    why.text[0] || f.s == NULL ? why.text : store_why(f.s));
	store_close(f.s);
	return rc != 0;
}
