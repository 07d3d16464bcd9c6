/* What training on data sets found: the ladder, and how good the chosen predictor is. */
#include "cli/train_offline.h"

#include <math.h>
#include <stdlib.h>

static bool add_rungs(json_object *root, const rud_offline_result *r)
{
    json_object *ladder = json_object_new_array(); /* root owns it from here on */
    bool made = rud_json_put(root, "ladder", ladder);
    for (size_t k = 0; made && k < r->rung_count; k++) {
        const rud_rung *rung = &r->rungs[k];
        json_object *o = json_object_new_object(); /* and ladder this */
        made = rud_json_push(ladder, o) && rud_json_put_text(o, "cell", rung->cell) &&
               rud_json_put_count(o, "parameters", rung->parameters) &&
               rud_json_put_count(o, "updates", rung->updates) &&
               rud_json_put_number(o, "loss_all", rung->loss_all) &&
               rud_json_put_number(o, "loss_main", rung->loss_main) &&
               rud_json_put_number(o, "r_squared", rung->r_squared) &&
               rud_json_put_number(o, "gain", rung->gain) &&
               rud_json_put_number(o, "gain_error", rung->gain_error) &&
               rud_json_put_number(o, "padding", rung->padding) &&
               rud_json_put_bool(o, "chosen", rung->chosen);
    }
    return made;
}

static rud_status print_json(const rud_offline_result *r, const char *folder)
{
    json_object *o = json_object_new_object();
    const bool made =
        rud_json_put_text(o, "run", folder) && rud_json_put_count(o, "episodes", r->episodes) &&
        rud_json_put_count(o, "steps", r->steps) &&
        rud_json_put_count(o, "training", r->training) &&
        rud_json_put_count(o, "validation", r->validation) &&
        rud_json_put_count(o, "test", r->test) &&
        rud_json_put_text(o, "target", r->target == RUD_TARGET_SUCCESS ? "success" : "return") &&
        rud_json_put_number(o, "discount", r->discount) &&
        rud_json_put_number(o, "learning_rate", r->learning_rate) &&
        rud_json_put_count(o, "hidden", r->hidden) && add_rungs(o, r) &&
        rud_json_put_text(o, "cell", r->cell) && rud_json_put_number(o, "quality", r->quality) &&
        rud_json_put_number(o, "r_squared", r->r_squared) &&
        rud_json_put_number(o, "rank_correlation", r->rank_correlation) &&
        rud_json_put_number(o, "variance_ratio", r->variance_ratio) &&
        rud_json_put_number(o, "error_std", r->error_std) &&
        rud_json_put_number(o, "seconds", r->seconds);
    return cli_json_print_made(made, o, stdout);
}

static void print_ladder(const rud_offline_result *r)
{
    printf("%-15s %10s %8s %10s %8s  %-22s\n", "predictor", "parameters", "updates", "validation",
           "test R^2", "lower than the best by");
    for (size_t k = 0; k < r->rung_count; k++) {
        const rud_rung *rung = &r->rungs[k];
        char gain[48] = "";
        if (isfinite(rung->gain)) {
            snprintf(gain, sizeof gain, "%.5f +- %.5f", rung->gain, rung->gain_error);
        }
        char r_squared[32] = "-"; /* of returns that are all the same */
        if (isfinite(rung->r_squared)) {
            snprintf(r_squared, sizeof r_squared, "%.4f", rung->r_squared);
        }
        printf("%-15s %10zu %8zu %10.*f %8s  %-22s%s%s\n", rung->cell, rung->parameters,
               rung->updates, rung->loss_all < 1000 ? 5 : 0, rung->loss_all, r_squared, gain,
               rung->diverged ? " diverged" : "", rung->chosen ? " chosen" : "");
    }
}

/* Rewards may be of any size: four places do not do for all. */
static void print_line(const char *what, double value)
{
    const double size = fabs(value);
    if (!isfinite(value)) return;
    printf(size == 0 || (size >= 1e-3 && size < 1e6) ? "  %-48s %.4f\n" : "  %-48s %.4g\n", what,
           value);
}

static void print_table(const rud_offline_result *r, const char *folder)
{
    double padding = 0;
    for (size_t k = 0; k < r->rung_count; k++) padding = fmax(padding, r->rungs[k].padding);
    printf("%zu episodes, %zu steps: %zu for training, %zu for validation, %zu for the test; %s%s "
           "in %.1f s\n\n",
           r->episodes, r->steps, r->training, r->validation, r->test,
           r->target == RUD_TARGET_SUCCESS ? "success, cross-entropy"
           : r->discount < 1               ? "discounted return"
                                           : "return",
           r->in_memory ? "" : ", kept in a temporary file,", r->seconds);
    print_ladder(r);
    printf("\n%s, in the test, which decided nothing:\n", r->cell);
    print_line("R^2 of the predicted return", r->r_squared);
    print_line("quality (explained variance)", r->quality);
    print_line("rank correlation", r->rank_correlation);
    print_line("variance ratio of the reward-to-go", r->variance_ratio);
    print_line("standard deviation of the error, in reward units", r->error_std);
    print_line("padding in training, share of the steps", padding);
    printf("\nModel: %s/model.safetensors\n", folder);
    char *page = rud_path_join(folder, "report.html");
    if (page && rud_file_exists(page)) printf("Report: %s\n", page);
    free(page);
}

int cli_train_offline_print(const rud_offline_result *result, const char *folder, bool json)
{
    if (!json) {
        print_table(result, folder);
        return CLI_DONE;
    }
    const rud_status status = print_json(result, folder);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}
