#include "report/wording_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const rud_wording rud_wording_plain = {.separator = "", .at_least = ">=", .at_most = "<="};
const rud_wording rud_wording_page = {.separator = ",", .at_least = "≥ ", .at_most = "≤ "};

static const rud_word none = {"-"};

rud_word rud_word_count(const rud_wording *wording, double value)
{
    if (!isfinite(value)) return none;
    char digits[40];
    rud_word word = {""};
    /* counts are far below 10^30 */
    snprintf(digits, sizeof digits, "%.0f", fmin(round(value), 1e30));
    size_t length = strlen(digits), used = 0;
    for (size_t k = 0; k < length; k++) {
        bool group = k > 0 && (length - k) % 3 == 0 && digits[k - 1] != '-';
        used += (size_t)snprintf(word.text + used, sizeof word.text - used, "%s%c",
                                 group ? wording->separator : "", digits[k]);
    }
    return word;
}

/* mark: "", at_least or at_most */
static rud_word marked(const char *mark, rud_word word)
{
    rud_word both;
    snprintf(both.text, sizeof both.text, "%s%.60s", mark, word.text);
    return both;
}

rud_word rud_word_episodes(const rud_wording *wording, const rud_summary *summary, double episodes)
{
    bool is_bound = rud_summary_is_bound(summary, episodes);
    return marked(is_bound ? wording->at_least : "", rud_word_count(wording, episodes));
}

rud_word rud_word_number(double value)
{
    if (!isfinite(value)) return none;
    double size = fabs(value);
    int digits = size >= 100.0 ? 0 : size >= 10.0 ? 1 : size >= 0.1 || value == 0.0 ? 2 : 3;
    rud_word word;
    snprintf(word.text, sizeof word.text, "%.*f", digits, fmin(value, 1e30));
    return word;
}

rud_word rud_word_times(const rud_wording *wording, const rud_comparison *comparison)
{
    double times = 1.0 / comparison->ratio;
    if (!isfinite(times)) return none;
    /* with both medians bounds nothing is known of their ratio */
    if (comparison->a_censored && comparison->b_censored) return none;
    const char *mark = comparison->b_censored   ? wording->at_least
                       : comparison->a_censored ? wording->at_most
                                                : "";
    return marked(mark, rud_word_number(times));
}

rud_word rud_word_p_value(double p)
{
    if (!isfinite(p)) return none;
    if (p < 0.001) return (rud_word){"<0.001"};
    rud_word word;
    snprintf(word.text, sizeof word.text, "%.3f", p);
    return word;
}

rud_word rud_word_setting(const rud_setting *setting)
{
    rud_word word;
    char step_size[24] = "1/n";
    if (!setting->step_size.sample_mean) {
        snprintf(step_size, sizeof step_size, "%.4g", setting->step_size.constant);
    }
    snprintf(word.text, sizeof word.text, "%s, %.4g, %zu", step_size, setting->initial_value,
             setting->random_episodes);
    return word;
}

rud_word rud_word_variant(const rud_wording *wording, const rud_run *run)
{
    rud_word word;
    if (run->delay == RUD_NO_DELAY) {
        snprintf(word.text, sizeof word.text, "%s", run->environment);
    } else {
        snprintf(word.text, sizeof word.text, "%s, delay %.40s", run->environment,
                 rud_word_count(wording, (double)run->delay).text);
    }
    return word;
}
