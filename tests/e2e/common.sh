# shellcheck shell=sh
# Sourced by the end-to-end tests, which stand in the repository's root and get from tests/run:
#   RUDDER   the program          BUILD    the build folder
#   SCRATCH  an empty folder, removed afterwards
# Each check prints one line, PASS, FAIL or SKIP and its name; the script ends by `finish`.
set -u
failures=0

# check NAME COMMAND...: passes if the command succeeds; its output is shown if it does not.
check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "PASS $name"
    else
        echo "FAIL $name (exit $?)"
        echo "$output"
        failures=$((failures + 1))
    fi
}

# check_exit CODE NAME COMMAND...: passes if the command ends with that code; the output is left in
# $SCRATCH/stdout and $SCRATCH/stderr.
check_exit() {
    wanted=$1
    name=$2
    shift 2
    "$@" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr"
    code=$?
    if [ "$code" -eq "$wanted" ]; then
        echo "PASS $name"
    else
        echo "FAIL $name (exit $code instead of $wanted)"
        cat "$SCRATCH/stdout" "$SCRATCH/stderr"
        failures=$((failures + 1))
    fi
}

skip() {
    echo "SKIP $1: $2"
}

finish() {
    [ "$failures" -eq 0 ]
    exit
}
