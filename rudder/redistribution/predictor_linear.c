/* The linear return predictor: ridge regression of G on the sum of an episode's inputs,
 *     G ~ w . sum_t x_t + b,    so that    g_t = b + w . (x_0 + ... + x_t). */
#include <stdlib.h>
#include <string.h>

#include "episodes/batch.h"
#include "redistribution/predictor_private.h"

/* LAPACK, from OpenBLAS, which has no header for it: solves A X = B for a symmetric positive
 * definite A (Cholesky); the last argument is the length of `triangle`, as Fortran passes it. */
void dposv_(const char *triangle, const int *n, const int *columns, double *A, const int *lda,
            double *B, const int *ldb, int *info, size_t length);

typedef struct linear_model {
    size_t n;                /* D + 1: the last column is the constant 1 */
    double *moments;         /* [n][n] sum of v v^T over episodes, v = (sum_t x_t, 1) */
    double *targets;         /* [n] sum of G v */
    double *solution;        /* [n] (w, b) */
    double *system;          /* [n][n] scratch, then [n] for the right-hand side */
    double episodes, solved; /* observed in all; at the last solution */
} linear_model;

static void free_linear(rud_predictor *predictor)
{
    linear_model *model = predictor->model;
    free(model->moments);
    free(model->targets);
    free(model->solution);
    free(model->system);
    free(model);
}

static rud_status create_linear(rud_predictor *predictor, uint64_t seed)
{
    (void)seed;
    linear_model *model = predictor->model = calloc(1, sizeof *model);
    if (model == NULL) return rud_error(RUD_ENOMEM, "no memory for a linear predictor");
    const size_t n = model->n = rud_features_width(predictor->features) + 1;
    model->moments = calloc(n, n * sizeof *model->moments);
    model->targets = calloc(n, sizeof *model->targets);
    model->solution = calloc(n, sizeof *model->solution);
    model->system = calloc(n + 1, n * sizeof *model->system);
    if (!model->moments || !model->targets || !model->solution || !model->system) {
        return rud_error(RUD_ENOMEM, "no memory for a linear predictor of %zu inputs", n - 1);
    }
    return RUD_OK;
}

static rud_status observe_linear(rud_predictor *predictor, const double *sum, double G)
{
    linear_model *model = predictor->model;
    const size_t n = model->n;
    for (size_t i = 0; i < n; i++) {
        const double v = i + 1 < n ? sum[i] : 1;
        if (v == 0) continue;
        double *row = model->moments + i * n;
        for (size_t j = 0; j + 1 < n; j++) row[j] += v * sum[j];
        row[n - 1] += v;
        model->targets[i] += G * v;
    }
    model->episodes++;
    return RUD_OK;
}

/* Solves (moments + ridge * episodes * I) w = targets. The constant is not penalised, but for
 * rounding. */
static rud_status solve(linear_model *model, double ridge)
{
    const int n = (int)model->n, columns = 1;
    double *right = model->system + model->n * model->n;
    int info = 0;
    memcpy(model->system, model->moments, model->n * model->n * sizeof *model->system);
    memcpy(right, model->targets, model->n * sizeof *right);
    for (size_t i = 0; i < model->n; i++) {
        model->system[i * model->n + i] += (i + 1 < model->n ? ridge : 1e-9) * model->episodes;
    }
    dposv_("U", &n, &columns, model->system, &n, right, &n, &info, 1);
    if (info != 0) {
        return rud_error(RUD_EDIVERGED,
                         "the linear predictor's equations are singular: raise predictor.ridge");
    }
    memcpy(model->solution, right, model->n * sizeof *right);
    model->solved = model->episodes;
    return RUD_OK;
}

/* g of an episode's inputs x[inputs][D]. */
static void predict_inputs(const linear_model *model, const float *x, size_t inputs, double *g)
{
    const size_t D = model->n - 1;
    double sum = model->solution[D];
    for (size_t t = 0; t < inputs; t++) {
        for (size_t d = 0; d < D; d++) sum += model->solution[d] * x[t * D + d];
        g[t] = sum;
    }
}

/* With memory of its own: several threads may predict at once. */
static rud_status predict_linear(const rud_predictor *predictor, const rud_episode *const *episodes,
                                 size_t count, double *const *g)
{
    rud_batch batch = {0};
    rud_status status = RUD_OK;
    for (size_t i = 0; i < count && status == RUD_OK; i++) {
        status = rud_batch_pack(&batch, predictor->features, &episodes[i], 1);
        if (status == RUD_OK) predict_inputs(predictor->model, batch.x, batch.T, g[i]);
    }
    rud_batch_free(&batch);
    return status;
}

