/*
 * The key tables. Section numbers are those of draft-ietf-suit-manifest-37;
 * TD is draft-ietf-suit-trust-domains, UM update-management, FE
 * firmware-encryption. RIOT says it follows -09 but numbers run-sequence
 * and swap as -04 did, and its handler of set-parameters overrides.
 */
#include "lib/manifest_key.h"

#define D(x) (1u << MANIFEST_##x)
#define NEW (D(CURRENT) | D(DRAFT17))
#define OLD (D(RIOT09) | D(DRAFT14) | D(DRAFT10))
#define ALL (NEW | OLD)

#define DIALECTS (MANIFEST_DRAFT10 + 1)

static const struct {
	const char *name;
	bool severable;
	unsigned key[DIALECTS];
} sections[MANIFEST_SECTIONS] = {
	/* current, RIOT09, -17, -14, -10 */
	[MANIFEST_SHARED] = {"shared", false, {0}}, /* in common: 8.4.5 */
	[MANIFEST_VALIDATE] = {"validate", false, {7, 10, 7, 10, 10}},
	[MANIFEST_LOAD] = {"load", false, {8, 11, 8, 11, 11}},
	[MANIFEST_INVOKE] = {"invoke", false, {9, 12, 9, 12, 12}},
	[MANIFEST_DEPENDENCY_RESOLUTION] = /* TD */
	{"dependency-resolution", true, {15, 7, 15, 7, 7}},
	[MANIFEST_PAYLOAD_FETCH] = {"payload-fetch", true, {16, 8, 16, 8, 8}},
	[MANIFEST_CANDIDATE_VERIFICATION] = /* TD */
	{"candidate-verification", true, {18, 0, 18, 0, 0}},
	[MANIFEST_INSTALL] = {"install", true, {20, 9, 17, 9, 9}},
	[MANIFEST_UNINSTALL] = {"uninstall", false, {24, 0, 24, 0, 0}}, /* TD */
	[MANIFEST_TEXT] = {"text", true, {23, 13, 23, 13, 13}}, /* 8.4.4 */
	[MANIFEST_COSWID] = {"coswid", true, {14, 14, 14, 14, 14}}, /* UM */
};

const enum manifest_section manifest_procedure[] = {
	MANIFEST_DEPENDENCY_RESOLUTION,
	MANIFEST_PAYLOAD_FETCH,
	MANIFEST_CANDIDATE_VERIFICATION,
	MANIFEST_INSTALL,
	MANIFEST_VALIDATE,
	MANIFEST_LOAD,
	MANIFEST_INVOKE,
	MANIFEST_UNINSTALL,
};
const size_t manifest_procedure_count =
    sizeof(manifest_procedure) / sizeof(manifest_procedure[0]);

/* SUIT 8.4.9 and 8.4.10. */
static const struct manifest_command commands[] = {
	{MANIFEST_LIST_MIN, NEW, ARG_UINT, OP_LIST_MIN}, /* ours */
	{1, ALL, ARG_POLICY, OP_VENDOR},
	{2, ALL, ARG_POLICY, OP_CLASS},
	{3, ALL, ARG_POLICY, OP_IMAGE_MATCH},
	{4, ALL, ARG_POLICY, OP_NONE}, /* use before, UM */
	{5, ALL, ARG_POLICY, OP_SLOT}, /* offset before -14 */
	{6, NEW, ARG_POLICY, OP_NONE}, /* check content */
	{7, NEW, ARG_POLICY, OP_NONE}, /* dependency integrity, TD */
	{8, NEW, ARG_POLICY, OP_NONE}, /* is dependency, TD */
	{11, NEW, ARG_POLICY, OP_NONE}, /* process dependency, TD */
	{12, ALL, ARG_INDEX, OP_INDEX},
	{13, OLD, ARG_INDEX, OP_DEPENDENCY_INDEX},
	{14, ALL, ARG_POLICY, OP_ABORT},
	{15, ALL, ARG_TRY, OP_TRY},
	{18, ALL, ARG_POLICY, OP_NONE}, /* write; process dependency */
	{19, NEW, ARG_PARAMS, OP_SET}, /* TD */
	{19, OLD, ARG_PARAMS, OP_OVERRIDE}, /* as A/B examples need it */
	{20, ALL, ARG_PARAMS, OP_OVERRIDE},
	{21, ALL, ARG_POLICY, OP_FETCH},
	{22, ALL, ARG_POLICY, OP_COPY},
	{23, ALL, ARG_POLICY, OP_NONE}, /* invoke */
	{24, ALL, ARG_POLICY, OP_NONE}, /* device id */
	{25, ALL, ARG_POLICY, OP_NONE}, /* image not match, UM */
	{26, ALL, ARG_POLICY, OP_NONE}, /* minimum battery, UM */
	{27, ALL, ARG_POLICY, OP_NONE}, /* update authorized, UM */
	{28, ALL, ARG_POLICY, OP_NONE}, /* version, UM */
	{29, NEW, ARG_POLICY, OP_NONE}, /* wait, UM */
	{29, OLD, ARG_ANY, OP_NONE},
	{30, D(RIOT09), ARG_SEQUENCE, OP_RUN},
	{31, ALL & ~D(RIOT09), ARG_POLICY, OP_NONE}, /* swap */
	{32, D(RIOT09), ARG_POLICY, OP_NONE}, /* swap */
	{32, ALL & ~D(RIOT09), ARG_SEQUENCE, OP_RUN},
	{33, NEW, ARG_POLICY, OP_NONE}, /* unlink, TD */
	{34, NEW, ARG_PARAMS_BY_INDEX, OP_OVERRIDE_MULTIPLE}, /* UM */
	{35, NEW, ARG_KEYS_BY_INDEX, OP_COPY_PARAMS}, /* UM */
};

