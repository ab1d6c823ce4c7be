/*
 * The bootloaders of the fleet: a key for each device in a directory, made
 * where there is none. The public one beside it is for suitctl device attest.
 *
 * The counters are in the device's RAM, which does not outlive suitsim, and
 * so each run is a device that has lost its memory: it draws another epoch.
 */
#include "device/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#define PEM_MAX 2048
#define PATH_LEN 512

static int
complain(const char *path)
{
	fprintf(stderr, "suitsim: %s: %m\n", path);
	return ERR_IO;
}

static int
write_file(const char *path, struct slice s, int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	bool ok = fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n;

	if (fd >= 0 && close(fd) != 0)
		ok = false;
	return ok ? 0 : complain(path);
}

static int
make_key(const char *path, const char *pub, struct cose_key **ret)
{
	uint8_t mem[PEM_MAX];
	struct buf pem = buf_of(mem, sizeof mem);
	struct cose_key *key = NULL;
	int err = cose_key_generate(COSE_KEY_P256, &key);

	if (err == 0)
		err = cose_key_put_pem(key, true, &pem);
	if (err == 0)
		err = write_file(path, buf_slice(&pem), 0600);
	pem.n = 0;
	if (err == 0)
		err = cose_key_put_pem(key, false, &pem);
	if (err == 0)
		err = write_file(pub, buf_slice(&pem), 0644);
	explicit_bzero(mem, sizeof mem);
	if (err != 0)
		cose_key_free(key);
	else
		*ret = key;
	return err;
}

static int
read_key(const char *path, FILE *f, struct cose_key **ret)
{
	uint8_t mem[PEM_MAX];
	size_t n = fread(mem, 1, sizeof mem, f);
	struct why why = {0};
	int err = cose_key_parse(slice_of(mem, n), ret, &why);

	explicit_bzero(mem, sizeof mem);
	if (err != 0)
		fprintf(stderr, "suitsim: %s: %s\n", path, why.text);
	return err;
}

static int
sign(void *arg, const struct bootreport *r, struct buf *out)
{
	const struct sim_dev *d = arg;

	return bootreport_sign(r, d->boot_key, out);
}

int
sim_attest(struct sim_dev *d)
{
	const struct sim_args *a = &d->sim->args;
	char path[PATH_LEN], pub[PATH_LEN];
	FILE *f;
	int err;

	if (a->attest_dir == NULL)
		return 0;
	if (snprintf(path, sizeof path, "%s/%s.pem", a->attest_dir, d->ep) >=
	    (int)sizeof path || snprintf(pub, sizeof pub, "%s/%s.pub.pem",
	    a->attest_dir, d->ep) >= (int)sizeof pub)
		return ERR_SIZE;
	f = fopen(path, "re");
	if (f == NULL && errno != ENOENT)
		return complain(path);
	err = f == NULL ? make_key(path, pub, &d->boot_key) :
	    read_key(path, f, &d->boot_key);
	if (f != NULL)
		fclose(f);
	d->attest = (struct suitdev_attest){.sign = sign, .sign_arg = d,
	    .nonce_wanted = a->attest_nonce};
	if (err == 0 && getrandom(d->attest.epoch, sizeof d->attest.epoch,
	    0) != sizeof d->attest.epoch)
		err = ERR_IO;
	return err;
}
