/* What the pages need, inside the program: each a text with a NUL behind its end. vega.js is made
 * by vega/bundle.sh and found in the build folder. */
    .section .rodata

.macro asset name, path
    .global rud_asset_\name
    .hidden rud_asset_\name
    .type rud_asset_\name, %object
rud_asset_\name:
    .incbin "\path"
    .byte 0
    .size rud_asset_\name, . - rud_asset_\name
.endm

    asset vega, "vega.js"
    asset page, "rudder/report/vega/page.html"
    asset report, "rudder/report/vega/report.html"
    asset explanation_page, "rudder/report/vega/explanation.html"
    asset config_light, "rudder/report/vega/config-light.json"
    asset config_dark, "rudder/report/vega/config-dark.json"
    asset episodes, "rudder/report/vega/episodes.json"
    asset episodes_by_delay, "rudder/report/vega/episodes-by-delay.json"
    asset learning_curves, "rudder/report/vega/learning-curves.json"
    asset predictor_quality, "rudder/report/vega/predictor-quality.json"
    asset predictor_loss, "rudder/report/vega/predictor-loss.json"
    asset example, "rudder/report/vega/example.json"
    asset explanation_bars, "rudder/report/vega/explanation-bars.json"
    asset explanation_heatmap, "rudder/report/vega/explanation-heatmap.json"
    asset episode_report, "rudder/report/vega/episode-report.html"
    asset episode_scatter, "rudder/report/vega/episode-scatter.json"
    asset episode_bands, "rudder/report/vega/episode-bands.json"
    asset episode_histogram, "rudder/report/vega/episode-histogram.json"
    asset judgement, "rudder/report/vega/judgement.html"
    asset judgement_dots, "rudder/report/vega/judgement-dots.json"
    asset judgement_curves, "rudder/report/vega/judgement-curves.json"

    .section .note.GNU-stack, "", %progbits
