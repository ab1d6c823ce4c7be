/*
 * cmd_operator: a line for the daemon's admin.psk. It is printed and not
 * written, because that file is the daemon's and may be on another machine.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "cli/cmd.h"
#include "cli/render.h"
#include "lib/text.h"

#define OPERATOR_KEY 16

int
cmd_operator_new(struct cli *c, int argc, char **argv)
{
	const char *name = argc == 1 ? argv[0] : "";
	struct msg_psk m = {.key_len = OPERATOR_KEY};
	char hex[2 * OPERATOR_KEY + 1];

	if (!text_name_ok(slice_str(name), LIMIT_PSK_IDENTITY) ||
	    name[0] == '-')
		return cli_usage("operator new takes one NAME of 1 to %d "
		    "letters, digits and . _ : @ -", LIMIT_PSK_IDENTITY);
	if (getrandom(m.key, OPERATOR_KEY, 0) != OPERATOR_KEY)
		return cli_usage("no randomness: %s", strerror(errno));
	strcpy(m.identity, name);
	if (c->json)
		json_print(stdout, &msg_psk, &m);
	else
		printf("%s %s\n", name, text_hex(slice_of(m.key,
		    OPERATOR_KEY), hex, sizeof(hex)));
	explicit_bzero(&m, sizeof(m));
	explicit_bzero(hex, sizeof(hex));
	return CLI_OK;
}
