/*
 * What may be wrong with a device, and when it sleeps. Both are drawn once
 * for each device from the seed and its number alone, so that the same
 * command line makes the same fleet, however the network behaves.
 */
#include "device/sim.h"

#define STREAM_FAULT 0x6661756c74u
#define STREAM_SLEEP 0x736c656570u

static uint64_t
draw(const struct sim_args *a, unsigned index, uint64_t stream)
{
	uint64_t state = a->seed ^ (stream << 20) ^
	    index * 0x9e3779b97f4a7c15u;

	return backoff_rand(&state);
}

enum sim_fault
sim_fault_draw(const struct sim_args *a, unsigned index)
{
	double u = (double)(draw(a, index, STREAM_FAULT) >> 11) /
	    9007199254740992.0;

	for (unsigned f = SIM_SOUND + 1; f < SIM_FAULTS; f++) {
		if (u < a->share[f])
			return (enum sim_fault)f;
		u -= a->share[f];
	}
	return SIM_SOUND;
}

enum sim_result
sim_fault_end(const struct sim_args *a, enum sim_fault f)
{
	static const enum sim_result end[SIM_FAULTS] = {
		[SIM_SOUND] = SIM_UPDATED, [SIM_BRICK] = SIM_BRICKED,
		[SIM_BAD_BOOT] = SIM_ROLLED_BACK, [SIM_MUTE] = SIM_MUTED,
	};

	return f == SIM_BAD_BOOT && a->single_slot ? SIM_RECOVERY : end[f];
}

bool
sim_asleep(const struct sim_args *a, unsigned index, int64_t now,
    int64_t *ret_until)
{
	const int64_t awake = (int64_t)(a->awake_s * 1000);
	const int64_t period = awake + (int64_t)(a->sleep_s * 1000);
	int64_t at;

	if (a->sleep_s <= 0)
		return false;
	at = (now + (int64_t)(draw(a, index, STREAM_SLEEP) %
	    (uint64_t)period)) % period;
	if (at < awake)
		return false;
	*ret_until = now + period - at;
	return true;
}
