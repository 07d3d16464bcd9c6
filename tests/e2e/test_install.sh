#!/bin/sh
# What `make install` leaves is enough to build a program in C and in C++ and to run it.
. tests/e2e/common.sh

if [ "$BUILD" != build ]; then
    skip install "only the plain build is installed, not $BUILD"
    finish
fi

root=$SCRATCH/root
prefix=/opt/rudder
check "make install" make --no-print-directory install DESTDIR="$root" PREFIX=$prefix
export LD_LIBRARY_PATH="$root$prefix/lib"

# pkg-config as it answers about what is installed below $root.
pkg_config() {
    PKG_CONFIG_PATH=$root$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root pkg-config "$@" rudder
}

cat >"$SCRATCH/program.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <rudder.h>

int main(void)
{
    rud_rng rng = rud_rng_stream(1, "install", 0);
    rud_space space;
    if (rud_space_discrete(0, &space) != RUD_EINVAL || !strstr(rud_last_error(), "size 0")) return 1;
    printf("%.3f\n", rud_rng_uniform(&rng));
    return 0;
}
END
cp "$SCRATCH/program.c" "$SCRATCH/program.cc"

# build_and_run NAME COMPILER ARGUMENT...: the words of pkg-config's answer are meant to split.
build_and_run() {
    out=$SCRATCH/$1
    shift
    # shellcheck disable=SC2046
    "$@" $(pkg_config --cflags) $(pkg_config --libs) -o "$out" && "$out"
}

static_link() {
    # shellcheck disable=SC2046
    "${CC:-gcc}" "$SCRATCH/program.c" $(pkg_config --cflags) "$root$prefix/lib/librudder.a" \
        $(pkg-config --libs openblas yaml-0.1 json-c hdf5-serial zlib) -lm -pthread -o "$SCRATCH/static" &&
        "$SCRATCH/static"
}

soname_is() {
    LC_ALL=C objdump -p "$root$prefix/lib/librudder.so" | grep -q "SONAME *$1\$"
}

no_private_header() {
    [ -e "$root$prefix/include/rudder/envs/env.h" ] && [ -e "$root$prefix/include/rudder/base/status.h" ] &&
        [ -z "$(find "$root$prefix/include" -name '*_private.h' -o -name 'cli*')" ]
}

no_file_left() {
    make --no-print-directory uninstall DESTDIR="$root" PREFIX=$prefix &&
        [ -z "$(find "$root" -name '*rudder*' ! -type d)" ]
}

check "the program runs from where it is installed" "$root$prefix/bin/rudder" --help
check "the shared library's SONAME" soname_is librudder.so.0
check "private headers stay at home" no_private_header
check "a C program against the shared library" build_and_run c "${CC:-gcc}" -std=c11 -Wall -Wextra -Werror "$SCRATCH/program.c"
check "a C program against the static library" static_link
if command -v g++ >/dev/null; then
    check "a C++ program" build_and_run cc g++ -std=c++11 -Wall -Wextra -Werror "$SCRATCH/program.cc"
else
    skip "a C++ program" "g++ is not installed"
fi
check "make uninstall" no_file_left
finish
