/* Lists of names, for messages about one that is not among them. */
#ifndef RUD_BASE_NAMES_H
#define RUD_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The k-th of some names, k = 0, 1, ...; NULL behind the last. */
typedef const char *rud_names(size_t k);

enum { RUD_NAMES_SIZE = 256, RUD_SECTION_SIZE = 32 };

/* "first, second, third" in text[RUD_NAMES_SIZE], cut where they are more. */
void rud_names_list(rud_names *names, char text[RUD_NAMES_SIZE]);

/* The name nearest to `word` by edit distance, or else one that ends in "." and what stands behind
 * the word's last point; NULL if none is near. */
const char *rud_names_nearest(const char *word, rud_names *names);

/* The section, what stands before the first dot of a name, that is nearest to `word`; false if none
 * is near. */
bool rud_names_nearest_section(const char *word, rud_names *names, char section[RUD_SECTION_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
