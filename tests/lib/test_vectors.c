/*
 * Every row of expected.tsv in $SUIT_VECTORS (default ../shared/vectors)
 * gets its verdict. The collection is not part of this repository: without
 * it the test is skipped, and says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/manifest.h"
#include "lib/text.h"

enum column { C_FILE, C_VERDICT, C_SEQ, C_COMP, C_SIZES, C_URIS, C_AUTH,
	C_WHY, COLUMNS };

static const char *folder;
static struct cose_keyring ring;
static unsigned failures;

static const char *
vectors(void)
{
	const char *dir = getenv("SUIT_VECTORS");

	return dir != NULL && dir[0] != '\0' ? dir : "../shared/vectors";
}

static struct slice
read_file(const char *name, uint8_t *dst, size_t cap)
{
	char path[1024];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "rb")) == NULL)
		return SLICE_NONE;
	n = fread(dst, 1, cap, f);
	fclose(f);
	return slice_of(dst, n);
}

static void
add_key(struct cose_key *key)
{
	assert_true(ring.n < LIMIT_KEYRING);
	ring.key[ring.n++] = key;
}

/* All of the published keys are trusted. */
static void
load_keys(void)
{
	static uint8_t file[4096];
	uint8_t hmac[32];
	char path[1024];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/keys", folder);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		struct cose_key *key;
		struct why why;
		char name[300];

		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "keys/%s", e->d_name);
		if (cose_key_parse(read_file(name, file, sizeof(file)), &key,
		    &why) == 0)
			add_key(key);
		else
			printf("key %s: %s\n", name, why.text);
	}
	closedir(d);
	memset(hmac, 0x61, sizeof(hmac));
	struct cose_key *key;
	assert_int_equal(cose_key_hmac(slice_of(hmac, 32), &key), 0);
	add_key(key);
}

static void
mismatch(char **col, const char *what, const char *got)
{
	printf("  FAIL %s: %s: expected '%s', got '%s'\n", col[C_FILE], what,
	    col[C_VERDICT], got);
	failures++;
}

static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p++)
		if ((p == list || p[-1] == ' ') &&
		    (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

/* Distinct words: an image size may stand there once per component. */
static size_t
count_words(const char *list)
{
	size_t n = 0;
	char word[512];

	if (strcmp(list, "-") == 0)
		return 0;
	for (const char *p = list; *p != '\0'; p += *p == ' ') {
		size_t len = strcspn(p, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, p);
		p += len;
		n += !has_word(p + (*p == ' '), word);
	}
	return n;
}

/*
 * SUIT 8.5: a severable member that is there is executed. The column of URIs
 * lists what the manifest itself names, without its severable members.
 */
static bool
has_member(const struct manifest *m)
{
	for (int i = 0; i < MANIFEST_SECTIONS; i++)
		if (i != MANIFEST_TEXT && i != MANIFEST_COSWID &&
		    m->part[i].digest.p != NULL && !m->part[i].severed)
			return true;
	return false;
}

static void
check_content(char **col, const struct manifest *m,
    const struct manifest_plan *plan)
{
	char got[4096] = "", word[512];
	bool ok;

	snprintf(word, sizeof(word), "%llu", (unsigned long long)m->sequence);
	if (strcmp(col[C_SEQ], word) != 0)
		mismatch(col, "sequence", word);
	for (size_t i = 0; i < m->component_count; i++) {
		manifest_component_name(m->component[i], word, sizeof(word));
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
		    i > 0 ? " " : "", word);
	}
	if (strcmp(col[C_COMP], m->component_count > 0 ? got : "-") != 0)
		mismatch(col, "components", got);
	ok = plan->size_count == count_words(col[C_SIZES]);
	for (size_t i = 0; i < plan->size_count; i++) {
		snprintf(word, sizeof(word), "%llu",
		    (unsigned long long)plan->size[i]);
		ok = ok && has_word(col[C_SIZES], word);
	}
	if (!ok)
		mismatch(col, "image sizes", col[C_SIZES]);
	if (has_member(m))
		return;
	ok = plan->uri_count == count_words(col[C_URIS]);
	for (size_t i = 0; i < plan->uri_count; i++) {
		text_escape(plan->uri[i], word, sizeof(word));
		ok = ok && has_word(col[C_URIS], word);
	}
	if (!ok)
		mismatch(col, "URIs", col[C_URIS]);
}

static void
check_row(char **col)
{
	static uint8_t text[200000], bytes[100000];
	static struct manifest_plan plan;
	struct manifest m;
	struct manifest_proof proof = {0};
	struct why why = {0};
	struct buf b = buf_of(bytes, sizeof(bytes));
	const char *verdict = col[C_VERDICT];
	bool accepted;
	int rc, payload = 0;

	assert_int_equal(text_unhex(read_file(col[C_FILE], text, sizeof(text)),
	    &b), 0);
	if ((rc = manifest_parse(buf_slice(&b), &m, &why)) == 0 &&
	    (rc = manifest_verify(&m, &ring, &proof, &why)) == 0 &&
	    (rc = manifest_walk(&m, &plan, &why)) == 0)
		payload = manifest_check_integrated(&m, &plan, &why);
	accepted = rc == 0 && payload == 0;
	if (strcmp(verdict, "accept") == 0 && !accepted)
		mismatch(col, "verdict", why.text);
	else if (strcmp(verdict, "warn") == 0 &&
	    (!accepted || proof.warnings == 0 || proof.warning[0] == '\0'))
		mismatch(col, "verdict", why.text);
	else if (strcmp(verdict, "reject") == 0 && rc == 0)
		mismatch(col, "verdict", "accepted");
	else if (strcmp(verdict, "reject-unsigned") == 0 && rc != ERR_UNSIGNED)
		mismatch(col, "verdict", why.text);
	else if (strcmp(verdict, "accept-manifest-refuse-payload") == 0 &&
	    (rc != 0 || payload == 0))
		mismatch(col, "verdict", why.text);
	if (rc != 0 && (why.err != rc || why.text[0] == '\0'))
		mismatch(col, "reason", why.text);
	if (rc == 0)
		check_content(col, &m, &plan);
	if (getenv("V") != NULL)
		printf("%-48s %s%s\n", col[C_FILE], accepted ? "ok " : why.text,
		    proof.warning);
}

static void
every_row_gets_its_verdict(void **state)
{
	static uint8_t table[200000];
	char *line, *save = NULL;
	unsigned rows = 0;
	struct slice s;

	(void)state;
	folder = vectors();
	s = read_file("expected.tsv", table, sizeof(table) - 1);
	if (s.p == NULL) {
		print_message("SKIPPED: no expected.tsv in %s; set "
		    "SUIT_VECTORS to the folder of the SUIT vectors\n",
		    folder);
		skip();
	}
	table[s.n] = '\0';
	load_keys();
	line = strtok_r((char *)table, "\n", &save); /* the heading */
	while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
		char *col[COLUMNS] = {NULL};

		for (int i = 0; i < COLUMNS; i++)
			col[i] = strsep(&line, "\t");
		assert_non_null(col[C_URIS]);
		check_row(col);
		rows++;
	}
	printf("vectors: %u rows, %u differ\n", rows, failures);
	assert_int_equal(failures, 0);
	assert_true(rows > 100);
	while (ring.n > 0)
		cose_key_free((struct cose_key *)ring.key[--ring.n]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_gets_its_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
