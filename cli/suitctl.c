/*
 * suitctl: global options, then one sentence. The long options may also
 * come later in the line, since people add `--json` at its end.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/sentence.h"

struct globals {
	bool help, version;
};

/* Takes a global option at argv[i]; how many words it used, -1 on error. */
static int
take_global(struct cli *c, struct globals *g, char **arg, bool leading)
{
	const struct {
		const char *name;
		const char **value; /* or */
		bool *flag;
		bool anywhere;
	} opt[] = {
		{"--json", NULL, &c->json, true},
		{"--admin", &c->admin, NULL, true},
		{"--psk-file", &c->psk_file, NULL, true},
		{"--as", &c->as, NULL, true},
		{"--help", NULL, &g->help, true},
		{"-h", NULL, &g->help, false},
		{"-d", &c->state_dir, NULL, false},
		{"--version", NULL, &g->version, false},
	};

	for (size_t i = 0; i < sizeof(opt) / sizeof(opt[0]); i++) {
		if (strcmp(arg[0], opt[i].name) != 0 ||
		    !(leading || opt[i].anywhere))
			continue;
		if (opt[i].flag != NULL) {
			*opt[i].flag = true;
			return 1;
		}
		if (arg[1] == NULL)
			return -1;
		*opt[i].value = arg[1];
		return 2;
	}
	return 0;
}

/* Moves what is not global to the front of argv; the new argc or -1. */
static int
take_globals(struct cli *c, struct globals *g, int argc, char **argv)
{
	int n = 0, used;

	for (int i = 0; i < argc; i += used) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[n++] = argv[i++];
			break;
		}
		used = take_global(c, g, &argv[i], n == 0);
		if (used < 0)
			return cli_usage("%s needs a value", argv[i]), -1;
		if (used == 0 && n == 0 && argv[i][0] == '-')
			return cli_usage("unknown option %s", argv[i]), -1;
		if (used == 0) {
			argv[n++] = argv[i];
			used = 1;
		}
	}
	argv[n] = NULL;
	return n;
}

int
main(int argc, char **argv)
{
	struct cli c = {.tty = isatty(STDOUT_FILENO)};
	struct globals g = {0};
	const struct cli_cmd *cmd;
	int words, rc;

	argv++;
	argc = take_globals(&c, &g, argc - 1, argv);
	if (argc < 0)
		return CLI_USAGE;
	if (g.version) {
		puts("suitctl " SUITD_VERSION);
		return CLI_OK;
	}
	if (argc == 0) {
		sentence_overview(g.help ? stdout : stderr);
		return g.help ? CLI_OK : CLI_USAGE;
	}
	cmd = sentence_find(argc, argv, &words);
	if (g.help && sentence_help(stdout, cmd ? words : argc, argv))
		return CLI_OK;
	if (cmd == NULL) {
		sentence_unknown(stderr, argc, argv);
		return CLI_USAGE;
	}
	rc = cmd->fn(&c, argc - words, argv + words);
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_usage("cannot write to standard output"),
		    CLI_REFUSED;
	return rc;
}
