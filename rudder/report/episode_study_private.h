/* What the page of a data set is drawn from. Private to this folder. */
#ifndef RUD_REPORT_EPISODE_STUDY_PRIVATE_H
#define RUD_REPORT_EPISODE_STUDY_PRIVATE_H

#include "redistribution/explainer.h"
#include "report/episode_report.h"

enum {
    RUD_STUDY_BINS = 20,      /* of an episode's time, from its first to its last step */
    RUD_STUDY_SAMPLE = 20000, /* episodes at most whose course over time is kept */
    RUD_STUDY_EXAMPLES = 4,   /* with the largest gains, and as many with the largest losses */
    RUD_STUDY_LEAKS = 8,      /* columns that are named at most */
    RUD_STUDY_KEY_STEPS = 3,  /* of an example */
    RUD_STUDY_KEY_FEATURES = 3,
};

/* One episode. */
typedef struct rud_episode_fact {
    size_t file, index; /* the data set, and its number there */
    size_t steps;
    bool terminated, truncated;
    bool fitted;               /* the baselines were fitted to it; all others are judged */
    double G;                  /* return */
    double last_share;         /* |r_{T-1}| / sum_t |r_t|; NaN without any reward */
    double prediction, linear; /* of the model and of the linear baseline */
    double rise, fall;         /* the largest and the smallest difference g_t - g_{t-1}, t >= 1 */
} rud_episode_fact;

/* The course of a sampled episode over its time: sums up to the end of each bin. */
typedef struct rud_episode_course {
    size_t fact;
    float g[RUD_STUDY_BINS];      /* prediction */
    float earned[RUD_STUDY_BINS]; /* original rewards so far */
} rud_episode_course;

/* Sums over steps for the correlations of one observation column with time and with the reward so
 * far. */
typedef struct rud_column_sums {
    double n, x, xx, t, tt, xt, r, rr, xr;
} rud_column_sums;

/* A feature's part in a key step of an example. */
typedef struct rud_key_step {
    size_t step;
    double reward; /* redistributed */
    size_t feature_count;
    struct {
        char name[128];
        double relevance;
    } features[RUD_STUDY_KEY_FEATURES]; /* none where the predictor does not tell */
} rud_key_step;

typedef struct rud_episode_example {
    size_t fact;
    bool gain;
    rud_episode *episode;
    rud_explanation explanation; /* by difference */
    rud_key_step keys[RUD_STUDY_KEY_STEPS];
    size_t key_count;
} rud_episode_example;

typedef struct rud_episode_study {
    const rud_episode_report *report;
    rud_episode_fact *facts; /* [count] */
    size_t count, steps;
    size_t stride;               /* every so many-th episode is sampled */
    rud_episode_course *courses; /* [course_count] */
    size_t course_count;
    size_t judged;            /* facts that are not fitted */
    rud_column_sums *columns; /* [column_count] of observations */
    size_t column_count;
    rud_predictor *linear;
    double fitted_mean; /* mean return of the fitted episodes */
    rud_episode_example examples[2 * RUD_STUDY_EXAMPLES];
    size_t example_count;
} rud_episode_study;

rud_status rud_episode_study_make(const rud_episode_report *report, rud_episode_study *study);
void rud_episode_study_free(rud_episode_study *study);

/* Chooses and explains the examples: the last part of rud_episode_study_make. */
rud_status rud_episode_study_examples(rud_episode_study *study);

/* How well the returns of the fitted episodes, or else of the judged ones, were predicted; NaN
 * where there are none. */
typedef struct rud_study_fit {
    double r_squared, spearman, error; /* error: mean |G - prediction| */
    double squared;                    /* mean (G - prediction)^2 */
} rud_study_fit;
typedef enum rud_study_predictor {
    RUD_STUDY_BY_MODEL,
    RUD_STUDY_BY_LINEAR,
    RUD_STUDY_BY_MEAN
} rud_study_predictor;
rud_status rud_episode_study_fit(const rud_episode_study *study, rud_study_predictor by,
                                 bool fitted, rud_study_fit *fit);

/* What the fact's prediction is. */
double rud_episode_study_prediction(const rud_episode_study *study, const rud_episode_fact *fact,
                                    rud_study_predictor by);

/* Parts of the page: its charts. */
rud_status rud_episode_report_prediction(const rud_episode_study *study, FILE *out);
rud_status rud_episode_report_time(const rud_episode_study *study, FILE *out);
rud_status rud_episode_report_reward(const rud_episode_study *study, FILE *out);

#endif
