/*
 * A device made of libsuitdev: it polls a server over plain UDP, verifies
 * what it gets with the author's key and stores it in a directory.
 *
 *	cc -o device device.c $(pkg-config --cflags --libs suitdev)
 *	./device HOST PORT EP VENDOR CLASS AUTHOR.pub DIR
 *
 * Firmware puts its flash in the place of storage_file, its radio in that of
 * the socket and its timer in that of poll(); the rest stays.
 */
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <device/exch.h>
#include <device/suitdev.h>
#include <lib/text.h>
#include <lib/uri.h>

struct device {
	struct suitdev core; /* decides */
	struct exch exch; /* repeats, matches answers */
	struct storage_file storage;
	struct exch_peer server;
	int fd;
	struct cose_keyring keys;
	char class_path[37];
	uint8_t manifest[16384];
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* --- what the core asks of the network --- */

/* All from the own server: whatever host a manifest names is passed over. */
static int
net_send(void *arg, const struct suitdev_request *rq)
{
	struct device *d = arg;
	struct exch_target to = {.peer = d->server};
	struct uri u;
	int err;

	err = uri_parse(slice_str(rq->uri), &u, NULL);
	if (err == 0)
		err = uri_path(&u, to.path, sizeof to.path);
	to.query = u.query;
	return err != 0 ? err : exch_request(&d->exch, now_ms(), &to, rq);
}

static void
net_forget(void *arg)
{
	struct device *d = arg;

	exch_forget(&d->exch);
}

static const struct suitdev_net net = {net_send, net_forget};

/* --- what the exchanges ask of us --- */

static void
on_send(void *arg, const struct exch_peer *to, struct slice dgram)
{
	struct device *d = arg;

	/* what is lost is repeated */
	(void)!sendto(d->fd, dgram.p, dgram.n, 0,
	    (const struct sockaddr *)&to->ss, to->len);
}

static void
on_answer(void *arg, const struct suitdev_response *r)
{
	struct device *d = arg;

	suitdev_answer(&d->core, now_ms(), r);
}

static void
on_lost(void *arg, int err)
{
	struct device *d = arg;

	suitdev_lost(&d->core, now_ms(), err);
}

static void
on_notified(void *arg, const struct suitdev_response *r)
{
	struct device *d = arg;

	suitdev_notified(&d->core, now_ms(), r);
}

static void
on_request(void *arg, const struct exch_in *in, struct exch_out *out)
{
	(void)arg;
	(void)in;
	out->code = 404; /* this kind of device is not triggered */
}

static const struct exch_hooks hooks = {on_send, on_answer, on_lost,
    on_notified, on_request};

/* --- start --- */

static int
find_server(struct device *d, const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct addrinfo *res;

	if (getaddrinfo(host, port, &hints, &res) != 0)
		return ERR_UNREACHABLE;
	memcpy(&d->server.ss, res->ai_addr, res->ai_addrlen);
	d->server.len = res->ai_addrlen;
	d->fd = socket(res->ai_family, SOCK_DGRAM, 0);
	freeaddrinfo(res);
	return d->fd < 0 ? ERR_IO : 0;
}

static int
read_key(struct device *d, const char *path)
{
	struct why why = {0};
	struct cose_key *key;
	uint8_t bytes[4096];
	FILE *f = fopen(path, "r");
	size_t n;
	int err;

	if (f == NULL)
		return ERR_NOT_FOUND;
	n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	err = cose_key_parse(slice_of(bytes, n), &key, &why);
	if (err == 0)
		d->keys.key[d->keys.n++] = key;
	return err;
}

static int
start(struct device *d, char **argv)
{
	struct suitdev_config c = {
	    .kind = &suitdev_kind_poll, .ep = argv[3],
	    .class_path = d->class_path, .slot_id = {0, 1},
	    .keys = &d->keys, .storage = &storage_file,
	    .storage_arg = &d->storage, .net = &net, .net_arg = d,
	    .manifest = buf_of(d->manifest, sizeof d->manifest),
	    /* a fleet leaves this 0: after a power cut not all at once */
	    .boot_spread = 1,
	    /* firmware: of a generator of true random numbers */
	    .seed = (uint64_t)now_ms() ^ ((uint64_t)getpid() << 32)};
	int err;

	err = find_server(d, argv[1], argv[2]);
	if (err == 0)
		err = text_uuid5(text_uuid_dns, slice_str(argv[4]), c.vendor);
	if (err == 0)
		err = text_uuid5(c.vendor, slice_str(argv[5]), c.class_id);
	if (err == 0)
		err = read_key(d, argv[6]);
	if (err == 0)
		err = storage_file_init(&d->storage, argv[7]);
	if (err != 0)
		return err;
	text_uuid(c.class_id, d->class_path);
	suitdev_init(&d->core, &c);
	exch_init(&d->exch, &hooks, d, c.seed);
	return suitdev_boot(&d->core, now_ms());
}

/* Does what is due; milliseconds until something is due again. */
static int
turn(struct device *d)
{
	const int64_t now = now_ms();
	int64_t due, core;

	(void)exch_tick(&d->exch, now);
	core = suitdev_tick(&d->core, now);
	due = exch_tick(&d->exch, now);
	due = core < due ? core : due;
	return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

int
main(int argc, char **argv)
{
	static struct device d;
	uint64_t runs = UINT64_MAX;
	int err;

	if (argc != 8) {
		fprintf(stderr, "usage: device HOST PORT EP VENDOR CLASS "
		    "AUTHOR.pub DIR\n");
		return 2;
	}
	err = start(&d, argv);
	if (err != 0) {
		fprintf(stderr, "device: %s\n", err_text(err));
		return 1;
	}
	for (;;) {
		struct exch_peer from = {.len = sizeof from.ss};
		struct pollfd p = {.fd = d.fd, .events = POLLIN};
		uint8_t dgram[COAP_DATAGRAM];
		ssize_t n;

		if (poll(&p, 1, turn(&d)) > 0) {
			n = recvfrom(d.fd, dgram, sizeof dgram, 0,
			    (struct sockaddr *)&from.ss, &from.len);
			if (n >= 0)
				exch_input(&d.exch, now_ms(), &from,
				    slice_of(dgram, (size_t)n));
		}
		if (runs != d.core.nv.sequence) {
			runs = d.core.nv.sequence;
			printf("runs %llu\n", (unsigned long long)runs);
			fflush(stdout);
		}
	}
}
