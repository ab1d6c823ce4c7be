/*
 * trigger: POST of the manifest's URL to /suit/trigger (RIOT). The answer
 * 2.01 means "received", also when the device is busy and ignores it.
 *
 * RIOT reads the payload as a C string that it has not terminated, so that
 * its devices get one NUL byte more (nul_trigger). Its buffers bound the
 * URL: a longer one locks the updater of some versions until a reboot, so
 * that it is refused here.
 *
 * The URL names the device (?ep=), for the manifest GET is the only sign of
 * life that such a device gives with its name on it. A device with a
 * credential is sent to coaps instead, where it needs no name.
 */
#include "daemon/push.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/text.h"
#include "lib/uri.h"

#define PATH "/suit/trigger"

/* The port of "HOST:PORT". */
static const char *
port_of(const char *listen)
{
	const char *colon = strrchr(listen, ':');

	return colon == NULL ? "" : colon + 1;
}

/* Which of our addresses a device would be answered from: the kernel knows
 * the route. Nothing is sent. */
static int
own_host(const char *peer, char *dst, size_t cap)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = 9};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = 9};
	bool v6 = strchr(peer, ':') != NULL;
	struct sockaddr *sa = v6 ? (void *)&a6 : (void *)&a4;
	socklen_t n = v6 ? sizeof(a6) : sizeof(a4);
	char text[INET6_ADDRSTRLEN];
	int fd, rc = ERR_UNREACHABLE;

	if (inet_pton(v6 ? AF_INET6 : AF_INET, peer, v6 ?
	    (void *)&a6.sin6_addr : (void *)&a4.sin_addr) != 1)
		return rc;
	fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rc;
	if (connect(fd, sa, n) == 0 && getsockname(fd, sa, &n) == 0 &&
	    inet_ntop(sa->sa_family, v6 ? (void *)&a6.sin6_addr :
	    (void *)&a4.sin_addr, text, sizeof(text)) != NULL) {
		snprintf(dst, cap, v6 ? "[%s]" : "%s", text);
		rc = 0;
	}
	close(fd);
	return rc;
}

/* Host of the device's base URI, else its address. */
static int
peer_host(const struct store_device *d, char *dst, size_t cap)
{
	struct uri u;
	struct slice host = slice_str(d->addr);

	if (d->uri[0] != '\0') {
		if (uri_parse(slice_str(d->uri), &u, NULL) != 0)
			return ERR_INVALID;
		host = u.host;
	}
	return slice_to_cstr(host, dst, cap) && dst[0] != '\0' ? 0 :
	    ERR_UNREACHABLE;
}

/* "coap://host[:port]" by which this device reaches us. */
static int
own_base(const struct push *p, char *dst, size_t cap)
{
	const struct conf *c = &p->app->conf;
	bool secure = p->dev.have_psk;
	const char *port = port_of(secure ? c->listen_coaps : c->listen_coap);
	const char *plain = secure ? "5684" : "5683";
	char peer[LIMIT_ADDRESS], host[LIMIT_ADDRESS];
	int rc;

	if (c->public_uri[0] != '\0' && !secure) {
		snprintf(dst, cap, "%s", c->public_uri);
		return 0;
	}
	rc = peer_host(&p->dev, peer, sizeof(peer));
	if (rc == 0)
		rc = own_host(peer, host, sizeof(host));
	if (rc != 0)
		return rc;
	if (strcmp(port, plain) == 0)
		port = "";
	snprintf(dst, cap, "%s://%s%s%s", secure ? "coaps" : "coap", host,
	    port[0] != '\0' ? ":" : "", port);
	return 0;
}

/* "/m/CLASS" when the class's current release is meant; "/m" is what this
 * device should have. A spread goes to "/m": only there devices that come
 * all the same are told to wait. */
static void
own_path(const struct push *p, char *dst, size_t cap)
{
	const struct conf *c = &p->app->conf;
	const struct catalog_release *cur = p->dev.have_class ?
	    catalog_current(p->app->catalog, p->dev.class_id) : NULL;
	char hex[33];
	const char *name = text_hex(slice_of(p->dev.class_id, 16), hex,
	    sizeof(hex));

	for (size_t i = 0; i < c->alias_count; i++)
		if (memcmp(c->alias[i].class_id, p->dev.class_id, 16) == 0)
			name = c->alias[i].name;
	if (p->dev.have_psk || p->spread > 0 || cur == NULL ||
	    cur->id != p->release)
		snprintf(dst, cap, "m");
	else
		snprintf(dst, cap, "m/%s", name);
}

int
push_manifest_url(const struct push *p, char *dst, size_t cap,
    struct why *why)
{
	char base[LIMIT_URI + 1], path[PUSH_PATH + 1], spread[16] = "";
	size_t n;
	int len, rc = own_base(p, base, sizeof(base));

	if (rc != 0)
		return why_set(why, rc, "our address towards the device is "
		    "not known: set public_uri");
	n = strlen(base);
	while (n > 0 && base[n - 1] == '/')
		base[--n] = '\0';
	own_path(p, path, sizeof(path));
	if (p->spread > 0)
		snprintf(spread, sizeof(spread), "%cw=%" PRIu32,
		    p->dev.have_psk ? '?' : '&', p->spread);
	if (p->dev.have_psk)
		len = snprintf(dst, cap, "%s/%s%s", base, path, spread);
	else
		len = snprintf(dst, cap, "%s/%s?ep=%s%s", base, path,
		    p->dev.ep, spread);
	if (len < 0 || (size_t)len >= cap || len > PUSH_URL ||
	    (size_t)len - n > PUSH_PATH)
		return why_set(why, ERR_SIZE, "manifest URL of %d bytes, %zu "
		    "of them path: devices take %d and %d; a class alias or "
		    "a shorter name helps", len, (size_t)len - n, PUSH_URL,
		    PUSH_PATH);
	return 0;
}

int
push_trigger(struct push *p, struct why *why)
{
	char uri[LIMIT_URI + 1], url[LIMIT_URI + 1];
	struct peer_request rq = {
		.method = M_POST, .uri = uri, .cf = CF_NONE,
	};
	int rc = push_uri(&p->dev, PATH, uri);

	if (rc == 0)
		rc = push_manifest_url(p, url, sizeof(url), why);
	if (rc != 0)
		return rc;
	/* the terminating NUL goes along where it is wanted */
	rq.payload = slice_of(url, strlen(url) + p->dev.nul_trigger);
	push_note_slot(p);
	return peer_send(p->app->peer, &rq, push_answer, p);
}
