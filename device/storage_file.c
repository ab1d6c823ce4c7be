/*
 * A storage driver over a directory: `state` and `active`, each replaced by
 * rename, and one file per part and slot. set_state syncs the open part
 * before the state that speaks of it.
 */
#include "device/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int
io_error(void)
{
	return errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE :
	    errno == EROFS ? ERR_READONLY : ERR_IO;
}

static void
path_of(const struct storage_file *f, const char *name, char dst[300])
{
	snprintf(dst, 300, "%s/%s", f->dir, name);
}

static int
write_all(int fd, const uint8_t *p, size_t n, off_t off)
{
	while (n > 0) {
		ssize_t k = pwrite(fd, p, n, off);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return io_error();
		p += k;
		n -= (size_t)k;
		off += k;
	}
	return 0;
}

static int
sync_dir(const struct storage_file *f)
{
	int fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return io_error();
	if (fsync(fd) != 0)
		err = io_error();
	close(fd);
	return err;
}

/* The old content or the new one, whenever the power goes. */
static int
replace(const struct storage_file *f, const char *name, struct slice content)
{
	char path[300], temp[304];
	int fd, err;

	path_of(f, name, path);
	snprintf(temp, sizeof temp, "%s.new", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return io_error();
	err = write_all(fd, content.p, content.n, 0);
	if (err == 0 && fsync(fd) != 0)
		err = io_error();
	close(fd);
	if (err == 0 && rename(temp, path) != 0)
		err = io_error();
	if (err != 0) {
		unlink(temp);
		return err;
	}
	return sync_dir(f);
}

/* 0 bytes when there is no such file. */
static int
read_small(const struct storage_file *f, const char *name, uint8_t *dst,
    size_t cap, size_t *ret_n)
{
	char path[300];
	ssize_t n;
	int fd;

	path_of(f, name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		*ret_n = 0;
		return 0;
	}
	if (fd < 0)
		return io_error();
	n = read(fd, dst, cap);
	close(fd);
	if (n < 0)
		return io_error();
	*ret_n = (size_t)n;
	return 0;
}

int
storage_file_init(struct storage_file *f, const char *dir)
{
	struct stat st;

	memset(f, 0, sizeof *f);
	f->fd = -1;
	if (strlen(dir) >= sizeof f->dir)
		return ERR_SIZE;
	strcpy(f->dir, dir);
	if (stat(dir, &st) != 0)
		return io_error();
	return S_ISDIR(st.st_mode) ? 0 : ERR_INVALID;
}

void
storage_file_fini(struct storage_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->started = f->open = f->finished = false;
}

static int
file_get_state(void *arg, uint8_t *dst, size_t cap, size_t *ret_n)
{
	struct storage_file *f = arg;
	uint8_t slot = '0';
	size_t n = 0;
	int err;

	err = read_small(f, "active", &slot, 1, &n);
	if (err == 0)
		err = read_small(f, "state", dst, cap, ret_n);
	if (err != 0)
		return err;
	f->slot = n == 1 && slot == '1';
	f->started = true;
	return 0;
}

static int
file_set_state(void *arg, struct slice state)
{
	struct storage_file *f = arg;

	if (!f->started)
		return ERR_ORDER;
	if (state.n > STORAGE_STATE)
		return ERR_SPACE;
	if (f->open && fdatasync(f->fd) != 0)
		return io_error();
	return replace(f, "state", state);
}

static int
file_active(void *arg, unsigned *ret_slot)
{
	struct storage_file *f = arg;

	if (!f->started)
		return ERR_ORDER;
	*ret_slot = f->slot;
	return 0;
}

static int
file_open(struct storage_file *f, unsigned part, int flags)
{
	char name[32], path[300];

	if (!f->started || f->open)
		return ERR_ORDER;
	if (part >= STORAGE_PARTS)
		return ERR_RANGE;
	snprintf(name, sizeof name, "slot%u.part%u", !f->slot, part);
	path_of(f, name, path);
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	if (f->fd < 0)
		return io_error();
	f->open = true;
	f->finished = false;
	return 0;
}

static void
file_close(struct storage_file *f)
{
	close(f->fd);
	f->fd = -1;
	f->open = false;
}

static int
file_begin(void *arg, unsigned part, uint64_t size)
{
	struct storage_file *f = arg;
	int err;

	(void)size; /* a full disk tells at write */
	err = file_open(f, part, O_TRUNC);
	if (err == 0)
		f->len = 0;
	return err;
}

static int
file_resume(void *arg, unsigned part, uint64_t off)
{
	struct storage_file *f = arg;
	struct stat st;
	int err;

	err = file_open(f, part, 0);
	if (err != 0)
		return err;
	if (fstat(f->fd, &st) != 0)
		err = io_error();
	else if ((uint64_t)st.st_size < off)
		err = ERR_RANGE;
	else if (ftruncate(f->fd, (off_t)off) != 0)
		err = io_error();
	if (err != 0)
		file_close(f);
	else
		f->len = off;
	return err;
}

static int
file_write(void *arg, uint64_t off, struct slice data)
{
	struct storage_file *f = arg;
	int err;

	if (!f->open || off != f->len)
		return ERR_ORDER;
	err = write_all(f->fd, data.p, data.n, (off_t)off);
	if (err == 0)
		f->len += data.n;
	return err;
}

static int
file_read(void *arg, uint64_t off, uint8_t *dst, size_t n)
{
	struct storage_file *f = arg;

	if (!f->open)
		return ERR_ORDER;
	if (off > f->len || n > f->len - off)
		return ERR_RANGE;
	while (n > 0) {
		ssize_t k = pread(f->fd, dst, n, (off_t)off);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? io_error() : ERR_CORRUPT;
		dst += k;
		n -= (size_t)k;
		off += (uint64_t)k;
	}
	return 0;
}

static int
file_finish(void *arg)
{
	struct storage_file *f = arg;

	if (!f->open)
		return ERR_ORDER;
	if (fsync(f->fd) != 0)
		return io_error();
	file_close(f);
	f->finished = true;
	return sync_dir(f);
}

static int
file_abort(void *arg)
{
	struct storage_file *f = arg;

	if (!f->open)
		return ERR_ORDER;
	file_close(f);
	return 0;
}

static int
file_activate(void *arg)
{
	struct storage_file *f = arg;
	int err;

	if (!f->started || f->open || !f->finished)
		return ERR_ORDER;
	err = replace(f, "active", slice_str(f->slot ? "0" : "1"));
	if (err == 0)
		f->slot = !f->slot;
	return err;
}

static int
file_list_read(void *arg, unsigned place, uint8_t *dst, size_t cap,
    size_t *ret_n)
{
	struct storage_file *f = arg;

	if (!f->started)
		return ERR_ORDER;
	return place > 1 ? ERR_RANGE : read_small(f, place == 0 ? "list0" :
	    "list1", dst, cap, ret_n);
}

static int
file_list_write(void *arg, unsigned place, struct slice list)
{
	struct storage_file *f = arg;

	if (!f->started)
		return ERR_ORDER;
	if (list.n > STORAGE_LIST)
		return ERR_SPACE;
	return place > 1 ? ERR_RANGE : replace(f, place == 0 ? "list0" :
	    "list1", list);
}

const struct storage storage_file = {
	.get_state = file_get_state, .set_state = file_set_state,
	.active = file_active, .begin = file_begin, .resume = file_resume,
	.write = file_write, .read = file_read, .finish = file_finish,
	.abort = file_abort, .activate = file_activate,
	.list_read = file_list_read, .list_write = file_list_write,
};
