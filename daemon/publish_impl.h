/* publish_impl: what publish.c and publish_payload.c share. */
#ifndef SUITD_DAEMON_PUBLISH_IMPL_H
#define SUITD_DAEMON_PUBLISH_IMPL_H

#include "daemon/publish.h"
#include "lib/manifest.h"

struct publish {
	struct app *app;
	const struct publish_opts *opts;
	struct manifest m;
	struct manifest_plan plan;
	struct manifest_proof proof;
	struct store_author author;
	struct publish_result r;
	struct why *why;
};

void publish_note(struct publish *p, const char *fmt, ...) PRINTF(2, 3);
/* Every download of the plan: checked, noted, or refused. */
int publish_payloads(struct publish *p) MUST_USE;

#endif
