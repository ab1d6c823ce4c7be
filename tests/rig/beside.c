#include "tests/rig/beside.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

char beside_output[64 * 1024];
static int input = -1; /* our end of its standard input */

void
beside_write(const void *p, size_t n)
{
	if (input >= 0)
		(void)send(input, p, n, MSG_NOSIGNAL);
}

void
beside_hang_up(void)
{
	if (input >= 0)
		close(input);
	input = -1;
}

static void
run(const char *command, int in)
{
	char path[] = "/tmp/front_tls.XXXXXX";
	int fd = mkstemp(path), status;
	ssize_t n;
	pid_t pid = fork();

	unlink(path);
	if (pid == 0) {
		dup2(fd, 1);
		dup2(fd, 2);
		dup2(in, 0);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
		if (i == 24000) /* it hangs */
			kill(pid, SIGKILL);
		rig_run(5);
	}
	rig_run(0); /* its last word */
	n = pread(fd, beside_output, sizeof(beside_output) - 1, 0);
	beside_output[n < 0 ? 0 : n] = '\0';
	close(fd);
	close(in);
}

void
beside_run(const char *command)
{
	run(command, open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void
beside_talk(const char *command)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    fd), 0);
	input = fd[0];
	run(command, fd[1]);
	beside_hang_up();
}

void
beside_client(enum transport t, const char *args, const char *path)
{
	static const char *const scheme[TRANSPORTS] = {
		[T_UDP] = "coap", [T_DTLS] = "coaps", [T_TCP] = "coap+tcp",
		[T_TLS] = "coaps+tcp", [T_ADMIN] = "coaps",
	};
	char command[512];

	snprintf(command, sizeof(command),
	    "exec coap-client-openssl -B 60 %s %s://127.0.0.1:%u/%s", args,
	    scheme[t], front_port(rig.front, t), path);
	beside_run(command);
}

void
beside_says(const char *text)
{
	if (strstr(beside_output, text) == NULL)
		fail_msg("\"%s\" is not in: %.400s", text, beside_output);
}

void
beside_s_client(const char *cipher, const char *more)
{
	char command[512];

	snprintf(command, sizeof(command), "timeout 60 openssl "
	    "s_client -dtls1_2 -nbio -connect 127.0.0.1:%u -psk_identity dev1 "
	    "-psk 736563726574 -cipher %s:@SECLEVEL=0 %s",
	    front_port(rig.front, T_DTLS), cipher, more);
	beside_run(command);
}
