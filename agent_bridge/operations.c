/* The table of operations. */
#include "agent_bridge/operations_private.h"

#define FIELDS(...) ((const char *const[]){RUD_REQUEST_FIELDS, __VA_ARGS__, NULL})
#define NO_FIELDS   ((const char *const[]){RUD_REQUEST_FIELDS, NULL})

const rud_operation rud_operations[] = {
    {.name = "hello", .fields = FIELDS("client", "task", "spec"), .begin = rud_begin_hello},
    {.name = "configure", .fields = FIELDS("spec"), .begin = rud_begin_configure},
    {.name = "submit",
     .fields = FIELDS("episodes", "task", "spec", "time_limit"),
     .begin = rud_begin_submit,
     .work = rud_work_submit,
     .finish = rud_finish_store},
    {.name = "redistribute",
     .fields = FIELDS("episodes", "task", "spec", "time_limit", "mix", "submit"),
     .begin = rud_begin_redistribute,
     .finish = rud_finish_store,
     .batched = true},
    {.name = "status", .fields = FIELDS("task", "spec"), .begin = rud_begin_status},
    {.name = "model",
     .fields = FIELDS("task", "spec", "weights"),
     .begin = rud_begin_model,
     .work = rud_work_model},
    {.name = "train",
     .fields = FIELDS("updates", "task", "spec"),
     .begin = rud_begin_train,
     .finish = rud_finish_train},
    {.name = "train.pause",
     .fields = FIELDS("task", "spec"),
     .begin = rud_begin_pause,
     .finish = rud_finish_pause},
    {.name = "train.resume",
     .fields = FIELDS("task", "spec"),
     .begin = rud_begin_resume,
     .finish = rud_finish_pause},
    {.name = "shutdown", .fields = NO_FIELDS, .begin = rud_begin_shutdown},
};
const size_t rud_operation_count = sizeof rud_operations / sizeof rud_operations[0];
