/* What the reader of JSON lines refuses, and what it says. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "episodes/jsonl_private.h"
#include "tests/episodes/lines.h"
#include "tests/harness.h"

typedef struct bad_line {
    const char *line;
    rud_status status;
    const char *message; /* behind "data.jsonl:<number>: " */
} bad_line;

/* Each stands on line 3, behind two good episodes with observations of width 2 and actions. */
static const bad_line bad_lines[] = {
    {"{\"observations\": [[1, 2]], \"actions\": [0]", RUD_EFORMAT, "not JSON: the text ends"},
    {"{\"observations\": oh}", RUD_EFORMAT, "not JSON at byte 18"},
    {"{\"observations\": [[1, 2]], \"actions\": [0]} x", RUD_EFORMAT, "not JSON at byte 44"},
    {"[[1, 2]]", RUD_EFORMAT, "not a JSON object"},
    {"{\"actions\": [0]}", RUD_EFORMAT, "field \"observations\" is missing"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"rewards\": [1], \"rewards\": [2]}",
     RUD_EFORMAT, "field \"rewards\" is there twice"},
    {"{\"id\": \"a\\\"{,b:\", \"observations\" : [[1, 2]], \"actions\": [0], \"\\u0069d\" : 3}",
     RUD_EFORMAT, "field \"id\" is there twice"},
    {"{\"observations\": null}", RUD_EFORMAT, "field \"observations\" is of type null, not array"},
    {"{\"observations\": {}}", RUD_EFORMAT, "field \"observations\" is of type object, not array"},
    {"{\"observations\": []}", RUD_EFORMAT, "field \"observations\" is empty"},
    {"{\"observations\": [[1, 2]], \"actions\": []}", RUD_EFORMAT, "field \"actions\" is empty"},
    {"{\"observations\": [[1, 2]], \"rewards\": []}", RUD_EFORMAT, "field \"rewards\" is empty"},
    {"{\"observations\": [[1, 2], []], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\"[1] is an empty row"},
    {"{\"observations\": [[1, 2], [3]], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\"[1] is ragged: 1 numbers, but row 0 has 2"},
    {"{\"observations\": [[1, 2], 3], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\"[1] is of type int"},
    {"{\"observations\": [[1, 2], null], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\"[1] is of type null"},
    {"{\"observations\": [[1, 2], [3, 4]], \"actions\": [0, [1]]}", RUD_EFORMAT,
     "field \"actions\"[1] is an array"},
    {"{\"observations\": [[1, 2], [3, \"4\"]], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\"[1][1] is of type string, not a number"},
    {"{\"observations\": [[1, 2], [3, [4]]], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\"[1][1] is of type array, not a number"},
    {"{\"observations\": [[1, 2]], \"actions\": [true]}", RUD_EFORMAT,
     "field \"actions\"[0] is of type boolean, not a number"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"rewards\": [{}]}", RUD_EFORMAT,
     "field \"rewards\"[0] is of type object, not a number"},
    {"{\"observations\": [[1, 2], [3, NaN]], \"actions\": [0]}", RUD_ENONFINITE,
     "field \"observations\"[1][1] is not finite"},
    {"{\"observations\": [[1, 2]], \"actions\": [-Infinity]}", RUD_ENONFINITE,
     "field \"actions\"[0] is not finite"},
    {"{\"observations\": [[1, 2], [3, 4]], \"actions\": [0, 0], \"rewards\": [0, 1e999]}",
     RUD_ENONFINITE, "field \"rewards\"[1] is not finite"},
    {"{\"observations\": [[1, 2], [3, 4]], \"actions\": [0, 0], \"rewards\": [0]}", RUD_EFORMAT,
     "field \"rewards\" has 1 entries, \"actions\" 2"},
    {"{\"observations\": [[1, 2]], \"actions\": [0, 0]}", RUD_EFORMAT,
     "field \"observations\" has 1 rows; 2 steps need 2 rows, or 3"},
    {"{\"observations\": [[1, 2], [1, 2], [1, 2]], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\" has 3 rows; 1 steps need 1 rows, or 2"},
    {"{\"observations\": [1], \"actions\": [0]}", RUD_EFORMAT,
     "field \"observations\" has rows of width 1, the first episode's have 2"},
    {"{\"observations\": [[1, 2]], \"actions\": [[0, 0]]}", RUD_EFORMAT,
     "field \"actions\" has rows of width 2, the first episode's have 1"},
    {"{\"observations\": [[1, 2]]}", RUD_EFORMAT,
     "field \"actions\" has rows of width 0, the first episode's have 1"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"infos\": {}}", RUD_EFORMAT,
     "unknown field \"infos\""},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"terminated\": 1}", RUD_EFORMAT,
     "field \"terminated\" is of type int, not boolean"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"truncated\": null}", RUD_EFORMAT,
     "field \"truncated\" is of type null, not boolean"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"seed\": -1}", RUD_EFORMAT,
     "field \"seed\" is -1"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"seed\": 1.5}", RUD_EFORMAT,
     "field \"seed\" is of type double, not int"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"seed\": 18446744073709551616}", RUD_EFORMAT,
     "the integer at byte 52 does not fit 64 bits"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"id\": 1.5}", RUD_EFORMAT,
     "field \"id\" is of type double"},
    {"{\"observations\": [[1, 2]], \"actions\": [0], \"id\": \"a\\u0000b\"}", RUD_EFORMAT,
     "field \"id\" holds a zero character"},
};

static const char *const good_line =
    "{\"id\": \"x\", \"observations\": [[1, 2], [3.5, -4e1]], \"actions\": [7], "
    "\"rewards\": [0.25], \"terminated\": true, \"truncated\": false, \"seed\": 12}";

