#include "tests/bench/gen_args.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/text.h"

enum kind { K_TEXT, K_WHOLE, K_REAL, K_FLAG, K_HEX, K_BODY, K_CODE, K_HELP };

#define AT(member) offsetof(struct gen_args, member)

static const struct row {
	const char *name, *arg;
	enum kind kind;
	size_t at;
	double min, max, otherwise; /* < 0: unset */
	const char *help;
} rows[] = {
	{"to", "HOST:PORT", K_TEXT, AT(to), 0, 0, 0,
	    "the server; for echo: what to bind (127.0.0.1:0)"},
	{"peers", "N", K_WHOLE, AT(peers), 1, GEN_PEERS, 1,
	    "devices, each with an address of its own"},
	{"base", "ADDR", K_TEXT, AT(base), 0, 0, 0,
	    "of the first device (127.1.0.1, fd99::1:0); none:\n"
	    "the machine's own address, a socket a device"},
	{"first", "N", K_WHOLE, AT(first), 0, UINT32_MAX, 0,
	    "number of the first device in %u (0)"},
	{"sockets", "N", K_WHOLE, AT(sockets), 1, GEN_SOCKETS, 1,
	    "that carry the devices (1)"},
	{"window", "N", K_WHOLE, AT(window), 1, GEN_PEERS, -1,
	    "requests in sight, of all devices together\n"
	    "(256; with --think: peers)"},
	{"think", "MS", K_WHOLE, AT(think), 0, 86400000, 0,
	    "a device asks again so long after its answer"},
	{"seconds", "S", K_REAL, AT(seconds), 0.01, 86400, 0,
	    "how long (10 when nothing else ends it)"},
	{"count", "N", K_WHOLE, AT(count), 1, 1e15, -1,
	    "requests of all devices, or notifications"},
	{"each", "N", K_WHOLE, AT(each), 1, 1e9, -1,
	    "requests of each device (whole images with\n"
	    "--from-start)"},
	{"burst", "N", K_WHOLE, AT(burst), 1, GEN_PEERS, -1,
	    "one request of N devices at once, none repeated"},
	{"path", "P", K_TEXT, AT(path), 0, 0, 0,
	    "segments with / between them; %u, %06u: the device"},
	{"query", "Q", K_TEXT, AT(query), 0, 0, 0,
	    "with & between its parts; %u as in path"},
	{"szx", "N", K_WHOLE, AT(szx), 0, 6, -1,
	    "asks for blocks (6 when there is a --file)"},
	{"file", "IMAGE", K_TEXT, AT(file), 0, 0, 0,
	    "every byte is compared with it"},
	{"from-start", NULL, K_FLAG, AT(from_start), 0, 0, 0,
	    "devices begin at block 0, whole images are counted"},
	{"size2", NULL, K_FLAG, AT(size2), 0, 0, 0,
	    "asks for Size2 with block 0 and insists on it"},
	{"any-etag", NULL, K_FLAG, AT(any_etag), 0, 0, 0,
	    "blocks may have another ETag for each device"},
	{"etag", "HEX", K_HEX, AT(etag), 1, 8, 0,
	    "ETag of a GET"},
	{"accept", "N", K_WHOLE, AT(accept), 0, 65535, -1,
	    "Accept of a GET"},
	{"body", "HEX", K_BODY, AT(body), 0, 0, 0,
	    "of a POST; again: the second of each device, ..."},
	{"cf", "N", K_WHOLE, AT(cf), 0, 65535, -1,
	    "Content-Format of the body"},
	{"expect", "CODE", K_CODE, AT(expect), 0, 0, -1,
	    "the right answer: 2.05 or 205 (POST: 204)"},
	{"non", NULL, K_FLAG, AT(non), 0, 0, 0,
	    "non-confirmable; repeated under a new message ID"},
	{"token", "N", K_WHOLE, AT(token), 0, 8, 4,
	    "bytes of token (4)"},
	{"loss", "PERCENT", K_REAL, AT(loss), 0, 99, 0,
	    "of datagrams, each way"},
	{"ack-timeout", "MS", K_WHOLE, AT(ack_timeout), 1, 60000, 2000,
	    "first repetition after 1 to 1.5 of it (2000)"},
	{"tries", "N", K_WHOLE, AT(tries), 0, 10, 4,
	    "repetitions of a request (4)"},
	{"dtls", NULL, K_FLAG, AT(dtls), 0, 0, 0,
	    "a session each: TLS_PSK_WITH_AES_128_CCM_8"},
	{"psk-id", "FMT", K_TEXT, AT(psk_id), 0, 0, 0,
	    "identity, %u as in path (dev%u)"},
	{"psk", "KEY", K_TEXT, AT(psk), 0, 0, 0,
	    "key: text, or hex:..."},
	{"handshakes", NULL, K_FLAG, AT(handshakes), 0, 0, 0,
	    "ends when every device has a session"},
	{"gate", NULL, K_FLAG, AT(gate), 0, 0, 0,
	    "before the first request: says \"ready\", waits for\n"
	    "a line"},
	{"bare", NULL, K_FLAG, AT(bare), 0, 0, 0,
	    "any answer is right, of --size if that is given"},
	{"size", "N", K_WHOLE, AT(size), 4, 1400, -1,
	    "bytes of an answer (echo, --bare)"},
	{"mmsg", NULL, K_FLAG, AT(mmsg), 0, 0, 0,
	    "echo by recvmmsg and sendmmsg"},
	{"pause", "US", K_WHOLE, AT(pause), 0, 10000, -1,
	    "lets so long pass when there were few answers (50\n"
	    "in a closed loop of 64 and more, else 0)"},
	{"seed", "N", K_WHOLE, AT(seed), 0, 1e15, 1,
	    "of everything that is drawn (1)"},
	{"progress", NULL, K_FLAG, AT(progress), 0, 0, 0,
	    "a line a second, also when stderr is no terminal"},
	{"help", NULL, K_HELP, 0, 0, 0, 0, "this"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct {
	const char *name, *help;
} modes[] = {
	[GEN_GET] = {"get", "GETs: blocks of an image, or anything"},
	[GEN_POST] = {"post", "POSTs"},
	[GEN_OBSERVE] = {"observe",
	    "each device observes, notifications are acknowledged"},
	[GEN_ECHO] = {"echo", "the server to compare with; says its port"},
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

const char *
gen_mode_name(enum gen_mode m)
{
	return modes[m].name;
}

static void
help(void)
{
	fputs("usage: coapgen MODE --to HOST:PORT [options]\n\nmodes:\n",
	    stdout);
	for (size_t i = 0; i < MODES; i++)
		printf("  %-20s %s\n", modes[i].name, modes[i].help);
	fputs("\noptions:\n", stdout);
	for (const struct row *r = rows; r < rows + ROWS; r++) {
		char left[40];
		const char *p = r->help;

		snprintf(left, sizeof(left), "--%s%s%s", r->name,
		    r->arg != NULL ? " " : "", r->arg != NULL ? r->arg : "");
		printf("  %-20s ", left);
		for (size_t n; *p != '\0'; p += n + (p[n] != '\0')) {
			n = strcspn(p, "\n");
			printf("%*s%.*s\n", p == r->help ? 0 : 23, "", (int)n,
			    p);
		}
	}
	fputs("\nOne line of JSON says what happened. Exit 1: an answer was "
	    "wrong; 2: it could\nnot begin.\n", stdout);
}

/* --- values --- */

static bool
whole(const struct row *r, const char *s, uint64_t *ret)
{
	uint64_t v;

	if (text_u64(slice_str(s), &v) != 0 || (double)v < r->min ||
	    (double)v > r->max)
		return false;
	*ret = v;
	return true;
}

static bool
real(const struct row *r, const char *s, double *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end != '\0' || !(v >= r->min && v <= r->max))
		return false;
	*ret = v;
	return true;
}

static bool
hex(const char *s, struct gen_bytes *ret)
{
	struct buf b = buf_of(ret->b, sizeof(ret->b));

	if (text_unhex(slice_str(s), &b) != 0 || b.over)
		return false;
	ret->n = b.n;
	return true;
}

/* "2.05" or "205" */
static bool
code(const char *s, uint64_t *ret)
{
	unsigned class, detail;
	int used = 0;

	if (sscanf(s, "%1u%n", &class, &used) != 1)
		return false;
	s += used + (s[used] == '.');
	if (sscanf(s, "%2u%n", &detail, &used) != 1 || s[used] != '\0' ||
	    class < 2 || class > 5 || detail > 31)
		return false;
	*ret = class * 100 + detail;
	return true;
}

static bool
take(const struct row *r, const char *s, struct gen_args *a)
{
	void *at = (char *)a + r->at;

	switch (r->kind) {
	case K_TEXT:
		*(const char **)at = s;
		return *s != '\0';
	case K_WHOLE:
		return whole(r, s, at);
	case K_REAL:
		return real(r, s, at);
	case K_FLAG:
		*(bool *)at = true;
		return true;
	case K_HEX:
		return hex(s, at) && a->etag.n >= 1 && a->etag.n <= 8;
	case K_BODY:
		return a->bodies < GEN_BODIES && hex(s, &a->body[a->bodies++]);
	case K_CODE:
		return code(s, at);
	case K_HELP:
		break;
	}
	return false;
}

static void
defaults(struct gen_args *a)
{
	*a = (struct gen_args){.psk_id = "dev%u", .psk = "secret"};
	for (const struct row *r = rows; r < rows + ROWS; r++)
		if (r->kind == K_WHOLE || r->kind == K_CODE)
			*(uint64_t *)(void *)((char *)a + r->at) =
			    r->otherwise < 0 ? GEN_UNSET :
			    (uint64_t)r->otherwise;
}

/* --- what depends on other options --- */

static const char *
missing(const struct gen_args *a)
{
	if (a->mode == GEN_ECHO)
		return a->size == GEN_UNSET ? "--size is missing" : NULL;
	if (a->to == NULL)
		return "--to is missing";
	if (a->path == NULL && !a->handshakes)
		return "--path is missing";
	if (a->handshakes && !a->dtls)
		return "--handshakes is for --dtls";
	if (a->bare && a->dtls)
		return "--bare is for UDP";
	if (a->from_start && (a->file == NULL || a->mode != GEN_GET))
		return "--from-start is for get --file";
	return NULL;
}

static void
settle(struct gen_args *a)
{
	if (a->burst != GEN_UNSET) {
		if (a->peers < a->burst)
			a->peers = a->burst;
		a->window = a->count = a->burst;
		a->tries = 0;
	}
	if (a->window == GEN_UNSET)
		a->window = a->think > 0 ? a->peers : 256;
	if (a->window > a->peers)
		a->window = a->peers;
	if (a->pause == GEN_UNSET)
		a->pause = a->window >= 64 && a->think == 0 &&
		    a->mode != GEN_OBSERVE ? 50 : 0;
	if (a->seconds == 0 && a->count == GEN_UNSET && a->each == GEN_UNSET)
		a->seconds = 10;
	if (a->expect == GEN_UNSET)
		a->expect = a->mode == GEN_POST ? 204 : 205;
	if (a->mode == GEN_GET && a->file != NULL && a->szx == GEN_UNSET)
		a->szx = 6;
	if (isatty(STDERR_FILENO))
		a->progress = true;
}

static bool
mode(const char *s, enum gen_mode *ret)
{
	for (size_t i = 0; s != NULL && i < MODES; i++)
		if (strcmp(s, modes[i].name) == 0) {
			*ret = (enum gen_mode)i;
			return true;
		}
	return false;
}

static bool
misuse(const char *what, const char *value)
{
	fprintf(stderr, "coapgen: %s%s%s (see --help)\n", what,
	    value != NULL ? " " : "", value != NULL ? value : "");
	return false;
}

bool
gen_args(int argc, char **argv, struct gen_args *ret, int *rc)
{
	struct option o[ROWS + 1] = {{0}};
	const char *wrong;
	int i;

	for (size_t k = 0; k < ROWS; k++)
		o[k] = (struct option){rows[k].name, rows[k].arg != NULL,
		    NULL, (int)k};
	defaults(ret);
	*rc = 2;
	while ((i = getopt_long(argc, argv, "", o, NULL)) != -1) {
		if (i == '?')
			return false;
		if (rows[i].kind == K_HELP) {
			help();
			*rc = 0;
			return false;
		}
		if (!take(&rows[i], optarg, ret))
			return misuse(rows[i].name, optarg);
	}
	if (optind != argc - 1 || !mode(argv[optind], &ret->mode))
		return misuse("one of get, post, observe, echo", NULL);
	wrong = missing(ret);
	if (wrong != NULL)
		return misuse(wrong, NULL);
	settle(ret);
	return true;
}
