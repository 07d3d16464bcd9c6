/* Lists of names and the nearest of them. */
#include "base/names.h"

#include <string.h>

#include "tests/harness.h"

static const char *fruit(size_t k)
{
    static const char *const names[] = {"apple", "pear", "red.currant"};
    return k < sizeof names / sizeof *names ? names[k] : NULL;
}

static const char *none(size_t k)
{
    (void)k;
    return NULL;
}

static const char *many(size_t k)
{
    return k < 100 ? "banana" : NULL;
}

START_TEST(lists_are_joined_and_cut)
{
    char text[RUD_NAMES_SIZE];
    rud_names_list(fruit, text);
    ck_assert_str_eq(text, "apple, pear, red.currant");
    rud_names_list(none, text);
    ck_assert_str_eq(text, "");
    rud_names_list(many, text);
    ck_assert_uint_eq(strlen(text), RUD_NAMES_SIZE - 1);
}
END_TEST

START_TEST(the_nearest_is_near)
{
    ck_assert_str_eq(rud_names_nearest("aple", fruit), "apple");
    ck_assert_str_eq(rud_names_nearest("paer", fruit), "pear");
    ck_assert_str_eq(rud_names_nearest("currant", fruit), "red.currant");
    ck_assert_ptr_null(rud_names_nearest("cucumber", fruit));
    ck_assert_ptr_null(rud_names_nearest("apple", none));
    char word[200];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    ck_assert_ptr_null(rud_names_nearest(word, fruit));
    char section[RUD_SECTION_SIZE];
    ck_assert(rud_names_nearest_section("rad", fruit, section));
    ck_assert_str_eq(section, "red");
    ck_assert(!rud_names_nearest_section("cucumber", fruit, section));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/names");
    TCase *names = tcase_create("names");
    tcase_add_test(names, lists_are_joined_and_cut);
    tcase_add_test(names, the_nearest_is_near);
    suite_add_tcase(suite, names);
    return suite;
}
