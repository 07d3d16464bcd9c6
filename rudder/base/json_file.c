#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

rud_status rud_json_read(const char *path, size_t limit, json_object **root)
{
    char *text = NULL;
    size_t size = 0;
    *root = NULL;
    RUD_TRY(rud_file_read(path, limit, &text, &size));
    const rud_status status = rud_json_parse(text, size, root);
    free(text);
    return rud_error_context(status, "%s", path);
}

rud_status rud_json_write(json_object *root, bool pretty, const char *path)
{
    const int layout =
        pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
    const char *text = root ? json_object_to_json_string_ext(root, layout) : NULL;
    if (!text) return rud_error(RUD_ENOMEM, "no memory for %s", path);
    return rud_file_write(path, text, strlen(text));
}
