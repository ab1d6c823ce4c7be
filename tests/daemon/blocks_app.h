/*
 * blocks_app: a whole daemon on loopback whose loop runs only when the test
 * says so, and images that it has published.
 */
#ifndef SUITD_TESTS_DAEMON_BLOCKS_APP_H
#define SUITD_TESTS_DAEMON_BLOCKS_APP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "daemon/app.h"
#include "daemon/blocks_impl.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "lib/text.h"

#define OK(x) assert_int_equal((x), 0)
#define SIZE (64 * 1024 + 7)

static struct app app;
static uint8_t bytes[SIZE + 1];

struct image {
	uint8_t digest[32];
	uint64_t release;
	char id[44];
	const uint8_t *p;
	size_t n;
};

static inline void
stop(void *arg)
{
	loop_stop(arg);
}

static inline void
open_app(const char *listen, unsigned workers)
{
	struct why why = {0};

	memset(&app, 0, sizeof(app));
	conf_default(&app.conf);
	strcpy(app.conf.state_dir, "/tmp/test_blocks.XXXXXX");
	assert_non_null(mkdtemp(app.conf.state_dir));
	snprintf(app.conf.listen_coap, sizeof(app.conf.listen_coap), "%s",
	    listen);
	app.conf.listen_coaps[0] = app.conf.listen_tcp[0] = '\0';
	app.conf.listen_admin[0] = '\0';
	app.conf.image_workers = workers;
	app.conf.synchronous_full = false;
	if (app_open(&app, &why) != 0)
		fail_msg("app_open: %s", why.text);
	OK(loop_every(app.loop, 20, stop, app.loop));
}

static inline int
setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	open_app("[::]:0", LIMIT_IMAGE_WORKERS);
	return 0;
}

static inline int
teardown(void **state)
{
	char cmd[300];

	(void)state;
	app_close(&app);
	snprintf(cmd, sizeof(cmd), "rm -r %s", app.conf.state_dir);
	return system(cmd);
}

static inline void
put_image(struct image *im)
{
	struct blob_put *p;

	OK(blob_put_begin(app.blobs, &p));
	OK(blob_put_write(p, slice_of(im->p, im->n)));
	OK(blob_put_commit(p, NULL, im->digest, NULL));
	text_b64u(slice_of(im->digest, 32), im->id, sizeof(im->id));
}

/* The envelope is none, which is of no interest to images. */
static inline void
publish(struct image *im, const char *path)
{
	struct store_release r = {.state = RELEASE_LIVE, .class_count = 1};
	struct store_payload p = {.size = im->n};
	static uint64_t seq;

	put_image(im);
	r.seq = ++seq;
	memcpy(r.digest, &r.seq, sizeof(r.seq));
	memcpy(p.digest, im->digest, 32);
	snprintf(p.path, sizeof(p.path), "%s", path);
	strcpy(p.uri, "coap://x/y");
	OK(engine_begin(app.engine));
	OK(engine_end(app.engine, app.store->ops->release_put(app.store, &r,
	    slice_str("x"), &p, 1)));
	im->release = r.id;
	engine_after(app.engine, catalog_reload);
	engine_turn(app.engine);
}

static inline void
set_state(const struct image *im, enum release_state st)
{
	OK(engine_begin(app.engine));
	OK(engine_end(app.engine, app.store->ops->release_set_state(app.store,
	    im->release, st)));
	engine_after(app.engine, catalog_reload);
	engine_turn(app.engine);
}

static inline struct image
published(size_t n)
{
	struct image im = {.p = bytes, .n = n};

	publish(&im, "");
	return im;
}

static inline struct blocks_stats
stats(void)
{
	struct blocks_stats st;

	blocks_stats(app.blocks, &st);
	return st;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
