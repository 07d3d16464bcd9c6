#!/bin/sh
# rudder train --episodes: a return predictor from data sets, and runs that are killed on the way.
. tests/e2e/common.sh

config=configs/offline.yaml
data=$SCRATCH/data.hdf5
run=$SCRATCH/run
"$RUDDER" envs rollout coin-walk -n 400 --seed 3 -q -o "$data"
set -- --set predictor.hidden=8 --set offline.updates=400 --set offline.checkpoint_seconds=0.02
train() { # train RUN OPTION...
    folder=$1
    shift
    "$RUDDER" train "$config" --episodes "$data" -o "$folder" "$@"
}

check_exit 0 "train on episodes" train "$run" -q "$@"
check "... is silent with -q" test ! -s "$SCRATCH/stderr"
check "... prints the ladder" test "$(grep -cE '^(linear|rudder|lstm1997|lstm) +[0-9]+ +[0-9]+ ' "$SCRATCH/stdout")" -eq 4
check "... chooses one" test "$(grep -c ' chosen$' "$SCRATCH/stdout")" -eq 1
for file in config.yaml metrics.jsonl model.safetensors splits.json training.json; do
    check "... leaves $file" test -s "$run/$file"
done
check "... and no checkpoint" test ! -e "$run/checkpoint"
check "... holds a fifth out" grep -q '"training": 320' "$run/training.json"
cp "$run/model.safetensors" "$SCRATCH/first"
check_exit 0 "the same again" train "$run" -q --json "$@"
check "... is there already" cmp "$run/model.safetensors" "$SCRATCH/first"
check "... prints one object" grep -qE '^\{"run":".*","episodes":400,"steps":20000,"training":320,"validation":40,"test":40,"target":"return",.*"ladder":\[\{"cell":"linear",.*\],"cell":"[a-z0-9]+","quality":[-.0-9e]+,"r_squared":[-.0-9e]+,' "$SCRATCH/stdout"
check_exit 0 "inspect the run" "$RUDDER" inspect "$run"

# Killed again and again, when a checkpoint is new, a run ends as one that was left alone.
long() { # long RUN OPTION...
    folder=$1
    shift
    train "$folder" -q "$@" --set offline.updates=1500 --set offline.patience=1000
}
checkpoints() {
    cat "$SCRATCH/killed/checkpoint/"* 2>/dev/null | cksum
}
check_exit 0 "a run left alone" long "$SCRATCH/alone" "$@"
kills=0
while [ "$kills" -lt 6 ] && [ ! -e "$SCRATCH/killed/training.json" ]; do
    before=$(checkpoints)
    "$RUDDER" train "$config" --episodes "$data" -o "$SCRATCH/killed" -q "$@" \
        --set offline.updates=1500 --set offline.patience=1000 >/dev/null 2>&1 &
    process=$!
    tries=0
    while [ "$(checkpoints)" = "$before" ] && [ "$tries" -lt 200 ]; do
        tries=$((tries + 1))
        sleep 0.03
    done
    kill -9 "$process"
    wait "$process" 2>/dev/null
    kills=$((kills + 1))
done
check "it was killed on the way" test "$kills" -ge 3
check_exit 0 "... goes on" long "$SCRATCH/killed" "$@"
for file in model.safetensors metrics.jsonl training.json splits.json config.yaml; do
    check "... to the same $file" cmp "$SCRATCH/killed/$file" "$SCRATCH/alone/$file"
done

