/*
 * Counts what a process asks of the C library, for each thread: memory,
 * mutexes, SQL statements. Loaded into suitd by LD_PRELOAD; the counters are
 * in the file that COUNT_FILE names, where tests/e2e/counts.py reads them
 * while the process runs. Writes are not counted here: stdio's do not come
 * by, and the kernel counts them for each thread (/proc/PID/task/TID/io).
 *
 * The real allocator is called by glibc's own names for it, since dlsym()
 * itself allocates.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLOTS 64 /* threads; later ones share the last slot */

/* The layout that counts.py reads. */
struct slot {
	atomic_ullong tid, allocs, frees, locks, steps;
};

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);
extern void __libc_free(void *p);
struct sqlite3_stmt;
int sqlite3_step(struct sqlite3_stmt *st);

static struct slot early, *slots;
static atomic_uint used;
static __thread struct slot *mine
    __attribute__((tls_model("initial-exec")));

static struct slot *
slot(void)
{
	unsigned i;

	if (mine != NULL)
		return mine;
	if (slots == NULL)
		return &early;
	i = atomic_fetch_add(&used, 1);
	mine = &slots[i < SLOTS ? i : SLOTS - 1];
	atomic_store(&mine->tid, (unsigned long long)syscall(SYS_gettid));
	return mine;
}

static void __attribute__((constructor))
start(void)
{
	const char *name = getenv("COUNT_FILE");
	int fd = name == NULL ? -1 : open(name, O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);
	void *p;

	if (fd < 0 || ftruncate(fd, SLOTS * sizeof(struct slot)) != 0)
		return;
	p = mmap(NULL, SLOTS * sizeof(struct slot), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		slots = p;
}

void *
malloc(size_t n)
{
	atomic_fetch_add(&slot()->allocs, 1);
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	atomic_fetch_add(&slot()->allocs, 1);
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	atomic_fetch_add(&slot()->allocs, 1);
	return __libc_realloc(p, n);
}

void *
memalign(size_t align, size_t n)
{
	atomic_fetch_add(&slot()->allocs, 1);
	return __libc_memalign(align, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
	return memalign(align, n);
}

int
posix_memalign(void **ret, size_t align, size_t n)
{
	*ret = memalign(align, n);
	return *ret == NULL ? ENOMEM : 0;
}

void
free(void *p)
{
	atomic_fetch_add(&slot()->frees, 1);
	__libc_free(p);
}

int
pthread_mutex_lock(pthread_mutex_t *m)
{
	static int (*real)(pthread_mutex_t *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	atomic_fetch_add(&slot()->locks, 1);
	return real(m);
}

int
sqlite3_step(struct sqlite3_stmt *st)
{
	static int (*real)(struct sqlite3_stmt *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_step");
	atomic_fetch_add(&slot()->steps, 1);
	return real(st);
}
