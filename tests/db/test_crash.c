/*
 * kill -9 of a process that writes: what it was told is committed is there,
 * nothing is half there, and the next process goes on.
 *
 * A child runs numbered transactions and acknowledges each through a pipe
 * after its commit. It dies by its own hand before a random verb, or by the
 * parent's at a random time, so also inside of a commit.
 */
#include "tests/db/twins.h"

#include "db/store_sync.h"

#include <signal.h>
#include <sys/wait.h>

#define ROUNDS 50
#define EVENTS 3 /* per transaction */

static bool with_thread;

struct child {
	struct store *s;
	uint64_t release, campaign;
	int ack; /* pipe */
	unsigned left; /* verbs until it kills itself; 0: never */
};

static void
verb(struct child *c, int err)
{
	if (err != 0)
		_exit(3);
	if (c->left > 0 && --c->left == 0)
		kill(getpid(), SIGKILL);
}

/* Transaction n: a device, its job in a campaign and its steps, a part of
 * the campaign's plan, events, an inner pair that is undone, and the number
 * itself. */
static void
transaction(struct child *c, uint64_t n)
{
	const struct store_ops *ops = c->s->ops;
	struct store_device d, ghost;
	struct store_event e;
	struct job j;

	memset(&d, 0, sizeof(d));
	memset(&ghost, 0, sizeof(ghost));
	memset(&e, 0, sizeof(e));
	snprintf(d.ep, sizeof(d.ep), "d%06u", (unsigned)n);
	d.tag_count = 1;
	strcpy(d.tag[0].name, "t");
	strcpy(ghost.ep, "ghost");
	strcpy(e.kind, "job");
	verb(c, store_begin(c->s));
	verb(c, ops->device_put(c->s, &d));
	j = make_job(c->campaign, d.id, c->release, (int64_t)n);
	j.wave = 1;
	verb(c, ops->job_put(c->s, &j));
	verb(c, ops->plan_put(c->s, c->campaign, n, slice_of(&n, sizeof(n))));
	verb(c, store_begin(c->s));
	verb(c, ops->device_put(c->s, &ghost));
	store_rollback(c->s);
	j.state = JOB_DONE;
	j.attempt = 1;
	verb(c, ops->job_save(c->s, &j));
	for (int i = 0; i < EVENTS; i++) {
		e.at = (int64_t)n;
		e.device = d.id;
		verb(c, ops->event_put(c->s, &e));
	}
	verb(c, ops->meta_put(c->s, "last", slice_of(&n, sizeof(n))));
	verb(c, store_commit(c->s));
	if (c->s->unsynced) {
		verb(c, syncer_ask(c->s->syncer));
		verb(c, syncer_wait(c->s->syncer));
	}
	if (write(c->ack, &n, sizeof(n)) != sizeof(n))
		_exit(4);
	verb(c, 0); /* between two transactions */
}

static uint64_t
last(struct store *s)
{
	uint64_t n = 0;
	struct buf out = buf_of(&n, sizeof(n));

	return s->ops->meta_get(s, "last", &out) == 0 ? n : 0;
}

static int64_t
no_clock(void)
{
	return 0;
}

/* With the thread its checkpoints are cut off anywhere, too. */
static void
child(struct fixture *f, int ack, unsigned left)
{
	struct store_sqlite_opts o = OPTS(f->path, true);
	struct child c = {.release = 1, .campaign = 1, .ack = ack,
	    .left = left};
	struct why why;
	uint64_t n;

	o.clock = with_thread ? no_clock : NULL;
	if (store_sqlite_open(&o, &c.s, &why) != 0)
		_exit(2);
	n = last(c.s);
	while (left > 0 || n < 100000)
		transaction(&c, ++n);
	_exit(5);
}

/* Everything up to L is whole, of L + 1 there is nothing. */
static void
check(struct store *s, uint64_t l)
{
	struct store_device_filter f = {.limit = 1, .tag_name = "t"};
	struct buf out = buf_of((uint8_t[8]){0}, 8);
	struct store_counts k;
	struct store_tally t[2];
	struct store_stats st;
	struct store_device d;
	struct job j;
	size_t n = 0;

	s->ops->stats(s, &st);
	assert_int_equal(st.devices, l);
	assert_int_equal(st.jobs, l);
	assert_int_equal(st.jobs_live, 0);
	assert_int_equal(st.events, l * EVENTS);
	OK(s->ops->campaign_counts(s, 1, &k));
	assert_int_equal(k.by_state[JOB_DONE], l);
	assert_int_equal(k.attempts, l);
	OK(s->ops->campaign_tally(s, 1, t, 2, &n));
	assert_true(n == (l > 0) && (l == 0 || t[0].n == l));
	assert_int_equal(s->ops->plan_get(s, 1, l, &out), l > 0 ? 0 :
	    ERR_NOT_FOUND);
	FAILS(s->ops->plan_get(s, 1, l + 1, &out), ERR_NOT_FOUND);
	FAILS(s->ops->device_by_ep(s, "ghost", &d), ERR_NOT_FOUND);
	for (uint64_t i = l > 20 ? l - 20 : 1; i <= l + 1; i++) {
		snprintf(d.ep, sizeof(d.ep), "d%06u", (unsigned)i);
		snprintf(f.after, sizeof(f.after), "d%06u", (unsigned)i - 1);
		OK(s->ops->device_list(s, &f, &d, &n));
		assert_int_equal(n, i <= l);
		if (i > l)
			break;
		OK(s->ops->job_last(s, d.id, &j));
		assert_int_equal(j.state, JOB_DONE);
		assert_int_equal(j.version, 2);
	}
}

static uint64_t
drain(int fd)
{
	uint64_t n, best = 0;

	while (read(fd, &n, sizeof(n)) == sizeof(n))
		best = n;
	return best;
}

static void
what_was_acknowledged_survives_kill_9(void **state)
{
	struct fixture *f = *state;
	uint64_t acked, before = 0, l, total = 0;
	unsigned rnd = 7;
	int status, fd[2];
	pid_t pid;

	add_campaign(f->s, add_release(f->s, 1), 1);
	store_close(f->s);
	f->s = NULL;
	for (int round = 0; round < ROUNDS; round++) {
		unsigned left = round % 2 ? 1 + (unsigned)rand_r(&rnd) % 90 :
		    0;

		OK(pipe(fd));
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(fd[0]);
			child(f, fd[1], left);
		}
		close(fd[1]);
		if (left == 0) {
			usleep((useconds_t)(3000 + rand_r(&rnd) % 30000));
			OK(kill(pid, SIGKILL));
		}
		acked = drain(fd[0]);
		close(fd[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		reopen(f);
		l = last(f->s);
		/* one more than acknowledged may have been committed */
		if (acked == 0)
			acked = before;
		assert_true(l == acked || l == acked + 1);
		check(f->s, l);
		total += l - before;
		before = l;
		store_close(f->s);
		f->s = NULL;
	}
	assert_true(total > ROUNDS); /* they did get somewhere */
}

static void
and_with_a_thread_that_syncs_and_checkpoints(void **state)
{
	with_thread = true;
	what_was_acknowledged_survives_kill_9(state);
	with_thread = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_was_acknowledged_survives_kill_9, open_sqlite, shut),
		cmocka_unit_test_setup_teardown(
		    and_with_a_thread_that_syncs_and_checkpoints, open_sqlite,
		    shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