# Killed while it searches: trials go on too, and what killed ones left aside is removed.
searching() { # searching RUN [exec]
    ${2:-} "$RUDDER" train "$config" --episodes "$data" -o "$1" -q --set predictor.hidden=8 \
        --set offline.updates=60 --set offline.checkpoint_seconds=0.02 --set offline.patience=1000 \
        --set search.trials=3 --set search.updates=1500
}
trials() {
    cat "$SCRATCH/killed-search/checkpoint/"trial-*/* 2>/dev/null | cksum
}
check_exit 0 "a search left alone" searching "$SCRATCH/search-alone"
kills=0
while [ "$kills" -lt 4 ] && [ ! -e "$SCRATCH/killed-search/search.json" ]; do
    before=$(trials)
    searching "$SCRATCH/killed-search" exec >/dev/null 2>&1 &
    process=$!
    tries=0
    while [ "$(trials)" = "$before" ] && [ "$tries" -lt 200 ]; do
        tries=$((tries + 1))
        sleep 0.03
    done
    kill -9 "$process"
    wait "$process" 2>/dev/null
    kills=$((kills + 1))
done
check "a search was killed on the way" test "$kills" -ge 1
: >"$SCRATCH/killed-search/.model.safetensors.999999999.0.tmp"
: >"$SCRATCH/killed-search/.mine.tmp"
check_exit 0 "... goes on" searching "$SCRATCH/killed-search"
for file in search.json model.safetensors metrics.jsonl training.json splits.json config.yaml; do
    check "... to the same $file" cmp "$SCRATCH/killed-search/$file" "$SCRATCH/search-alone/$file"
done
check "... what was left aside is gone" test ! -e "$SCRATCH/killed-search/.model.safetensors.999999999.0.tmp"
check "... and nothing else" test -e "$SCRATCH/killed-search/.mine.tmp"

"$RUDDER" train "$config" --episodes "$data" -o "$SCRATCH/stopped" -q "$@" --set offline.updates=1000000 \
    --set offline.patience=100000 \
    >/dev/null 2>"$SCRATCH/stderr" &
process=$!
tries=0
while [ ! -s "$SCRATCH/stopped/metrics.jsonl" ] && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
check_exit 1 "a second process in the folder" train "$SCRATCH/stopped" -q "$@" --force
check "... is told" grep -q "$SCRATCH/stopped: another process works in this folder" "$SCRATCH/stderr"
kill -TERM "$process"
wait "$process"
check "a stopped run exits with 130" test $? -eq 130
check "... and leaves a checkpoint" test -d "$SCRATCH/stopped/checkpoint"

check_exit 0 "from a temporary file" train "$SCRATCH/spilled" -q "$@" --set memory=0
check "... the same model" cmp "$SCRATCH/spilled/model.safetensors" "$run/model.safetensors"
check_exit 0 "a search" train "$SCRATCH/searched" -q "$@" --set search.trials=3 --set search.updates=20
check "... keeps its trials" test "$(grep -c validation_all "$SCRATCH/searched/search.json")" -eq 3
rate=$(sed -n '/^  "learning_rate": /{s/.*: //;s/,.*//;p;}' "$SCRATCH/searched/search.json")
check "... and its choice in config.yaml" grep -q "learning_rate: $rate\$" "$SCRATCH/searched/config.yaml"
cp "$SCRATCH/searched/model.safetensors" "$SCRATCH/first"
check_exit 0 "... and is known again" train "$SCRATCH/searched" -q "$@" --set search.trials=3 --set search.updates=20
check "... with the same model" cmp "$SCRATCH/searched/model.safetensors" "$SCRATCH/first"
check_exit 0 "chunks of a discounted return" train "$SCRATCH/chunks" -q "$@" --set chunk.length=16 --set chunk.overlap=4 --set discount=0.95
check "... say so" grep -q 'discounted return' "$SCRATCH/stdout"

# What cannot be trained on leaves nothing behind.
lines=$SCRATCH/lines.jsonl
episode() { # episode RETURN VALUE
    printf '{"observations": [[0.5, 1.5], [%s, 2.5], [1.5, 0.5]], "actions": [0, 1], "rewards": [0, %s], "terminated": true, "truncated": false}\n' "$2" "$1"
}
refuse() { # refuse NAME WORDS OPTION...
    name=$1 words=$2
    shift 2
    check_exit 1 "$name" "$RUDDER" train "$config" --episodes "$lines" -o "$SCRATCH/none" -q "$@"
    check "... is said" grep -qE "^rudder: .*$words" "$SCRATCH/stderr"
    check "... and nothing is written" test ! -e "$SCRATCH/none"
}
: >"$lines"
refuse "no episode" "$lines: "
{ episode 1 1; episode 2 2; episode 3 3; } >"$lines"
refuse "too few episodes" "$lines: 3 episodes cannot be split into training, validation and test"
{ episode 1 1; episode 2 2; episode 3 3; episode NaN 4; } >"$lines"
refuse "a reward that is NaN" "$lines:4: .*rewards"
for k in 1 2 3 4 5 6 7 8; do episode $((k % 3)) "$k"; done >"$lines"
refuse "other widths" "data.hdf5: observations of width 1, but those of $lines have 2" --episodes "$data"
refuse "success of other returns" "$lines, episode 1: the return is 2; .*success" --set target=success
refuse "an unknown field" "offline.ignore names \"observations/clock\", .*there are: observations, actions" \
    --set offline.ignore=observations/clock
