#!/bin/sh
# What README.md shows is true: its C programs build and print what it says, and its shell lines
# name only commands, options, keys and files that exist.
. tests/e2e/common.sh

# block_of LANGUAGE: the fenced blocks of that language.
block_of() {
    awk -v fence="\`\`\`$1" '/^```$/ { inside = 0 } inside { print } $0 == fence { inside = 1 }' README.md
}

# The C block that begins with the file's name.
block_of c | awk -v folder="$SCRATCH" '
    /^\/\* [a-z]*\.c: / { file = folder "/" substr($2, 1, length($2) - 1) }
    { print > file }'
block_of sh >"$SCRATCH/commands"
check "two C programs" test -s "$SCRATCH/key.c" -a -s "$SCRATCH/corridor.c"
check "shell lines" test "$(wc -l <"$SCRATCH/commands")" -gt 10

compile() {
    # shellcheck disable=SC2046,SC2086  # the compiler may have a launcher before it: "ccache gcc"
    ${CC:-gcc} -std=c11 -Wall -Wextra -Werror -Irudder -I. "$SCRATCH/$1.c" "$BUILD/librudder.a" \
        $(pkg-config --libs $PACKAGES) -lm -pthread -o "$SCRATCH/$1"
}

# Step 0 holds the mean return, step 3 the key's; tolerances, for another processor rounds otherwise.
key_is_paid_at_step_3() {
    "$SCRATCH/key" | tee "$SCRATCH/rewards" | awk '
        $1 != "step" || $2 != NR - 1 || $3 != "reward" || $5 != "redistributed" { bad = 1 }
        $4 != (NR == 8 ? 10 : 0) { bad = 1 }
        { sum += $6; error = $6 - ($2 == 0 || $2 == 3 ? 5 : 0); if (error * error > 1) bad = 1 }
        END { exit bad || NR != 8 || (sum - 10) * (sum - 10) > 0.2 }' || {
        cat "$SCRATCH/rewards"
        return 1
    }
}

# The numbers that README shows for this program, line by line.
corridor_is_as_shown() {
    "$SCRATCH/corridor" >"$SCRATCH/returns" && block_of text | grep -E '^[0-9]+ steps, return' |
        diff - "$SCRATCH/returns"
}

if [ "$BUILD" = build ]; then
    check "key.c compiles" compile key
    check "key.c finds the step that earned the reward" key_is_paid_at_step_3
    check "corridor.c compiles" compile corridor
    check "corridor.c prints what README shows" corridor_is_as_shown
else
    skip "the C programs" "they are built against the plain build only, not $BUILD"
fi

# The Python that saves a network: explain predicts what PyTorch does.
block_of python >"$SCRATCH/save.py"
mkdir -p "$SCRATCH/runs"
cat >>"$SCRATCH/save.py" <<'PYTHON'
import json
x = torch.randn(5, 3)
print(json.dumps({"observations": x.tolist()}))
with open("y", "w") as f:
    f.write(str(model["head"](model["lstm"](x.unsqueeze(1))[0][-1, 0]).item()))
PYTHON
explain_predicts_as_pytorch() {
    (
        cd "$SCRATCH" && "$python" save.py >inputs.jsonl &&
            "$RUDDER" explain -m runs/torch.safetensors inputs.jsonl --method lrp --json >explained
    ) && sed 's/.*"prediction":\([^,]*\).*/\1/' "$SCRATCH/explained" | paste - "$SCRATCH/y" |
        awk '{ d = $1 - $2; exit NF != 2 || d > 1e-6 || -d > 1e-6 }'
}
python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import torch, numpy' 2>/dev/null && python=$candidate && break
done
if [ -n "$python" ]; then
    check "the Python saves what explain reads" explain_predicts_as_pytorch
else
    skip "the Python that saves a network" "there is no PyTorch"
fi

# Every sub-command with its options, each a line "COMMAND OPTION".
sed -n 's|.*build/rudder ||p' "$SCRATCH/commands" | awk '{
    print $1
    for (k = 2; k <= NF; k++) if ($k ~ /^-/) print $1, $k
}' | sort -u >"$SCRATCH/uses"
check "README shows the program" test "$(wc -l <"$SCRATCH/uses")" -gt 10

# A short option stands as "-o," or alone before its words, a long one with "=" or a blank behind.
offers() {
    "$RUDDER" "$1" --help | grep -qE -- "(^|[ ,])$2([,= ]|\$)"
}
while read -r command option; do
    if [ -z "$option" ]; then
        check "rudder $command" "$RUDDER" "$command" --help
    else
        check "rudder $command $option" offers "$command" "$option"
    fi
done <"$SCRATCH/uses"

"$RUDDER" help config >"$SCRATCH/keys"
for key in $(grep -oE -- "--set '?[a-z_.]+=" "$SCRATCH/commands" | sed "s/.*[ ']//; s/=//" | sort -u); do
    check "--set $key" grep -q "^$key: " "$SCRATCH/keys"
done
for target in $(grep -oE '^make [a-z]+' "$SCRATCH/commands" | sed 's/make //' | sort -u); do
    check "make $target" grep -q "^$target:" Makefile
done
for file in $(grep -oE '(configs|\.readme)/[a-z.-]+' README.md | sort -u) \
    $(grep -oE '\]\([^):]+\)' README.md | tr -d '])('); do
    check "$file is there" test -e "$file"
done
finish
