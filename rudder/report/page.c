#include "report/page_private.h"

#include <string.h>

#include "base/file.h"
#include "report/assets_private.h"

enum { PLACE_SIZE = 32 };

void rud_html(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

/* In JSON `<` stands only in strings, where it may be written as a number. */
void rud_html_json(FILE *out, const char *json)
{
    for (; *json; json++) {
        if (*json == '<') {
            fputs("\\u003c", out);
        } else {
            fputc(*json, out);
        }
    }
}

rud_status rud_page_unknown(const char *place)
{
    return rud_error(RUD_EFORMAT, "the page has an unknown place {{%s}}", place);
}

/* Copies the text; each {{place}} is filled. */
static rud_status fill(FILE *out, const char *text, rud_page_fill *fill_place, const void *context)
{
    for (;;) {
        char place[PLACE_SIZE];
        const char *open = strstr(text, "{{");
        const char *close = open ? strstr(open, "}}") : NULL;
        if (!close) break;
        fwrite(text, 1, (size_t)(open - text), out);
        snprintf(place, sizeof place, "%.*s", (int)(close - open) - 2, open + 2);
        RUD_TRY(fill_place(context, out, place));
        text = close + 2;
    }
    fputs(text, out);
    return RUD_OK;
}

/* What stands in the frame. */
typedef struct frame {
    const char *title, *body;
    rud_page_fill *fill_body;
    const void *context;
} frame;

static rud_status fill_frame(const void *context, FILE *out, const char *place)
{
    const frame *f = context;
    if (strcmp(place, "body") == 0) return fill(out, f->body, f->fill_body, f->context);
    if (strcmp(place, "title") == 0) {
        rud_html(out, f->title);
    } else if (strcmp(place, "version") == 0) {
        rud_html(out, RUD_VERSION);
    } else if (strcmp(place, "config_light") == 0) {
        rud_html_json(out, rud_asset_config_light);
    } else if (strcmp(place, "config_dark") == 0) {
        rud_html_json(out, rud_asset_config_dark);
    } else if (strcmp(place, "vega") == 0) {
        fputs(rud_asset_vega, out);
    } else {
        return rud_page_unknown(place);
    }
    return RUD_OK;
}

rud_status rud_page_write(const char *path, const char *title, const char *body,
                          rud_page_fill *fill_body, const void *context)
{
    rud_atomic_file file;
    RUD_TRY(rud_atomic_file_open(path, &file));
    const frame f = {title, body, fill_body, context};
    const rud_status status = fill(file.stream, rud_asset_page, fill_frame, &f);
    if (status == RUD_OK) return rud_atomic_file_commit(&file);
    rud_atomic_file_abort(&file);
    return rud_error_context(status, "%s", path);
}
