/*
 * publish: the gate. What passes here reaches devices, so everything that
 * can be known to fail on them is refused here, with its reason.
 */
#ifndef SUITD_DAEMON_PUBLISH_H
#define SUITD_DAEMON_PUBLISH_H

#include "daemon/suitd.h"

/* A sequence further above the current one than sequence_step needs `force`: a
 * number typed with a digit too many would lock the class for ever. With a
 * trust list `force` does not help, a floor of the list does; of a class
 * without release and floor the first one may be up to this, so that seconds
 * since 1970 can be counted in. */
#define PUBLISH_SEQ_FIRST UINT32_MAX
#define PUBLISH_NOTES 8

struct publish_opts {
	bool force; /* allow a large step of the sequence number; no use with
	               a trust list */
	bool dry_run; /* all checks, nothing stored */
	bool staged; /* not offered to whoever asks, only by campaigns */
	bool before_upload; /* with dry_run: images may still be missing */
	const char *by; /* who asked, for the log; NULL: nobody known */
	const struct scope *scope; /* of who asked; NULL: any class */
};

struct publish_result {
	struct store_release release;
	bool exists; /* it was published before */
	uint8_t kid[8]; /* of the author's key; zeros: not signed */
	size_t payload_count;
	struct store_payload payload[LIMIT_DOWNLOADS];
	size_t note_count;
	char note[PUBLISH_NOTES][160]; /* warnings, what was not checked */
};

/*
 * All checks in order, then stored, in a pair of its own:
 *
 *   size, form (manifest_parse), signature by an author's key and digest
 *   (manifest_verify), the walk, a class is named, the author's right to
 *   each class, or all that the trust list says (trusted.h: then no other
 *   author counts), sequence above each class's current and not suspiciously
 *   far, each download: integrated ones against their digest; those on this
 *   host must be uploaded, of the right size, on a path that is free;
 *   those elsewhere and encrypted ones are noted as not checked.
 *
 * On this host are: relative references; coap and coaps URIs whose host is
 * public_uri's or a listener's; and any coap URI whose digest was uploaded.
 *
 * ERR_EXISTS: published already (ret->release is that one then).
 */
int publish_envelope(struct app *app, struct slice envelope,
    const struct publish_opts *o, struct publish_result *ret, struct why *why)
    MUST_USE;
/* A staged release becomes what its classes are offered, in a pair of its
 * own. */
int publish_offer(struct app *app, uint64_t release, struct why *why)
    MUST_USE;
/*
 * No longer offered; live jobs for it are cancelled, the release before it
 * is the class's current again. Images that another live release names are
 * still served.
 */
int publish_withdraw(struct app *app, uint64_t release, struct why *why)
    MUST_USE;

/* Every way in which a device may have written the class it observes. */
void publish_paths(struct app *app, const uint8_t class_id[16],
    void (*fn)(struct app *app, const char *path));

#endif