static const char *scratch_file(FILE **file)
{
    static char path[1100];
    snprintf(path, sizeof path, "%s/data.jsonl", test_folder());
    *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(*file);
    return path;
}

/* The message begins with the file and line, then says `message`; the list keeps what it had. */
START_TEST(bad_lines_are_refused)
{
    const bad_line *bad = &bad_lines[_i];
    FILE *file = NULL;
    const char *path = scratch_file(&file);
    fprintf(file, "%s\n%s\n%s\n", good_line, good_line, bad->line);
    ck_assert_int_eq(fclose(file), 0);
    rud_episodes list = {0};
    rud_status status = read_lines(path, &list);
    char expected[1400];
    snprintf(expected, sizeof expected, "%s:3: %s", path, bad->message);
    ck_assert_msg(strncmp(rud_last_error(), expected, strlen(expected)) == 0,
                  "%s\n  says  %s\n  not   %s", bad->line, rud_last_error(), expected);
    ck_assert_int_eq(status, bad->status);
    ck_assert_uint_eq(list.count, 2);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
    FILE *file = NULL;
    const char *path = scratch_file(&file);
    fwrite("{\"observations\": [1]}\0\n", 1, 23, file);
    ck_assert_int_eq(fclose(file), 0);
    rud_episodes list = {0};
    ck_assert_int_eq(read_lines(path, &list), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "data.jsonl:1: not JSON at byte 22"));
    rud_episodes_free(&list);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_named)
{
    rud_jsonl_reader *reader = NULL;
    ck_assert_int_eq(rud_jsonl_open("/nowhere/data.jsonl", &reader), RUD_EIO);
    ck_assert_ptr_null(reader);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "/nowhere/data.jsonl: "));
    rud_episodes list = {0};
    const char *folder = test_folder();
    ck_assert_int_eq(read_lines(folder, &list), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), folder));
}
END_TEST

static size_t mutate(rud_rng *rng, char *line, size_t length)
{
    static const char bytes[] = "[]{}\",:0129.-+eE NaInfinity\\\n\xff\x01";
    for (uint64_t k = 1 + rud_rng_below(rng, 4); k > 0 && length > 1; k--) {
        size_t at = rud_rng_below(rng, length);
        char byte = bytes[rud_rng_below(rng, sizeof bytes)]; /* the final zero byte too */
        switch (rud_rng_below(rng, 8)) {
        case 0: /* cut */
            length = at + 1;
            break;
        case 1:
        case 2: /* delete */
            memmove(line + at, line + at + 1, length - at - 1);
            length--;
            break;
        case 3:
        case 4: /* insert */
            memmove(line + at + 1, line + at, length - at);
            line[at] = byte;
            length++;
            break;
        default:
            line[at] = byte;
        }
    }
    return length;
}

static void check_episode(const rud_episode *episode)
{
    ck_assert(episode->steps >= 1 && episode->observation_width == 2 && episode->action_width == 1);
    ck_assert(episode->observation_rows == episode->steps ||
              episode->observation_rows == episode->steps + 1);
    for (size_t i = 0; i < 2 * episode->observation_rows; i++)
        ck_assert(isfinite(episode->observations[i]));
    for (size_t t = 0; t < episode->steps; t++)
        ck_assert(isfinite(episode->actions[t]) && isfinite(episode->rewards[t]));
}

/* Reads to the end, checks every episode and message; counts both. */
static void read_through(const char *path, size_t *episodes, size_t *errors)
{
    rud_jsonl_reader *reader = NULL;
    ck_assert_int_eq(rud_jsonl_open(path, &reader), RUD_OK);
    *episodes = *errors = 0;
    for (;;) {
        rud_episode *episode = NULL;
        rud_status status = rud_jsonl_next(reader, &episode);
        if (status == RUD_OK && episode == NULL) break;
        if (status == RUD_OK) {
            check_episode(episode);
            ++*episodes;
        } else {
            char place[1200];
            snprintf(place, sizeof place, "%s:%zu: ", path, rud_jsonl_line(reader));
            ck_assert(status == RUD_EFORMAT || status == RUD_ENONFINITE);
            ck_assert_int_eq(strncmp(rud_last_error(), place, strlen(place)), 0);
            ck_assert_ptr_null(episode);
            ++*errors;
        }
        rud_episode_free(&episode);
    }
    rud_jsonl_close(&reader);
}

/* Reading goes on behind each bad line; the good line between any two mutated ones is read. */
START_TEST(mutated_lines_do_no_harm)
{
    enum { MUTATIONS = 1000 };
    rud_rng rng = rud_rng_stream(5, "test", 0);
    FILE *file = NULL;
    const char *path = scratch_file(&file);
    for (int k = 0; k < MUTATIONS; k++) {
        char line[256];
        snprintf(line, sizeof line, "%s", good_line);
        size_t length = mutate(&rng, line, strlen(line));
        fprintf(file, "%s\n", good_line);
        fwrite(line, 1, length, file);
        fputc('\n', file);
    }
    ck_assert_int_eq(fclose(file), 0);
    size_t episodes = 0, errors = 0;
    read_through(path, &episodes, &errors);
    ck_assert_uint_ge(episodes, MUTATIONS);
    ck_assert_uint_ge(episodes + errors, 2 * MUTATIONS);
    ck_assert_uint_ge(errors, MUTATIONS / 2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/jsonl_errors");
    TCase *tcase = tcase_create("errors");
    tcase_add_loop_test(tcase, bad_lines_are_refused, 0,
                        (int)(sizeof bad_lines / sizeof *bad_lines));
    tcase_add_test(tcase, a_zero_byte_is_refused);
    tcase_add_test(tcase, files_that_cannot_be_read_are_named);
    tcase_add_test(tcase, mutated_lines_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
