#include <math.h>
#include <string.h>

#include "base/json.h"
#include "report/assets_private.h"
#include "report/judgement_page.h"
#include "report/page_private.h"

/* Rows first .. end - 1 are a group. */
typedef struct group {
    const rud_judgement *judgement;
    size_t first, end;
} group;

static void write_facts(const rud_judgement *judgement, FILE *out)
{
    for (size_t k = 0; k < judgement->fact_count; k++) {
        const rud_fact_text text = rud_judgement_fact_text(&judgement->facts[k]);
        fprintf(out, "%s%s <b>%s</b>", k > 0 ? ", " : "", text.key, text.value);
    }
    fputs("; mean and standard deviation over ", out);
    rud_html(out, judgement->deviation);
    fputs(".", out);
}

static void write_columns(const rud_judgement *judgement, FILE *out)
{
    for (size_t c = 0; c < judgement->column_count; c++) {
        fputs("<p><b>", out);
        rud_html(out, judgement->columns[c].title);
        fputs("</b>: ", out);
        rud_html(out, judgement->columns[c].meaning);
        fputs(".</p>\n", out);
    }
}

static void write_cell(const rud_judgement *judgement, const rud_judgement_row *row, size_t c,
                       FILE *out)
{
    char number[RUD_JUDGEMENT_NUMBER];
    if (isnan(row->mean[c])) {
        fputs("</td><td>-", out);
        return;
    }
    rud_judgement_number(&judgement->columns[c], row->mean[c], number);
    fprintf(out, "</td><td>%s", number);
    if (isnan(row->deviation[c])) return;
    rud_judgement_number(&judgement->columns[c], row->deviation[c], number);
    fprintf(out, " <span class=\"range\">± %s</span>", number);
}

