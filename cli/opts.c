#include "cli/opts.h"

#include "lib/text.h"

static int
take(const struct cli_opt *o, char **argv)
{
	if (o->flag != NULL) {
		*o->flag = true;
		return 1;
	}
	if (argv[1] == NULL)
		return cli_usage("%s needs a value", o->name), -1;
	if (o->value != NULL) {
		if (*o->value != NULL)
			return cli_usage("%s is there twice", o->name), -1;
		*o->value = argv[1];
		return 2;
	}
	if (*o->count == o->cap)
		return cli_usage("%s: more than %zu", o->name, o->cap), -1;
	o->list[(*o->count)++] = argv[1];
	return 2;
}

int
cli_opts(const struct cli_opt *o, int argc, char **argv, int min, int max)
{
	const struct cli_opt *k;
	bool words = false;
	int n = 0, used;

	for (int i = 0; i < argc; i += used) {
		used = 1;
		if (!words && strcmp(argv[i], "--") == 0) {
			words = true;
			continue;
		}
		if (words || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[n++] = argv[i];
			continue;
		}
		for (k = o; k->name != NULL && strcmp(k->name, argv[i]) != 0;)
			k++;
		if (k->name == NULL)
			return cli_usage("unknown option %s", argv[i]), -1;
		used = take(k, &argv[i]);
		if (used < 0)
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
