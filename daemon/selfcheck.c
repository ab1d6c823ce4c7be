#include "daemon/selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/access_impl.h"
#include "daemon/cert_load.h"
#include "daemon/client_load.h"
#include "daemon/coap_can.h"
#include "daemon/front.h"
#include "daemon/keyhunt.h"
#include "daemon/loop.h"
#include "daemon/opened.h"
#include "daemon/secret.h"
#include "daemon/trusted.h"
#include "db/store.h"
#include "lib/conf_key.h"

#define PORTS 16 /* keys of the type CONF_ADDR, at most */

struct run {
	const struct conf *c;
	void (*line)(void *arg, enum check result, const char *what,
	    const char *text);
	void *arg;
	bool fails;
	bool made; /* the state directory is there */
	bool runs; /* a suitd has it */
	bool closed; /* whether one has it is not for our eyes */
};

static void say(struct run *r, enum check result, const char *what,
    const char *fmt, ...) PRINTF(4, 5);

static void
say(struct run *r, enum check result, const char *what, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->fails = r->fails || result == CHECK_FAIL;
	r->line(r->arg, result, what, text);
}

static bool
may(const char *path, int what)
{
	return faccessat(AT_FDCWD, path, what, AT_EACCESS) == 0;
}

/* --- the state directory --- */

/* The directory that it would be made in. */
static void
check_parent(struct run *r)
{
	char path[sizeof(r->c->state_dir)], *slash;

	snprintf(path, sizeof(path), "%s", r->c->state_dir);
	slash = strrchr(path, '/');
	while (slash != NULL && slash > path && slash[1] == '\0') {
		*slash = '\0'; /* at its end */
		slash = strrchr(path, '/');
	}
	if (slash == NULL)
		strcpy(path, ".");
	else
		slash[slash == path] = '\0';
	if (may(path, W_OK | X_OK))
		say(r, CHECK_OK, "state_dir", "%s will be made",
		    r->c->state_dir);
	else
		say(r, CHECK_FAIL, "state_dir", "%s is not there, and %s: %s",
		    r->c->state_dir, path, strerror(errno));
}

