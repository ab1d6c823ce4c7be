#include "daemon/keyhunt.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret.h"

#define KEY_MAX (64 * 1024) /* a larger file is no key */

struct hunt {
	const struct trust *list;
	struct why *why;
};

int
keyhunt_may(const struct trust *list, const struct cose_key *key,
    const char *path, struct why *why)
{
	uint8_t kid[TRUST_KID];
	struct slice s = slice_of(kid, sizeof(kid));
	const struct trust_key *k;
	const char *role = NULL;
	int rc = cose_key_id(key, kid);

	if (rc != 0)
		return rc == ERR_KEY ? 0 : rc; /* a kind that signs nothing */
	k = trust_find(list, s);
	if (trust_is_root(list, s))
		role = "a root";
	else if (k != NULL && k->role == TRUST_AUTHOR)
		role = "an author";
	else if (k != NULL && k->role == TRUST_OPERATOR)
		role = "an operator";
	if (role == NULL)
		return 0;
	return why_set(why, ERR_POLICY, "%s is the private key of %s of "
	    "the trust list; suitd never holds one: move it to its owner's "
	    "own machine, and take the key out of the list if others may "
	    "have seen it", path, role);
}

static int
look(struct hunt *h, int dir, const char *folder, const char *name)
{
	static uint8_t bytes[KEY_MAX];
	char path[SECRET_PATH];
	struct cose_key *key = NULL;
	struct why none;
	struct stat st;
	ssize_t n = -1;
	int rc = 0, fd;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size > 0 && st.st_size <= KEY_MAX)
		n = read(fd, bytes, sizeof(bytes));
	close(fd);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (n > 0 && cose_key_parse(slice_of(bytes, (size_t)n), &key,
	    &none) == 0 && cose_key_private(key))
		rc = keyhunt_may(h->list, key, path, h->why);
	cose_key_free(key);
	explicit_bzero(bytes, sizeof(bytes));
	return rc;
}

static int
folder(struct hunt *h, const char *path)
{
	DIR *dir = path == NULL || path[0] == '\0' ? NULL : opendir(path);
	struct dirent *de;
	int rc = 0;

	if (dir == NULL)
		return 0; /* what we cannot read we do not hold */
	while (rc == 0 && (de = readdir(dir)) != NULL)
		rc = look(h, dirfd(dir), path, de->d_name);
	closedir(dir);
	return rc;
}

/* The folder that a file of the configuration is in. */
static int
beside(struct hunt *h, const char *file)
{
	char path[SECRET_PATH], *slash;

	if (file == NULL || file[0] == '\0')
		return 0;
	snprintf(path, sizeof(path), "%s", file);
	slash = strrchr(path, '/');
	if (slash == NULL)
		strcpy(path, ".");
	else
		slash[slash == path] = '\0';
	return folder(h, path);
}

int
keyhunt(const struct app *app, const struct trust *list, struct why *why)
{
	const struct conf *c = &app->conf;
	const char *const files[] = {app->conf_file, c->trust_root,
	    c->freshness_key, c->tls_key, c->tls_cert, c->admin_psk};
	struct hunt h = {list, why};
	int rc = folder(&h, c->state_dir);

	for (size_t i = 0; rc == 0 && i < sizeof(files) / sizeof(files[0]);
	    i++)
		rc = beside(&h, files[i]);
	return rc != 0 ? rc : folder(&h, getenv("CREDENTIALS_DIRECTORY"));
}
