#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/statistics.h"
#include "judge/judge_private.h"

enum { SIGNED, MAGNITUDE, FIGURES };

static const rud_judgement_column columns[FIGURES] = {
    {"rank_correlation", "rank corr(R)",
     "Spearman correlation of an episode's relevance with the original; near 0: the explanation "
     "hangs on what was learnt",
     false},
    {"rank_correlation_magnitude", "rank corr(|R|)", "the same of magnitudes", false},
};

typedef struct randomisation {
    rud_judged judged;
    const rud_judge_randomise_options *options;
    size_t depths;    /* head, then the layers from the top: L + 1 */
    double *original; /* [methods][steps] */
    double *changed;  /* [methods][steps] */
    double *figures;  /* [depths][methods][draws][episodes][FIGURES] */
} randomisation;

rud_judge_randomise_options rud_judge_randomise_options_default(void)
{
    return (rud_judge_randomise_options){.draws = 5};
}

static void copy_range(float *to, const float *from, size_t at, size_t count)
{
    if (at != RUD_NOT_THERE) memcpy(to + at, from + at, count * sizeof *to);
}

/* Depth 0 is the head, depth d the d-th layer from the top. */
static void copy_depth(rud_network *to, const rud_network *from, size_t depth)
{
    const rud_network_spec *spec = rud_network_specification(to);
    const size_t H = spec->hidden;
    size_t count;
    float *parameters = rud_network_parameters(to, &count);
    const float *drawn = rud_network_parameters_const(from, &count);
    if (depth == 0) {
        copy_range(parameters, drawn, rud_network_head_weight(to),
                   spec->outputs * rud_head_inputs(spec));
        copy_range(parameters, drawn, rud_network_head_bias(to), spec->outputs);
        return;
    }
    const size_t layer = spec->layers - depth;
    for (size_t half = 0; half < rud_directions(spec); half++) {
        for (size_t g = 0; g < RUD_GATES; g++) {
            const rud_gate_parameters at =
                rud_network_half_gate(to, layer, (rud_direction)half, (rud_gate)g);
            copy_range(parameters, drawn, at.forward, H * rud_layer_inputs(spec, layer));
            copy_range(parameters, drawn, at.recurrent, H * H);
            copy_range(parameters, drawn, at.bias, H);
        }
    }
}

static double *figures_of(const randomisation *r, size_t depth, size_t m, size_t draw)
{
    const size_t count = r->judged.given->count;
    return r->figures +
           ((depth * r->judged.method_count + m) * r->options->draws + draw) * count * FIGURES;
}

/* Spearman's correlation where it has a meaning. */
static void compare(const randomisation *r, size_t depth, size_t draw, double *scratch)
{
    const rud_judged *judged = &r->judged;
    const size_t steps = rud_judged_steps(judged);
    for (size_t m = 0; m < judged->method_count; m++) {
        const double *before = r->original + m * steps, *after = r->changed + m * steps;
        double *figures = figures_of(r, depth, m, draw);
        for (size_t e = 0; e < judged->given->count; e++, figures += FIGURES) {
            const size_t T = judged->given->episodes[e]->steps, at = judged->first[e];
            for (size_t t = 0; t < T; t++) {
                scratch[t] = fabs(before[at + t]);
                scratch[steps + t] = fabs(after[at + t]);
            }
            figures[SIGNED] = rud_spearman(before + at, after + at, T);
            figures[MAGNITUDE] = rud_spearman(scratch, scratch + steps, T);
        }
    }
}

static rud_status run_draw(randomisation *r, size_t draw, rud_network *changed, rud_network *drawn,
                           double *scratch)
{
    rud_rng seeds = rud_rng_stream(r->judged.work->seed, "randomised parameters", draw);
    rud_network_initialise(drawn, rud_rng_u64(&seeds));
    for (size_t depth = 0; depth < r->depths; depth++) {
        copy_depth(changed, drawn, depth);
        RUD_TRY(rud_judged_explain(&r->judged, changed, r->changed));
        compare(r, depth, draw, scratch);
    }
    return RUD_OK;
}

