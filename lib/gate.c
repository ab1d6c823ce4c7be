/*
 * gate: the tail of a binomial is a regularised incomplete beta function,
 * P(X >= k) = I_p(k, n - k + 1), and that is a continued fraction which
 * converges in O(sqrt(n)) steps on the side of the mean where it is used.
 * Sums of terms were rejected (2 million of them for a bound of a large
 * fleet), and so were Wilson's and Wald's intervals: with 10 outcomes and a
 * limit of 5 % they are off by a factor.
 */
#include "lib/gate.h"

#include <math.h>

/* Enough for n = 1e9; a bound for the loop, not for the accuracy. */
#define STEPS_MAX 200000
#define CLOSE 1e-15
#define TINY 1e-300

/* lgamma() writes a global variable; this does not. */
static double
log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

/* Kept away from 0, by which the next step divides. */
static double
nonzero(double x)
{
	return fabs(x) < TINY ? TINY : x;
}

/* The fraction of I_x(a, b) by Lentz's method (DLMF 8.17.22). */
static double
fraction(double a, double b, double x)
{
	double c = 1, d = 1 / nonzero(1 - (a + b) * x / (a + 1)), h = d;

	for (int m = 1; m < STEPS_MAX; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) *
		    (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) *
		    (a + 2 * m + 1));

		d = 1 / nonzero(1 + even * d);
		c = nonzero(1 + even / c);
		h *= d * c;
		d = 1 / nonzero(1 + odd * d);
		c = nonzero(1 + odd / c);
		h *= d * c;
		if (fabs(d * c - 1) < CLOSE)
			break;
	}
	return h;
}

/* I_x(a, b) for 0 < x < 1. */
static double
beta(double a, double b, double x)
{
	double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) +
	    a * log(x) + b * log1p(-x));

	/* On the other side of the mean the fraction is slow: mirror it. */
	if (x < (a + 1) / (a + b + 2))
		return front * fraction(a, b, x) / a;
	return 1 - front * fraction(b, a, 1 - x) / b;
}

double
gate_tail(uint64_t k, uint64_t n, double p)
{
	double t;

	if (k == 0)
		return 1;
	if (k > n || !(p > 0))
		return 0;
	if (p >= 1)
		return 1;
	t = beta((double)k, (double)(n - k) + 1, p);
	return t < 0 ? 0 : t > 1 ? 1 : t;
}

static double
alpha(unsigned confidence)
{
	return (100.0 - confidence) / 100;
}

/* The rate at which k or more of n would be a surprise of size alpha. */
double
gate_lower(uint64_t k, uint64_t n, unsigned confidence)
{
	double low = 0, high, mid;

	if (k == 0 || n == 0)
		return 0;
	if (k >= n)
		return pow(alpha(confidence), 1 / (double)n);
	/* the tail grows with p, from 0 to 1 */
	for (high = 1; high - low > 1e-12 * high;) {
		mid = low + (high - low) / 2;
		if (gate_tail(k, n, mid) < alpha(confidence))
			low = mid;
		else
			high = mid;
	}
	return low;
}

bool
gate_above(uint64_t k, uint64_t n, unsigned confidence, double limit)
{
	/* below the rate itself no bound of it can lie above: cheaper */
	if (n == 0 || (double)k <= limit * (double)n)
		return false;
	if (k >= n) /* as gate_lower has it, to the last bit */
		return gate_lower(k, n, confidence) > limit;
	return gate_tail(k, n, limit) < alpha(confidence);
}

bool
gate_reaches(uint64_t k, uint64_t n, unsigned confidence, double limit)
{
	if (limit <= 0)
		return true;
	if (n == 0 || (double)k < limit * (double)n)
		return false;
	if (k >= n)
		return gate_lower(k, n, confidence) >= limit;
	return gate_tail(k, n, limit) <= alpha(confidence);
}
