#!/bin/sh
# rudder explain: every method, own models and those of others, as lines, tables and pages.
. tests/e2e/common.sh

run=$SCRATCH/run
episodes=$SCRATCH/episodes.jsonl
fixture=tests/fixtures/torch_lstm.safetensors
rows=$SCRATCH/rows.jsonl # the inputs that PyTorch read
printf 'environment: {name: coin-walk}\npredictor: {cell: lstm, hidden: 4, batch: 4}\ntrain: {updates: 30, test_episodes: 20}\n' >"$SCRATCH/walk.yaml"
"$RUDDER" train "$SCRATCH/walk.yaml" -o "$run" -q >"$SCRATCH/train" || cat "$SCRATCH/train"
"$RUDDER" envs rollout coin-walk -n 20 -q -o "$episodes"
sed -n 's/.*"x": \(\[\[[^]]*\]\(, \[[^]]*\]\)*\]\).*/{"id": "x", "observations": \1}/p' tests/fixtures/torch_lstm.json >"$rows"
methods="difference gradient sensitivity gradient-x-input integrated-gradients occlusion lrp decomposition"

explain() {
    "$RUDDER" explain -q "$@"
}

# has_keys FILE KEYS: the first line has these members, in this order.
has_keys() {
    found=$(head -n 1 "$1" | sed 's/"options":{[^}]*}/"options":0/' | grep -oE '"[a-z_]+":' | tr -d '":' | tr '\n' ' ')
    [ "$found" = "$2 " ] || {
        echo "found: $found"
        echo "instead of: $2"
        return 1
    }
}

# The sums that every line promises.
adds_up() {
    awk '
    function part(name,    at, rest) {
        at = index($0, "\"" name "\":")
        if (!at) return ""
        rest = substr($0, at + length(name) + 3)
        if (rest ~ /^\[\[/) return substr(rest, 3, index(rest, "]]") - 3)
        if (rest ~ /^\[/) return substr(rest, 2, index(rest, "]") - 2)
        sub(/[,}].*/, "", rest)
        return rest
    }
    function list(text, into) { return text == "" ? 0 : split(text, into, ",") }
    function near(a, b, tolerance) { return a - b <= tolerance && b - a <= tolerance }
    function wrong(what) { print NR ": " what; bad = 1 }
    {
        T = list(part("step_relevance"), step)
        sum = part("initial_relevance"); size = 1
        for (t = 1; t <= T; t++) { sum += step[t]; size += step[t] < 0 ? -step[t] : step[t] }
        if (T && !near(sum, part("total"), 1e-12 * size)) wrong("total " part("total") " is not " sum)
        rows = split(part("relevance"), row, "],\\[")
        if (rows && rows != T && rows != T + 1) wrong(rows " rows of " T " steps")
        for (t = 1; t <= rows; t++) {
            D = split(row[t], cell, ",")
            if (t <= T) found[t] = 0
            for (d = 1; d <= D; d++) found[t <= T ? t : T] += cell[d]
        }
        for (t = 1; rows && t <= T; t++)
            if (!near(found[t], step[t], 1e-5 * size)) wrong("step " t - 1 ": " found[t] " is not " step[t])
        error = part("conservation_error"); absorbed = 0
        A = list(part("absorbed"), kept)
        if (A && A != T) wrong(A " absorbed of " T " steps")
        for (t = 1; t <= A; t++) absorbed += kept[t]
        if (T && error != "null") {
            left = sum + absorbed - (part("prediction") - part("baseline_prediction"))
            if (!near(error, left, 1e-9 * size)) wrong("conservation_error " error " is not " left)
        }
        if ($0 ~ /[nN]a[nN]|[iI]nfinity/) wrong("a number that is none")
    }
    END { exit bad || NR == 0 }' "$1"
}

for method in $methods; do
    keys="id method options prediction"
    case $method in
    difference | decomposition | occlusion) keys="$keys step_relevance" ;;
    integrated-gradients) keys="$keys baseline_prediction relevance step_relevance" ;;
    lrp) keys="$keys relevance step_relevance absorbed" ;;
    *) keys="$keys relevance step_relevance" ;;
    esac
    keys="$keys initial_relevance total conservation_error"
    check_exit 0 "$method" explain -m "$run" "$episodes" --method $method --json
    check "... has its members" has_keys "$SCRATCH/stdout" "$keys"
    check "... adds up" adds_up "$SCRATCH/stdout"
    check "... one line an episode, in order" test "$(sed 's/",.*//; s/.*-//' "$SCRATCH/stdout" | tr '\n' ' ')" = \
        "$(seq -s ' ' 0 19) "
    case $method in
    difference | integrated-gradients | lrp)
        check "... knows its error" grep -qE '"conservation_error":-?[0-9]' "$SCRATCH/stdout" ;;
    *) check "... has no error" grep -q '"conservation_error":null' "$SCRATCH/stdout" ;;
    esac
    cp "$SCRATCH/stdout" "$SCRATCH/one"
    check_exit 0 "... over 3 threads" explain -m "$run" - --method $method --json --threads 3 -o "$SCRATCH/three" <"$episodes"
    check "... from standard input to a file, is the same" cmp "$SCRATCH/one" "$SCRATCH/three"
    check_exit 0 "... as a table" explain -m "$run" "$episodes" --method $method
    check "... has a row a step" test "$(grep -cE '^ +[0-9]+ .*\|' "$SCRATCH/stdout")" -eq 1000
