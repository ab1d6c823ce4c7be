/* Where the kernel or the path has less, and where no workers are wanted. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tests/daemon/blocks_ask.h"

static void
nothing_to_steer_is_said_and_leaves_nothing(void **state)
{
	struct steer_group g = {.n = 2};
	struct steer st = {1, {"i"}};
	struct why why = {0};
	int pair[2];

	(void)state;
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	g.beside = pair[0];
	assert_int_equal(steer_open(&g, &st, &why), ERR_UNSUPPORTED);
	assert_int_equal(g.n, 0);
	assert_true(why.text[0] != '\0');
	close(pair[0]);
	close(pair[1]);
}

/* The kernel of a container that forbids reuseport programs. */
static void
forbid_steering(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_ATTACH_REUSEPORT_CBPF,
		    0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = {sizeof(f) / sizeof(f[0]), f};

	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p));
}

static bool
libcoap_serves_it(void)
{
	struct image im;
	struct ask q;
	struct answer a;
	int fd;

	open_app("[::]:0", 2);
	im = published(SIZE);
	q = of(&im);
	q.num = 5;
	fd = client("127.0.0.1");
	a = ask(fd, &q);
	is_block(&a, &im, 5120);
	close(fd);
	return blocks_workers(app.blocks) == 0 && stats().requests == 0;
}

static void
without_steering_libcoap_serves_everything(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		forbid_steering();
		status = libcoap_serves_it() ? 0 : 1;
		(void)teardown(state);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A link of its own that takes no more than 600 bytes. */
static bool
narrow_link(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_mtu = 600};
	int fd;

	if (unshare(CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	OK(ioctl(fd, SIOCSIFMTU, &r));
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	OK(ioctl(fd, SIOCSIFFLAGS, &r));
	close(fd);
	return true;
}

static bool
a_block_comes_in_parts(void)
{
	struct image im;
	struct ask q;
	struct answer a;
	int fd;

	open_app("[::]:0", 1);
	im = published(SIZE);
	q = of(&im);
	fd = client("127.0.0.1");
	warm_up(fd, &im);
	for (q.num = 1; q.num < 9; q.num++) {
		a = ask_worker(fd, &q);
		is_block(&a, &im, q.num * 1024);
	}
	close(fd);
	return stats().blocks == 9 && stats().dropped == 0;
}

static void
a_narrow_path_gets_its_blocks_too(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (!narrow_link())
			_exit(77);
		status = a_block_comes_in_parts() ? 0 : 1;
		(void)teardown(state);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void
no_workers_wanted_are_none(void **state)
{
	(void)teardown(state);
	open_app("[::]:0", 0);
	assert_null(app.blocks);
	assert_int_equal(blocks_workers(app.blocks), 0);
	assert_int_equal(stats().requests, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_to_steer_is_said_and_leaves_nothing),
		T(no_workers_wanted_are_none),
		/* without a daemon: they fork, and threads would stay behind */
		cmocka_unit_test(a_narrow_path_gets_its_blocks_too),
		cmocka_unit_test(without_steering_libcoap_serves_everything),
	};

	log_init(LOGL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
