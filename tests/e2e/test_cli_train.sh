#!/bin/sh
# rudder train, and what is done with its model: explain, inspect.
. tests/e2e/common.sh

config=$SCRATCH/walk.yaml
run=$SCRATCH/run
cat >"$config" <<'YAML'
environment: {name: coin-walk}
predictor: {cell: rudder, hidden: 4, batch: 4}
train: {updates: 30, test_episodes: 20}
YAML

check_exit 0 "train" "$RUDDER" train "$config" -o "$run" -q
check "... is silent with -q" test ! -s "$SCRATCH/stderr"
for file in config.yaml metrics.jsonl model.safetensors; do
    check "... leaves $file" test -s "$run/$file"
done
check "... compares with the exact values" grep -q 'E\[G | history\] *-\{0,1\}[0-9]' "$SCRATCH/stdout"
check_exit 0 "train --json" "$RUDDER" train "$config" -o "$SCRATCH/again" -q --json
check "... prints one object" grep -qE '^\{"run":".*","environment":"coin-walk","cell":"rudder","updates":30,"loss":[-.0-9e]+,"quality":[-.0-9e]+,"variance_ratio":[-.0-9e]+,"r_squared":[-.0-9e]+,"reward_pearson":[-.0-9e]+,"seconds":[-.0-9e]+\}$' "$SCRATCH/stdout"
check "... and the same model" cmp "$run/model.safetensors" "$SCRATCH/again/model.safetensors"
check_exit 0 "predictor.cell" "$RUDDER" train "$config" -o "$SCRATCH/linear" -q --set predictor.cell=linear
paths="--set redistribution.method=integrated-gradients --set redistribution.integrated_gradients_baseline=episodes"
# shellcheck disable=SC2086  # several words
check_exit 0 "rewards that start from other episodes" "$RUDDER" train "$config" -o "$SCRATCH/paths" -q $paths --set redistribution.nodes=2
check "... train the same model" cmp "$run/model.safetensors" "$SCRATCH/paths/model.safetensors"
check_exit 1 "the folder of another configuration" "$RUDDER" train "$config" -o "$run" -q --set train.updates=5
check "... is named" grep -q "$run: .*--force" "$SCRATCH/stderr"

check_exit 0 "inspect the model" "$RUDDER" inspect "$run/model.safetensors" --json
check "... knows cell, sizes and features" grep -q '"kind":"model",.*"cell":"rudder","hidden":4,.*"inputs":15,"features":\["observation=0",.*"name":"head.weight","shape":\[1,4\]' "$SCRATCH/stdout"
check_exit 0 "inspect the run" "$RUDDER" inspect "$run"
check "... is a training" grep -qE '^kind +training$' "$SCRATCH/stdout"

episodes=$SCRATCH/episodes.jsonl
"$RUDDER" envs rollout coin-walk -n 5 -q -o "$episodes"
numbers='(-?[.0-9]+(e-?[0-9]+)?)'
check_exit 2 "the model keeps no episodes to start from" "$RUDDER" explain -m "$SCRATCH/paths" "$episodes" --method integrated-gradients --baseline episodes
check "... is said" grep -q 'no episodes are kept with the model.*zero or mean' "$SCRATCH/stderr"
check_exit 0 "explain --json" "$RUDDER" explain -m "$run" "$episodes" --method difference --json
check "... one line an episode, in order" test "$(sed 's/,.*//' "$SCRATCH/stdout" | tr -d '\n')" = \
    '{"id":"coin-walk-0-0"{"id":"coin-walk-0-1"{"id":"coin-walk-0-2"{"id":"coin-walk-0-3"{"id":"coin-walk-0-4"'
check "... with T values and all fields" test "$(grep -cE \
    "^\{\"id\":\"[^\"]*\",\"method\":\"difference\",\"options\":\{\"output\":0,\"step\":\"last\"\},\"prediction\":$numbers,\"step_relevance\":\[($numbers,){49}$numbers\],\"initial_relevance\":0,\"total\":$numbers,\"conservation_error\":$numbers\}$" "$SCRATCH/stdout")" -eq 5
