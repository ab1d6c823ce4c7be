#include "device/sim.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/text.h"

static const char usage[] =
"usage: suitsim -n N --server URI {--key PUB | --trust LIST} [options]\n"
"\n"
"  -n N                  devices (default 1)\n"
"  --server URI          coap://HOST[:PORT], or coaps:// with --psk-file\n"
"  --key PUB             an author's public key; repeatable\n"
"  --trust LIST          instead of keys: the trust list that the devices left\n"
"                        the factory with (not riot); newer ones they fetch\n"
"  --fresh               with --trust: nothing is fetched before the server\n"
"                        has answered a nonce\n"
"  --class C, --vendor V UUID, or a name: vendor is UUID5(DNS, V), class is\n"
"                        UUID5(vendor, C) (default class \"sim\", vendor\n"
"                        \"example.com\")\n"
"  --mix K=N,...         kinds and their shares: plain poll observe trigger\n"
"                        manifest riot (default poll=1)\n"
"  --loss P, --dup P     chance of each datagram, each way: 1% or 0.01\n"
"  --delay MS            each datagram waits up to MS\n"
"  --kill N@P[:S]        N devices lose power at P % and are back after S\n"
"                        seconds (default 3)\n"
"  --brick P             share of devices that never start again after they\n"
"                        installed: 2% or 0.02\n"
"  --bad-boot P          share on which no new image comes up: they roll back\n"
"  --single-slot         there is nothing to roll back to: recovery mode\n"
"  --mute P              share that takes triggers and never fetches\n"
"  --sleep N/M           asleep for N seconds, awake for M, in turn\n"
"  --newer N             N devices run a sequence above any release's\n"
"  --seq S               sequence the others run (default 1)\n"
"  --psk-file F          lines \"EP HEXKEY\"\n"
"  --attest DIR          bootloaders sign reports with DIR/EP.pem, which is made\n"
"                        with DIR/EP.pub.pem where there is none\n"
"  --attest-nonce        with a nonce of the server\n"
"  --prefix TEXT         of endpoint names (default \"sim-\")\n"
"  --seed S              of everything that is drawn (default 1)\n"
"  --addr-base A         device k has address A + k + 1 (127.1.0.0 when the\n"
"                        server is on loopback); \"none\"\n"
"  --device-port P       of devices that can be triggered (default 5690)\n"
"  --poll S              seconds between polls when the server does not say\n"
"  --boot-spread S       first contact after a start within S seconds\n"
"                        (default 60)\n"
"  --time-scale X        polls, back-off and reboots X times quicker\n"
"  --ack-timeout MS      first repeat of a request (default 2000)\n"
"  --until done|S        (default done)\n"
"  --linger S            seconds to stay after that, for a server that asks\n"
"                        riot devices what they run\n"
"  --json                the result for machines\n"
"  --list-devices        print \"EP DRIVER ADDRESS KIND\" and stop\n"
"  -v, --verbose  --version  --help\n";

enum opt {
	O_SERVER = 256, O_KEY, O_CLASS, O_VENDOR, O_MIX, O_LOSS, O_DUP,
	O_DELAY, O_KILL, O_NEWER, O_SEQ, O_PSK, O_PREFIX, O_SEED, O_ADDR,
	O_PORT, O_POLL, O_SCALE, O_ACK, O_UNTIL, O_LINGER, O_JSON, O_LIST,
	O_VERSION, O_HELP, O_BRICK, O_BAD_BOOT, O_SINGLE, O_MUTE, O_SLEEP,
	O_BOOT_SPREAD, O_TRUST, O_FRESH, O_ATTEST, O_ATTEST_NONCE,
};

