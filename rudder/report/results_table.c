#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/results.h"
#include "report/report.h"
#include "report/wording_private.h"

enum { COLUMNS = 8, CELL_SIZE = 96 };

typedef struct row {
    char cells[COLUMNS][CELL_SIZE];
} row;

static void fill(char *cell, const char *text)
{
    snprintf(cell, CELL_SIZE, "%s", text);
}

static row header(const char *reference)
{
    row head = {
        {"method", "setting", "solved", "episodes [q25, q75]", "poor", "CPU s", "", "Holm p"}};
    snprintf(head.cells[6], CELL_SIZE, "x %s", reference);
    return head;
}

static row body(const rud_results *results, const rud_summary *summary)
{
    const rud_wording *plain = &rud_wording_plain;
    row line = {{""}};
    fill(line.cells[0], summary->first->method);
    fill(line.cells[1], rud_word_setting(&summary->first->setting).text);
    snprintf(line.cells[2], CELL_SIZE, "%zu/%zu", summary->solved, summary->runs);
    snprintf(line.cells[3], CELL_SIZE, "%.28s [%.28s, %.28s]",
             rud_word_episodes(plain, summary, summary->median_episodes).text,
             rud_word_episodes(plain, summary, summary->q25_episodes).text,
             rud_word_episodes(plain, summary, summary->q75_episodes).text);
    fill(line.cells[4], rud_word_count(plain, summary->median_poor_decisions).text);
    fill(line.cells[5], rud_word_number(summary->median_seconds).text);
    const rud_comparison *comparison = rud_results_comparison(results, summary);
    fill(line.cells[6], comparison      ? rud_word_times(plain, comparison).text
                        : summary->runs ? "1"
                                        : "-");
    fill(line.cells[7], comparison ? rud_word_p_value(comparison->p_value).text : "-");
    return line;
}

static void print_rows(FILE *stream, const row *rows, size_t count)
{
    int widths[COLUMNS] = {0};
    for (size_t k = 0; k < count; k++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            int length = (int)strlen(rows[k].cells[c]);
            if (length > widths[c]) widths[c] = length;
        }
    }
    for (size_t k = 0; k < count; k++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            /* words stand left, numbers right */
            int width = c < 2 ? -widths[c] : widths[c];
            fprintf(stream, "%s%*s", c ? "  " : "", width, rows[k].cells[c]);
        }
        fputc('\n', stream);
    }
}

static void print_block(FILE *stream, const rud_results *results, const rud_summary *block,
                        row *rows)
{
    fprintf(stream, "%s\n", rud_word_variant(&rud_wording_plain, block->first).text);
    size_t count = 0;
    rows[count++] = header(rud_reference(results, block)->first->method);
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (rud_same_variant(summary->first, block->first)) rows[count++] = body(results, summary);
    }
    print_rows(stream, rows, count);
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (!rud_same_variant(summary->first, block->first) || summary->failed == 0) continue;
        fprintf(stream, "%s: %zu failed: %s\n", summary->first->method, summary->failed,
                rud_first_error(results->runs, summary->first));
    }
    fputc('\n', stream);
}

rud_status rud_report_print(const rud_results *results, FILE *stream)
{
    row *rows = calloc(results->summary_count + 1, sizeof *rows);
    if (!rows) return rud_error(RUD_ENOMEM, "table of results: no memory left");
    for (size_t k = 0; k < results->summary_count; k++) {
        if (rud_first_of_variant(results, k)) {
            print_block(stream, results, &results->summaries[k], rows);
        }
    }
    free(rows);
    fputs(
        "setting: step size, initial value, random episodes. episodes: to solve, median; >= where "
        "runs\nstopped at the cap. poor: decisions until then. Holm p: one-sided Mann-Whitney U, "
        "corrected.\n",
        stream);
    if (fflush(stream) != 0 || ferror(stream)) {
        return rud_error(RUD_EIO, "table of results: cannot write: %s", strerror(errno));
    }
    return RUD_OK;
}
