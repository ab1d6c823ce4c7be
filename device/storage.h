/*
 * storage: where a device keeps its state and its images. The core calls a
 * driver in this order and in no other; a driver may refuse any other with
 * ERR_ORDER (those here do):
 *
 *  1. get_state    once, first, after every start. *ret_n is 0 on a device
 *                  that never stored any.
 *  2. active       which slot (0 or 1) runs now; any time after 1.
 *  3. set_state    any time after 1. When it returns 0 the bytes survive
 *                  power loss; a loss during the call leaves the old bytes
 *                  or the new ones, never a mixture.
 *  4. begin        opens `part` of the slot that does not run, for `size`
 *                  bytes (0: unknown), and drops what it held;
 *     or resume    opens it as it is, to go on writing at `off`. Whatever
 *                  was written before `off` is still there.
 *  5. write        at ascending offsets without a gap, after 4. Returns once
 *                  the bytes are with the driver; they survive power loss
 *                  no later than the next set_state that returns 0.
 *  6. read         any time between 4 and 7, below the highest offset
 *                  written. The core computes the digest from these.
 *  7. finish       the part is complete and its digest was right. Back to 4
 *                  for the next part, or on to 8.
 *     or abort     from 4 to 6: gives the part up; what was written may be
 *                  lost. Back to 4.
 *  8. activate     after every part was finished: the slot that does not
 *                  run is the one to start next. A device that lost power
 *                  between 7 and 8 resumes, reads and finishes each part
 *                  once more before it.
 *
 * Of a device that has trust lists, besides, any time after 1:
 *     list_read    what was written last to place 0 or 1; *ret_n is 0 when
 *                  nothing was.
 *     list_write   replaces what is in that place. When it returns 0 the
 *                  bytes survive power loss; a loss during the call may
 *                  leave anything in that place, and the other as it was.
 *
 * After a power loss everything starts again at 1. Return values are 0 or
 * ERR_*; ERR_NOSPACE and ERR_IO mean a failure of execution (class X).
 */
#ifndef SUITD_DEVICE_STORAGE_H
#define SUITD_DEVICE_STORAGE_H

#include <limits.h>

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

#define STORAGE_PARTS 8 /* components of one release */
#define STORAGE_STATE 512 /* bytes of state at most */
#define STORAGE_LIST (LIMIT_TRUST_LIST + 32) /* with its digest */

struct storage {
	int (*get_state)(void *arg, uint8_t *dst, size_t cap, size_t *ret_n);
	int (*set_state)(void *arg, struct slice state);
	int (*active)(void *arg, unsigned *ret_slot);
	int (*begin)(void *arg, unsigned part, uint64_t size);
	int (*resume)(void *arg, unsigned part, uint64_t off);
	int (*write)(void *arg, uint64_t off, struct slice data);
	int (*read)(void *arg, uint64_t off, uint8_t *dst, size_t n);
	int (*finish)(void *arg);
	int (*abort)(void *arg);
	int (*activate)(void *arg);
	int (*recovery)(void *arg, bool *ret_recovery);
	/* both NULL: it has no trust lists */
	int (*list_read)(void *arg, unsigned place, uint8_t *dst, size_t cap,
	    size_t *ret_n);
	int (*list_write)(void *arg, unsigned place, struct slice list);
};

/*
 * RAM that outlives a simulated power loss. `fail_in` counts down over
 * set_state, begin, write, finish, activate and list_write: at 1 the call fails with
 * ERR_IO (once); 0 is never.
 *
 * It plays the boot loader as well: of the images that are activated the
 * next `bad_boots` do not come up. The old slot is started again then; with
 * `single_slot` there is no old image, and it is the recovery updater.
 */
#define STORAGE_RAM_NO_BOOT UINT_MAX /* bad_boots: none ever does */
struct storage_ram {
	uint8_t state[STORAGE_STATE];
	size_t state_n;
	unsigned slot;
	size_t part_max; /* bytes one part may take */
	uint8_t *part[2][STORAGE_PARTS];
	size_t cap[2][STORAGE_PARTS], len[2][STORAGE_PARTS];
	bool started, open, finished;
	unsigned cur;
	unsigned fail_in;
	uint8_t *list[2];
	size_t list_n[2];
	uint64_t calls; /* of the six above, for tests */
	bool single_slot;
	unsigned bad_boots;
	unsigned refused_boots; /* so often so far */
	bool tried; /* the next start is the first of a new image */
	bool recovery;
};
extern const struct storage storage_ram;
void storage_ram_init(struct storage_ram *r, size_t part_max);
void storage_ram_fini(struct storage_ram *r);
void storage_ram_power(struct storage_ram *r); /* loss and return */

/*
 * A directory: state and listN (written by rename), active, and slotN.partM.
 * Everything is synced before set_state returns.
 */
struct storage_file {
	char dir[240];
	int fd;
	unsigned slot, cur;
	uint64_t len;
	bool started, open, finished;
};
extern const struct storage storage_file;
int storage_file_init(struct storage_file *f, const char *dir) MUST_USE;
void storage_file_fini(struct storage_file *f);

#endif
