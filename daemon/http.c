/*
 * evhttp has no cap on connections, and its time-outs begin anew with every
 * byte. So the buffers that it gets for connections are noted in a small
 * table, which holds a reference to each: one whose callbacks are gone was
 * freed by evhttp. Whoever is to go has its socket shut down, and evhttp sees
 * to the rest.
 */
#include "daemon/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http_say.h"
#include "daemon/log.h"
#include "daemon/metrics.h"

#define READ_AHEAD 16384 /* bytes of requests that wait, a connection */
#define TICK_MS 1000
#define BACKLOG 16 /* connections that wait to be accepted */

struct conn {
	struct bufferevent *bev; /* NULL: free */
	int64_t since; /* monotonic ms: it came, or had its last answer */
};

struct http {
	struct app *app;
	struct evhttp *server;
	uint16_t port;
	char listen[LIMIT_ADDRESS];
	struct conn conn[LIMIT_HTTP_CONNECTIONS];
	int64_t second; /* monotonic */
	unsigned scrapes; /* in it */
	char text[LIMIT_METRIC_TEXT];
};

/* --- connections --- */

static void
forget(struct conn *c)
{
	bufferevent_decref(c->bev);
	c->bev = NULL;
}

static bool
is_gone(const struct conn *c)
{
	bufferevent_data_cb read, write;
	bufferevent_event_cb event;
	void *arg;

	bufferevent_getcb(c->bev, &read, &write, &event, &arg);
	return event == NULL;
}

static void
sweep(struct http *h)
{
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++)
		if (h->conn[i].bev != NULL && is_gone(&h->conn[i]))
			forget(&h->conn[i]);
}

static void
cut(const struct conn *c)
{
	evutil_socket_t fd = bufferevent_getfd(c->bev);

	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

/* The place of this one, NULL: a free one; or NULL. */
static struct conn *
conn_of(struct http *h, const struct bufferevent *bev)
{
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++)
		if (h->conn[i].bev == bev)
			return &h->conn[i];
	return NULL;
}

/* Nobody is refused for those who were there first and say nothing. */
static struct conn *
make_room(struct http *h)
{
	struct conn *best = &h->conn[0];

	for (size_t i = 1; i < LIMIT_HTTP_CONNECTIONS; i++)
		if (h->conn[i].since < best->since)
			best = &h->conn[i];
	cut(best);
	forget(best);
	return best;
}

/* A connection comes, and evhttp wants a buffer for it. */
static struct bufferevent *
on_connection(struct event_base *base, void *arg)
{
	struct http *h = arg;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
	struct conn *c;

	loop_wake(h->app->loop);
	if (bev == NULL)
		return NULL; /* evhttp makes one, which is not in sight */
	sweep(h);
	c = conn_of(h, NULL);
	if (c == NULL)
		c = make_room(h);
	bufferevent_setwatermark(bev, EV_READ, 0, READ_AHEAD);
	bufferevent_incref(bev);
	c->bev = bev;
	c->since = loop_mono(h->app->loop);
	return bev;
}

static void
on_tick(void *arg)
{
	struct http *h = arg;
	int64_t now = loop_mono(h->app->loop);

	sweep(h);
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++)
		if (h->conn[i].bev != NULL &&
		    now - h->conn[i].since > LIMIT_HTTP_SECONDS * 1000)
			cut(&h->conn[i]);
}

/* It has asked something: its time begins anew. */
static void
heard(struct http *h, struct evhttp_request *req)
{
	struct conn *c = conn_of(h, evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(req)));

	if (c != NULL)
		c->since = loop_mono(h->app->loop);
}

/* --- answers --- */

static void
head(struct evhttp_request *req, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), name,
	    value);
}

static void
reply(struct evhttp_request *req, int code, const char *type,
    struct slice body)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(req);

	head(req, "Content-Type", type);
	head(req, "Cache-Control", "no-store");
	head(req, "X-Content-Type-Options", "nosniff");
	if (evbuffer_add(out, body.p, body.n) != 0)
		evhttp_send_error(req, 503, NULL);
	else
		evhttp_send_reply(req, code, NULL, NULL);
}

static void
say(struct evhttp_request *req, int code, const char *text)
{
	reply(req, code, "text/plain; charset=utf-8", slice_str(text));
}

/* Devices must not wait because somebody asks in a loop. */
static bool
too_often(struct http *h)
{
	int64_t second = loop_mono(h->app->loop) / 1000;

	if (second != h->second)
		h->scrapes = 0;
	h->second = second;
	if (h->scrapes == LIMIT_HTTP_SCRAPES)
		return true;
	h->scrapes++;
	return false;
}

static void
on_metrics(struct http *h, struct evhttp_request *req)
{
	const char *accept = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Accept");
	enum metric_format f = metric_accept(slice_str(accept));
	struct buf b = buf_of(h->text, sizeof(h->text));
	int rc;

	if (too_often(h)) {
		head(req, "Retry-After", "1");
		say(req, 503, "asked too often; again in a second\n");
		return;
	}
	rc = metrics_write(h->app, f, &b);
	if (rc != 0) {
		log_error("metrics: not written: %s", err_text(rc));
		say(req, 500, "metrics cannot be written; see the log\n");
		return;
	}
	reply(req, 200, metric_content_type(f), buf_slice(&b));
}

static void
on_health(struct http *h, struct evhttp_request *req)
{
	struct buf b = buf_of(h->text, sizeof(h->text) - 1);
	bool ok = http_say_health(h->app, &b);

	h->text[b.n] = '\0';
	say(req, ok ? 200 : 503, h->text);
}

