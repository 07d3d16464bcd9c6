/* What a judge found, as one self-contained HTML page. */
#ifndef RUD_REPORT_JUDGEMENT_PAGE_H
#define RUD_REPORT_JUDGEMENT_PAGE_H

#include "judge/judge.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens offline; written atomically. */
rud_status rud_judgement_page(const rud_judgement *judgement, const char *path);

#ifdef __cplusplus
}
#endif
#endif
