#include "tests/rig/front_rig.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/disk.h"
#include "lib/digest.h"

#define TURNS 64 /* after the time of rig_run; one costs microseconds */

struct app rig;

/* Takes the place of loop_mono when a test is linked. */
int64_t __real_loop_mono(const struct loop *l);
int64_t __wrap_loop_mono(const struct loop *l);

int64_t
__wrap_loop_mono(const struct loop *l)
{
	return rig.played != 0 ? rig.played : __real_loop_mono(l);
}

/* An image without a store: the front needs no more of it than this. */
struct blob {
	uint8_t digest[32];
};
static struct blob image = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};

struct slice
blob_bytes(const struct blob *b)
{
	(void)b;
	return rig.served;
}

const uint8_t *
blob_digest(const struct blob *b)
{
	return b->digest;
}

void
blob_unref(struct blob *b)
{
	rig.unrefs += b != NULL;
}

/* An upload that is only hashed; rig.put_err is what the disk says. */
struct blob_put {
	struct digest_ctx *hash;
	uint64_t n;
};

int
blob_put_begin(struct blob_store *bs, struct blob_put **ret)
{
	struct blob_put *p = calloc(1, sizeof(*p));

	(void)bs;
	assert_non_null(p);
	p->hash = digest_new(DIGEST_SHA256);
	rig.puts++;
	*ret = p;
	return 0;
}

int
blob_put_write(struct blob_put *p, struct slice in)
{
	if (in.n > rig.most_written)
		rig.most_written = in.n;
	if (rig.put_err != 0)
		return rig.put_err;
	p->n += in.n;
	return digest_update(p->hash, in);
}

void
blob_put_abort(struct blob_put *p)
{
	if (p == NULL)
		return;
	rig.puts--;
	digest_free(p->hash);
	free(p);
}

static int
get_hello(struct app *app, const struct req *req, struct resp *resp)
{
	snprintf(app->seen, sizeof(app->seen), "%s", req->arg[0]);
	buf_puts(&resp->out, "hello");
	resp->cf = CF_TEXT;
	return 0;
}

static int
get_big(struct app *app, const struct req *req, struct resp *resp)
{
	(void)req;
	resp->body = app->served;
	resp->cf = CF_OCTET;
	resp->have_max_age = true;
	resp->max_age = 7;
	resp->trust = app->trust;
	return app->get_err;
}

/* 3000 letters, others each time. */
static int
get_turns(struct app *app, const struct req *req, struct resp *resp)
{
	static char text[3000];

	(void)req;
	memset(text, 'a' + app->turns++ % 26, sizeof(text));
	buf_put(&resp->out, slice_of(text, sizeof(text)));
	resp->cf = CF_TEXT;
	return 0;
}

static int
get_image(struct app *app, const struct req *req, struct resp *resp)
{
	(void)app;
	(void)req;
	resp->image = &image;
	resp->cf = CF_OCTET;
	return 0;
}

/* Counts, and says what it got; held until the commit. */
static int
post_count(struct app *app, const struct req *req, struct resp *resp)
{
	struct digest d;
	char text[32];

	app->calls++;
	app->body_n = req->body.n;
	if (resp->upload != NULL) {
		assert_int_equal(req->body.n, 0);
		app->body_n = resp->upload->n;
		assert_int_equal(digest_final(resp->upload->hash, &d), 0);
		memcpy(app->body_digest, d.b, 32);
	} else if (digest_compute(DIGEST_SHA256, req->body, &d) == 0) {
		memcpy(app->body_digest, d.b, 32);
	}
	snprintf(text, sizeof(text), "n=%d", app->calls);
	buf_puts(&resp->out, text);
	resp->after_commit = true;
	return 0;
}

static int
post_make(struct app *app, const struct req *req, struct resp *resp)
{
	(void)req;
	app->calls++;
	resp->code = 201;
	resp->after_commit = true;
	strcpy(resp->location, "rd/a%2Fb");
	return 0;
}

static int
get_who(struct app *app, const struct req *req, struct resp *resp)
{
	char text[400];

	(void)app;
	snprintf(text, sizeof(text), "%d %s %s %s", req->who.role,
	    req->who.identity, req->addr, req->local);
	buf_puts(&resp->out, text);
	return 0;
}

static int
get_query(struct app *app, const struct req *req, struct resp *resp)
{
	(void)app;
	for (size_t i = 0; i < req->query_n; i++) {
		buf_put(&resp->out, req->query[i]);
		buf_puts(&resp->out, "|");
	}
	return 0;
}

/* As many bytes as body_n says, of its own making. */
static int
get_fill(struct app *app, const struct req *req, struct resp *resp)
{
	(void)req;
	for (size_t i = 0; i < app->body_n; i++)
		buf_put_u8(&resp->out, (uint8_t)i);
	return 0;
}

