/*
 * Preloaded into suitd by tests of the watchdog: SIGUSR2 hangs the thread
 * that takes it, for ever. That is the loop's: the others block all signals.
 */
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void
hang(int signo)
{
	(void)signo;
	for (;;)
		usleep(1000000);
}

__attribute__((constructor)) static void
install(void)
{
	struct sigaction sa = {.sa_handler = hang};

	sigaction(SIGUSR2, &sa, NULL);
}
