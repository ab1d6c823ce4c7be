/*
 * suitd.h: what a handler, a driver and the engine share. suitd.c makes it
 * and owns every member; nothing else is global.
 */
#ifndef SUITD_DAEMON_SUITD_H
#define SUITD_DAEMON_SUITD_H

#include "daemon/counts.h"
#include "daemon/front.h"
#include "daemon/health.h"
#include "daemon/loop.h"
#include "daemon/peer.h"
#include "db/blob.h"
#include "db/store.h"
#include "lib/conf.h"
#include "lib/few.h"
#include "lib/nonce.h"

struct access; /* access.h: who may do what */
struct admit; /* admit.h: who may start now */
struct engine; /* engine.h: the pump, and the turn's transaction */
struct disk; /* disk.h: a thread for what takes long */
struct checks; /* checks.h: images are hashed before they are served */
struct look; /* look.h: the database is read through after a start */
struct blocks; /* blocks.h: images over plain UDP, on threads */
struct campaigns; /* campaign.h: plans in the making */
struct polled; /* polled.h: polls that need no SQL */
struct life; /* life.h: signals, states, reload, drain */
struct catalog; /* catalog.h: what is served, in memory: no SQL on GET */

struct reach; /* reach.h: who has shown its address */
struct http; /* http.h: metrics, health */
struct survey; /* survey.h: a walk over devices, for metrics */
struct runs; /* runs.h: campaigns in memory */
struct backups; /* backup.h: the snapshot that is being fetched */
struct audit; /* audit.h: who did what, chained */
struct twins; /* twin.h: credentials that two devices use */
struct wrongkeys; /* wrongkey.h: who does not prove its key */
struct ahead; /* ahead.h: devices that know more than we do */

struct trusted; /* trusted.h: the trust list in force */
struct boots; /* boots.h: boot reports that were proven lately */

struct app {
	struct conf conf;
	const char *conf_file; /* where it is from; NULL: nowhere */
	struct loop *loop;
	struct store *store;
	struct blob_store *blobs;
	struct disk *disk; /* NULL: none, the loop does it all */
	struct checks *checks; /* NULL: none */
	struct look *look;
	struct catalog *catalog;
	struct polled *polled; /* NULL: none is remembered */
	struct access *access;
	struct front *front;
	struct blocks *blocks; /* NULL: none */
	struct peer *peer;
	struct engine *engine;
	struct admit *admit;
	struct runs *runs;
	struct campaigns *campaigns;
	struct counts counts;
	struct few claims; /* of who may not: lines of the log */
	struct http *http; /* NULL: off */
	struct survey *survey; /* NULL: off */
	struct life *life; /* NULL: no signals, always ready */
	struct backups *backups; /* NULL in tests without any */
	struct ahead *ahead; /* NULL: the store was never restored */
	struct trusted *trusted; /* NULL: no list */
	struct boots *boots; /* NULL in tests without any */
	struct audit *audit; /* NULL in tests without any */
	struct twins *twins; /* NULL: nobody looks */
	struct wrongkeys *wrongkeys; /* NULL in tests without any */
	struct nonce_key nonce; /* of this start */
	struct reach *reach; /* NULL in tests without any */
	int64_t started; /* Unix ms */
	int lock_fd; /* one daemon per state directory */
	struct health health;
};

/* A verb of the store's: ST(app, device_get, id, &d). */
#define ST(app, verb, ...) \
	((app)->store->ops->verb((app)->store, __VA_ARGS__))

#endif
