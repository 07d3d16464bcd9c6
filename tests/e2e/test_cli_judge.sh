#!/bin/sh
# rudder judge: tables, JSON, pages, refusals; the same result at any number of threads.
. tests/e2e/common.sh

model=$SCRATCH/model
episodes=$SCRATCH/episodes.jsonl
judge() { "$RUDDER" judge "$@"; }

check_exit 0 "a model" "$RUDDER" train configs/coin-walk.yaml --set training.updates=30 -o "$model" -q
check_exit 0 "episodes" "$RUDDER" envs rollout coin-walk -n 40 --seed 3 -o "$episodes" -q

# keys JSON KEY...: each key stands in the object.
keys() {
    file=$1
    shift
    for key; do
        grep -q "\"$key\":" "$file" || {
            echo "$key is missing"
            return 1
        }
    done
}

# What every judge must keep to; $1 names it, $2 holds keys of its JSON, the rest is its command.
check_judge() {
    kind=$1 fields=$2
    shift 2
    check_exit 0 "$kind" judge "$@" -o "$SCRATCH/$kind.html" -q
    check "$kind: is silent with -q" test ! -s "$SCRATCH/stderr"
    check "$kind: says where the page is" grep -qx "Page: $SCRATCH/$kind.html" "$SCRATCH/stdout"
    check "$kind: the page has charts" grep -q '<div class="chart"' "$SCRATCH/$kind.html"
    check "$kind: the page is complete" grep -q '</html>' "$SCRATCH/$kind.html"
    check "$kind: the page loads nothing" test "$(grep -cE '(src|href)="?(https?:)?//' "$SCRATCH/$kind.html")" -eq 0
    check_exit 0 "$kind --json" judge "$@" --json --threads 1 -q
    cp "$SCRATCH/stdout" "$SCRATCH/$kind.json"
    check "$kind: one line" test "$(wc -l <"$SCRATCH/$kind.json")" -eq 1
    # shellcheck disable=SC2086
    check "$kind: with its keys" keys "$SCRATCH/$kind.json" judge rows mean std $fields
    check_exit 0 "$kind: three threads" judge "$@" --json --threads 3 -q
    check "$kind: find the same" cmp "$SCRATCH/stdout" "$SCRATCH/$kind.json"
}

check_judge toy "operation method correlation_a correlation_b marked_share squared_error networks restarts" \
    toy --networks 2 --sequences 100 --goal 0.01
check_judge perturbation "method aopc aopc_smallest_first aopc_over_random curve points" \
    perturbation -m "$model" "$episodes" --random 3
check_judge truth "method correlation_all correlation cosine mass_accuracy rank_accuracy" \
    truth -m "$model" "$episodes" --environment coin-walk
check_judge randomise "method randomised rank_correlation rank_correlation_magnitude" \
    randomise -m "$model" "$episodes" --draws 2

check_exit 0 "another seed" judge randomise -m "$model" "$episodes" --draws 2 --seed 1 --json -q
check "... draws other parameters" sh -c "! cmp -s '$SCRATCH/stdout' '$SCRATCH/randomise.json'"
check_exit 0 "chosen methods" judge truth -m "$model" "$episodes" --environment coin-walk \
    --method difference --method lrp:rule=half,epsilon=0.01 --json -q
