#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The calling thread's locale becomes "C" until it is given back. Where that cannot be had, which
 * needs memory in some C libraries, the locale stays what it is. */
typedef struct locale_scope {
    locale_t c, before;
} locale_scope;

static locale_scope enter_c_locale(void)
{
    locale_scope scope = {.c = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (scope.c != (locale_t)0) scope.before = uselocale(scope.c);
    return scope;
}

static void leave_c_locale(locale_scope scope)
{
    if (scope.c == (locale_t)0) return;
    uselocale(scope.before);
    freelocale(scope.c);
}

void rud_number_text(double value, char text[RUD_NUMBER_SIZE])
{
    const locale_scope scope = enter_c_locale();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, RUD_NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    if (value == 0 && signbit(value)) snprintf(text, RUD_NUMBER_SIZE, "-0.0");
    leave_c_locale(scope);
}

void rud_number_rounded(double value, int digits, char text[RUD_NUMBER_SIZE])
{
    const locale_scope scope = enter_c_locale();
    snprintf(text, RUD_NUMBER_SIZE, "%.*g", digits, value);
    leave_c_locale(scope);
}

bool rud_number_parse(const char *text, double *value)
{
    if (strspn(text, "0123456789.eE+-") != strlen(text)) return false;
    char *end = NULL;
    const locale_scope scope = enter_c_locale();
    const double number = strtod(text, &end);
    leave_c_locale(scope);
    if (end == text || *end != '\0') return false;
    *value = number;
    return true;
}
