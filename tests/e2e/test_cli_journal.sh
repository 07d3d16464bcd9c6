#!/bin/sh
# rudder inspect on a journal: whole, damaged, torn; the files stay as they are.
. tests/e2e/common.sh

whole=tests/fixtures/journal
segment=0000000000.journal

# holds TEXT...: each stands in what the last command printed.
holds() {
    for text; do
        grep -qF -- "$text" "$SCRATCH/stdout" || { echo "missing: $text" && cat "$SCRATCH/stdout" && return 1; }
    done
}

check_exit 0 "inspect a journal" "$RUDDER" inspect $whole --json
check "it tells what the journal holds" holds '"format":"journal"' '"task":"fixture"' \
    '"observation_space":"Box(2)"' '"action_space":"Discrete(40000)"' '"episodes":2' '"steps":3' '"terminated":1' \
    '"truncated":1' '"return_quantiles"' '"segments":1' '"tail_bytes":0' '"damaged":0'
check_exit 0 "inspect one segment" "$RUDDER" inspect $whole/$segment
check "it tells the same of a segment" holds "format             journal" "episodes           2"

mkdir "$SCRATCH/torn" "$SCRATCH/damaged"
size=$(wc -c <$whole/$segment)
head -c $((size - 1)) $whole/$segment >"$SCRATCH/torn/$segment"
check_exit 0 "inspect a torn journal" "$RUDDER" inspect "$SCRATCH/torn" --json
check "it tells the torn end" holds '"episodes":1' '"damaged":0'
check "a torn end has bytes" sh -c "! grep -q '\"tail_bytes\":0' '$SCRATCH/stdout'"

# The first episode's id, in the middle of the file.
LC_ALL=C sed 's/first\xa4seed/firsT\xa4seed/' $whole/$segment >"$SCRATCH/damaged/$segment"
check_exit 0 "inspect a damaged journal" "$RUDDER" inspect "$SCRATCH/damaged"
check "it counts the damage" holds "episodes           1" "damaged            1"
check "it names the damage" grep -q "$segment: byte [0-9]*: .*damaged: left out" "$SCRATCH/stderr"
check "nothing was mended" [ "$(ls "$SCRATCH/damaged")" = $segment ]
finish
