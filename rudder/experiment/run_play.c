/* One run of an experiment: an agent learns in an environment until the task is solved. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/rollout.h"
#include "base/clock.h"
#include "experiment/experiment.h"

/* Runs go on to this episode where they solve the task before, so that every regret is known. */
static const size_t regret_after[RUD_REGRETS] = {500, 1000, 2000};

enum { CURVE_WINDOW = 100, CURVE_POINTS_A_DECADE = 20, EXAMPLES = 3, EXAMPLE_TRIES = 50 };

typedef struct player {
    const rud_run_task *task;
    rud_env *env;
    rud_agent *agent;
    bool *poor;    /* [window] of the last episodes, a ring */
    size_t window; /* of the rule that says "solved" */
    size_t poor_in_window;
    size_t poor_in_all;
    double regret;
    double *observation; /* scratch: [width] */
    size_t next_point;   /* episode of the curve's next point */
    size_t curve_capacity;
} player;

static rud_status create(player *player, rud_run *run)
{
    const rud_run_task *task = player->task;
    const rud_config *config = task->config;
    rud_env_options env_options = config->environment_options;
    rud_agent_options options = config->agent;
    if (task->delay != RUD_NO_DELAY) env_options.delay = task->delay;
    options.step_size = task->setting.step_size;
    options.initial_value = task->setting.initial_value;
    options.random_episodes = task->setting.random_episodes;
    RUD_TRY(rud_env_create(config->environment, &env_options, 1, &player->env));
    rud_env_seed(player->env, task->seed);
    const rud_env_spec *spec = rud_env_specification(player->env);
    if (!spec->has_optimal_action) {
        return rud_error(RUD_EINVAL, "%s does not know its optimal actions: no experiment",
                         config->environment);
    }
    RUD_TRY(rud_agent_create(task->method, &options, player->env, task->seed, &player->agent));

    player->window = config->window;
    player->poor = calloc(player->window, sizeof *player->poor);
    player->curve_capacity = 16 + (size_t)(CURVE_POINTS_A_DECADE * log10((double)task->cap + 1));
    run->curve = calloc(player->curve_capacity, sizeof *run->curve);
    run->predictor = calloc(player->curve_capacity, sizeof *run->predictor);
    player->observation = calloc(spec->observation_space.width, sizeof *player->observation);
    if (player->poor == NULL || player->observation == NULL || run->curve == NULL ||
        run->predictor == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for a run of at most %zu episodes", task->cap);
    }
    player->next_point = 10;
    return RUD_OK;
}

static rud_status act(void *context, const rud_episode *so_far, size_t t, double *action)
{
    return rud_agent_act(context, so_far, t, action);
}

/* Counts the episode's first action: poor where it matters and is not optimal. */
static rud_status judge(player *player, const rud_episode *episode, size_t number)
{
    double best = 0;
    bool matters = false;
    const double *start = episode->observations;
    RUD_TRY(rud_env_optimal_action(player->env, start, &best, &matters));
    const bool poor = matters && episode->actions[0] != best;
    bool *place = &player->poor[(number - 1) % player->window];
    player->poor_in_window += (size_t)poor - (size_t)*place;
    *place = poor;
    player->poor_in_all += poor;
    if (poor) {
        player->regret += rud_env_action_value(player->env, start, &best) -
                          rud_env_action_value(player->env, start, episode->actions);
    }
    return RUD_OK;
}

/* Is the greedy policy optimal in every initial state? */
static rud_status greedy_is_optimal(const player *player, bool *optimal)
{
    double *observation = player->observation;
    *optimal = true;
    for (size_t k = 0; rud_env_initial_observation(player->env, k, observation); k++) {
        double best = 0, action = 0;
        bool matters = false;
        RUD_TRY(rud_env_optimal_action(player->env, observation, &best, &matters));
        rud_agent_greedy(player->agent, observation, &action);
        if (matters && action != best) *optimal = false;
    }
    return RUD_OK;
}

/* Keeps the first episode from which on the greedy policy is optimal; `next` comes next. */
static rud_status follow_greedy(const player *player, size_t next, rud_run *run)
{
    bool optimal = false;
    RUD_TRY(greedy_is_optimal(player, &optimal));
    if (!optimal) {
        run->greedy_optimal_from = NAN;
    } else if (isnan(run->greedy_optimal_from)) {
        run->greedy_optimal_from = (double)next;
    }
    return RUD_OK;
}

/* Share of good first actions of the last episodes, at most CURVE_WINDOW. */
static double recent_share(const player *player, size_t number)
{
    size_t n = number < CURVE_WINDOW ? number : CURVE_WINDOW, good = 0;
    if (n > player->window) n = player->window;
    for (size_t k = 0; k < n; k++) good += !player->poor[(number - 1 - k) % player->window];
    return (double)good / (double)n;
}

static void record_point(player *player, size_t number, rud_run *run)
{
    if (number < player->next_point || run->curve_count == player->curve_capacity) return;
    const double step = pow(10, 1.0 / CURVE_POINTS_A_DECADE);
    while (player->next_point <= number) {
        player->next_point = (size_t)ceil((double)player->next_point * step);
    }
    run->curve[run->curve_count++] =
        (rud_curve_point){.episode = number, .optimal_share = recent_share(player, number)};
    const rud_redistributor *redistributor = rud_agent_redistributor(player->agent);
    if (redistributor == NULL) return;
    const rud_redistributor_state state = rud_redistributor_get_state(redistributor);
    run->predictor[run->predictor_count++] = (rud_predictor_point){
        .episode = number, .loss = state.loss, .quality = state.quality, .ready = state.ready};
}

