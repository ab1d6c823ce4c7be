#include "daemon/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/coap_can.h"

static void
usage(void)
{
	fputs("usage: suitd [-nv] [-c FILE] [-d DIR] [-o KEY=VALUE]...\n"
	    "       suitd --fsck [--repair] [--audit-head N:HASH] [-c FILE] [-d DIR]\n"
	    "       suitd --restore BACKUP [--force] [-c FILE] [-d DIR]\n"
	    "  -c, --config FILE   configuration; without it, safe defaults\n"
	    "  -d, --dir DIR       state directory (default /var/lib/suitd; "
	    "for users other\n                      than root ./suitd-state)\n"
	    "  -o KEY=VALUE        a configuration key, over the file's\n"
	    "  -n, --check         look at all that could stop it, and say so\n"
	    "      --fsck          check the state directory and stop; 0: all "
	    "is well\n"
	    "      --repair        with --fsck: repair what is safe to "
	    "repair\n"
	    "      --audit-head N:HASH  with --fsck: this was an end of the "
	    "audit log\n"
	    "  -v, --verbose       log more\n"
	    "      --restore BACKUP  makes the state directory of a folder of "
	    "suitctl backup\n"
	    "      --force         with it: moves aside what is there\n"
	    "      --version       print the version\n"
	    "  -h, --help          print this\n", stdout);
}

static void
print_version(void)
{
	char library[64], can[COAP_CAN_TEXT];

	coap_can_library(library, sizeof(library));
	coap_can_describe(can);
	printf("suitd " SUITD_VERSION "\n%s: %s\n", library, can);
}

static int PRINTF(1, 2)
wrong(const char *fmt, ...)
{
	va_list ap;

	fputs("suitd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; --help has the options\n", stderr);
	return 2;
}

/* 0, or the exit code. */
static int
add_setting(struct conf_source *s, const char *setting)
{
	if (s->settings == CONF_SETTINGS)
		return wrong("%s", "too many -o: put them into a file (-c)");
	s->setting[s->settings++] = setting;
	return 0;
}

static int
read_head(const char *text, struct audit_head *ret)
{
	if (audit_head_parse(slice_str(text), ret) != 0 || ret->n == 0)
		return wrong("%s is as `suitctl audit head` prints it",
		    "--audit-head");
	return 0;
}

/* `rest`: what is no option, or NULL. */
static int
fit_together(const struct options *o, const char *rest)
{
	if (rest != NULL)
		return wrong("\"%s\": every argument belongs to an option",
		    rest);
	if (o->repair && !o->fsck)
		return wrong("%s goes with --fsck", "--repair");
	if (o->audit_head.n != 0 && !o->fsck)
		return wrong("%s goes with --fsck", "--audit-head");
	if (o->force && o->restore == NULL)
		return wrong("%s goes with --restore", "--force");
	if (o->check + o->fsck + (o->restore != NULL) > 1)
		return wrong("%s", "one of --check, --fsck and --restore");
	return -1;
}

static const struct option longs[] = {
	{"config", required_argument, NULL, 'c'},
	{"dir", required_argument, NULL, 'd'},
	{"check", no_argument, NULL, 'n'},
	{"fsck", no_argument, NULL, 'F'},
	{"repair", no_argument, NULL, 'R'},
	{"audit-head", required_argument, NULL, 'A'},
	{"verbose", no_argument, NULL, 'v'},
	{"restore", required_argument, NULL, 'B'},
	{"force", no_argument, NULL, 'O'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

int
options_read(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:d:o:nvh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->source.file = optarg;
			break;
		case 'd':
			o->source.dir = optarg;
			break;
		case 'o':
			if (add_setting(&o->source, optarg) != 0)
				return 2;
			break;
		case 'n':
			o->check = true;
			break;
		case 'F':
			o->fsck = true;
			break;
		case 'R':
			o->repair = true;
			break;
		case 'A':
			if (read_head(optarg, &o->audit_head) != 0)
				return 2;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'B':
			o->restore = optarg;
			break;
		case 'O':
			o->force = true;
			break;
		case 'V':
			print_version();
			return 0;
		case 'h':
			usage();
			return 0;
		default: /* getopt has said what it is */
			fputs("suitd: --help has the options\n", stderr);
			return 2;
		}
	}
	return fit_together(o, argv[optind]);
}
