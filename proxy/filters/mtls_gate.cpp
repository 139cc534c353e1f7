#include "proxy/filters/mtls_gate.h"

#include <algorithm>

#include "proxy/filters/settings.h"

namespace loam::filters {

namespace {

constexpr MtlsStage below(MtlsStage stage) {
  return stage == MtlsStage::Off ? MtlsStage::Off : static_cast<MtlsStage>(static_cast<int>(stage) - 1);
}

}  // namespace

MtlsStage mtlsStageOf(std::string_view name) {
  if (name == "observe") return MtlsStage::Observe;
  if (name == "permissive") return MtlsStage::Permissive;
  if (name == "prefer") return MtlsStage::Prefer;
  return name == "strict" ? MtlsStage::Strict : MtlsStage::Off;
}

Result<MtlsGate> MtlsGate::make(std::string_view stage, SourceShare share, const Json::Value& settings) {
  std::vector<FieldProblem> problems;
  auto read = filters::read<MtlsSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  return MtlsGate(mtlsStageOf(stage), std::move(share), std::move(read));
}

MtlsStage MtlsGate::stage(std::uint16_t port) const {
  const auto& ports = settings_.ports;
  return ports.empty() || std::find(ports.begin(), ports.end(), port) != ports.end() ? stage_ : MtlsStage::Off;
}

MtlsStage MtlsGate::stageOf(std::string_view caller, const IpAddress& client, std::uint16_t port) const {
  const MtlsStage stage = this->stage(port);
  return stage < MtlsStage::Prefer || share_.has(caller, client) ? stage : below(stage);
}

bool MtlsGate::accepts(const SocketAddress& instance) const {
  const MtlsStage stage = this->stage(instance.port);
  return stage > MtlsStage::Permissive || (stage == MtlsStage::Permissive && share_.has(instance.text(), instance.ip));
}

std::optional<filter::Denial> MtlsFilter::admit(const filter::ConnectionView& view, filter::VerdictSink& verdicts,
                                                filter::Holds&) const {
  if (!view.identity.empty() || view.isLocal || view.vantage == relay::Vantage::Outbound) return std::nullopt;
  if (view.hasExpired && gate_.settings().atExpiry == MtlsSettings::AtExpiry::Plaintext) return std::nullopt;
  if (gate_.stageOf(view.caller, view.client.ip, view.destination.port) != MtlsStage::Strict) return std::nullopt;
  verdicts.onDenied(view, {"mtls", "plaintext", true});
  return filter::Denial{"mtls", "plaintext"};
}

}  // namespace loam::filters
