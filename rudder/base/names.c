#include "base/names.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 64 };

void rud_names_list(rud_names *names, char text[RUD_NAMES_SIZE])
{
    const char *name;
    text[0] = '\0';
    for (size_t k = 0, used = 0; used < RUD_NAMES_SIZE && (name = names(k)); k++)
        used +=
            (size_t)snprintf(text + used, RUD_NAMES_SIZE - used, "%s%s", k > 0 ? ", " : "", name);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance; SIZE_MAX for words that are too long. */
static size_t edit_distance(const char *a, const char *b)
{
    const size_t na = strlen(a), nb = strlen(b);
    if (na > LONGEST || nb > LONGEST) return SIZE_MAX;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

/* A name that ends in "." and the word, as "predictor.hidden" for "hidden". */
static bool has_last_part(const char *name, const char *word)
{
    const char *dot = strrchr(name, '.');
    return dot && strcmp(dot + 1, word) == 0;
}

/* What is farther than this is another word. */
static size_t farthest(const char *word)
{
    const size_t third = strlen(word) / 3;
    return third > 2 ? third : 2;
}

const char *rud_names_nearest(const char *word, rud_names *names)
{
    size_t best = farthest(word) + 1;
    const char *nearest = NULL;
    const char *last_part = strrchr(word, '.') ? strrchr(word, '.') + 1 : word;
    const char *name;
    for (size_t k = 0; (name = names(k)); k++) {
        const size_t distance = edit_distance(word, name);
        if (distance < best) {
            best = distance;
            nearest = name;
        }
    }
    for (size_t k = 0; !nearest && (name = names(k)); k++) {
        if (has_last_part(name, last_part)) nearest = name;
    }
    return nearest;
}

bool rud_names_nearest_section(const char *word, rud_names *names, char section[RUD_SECTION_SIZE])
{
    size_t best = farthest(word) + 1;
    const char *name;
    for (size_t k = 0; (name = names(k)); k++) {
        char candidate[RUD_SECTION_SIZE];
        const char *dot = strchr(name, '.');
        if (!dot || dot - name >= RUD_SECTION_SIZE) continue;
        snprintf(candidate, sizeof candidate, "%.*s", (int)(dot - name), name);
        const size_t distance = edit_distance(word, candidate);
        if (distance >= best) continue;
        best = distance;
        strcpy(section, candidate);
    }
    return best <= farthest(word);
}