done

check_exit 0 "occlusion by feature" explain -m "$run" "$episodes" --method occlusion --per feature --window 3 --remove mean --json
check "... has features" has_keys "$SCRATCH/stdout" \
    "id method options prediction relevance step_relevance initial_relevance total conservation_error"
check "... says its options" grep -q '"options":{"output":0,"step":"last","per":"feature","window":3,"remove":"mean"}' "$SCRATCH/stdout"
for rule in all half prop abs; do
    case $rule in
    prop) used=0.2 ;;
    *) used=0 ;;
    esac
    check_exit 0 "lrp, rule $rule" explain -m "$run" "$episodes" --method lrp --rule $rule --epsilon 0.01 --bias-factor 1 --json
    check "... adds up" adds_up "$SCRATCH/stdout"
    check "... says its options" grep -q "\"options\":{\"output\":0,\"step\":\"last\",\"rule\":\"$rule\",\"epsilon\":0.01,\"bias-factor\":1,\"product-epsilon\":$used}" "$SCRATCH/stdout"
done
check_exit 0 "decomposition of some steps" explain -m "$run" "$episodes" --method decomposition --steps 3:9 --json
check "... has no steps of its own" has_keys "$SCRATCH/stdout" \
    "id method options prediction irrelevant total conservation_error"
check_exit 0 "... as a table" explain -m "$run" "$episodes" --method decomposition --steps 3:9
check "... says the parts" grep -qE '^  of the chosen steps -?[0-9.e-]+, of the others -?[0-9.e-]+, of the head.s bias -?[0-9]' "$SCRATCH/stdout"

# The prediction of step 5 depends on the first six steps only.
check_exit 0 "an earlier step" explain -m "$run" "$episodes" --method gradient --step 5 --json
check "... is all that counts" grep -qE '"step_relevance":\[([-.0-9e]+,){6}(0\.0,){43}0\.0\]' "$SCRATCH/stdout"
check "... adds up" adds_up "$SCRATCH/stdout"

# A baseline from a file: where it is the episode itself, nothing is left to explain.
head -n 1 "$episodes" >"$SCRATCH/first.jsonl"
check_exit 0 "a baseline from a file" explain -m "$run" "$SCRATCH/first.jsonl" --method integrated-gradients --baseline "$SCRATCH/first.jsonl" --json
check "... is where the path starts" grep -q '"total":0,"conservation_error":0' "$SCRATCH/stdout"
check "... is named" grep -q "\"baseline\":\"$SCRATCH/first.jsonl\"" "$SCRATCH/stdout"
check_exit 0 "the mean of the training" explain -m "$run" "$episodes" --method integrated-gradients --baseline mean --quadrature gauss-legendre --nodes 8 --json
check "... adds up" adds_up "$SCRATCH/stdout"

# Networks of others: the prediction is PyTorch's.
predicts() {
    awk -v at="$1" '
    FNR == NR { sub(/.*"y": \[\[/, ""); sub(/\]\].*/, ""); n = split($0, row, /\], \[/); split(row[n], y, ", ") }
    FNR != NR {
        sub(/.*"prediction":/, ""); d = $0 - y[at + 1]
        if (d > 1e-6 || -d > 1e-6) exit 1
    }' tests/fixtures/torch_lstm.json "$SCRATCH/stdout"
}
for method in $methods; do
    check_exit 0 "$method of a PyTorch network" explain -m $fixture "$rows" --method $method --output 1 --json
    check "... predicts as PyTorch does" predicts 1
    check "... adds up" adds_up "$SCRATCH/stdout"
