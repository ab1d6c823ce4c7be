/* What no key can know alone. */
#include "lib/conf.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/certmap.h"

#include "lib/eyes.h"

#include "lib/net.h"
#include "lib/policy.h"
#include "lib/text.h"
#include "lib/uri.h"
#include "lib/window.h"

struct check {
	const struct conf *c;
	void (*fn)(void *arg, const char *key, const struct why *why);
	void *arg;
	int rc; /* of the first */
};

static void fail(struct check *k, const char *key, int err, const char *fmt,
    ...) PRINTF(4, 5);

static void
fail(struct check *k, const char *key, int err, const char *fmt, ...)
{
	struct why why;
	char text[sizeof(why.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)why_set(&why, err, "%s: %s", key, text);
	if (k->rc == 0)
		k->rc = err;
	k->fn(k->arg, key, &why);
}

static void
check_listen(struct check *k)
{
	const struct {
		const char *key, *addr;
	} udp[] = {
		{"listen_coap", k->c->listen_coap},
		{"listen_coaps", k->c->listen_coaps},
		{"listen_admin", k->c->listen_admin},
	};

	for (size_t i = 0; i < 3; i++)
		for (size_t j = i + 1; j < 3; j++)
			if (udp[i].addr[0] != '\0' &&
			    strcmp(udp[i].addr, udp[j].addr) == 0 &&
			    strcmp(strrchr(udp[i].addr, ':'), ":0") != 0)
				fail(k, udp[j].key, ERR_CONFLICT,
				    "%s is the address of %s already",
				    udp[j].addr, udp[i].key);
}

static void
check_tls(struct check *k)
{
	if (k->c->tls_key[0] != '\0' && k->c->tls_cert[0] == '\0')
		fail(k, "tls_key", ERR_MISSING, "tls_cert is missing");
}

/* Two planes of TCP share no address; and who asks for a certificate has to
 * show one, or there is no handshake in which to ask. */
static void
check_client(struct check *k)
{
	const struct conf *c = k->c;
	struct certmap map;
	struct why reason = {0};
	int rc = certmap_parse(slice_str(c->cert_endpoint), &map, &reason);

	if (rc != 0)
		fail(k, "cert_endpoint", rc, "%s", reason.text);
	if (c->client_ca[0] != '\0' && c->tls_cert[0] == '\0')
		fail(k, "client_ca", ERR_MISSING, "tls_cert is missing");
	if (c->client_crl[0] != '\0' && c->client_ca[0] == '\0')
		fail(k, "client_crl", ERR_MISSING, "client_ca is missing");
	if (c->listen_tcp[0] != '\0' && strcmp(c->listen_tcp,
	    c->listen_coaps_tcp) == 0 && strcmp(strrchr(c->listen_tcp, ':'),
	    ":0") != 0)
		fail(k, "listen_coaps_tcp", ERR_CONFLICT, "%s is the address "
		    "of listen_tcp already", c->listen_coaps_tcp);
}

static void
check_public_uri(struct check *k)
{
	struct uri u;
	int rc;

	if (k->c->public_uri[0] == '\0')
		return;
	rc = uri_parse(slice_str(k->c->public_uri), &u, NULL);
	if (rc != 0 || u.scheme == URI_NONE || u.scheme == URI_OTHER ||
	    u.host.n == 0)
		fail(k, "public_uri", ERR_TYPE, "must be a CoAP URI, e.g. "
		    "coap://fw.example.org");
	else if (u.path.n > 0 || u.query.n > 0 || u.have_fragment)
		fail(k, "public_uri", ERR_TYPE, "scheme, host and port only, "
		    "without a path");
}

static void
check_networks(struct check *k)
{
	struct net_list l;
	struct why why;
	int rc = net_list_parse(k->c->trusted_networks, &l, &why);

	if (rc != 0)
		fail(k, "trusted_networks", rc, "%s", why.text);
}

static void
check_retries(struct check *k)
{
	char key[40];

	for (size_t i = 0; i < FAIL_CLASSES; i++) {
		if (k->c->track.backoff.rule[i].base_ms <=
		    k->c->track.backoff.rule[i].cap_ms)
			continue;
		snprintf(key, sizeof(key), "retry_%s_base",
		    fail_class_name(i));
		fail(k, key, ERR_RANGE, "above retry_%s_cap",
		    fail_class_name(i));
	}
}

static void
check_campaigns(struct check *k)
{
	struct policy p;
	struct window w;
	struct why reason = {0};
	unsigned column = 0;
	int rc;

	if (k->c->group_tag[0] != '\0' &&
	    !text_name_ok(slice_str(k->c->group_tag), LIMIT_TAG_NAME))
		fail(k, "group_tag", ERR_TYPE, "a tag's name has letters, "
		    "digits and ._:@-");
	policy_default(&p);
	rc = policy_parse(k->c->campaign_policy, &p, &column, &reason);
	if (rc == 0)
		rc = window_parse(p.window, &w, &column, &reason);
	if (rc != 0)
		fail(k, "campaign_policy", rc, "%s", reason.text);
}

static void
check_eyes(struct check *k)
{
	struct why reason = {0};
	unsigned set;
	int rc = eyes_parse(k->c->four_eyes, &set, &reason);

	if (rc != 0)
		fail(k, "four_eyes", rc, "%s", reason.text);
}

int
conf_check_each(const struct conf *c,
    void (*fn)(void *arg, const char *key, const struct why *why), void *arg)
{
	struct check k = {c, fn, arg, 0};

	check_listen(&k);
	check_tls(&k);
	check_client(&k);
	check_networks(&k);
	if (c->image_max > c->images_total)
		fail(&k, "image_max", ERR_RANGE, "above images_total");
	check_retries(&k);
	check_campaigns(&k);
	check_eyes(&k);
	check_public_uri(&k);
	return k.rc;
}

static void
keep_first(void *arg, const char *key, const struct why *why)
{
	struct why *first = arg;

	(void)key;
	if (first->err == 0)
		*first = *why;
}

int
conf_check(const struct conf *c, struct why *why)
{
	struct why first = {0};
	int rc = conf_check_each(c, keep_first, &first);

	return rc == 0 ? 0 : why_set(why, rc, "%s", first.text);
}