static const struct option options[] = {
	{"server", 1, NULL, O_SERVER}, {"key", 1, NULL, O_KEY},
	{"class", 1, NULL, O_CLASS}, {"vendor", 1, NULL, O_VENDOR},
	{"mix", 1, NULL, O_MIX}, {"loss", 1, NULL, O_LOSS},
	{"dup", 1, NULL, O_DUP}, {"delay", 1, NULL, O_DELAY},
	{"kill", 1, NULL, O_KILL}, {"newer", 1, NULL, O_NEWER},
	{"seq", 1, NULL, O_SEQ}, {"psk-file", 1, NULL, O_PSK},
	{"prefix", 1, NULL, O_PREFIX}, {"seed", 1, NULL, O_SEED},
	{"addr-base", 1, NULL, O_ADDR}, {"device-port", 1, NULL, O_PORT},
	{"poll", 1, NULL, O_POLL}, {"time-scale", 1, NULL, O_SCALE},
	{"ack-timeout", 1, NULL, O_ACK}, {"until", 1, NULL, O_UNTIL},
	{"linger", 1, NULL, O_LINGER}, {"brick", 1, NULL, O_BRICK},
	{"bad-boot", 1, NULL, O_BAD_BOOT}, {"single-slot", 0, NULL, O_SINGLE},
	{"mute", 1, NULL, O_MUTE}, {"sleep", 1, NULL, O_SLEEP},
	{"boot-spread", 1, NULL, O_BOOT_SPREAD},
	{"trust", 1, NULL, O_TRUST}, {"fresh", 0, NULL, O_FRESH},
	{"attest", 1, NULL, O_ATTEST},
	{"attest-nonce", 0, NULL, O_ATTEST_NONCE},
	{"json", 0, NULL, O_JSON}, {"list-devices", 0, NULL, O_LIST},
	{"verbose", 0, NULL, 'v'}, {"version", 0, NULL, O_VERSION},
	{"help", 0, NULL, O_HELP}, {NULL, 0, NULL, 0},
};

/* --- values --- */

static bool
number(const char *s, double min, double max, double *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end != '\0' || !(v >= min && v <= max))
		return false;
	*ret = v;
	return true;
}

static bool
whole(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (text_u64(slice_str(s), &v) != 0 || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

/* "1%" or "0.01", all of them included */
static bool
share(const char *s, double *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end != s && *end == '%') {
		v /= 100;
		end++;
	}
	if (end == s || *end != '\0' || !(v >= 0 && v <= 1))
		return false;
	*ret = v;
	return true;
}

/* A wire that loses everything is of no use. */
static bool
chance(const char *s, double *ret)
{
	return share(s, ret) && *ret < 1;
}

/* "N/M": asleep and awake, seconds */
static bool
duty(const char *s, struct sim_args *a)
{
	const char *slash = strchr(s, '/');
	char asleep[32];

	return slash != NULL && slice_to_cstr(slice_of(s,
	    (size_t)(slash - s)), asleep, sizeof asleep) &&
	    number(asleep, 0.001, 1e6, &a->sleep_s) &&
	    number(slash + 1, 0.001, 1e6, &a->awake_s);
}

static bool
mix(const char *s, unsigned ret[SIM_KINDS])
{
	char text[128], *item, *save = NULL;

	if (strlen(s) >= sizeof text)
		return false;
	strcpy(text, s);
	memset(ret, 0, SIM_KINDS * sizeof ret[0]);
	for (item = strtok_r(text, ",", &save); item != NULL;
	    item = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(item, '=');
		uint64_t n;
		size_t k;

		if (eq == NULL)
			return false;
		*eq = '\0';
		for (k = 0; k < SIM_KINDS; k++)
			if (strcmp(sim_kinds[k]->name, item) == 0)
				break;
		if (k == SIM_KINDS || !whole(eq + 1, 0, SIM_DEVICES, &n))
			return false;
		ret[k] = (unsigned)n;
	}
	for (size_t k = 0; k < SIM_KINDS; k++)
		if (ret[k] > 0)
			return true;
	return false;
}

static bool
kill_plan(const char *s, struct sim_args *a)
{
	unsigned n, percent;
	int used = 0;

	if (sscanf(s, "%u@%u%n", &n, &percent, &used) != 2 || percent > 99)
		return false;
	s += used;
	if (*s == '%')
		s++;
	if (*s == ':' && !number(s + 1, 0, 86400, &a->kill_s))
		return false;
	if (*s != '\0' && *s != ':')
		return false;
	a->kill_n = n;
	a->kill_percent = percent;
	return true;
}

static bool
address(const char *s, uint32_t *ret)
{
	struct in_addr in;

	if (strcmp(s, "none") == 0) {
		*ret = 0;
		return true;
	}
	if (inet_pton(AF_INET, s, &in) != 1)
		return false;
	*ret = ntohl(in.s_addr);
	return true;
}

static bool
add_key(const char *path, struct sim_args *a)
{
	struct cose_key *key = NULL;
	struct why why = {0};
	uint8_t bytes[8192];
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "suitsim: %s: %m\n", path);
		return false;
	}
	n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	if (a->keys.n == LIMIT_KEYRING ||
	    cose_key_parse(slice_of(bytes, n), &key, &why) != 0) {
		fprintf(stderr, "suitsim: %s: %s\n", path, why.text);
		return false;
	}
	a->keys.key[a->keys.n++] = key;
	return true;
}

