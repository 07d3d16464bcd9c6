/* The page of an experiment, made from its run folder. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "experiment/experiment.h"
#include "report/report.h"

static rud_status write_page(const rud_runs *runs, const rud_config *config, const char *path)
{
    rud_results results = {0};
    char *yaml = NULL;
    RUD_TRY(rud_config_to_yaml(config, &yaml));
    rud_status status = rud_results_compute(runs, &results);
    if (status == RUD_OK) status = rud_report_write(&results, config->name, yaml, path);
    rud_results_free(&results);
    free(yaml);
    return status;
}

rud_status rud_experiment_report(const char *folder, const char *path)
{
    rud_config config;
    rud_runs runs = {0};
    char *page = path != NULL ? strdup(path) : rud_path_join(folder, "report.html");
    if (page == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = rud_experiment_read(folder, &config, &runs);
    if (status == RUD_OK) status = write_page(&runs, &config, page);
    rud_runs_free(&runs);
    free(page);
    return status;
}