check "... that add up to the prediction" awk '
    {
        split($0, half, /"step_relevance":\[/); split(half[2], list, /\]/)
        n = split(list[1], r, ","); sum = 0
        for (k = 1; k <= n; k++) sum += r[k]
        split(half[1], p, /"prediction":/); predicted = p[2] + 0
        d = sum - predicted
        if (d > 1e-9 * (1 + predicted * predicted) || -d > 1e-9 * (1 + predicted * predicted)) exit 1
    }' "$SCRATCH/stdout"
cp "$SCRATCH/stdout" "$SCRATCH/explained"
check_exit 0 "explain -o" "$RUDDER" explain -m "$run/model.safetensors" "$episodes" --json -o "$SCRATCH/out.jsonl"
check "... writes the same" cmp "$SCRATCH/explained" "$SCRATCH/out.jsonl"
check_exit 0 "explain standard input" sh -c '"$0" explain -m "$1" --json - <"$2"' "$RUDDER" "$run" "$episodes"
check "... writes the same" cmp "$SCRATCH/explained" "$SCRATCH/stdout"
check_exit 0 "explain with the linear predictor" "$RUDDER" explain -m "$SCRATCH/linear" "$episodes" --json
check_exit 0 "explain as a table" "$RUDDER" explain -m "$run" "$episodes"
check "... shows each step" test "$(grep -cE '^ +[0-9]+ .*\|' "$SCRATCH/stdout")" -eq 250

check_exit 2 "an unknown method" "$RUDDER" explain -m "$run" "$episodes" --method lrpp
check "... names the choices" grep -q "there are: difference" "$SCRATCH/stderr"
check_exit 2 "no model" "$RUDDER" explain "$episodes"
check_exit 1 "an absent model" "$RUDDER" explain -m "$SCRATCH/absent" "$episodes"
check_exit 1 "a model that is none" "$RUDDER" explain -m "$episodes" "$episodes"
head -c 300 "$run/model.safetensors" >"$SCRATCH/torn.safetensors"
check_exit 1 "a truncated model" "$RUDDER" explain -m "$SCRATCH/torn.safetensors" "$episodes"
check "... is named" grep -q "rudder: .*torn.safetensors: " "$SCRATCH/stderr"
check_exit 1 "inspect a truncated model" "$RUDDER" inspect "$SCRATCH/torn.safetensors"

# Bad episodes: the message has file, line and field; a good line before them is no help.
bad=$SCRATCH/bad.jsonl
refused() {
    { head -n 1 "$episodes"; printf '%s\n' "$2"; } >"$bad"
    check_exit 1 "$1" "$RUDDER" explain -m "$run" "$bad" --json -o "$SCRATCH/none"
    check "... is said with file, line and field" grep -qE "^rudder: $bad:2: .*$3" "$SCRATCH/stderr"
}
end='"terminated": true, "truncated": false}'
refused "a NaN reward" '{"id": "x", "observations": [7, 8], "actions": [1], "rewards": [NaN], '"$end" rewards
refused "an infinite reward" '{"id": "x", "observations": [7, 8], "actions": [1], "rewards": [1e999], '"$end" rewards
refused "no rows" '{"id": "x", "observations": [], "actions": [], "rewards": [], '"$end" 'observations|actions'
refused "ragged rows" '{"id": "x", "observations": [[7], [8, 9]], "actions": [1], "rewards": [0], '"$end" observations
refused "no final observation" '{"id": "x", "observations": [7], "actions": [1], "rewards": [0], '"$end" observation
refused "a value outside its space" '{"id": "x", "observations": [7, 13], "actions": [1], "rewards": [0], '"$end" observation
refused "a missing field" '{"id": "x", "actions": [1], "rewards": [0], '"$end" observations
refused "an unknown field" '{"id": "x", "observations": [7, 8], "actions": [1], "rewards": [0], "x": 1, '"$end" '"?x"?'
refused "what is not JSON" '{"id": "x", ' JSON
check "nothing was written" test ! -e "$SCRATCH/none"
check_exit 1 "an empty file of episodes" sh -c ': >"$2"; "$0" explain -m "$1" "$2"' "$RUDDER" "$run" "$SCRATCH/void.jsonl"
check_exit 1 "an absent file of episodes" "$RUDDER" explain -m "$run" "$SCRATCH/absent.jsonl"
finish
