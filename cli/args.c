#include "cli/args.h"

#include "lib/text.h"

/* "--name value" or "--name=value"; the number of words it took, or -1. */
static int
take(const struct cli_opt *o, char **argv)
{
	const char *eq = strchr(argv[0], '=');
	const char *value = eq != NULL ? eq + 1 : argv[1];

	if (o->flag != NULL) {
		if (eq != NULL)
			return cli_usage("%s takes no value", o->name), -1;
		*o->flag = true;
		return 1;
	}
	if (value == NULL)
		return cli_usage("%s needs a value", o->name), -1;
	if (o->value != NULL) {
		if (*o->value != NULL)
			return cli_usage("%s is there twice", o->name), -1;
		*o->value = value;
	} else if (*o->count == o->cap) {
		return cli_usage("%s: more than %zu", o->name, o->cap), -1;
	} else {
		o->list[(*o->count)++] = value;
	}
	return eq != NULL ? 1 : 2;
}

static const struct cli_opt *
find(const struct cli_opt *o, const char *arg)
{
	size_t n = strcspn(arg, "=");

	for (; o->name != NULL; o++)
		if (strlen(o->name) == n && strncmp(o->name, arg, n) == 0)
			return o;
	return NULL;
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
		k = find(o, argv[i]);
		if (k == NULL)
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