static void
on_ready(struct http *h, struct evhttp_request *req)
{
	struct buf b = buf_of(h->text, sizeof(h->text) - 1);
	bool ok = http_say_ready(h->app, &b);

	h->text[b.n] = '\0';
	say(req, ok ? 200 : 503, h->text);
}

static const struct {
	const char *path;
	void (*fn)(struct http *h, struct evhttp_request *req);
} pages[] = {
	{"/metrics", on_metrics},
	{"/healthz", on_health},
	{"/readyz", on_ready},
};

static void
on_request(struct evhttp_request *req, void *arg)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	struct http *h = arg;

	loop_wake(h->app->loop);
	heard(h, req);
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		head(req, "Allow", "GET, HEAD");
		say(req, 405, "GET and HEAD only\n");
		return;
	}
	for (size_t i = 0; path != NULL &&
	    i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(path, pages[i].path) == 0) {
			pages[i].fn(h, req);
			return;
		}
	}
	say(req, 404, "there are /metrics, /healthz and /readyz\n");
}

/* --- life --- */

/* What strangers can bring about is nothing for the log of a day. */
static void
on_log(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

/* "HOST:PORT" or "[V6]:PORT", which conf has checked. */
static void
split(const char *listen, char host[LIMIT_ADDRESS], uint16_t *ret_port)
{
	const char *colon = strrchr(listen, ':');
	size_t n = (size_t)(colon - listen);

	if (*listen == '[') {
		listen++;
		n -= 2;
	}
	memcpy(host, listen, n);
	host[n] = '\0';
	*ret_port = (uint16_t)atoi(colon + 1);
}

/* -1, and errno. */
static evutil_socket_t
listen_on(const struct addrinfo *ai)
{
	const int on = 1;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0), rc;

	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	rc = bind(fd, ai->ai_addr, ai->ai_addrlen);
	if (rc == 0)
		rc = listen(fd, BACKLOG);
	if (rc == 0)
		return fd;
	rc = errno;
	close(fd);
	errno = rc;
	return -1;
}

/* evhttp would look the address up with AI_ADDRCONFIG: on a machine whose
 * only addresses are of IPv6, 127.0.0.1 is none for it. */
static evutil_socket_t
listen_at(const char *host, uint16_t port, const char **ret_why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *ai;
	evutil_socket_t fd;
	char text[8];
	int rc;

	snprintf(text, sizeof(text), "%u", port);
	rc = getaddrinfo(host, text, &hints, &ai);
	if (rc != 0) {
		*ret_why = gai_strerror(rc);
		return -1;
	}
	fd = listen_on(ai);
	*ret_why = fd == -1 ? strerror(errno) : NULL;
	freeaddrinfo(ai);
	return fd;
}

static int
bind_to(struct http *h, struct why *why)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	char host[LIMIT_ADDRESS];
	const char *text;
	evutil_socket_t fd;
	uint16_t port;

	split(h->app->conf.listen_http, host, &port);
	fd = listen_at(host, port, &text);
	if (fd == -1)
		return why_set(why, ERR_IO, "listen_http: cannot listen on "
		    "%s: %s", h->app->conf.listen_http, text);
	if (evhttp_accept_socket(h->server, fd) != 0) {
		close(fd);
		return why_set(why, ERR_NOMEM, "listen_http: no memory");
	}
	if (getsockname(fd, (struct sockaddr *)&a, &n) == 0)
		h->port = ntohs(a.ss_family == AF_INET6 ?
		    ((struct sockaddr_in6 *)&a)->sin6_port :
		    ((struct sockaddr_in *)&a)->sin_port);
	snprintf(h->listen, sizeof(h->listen), "%s", h->app->conf.listen_http);
	return 0;
}

/* evhttp itself would answer a method that is not allowed by 501. */
static void
set_up(struct http *h)
{
	evhttp_set_allowed_methods(h->server, EVHTTP_REQ_GET |
	    EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_max_headers_size(h->server, LIMIT_HTTP_HEADER);
	evhttp_set_max_body_size(h->server, 0);
	evhttp_set_timeout(h->server, LIMIT_HTTP_SECONDS);
	evhttp_set_bevcb(h->server, on_connection, h);
	evhttp_set_gencb(h->server, on_request, h);
}

int
http_new(struct app *app, struct http **ret, struct why *why)
{
	struct http *h;
	int rc;

	if (app->conf.listen_http[0] == '\0')
		return 0;
	event_set_log_callback(on_log);
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return why_set(why, ERR_NOMEM, "listen_http: no memory");
	h->app = app;
	h->server = evhttp_new(loop_base(app->loop));
	if (h->server == NULL) {
		http_free(h);
		return why_set(why, ERR_NOMEM, "listen_http: no memory");
	}
	set_up(h);
	rc = bind_to(h, why);
	if (rc == 0)
		rc = loop_every(app->loop, TICK_MS, on_tick, h);
	if (rc != 0) {
		http_free(h);
		return rc;
	}
	*ret = h;
	return 0;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	if (h->server != NULL)
		evhttp_free(h->server);
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++)
		if (h->conn[i].bev != NULL)
			forget(&h->conn[i]);
	free(h);
}

uint16_t
http_port(const struct http *h)
{
	return h != NULL ? h->port : 0;
}

void
http_describe(const struct http *h,
    void (*line)(void *arg, const char *text), void *arg)
{
	char text[256];

	if (h == NULL) /* the port in listen may be 0, for any */
		snprintf(text, sizeof(text), "http: off");
	else
		snprintf(text, sizeof(text), "http: listens on %.*s:%u, "
		    "open to anybody there: /metrics, /healthz, /readyz",
		    (int)(strrchr(h->listen, ':') - h->listen), h->listen,
		    h->port);
	line(arg, text);
}
