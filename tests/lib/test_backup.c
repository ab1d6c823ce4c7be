/* backup.json: what is written is read, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "lib/backup.h"

#define OK(x) assert_int_equal((x), 0)
#define FAILS(x, err) assert_int_equal((x), (err))

static char room[LIMIT_BACKUP_FILE + 2];

static struct backup
some(void)
{
	struct backup b = {.version = "1.2.3", .schema = 4,
	    .created = 1790000000123, .missing = 2, .have_keys = true};

	memset(b.db.digest, 0xab, 32);
	b.db.size = 987654321;
	memset(b.keys.digest, 0xcd, 32);
	b.keys.size = 77;
	b.audit.n = INT64_MAX;
	memset(b.audit.hash, 0xef, AUDIT_HASH);
	return b;
}

/* `n` images, the digest of each is its number. */
static struct slice
text_of(const struct backup *b, uint32_t n)
{
	struct buf out = buf_of(room, sizeof(room));
	struct backup_file f = {.size = 5};
	size_t was;

	backup_put_begin(b, &out);
	assert_true(out.n <= BACKUP_PIECE);
	for (uint32_t i = 0; i < n; i++) {
		f.digest[0] = (uint8_t)(i >> 16);
		f.digest[1] = (uint8_t)(i >> 8);
		f.digest[2] = (uint8_t)i;
		was = out.n;
		backup_put_image(&f, i == 0, &out);
		assert_true(out.n - was <= BACKUP_PIECE);
	}
	backup_put_end(&out);
	assert_false(out.over);
	return buf_slice(&out);
}

static int
count(void *arg, const struct backup_file *f)
{
	assert_true(f->size == 5);
	++*(uint32_t *)arg;
	return 0;
}

static void
what_was_written_is_read(void **state)
{
	struct backup b = some(), r;
	struct why why;
	uint32_t n = 0;

	(void)state;
	OK(backup_read(text_of(&b, 3), &r, count, &n, &why));
	assert_int_equal(n, 3);
	assert_string_equal(r.version, "1.2.3");
	assert_true(r.schema == 4 && r.created == b.created && r.missing == 2);
	assert_memory_equal(&r.db, &b.db, sizeof(r.db));
	assert_true(r.have_keys);
	assert_memory_equal(&r.keys, &b.keys, sizeof(r.keys));
	assert_true(r.images == 3 && r.image_bytes == 15);
	assert_true(r.audit.n == INT64_MAX);
	assert_memory_equal(r.audit.hash, b.audit.hash, AUDIT_HASH);
	b.audit.n = 0; /* of a suitd that had no audit log */
	OK(backup_read(text_of(&b, 0), &r, count, &n, &why));
	assert_true(r.audit.n == 0);
	b.have_keys = false;
	OK(backup_read(text_of(&b, 0), &r, count, &n, &why));
	assert_true(!r.have_keys && r.images == 0);
}

static int
stop(void *arg, const struct backup_file *f)
{
	(void)f;
	return ++*(int *)arg == 2 ? ERR_CANCELLED : 0;
}

static void
who_is_told_of_images_can_end_it(void **state)
{
	struct backup b = some(), r;
	struct why why;
	int n = 0;

	(void)state;
	FAILS(backup_read(text_of(&b, 5), &r, stop, &n, &why), ERR_CANCELLED);
	assert_int_equal(n, 2);
}

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D65 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DB "\"database\":{\"sha256\":\"" D64 "\",\"size\":1}"
#define HEAD "{\"format\":1,\"suitd\":\"1\",\"schema\":1,\"created\":1," \
	"\"missing\":0," DB
#define IMG(d, n) "{\"sha256\":\"" d "\",\"size\":" n "}"

