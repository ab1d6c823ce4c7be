#include "cli/sentence.h"

#include <string.h>

#include "cli/want.h"
#include "lib/near.h"
#include "lib/text.h"

const struct cli_cmd *const cli_tables[] = {cli_offline, cli_online, cli_self,
    NULL};

#define SUGGEST_MAX 24

#define FOREACH_CMD(cmd) \
	for (const struct cli_cmd *const *t_ = cli_tables; *t_ != NULL; t_++) \
		for (const struct cli_cmd *cmd = *t_; cmd->words != NULL; \
		    cmd++)

/* Words of `s` that argv begins with; -1 when one differs. */
static int
match(const char *s, int argc, char *const *argv)
{
	size_t len;
	int n;

	for (n = 0; *s != '\0'; n++) {
		len = strcspn(s, " ");
		if (n == argc || strlen(argv[n]) != len ||
		    strncmp(s, argv[n], len) != 0)
			return -1;
		s += len;
		s += strspn(s, " ");
	}
	return n;
}

const struct cli_cmd *
sentence_find(int argc, char *const *argv, int *ret_words)
{
	const struct cli_cmd *best = NULL;
	int n, best_n = 0;

	FOREACH_CMD(cmd) {
		n = match(cmd->words, argc, argv);
		if (n > best_n) {
			best = cmd;
			best_n = n;
		}
	}
	if (best != NULL && ret_words != NULL)
		*ret_words = best_n;
	return best;
}

bool
sentence_begins(const struct cli_cmd *cmd, int argc, char *const *argv)
{
	const char *s = cmd->words;
	size_t len;

	for (int i = 0; i < argc; i++) {
		len = strcspn(s, " ");
		if (len == 0 || strlen(argv[i]) != len ||
		    strncmp(s, argv[i], len) != 0)
			return false;
		s += len;
		s += strspn(s, " ");
	}
	return true;
}

/* As many words of argv as the sentence has, in one string. */
static void
join(const char *words, int argc, char *const *argv, char dst[NEAR_MAX + 1])
{
	size_t n = 0, len;
	int spaces = 1;

	for (const char *s = words; *s != '\0'; s++)
		spaces += *s == ' ';
	dst[0] = '\0';
	for (int i = 0; i < argc && i < spaces; i++) {
		len = strlen(argv[i]);
		if (n + len + 2 > NEAR_MAX)
			return;
		if (n > 0)
			dst[n++] = ' ';
		memcpy(dst + n, argv[i], len + 1);
		n += len;
	}
}

