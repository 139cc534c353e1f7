#pragma once

#include "rollout/cli/session.h"

namespace loam::cli {

/// Each declares one noun with its verbs under `app`; session.runs() says what each does. `session` outlives `app`.
void addGraphCommands(CLI::App& app, Session& session);
void addServiceCommands(CLI::App& app, Session& session);
void addEdgeCommands(CLI::App& app, Session& session);
void addNodeCommands(CLI::App& app, Session& session);
void addFlagCommands(CLI::App& app, Session& session);
void addChangeCommands(CLI::App& app, Session& session);
void addFreezeCommands(CLI::App& app, Session& session);
void addAuditCommands(CLI::App& app, Session& session);
void addAccessCommands(CLI::App& app, Session& session);
void addEventsCommand(CLI::App& app, Session& session);
void addProxyCommands(CLI::App& app, Session& session);
void addTopCommand(CLI::App& app, Session& session);
void addTapCommand(CLI::App& app, Session& session);
void addCaptureCommands(CLI::App& app, Session& session);
void addObserveCommand(CLI::App& app, Session& session);
void addDoctorCommand(CLI::App& app, Session& session);

}  // namespace loam::cli