/* As the daemon itself does it; a shared lock is enough to see. */
static bool
is_locked(const char *dir)
{
	char path[512];
	bool locked;
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

static void
check_state_dir(struct run *r)
{
	const char *dir = r->c->state_dir;
	struct stat st;

	if (stat(dir, &st) != 0 && errno == ENOENT) {
		check_parent(r);
		return;
	}
	if (stat(dir, &st) != 0 || (!S_ISDIR(st.st_mode) &&
	    (errno = ENOTDIR) != 0) || !may(dir, R_OK | W_OK | X_OK)) {
		r->closed = errno == EACCES;
		say(r, CHECK_FAIL, "state_dir", "%s: %s%s", dir,
		    strerror(errno), r->closed ? "; try as root, or as the "
		    "user that suitd runs as" : "");
		return;
	}
	r->made = true;
	r->runs = is_locked(dir);
	if ((st.st_mode & 077) != 0)
		say(r, CHECK_WARN, "state_dir", "%s: others may look into "
		    "it; chmod 700 it", dir);
	else
		say(r, CHECK_OK, "state_dir", "%s%s", dir, r->runs ?
		    "; a suitd runs with it now" : "");
}

static void
check_folder(struct run *r, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", r->c->state_dir, name);
	if (may(path, R_OK | W_OK | X_OK))
		say(r, CHECK_OK, name, "%s", path);
	else if (errno == ENOENT)
		say(r, CHECK_OK, name, "%s will be made", path);
	else
		say(r, CHECK_FAIL, name, "%s: %s", path, strerror(errno));
}

static void
check_database(struct run *r)
{
	struct store_probe p;
	struct why why = {0};
	char path[512];

	snprintf(path, sizeof(path), "%s/suitd.db", r->c->state_dir);
	if (!may(path, R_OK | W_OK)) {
		say(r, errno == ENOENT ? CHECK_OK : CHECK_FAIL, "database",
		    "%s%s%s", path, errno == ENOENT ? " will be made" : ": ",
		    errno == ENOENT ? "" : strerror(errno));
		return;
	}
	if (store_sqlite_probe(path, &p, &why) != 0)
		say(r, CHECK_FAIL, "database", "%s: %s", path, why.text);
	else if (p.schema < p.known)
		say(r, CHECK_WARN, "database", "%s: schema %d will be "
		    "migrated to %d, and then no older suitd can read it",
		    path, p.schema, p.known);
	else
		say(r, CHECK_OK, "database", "%s, schema %d", path,
		    p.schema);
}

static void
check_authors(struct run *r)
{
	struct why why = {0};

	if (access_refuse_private_keys(r->c->state_dir, &why) != 0)
		say(r, CHECK_FAIL, "private keys", "%s", why.text);
	else
		say(r, CHECK_OK, "private keys", "none of an author");
}

/* --- keys and ports --- */

static void
check_operators(struct run *r)
{
	struct operators *o;
	struct why why = {0};
	char path[SECRET_PATH];
	bool given = secret_path(r->c->admin_psk, ACCESS_FILE, path);
	int rc;

	if (!given)
		snprintf(path, sizeof(path), "%s/" ACCESS_FILE,
		    r->c->state_dir);
	rc = operators_open(path, false, &o, &why);
	if (rc == ERR_NOT_FOUND && !given) {
		say(r, CHECK_OK, "admin_psk", "%s will be made", path);
	} else if (rc != 0) {
		say(r, CHECK_FAIL, "admin_psk", "%s", why.text);
	} else {
		say(r, CHECK_OK, "admin_psk", "%s, %zu operators", path,
		    operators_count(o));
		operators_free(o);
	}
}

static void
check_certificate(struct run *r)
{
	struct cert *cert = NULL;
	struct why why = {0};
	char text[LIMIT_CERT_NAME + 64];
	int rc = cert_load(r->c, &cert, &why);
	bool good;

	/* the unit may have a credential that only the service sees */
	if (rc == ERR_MISSING && getenv("CREDENTIALS_DIRECTORY") == NULL) {
		say(r, CHECK_WARN, "tls_cert", "%s, which only the service "
		    "sees", why.text);
		return;
	}
	if (rc != 0) {
		say(r, r->c->listen_coaps[0] == '\0' ? CHECK_WARN :
		    CHECK_FAIL, "tls_cert", "%s", why.text);
		return;
	}
	if (cert == NULL) {
		say(r, CHECK_OK, "tls_cert", "none is shown");
		return;
	}
	good = cert_verdict(cert, loop_coarse(), text, sizeof(text)) ==
	    CERT_GOOD;
	say(r, good ? CHECK_OK : CHECK_WARN, "tls_cert", "%s", text);
	cert_free(cert);
}

static void
check_fresh(struct run *r, const struct trust *list)
{
	struct why why = {0};
	struct cose_key *key = NULL;

	if (trusted_read_fresh(r->c, list, &key, &why) != 0)
		say(r, CHECK_FAIL, "freshness_key", "%s", why.text);
	else if (key == NULL)
		say(r, CHECK_OK, "freshness_key", "none is named");
	else
		say(r, CHECK_OK, "freshness_key", "a private key; it answers "
		    "nonces while the trust list has it for that");
	cose_key_free(key);
}

/* The list and the key, as far as they can be seen without the store. */
static void
check_trust(struct run *r)
{
	uint8_t bytes[LIMIT_TRUST_LIST + 1];
	struct trust list = {.key_count = 0};
	struct why why = {0};
	struct app app = {.conf = *r->c};
	char text[OPENED_TEXT];
	int rc;

	if (r->c->trust_root[0] == '\0') {
		(void)opened_authors(r->c, text);
		say(r, CHECK_OK, "trust_root", "none; %s", text);
		check_fresh(r, &list);
		return;
	}
	rc = trusted_read_root(r->c, bytes, &list, &why);
	if (rc == 0)
		rc = keyhunt(&app, &list, &why);
	if (rc != 0)
		say(r, CHECK_FAIL, "trust_root", "%s", why.text);
	else
		say(r, CHECK_OK, "trust_root", "%s, list %llu, %u of %zu "
		    "roots", r->c->trust_root, (unsigned long long)list.seq,
		    list.roots.need, list.roots.n);
	if (rc == 0)
		check_fresh(r, &list);
}

/* What is open is a decision, and no fault. */
static void
check_opened(struct run *r)
{
	char text[OPENED_TEXT];

	(void)opened_rights(r->c, text);
	say(r, CHECK_OK, "four_eyes", "%s", text);
	(void)opened_strangers(r->c, text);
	say(r, CHECK_OK, "strangers", "%s", text);
	say(r, CHECK_OK, "audit_keep", r->c->audit_keep == 0 ? "every entry "
	    "of the audit log is kept" : "%u entries of the audit log are "
	    "kept", r->c->audit_keep);
}

static void
check_clients(struct run *r)
{
	struct client_trust t;
	struct why why = {0};
	char text[200];
	bool late;

	if (client_load(r->c, &t, &why) != 0) {
		say(r, CHECK_FAIL, "client_ca", "%s", why.text);
		return;
	}
	late = client_describe(&t, loop_coarse(), text, sizeof(text));
	if (t.ca == NULL && r->c->unknown_devices == CONF_UNKNOWN_CERTIFIED)
		say(r, CHECK_WARN, "client_ca", "there is none, so that "
		    "unknown_devices = certified lets no device register");
	else if (t.ca == NULL && r->c->client_pinned)
		say(r, CHECK_WARN, "client_ca", "there is none, so that "
		    "client_pinned means nothing");
	else
		say(r, late ? CHECK_WARN : CHECK_OK, "client_ca", "%s", text);
	client_unload(&t);
}

/* What the configuration asks for and the library in use has not. */
static void
check_library(struct run *r)
{
	char library[64], can[COAP_CAN_TEXT];
	bool ok = (r->c->listen_coaps_tcp[0] == '\0' || coap_can("tls")) &&
	    (r->c->listen_ws[0] == '\0' || coap_can("ws")) &&
	    (r->c->listen_wss[0] == '\0' || coap_can("wss"));

	coap_can_library(library, sizeof(library));
	coap_can_describe(can);
	say(r, ok ? CHECK_OK : CHECK_FAIL, "library", "%s: %s", library,
	    can);
}

static void
check_port(struct run *r, const struct conf_key *k, int *ret_fd)
{
	const char *addr = (const char *)r->c + k->off;
	struct why why = {0};
	int rc;

	if (addr[0] == '\0') {
		say(r, CHECK_OK, k->name, "off");
		return;
	}
	rc = front_probe(addr, strcmp(k->unit, "TCP") == 0, ret_fd, &why);
	if (rc == ERR_BUSY && r->runs)
		say(r, CHECK_OK, k->name, "%s %s, taken, as it should be "
		    "while a suitd runs", k->unit, addr);
	else if (rc == ERR_BUSY && r->closed)
		say(r, CHECK_WARN, k->name, "%s %s, taken, perhaps by the "
		    "suitd of this state_dir", k->unit, addr);
	else if (rc != 0)
		say(r, CHECK_FAIL, k->name, "%s: %s", k->unit, why.text);
	else
		say(r, CHECK_OK, k->name, "%s %s, free", k->unit, addr);
}

/* All are kept until the last one is had: two keys may want the same. */
static void
check_ports(struct run *r)
{
	int fd[PORTS];
	size_t n = 0;

	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		if (k->type != CONF_ADDR || n == PORTS)
			continue;
		fd[n] = -1;
		check_port(r, k, &fd[n++]);
	}
	while (n > 0)
		if (fd[--n] >= 0)
			close(fd[n]);
}

