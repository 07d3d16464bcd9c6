/* How results are worded for people, in the table and on the page. Private to this folder. */
#ifndef RUD_REPORT_WORDING_PRIVATE_H
#define RUD_REPORT_WORDING_PRIVATE_H

#include "experiment/results.h"

/* A short text by value, to be used as `rud_word_...(...).text`. */
typedef struct rud_word {
    char text[80];
} rud_word;

/* How the page and the table differ. */
typedef struct rud_wording {
    const char *separator; /* between thousands */
    const char *at_least, *at_most;
} rud_wording;

extern const rud_wording rud_wording_plain; /* 12000, >=12000 */
extern const rud_wording rud_wording_page;  /* 12,000, ≥ 12,000 */

/* Rounded to a whole number; "-" for NaN. */
rud_word rud_word_count(const rud_wording *wording, double value);

/* A quantile of the episodes, marked where it is a bound. */
rud_word rud_word_episodes(const rud_wording *wording, const rud_summary *summary, double episodes);

/* Three digits at most behind the point, fewer for large values; "-" for NaN. */
rud_word rud_word_number(double value);

/* Median episodes of side b over those of side a: how many times as many b needs. */
rud_word rud_word_times(const rud_wording *wording, const rud_comparison *comparison);

/* "0.012", "<0.001"; "-" for NaN. */
rud_word rud_word_p_value(double p);

/* "1/n, 0": step size and initial value. */
rud_word rud_word_setting(const rud_setting *setting);

/* "watch-repair, delay 50" */
rud_word rud_word_variant(const rud_wording *wording, const rud_run *run);

#endif