static bool
read_list(const char *path, struct sim_args *a)
{
	struct why why = {0};
	struct trust list;
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		fprintf(stderr, "suitsim: %s: %m\n", path);
		return false;
	}
	a->trust_n = fread(a->trust, 1, sizeof a->trust, f);
	fclose(f);
	if (trust_parse(slice_of(a->trust, a->trust_n), &list, &why) == 0 &&
	    trust_pin(&list, &why) == 0)
		return true;
	fprintf(stderr, "suitsim: %s: %s\n", path, why.text);
	return false;
}

/* --- options --- */

static bool
set_number(struct sim_args *a, int opt, const char *v)
{
	uint64_t u = 0;
	double x = 0;
	bool ok = true;

	switch (opt) {
	case 'n':
		ok = whole(v, 1, SIM_DEVICES, &u);
		a->n = (unsigned)u;
		break;
	case O_DELAY:
		ok = whole(v, 0, 60000, &u);
		a->delay_ms = (int)u;
		break;
	case O_NEWER:
		ok = whole(v, 0, SIM_DEVICES, &u);
		a->newer = (unsigned)u;
		break;
	case O_PORT:
		ok = whole(v, 1, 65535, &u);
		a->port = (uint16_t)u;
		break;
	case O_POLL:
		ok = whole(v, 1, 86400, &u);
		a->poll = (uint32_t)u;
		break;
	case O_BOOT_SPREAD:
		ok = whole(v, 1, 86400, &u);
		a->boot_spread = (uint32_t)u;
		break;
	case O_ACK:
		ok = whole(v, 10, 60000, &u);
		a->ack_timeout = (int)u;
		break;
	case O_LINGER:
		ok = number(v, 0, 86400, &x);
		a->linger = x;
		break;
	case O_SCALE:
		ok = number(v, 0.01, 10000, &x);
		a->scale = x;
		break;
	case O_SEQ:
		return whole(v, 0, UINT32_MAX, &a->seq);
	default:
		return whole(v, 0, UINT64_MAX, &a->seed);
	}
	return ok;
}