static int
get_refused(struct app *app, const struct req *req, struct resp *resp)
{
	(void)app;
	(void)req;
	return why_set(&resp->why, ERR_SEQUENCE, "SUIT 8.4.2: too old");
}

/* Waits for app->ticket, then says what it was told and asked. */
static int
any_wait(struct app *app, const struct req *req, struct resp *resp)
{
	app->calls++;
	if (!resp->waited) {
		resp->wait = app->ticket;
		resp->drop = app->ticket == 0;
		return 0;
	}
	if (resp->waited_err != 0)
		return resp->waited_err;
	for (size_t i = 0; i < req->query_n; i++)
		buf_put(&resp->out, req->query[i]);
	buf_puts(&resp->out, resp->upload != NULL ? "+" : "-");
	resp->after_commit = req->method != M_GET;
	return 0;
}

static int
get_rest(struct app *app, const struct req *req, struct resp *resp)
{
	(void)app;
	(void)req;
	if (strcmp(req->arg[0], "dist/fw.bin") != 0)
		return ERR_NOT_FOUND;
	buf_puts(&resp->out, "alias");
	return 0;
}

const struct route rig_device[] = {
	{"hello", M_GET, ROLE_NOBODY, 0, get_hello, "rt=\"a.b c\";ct=0"},
	{"m/{c}", M_GET, ROLE_NOBODY, ROLE_NOBODY, get_hello, NULL},
	{"big", M_GET, ROLE_NOBODY, ROUTE_OBSERVE | ROUTE_OWN, get_big,
	    "rt=\"big\""},
	{"all", M_GET, ROLE_NOBODY, ROUTE_OBSERVE | ROUTE_HIDDEN, get_big,
	    NULL},
	{"fill", M_GET, ROLE_NOBODY, ROUTE_HIDDEN, get_fill, NULL},
	{"img", M_GET, ROLE_NOBODY, ROUTE_BLOCKS | ROUTE_HIDDEN, get_image,
	    NULL},
	{"r", M_POST, ROLE_NOBODY, 0, post_count, NULL},
	{"file", M_POST | M_PUT, ROLE_NOBODY, ROUTE_BODY_FILE, post_count,
	    NULL},
	{"rd", M_POST, ROLE_NOBODY, 0, post_make, NULL},
	{"who", M_GET, ROLE_NOBODY, 0, get_who, NULL},
	{"mine", M_GET, ROLE_DEVICE, 0, get_who, NULL},
	{"mine/wait", M_PUT, ROLE_DEVICE, ROUTE_BODY_FILE, any_wait, NULL},
	{"op", M_GET, ROLE_OPERATOR, 0, get_who, NULL},
	{"q", M_GET, ROLE_NOBODY, 0, get_query, NULL},
	{"refused", M_GET, ROLE_NOBODY, 0, get_refused, NULL},
	{"wait", M_GET | M_PUT, ROLE_NOBODY, ROUTE_BODY_FILE, any_wait,
	    NULL},
	{"{*}", M_GET, ROLE_NOBODY, 0, get_rest, NULL},
	{0},
};

const struct route rig_admin[] = {
	{"a/who", M_GET, ROLE_OPERATOR, 0, get_who, NULL},
	{"a/refused", M_GET, ROLE_OPERATOR, 0, get_refused, NULL},
	{"a/big", M_GET, ROLE_OPERATOR, ROUTE_OBSERVE, get_big, NULL},
	{"a/turns", M_GET, ROLE_OPERATOR, 0, get_turns, NULL},
	{"a/file", M_POST, ROLE_OPERATOR, ROUTE_BODY_FILE, post_count, NULL},
	{0},
};

static int
rig_psk(struct app *app, enum transport t, const char *identity,
    struct buf *ret_key)
{
	(void)app;
	if (t == T_ADMIN ? strcmp(identity, "admin") != 0 :
	    strncmp(identity, "dev", 3) != 0)
		return ERR_NOT_FOUND;
	buf_puts(ret_key, "secret");
	return 0;
}

static void
rig_who(struct app *app, enum transport t, const char *identity,
    struct principal *ret)
{
	if (app->who_last && t == T_ADMIN)
		front_forget_admin(app->front, identity);
	else if (app->who_last)
		front_forget(app->front, identity);
	if (app->who_gone)
		return;
	ret->role = t == T_ADMIN ? ROLE_OPERATOR : ROLE_DEVICE;
	ret->grade = GRADE_L1;
	ret->device = 42;
}

static int
rig_cert(struct app *app, const struct cert_peer *p, struct why *why)
{
	app->cert = *p;
	return app->cert_err == 0 ? 0 : why_set(why, app->cert_err, "so");
}

static void
rig_cert_shown(struct app *app, const struct cert_peer *p)
{
	(void)p;
	app->certs_shown++;
}

static void
rig_key_failed(struct app *app, enum transport t, const char *identity,
    const char *host)
{
	app->keys_failed++;
	snprintf(app->key_failed, sizeof(app->key_failed), "%d %s %s", (int)t,
	    identity, host);
}

