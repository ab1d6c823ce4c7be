/* Old drafts and RIOT's dialect: how they are known, and what differs. */
#include "tests/lib/manifest_judge.h"

static void
old_drafts_are_recognised_by_their_keys(void **state)
{
	(void)state;
	assert_int_equal(judge("a4 01 01 02 07" COMMON
	    "11 <86 14 a1 15" URI_A "15 02 03 0f>"), 0);
	assert_int_equal(m.dialect, MANIFEST_DRAFT17);
	assert_int_equal(proof.warnings, MANIFEST_WARN_DIALECT);
	assert_int_equal(plan.n, 1);
	assert_int_equal(judge("a5 01 01 02 07" COMMON
	    "09 <86 13 a1 15" URI_A "15 02 03 0f> 0a <82 03 0f>"), 0);
	assert_int_equal(m.dialect, MANIFEST_DRAFT14);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].section, MANIFEST_INSTALL);
	/* without a tag: still readable */
	make_envelope(&made, MANIFEST, 0, NULL);
	assert_int_equal(make_judge(slice_of(made.bytes + 2, made.n - 2), &m,
	    &proof, &plan), 0);
	assert_int_equal(m.dialect, MANIFEST_CURRENT);
	assert_int_equal(proof.warnings, MANIFEST_WARN_UNTAGGED);
	/* tag 48 is of drafts -10 to -13 */
	made.bytes[1] = 48;
	made.bytes[0] = 0xd8;
	assert_int_equal(make_judge(made_slice(&made), &m, &proof, &plan), 0);
	assert_int_equal(m.dialect, MANIFEST_DRAFT10);
}

#define RIOT_SHARED "<86 14 a4 01" VENDOR "02" CLASS "03 <82 02" D32 ">" \
	"0e 191388 010f 020f>"
#define RIOT_COMMON "03 <a2 02 81 81 4100 04 " RIOT_SHARED ">"
#define RIOT_INSTALL "09 <86 13 a1 15" URI_A "15 02 03 0f>"
#define RIOT_MANIFEST "a5 01 01 02 07" RIOT_COMMON RIOT_INSTALL \
	"0a <82 03 0f>"

static int
judge_riot(const char *manifest)
{
	make_riot(&made, manifest);
	return make_judge(made_slice(&made), &m, &proof, &plan);
}

static void
riots_dialect_is_detected_and_proven(void **state)
{
	(void)state;
	assert_int_equal(judge_riot(RIOT_MANIFEST), 0);
	assert_int_equal(m.dialect, MANIFEST_RIOT09);
	assert_int_equal(proof.warnings, 0);
	assert_int_equal(proof.alg, COSE_EDDSA);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].digest.alg, DIGEST_SHA256);
	assert_int_equal(judge_flips(), 0);
}

/* A relay may put a block with another digest before the good one. */
static void
riots_identity_is_the_manifests_own_digest(void **state)
{
	static uint8_t twice[2048], auth[1024];
	static struct made foreign;
	struct buf b = buf_of(twice, sizeof(twice));
	struct buf a = buf_of(auth, sizeof(auth));
	struct digest own;

	(void)state;
	make_raw(&foreign, "d2 84 <a1 01 27> a0 <82 02" D32 "> 58 40");
	memset(foreign.bytes + foreign.n, 0x11, 64);
	foreign.n += 64;
	assert_int_equal(judge_riot(RIOT_MANIFEST), 0);
	own = m.digest;
	cbr_put_array(&a, 2);
	cbr_put_bstr(&a, made_slice(&foreign));
	cbr_put_bstr(&a, m.auth[0]);
	cbr_put_map(&b, 2);
	cbr_put_uint(&b, 2);
	cbr_put_bstr(&b, buf_slice(&a));
	cbr_put_uint(&b, 3);
	buf_put(&b, m.manifest_raw);
	assert_int_equal(make_judge(buf_slice(&b), &m, &proof, &plan), 0);
	assert_int_equal(m.auth_count, 2);
	assert_true(digest_eq(&m.digest, &own));
}

static void
riot_digest_id_and_command_numbers(void **state)
{
	(void)state;
	/* id -16 is what RIOT misreads */
	assert_int_equal(judge_riot("a4 01 01 02 07" RIOT_COMMON
	    "09 <82 14 a1 03 " DIGEST_D ">"), 0);
	assert_int_equal(proof.warnings, MANIFEST_WARN_DIGEST_ID);
	/* 30 is run-sequence: its argument is looked into */
	assert_int_equal(judge_riot("a4 01 01 02 07" RIOT_COMMON
	    "09 <82 18 1e <84 13 a1 15" URI_A "15 02>>"), 0);
	assert_int_equal(plan.n, 1);
	assert_int_equal(judge_riot("a4 01 01 02 07" RIOT_COMMON
	    "09 <82 18 20 05>"), 0);
	assert_int_equal(judge_raw("a2 02 <80> 03 <a4 01 01 02 07" RIOT_COMMON
	    "09 <82 18 20 <80>>>"), ERR_TYPE);
	/* in the current dialect 32 is run-sequence, 30 unknown */
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 18 20 05>"),
	    ERR_TYPE);
	/* an empty wrapper is unsigned, not malformed */
	assert_int_equal(judge_raw("a2 02 <80> 03 <a3 01 01 02 07"
	    RIOT_COMMON ">"), ERR_UNSIGNED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_drafts_are_recognised_by_their_keys),
		cmocka_unit_test(riots_dialect_is_detected_and_proven),
		cmocka_unit_test(riots_identity_is_the_manifests_own_digest),
		cmocka_unit_test(riot_digest_id_and_command_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, make_teardown);
}
