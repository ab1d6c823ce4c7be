/*
 * Envelopes: read, walk and lint never fault, and what is read can be cut
 * (manifest_sever) and is then read to the same sequence of downloads.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/manifest.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t out[LIMIT_ENVELOPE + 64];
	static struct manifest a, b;
	static struct manifest_plan plan, again;
	static struct manifest_finding found[16];
	struct cose_keyring none = {.n = 0};
	struct manifest_proof proof;
	struct why why;
	struct buf w = buf_of(out, sizeof(out));
	char name[32];
	int rc;

	if (manifest_parse(slice_of(p, n), &a, &why) != 0)
		return 0;
	if (manifest_verify(&a, &none, &proof, &why) == 0)
		abort(); /* with no trusted key at all */
	rc = manifest_walk(&a, &plan, &why);
	for (size_t i = 0; i < a.component_count; i++)
		manifest_component_name(a.component[i], name, sizeof(name));
	if (rc == 0) {
		(void)!manifest_check_integrated(&a, &plan, &why);
		manifest_lint(&a, &plan, MANIFEST_DEVICE_RIOT,
		    slice_of(p, n), found, 16);
	}
	(void)manifest_component_text(&a, MANIFEST_TEXT_VERSION);
	if (manifest_sever(&a, &w) != 0 ||
	    manifest_parse(buf_slice(&w), &b, &why) != 0)
		abort();
	if (a.sequence != b.sequence || a.dialect != b.dialect ||
	    !slice_eq(a.manifest_raw, b.manifest_raw))
		abort();
	/* RIOT's cut may take command sequences away with their members */
	if (rc == 0 && a.dialect != MANIFEST_RIOT09 &&
	    (manifest_walk(&b, &again, &why) != 0 || again.n != plan.n))
		abort();
	return 0;
}
