#include "experiment/report.h"

#include <string.h>

#include "base/file.h"
#include "experiment/assets_private.h"
#include "experiment/report_private.h"

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

static rud_status title_part(const rud_report *report)
{
    rud_html(report->out, report->title);
    return RUD_OK;
}

static rud_status config_part(const rud_report *report)
{
    rud_html(report->out, report->config);
    return RUD_OK;
}

static rud_status version_part(const rud_report *report)
{
    rud_html(report->out, RUD_VERSION);
    return RUD_OK;
}

static rud_status config_light_part(const rud_report *report)
{
    rud_html_json(report->out, rud_asset_config_light);
    return RUD_OK;
}

static rud_status config_dark_part(const rud_report *report)
{
    rud_html_json(report->out, rud_asset_config_dark);
    return RUD_OK;
}

static rud_status vega_part(const rud_report *report)
{
    fputs(rud_asset_vega, report->out);
    return RUD_OK;
}

static const struct {
    const char *name;
    rud_report_part *write;
} parts[] = {
    {"title", title_part},
    {"summary", rud_report_summary},
    {"tables", rud_report_tables},
    {"episodes", rud_report_episodes},
    {"curves", rud_report_curves},
    {"predictor", rud_report_predictor},
    {"examples", rud_report_examples},
    {"settings", rud_report_settings},
    {"statistics", rud_report_statistics},
    {"config", config_part},
    {"version", version_part},
    {"config_light", config_light_part},
    {"config_dark", config_dark_part},
    {"vega", vega_part},
};

static rud_status write_part(const rud_report *report, const char *name, size_t length)
{
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        if (strlen(parts[k].name) == length && memcmp(parts[k].name, name, length) == 0) {
            return parts[k].write(report);
        }
    }
    return rud_error(RUD_EFORMAT, "report: the page has an unknown place {{%.*s}}", (int)length,
                     name);
}

/* Copies the page; each {{name}} is replaced by its part. */
static rud_status write_page(const rud_report *report)
{
    const char *at = rud_asset_page;
    for (;;) {
        const char *open = strstr(at, "{{");
        const char *close = open ? strstr(open, "}}") : NULL;
        if (!close) break;
        fwrite(at, 1, (size_t)(open - at), report->out);
        RUD_TRY(write_part(report, open + 2, (size_t)(close - open) - 2));
        at = close + 2;
    }
    fputs(at, report->out);
    return RUD_OK;
}

rud_status rud_report_write(const rud_results *results, const char *title, const char *config,
                            const char *path)
{
    rud_atomic_file file;
    RUD_TRY(rud_atomic_file_open(path, &file));
    rud_report report = {.results = results, .title = title, .config = config, .out = file.stream};
    rud_status status = write_page(&report);
    if (status != RUD_OK) {
        rud_atomic_file_abort(&file);
        return rud_error_context(status, "%s", path);
    }
    return rud_atomic_file_commit(&file);
}
