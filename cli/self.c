/* The sentences about suitctl itself. */
#include <string.h>

#include "cli/sentence.h"

static int
cmd_help(struct cli *c, int argc, char **argv)
{
	(void)c;
	if (argc == 0) {
		sentence_overview(stdout);
		return CLI_OK;
	}
	if (sentence_help(stdout, argc, argv))
		return CLI_OK;
	sentence_unknown(stderr, argc, argv);
	return CLI_USAGE;
}

static int
cmd_completion(struct cli *c, int argc, char **argv)
{
	(void)c;
	(void)argv;
	if (argc != 0)
		return cli_usage("completion bash takes no arguments");
	sentence_completion(stdout);
	return CLI_OK;
}

const struct cli_cmd cli_self[] = {
	{"help", "[WORDS...]", "explains the sentences that begin with WORDS",
	    cmd_help},
	{"completion bash", "", "prints what bash needs to complete sentences",
	    cmd_completion},
	{.words = NULL},
};
