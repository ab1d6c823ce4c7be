#include "lib/few.h"

#include <inttypes.h>
#include <stdio.h>

bool
few_may(struct few *f, int64_t now, char more[FEW_TEXT])
{
	int64_t wait;

	if (!pace_admit(&f->pace, FEW_MS, (FEW_LINES - 1) * FEW_MS, now,
	    &wait)) {
		f->unsaid++;
		return false;
	}
	more[0] = '\0';
	if (f->unsaid > 0)
		snprintf(more, FEW_TEXT, " (and %" PRIu64 " without a line)",
		    f->unsaid);
	f->unsaid = 0;
	return true;
}