/* What is asked of the daemon's own program, of systemd, of HTTP. */
static const char *
elsewhere(const char *word)
{
	static const struct {
		const char *word, *where;
	} t[] = {
		{"restore", "suitd --restore BACKUP, while no suitd runs"},
		{"fsck", "suitd --fsck, while no suitd runs"},
		{"check", "suitd -n -c FILE"},
		{"reload", "systemctl reload suitd, or the signal SIGHUP"},
		{"stop", "systemctl stop suitd, or the signal SIGTERM"},
		{"metrics", "http://127.0.0.1:9683/metrics, see listen_http "
		    "in suitd.conf(5)"},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (strcmp(word, t[i].word) == 0)
			return t[i].where;
	return NULL;
}

static bool
is_near(const struct cli_cmd *cmd, int argc, char *const *argv)
{
	char said[NEAR_MAX + 1];

	join(cmd->words, argc, argv, said);
	return near_match(said, cmd->words);
}

static bool
begins_alike(const struct cli_cmd *cmd, int argc, char *const *argv)
{
	return argc > 0 && sentence_begins(cmd, 1, argv);
}

/* Those that fit; too many are no help. */
static int
suggest(FILE *out, int argc, char *const *argv,
    bool (*fits)(const struct cli_cmd *, int, char *const *))
{
	int found = 0;

	FOREACH_CMD(cmd) {
		if (found == SUGGEST_MAX || !fits(cmd, argc, argv))
			continue;
		if (found++ == 0)
			fputs("Did you mean:\n", out);
		fprintf(out, "  suitctl %s %s\n", cmd->words, cmd->args);
	}
	return found;
}

void
sentence_unknown(FILE *out, int argc, char *const *argv)
{
	char shown[256];
	int found;

	text_escape(slice_str(argc > 0 ? argv[0] : ""), shown, sizeof(shown));
	fprintf(out, "suitctl: unknown: %s", shown);
	if (argc > 1) {
		text_escape(slice_str(argv[1]), shown, sizeof(shown));
		fprintf(out, " %s", shown);
	}
	fputc('\n', out);
	found = suggest(out, argc, argv, is_near);
	if (found == 0)
		found = suggest(out, argc, argv, begins_alike);
	if (found == 0 && argc > 0 && elsewhere(argv[0]) != NULL)
		fprintf(out, "That is: %s\n", elsewhere(argv[0]));
	fputs("`suitctl help` lists everything.\n", out);
}

bool
sentence_help(FILE *out, int argc, char *const *argv)
{
	bool rules = false;
	int found = 0;

	FOREACH_CMD(cmd) {
		if (!sentence_begins(cmd, argc, argv))
			continue;
		found++;
		fprintf(out, "suitctl %s%s%s\n    %s\n", cmd->words,
		    cmd->args[0] != '\0' ? " " : "", cmd->args, cmd->help);
		rules |= strstr(cmd->args, WANT_RULES) != NULL;
	}
	if (rules)
		want_help(out);
	return found > 0;
}

void
sentence_overview(FILE *out)
{
	fputs("usage: suitctl [--json] [--admin URI] [-d DIR] "
	    "[--psk-file FILE] [--as NAME]\n"
	    "               SENTENCE...\n"
	    "       suitctl --version | --help\n\n", out);
	FOREACH_CMD(cmd)
		fprintf(out, "  %-22s %s\n", cmd->words, cmd->help);
	fputs("\n`suitctl help WORDS` shows the arguments.\n", out);
}

/* Every option that a row speaks of. */
static void
put_options(FILE *out, const char *args)
{
	size_t n;

	for (const char *p = args; (p = strstr(p, "--")) != NULL; p += n) {
		n = 2 + strspn(p + 2, "abcdefghijklmnopqrstuvwxyz-");
		fprintf(out, " %.*s", (int)n, p);
	}
	if (strstr(args, WANT_RULES) == NULL)
		return;
	for (const struct want_rule *r = want_rules; r->name != NULL; r++)
		fprintf(out, " %s", r->name);
	fputs(" --policy", out);
}

void
sentence_completion(FILE *out)
{
	fputs("# bash completion of suitctl: . <(suitctl completion bash)\n"
	    "_suitctl() {\n"
	    "\tlocal said=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" cur s w o opts\n"
	    "\tcur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
	    "\tlocal -a next=()\n"
	    "\t[ -n \"$said\" ] && said=\"$said \"\n"
	    "\twhile IFS='|' read -r s o; do\n"
	    "\t\tcase \"$s \" in \"$said\"*)\n"
	    "\t\t\tw=\"${s:${#said}}\"; next+=(\"${w%% *}\");;\n"
	    "\t\tesac\n"
	    "\t\tcase \"$said\" in \"$s \"*) opts=$o;; esac\n"
	    "\tdone <<'END'\n", out);
	FOREACH_CMD(cmd) {
		fprintf(out, "%s|", cmd->words);
		put_options(out, cmd->args);
		fputc('\n', out);
	}
	fputs("END\n"
	    "\tcase \"$cur\" in -*) next+=($opts);; esac\n"
	    "\tCOMPREPLY=($(compgen -W \"${next[*]}\" -- \"$cur\"))\n"
	    "\t[ ${#COMPREPLY[@]} -gt 0 ] || "
	    "COMPREPLY=($(compgen -f -- \"$cur\"))\n"
	    "}\n"
	    "complete -o filenames -F _suitctl suitctl\n", out);
}
