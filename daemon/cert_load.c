#include "daemon/cert_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/secret.h"

#define KEY_NAME "tls.key"
#define DAY_MS (86400 * INT64_C(1000))

/* The certificate is no secret. */
static int
read_public(const char *path, struct buf *ret, struct why *why)
{
	FILE *f = fopen(path, "re");
	bool bad;

	if (f == NULL)
		return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s: %s", path, strerror(errno));
	ret->n = fread(ret->p, 1, ret->cap, f);
	bad = ferror(f) != 0;
	fclose(f);
	if (bad)
		return why_set(why, ERR_IO, "%s: cannot be read", path);
	return ret->n < ret->cap ? 0 :
	    why_set(why, ERR_SIZE, "%s: too long", path);
}

static int
named(struct why *why, const char *key, const struct why *reason)
{
	return why_set(why, reason->err, "%s: %.200s", key, reason->text);
}

static int
load(const struct conf *c, const char *key_path, uint8_t *bytes,
    struct cert **ret, struct why *why)
{
	struct buf pem = buf_of(bytes, LIMIT_CERT_FILE + 1);
	struct buf key = buf_of(bytes + pem.cap, LIMIT_CERT_FILE + 1);
	struct why reason = {0};

	if (read_public(c->tls_cert, &pem, &reason) != 0)
		return named(why, "tls_cert", &reason);
	if (secret_read(key_path, &key, &reason) != 0)
		return named(why, "tls_key", &reason);
	if (cert_parse(buf_slice(&pem), buf_slice(&key), ret, &reason) == 0)
		return 0;
	return why_set(why, reason.err, "tls_cert: %s (%s): %s",
	    c->tls_cert, key_path, reason.text);
}

int
cert_load(const struct conf *c, struct cert **ret, struct why *why)
{
	const size_t room = 2 * (LIMIT_CERT_FILE + 1);
	char key_path[SECRET_PATH];
	uint8_t *bytes;
	int rc;

	if (c->tls_cert[0] == '\0') {
		*ret = NULL;
		return 0;
	}
	if (!secret_path(c->tls_key, KEY_NAME, key_path))
		return why_set(why, ERR_MISSING, "tls_cert: its key is "
		    "missing: name a file by tls_key, or give the systemd "
		    "credential " KEY_NAME);
	bytes = malloc(room);
	if (bytes == NULL)
		return why_set(why, ERR_NOMEM, "tls_cert: out of memory");
	rc = load(c, key_path, bytes, ret, why);
	explicit_bzero(bytes, room);
	free(bytes);
	return rc;
}

enum cert_when
cert_verdict(const struct cert *c, int64_t now, char *dst, size_t cap)
{
	enum cert_when when = CERT_GOOD;
	time_t at = (time_t)(cert_until(c) / 1000);
	const char *said = "until";
	char date[32] = "?";
	struct tm tm;

	if (now >= cert_until(c)) {
		when = CERT_EXPIRED;
		said = "has expired:";
	} else if (now < cert_from(c)) {
		when = CERT_EARLY;
		at = (time_t)(cert_from(c) / 1000);
		said = "is not valid before";
	} else if (cert_until(c) - now < CERT_SOON_DAYS * DAY_MS) {
		when = CERT_SOON;
		said = "ends soon:";
	}
	if (gmtime_r(&at, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%MZ", &tm);
	snprintf(dst, cap, "%s %s %s", cert_name(c), said, date);
	return when;
}