static void
rig_key_proved(struct app *app, enum transport t, const char *identity)
{
	(void)t;
	(void)identity;
	app->keys_proved++;
}

static void
rig_cert_who(struct app *app, const struct cert_peer *p,
    struct principal *ret)
{
	ret->role = ROLE_DEVICE;
	ret->grade = GRADE_L1;
	strcpy(ret->identity, p->ep);
	strcpy(ret->ep, p->ep);
	app->certs_asked++;
	if (!app->cert_last)
		return;
	app->cert_err = ERR_POLICY;
	front_recheck(app->front);
}

static void
rig_blocks(struct app *app, const struct req *req, const struct blob *b,
    uint64_t end, uint64_t total)
{
	(void)req;
	(void)b;
	app->blocks++;
	app->blocks_end = end;
	app->blocks_total = total;
}

static void
before_sleep(void *arg)
{
	(void)arg;
	const struct front_span all = {.upto = UINT64_MAX,
	    .unsure = rig.unsure};

	if (!rig.no_flush)
		front_flush(rig.front, all, rig.commit_err);
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop(rig.loop);
}

static int
client_socket(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(front_port(rig.front, T_UDP));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		return -1;
	return fd;
}

unsigned rig_sessions_max = 100;
struct reach *rig_reach;
bool rig_threaded;

/* What workers beside it would have sent until now. */
static void
rig_stats(struct app *app, struct front_stats *ret)
{
	ret->blocks += (uint64_t)app->beside;
}

int
rig_start(void **state)
{
	struct front_opts o = {
		.hooks = {.psk = rig_psk, .who = rig_who, .blocks = rig_blocks,
		    .stats = rig_stats, .cert = rig_cert,
		    .cert_shown = rig_cert_shown, .cert_who = rig_cert_who,
		    .key_failed = rig_key_failed,
		    .key_proved = rig_key_proved},
		.device = rig_device,
		.admin = rig_admin,
		.app = &rig,
		.reach = rig_reach,
		.conf = &rig.conf,
	};
	struct why why = {0};

	(void)state;
	memset(&rig, 0, sizeof(rig));
	strcpy(rig.conf.state_dir, "/tmp/front_rig.XXXXXX");
	if (mkdtemp(rig.conf.state_dir) == NULL)
		return -1;
	strcpy(rig.conf.listen_coap, "127.0.0.1:0");
	strcpy(rig.conf.listen_coaps, "127.0.0.1:0");
	strcpy(rig.conf.listen_tcp, "127.0.0.1:0");
	strcpy(rig.conf.listen_coaps_tcp, "127.0.0.1:0");
	strcpy(rig.conf.listen_admin, "127.0.0.1:0");
	rig.conf.block_size = 512;
	rig.conf.image_max = 200 * 1024;
	rig.conf.sessions_max = rig_sessions_max;
	if (loop_new(1, &rig.loop) != 0)
		return -1;
	o.loop = rig.loop;
	if (rig_threaded && disk_new(rig.loop, &rig.disk) != 0)
		return -1;
	o.disk = rig.disk;
	if (front_new(&o, &rig.front, &why) != 0) {
		fprintf(stderr, "front_new: %s\n", why.text);
		return -1;
	}
	loop_before_sleep(rig.loop, before_sleep, NULL);
	loop_timer(rig.loop, stop, NULL);
	for (int i = 0; i < 2; i++) {
		rig.fd[i] = client_socket();
		if (rig.fd[i] < 0 ||
		    loop_read(rig.loop, rig.fd[i], stop, NULL) != 0)
			return -1;
	}
	return 0;
}

int
rig_stop(void **state)
{
	(void)state;
	disk_free(rig.disk);
	front_free(rig.front);
	assert_int_equal(rig.puts, 0);
	loop_free(rig.loop);
	close(rig.fd[0]);
	close(rig.fd[1]);
	return rmdir(rig.conf.state_dir); /* nothing was left in it */
}

static bool
has_data(int fd)
{
	uint8_t c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void
run_until(int64_t at)
{
	loop_timer_at(rig.loop, at);
	assert_int_equal(loop_run(rig.loop), 0);
}

/* The time may be up when it has hardly begun, on a machine that is busy with
 * others: what has come is worked on all the same. */
void
rig_run(int ms)
{
	run_until(loop_now(rig.loop) + ms);
	for (int i = 0; i < TURNS; i++)
		run_until(1);
}

bool
rig_wait(int i, int ms)
{
	struct timespec ts;
	int64_t end;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	end = ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + ms;
	while (!has_data(rig.fd[i])) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		if (ts.tv_sec * 1000 + ts.tv_nsec / 1000000 >= end) {
			rig_run(0);
			return has_data(rig.fd[i]);
		}
		run_until(loop_now(rig.loop) + 20);
	}
	return true;
}
