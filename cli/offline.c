/* The sentences that need no daemon: key, manifest. */
#include <stddef.h>

#include "cli/cli.h"

const struct cli_cmd cli_offline[] = {
	{.words = NULL},
};
