#!/bin/sh
# bundle.sh OUTPUT: one script of Vega from the modules of Debian's libjs-vega.
#
# The modules are UMD: without `exports` each would reset the global `vega`. So each runs in a
# function that gives it its own `exports`, and a `require` over those already run.
set -eu

output=${1:?usage: bundle.sh OUTPUT}
here=$(dirname "$0")
vega=${VEGA_DIR:-/usr/share/javascript/vega}

# every module stands behind those it requires
modules='util canvas time format loader dataflow scale scenegraph statistics expression selection
functions runtime view event-selector parser view-transforms transforms encode'

if [ ! -r "$vega/vega-util.min.js" ]; then
    echo "bundle.sh: $vega/vega-util.min.js is missing: install the package libjs-vega" >&2
    exit 1
fi

{
    printf '/*\n'
    cat "$here/LICENSE.vega"
    printf '*/\nvar vega = (function () {\n'
    printf 'const loaded = {};\n'
    printf 'const require = name => loaded[name];\n'
    for module in $modules; do
        # other modules know this one by its longer name
        case $module in
        selection) name="vega-selections" ;;
        *) name=vega-$module ;;
        esac
        printf '(function (exports, module) {\n'
        grep -v '^//# sourceMappingURL=' "$vega/vega-$module.min.js"
        printf '\n})(loaded["%s"] = {}, {});\n' "$name"
    done
    # what a specification may name under "transform"
    for module in view-transforms transforms encode; do
        printf 'Object.assign(loaded["vega-dataflow"].transforms, loaded["vega-%s"]);\n' "$module"
    done
    printf 'return Object.assign({}, loaded["vega-parser"], loaded["vega-view"]);\n})();\n'
} >"$output.tmp"
mv "$output.tmp" "$output"