bool
selfcheck(const struct conf *c, void (*line)(void *arg, enum check result,
    const char *what, const char *text), void *arg)
{
	struct run r = {.c = c, .line = line, .arg = arg};
	bool lost;

	check_state_dir(&r);
	lost = r.fails; /* and all that lies in it */
	if (r.made) {
		check_database(&r);
		check_folder(&r, "images");
		check_folder(&r, "tmp");
		check_authors(&r);
	}
	if (!lost || c->admin_psk[0] != '\0')
		check_operators(&r);
	check_certificate(&r);
	check_clients(&r);
	check_library(&r);
	check_trust(&r);
	check_opened(&r);
	check_ports(&r);
	if (c->allow_unsigned)
		say(&r, CHECK_WARN, "allow_unsigned", "manifests without a "
		    "signature can be published");
	return !r.fails;
}

/* --- for a person --- */

static void
print_line(void *arg, enum check result, const char *what, const char *text)
{
	static const char *const words[] = {
		[CHECK_OK] = "ok",
		[CHECK_WARN] = "warning",
		[CHECK_FAIL] = "FAILS",
	};

	(void)arg;
	printf("%-16s  %-7s  %s\n", what, words[result], text);
}

/* Root may read everything, which says nothing of the service's user. */
static void
become_owner(const char *dir)
{
	struct passwd *pw;
	struct stat st;
	char text[300];

	if (geteuid() != 0 || stat(dir, &st) != 0 || st.st_uid == 0)
		return;
	pw = getpwuid(st.st_uid);
	if (pw == NULL || initgroups(pw->pw_name, pw->pw_gid) != 0 ||
	    setegid(pw->pw_gid) != 0 || seteuid(st.st_uid) != 0) {
		snprintf(text, sizeof(text), "what user %u, who owns %s, may "
		    "do was not looked at", (unsigned)st.st_uid, dir);
		print_line(NULL, CHECK_WARN, "user", text);
		return;
	}
	snprintf(text, sizeof(text), "%s, who owns %s", pw->pw_name, dir);
	print_line(NULL, CHECK_OK, "user", text);
}

int
selfcheck_main(const struct conf *c)
{
	print_line(NULL, CHECK_OK, "configuration", "read, and every key is "
	    "well");
	become_owner(c->state_dir);
	return selfcheck(c, print_line, NULL) ? 0 : 1;
}
