#include "daemon/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ahead.h"
#include "daemon/restore_impl.h"
#include "db/store_copy.h"
#include "lib/digest.h"
#include "lib/text.h"

#define PIECE (64 * 1024)
#define AUDIT_SCHEMA 5 /* the first with an audit log */

/* --- the copy --- */

/* Of whom the state directory is, if we may give it away. */
static void
own(const struct restore *r, int fd)
{
	if (r->give)
		(void)!fchown(fd, r->uid, r->gid);
}

static int
make_dir(const struct restore *r, const char *name)
{
	char path[RESTORE_PATH];
	int fd;

	restore_path(r->stage, name, path);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return restore_fail(r->why, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return restore_fail(r->why, path);
	own(r, fd);
	close(fd);
	return 0;
}

/* No more than one byte past `max`: whatever a file has grown to, it does not
 * fill the disk. */
static int
pour(int in, int out, struct digest_ctx *h, uint64_t max, uint64_t *ret_n)
{
	static uint8_t buf[PIECE];
	ssize_t n = 0, k;

	while (*ret_n <= max && (n = read(in, buf, max - *ret_n < PIECE ?
	    (size_t)(max - *ret_n) + 1 : PIECE)) > 0) {
		if (digest_update(h, slice_of(buf, (size_t)n)) != 0)
			return ERR_CRYPTO;
		for (ssize_t at = 0; at < n; at += k) {
			k = write(out, buf + at, (size_t)(n - at));
			if (k < 0)
				return ERR_IO;
		}
		*ret_n += (uint64_t)n;
	}
	return n < 0 ? ERR_IO : 0;
}

/* What is copied is what was announced, or nothing is used. */
static int
copy_open(const struct restore *r, const char *name, int in, int out,
    const struct backup_file *want)
{
	struct digest_ctx *h = digest_new(DIGEST_SHA256);
	struct digest d;
	uint64_t n = 0;
	int rc = h == NULL ? ERR_CRYPTO : pour(in, out, h, want->size, &n);

	if (rc == ERR_IO)
		rc = restore_fail(r->why, name);
	if (rc == 0)
		rc = digest_final(h, &d);
	digest_free(h);
	if (rc == 0 && (n != want->size ||
	    memcmp(d.b, want->digest, 32) != 0))
		rc = why_set(r->why, ERR_DIGEST, "%s/%s is not what %s says: "
		    "the backup is damaged", r->o->from, name, BACKUP_FILE);
	return rc;
}

static int
copy(const struct restore *r, const char *name, const char *to, mode_t mode,
    const struct backup_file *want)
{
	char from[RESTORE_PATH], path[RESTORE_PATH];
	int in, out, rc;

	restore_path(r->o->from, name, from);
	restore_path(r->stage, to, path);
	in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (in < 0 && errno == ENOENT)
		return why_set(r->why, ERR_DIGEST, "%s: missing: the backup is "
		    "damaged", from);
	if (in < 0)
		return restore_fail(r->why, from);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	rc = out < 0 ? restore_fail(r->why, path) :
	    copy_open(r, name, in, out, want);
	if (rc == 0 && fchmod(out, mode) != 0)
		rc = restore_fail(r->why, path);
	if (out >= 0)
		own(r, out);
	close(in);
	if (out >= 0)
		close(out);
	return rc;
}

/* As db/blob.h has them: images/ab/abcdef... */
static int
copy_image(void *arg, const struct backup_file *f)
{
	const struct restore *r = arg;
	char name[BACKUP_IMAGE_PATH], dir[16], to[96];
	int rc;

	backup_image_path(f->digest, name);
	snprintf(dir, sizeof(dir), BACKUP_IMAGES "/%02x", f->digest[0]);
	snprintf(to, sizeof(to), "%s%s", dir, name + sizeof(BACKUP_IMAGES) - 1);
	rc = make_dir(r, dir);
	return rc != 0 ? rc : copy(r, name, to, 0444, f);
}

/* For the first start: ahead.h. */
static int
leave_word(const struct restore *r)
{
	char path[RESTORE_PATH], text[64];
	int fd, n;

	restore_path(r->stage, AHEAD_RESTORED, path);
	n = snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 "\n",
	    r->b.created, r->o->now);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return restore_fail(r->why, path);
	own(r, fd);
	if (write(fd, text, (size_t)n) != n) {
		close(fd);
		return restore_fail(r->why, path);
	}
	close(fd);
	return 0;
}

static int
check_database(struct restore *r)
{
	char path[RESTORE_PATH];
	struct why why = {0};
	int schema = 0, rc;

	restore_path(r->stage, BACKUP_DB, path);
	rc = store_copy_check(path, &schema, &why);
	if (rc != 0)
		return why_set(r->why, rc, "%s/%s: %s", r->o->from, BACKUP_DB,
		    why.text);
	if (schema != r->b.schema)
		return why_set(r->why, ERR_CORRUPT, "%s says schema %d, %s has "
		    "%d", BACKUP_FILE, r->b.schema, BACKUP_DB, schema);
	if (schema < AUDIT_SCHEMA)
		return 0;
	rc = store_copy_audit(path, &r->b.audit, &r->audit_fault, &r->audit);
	return rc == 0 ? 0 : why_set(r->why, rc, "%s/%s: its audit log: %s",
	    r->o->from, BACKUP_DB, err_text(rc));
}