static bool
set(struct sim_args *a, int opt, const char *v)
{
	switch (opt) {
	case O_SERVER: a->server = v; return true;
	case O_KEY: return add_key(v, a);
	case O_TRUST: return read_list(v, a);
	case O_FRESH: return a->fresh = true;
	case O_CLASS: a->class_name = v; return true;
	case O_VENDOR: a->vendor_name = v; return true;
	case O_MIX: return mix(v, a->mix);
	case O_LOSS: return chance(v, &a->loss);
	case O_DUP: return chance(v, &a->dup);
	case O_KILL: return kill_plan(v, a);
	case O_BRICK: return share(v, &a->share[SIM_BRICK]);
	case O_BAD_BOOT: return share(v, &a->share[SIM_BAD_BOOT]);
	case O_MUTE: return share(v, &a->share[SIM_MUTE]);
	case O_SINGLE: return a->single_slot = true;
	case O_SLEEP: return duty(v, a);
	case O_PSK: a->psk_file = v; return true;
	case O_ATTEST: a->attest_dir = v; return true;
	case O_ATTEST_NONCE: return a->attest_nonce = true;
	case O_PREFIX: a->prefix = v; return true;
	case O_ADDR: return address(v, &a->addr_base);
	case O_JSON: return a->json = true;
	case O_LIST: return a->list = true;
	case 'v': return a->verbose = true;
	case O_UNTIL:
		return strcmp(v, "done") == 0 ||
		    number(v, 0.1, 1e6, &a->until);
	default: return set_number(a, opt, v);
	}
}

static int
complain(const char *what)
{
	fprintf(stderr, "suitsim: %s (see --help)\n", what);
	return ERR_INVALID;
}

/* Names become UUIDs the way RIOT makes them. */
static int
check(struct sim_args *a)
{
	const struct slice c = slice_str(a->class_name);
	const struct slice v = slice_str(a->vendor_name);

	if (text_uuid_parse(v, a->vendor) != 0 &&
	    text_uuid5(text_uuid_dns, v, a->vendor) != 0)
		return complain("--vendor");
	if (text_uuid_parse(c, a->class_id) != 0 &&
	    text_uuid5(a->vendor, c, a->class_id) != 0)
		return complain("--class");
	text_hex(slice_of(a->class_id, 16), a->class_path,
	    sizeof(a->class_path));
	if (!text_name_ok(c, 64) || !text_name_ok(slice_str(a->prefix),
	    LIMIT_EP - 8))
		return complain("--class and --prefix take letters, digits, "
		    "'.', '_', ':', '@' and '-'");
	if (a->share[SIM_BRICK] + a->share[SIM_BAD_BOOT] +
	    a->share[SIM_MUTE] > 1)
		return complain("--brick, --bad-boot and --mute are more than "
		    "all devices");
	if (a->attest_nonce && a->attest_dir == NULL)
		return complain("--attest-nonce needs --attest");
	if (a->list)
		return 0;
	if (a->server == NULL)
		return complain("--server is missing");
	if (a->keys.n == 0 && a->trust_n == 0)
		return complain("--key or --trust is missing: a device "
		    "without an author's key accepts nothing");
	if (a->fresh && a->trust_n == 0)
		return complain("--fresh needs --trust");
	if ((strncmp(a->server, "coaps:", 6) == 0) != (a->psk_file != NULL))
		return complain("--psk-file and a coaps:// server go "
		    "together");
	return 0;
}

int
sim_args_parse(int argc, char **argv, struct sim_args *ret)
{
	struct sim_args *a = ret;
	int opt;

	*a = (struct sim_args){.n = 1, .mix = {0, 1}, .class_name = "sim",
	    .vendor_name = "example.com", .prefix = "sim-", .seq = 1,
	    .seed = 1, .addr_base = UINT32_MAX, .port = 5690, .scale = 1,
	    .ack_timeout = 2000, .kill_s = 3};
	while ((opt = getopt_long(argc, argv, "n:v", options, NULL)) != -1) {
		if (opt == O_HELP) {
			fputs(usage, stdout);
			return 1;
		}
		if (opt == O_VERSION) {
			puts("suitsim " SUITD_VERSION);
			return 1;
		}
		if (opt == '?')
			return complain("unknown option");
		if (!set(a, opt, optarg)) {
			fprintf(stderr, "suitsim: bad value: %s (see --help)\n",
			    optarg);
			return ERR_INVALID;
		}
	}
	if (optind < argc)
		return complain("no arguments are taken");
	return check(a);
}

void
sim_args_fini(struct sim_args *a)
{
	for (size_t i = 0; i < a->keys.n; i++)
		cose_key_free((struct cose_key *)a->keys.key[i]);
	a->keys.n = 0;
}
