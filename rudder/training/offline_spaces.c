/* Which columns of the data sets are features. */
#include <stdlib.h>
#include <string.h>

#include "training/offline_data_private.h"

/* More values than that are a number, such as a count or a price, rather than names. */
enum { ONE_HOT_MOST = 1024 };

static const char observations[] = "observations", actions[] = "actions";

static bool stands_under(const char *name, const char *field)
{
    const size_t length = strlen(field);
    return strncmp(name, field, length) == 0 && (name[length] == '\0' || name[length] == '/');
}

static bool is_ignored(const rud_offline_source *source, const char *name)
{
    for (size_t k = 0; k < source->ignored_count; k++) {
        if (stands_under(name, source->ignored[k])) return true;
    }
    return false;
}

/* A field to ignore that the file does not have is a mistake. */
static rud_status check_ignored(const rud_dataset *dataset, const rud_offline_source *source)
{
    for (size_t i = 0; i < source->ignored_count; i++) {
        char known[512] = "";
        size_t used = 0;
        bool found = false;
        const rud_dataset_leaf *leaf;
        for (size_t k = 0; (leaf = rud_dataset_leaf_at(dataset, k)) != NULL; k++) {
            if (stands_under(leaf->name, "infos")) continue;
            found = found || stands_under(leaf->name, source->ignored[i]);
            if (used < sizeof known) {
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                         used > 0 ? ", " : "", leaf->name);
            }
        }
        if (!found) {
            return rud_error(RUD_EINVAL,
                             "%s: offline.ignore names \"%s\", which is not there; "
                             "there are: %s",
                             rud_dataset_path(dataset), source->ignored[i], known);
        }
    }
    return RUD_OK;
}

/* Columns first .. first + width - 1 of the observation are no features. */
static rud_status leave_out(const rud_dataset *dataset, const rud_dataset_leaf *leaf,
                            rud_features_options *options)
{
    const size_t most = sizeof options->observation / sizeof options->observation[0];
    const size_t all = rud_dataset_observation_space(dataset)->width;
    if (all > most) {
        return rud_error(RUD_EINVAL,
                         "%s: offline.ignore: a field of numbers can be left out of at most %zu "
                         "components, and the observation has %zu",
                         rud_dataset_path(dataset), most, all);
    }
    for (size_t k = options->observation_count; k < all; k++) {
        options->observation[k] =
            options->observation_count == 1 ? options->observation[0] : RUD_ENCODING_AUTO;
    }
    options->observation_count = all;
    for (size_t k = 0; k < leaf->width; k++) {
        options->observation[leaf->column + k] = RUD_ENCODING_NONE;
    }
    return RUD_OK;
}

static rud_status ignore_leaf(const rud_dataset *dataset, const rud_dataset_leaf *leaf,
                              rud_features_options *options)
{
    if (!leaf->readable) return RUD_OK;
    if (stands_under(leaf->name, observations)) return leave_out(dataset, leaf, options);
    if (leaf->width != rud_dataset_action_space(dataset)->width) {
        return rud_error(RUD_EINVAL, "%s: offline.ignore: actions are left out as a whole only",
                         rud_dataset_path(dataset));
    }
    options->action = RUD_ENCODING_NONE;
    return RUD_OK;
}

static bool is_input(const rud_dataset_leaf *leaf)
{
    return stands_under(leaf->name, observations) || stands_under(leaf->name, actions);
}

/* An image or a text left out without a word might be all that the return depends on: whoever wants
 * to do without it says so. */
static rud_status refuse_others(const rud_dataset *dataset, const rud_offline_source *source)
{
    char what[512] = "", names[512] = "";
    size_t count = 0, used[2] = {0, 0};
    const rud_dataset_leaf *leaf;
    for (size_t k = 0; (leaf = rud_dataset_leaf_at(dataset, k)) != NULL; k++) {
        if (leaf->readable || !is_input(leaf) || is_ignored(source, leaf->name)) continue;
        const char *comma = count++ > 0 ? ", " : "";
        if (used[0] < sizeof what)
            used[0] += (size_t)snprintf(what + used[0], sizeof what - used[0], "%s%s (%s)", comma,
                                        leaf->name, leaf->type);
        if (used[1] < sizeof names)
            used[1] += (size_t)snprintf(names + used[1], sizeof names - used[1], "%s%s",
                                        count > 1 ? "," : "", leaf->name);
    }
    if (count == 0) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "%s: %s cannot be %s: only numbers can; to train without, name %s in "
                     "offline.ignore: --set 'offline.ignore=[%s]'",
                     rud_dataset_path(dataset), what, count > 1 ? "features" : "a feature",
                     count > 1 ? "them" : "it", names);
}

rud_status rud_offline_ignore(const rud_dataset *dataset, const rud_offline_source *source,
                              rud_features_options *options)
{
    const rud_dataset_leaf *leaf;
    RUD_TRY(check_ignored(dataset, source));
    RUD_TRY(refuse_others(dataset, source));
    for (size_t k = 0; (leaf = rud_dataset_leaf_at(dataset, k)) != NULL; k++) {
        if (is_input(leaf) && is_ignored(source, leaf->name))
            RUD_TRY(ignore_leaf(dataset, leaf, options));
    }
    return RUD_OK;
}

static int64_t one_hot_size(const rud_space *space, size_t k)
{
    return rud_space_is_discrete(space, k) && space->sizes[k] <= ONE_HOT_MOST ? space->sizes[k] : 0;
}

rud_status rud_offline_merge_space(rud_space *space, const rud_space *other)
{
    const bool first = space->width == 0;
    int64_t *sizes = malloc(other->width * sizeof *sizes);
    if (sizes == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    for (size_t k = 0; k < other->width; k++) {
        const int64_t old = first ? one_hot_size(other, k) : one_hot_size(space, k);
        const int64_t new = one_hot_size(other, k);
        sizes[k] = old == 0 || new == 0 ? 0 : old > new ? old : new;
    }
    rud_space merged = {0};
    const rud_status status = rud_space_mixed(sizes, NULL, NULL, other->width, &merged);
    free(sizes);
    if (status != RUD_OK) return status;
    rud_space_free(space);
    *space = merged;
    return RUD_OK;
}