check "... are judged" test "$(grep -o '"method":"[^"]*"' "$SCRATCH/stdout" | tr '\n' ' ')" = \
    '"method":"difference" "method":"lrp:rule=half,epsilon=0.01" '
check_exit 0 "progress" judge perturbation -m "$model" "$episodes"
check "... goes to standard error" grep -q '^perturbation: 100 %' "$SCRATCH/stderr"
check_exit 0 "standard input" sh -c "'$RUDDER' judge truth -m '$model' - --environment coin-walk -q --json --method difference <'$episodes'"

# A truth from a file: explanations agree with themselves.
check_exit 0 "explanations" "$RUDDER" explain -m "$model" "$episodes" --json -o "$SCRATCH/truth.jsonl" -q
check_exit 0 "--truth" judge truth -m "$model" "$episodes" --truth "$SCRATCH/truth.jsonl" \
    --method difference --json -q
check "... agrees with itself" grep -qE '"correlation_all":\{"mean":(1|0\.99999)' "$SCRATCH/stdout"
check_exit 0 "lrp" "$RUDDER" explain -m "$model" "$episodes" --method lrp -o "$SCRATCH/lrp.jsonl" -q
check_exit 0 "... as the truth" judge truth -m "$model" "$episodes" --truth "$SCRATCH/lrp.jsonl" --method lrp --json -q
check "... agrees with itself, what it absorbed included" grep -qE '"correlation_all":\{"mean":(1|0\.99999)' "$SCRATCH/stdout"
head -n 39 "$SCRATCH/truth.jsonl" >"$SCRATCH/short.jsonl"
sed 's/"id": "[^"]*", //' "$episodes" >"$SCRATCH/unnamed.jsonl"
check_exit 1 "episodes without ids" judge truth -m "$model" "$SCRATCH/unnamed.jsonl" --truth "$SCRATCH/truth.jsonl" -q
check "... have no truth" grep -q "episode 0 has no id, by which .*truth.jsonl tells its truth" "$SCRATCH/stderr"
check_exit 0 "features one by one, steps deleted" judge perturbation -m "$model" "$episodes" --method occlusion:per=feature \
    -q -o "$SCRATCH/perturbation.json"
check "... is written as JSON" grep -q '^{"judge":"perturbation",' "$SCRATCH/perturbation.json"
check_exit 1 "a truth that lacks an episode" judge truth -m "$model" "$episodes" --truth "$SCRATCH/short.jsonl" -q
check "... is named" grep -q "short.jsonl: no line for episode 39, id \"coin-walk-" "$SCRATCH/stderr"
sed 's/"step_relevance":\[[^,]*,/"step_relevance":[/' "$SCRATCH/truth.jsonl" >"$SCRATCH/cut.jsonl"
check_exit 1 "a truth of another length" judge truth -m "$model" "$episodes" --truth "$SCRATCH/cut.jsonl" -q
check "... is named with its line" grep -q "cut.jsonl:1: .* it has 50 steps, step_relevance has 49" "$SCRATCH/stderr"
check_exit 1 "episodes as truth" judge truth -m "$model" "$episodes" --truth "$episodes" -q
check "... lack step_relevance" grep -q "episodes.jsonl:1: episode .*: step_relevance is missing" "$SCRATCH/stderr"

# Wrong usage: exit code 2, and what can be chosen.
refused() {
    what=$1 pattern=$2
    shift 2
    check_exit 2 "refused: $what" judge "$@"
    check "... with the reason" grep -q -- "$pattern" "$SCRATCH/stderr"
}
refused "no judge" "perturbation"
refused "an unknown judge" "unknown judge 'nobody'" nobody
refused "no model" "-m MODEL is missing" truth "$episodes" --environment coin-walk
refused "no episodes" "EPISODES is missing" randomise -m "$model"
cp "$episodes" "$SCRATCH/kept.jsonl"
refused "the episodes' own file as output" "would replace what is read from there" \
    randomise -m "$model" "$SCRATCH/kept.jsonl" -o "$SCRATCH/kept.jsonl"
check "... which is left as it was" cmp "$episodes" "$SCRATCH/kept.jsonl"
refused "no truth" "either --environment NAME or --truth FILE" truth -m "$model" "$episodes"
refused "two truths" "either --environment NAME or --truth FILE" \
    truth -m "$model" "$episodes" --environment coin-walk --truth "$episodes"
refused "an unknown environment" "there are: coin-walk" truth -m "$model" "$episodes" --environment moon
refused "an unknown method" "there are: difference" perturbation -m "$model" "$episodes" --method magic
refused "an unknown rule" "all|half|prop|abs" perturbation -m "$model" "$episodes" --method lrp:rule=most
refused "a step" "'step' is not allowed" perturbation -m "$model" "$episodes" --method lrp:step=3
refused "an option of another method" "rule belongs to the method lrp, not to occlusion" \
    perturbation -m "$model" "$episodes" --method occlusion:rule=half
refused "a feature to be deleted" "a feature cannot be deleted" \
    perturbation -m "$model" "$episodes" --method occlusion:per=feature,remove=delete
refused "epsilon below 0" "epsilon is -1" perturbation -m "$model" "$episodes" --method lrp:epsilon=-1
refused "a seed that no table can tell" "--seed must be" toy --seed 9007199254740993
refused "no networks" "--networks must be" toy --networks 0
refused "a threshold above 1" "at most 1" truth -m "$model" "$episodes" --environment coin-walk --threshold 2

check_exit 1 "another environment's episodes" judge truth -m "$model" "$episodes" --environment watch-repair -q
check "... do not fit" grep -q "watch-repair has" "$SCRATCH/stderr"
check_exit 1 "an output out of range" judge perturbation -m "$model" "$episodes" --output 4 -q
check "... is named" grep -q "output 4: the network has 1" "$SCRATCH/stderr"
check_exit 1 "no model there" judge randomise -m "$SCRATCH/nothing" "$episodes" -q
check_exit 1 "no episodes in the file" judge randomise -m "$model" /dev/null -q
check "... says so" grep -q "holds no episode" "$SCRATCH/stderr"
check_exit 1 "a page that cannot be written" judge toy --networks 1 --sequences 10 --goal 0.1 -q \
    -o "$SCRATCH/none/page.html"

# The LSTM of others reads observations as they are.
foreign=tests/fixtures/torch_lstm.safetensors
echo '{"id": "x", "observations": [[1, 2, 3], [0, 1, 0], [2, 0, 1], [1, 1, 1]]}' >"$SCRATCH/three.jsonl"
check_exit 0 "an LSTM of others, second output" judge perturbation -m "$foreign" "$SCRATCH/three.jsonl" \
    --output 1 --json -q
check "... has curves" keys "$SCRATCH/stdout" curve points
check_exit 0 "its layers" judge randomise -m "$foreign" "$SCRATCH/three.jsonl" --method lrp --json -q
check "... are randomised from the head down" test "$(grep -o '"randomised":"[^"]*"' "$SCRATCH/stdout" | tr '\n' ' ')" = \
    '"randomised":"head" "randomised":"head to layer 1" "randomised":"head to layer 0" '
finish
