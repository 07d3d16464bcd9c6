#!/bin/sh
# The house stands: includes point downwards only, the program uses the public interface only, and
# the library neither prints nor ends the process nor keeps hidden random state.
. tests/e2e/common.sh

# Each folder and the folders it may include besides itself.
may_include() {
    case $1 in
    base) ;; # nothing
    nn | episodes | envs) echo base ;;
    attribution) echo base nn episodes ;;
    redistribution) echo base nn episodes envs attribution ;;
    agents) echo base nn episodes envs attribution redistribution ;;
    agent_bridge) echo base nn episodes envs attribution redistribution ;;
    judge) echo base nn episodes envs attribution redistribution ;;
    config) echo base nn episodes envs attribution redistribution agents agent_bridge ;;
    experiment | training) echo base nn episodes envs attribution redistribution agents config ;;
    report) echo base episodes envs attribution redistribution config experiment training judge ;;
    *) return 1 ;;
    esac
}

# Prints the own headers ("...") that a folder's files include, one a line, without doubles.
includes_of() {
    cat "$@" | sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' | sort -u
}

only_downwards() {
    folder=$1
    allowed=" $folder $(may_include "$folder") " || {
        echo "no layer is known for this folder: add it to the table in $0"
        return 1
    }
    bad=0
    for header in $(includes_of "$2"/*.[ch]); do
        layer=${header%/*}
        case $allowed in
        *" ${layer} "*) ;;
        *) echo "$2 includes \"$header\"" && bad=1 ;;
        esac
        case $header in
        "$folder"/*) ;;
        *_private.h) echo "$2 includes the private header \"$header\"" && bad=1 ;;
        esac
    done
    return "$bad"
}

public_interface_only() {
    bad=0
    for header in $(includes_of rudder/cli/*.[ch]); do
        case $header in
        rudder.h | cli/*) ;;
        *) echo "rudder/cli includes \"$header\"" && bad=1 ;;
        esac
    done
    return "$bad"
}

# The library's objects refer to none of these functions and streams of the C library.
no_forbidden_symbols() {
    forbidden='exit|_exit|_Exit|quick_exit|abort|(__)?printf(_chk)?|(__)?vprintf(_chk)?|puts|putchar|perror|stdout|stderr|rand|srand|random|srandom|drand48'
    nm -A -u "$BUILD/librudder.a" >"$SCRATCH/symbols" || return 1
    ! sed 's/@.*//' "$SCRATCH/symbols" | grep -E " U ($forbidden)\$"
}

# Every public header compiles alone, as C and as C++ would see it after nothing else.
headers_stand_alone() {
    bad=0
    for header in rudder/*.h rudder/*/*.h envs/*.h agent_bridge/*.h; do
        [ -e "$header" ] || continue
        # shellcheck disable=SC2046  # the flags are meant to split
        echo "#include \"$header\"" |
            ${CC:-gcc} $(pkg-config --cflags hdf5-serial) -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Werror -Irudder -I. -fsyntax-only -x c - || bad=1
    done
    return "$bad"
}

for path in envs agent_bridge $(ls -d rudder/*/); do
    path=${path%/}
    folder=${path##*/}
    if [ "$folder" = cli ]; then
        check "cli uses the public interface only" public_interface_only
    else
        check "$folder includes downwards only" only_downwards "$folder" "$path"
    fi
done
check "the library does not print, exit or use rand" no_forbidden_symbols
check "every header compiles alone" headers_stand_alone
finish
