/*
 * SQLite keeps the index of its log in a file that it maps, the -shm, and
 * makes it grow by writing the last byte of each page. Where the blocks of
 * the file system are smaller than a page, the rest of the page is a hole,
 * and to write there through the mapping on a full disk is SIGBUS: no error
 * that anybody could tell, but the end of the process. So the blocks are
 * asked for before the file is mapped, by an mmap of our own in the place of
 * SQLite's. A SQLite that does not let its calls be replaced is as before.
 *
 * Rejected: to allocate the file before SQLite opens it (the first connection
 * truncates it), or after (it has been written to by then), or in steps
 * later (it grows with the log); a VFS of our own around all of SQLite's, for
 * one call of it; locking_mode=EXCLUSIVE, which needs no such file and knows
 * no second connection; posix_fallocate, which writes zeros by itself where
 * the file system cannot do it, beside others that write.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "db/store_sqlite.h"

static void *
map_whole(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	int rc = 0;

	if ((prot & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0)
		do
			rc = fallocate(fd, 0, off, (off_t)n);
		while (rc != 0 && errno == EINTR);
	if (rc != 0 && (errno == ENOSPC || errno == EDQUOT))
		return MAP_FAILED;
	return mmap(at, n, prot, flags, fd, off);
}

void
sq_shm_whole(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	/* SQLite's off_t has 64 bits, everywhere */
	if (vfs != NULL && vfs->iVersion >= 3 &&
	    vfs->xSetSystemCall != NULL && sizeof(off_t) == 8)
		(void)vfs->xSetSystemCall(vfs, "mmap",
		    (sqlite3_syscall_ptr)map_whole);
}
