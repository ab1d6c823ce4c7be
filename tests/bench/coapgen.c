/*
 * coapgen: a load generator for CoAP servers. Any number of devices, each
 * with an address of its own, over few sockets; every byte of an answer is
 * verified. `coapgen --help`; tests/e2e/test_coapgen.py shows that it sees
 * what is wrong.
 */
#include <stdio.h>

#include "tests/bench/gen.h"

int
main(int argc, char **argv)
{
	static struct gen_args a;
	static struct gen g = {.a = &a};
	struct why why = {0};
	int rc;

	if (!gen_args(argc, argv, &a, &rc))
		return rc;
	rc = a.mode == GEN_ECHO ? echo_run(&a, &why) : gen_run(&g, &why);
	if (rc != 0) {
		fprintf(stderr, "coapgen: %s\n",
		    why.text[0] != '\0' ? why.text : err_text(rc));
		return 2;
	}
	return g.t.bad > 0;
}