done
check_exit 0 "--head" explain -m $fixture "$rows" --head head --method lrp --json
check "... is read" predicts 0
cat "$rows" "$rows" | sed '2s/\[\[[^]]*\], /[/' >"$SCRATCH/two.jsonl" # a shorter one too
check_exit 0 "the mean of the file" explain -m $fixture "$SCRATCH/two.jsonl" --method integrated-gradients --baseline mean --json
cp "$SCRATCH/stdout" "$SCRATCH/one"
check "... adds up" adds_up "$SCRATCH/one"
check_exit 0 "... of standard input" explain -m $fixture - --method integrated-gradients --baseline mean --json <"$SCRATCH/two.jsonl"
check "... is the same" cmp "$SCRATCH/one" "$SCRATCH/stdout"
check_exit 0 "... for occlusion" explain -m $fixture "$SCRATCH/two.jsonl" --method occlusion --remove mean --json

check_exit 0 "--list" "$RUDDER" explain --list
for method in $methods; do
    check "... has $method" grep -q "^$method: " "$SCRATCH/stdout"
done
check "... with sources" test "$(grep -c '^  source ' "$SCRATCH/stdout")" -eq 8
check "... and what decomposition adds up to" grep -q 'conserves  yes: .*the other steps .* where steps are chosen' "$SCRATCH/stdout"
check_exit 0 "--list --json" "$RUDDER" explain --list --json
check "... is an array of methods" grep -qE '^\[\{"name":"difference","summary":"[^"]+","cost":"[^"]+","conserves":true,"causal":true,"source":"[^"]+","options":\[\{"name":"output",.*\]$' "$SCRATCH/stdout"
check_exit 0 "--help" "$RUDDER" explain --help
for option in rule epsilon bias-factor product-epsilon baseline nodes quadrature per window remove steps output step head; do
    check "... has --$option" grep -q -- "--$option=" "$SCRATCH/stdout"
done

# Pages.
page=$SCRATCH/page.html
for method in difference lrp; do
    check_exit 0 "a page of $method" explain -m "$run" "$episodes" --method $method -o "$page"
    check "... prints nothing" test ! -s "$SCRATCH/stdout" -a ! -s "$SCRATCH/stderr"
    check "... has every episode" test "$(grep -c '^<section' "$page")" -eq 20
    check "... loads nothing" sh -c '! grep -oE "(src|href) *= *[\"'\'']?[a-z]+:|@import" "$1"' - "$page"
    cp "$page" "$SCRATCH/first.html"
    check_exit 0 "... over 4 threads" explain -m "$run" "$episodes" --method $method -o "$page" --threads 4
    check "... is the same" cmp "$page" "$SCRATCH/first.html"
done
check "the page of lrp has a heatmap" grep -q '"feature":"observation=' "$page"
check_exit 0 "a page of chosen steps" explain -m "$run" "$episodes" --method decomposition --steps 2:9 -o "$page"
check "... does not call their share the whole" grep -q 'Relevance adds up to the prediction together with the other steps' "$page"
for part in "chosen steps" "other steps" "head's bias"; do
    check "... but tells that of the $part" grep -qE "<td>of the $part</td><td>-?[0-9]" "$page"
done
for k in 1 2 3; do cat "$episodes"; done >"$SCRATCH/many.jsonl"
check_exit 0 "a page of many episodes" explain -m "$run" "$SCRATCH/many.jsonl" -o "$page"
check "... shows 50 of them" test "$(grep -c '^<section' "$page")" -eq 50
check "... and says so" grep -q 'the first 50 episodes; 10 more are left out' "$page"