/* All of it is on the disk before it is given its name. */
static int
make_durable(const struct restore *r)
{
	int fd = open(r->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && syncfs(fd) == 0 ? 0 :
	    restore_fail(r->why, r->stage);

	if (fd >= 0)
		close(fd);
	return rc;
}

static int
check_room(const struct restore *r)
{
	uint64_t need = r->b.db.size + r->b.image_bytes, have;
	struct statvfs fs;

	if (statvfs(r->stage, &fs) != 0)
		return restore_fail(r->why, r->stage);
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	return need <= have ? 0 : why_set(r->why, ERR_NOSPACE, "the backup "
	    "takes %" PRIu64 " KiB, and %" PRIu64 " KiB are free at %s",
	    need >> 10, have >> 10, r->stage);
}

static int
stage(struct restore *r, struct slice text)
{
	int rc;

	rc = make_dir(r, "");
	if (rc == 0)
		rc = restore_stage(r);
	if (rc == 0)
		rc = check_room(r);
	if (rc == 0)
		rc = make_dir(r, BACKUP_IMAGES);
	if (rc == 0)
		rc = copy(r, BACKUP_DB, BACKUP_DB, 0600, &r->b.db);
	if (rc == 0)
		rc = check_database(r);
	if (rc == 0 && r->b.have_keys)
		rc = copy(r, BACKUP_KEYS, BACKUP_KEYS, 0600, &r->b.keys);
	if (rc == 0)
		rc = backup_read(text, &r->b, copy_image, r, r->why);
	if (rc == 0)
		rc = leave_word(r);
	return rc == 0 ? make_durable(r) : rc;
}

/* --- what is there --- */

static int
read_index(struct restore *r, struct slice *ret)
{
	char path[RESTORE_PATH];
	struct stat st;
	uint8_t *p;
	ssize_t n;
	int fd;

	restore_path(r->o->from, BACKUP_FILE, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return why_set(r->why, ERR_NOT_FOUND, "%s: there is none: no "
		    "backup, or one that was not ended", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		return restore_fail(r->why, path);
	if (!S_ISREG(st.st_mode) || st.st_size > LIMIT_BACKUP_FILE) {
		close(fd);
		return why_set(r->why, ERR_SIZE, "%s: no file, or over %d "
		    "bytes", path, LIMIT_BACKUP_FILE);
	}
	p = malloc((size_t)st.st_size + 1);
	n = p == NULL ? -1 : read(fd, p, (size_t)st.st_size);
	close(fd);
	if (n < 0) {
		free(p);
		return restore_fail(r->why, path);
	}
	*ret = slice_of(p, (size_t)n);
	return 0;
}

int
restore_backup(const struct restore_opts *o, struct restored *ret,
    struct why *why)
{
	static struct restore r;
	struct slice text = SLICE_NONE;
	int rc;

	r = (struct restore){.o = o, .why = why, .lock = -1,
	    .stage_lock = -1};
	rc = read_index(&r, &text);
	if (rc == 0)
		rc = backup_read(text, &r.b, NULL, NULL, why);
	if (rc == 0)
		rc = restore_look(&r);
	if (rc == 0)
		rc = stage(&r, text);
	if (rc == 0)
		rc = restore_swap(&r);
	if (rc != 0 && r.stage[0] != '\0')
		restore_remove(r.stage);
	if (rc == 0) {
		ret->b = r.b;
		ret->audit_fault = r.audit_fault;
		ret->audit = r.audit;
		strcpy(ret->aside, r.aside);
	}
	free((void *)text.p);
	if (r.lock >= 0)
		close(r.lock);
	if (r.stage_lock >= 0)
		close(r.stage_lock);
	return rc;
}

int
restore_run(const struct restore_opts *o)
{
	static struct restored r;
	struct why why = {0};
	char when[32] = "?";
	struct tm tm;
	time_t t;
	int rc = restore_backup(o, &r, &why);

	if (rc != 0) {
		fprintf(stderr, "suitd: nothing was restored: %s\n",
		    why.text[0] ? why.text : err_text(rc));
		return 1;
	}
	t = (time_t)(r.b.created / 1000);
	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s is what it was at %s UTC: database of %" PRIu64
	    " bytes, %" PRIu64 " images\n", o->state_dir, when, r.b.db.size,
	    r.b.images);
	if (r.aside[0] != '\0')
		printf("what was there is in %s\n", r.aside);
	puts(r.b.have_keys ? "operators' keys: those of the backup" :
	    "operators' keys: none in the backup; suitd makes a new one at "
	    "its next start");
	if (r.b.missing > 0)
		printf("%" PRIu64 " images were lost before the backup was "
		    "made: upload them again\n", r.b.missing);
	if (r.audit_fault != 0)
		printf("LOOK AT THE AUDIT LOG: %s. Somebody changed the "
		    "backup, or the log was changed before it was made\n",
		    r.audit.text);
	else if (r.b.audit.n > 0)
		printf("audit log: whole, and it reaches entry %" PRIu64 "\n",
		    r.b.audit.n);
	puts("devices that were updated since then are ahead once they say "
	    "so: suitctl status");
	return 0;
}
