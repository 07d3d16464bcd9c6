#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "judge/judge_private.h"

static json_object *numbers_of(const double *values, size_t count)
{
    json_object *array = json_object_new_array();
    bool made = array != NULL;
    for (size_t k = 0; made && k < count; k++) made = rud_json_push_number(array, values[k]);
    if (made) return array;
    json_object_put(array);
    return NULL;
}

static bool put_row(const rud_judgement *judgement, const rud_judgement_row *row, json_object *to)
{
    bool made = to && (!judgement->group || rud_json_put_text(to, judgement->group, row->group)) &&
                rud_json_put_text(to, judgement->row, row->label);
    for (size_t c = 0; made && c < judgement->column_count; c++) {
        json_object *figure = json_object_new_object();
        made = figure && rud_json_put_number(figure, "mean", row->mean[c]) &&
               rud_json_put_number(figure, "std", row->deviation[c]);
        if (made) {
            made = rud_json_put(to, judgement->columns[c].key, figure);
        } else {
            json_object_put(figure);
        }
    }
    return made && (!row->curve ||
                    rud_json_put(to, "curve", numbers_of(row->curve, judgement->point_count)));
}

static bool put_all(const rud_judgement *judgement, json_object *to)
{
    bool made = to && rud_json_put_text(to, "judge", judgement->judge);
    for (size_t k = 0; made && k < judgement->fact_count; k++) {
        made = rud_json_put_number(to, judgement->facts[k].key, judgement->facts[k].value);
    }
    if (made && judgement->point_count > 0) {
        made = rud_json_put(to, "points", numbers_of(judgement->points, judgement->point_count));
    }
    json_object *rows = json_object_new_array();
    made = made && rud_json_put(to, "rows", rows);
    for (size_t k = 0; made && k < judgement->row_count; k++) {
        json_object *row = json_object_new_object();
        made = put_row(judgement, &judgement->rows[k], row);
        if (made) {
            made = rud_json_push(rows, row);
        } else {
            json_object_put(row);
        }
    }
    return made;
}

rud_status rud_judgement_json(const rud_judgement *judgement, char **text)
{
    json_object *object = json_object_new_object();
    const char *written = NULL;
    if (put_all(judgement, object)) {
        written = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE);
    }
    *text = written ? strdup(written) : NULL;
    json_object_put(object);
    return *text ? RUD_OK : rud_error(RUD_ENOMEM, "no memory for the JSON output");
}