for k in 1 2 3 4 5 6 7 8; do episode "${k}e300" "$k"; done >"$lines"
refuse "returns beyond measure" "$lines: the returns are from 1e.300 to 8e.300, and their variance is beyond"
for k in 1 2 3 4 5 6 7 8; do episode $((k % 3)) "$k"; done >"$lines"
# An image among the numbers is refused by name, and carried through by a model that does without.
zoo=tests/fixtures/minari/zoo/mixed-v3
zoo() { # zoo OPTION...
    "$RUDDER" train "$config" --episodes "$zoo" --episodes "$zoo" --episodes "$zoo" -o "$SCRATCH/zoo" -q \
        --set offline.updates=20 "$@"
}
check_exit 1 "an image as a feature" zoo
check "... is named" grep -q "$zoo: observations/img (image) cannot be a feature: .*--set 'offline.ignore=\[observations/img\]'" "$SCRATCH/stderr"
check "... and nothing is written" test ! -e "$SCRATCH/zoo"
check_exit 0 "... left out" zoo --set 'offline.ignore=[observations/img]'
check "... in the page features have the names of the data" grep -qE 'class="word">(observations|actions)/[^<]* \(' "$SCRATCH/zoo/report.html"
check_exit 0 "... is carried" "$RUDDER" redistribute -m "$SCRATCH/zoo" "$zoo" -o "$SCRATCH/zoo-out" -q
check_exit 0 "... to the new data set" "$RUDDER" inspect "$SCRATCH/zoo-out"
check "... as an image" grep -q 'observations/img, type image' "$SCRATCH/stdout"
check_exit 0 "a file given twice" "$RUDDER" train "$config" --episodes "$lines" --episodes "$lines" -o "$SCRATCH/twice" \
    --set offline.updates=20 --set offline.ladder=linear
check "... is told" grep -q "warning: $lines and $lines hold the same episodes: they are in training and in the test" "$SCRATCH/stderr"
check_exit 0 "no action is a feature" "$RUDDER" train "$config" --episodes "$lines" -o "$SCRATCH/few" -q \
    --set offline.ignore=actions --set offline.updates=20
check_exit 0 "standard input" "$RUDDER" train "$config" --episodes - -o "$SCRATCH/input" --set offline.updates=20 <"$lines"
check "... leaves a model" test -s "$SCRATCH/input/model.safetensors"
check "... and says why there is no page" grep -q 'standard input cannot be read again: no report.html' "$SCRATCH/stderr"
check "... nor names one" sh -c '! grep -q "Report:" "$1"' - "$SCRATCH/stdout"
check_exit 1 "the folder of other episodes" train "$SCRATCH/few" -q --set offline.ignore=actions --set offline.updates=20
check "... is named" grep -q "$SCRATCH/few: the folder is a run on other episodes" "$SCRATCH/stderr"
check_exit 0 "... or replaced" train "$SCRATCH/few" -q --set offline.ignore=actions --set offline.updates=20 --force
for k in 1 2 3 4 5 6 7 8; do episode 1 "$k"; done >"$lines"
check_exit 0 "one return only" "$RUDDER" train "$config" --episodes "$lines" -o "$SCRATCH/one" --set offline.updates=20
check "... is warned of" grep -q "every episode has the return 1: there is nothing to predict" "$SCRATCH/stderr"
for k in 1 2 3 4 5 6 7 8; do episode $((k % 2)) "$k"; done >"$lines"
check_exit 0 "labels of success" "$RUDDER" train "$config" --episodes "$lines" -o "$SCRATCH/success" -q --set offline.updates=20 --json
check "... are seen" grep -q '"target":"success"' "$SCRATCH/stdout"
check_exit 2 "no environment and no episodes" "$RUDDER" train "$config" -o "$SCRATCH/none" -q
finish
