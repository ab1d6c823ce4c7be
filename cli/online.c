/* The sentences that speak with a daemon. */
#include <stddef.h>

#include "cli/cli.h"

const struct cli_cmd cli_online[] = {
	{.words = NULL},
};
