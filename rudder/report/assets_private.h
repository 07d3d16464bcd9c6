/* Files embedded by assets.S: texts that end with a NUL. Private to this folder. */
#ifndef RUD_REPORT_ASSETS_PRIVATE_H
#define RUD_REPORT_ASSETS_PRIVATE_H

extern const char rud_asset_vega[]; /* the charting script */
extern const char rud_asset_page[]; /* the frame of every page, with {{places}} to be filled */

/* What stands in the frame, with {{places}} too. */
extern const char rud_asset_report[];
extern const char rud_asset_explanation_page[];
extern const char rud_asset_judgement[];
extern const char rud_asset_episode_report[];

/* Vega's configurations: colours of light and of dark mode. */
extern const char rud_asset_config_light[];
extern const char rud_asset_config_dark[];

/* Chart specifications, their data sets empty. */
extern const char rud_asset_episodes[];
extern const char rud_asset_episodes_by_delay[];
extern const char rud_asset_learning_curves[];
extern const char rud_asset_predictor_quality[];
extern const char rud_asset_predictor_loss[];
extern const char rud_asset_example[];
extern const char rud_asset_explanation_bars[];
extern const char rud_asset_explanation_heatmap[];
extern const char rud_asset_episode_scatter[];
extern const char rud_asset_episode_bands[];
extern const char rud_asset_episode_histogram[];
extern const char rud_asset_judgement_dots[];
extern const char rud_asset_judgement_curves[];

#endif
