#pragma once

#include <string_view>

#include "proxy/base/result.h"
#include "proxy/filter/connection_filter.h"
#include "proxy/filters/mtls.h"
#include "proxy/filters/source_share.h"

namespace loam::filters {

/// The ladder of `mtls`, from below.
enum class MtlsStage : std::uint8_t { Off, Observe, Permissive, Prefer, Strict };

/// Off for what is no stage.
MtlsStage mtlsStageOf(std::string_view name);

/// How far mutual TLS is on for one service, and for whom. Immutable, any thread.
class MtlsGate {
 public:
  MtlsGate() = default;
  MtlsGate(MtlsStage stage, SourceShare share, MtlsSettings settings)
      : stage_(stage), share_(std::move(share)), settings_(std::move(settings)) {}

  /// As a snapshot says it. InvalidArgument names what cannot be read of the settings.
  static Result<MtlsGate> make(std::string_view stage, SourceShare share, const Json::Value& settings);

  /// Its stage holds for every unit.
  bool isForAll() const { return share_.share >= SourceShare::kWhole && share_.exclude.empty(); }
  bool isOn() const { return stage_ != MtlsStage::Off; }
  /// Off for ports that the settings leave out.
  MtlsStage stage(std::uint16_t port) const;
  /// Of one caller, by its name (empty: nobody knows it) and address: its stage while it is in the share, the one below
  /// while it is not.
  MtlsStage stageOf(std::string_view caller, const IpAddress& client, std::uint16_t port) const;
  /// Whether an instance takes connections from other proxies: above permissive each does.
  bool accepts(const SocketAddress& instance) const;
  const MtlsSettings& settings() const { return settings_; }

 private:
  MtlsStage stage_ = MtlsStage::Off;
  SourceShare share_;
  MtlsSettings settings_;
};

/// At the callee's side: refuses plaintext of callers for whom the service is strict. What does not leave the host
/// passes, and all does once this proxy's certificate has run out where `at_expiry` says so.
class MtlsFilter final : public filter::ConnectionFilter {
 public:
  explicit MtlsFilter(MtlsGate gate) : gate_(std::move(gate)) {}

  std::optional<filter::Denial> admit(const filter::ConnectionView& view, filter::VerdictSink& verdicts,
                                      filter::Holds& holds) const override;

 private:
  MtlsGate gate_;
};

}  // namespace loam::filters
