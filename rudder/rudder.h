/* librudder: reward redistribution for reinforcement learning with delayed rewards.
 *
 * This header includes every public one; each module's header says what it does. A header that it
 * does not reach is the library's own, and one named _private its folder's own. Every function that
 * can fail returns a rud_status and leaves its message in rud_last_error(). */
#ifndef RUD_RUDDER_H
#define RUD_RUDDER_H

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/messagepack.h"
#include "base/names.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/space.h"
#include "base/statistics.h"
#include "base/status.h"
#include "base/stop.h"

#include "nn/adam.h"
#include "nn/cell.h"
#include "nn/foreign.h"
#include "nn/network.h"
#include "nn/network_file.h"
#include "nn/safetensors.h"

#include "envs/env.h"
#include "episodes/batch.h"
#include "episodes/dataset.h"
#include "episodes/episode.h"
#include "episodes/features.h"
#include "episodes/journal.h"

#include "attribution/attribution.h"
#include "attribution/metrics.h"

#include "redistribution/explain_dataset.h"
#include "redistribution/explainer.h"
#include "redistribution/lesson_buffer.h"
#include "redistribution/observation_mean.h"
#include "redistribution/predictor.h"
#include "redistribution/quality.h"
#include "redistribution/redistribute_dataset.h"
#include "redistribution/redistribution.h"
#include "redistribution/redistributor.h"

#include "agent_bridge/client.h"
#include "agent_bridge/keys.h"
#include "agent_bridge/server.h"

#include "agents/agent.h"
#include "agents/rollout.h"

#include "config/config.h"

#include "experiment/experiment.h"
#include "experiment/results.h"

#include "judge/judge.h"

#include "training/offline_training.h"
#include "training/split.h"
#include "training/training.h"

#include "report/episode_report.h"
#include "report/explanation_page.h"
#include "report/judgement_page.h"
#include "report/report.h"

#endif
