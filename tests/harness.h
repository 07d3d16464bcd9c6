/* What every test file stands on: Check, the reference data and scratch folders. A test file
 * defines test_suite(); harness.c has main. One executable a file; with CK_RUN_CASE=name it runs
 * one test case, with CK_FORK=no it can be debugged. */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <check.h>

#include "base/status.h"

Suite *test_suite(void);

/* The call returns RUD_OK; else the test fails with its message. */
#define ck_assert_ok(expression) ck_assert_msg((expression) == RUD_OK, "%s", rud_last_error())

/* Path of a file of reference data ("vectors/x.json") that is kept beside the repository, or in
 * the folder that RUDDER_SHARED names. NULL if it is not there: then the test is noted as skipped
 * and must return. View until the eighth next call. */
const char *test_shared(const char *name);

/* A fresh, empty folder, removed after the run. View until the eighth next call. */
const char *test_folder(void);

/* From here on the process has a locale with a decimal comma, as a host program may. */
void test_use_decimal_comma(void);

#endif
