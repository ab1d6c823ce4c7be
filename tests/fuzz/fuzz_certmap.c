/*
 * Certificates: a line of rules, then DER of a certificate. Whatever it says,
 * it yields an endpoint name or none, and the same one again; and its numbers
 * are in the form that revocations are kept in.
 */
#include <stdlib.h>

#include "lib/digest_ssl.h"
#include "lib/peercert.h"
#include "lib/text.h"
#include "tests/fuzz/fuzz.h"

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check_numbers(const struct peercert_id *id)
{
	char again[sizeof(id->serial)];

	require(peercert_serial(slice_str(id->serial), again) == 0 &&
	    strcmp(again, id->serial) == 0);
	require(strlen(id->issuer) <= LIMIT_CERT_ISSUER);
}

static void
check_endpoint(const struct certmap *m, const struct peercert *c)
{
	char ep[LIMIT_EP + 1] = "?", again[LIMIT_EP + 1];
	struct certmap one = {.n = 1};
	int rc = certmap_apply(m, c->name, c->name_n, ep, NULL);

	require(rc == 0 ? text_name_ok(slice_str(ep), LIMIT_EP) :
	    strcmp(ep, "?") == 0);
	if (rc != 0)
		return;
	/* the first rule that says anything says this */
	for (size_t i = 0; i < m->n; i++) {
		one.rule[0] = m->rule[i];
		rc = certmap_apply(&one, c->name, c->name_n, again, NULL);
		if (rc == ERR_NOT_FOUND)
			continue;
		require(rc == 0 && strcmp(ep, again) == 0);
		return;
	}
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *nl = n > 0 ? memchr(p, '\n', n) : NULL;
	struct certmap map;
	struct peercert c;
	X509 *x;

	if (nl == NULL || certmap_parse(slice_of(p, (size_t)(nl - p)), &map,
	    NULL) != 0)
		return 0;
	nl++;
	x = d2i_X509(NULL, &nl, (long)(n - (size_t)(nl - p)));
	ERR_clear_error();
	if (x != NULL && peercert_read(x, &c, NULL) == 0) {
		check_numbers(&c.id);
		check_endpoint(&map, &c);
	}
	X509_free(x);
	return 0;
}
