/* Watch-repair, from the authors' public demonstration of RUDDER: is this watch worth repairing?
 * The first action decides; the profit is known `delay` steps later, blurred by what happens on
 * the way back to the customer.
 *
 * observation: MultiDiscrete [repaired, traffic jams so far, flat tires so far, brand, time]
 * action: Discrete(2), 0 = repair, 1 = don't; those after the first have no effect
 * reward: minus the repair cost with action 0; with the last action the price minus the costs of
 * jams, tires and delivery. Nothing if not repaired. T = delay steps. */
#include <math.h>

#include "envs/kinds_private.h"

enum { BRANDS = 4, DEFAULT_DELAY = 50, MAX_DELAY = 1000000 };
enum { REPAIRED, JAMS, TIRES, BRAND, TIME, WIDTH }; /* columns of an observation */
enum { REPAIR = 0, LEAVE = 1 };                     /* actions */

static const double repair_mean[BRANDS] = {1, 4, 5, 24.5};
static const double repair_deviation[BRANDS] = {2, 2, 2, 1};
static const double price[BRANDS] = {18, 28, 31, 59};
static const double delivery_mean[BRANDS] = {0.5, 2.5, 4.5, 18};
static const double delivery_deviation = 1.5;
static const double jam_probability = 0.1, jam_cost = 0.1;
static const double tire_probability = 0.05, tire_cost = 7;
static const double optimal_return = 1.75; /* brands 1 and 2 repaired: (0 + 3.5 + 3.5 + 0) / 4 */

typedef struct watch {
    int32_t repaired, jams, tires, brand, time;
    double repair_cost, delivery_cost;
} watch;

static int64_t delay_of(const rud_env_options *options)
{
    return options->delay == 0 ? DEFAULT_DELAY : options->delay;
}

static double events_mean_cost(void)
{
    return jam_probability * jam_cost + tire_probability * tire_cost;
}

/* The price grows with the delay as the expected costs of events do, so that profits don't. */
static double price_at(const rud_env_options *options, int32_t brand)
{
    return price[brand] + events_mean_cost() * (double)(delay_of(options) - DEFAULT_DELAY);
}

/* Expected return of a repaired watch with `left` draws of events to come. */
static double expected_profit(const rud_env_options *options, int32_t brand, double jams,
                              double tires, double left)
{
    return price_at(options, brand) - repair_mean[brand] - delivery_mean[brand] - jam_cost * jams -
           tire_cost * tires - events_mean_cost() * left;
}

static rud_status specify(const rud_env_options *options, rud_env_spec *spec)
{
    const int64_t delay = delay_of(options);
    if (delay < 1 || delay > MAX_DELAY) {
        return rud_error(RUD_EINVAL, "delay %lld is not allowed; it must be 1 .. %d",
                         (long long)delay, MAX_DELAY);
    }
    const int64_t sizes[WIDTH] = {2, delay + 1, delay + 1, BRANDS, delay + 1};
    spec->reward_min = -INFINITY; /* costs are normal */
    spec->reward_max = INFINITY;
    spec->max_steps = (size_t)delay;
    spec->optimal_return = optimal_return;
    RUD_TRY(rud_space_multi_discrete(sizes, WIDTH, &spec->observation_space));
    return rud_space_discrete(2, &spec->action_space);
}

static void observe(const watch *w, double *observation)
{
    observation[REPAIRED] = w->repaired;
    observation[JAMS] = w->jams;
    observation[TIRES] = w->tires;
    observation[BRAND] = w->brand;
    observation[TIME] = w->time;
}

/* The costs are drawn here, repaired or not, so that the actions shift no random number. */
static void reset(const rud_env_options *options, void *state, rud_rng *rng, double *observation)
{
    (void)options;
    watch *w = state;
    *w = (watch){.brand = (int32_t)rud_rng_below(rng, BRANDS)};
    w->repair_cost = repair_mean[w->brand] + repair_deviation[w->brand] * rud_rng_normal(rng);
    w->delivery_cost = delivery_mean[w->brand] + delivery_deviation * rud_rng_normal(rng);
    observe(w, observation);
}

/* Moves one watch on and returns its reward. */
static double step_one(const rud_env_options *options, watch *w, rud_rng *rng, double action)
{
    double reward = 0;
    if (w->time == 0) {
        w->repaired = action == REPAIR;
        if (w->repaired) reward -= w->repair_cost;
    }
    w->jams += rud_rng_uniform(rng) < jam_probability;
    w->tires += rud_rng_uniform(rng) < tire_probability;
    w->time++;
    if (w->time == delay_of(options) && w->repaired) {
        reward += price_at(options, w->brand) - jam_cost * w->jams - tire_cost * w->tires -
                  w->delivery_cost;
    }
    return reward;
}

static void step(const rud_env_options *options, void *states, rud_rng *rngs, size_t copies,
                 const double *actions, double *observations, double *rewards, bool *terminated,
                 bool *truncated)
{
    watch *watches = states;
    const int64_t delay = delay_of(options);
    for (size_t i = 0; i < copies; i++) {
        rewards[i] = step_one(options, &watches[i], &rngs[i], actions[i]);
        observe(&watches[i], observations + i * WIDTH);
        terminated[i] = watches[i].time == delay;
        truncated[i] = false;
    }
}

static double action_value(const rud_env_options *options, const double *observation,
                           const double *action)
{
    if (*action == LEAVE) return 0;
    return expected_profit(options, (int32_t)observation[BRAND], 0, 0, (double)delay_of(options));
}

static bool optimal_action(const rud_env_options *options, const double *observation,
                           double *action)
{
    const double repair = REPAIR;
    *action = action_value(options, observation, &repair) > 0 ? REPAIR : LEAVE;
    return observation[TIME] == 0;
}

static bool initial_observation(const rud_env_options *options, size_t k, double *observation)
{
    (void)options;
    if (k >= BRANDS) return false;
    observe(&(watch){.brand = (int32_t)k}, observation);
    return true;
}

/* Later actions have no effect, so that this holds under any policy. The noise of the costs is in
 * the rewards alone, never in the history: with the last row it is still expected. */
static rud_status expected_return(const rud_env_options *options, const double *observations,
                                  const double *actions, size_t steps, size_t rows,
                                  double *expected)
{
    (void)steps;
    const double delay = (double)delay_of(options);
    for (size_t t = 0; t < rows; t++) {
        const double *s = observations + t * WIDTH;
        if (s[TIME] != (double)t) {
            return rud_error(RUD_EINVAL,
                             "watch-repair: observation %zu says time %g; give an episode from "
                             "its start, one row a step",
                             t, s[TIME]);
        }
        expected[t] = actions[0] == LEAVE ? 0
                                          : expected_profit(options, (int32_t)s[BRAND], s[JAMS],
                                                            s[TIRES], delay - s[TIME]);
    }
    return RUD_OK;
}

const rud_env_kind rud_env_kind_watch_repair = {
    .name = "watch-repair",
    .summary = "repair a watch or not; whether it paid is known `delay` steps later (default 50)",
    .state_size = sizeof(watch),
    .options = RUD_ENV_HAS_DELAY,
    .specify = specify,
    .reset = reset,
    .step = step,
    .optimal_action = optimal_action,
    .action_value = action_value,
    .initial_observation = initial_observation,
    .expected_return = expected_return,
};
