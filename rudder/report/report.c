#include "report/report.h"

#include <string.h>

#include "report/assets_private.h"
#include "report/page_private.h"
#include "report/report_private.h"

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

static const struct {
    const char *name;
    rud_report_part *write;
} places[] = {
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
};

static rud_status fill_place(const void *context, FILE *out, const char *place)
{
    rud_report report = *(const rud_report *)context;
    report.out = out;
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        if (strcmp(places[k].name, place) == 0) return places[k].write(&report);
    }
    return rud_page_unknown(place);
}

rud_status rud_report_write(const rud_results *results, const char *title, const char *config,
                            const char *path)
{
    const rud_report report = {.results = results, .title = title, .config = config};
    return rud_page_write(path, title, rud_asset_report, fill_place, &report);
}