static rud_status update_linear(rud_predictor *predictor, const rud_episode *const *episodes,
                                size_t count, rud_losses *losses)
{
    linear_model *model = predictor->model;
    if (model->solved != model->episodes) RUD_TRY(solve(model, predictor->options.ridge));
    for (size_t i = 0; losses != NULL && i < count; i++) {
        const size_t inputs = rud_features_inputs(predictor->features, episodes[i]);
        double *g = malloc(inputs * sizeof *g);
        if (g == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu predictions", inputs);
        const rud_status status = predict_linear(predictor, &episodes[i], 1, &g);
        if (status == RUD_OK) {
            losses[i] = rud_predictor_losses(predictor, g, inputs,
                                             rud_predictor_return(predictor, episodes[i]));
        }
        free(g);
        RUD_TRY(status);
    }
    return RUD_OK;
}

static rud_status copy_linear(const rud_predictor *from, rud_predictor *to)
{
    const linear_model *model = from->model;
    RUD_TRY(create_linear(to, 0));
    linear_model *made = to->model;
    memcpy(made->solution, model->solution, model->n * sizeof *made->solution);
    to->target = from->target;
    return RUD_OK;
}

static void checkpoint_linear(rud_predictor *predictor, rud_checkpoint *checkpoint)
{
    linear_model *model = predictor->model;
    const size_t n = model->n;
    rud_checkpoint_same(checkpoint, n);
    rud_checkpoint_values(checkpoint, model->moments, n * n * sizeof *model->moments);
    rud_checkpoint_values(checkpoint, model->targets, n * sizeof *model->targets);
    rud_checkpoint_values(checkpoint, model->solution, n * sizeof *model->solution);
    rud_checkpoint_values(checkpoint, &model->episodes, sizeof model->episodes);
    rud_checkpoint_values(checkpoint, &model->solved, sizeof model->solved);
}

/* The sum of w . x over the inputs so far. */
static rud_status create_stream(const rud_predictor *predictor, void **state)
{
    const linear_model *model = predictor->model;
    double *sum = malloc(sizeof *sum);
    *state = sum;
    if (sum == NULL) return rud_error(RUD_ENOMEM, "no memory for a stream");
    *sum = model->solution[model->n - 1];
    return RUD_OK;
}

static double step_stream(const rud_predictor *predictor, void *state, const float *x)
{
    const linear_model *model = predictor->model;
    double *sum = state;
    for (size_t d = 0; d + 1 < model->n; d++) *sum += model->solution[d] * x[d];
    return *sum;
}

static rud_status save_linear(const rud_predictor *predictor, rud_tensor_file *file)
{
    const linear_model *model = predictor->model;
    const size_t D = model->n - 1;
    float *values = malloc(model->n * sizeof *values);
    if (values == NULL) return rud_error(RUD_ENOMEM, "no memory to save a linear predictor");
    for (size_t i = 0; i < model->n; i++) values[i] = (float)model->solution[i];
    rud_status status = rud_tensor_file_add(file, "linear.weight", (size_t[]){1, D}, 2, values);
    if (status == RUD_OK) {
        status = rud_tensor_file_add(file, "linear.bias", (size_t[]){1}, 1, values + D);
    }
    free(values);
    return status;
}

static rud_status load_linear(rud_predictor *predictor, const rud_tensor_file *file)
{
    RUD_TRY(create_linear(predictor, 0));
    linear_model *model = predictor->model;
    const size_t D = model->n - 1;
    const rud_tensor *weight = rud_tensor_file_find(file, "linear.weight");
    const rud_tensor *bias = rud_tensor_file_find(file, "linear.bias");
    if (weight == NULL || bias == NULL || weight->count != D || bias->count != 1) {
        return rud_error(RUD_EFORMAT,
                         "a linear model needs linear.weight [1][%zu] and linear.bias [1]", D);
    }
    for (size_t d = 0; d < D; d++) model->solution[d] = weight->data[d];
    model->solution[D] = bias->data[0];
    return RUD_OK;
}

const double *rud_predictor_linear_weights(const rud_predictor *predictor)
{
    if (predictor->kind != &rud_predictor_linear) return NULL;
    const linear_model *model = predictor->model;
    return model->solution;
}

const rud_predictor_kind rud_predictor_linear = {
    .name = "linear",
    .useful_updates = 1,
    .create = create_linear,
    .free = free_linear,
    .observe = observe_linear,
    .update = update_linear,
    .predict = predict_linear,
    .copy = copy_linear,
    .checkpoint = checkpoint_linear,
    .stream_create = create_stream,
    .stream_free = free,
    .stream_step = step_stream,
    .save = save_linear,
    .load = load_linear,
};