static rud_status record(player *player, const rud_episode *episode, size_t number, rud_run *run)
{
    const rud_config *config = player->task->config;
    RUD_TRY(judge(player, episode, number));
    RUD_TRY(follow_greedy(player, number + 1, run));
    for (size_t k = 0; k < RUD_REGRETS; k++) {
        if (number == regret_after[k]) run->regret[k] = player->regret;
    }
    const double share = (double)(player->window - player->poor_in_window) / (double)player->window;
    if (!run->solved && number >= player->window && share >= config->optimal_share) {
        run->solved = true;
        run->episodes = number;
        run->poor_decisions = player->poor_in_all;
    }
    record_point(player, number, run);
    return RUD_OK;
}

static rud_status play_episodes(player *player, rud_run *run)
{
    const rud_run_task *task = player->task;
    const size_t at_least = task->tuning ? 0 : regret_after[RUD_REGRETS - 1];
    RUD_TRY(follow_greedy(player, 1, run));
    for (size_t number = 1; number <= task->cap; number++) {
        rud_episode *episode = NULL;
        if (run->solved && number > at_least) return RUD_OK;
        RUD_TRY(rud_stop_check(task->stop));
        RUD_TRY(rud_rollout(player->env, act, player->agent, &episode));
        rud_status status = rud_agent_finish(player->agent, episode);
        if (status == RUD_OK) status = record(player, episode, number, run);
        rud_episode_free(&episode);
        RUD_TRY(status);
    }
    if (!run->solved) {
        run->censored = true;
        run->episodes = task->cap;
        run->poor_decisions = player->poor_in_all;
    }
    return RUD_OK;
}

static char *caption_of(const rud_episode *episode)
{
    char text[512];
    size_t length = (size_t)snprintf(text, sizeof text, "first observation (");
    for (size_t k = 0; k < episode->observation_width && length < sizeof text - 64; k++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%g", k > 0 ? ", " : "",
                                   episode->observations[k]);
    }
    snprintf(text + length, sizeof text - length, "), first action %g, return %.2f",
             episode->actions[0], rud_episode_return(episode));
    return strdup(text);
}

static rud_status fill_example(player *player, const rud_episode *episode, rud_example *example)
{
    const size_t T = example->steps = episode->steps;
    rud_redistribution_report report;
    example->caption = caption_of(episode);
    example->original = malloc(T * sizeof *example->original);
    example->redistributed = malloc(T * sizeof *example->redistributed);
    example->exact = malloc(T * sizeof *example->exact);
    if (!example->caption || !example->original || !example->redistributed || !example->exact) {
        return rud_error(RUD_ENOMEM, "no memory for an example of %zu steps", T);
    }
    memcpy(example->original, episode->rewards, T * sizeof *example->original);
    RUD_TRY(rud_redistributor_redistribute(rud_agent_redistributor(player->agent), episode,
                                           example->redistributed, &report));
    if (rud_env_specification(player->env)->has_expected_return) {
        return rud_exact_redistribution(player->env, episode, example->exact);
    }
    free(example->exact);
    example->exact = NULL;
    return RUD_OK;
}

/* New episodes of the learned policy, the first few with a return that is not 0. */
static rud_status play_examples(player *player, rud_run *run)
{
    if (rud_agent_redistributor(player->agent) == NULL) return RUD_OK;
    run->examples = calloc(EXAMPLES, sizeof *run->examples);
    if (run->examples == NULL) return rud_error(RUD_ENOMEM, "no memory for examples");
    for (size_t k = 0; k < EXAMPLE_TRIES && run->example_count < EXAMPLES; k++) {
        rud_episode *episode = NULL;
        rud_status status = rud_rollout(player->env, act, player->agent, &episode);
        if (status == RUD_OK && rud_episode_return(episode) != 0) {
            status = fill_example(player, episode, &run->examples[run->example_count++]);
        }
        rud_episode_free(&episode);
        RUD_TRY(status);
    }
    return RUD_OK;
}

static void name_run(const rud_run_task *task, rud_run *run)
{
    *run = (rud_run){.delay = task->delay,
                     .setting = task->setting,
                     .tuning = task->tuning,
                     .seed = task->seed,
                     .greedy_optimal_from = NAN};
    snprintf(run->environment, sizeof run->environment, "%s", task->config->environment);
    snprintf(run->method, sizeof run->method, "%s", task->method);
    for (size_t k = 0; k < RUD_REGRETS; k++) run->regret[k] = NAN;
}

rud_status rud_run_play(const rud_run_task *task, rud_run *run)
{
    player player = {.task = task};
    const double start = rud_thread_seconds();
    name_run(task, run);
    rud_status status = create(&player, run);
    if (status == RUD_OK) status = play_episodes(&player, run);
    run->seconds = rud_thread_seconds() - start;
    if (status == RUD_OK && task->with_examples) status = play_examples(&player, run);
    rud_agent_free(&player.agent);
    rud_env_free(&player.env);
    free(player.poor);
    free(player.observation);
    return status;
}
