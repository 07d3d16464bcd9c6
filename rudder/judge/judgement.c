/* A judge's result: its memory, and as text. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge_private.h"

rud_status rud_judgement_allocate(rud_judgement *judgement, size_t count, size_t point_count)
{
    judgement->rows = calloc(count, sizeof *judgement->rows);
    judgement->row_count = judgement->rows ? count : 0;
    judgement->points = calloc(point_count + 1, sizeof *judgement->points);
    judgement->point_count = point_count;
    bool made = judgement->rows && judgement->points;
    for (size_t k = 0; made && k < count && point_count > 0; k++) {
        judgement->rows[k].curve = calloc(point_count, sizeof(double));
        made = judgement->rows[k].curve != NULL;
    }
    return made ? RUD_OK : rud_error(RUD_ENOMEM, "no memory for a table of %zu rows", count);
}

void rud_judgement_free(rud_judgement *judgement)
{
    for (size_t k = 0; k < judgement->row_count; k++) free(judgement->rows[k].curve);
    free(judgement->rows);
    free(judgement->points);
    judgement->rows = NULL;
    judgement->points = NULL;
    judgement->row_count = judgement->point_count = judgement->fact_count = 0;
}

void rud_judgement_fact_add(rud_judgement *judgement, const char *key, double value)
{
    judgement->facts[judgement->fact_count++] = (rud_judgement_fact){key, value};
}

rud_status rud_judge_stopped(const rud_judge_work *work)
{
    return work->stop && *work->stop ? rud_error(RUD_EINTERRUPTED, "interrupted") : RUD_OK;
}

enum { CELL_SIZE = 2 * RUD_JUDGEMENT_NUMBER + 8 };

void rud_judgement_number(const rud_judgement_column *column, double value,
                          char text[RUD_JUDGEMENT_NUMBER])
{
    const bool fixed = !column->decades && fabs(value) < 1000;
    snprintf(text, RUD_JUDGEMENT_NUMBER, fixed ? "%.3f" : "%.3g", value);
}

/* "0.999 +- 0.001" */
static void write_cell(const rud_judgement *judgement, const rud_judgement_row *row, size_t c,
                       char cell[CELL_SIZE])
{
    char mean[RUD_JUDGEMENT_NUMBER], deviation[RUD_JUDGEMENT_NUMBER];
    rud_judgement_number(&judgement->columns[c], row->mean[c], mean);
    rud_judgement_number(&judgement->columns[c], row->deviation[c], deviation);
    if (isnan(row->mean[c])) {
        snprintf(cell, CELL_SIZE, "-");
    } else if (isnan(row->deviation[c])) {
        snprintf(cell, CELL_SIZE, "%s", mean);
    } else {
        snprintf(cell, CELL_SIZE, "%s +- %s", mean, deviation);
    }
}

static int label_width(const rud_judgement *judgement)
{
    size_t width = strlen(judgement->row);
    for (size_t k = 0; k < judgement->row_count; k++) {
        const size_t length = strlen(judgement->rows[k].label);
        if (length > width) width = length;
    }
    return (int)width;
}

static int column_width(const rud_judgement *judgement, size_t column)
{
    size_t width = strlen(judgement->columns[column].title);
    char cell[CELL_SIZE];
    for (size_t k = 0; k < judgement->row_count; k++) {
        write_cell(judgement, &judgement->rows[k], column, cell);
        if (strlen(cell) > width) width = strlen(cell);
    }
    return (int)width + 2;
}

static void print_header(const rud_judgement *judgement, const char *group, FILE *stream)
{
    if (judgement->group) fprintf(stream, "\n%s\n", group);
    fprintf(stream, "%-*s", label_width(judgement), judgement->row);
    for (size_t c = 0; c < judgement->column_count; c++) {
        fprintf(stream, "%*s", column_width(judgement, c), judgement->columns[c].title);
    }
    fputc('\n', stream);
}

static void print_row(const rud_judgement *judgement, const rud_judgement_row *row, FILE *stream)
{
    char cell[CELL_SIZE];
    fprintf(stream, "%-*s", label_width(judgement), row->label);
    for (size_t c = 0; c < judgement->column_count; c++) {
        write_cell(judgement, row, c, cell);
        fprintf(stream, "%*s", column_width(judgement, c), cell);
    }
    fputc('\n', stream);
}

rud_fact_text rud_judgement_fact_text(const rud_judgement_fact *fact)
{
    rud_fact_text text;
    const double whole_below = 9007199254740992.0; /* 2^53 */
    const bool whole = fact->value == floor(fact->value) && fabs(fact->value) <= whole_below;
    snprintf(text.key, sizeof text.key, "%s", fact->key);
    for (char *c = text.key; *c; c++) *c = *c == '_' ? ' ' : *c;
    snprintf(text.value, sizeof text.value, whole ? "%.0f" : "%.8g", fact->value);
    return text;
}

static void print_facts(const rud_judgement *judgement, FILE *stream)
{
    for (size_t k = 0; k < judgement->fact_count; k++) {
        const rud_fact_text text = rud_judgement_fact_text(&judgement->facts[k]);
        fprintf(stream, "%s%s %s", k > 0 ? ", " : "", text.key, text.value);
    }
    fprintf(stream, "; mean and standard deviation over %s\n", judgement->deviation);
}

void rud_judgement_print(const rud_judgement *judgement, FILE *stream)
{
    print_facts(judgement, stream);
    const char *group = NULL;
    for (size_t k = 0; k < judgement->row_count; k++) {
        const rud_judgement_row *row = &judgement->rows[k];
        if (!group || strcmp(group, row->group) != 0) print_header(judgement, row->group, stream);
        group = row->group;
        print_row(judgement, row, stream);
    }
    fputc('\n', stream);
    for (size_t c = 0; c < judgement->column_count; c++) {
        fprintf(stream, "%s: %s\n", judgement->columns[c].title, judgement->columns[c].meaning);
    }
}