static void write_table(const group *g, FILE *out)
{
    const rud_judgement *judgement = g->judgement;
    fputs("<div class=\"scroll\"><table>\n<thead><tr><th>", out);
    rud_html(out, judgement->row);
    for (size_t c = 0; c < judgement->column_count; c++) {
        fputs("</th><th>", out);
        rud_html(out, judgement->columns[c].title);
    }
    fputs("</th></tr></thead>\n<tbody>\n", out);
    for (size_t k = g->first; k < g->end; k++) {
        const rud_judgement_row *row = &judgement->rows[k];
        fputs("<tr><td>", out);
        rud_html(out, row->label);
        for (size_t c = 0; c < judgement->column_count; c++) write_cell(judgement, row, c, out);
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* [{"title", "decades", "point"?}] */
static json_object *frame_of(const char *title, bool decades, const char *point)
{
    json_object *frame = json_object_new_object();
    if (frame && rud_json_put_text(frame, "title", title) &&
        rud_json_put_bool(frame, "decades", decades) &&
        (!point || rud_json_put_text(frame, "point", point))) {
        return rud_json_array_of(frame);
    }
    json_object_put(frame);
    return NULL;
}

/* On a logarithmic axis what goes down to 0 or below has no lower end. */
static bool put_dot(const rud_judgement *judgement, const rud_judgement_row *row, size_t c,
                    json_object *to)
{
    const double mean = row->mean[c], deviation = isnan(row->deviation[c]) ? 0 : row->deviation[c];
    const bool open = judgement->columns[c].decades && mean - deviation <= 0;
    return to && rud_json_put_text(to, "label", row->label) &&
           rud_json_put_number(to, "mean", mean) &&
           rud_json_put_number(to, "deviation", deviation) &&
           rud_json_put_number(to, "low", open ? mean : mean - deviation) &&
           rud_json_put_number(to, "high", mean + deviation);
}

/* Is there a place for it on the axis? */
static bool has_dot(const rud_judgement *judgement, const rud_judgement_row *row, size_t c)
{
    return !isnan(row->mean[c]) && (!judgement->columns[c].decades || row->mean[c] > 0);
}

static bool put_curve(const rud_judgement *judgement, const rud_judgement_row *row, json_object *to)
{
    json_object *points = json_object_new_array(), *values = json_object_new_array();
    bool made = points && values;
    for (size_t k = 0; made && k < judgement->point_count; k++) {
        made = rud_json_push_rounded(points, judgement->points[k]) &&
               rud_json_push_rounded(values, row->curve[k]);
    }
    if (!made) {
        json_object_put(points);
        json_object_put(values);
        return false;
    }
    made = rud_json_put(to, "point", points);
    return rud_json_put(to, "value", values) && made && rud_json_put_text(to, "label", row->label);
}

/* The group's rows as a data set: dots of column c, or curves where c is behind the last column. */
static json_object *rows_of(const group *g, size_t c)
{
    json_object *rows = json_object_new_array();
    bool made = rows != NULL;
    for (size_t k = g->first; made && k < g->end; k++) {
        const rud_judgement_row *row = &g->judgement->rows[k];
        const bool curve = c == g->judgement->column_count;
        if (!curve && !has_dot(g->judgement, row, c)) continue;
        json_object *item = json_object_new_object();
        made = item &&
               (curve ? put_curve(g->judgement, row, item) : put_dot(g->judgement, row, c, item));
        if (made) {
            made = rud_json_push(rows, item);
        } else {
            json_object_put(item);
        }
    }
    if (made) return rows;
    json_object_put(rows);
    return NULL;
}

static rud_status write_curves(const group *g, FILE *out)
{
    const rud_judgement *judgement = g->judgement;
    const rud_chart_set sets[] = {{"points", rows_of(g, judgement->column_count)},
                                  {"frame", frame_of(judgement->height, false, judgement->point)}};
    return rud_page_chart(out, rud_asset_judgement_curves, sets, 2, "Mean over all.");
}

static rud_status write_dots(const group *g, size_t c, FILE *out)
{
    const rud_judgement_column *column = &g->judgement->columns[c];
    const rud_chart_set sets[] = {{"rows", rows_of(g, c)},
                                  {"frame", frame_of(column->title, column->decades, NULL)}};
    return rud_page_chart(out, rud_asset_judgement_dots, sets, 2,
                          column->decades ? "Logarithmic; where the deviation is larger than the "
                                            "mean, only its upper half is drawn."
                                          : "");
}

static rud_status write_group(const group *g, FILE *out)
{
    const rud_judgement *judgement = g->judgement;
    fputs("<section>\n<h2>", out);
    rud_html(out, judgement->group ? judgement->rows[g->first].group : "Results");
    fputs("</h2>\n", out);
    write_table(g, out);
    if (judgement->point) RUD_TRY(write_curves(g, out));
    fputs("<div class=\"pair\">\n", out);
    for (size_t c = 0; c < judgement->column_count; c++) RUD_TRY(write_dots(g, c, out));
    fputs("</div>\n</section>\n", out);
    return RUD_OK;
}

static rud_status write_groups(const rud_judgement *judgement, FILE *out)
{
    for (size_t k = 0; k < judgement->row_count;) {
        group g = {judgement, k, k};
        while (g.end < judgement->row_count &&
               strcmp(judgement->rows[g.end].group, judgement->rows[k].group) == 0) {
            g.end++;
        }
        RUD_TRY(write_group(&g, out));
        k = g.end;
    }
    return RUD_OK;
}

static rud_status fill(const void *context, FILE *out, const char *place)
{
    const rud_judgement *judgement = context;
    if (strcmp(place, "groups") == 0) return write_groups(judgement, out);
    if (strcmp(place, "title") == 0) {
        rud_html(out, judgement->title);
    } else if (strcmp(place, "facts") == 0) {
        write_facts(judgement, out);
    } else if (strcmp(place, "columns") == 0) {
        write_columns(judgement, out);
    } else {
        return rud_page_unknown(place);
    }
    return RUD_OK;
}

rud_status rud_judgement_page(const rud_judgement *judgement, const char *path)
{
    return rud_page_write(path, judgement->title, rud_asset_judgement, fill, judgement);
}
