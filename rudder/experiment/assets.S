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
    asset page, "rudder/experiment/vega/page.html"
    asset report, "rudder/experiment/vega/report.html"
    asset explanation_page, "rudder/experiment/vega/explanation.html"
    asset config_light, "rudder/experiment/vega/config-light.json"
    asset config_dark, "rudder/experiment/vega/config-dark.json"
    asset episodes, "rudder/experiment/vega/episodes.json"
    asset episodes_by_delay, "rudder/experiment/vega/episodes-by-delay.json"
    asset learning_curves, "rudder/experiment/vega/learning-curves.json"
    asset predictor_quality, "rudder/experiment/vega/predictor-quality.json"
    asset predictor_loss, "rudder/experiment/vega/predictor-loss.json"
    asset example, "rudder/experiment/vega/example.json"
    asset explanation_bars, "rudder/experiment/vega/explanation-bars.json"
    asset explanation_heatmap, "rudder/experiment/vega/explanation-heatmap.json"
    asset episode_report, "rudder/experiment/vega/episode-report.html"
    asset episode_scatter, "rudder/experiment/vega/episode-scatter.json"
    asset episode_bands, "rudder/experiment/vega/episode-bands.json"
    asset episode_histogram, "rudder/experiment/vega/episode-histogram.json"
    asset judgement, "rudder/experiment/vega/judgement.html"
    asset judgement_dots, "rudder/experiment/vega/judgement-dots.json"
    asset judgement_curves, "rudder/experiment/vega/judgement-curves.json"

    .section .note.GNU-stack, "", %progbits
