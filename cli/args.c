#include "cli/args.h"

#include <assert.h>

#include "cli/opts.h"
#include "lib/text.h"

#define OPTS_MAX 48

static int
keep(const struct cli_opt *o, const char *value)
{
	if (o->flag != NULL) {
		*o->flag = true;
	} else if (value[0] == '\0' && !o->empty) {
		opts_refuse_empty(o->name);
		return CLI_USAGE;
	} else if (o->value != NULL) {
		if (*o->value != NULL)
			return cli_usage("%s is there twice", o->name);
		*o->value = value;
	} else if (*o->count == o->cap) {
		return cli_usage("%s: more than %zu", o->name, o->cap);
	} else {
		o->list[(*o->count)++] = value;
	}
	return CLI_OK;
}

int
cli_opts(const struct cli_opt *o, int argc, char **argv, int min, int max)
{
	struct opt table[OPTS_MAX + 1] = {{NULL, false}};
	struct opts in = {.argc = argc, .argv = argv, .empty = true};
	int k, n = 0;

	for (size_t i = 0; o[i].name != NULL; i++) {
		assert(i < OPTS_MAX);
		table[i] = (struct opt){o[i].name, o[i].flag == NULL};
	}
	while ((k = opts_next(&in, table)) != OPT_END) {
		if (k == OPT_WORD)
			argv[n++] = argv[in.at - 1];
		else if (k == OPT_BAD || keep(&o[k], in.value) != CLI_OK)
			return -1;
	}
	argv[n] = NULL;
	if (n < min || n > max)
		return cli_usage("%s arguments; add --help for what this "
		    "takes", n < min ? "too few" : "too many"), -1;
	return n;
}

int
cli_number(const char *what, const char *text, uint64_t *ret)
{
	if (text_u64(slice_str(text), ret) == 0)
		return 0;
	return cli_usage("%s must be a number", what), -1;
}