/* SUIT 8.4.8. */
static const struct manifest_param params[] = {
	{1, ALL, TYPE_VENDOR, KEEP_VENDOR}, /* 8.4.8.3 */
	{2, ALL, TYPE_UUID, KEEP_CLASS}, /* 8.4.8.4 */
	{3, ALL, TYPE_DIGEST, KEEP_DIGEST}, /* 8.4.8.6 */
	{4, ALL, TYPE_UINT, KEEP_NOT}, /* use before, UM */
	{5, ALL, TYPE_UINT, KEEP_SLOT}, /* 8.4.8.8 */
	{12, ALL, TYPE_BOOL, KEEP_NOT}, /* strict order */
	{13, ALL, TYPE_BOOL, KEEP_SOFT_FAILURE},
	{14, ALL, TYPE_UINT, KEEP_SIZE}, /* 8.4.8.7 */
	{18, NEW, TYPE_BSTR, KEEP_NOT}, /* content, 8.4.8.9 */
	{18, OLD, TYPE_ANY, KEEP_ENCRYPTION},
	{19, NEW, TYPE_WRAPPED, KEEP_ENCRYPTION}, /* FE */
	{19, OLD, TYPE_ANY, KEEP_NOT}, /* compression info */
	{21, ALL, TYPE_TSTR, KEEP_URI}, /* 8.4.8.10 */
	{22, ALL, TYPE_UINT, KEEP_SOURCE}, /* 8.4.8.11 */
	{23, ALL, TYPE_BSTR, KEEP_NOT}, /* invoke arguments */
	{24, ALL, TYPE_UUID, KEEP_NOT}, /* device id */
	{25, ALL, TYPE_BSTR, KEEP_FETCH_ARGS}, /* 8.4.8.13 */
	{26, ALL, TYPE_UINT, KEEP_NOT}, /* minimum battery, UM */
	{27, ALL, TYPE_INT, KEEP_NOT}, /* priority, UM */
	{28, NEW, TYPE_WRAPPED, KEEP_NOT}, /* version, UM */
	{28, OLD, TYPE_ANY, KEEP_NOT},
	{29, NEW, TYPE_WRAPPED, KEEP_NOT}, /* wait info, UM */
	{29, OLD, TYPE_ANY, KEEP_NOT},
	{30, NEW, TYPE_WRAPPED, KEEP_NOT}, /* component metadata, UM */
};

const struct manifest_command *
manifest_command(enum manifest_dialect d, int64_t code)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].code == code &&
		    (commands[i].dialects & 1u << d) != 0)
			return &commands[i];
	return NULL;
}

const struct manifest_param *
manifest_param(enum manifest_dialect d, int64_t key)
{
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (params[i].key == key &&
		    (params[i].dialects & 1u << d) != 0)
			return &params[i];
	return NULL;
}

unsigned
manifest_section_key(enum manifest_dialect d, enum manifest_section s)
{
	return sections[s].key[d];
}

enum manifest_section
manifest_key_section(enum manifest_dialect d, uint64_t key)
{
	for (int s = 0; s < MANIFEST_SECTIONS; s++)
		if (key != 0 && sections[s].key[d] == key)
			return s;
	return MANIFEST_SECTIONS;
}

bool
manifest_section_severable(enum manifest_section s)
{
	return sections[s].severable;
}

const char *
manifest_section_name(enum manifest_section s)
{
	return s < MANIFEST_SECTIONS ? sections[s].name : "?";
}

const char *
manifest_dialect_name(enum manifest_dialect d)
{
	static const char *const names[DIALECTS] = {
		[MANIFEST_CURRENT] = "current",
		[MANIFEST_RIOT09] = "riot-09",
		[MANIFEST_DRAFT17] = "draft-17",
		[MANIFEST_DRAFT14] = "draft-14",
		[MANIFEST_DRAFT10] = "draft-10",
	};

	return d < DIALECTS ? names[d] : "?";
}

int
manifest_digest_read(enum manifest_dialect d, struct slice raw,
    struct digest *ret, struct why *why)
{
	struct cbr c = cbr_of(raw);
	struct slice value;
	uint64_t n;
	int64_t alg;
	int rc;

	if ((rc = cbr_check(raw)) != 0 || (rc = cbr_get_array(&c, &n)) != 0 ||
	    (rc = n < 2 ? ERR_RANGE : 0) != 0 ||
	    (rc = cbr_get_int(&c, &alg)) != 0 ||
	    (rc = cbr_get_bstr(&c, &value)) != 0)
		return why_set(why, rc,
		    "SUIT 8.3: not a SUIT_Digest [algorithm, bytes]: %s",
		    err_text(rc));
	if (alg == 2 && (d == MANIFEST_RIOT09 || d == MANIFEST_DRAFT10))
		alg = DIGEST_SHA256;
	if (alg == 0 || alg < INT32_MIN || alg > INT32_MAX)
		return why_set(why, ERR_ALGORITHM,
		    "SUIT 8.3: %lld is not a digest algorithm",
		    (long long)alg);
	if (value.n > DIGEST_MAX || value.n == 0 ||
	    (digest_size((int)alg) != 0 && value.n != digest_size((int)alg)))
		return why_set(why, ERR_DIGEST,
		    "SUIT 8.3: digest of algorithm %lld has %zu bytes",
		    (long long)alg, value.n);
	*ret = (struct digest){.alg = (int)alg, .n = value.n};
	memcpy(ret->b, value.p, value.n);
	return 0;
}