static void
what_is_not_a_backup_is_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} c[] = {
		{HEAD ",\"images\":[]}", 0},
		{HEAD ",\"images\":[" IMG(D64, "1") "," IMG(D65, "1") "]}", 0},
		{"", ERR_MALFORMED},
		{"{", ERR_MALFORMED},
		{"[]", ERR_TYPE},
		{"{}", ERR_MISSING},
		{"{\"format\":2}", ERR_UNSUPPORTED},
		{"{\"format\":1,\"format\":1}", ERR_MALFORMED},
		{HEAD "}", ERR_MISSING},
		{HEAD ",\"images\":{}}", ERR_TYPE},
		{HEAD ",\"images\":[7]}", ERR_MISSING},
		{HEAD ",\"images\":[" IMG(D64, "0") "]}", ERR_RANGE},
		{HEAD ",\"images\":[" IMG(D64, "-1") "]}", ERR_RANGE},
		{HEAD ",\"images\":[" IMG(D64, "67108864") "]}", 0},
		{HEAD ",\"images\":[" IMG(D64, "67108865") "]}", ERR_RANGE},
		{HEAD ",\"images\":[" IMG("abcd", "1") "]}", ERR_MALFORMED},
		{HEAD ",\"images\":[" IMG("0123456789abcdef0123456789ab"
		    "cdef0123456789abcdef0123456789abcd  ", "1") "]}",
		    ERR_MALFORMED},
		{HEAD ",\"images\":[" IMG("../../etc/passwd", "1") "]}",
		    ERR_MALFORMED},
		{HEAD ",\"images\":[" IMG(D64, "1") "," IMG(D64, "1") "]}",
		    ERR_ORDER},
		{HEAD ",\"images\":[" IMG(D65, "1") "," IMG(D64, "1") "]}",
		    ERR_ORDER},
		{HEAD ",\"audit\":\"7:" D64 "\",\"images\":[]}", 0},
		{HEAD ",\"audit\":\"7:" D64 "0\",\"images\":[]}",
		    ERR_MALFORMED},
		{HEAD ",\"audit\":\"x:" D64 "\",\"images\":[]}",
		    ERR_MALFORMED},
		{HEAD ",\"audit\":7,\"images\":[]}", ERR_MALFORMED},
		{HEAD ",\"operators\":3,\"images\":[]}", ERR_MISSING},
		{HEAD ",\"operators\":" IMG(D64, "16384") ",\"images\":[]}",
		    0},
		{HEAD ",\"operators\":" IMG(D64, "16385") ",\"images\":[]}",
		    ERR_RANGE},
		{"{\"format\":1,\"suitd\":\"1\",\"schema\":0,\"created\":1,"
		    "\"missing\":0," DB ",\"images\":[]}", ERR_RANGE},
		{"{\"format\":1,\"suitd\":1,\"schema\":1,\"created\":1,"
		    "\"missing\":0," DB ",\"images\":[]}", ERR_TYPE},
	};
	struct backup r;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		if (backup_read(slice_str(c[i].text), &r, NULL, NULL, &why) !=
		    c[i].err)
			fail_msg("%s: %s", c[i].text, why.text);
}

static void
a_file_and_its_images_have_a_cap(void **state)
{
	struct backup b = some(), r;
	struct slice text = text_of(&b, LIMIT_BACKUP_IMAGES);
	struct why why;

	(void)state;
	OK(backup_read(text, &r, NULL, NULL, &why));
	text = text_of(&b, LIMIT_BACKUP_IMAGES + 1);
	FAILS(backup_read(text, &r, NULL, NULL, &why), ERR_LIMIT);
	text = text_of(&b, 1);
	memset(room + text.n, ' ', sizeof(room) - text.n);
	text.n = LIMIT_BACKUP_FILE;
	OK(backup_read(text, &r, NULL, NULL, &why));
	text.n++;
	FAILS(backup_read(text, &r, NULL, NULL, &why), ERR_SIZE);
}

static void
an_image_lies_where_its_digest_says(void **state)
{
	uint8_t digest[32] = {0x01, 0xff};
	char path[BACKUP_IMAGE_PATH];

	(void)state;
	backup_image_path(digest, path);
	assert_string_equal(path, "images/01ff" "00000000000000000000"
	    "0000000000000000000000000000000000000000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(who_is_told_of_images_can_end_it),
		cmocka_unit_test(what_is_not_a_backup_is_refused),
		cmocka_unit_test(a_file_and_its_images_have_a_cap),
		cmocka_unit_test(an_image_lies_where_its_digest_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
