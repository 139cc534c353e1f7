#pragma once

#include <filesystem>
#include <functional>

#include "proxy/base/result.h"
#include "rollout/cli/session.h"

namespace loam::cli {

/// Each declares one noun with its verbs under `app`; session.runs() says what each does. `session` outlives `app`.
void addGraphCommands(CLI::App& app, Session& session);
void addServiceCommands(CLI::App& app, Session& session);
void addEdgeCommands(CLI::App& app, Session& session);
void addNodeCommands(CLI::App& app, Session& session);
void addFlagCommands(CLI::App& app, Session& session);
void addPolicyCommands(CLI::App& app, Session& session);
void addChangeCommands(CLI::App& app, Session& session);
void addExplainCommand(CLI::App& app, Session& session);
void addReadinessCommand(CLI::App& app, Session& session);
void addImpactCommand(CLI::App& app, Session& session);
void addFreezeCommands(CLI::App& app, Session& session);
void addIdentityCommands(CLI::App& app, Session& session);
void addStateCommands(CLI::App& app, Session& session);
void addAuditCommands(CLI::App& app, Session& session);
/// Puts a backup in the place of a file that no controller has; gives where the old one is kept. The store's doing.
using Restore = std::function<Result<std::filesystem::path>(const std::filesystem::path& backup,
                                                            const std::filesystem::path& target)>;
void addBackupCommands(CLI::App& app, Session& session, Restore restore);
void addManCommand(CLI::App& app, Session& session);
void addAccessCommands(CLI::App& app, Session& session);
void addEventsCommand(CLI::App& app, Session& session);
void addWebhookCommands(CLI::App& app, Session& session);
void addProxyCommands(CLI::App& app, Session& session);
void addTopCommand(CLI::App& app, Session& session);
void addTapCommand(CLI::App& app, Session& session);
void addCaptureCommands(CLI::App& app, Session& session);
void addObserveCommand(CLI::App& app, Session& session);
void addDoctorCommand(CLI::App& app, Session& session);

}  // namespace loam::cli
