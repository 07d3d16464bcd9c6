#!/bin/sh
# rudder bench: one JSON line a measurement.
. tests/e2e/common.sh

number='[0-9]+(\.[0-9]+)?(e-?[0-9]+)?'
for part in train forward stream lrp env; do
    check_exit 0 "bench $part" "$RUDDER" bench --part $part --size 3,4,5,6 --reps 3 --json
    more=
    [ $part = env ] && more=",\"environment\":\"coin-walk\",\"steps_per_second\":$number"
    [ $part = lrp ] && more=",\"rule\":\"all\",\"forward_ms\":$number,\"lrp_ms\":$number,\"of_forward\":$number"
    check "... prints one JSON line" grep -qxE \
        "\{\"part\":\"$part\",\"D\":3,\"H\":4,\"B\":5,\"T\":6,\"threads\":1,\"cell\":\"lstm\",\"reps\":3,\"median_ms\":$number,\"min_ms\":$number$more\}" "$SCRATCH/stdout"
    check "... and nothing else" test "$(wc -l <"$SCRATCH/stdout")" -eq 1
done
check_exit 0 "two threads" "$RUDDER" bench --part train --size 3,4,5,6 --threads 2 --reps 2 --cell rudder --json
check "... are told" grep -q '"threads":2,"cell":"rudder","reps":2,' "$SCRATCH/stdout"
check_exit 0 "the table" "$RUDDER" bench --size 3,4,5,6 --reps 2
check "... has every part" test "$(grep -cE '^(train|forward|stream|lrp|env) ' "$SCRATCH/stdout")" -eq 5

check_exit 0 "lrp by two threads" "$RUDDER" bench --part lrp --size 3,4,5,6 --reps 2 --threads 2
check "... stands beside forward" grep -q ' of forward, ' "$SCRATCH/stdout"
for rule in half prop abs; do
    check_exit 0 "lrp by rule $rule" "$RUDDER" bench --part lrp --size 16,32,4,200 --reps 1 --rule $rule --json
    check "... tells it" grep -q "\"rule\":\"$rule\"" "$SCRATCH/stdout"
done
check_exit 2 "an unknown rule" "$RUDDER" bench --part lrp --rule none
check "... names those there are" grep -q 'rule.*all.*half.*prop.*abs' "$SCRATCH/stderr"
check_exit 2 "an unknown part" "$RUDDER" bench --part trian
check_exit 2 "an unknown cell" "$RUDDER" bench --part train --cell gru
check_exit 1 "more threads than episodes" "$RUDDER" bench --part train --size 3,4,2,6 --threads 3
check_exit 1 "an unknown environment" "$RUDDER" bench --part env --env nowhere
finish