# refused CODE NAME MESSAGE ARGUMENTS...: no output is left, whole or half.
refused() {
    wanted=$1 what=$2 message=$3
    shift 3
    check_exit "$wanted" "$what" explain "$@" -o "$SCRATCH/none"
    check "... is said: $message" grep -qE -- "$message" "$SCRATCH/stderr"
    check "... and nothing written" test -z "$(find "$SCRATCH" -name 'none*')"
}
refused 2 "an unknown method" "rudder explain: --method: unknown method 'lrpp'; there are: difference, gradient, .*lrp, decomposition" -m "$run" "$episodes" --method lrpp
refused 2 "an unknown rule" "all\|half\|prop\|abs" -m "$run" "$episodes" --method lrp --rule some
refused 2 "a negative epsilon" "epsilon is -1; it must be 0 or more" -m "$run" "$episodes" --method lrp --epsilon -1
refused 2 "an epsilon that is none" "epsilon: 'x' is not a number" -m "$run" "$episodes" --method lrp --epsilon x
refused 2 "an option of another method" "--rule belongs to the method lrp, not to gradient" -m "$run" "$episodes" --method gradient --rule all
refused 2 "more nodes than allowed" "--nodes: '99999999' is not a whole number from 1 to 1048576" -m "$run" "$episodes" --method integrated-gradients --nodes 99999999
refused 2 "features to be deleted" "^rudder: occlusion: a feature cannot be deleted; choose remove zero or mean, or per step" -m "$run" "$episodes" --method occlusion --per feature --remove delete
cp "$episodes" "$SCRATCH/kept.jsonl"
ln -sf kept.jsonl "$SCRATCH/link.jsonl"
for output in kept link; do
    check_exit 2 "the episodes' own file as output" explain -m "$run" "$SCRATCH/kept.jsonl" -o "$SCRATCH/$output.jsonl"
    check "... is refused" grep -q "$output.jsonl would replace what is read from there" "$SCRATCH/stderr"
    check "... and left as it was" cmp "$episodes" "$SCRATCH/kept.jsonl"
done
refused 2 "standard input as two" "standard input cannot be both EPISODES and --baseline" -m $fixture - --method integrated-gradients --baseline -
refused 2 "steps that are none" "'5:5' is not A:B" -m "$run" "$episodes" --method decomposition --steps 5:5
refused 2 "no threads" "whole number from 1" -m "$run" "$episodes" --threads 0
refused 2 "an output out of range" "^rudder: output 1: the network has 1, the last is 0" -m "$run" "$episodes" --method lrp --output 1
refused 1 "a step out of range" "$episodes:1: .*step 51: there are 50 steps; choose 0 to 49, or 50 for the prediction after the final" -m "$run" "$episodes" --step 51
refused 1 "steps out of range" "$episodes:1: .*steps 3:99" -m "$run" "$episodes" --method decomposition --steps 3:99
refused 1 "episodes of another width" "$episodes:1: .*rows of width 1 found, 3 expected" -m $fixture "$episodes"
refused 1 "an unknown head" "there is no tensor neck.weight; there are: head.weight \[2\]\[4\]" -m $fixture "$rows" --head neck
refused 1 "a head of our own model" "--head is for networks of others" -m "$run" "$episodes" --head head
refused 1 "a baseline that is not there" "neither zero nor mean nor a file: maen" -m "$run" "$episodes" --method integrated-gradients --baseline maen
refused 1 "a baseline of another width" "$episodes:1: observations have 1 numbers, the network reads 3" -m $fixture "$rows" --method integrated-gradients --baseline "$episodes"
sed 's/, \[[^]]*\]\]/]/' "$rows" >"$SCRATCH/short.jsonl"
refused 1 "a baseline that is too short" "baseline: 5 steps are given, but the longest episode has 6" -m $fixture "$rows" --method integrated-gradients --baseline "$SCRATCH/short.jsonl"
refused 1 "a folder without a model" "^rudder: $SCRATCH holds no model.safetensors; give a run of .rudder train., or a file" -m "$SCRATCH" "$episodes"
refused 1 "a model that is none" "rudder: $episodes: " -m "$episodes" "$episodes"
check_exit 2 "JSON into a page" explain -m "$run" "$episodes" --json -o "$SCRATCH/no.html"
check "... is no page" test ! -e "$SCRATCH/no.html"

# Files without a name, and what the extension says.
check_exit 2 "-o without a name" explain -m "$run" "$episodes" -o ""
check "... is said" grep -q "names no file: give a path" "$SCRATCH/stderr"
explain -m "$run" "$episodes" --json >"$SCRATCH/lines"
for extension in json jsonl; do
    check_exit 0 "-o x.$extension" explain -m "$run" "$episodes" -o "$SCRATCH/x.$extension"
    check "... holds JSON lines" cmp "$SCRATCH/lines" "$SCRATCH/x.$extension"
done
check_exit 0 "-o -" explain -m "$run" "$episodes" --json -o -
check "... is standard output" cmp "$SCRATCH/lines" "$SCRATCH/stdout"

# A method that needs a network, of a predictor that has none.
"$RUDDER" train "$SCRATCH/walk.yaml" -o "$SCRATCH/linear" -q --set predictor.cell=linear >"$SCRATCH/train" || cat "$SCRATCH/train"
refused 2 "lrp of a linear predictor" 'method lrp needs a network' -m "$SCRATCH/linear" "$episodes" --method lrp
check_exit 0 "its difference" explain -m "$SCRATCH/linear" "$episodes" --json --threads 2
check "... adds up" adds_up "$SCRATCH/stdout"