static rud_status run_draws(randomisation *r)
{
    double *scratch = calloc(rud_judged_steps(&r->judged), 2 * sizeof *scratch);
    rud_status status = scratch ? RUD_OK : rud_error(RUD_ENOMEM, "randomise: no memory left");
    for (size_t draw = 0; draw < r->options->draws && status == RUD_OK; draw++) {
        rud_network *changed = NULL, *drawn = NULL;
        status = rud_network_copy(r->judged.network, &changed);
        if (status == RUD_OK) status = rud_network_copy(r->judged.network, &drawn);
        if (status == RUD_OK) status = run_draw(r, draw, changed, drawn, scratch);
        rud_network_free(&changed);
        rud_network_free(&drawn);
        rud_error_context(status, "randomised parameters, draw %zu", draw);
    }
    free(scratch);
    return status;
}

static void write_label(const randomisation *r, size_t depth, rud_judgement_row *row)
{
    const size_t layers = r->depths - 1;
    if (depth == 0) {
        snprintf(row->label, sizeof row->label, "head");
    } else if (layers == 1) {
        snprintf(row->label, sizeof row->label, "head and LSTM");
    } else {
        snprintf(row->label, sizeof row->label, "head to layer %zu", layers - depth);
    }
}

static rud_status tabulate(const randomisation *r, rud_judgement *judgement)
{
    const rud_judged *judged = &r->judged;
    RUD_TRY(rud_judgement_allocate(judgement, judged->method_count * r->depths, 0));
    for (size_t k = 0; k < judgement->row_count; k++) {
        const size_t m = k / r->depths, depth = k % r->depths;
        rud_judgement_row *row = &judgement->rows[k];
        snprintf(row->group, sizeof row->group, "%s", judged->methods[m].label);
        write_label(r, depth, row);
        for (size_t f = 0; f < FIGURES; f++) {
            rud_mean_deviation(figures_of(r, depth, m, 0) + f,
                               r->options->draws * judged->given->count, FIGURES, &row->mean[f],
                               &row->deviation[f]);
        }
    }
    rud_judgement_fact_add(judgement, "episodes", (double)judged->given->count);
    rud_judgement_fact_add(judgement, "draws", (double)r->options->draws);
    rud_judgement_fact_add(judgement, "seed", (double)judged->work->seed);
    return RUD_OK;
}

static rud_status judge(randomisation *r, rud_judgement *judgement)
{
    rud_judged *judged = &r->judged;
    const size_t steps = rud_judged_steps(judged), draws = r->options->draws;
    if (draws < 1 || draws > 1000) {
        return rud_error(RUD_EINVAL, "draws must be 1 to 1,000, found %zu", draws);
    }
    r->depths = rud_network_specification(judged->network)->layers + 1;
    r->original = calloc(steps, judged->method_count * sizeof *r->original);
    r->changed = calloc(steps, judged->method_count * sizeof *r->changed);
    r->figures = calloc(judged->given->count,
                        r->depths * judged->method_count * draws * FIGURES * sizeof *r->figures);
    if (!r->original || !r->changed || !r->figures) {
        return rud_error(RUD_ENOMEM, "no memory for %zu episodes", judged->given->count);
    }
    RUD_TRY(rud_progress_create(judged->work->progress, "randomised networks",
                                (1 + draws * r->depths) * rud_judged_jobs(judged),
                                &judged->progress));
    RUD_TRY(rud_judged_explain(judged, NULL, r->original));
    RUD_TRY(run_draws(r));
    return tabulate(r, judgement);
}

rud_status rud_judge_randomise(const rud_judge_case *what,
                               const rud_judge_randomise_options *options,
                               const rud_judge_work *work, rud_judgement *judgement)
{
    randomisation r = {.options = options};
    *judgement = (rud_judgement){.judge = "randomise",
                                 .title = "Does the explanation hang on what was learnt?",
                                 .group = "method",
                                 .row = "randomised",
                                 .deviation = "episodes and draws",
                                 .columns = columns,
                                 .column_count = FIGURES};
    rud_status status = rud_judged_open(what, work, true, &r.judged);
    if (status == RUD_OK) status = judge(&r, judgement);
    free(r.original);
    free(r.changed);
    free(r.figures);
    rud_judged_close(&r.judged);
    if (status != RUD_OK) rud_judgement_free(judgement);
    return status;
}