# The episodes before a bad one are explained, at any number of threads.
{ head -n 11 "$episodes"; echo '{"observations": [99]}'; cat "$episodes"; } >"$SCRATCH/bad.jsonl"
for threads in 1 3; do
    check_exit 1 "a bad episode, $threads threads" explain -m "$run" "$SCRATCH/bad.jsonl" --json --threads $threads
    check "... is named with its line" grep -q "^rudder: $SCRATCH/bad.jsonl:12: " "$SCRATCH/stderr"
    check "... and follows on the others" test "$(wc -l <"$SCRATCH/stdout")" -eq 11
done

# Other formats say the same of the same episodes; only ids may differ.
without_id() {
    sed 's/^{"id":"[^"]*",/{/' "$1"
}
explain -m "$run" "$episodes" --method lrp --json >"$SCRATCH/lines"
without_id "$SCRATCH/lines" >"$SCRATCH/wanted"
for format in minari d4rl; do
    check_exit 0 "export as $format" "$RUDDER" export -q "$episodes" -o "$SCRATCH/$format.hdf5" --format $format
    check_exit 0 "... is explained" explain -m "$run" "$SCRATCH/$format.hdf5" --method lrp --json
    without_id "$SCRATCH/stdout" >"$SCRATCH/found"
    check "... as JSON lines are" cmp "$SCRATCH/wanted" "$SCRATCH/found"
done
sed 's/"id": "x", //' "$rows" >"$SCRATCH/unnamed.jsonl"
check_exit 0 "an episode without id" explain -m $fixture "$SCRATCH/unnamed.jsonl"
check "... goes by its place, its lack of rewards said" grep -q "^$SCRATCH/unnamed.jsonl:1: 6 steps, no rewards, predicted" "$SCRATCH/stdout"
check_exit 0 "... on a page" explain -m $fixture "$SCRATCH/unnamed.jsonl" -o "$page"
check "... says so too" grep -q '<td>return</td><td>no rewards</td>' "$page"
refused 1 "a data set without an episode" "holds no episode" -m "$run" /dev/null

# Denominators near zero are told, with their number; -q is silent.
awk 'BEGIN {
    for (k = 0; k < 40; k++) {
        printf "{\"observations\": ["
        for (t = 0; t < 20; t++)
            printf "%s[%.6f, %.6f, %.6f]", t ? ", " : "", sin(k + 7 * t), sin(3 * k + 11 * t), cos(k * t + 2)
        print "]}"
    }
}' >"$SCRATCH/waves.jsonl"
check_exit 0 "denominators near zero" "$RUDDER" explain -m $fixture "$SCRATCH/waves.jsonl" --method lrp --rule half --epsilon 0 --json
check "... are counted" grep -qE 'warning: [1-9][0-9]* denominators in [1-9][0-9]* of 40 episodes were nearer to zero than 0\.0001' "$SCRATCH/stderr"
check_exit 0 "... on a page" explain -m $fixture "$SCRATCH/waves.jsonl" --method lrp --rule half --epsilon 0 -o "$page"
check "... are counted for the episode" grep -qE '<td>denominators near zero</td><td>[1-9]' "$page"
check_exit 0 "... with -q" explain -m $fixture "$SCRATCH/waves.jsonl" --method lrp --rule half --epsilon 0 --json
check "... are not told" test ! -s "$SCRATCH/stderr"

# Relevance that grows from product to product is told, and what ends it.
prop="--method lrp --rule prop --product-epsilon 0.01"
check_exit 0 "relevance that grows" "$RUDDER" explain -m $fixture "$SCRATCH/waves.jsonl" $prop
check "... is told" grep -qE 'warning: in [1-9][0-9]* of 40 episodes relevance grew on its way back, up to .* with a product-epsilon of 2, products do not raise it' "$SCRATCH/stderr"
check_exit 0 "... on a page" explain -m $fixture "$SCRATCH/waves.jsonl" $prop -o "$page"
check "... too" grep -q 'Relevance grew on its way back to .* with a product-epsilon of 2' "$page"
check_exit 0 "with that product-epsilon" "$RUDDER" explain -m $fixture "$SCRATCH/waves.jsonl" $prop --product-epsilon 2 --epsilon 0.1
check "... nothing is told" test ! -s "$SCRATCH/stderr"
finish
