#include "proxy/filters/caps_filter.h"

#include <algorithm>
#include <utility>

#include "proxy/filters/settings.h"

namespace loam::filters {

namespace {

constexpr std::string_view kTotal = "total";
constexpr std::string_view kPerSource = "per_source";
constexpr std::string_view kOpens = "opens";

SourceBounds boundsOf(const ConnectionCaps& caps) {
  SourceBounds bounds{.open = caps.perSource};
  if (!caps.opens) return bounds;
  bounds.apart = nanoseconds(caps.opens->per) / caps.opens->count;
  bounds.ahead = bounds.apart * (caps.burst.value_or(caps.opens->count) - 1);
  return bounds;
}

/// One more, unless there are `most`.
bool takeOne(std::atomic<std::uint32_t>& open, std::optional<std::uint32_t> most) {
  std::uint32_t now = open.load();
  do {
    if (most && now >= *most) return false;
  } while (!open.compare_exchange_weak(now, now + 1));
  return true;
}

}  // namespace

/// Of an open connection, among those of its service and of its source.
class CapsFilter::Place final : public filter::Hold {
 public:
  explicit Place(std::shared_ptr<ConnectionCounts> counts) : counts_(std::move(counts)) {}
  ~Place() override {
    if (source) counts_->sources.release(*source);
    counts_->open.fetch_sub(1);
  }
  bool isOf(const void* owner) const override { return owner == counts_.get(); }
  std::optional<SourceTable::Place> source;

 private:
  const std::shared_ptr<ConnectionCounts> counts_;
};

Result<std::unique_ptr<const CapsFilter>> CapsFilter::make(std::string_view stage, SourceShare enforced,
                                                           const Json::Value& settings,
                                                           std::shared_ptr<ConnectionCounts> counts) {
  std::vector<FieldProblem> problems;
  const auto read = filters::read<RateLimitSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  if (!read.connections) return nullptr;
  const Stage as = stage == "enforce" ? Stage::Enforce : Stage::Simulate;
  return std::make_unique<const CapsFilter>(*read.connections, as, std::move(enforced), std::move(counts));
}

CapsFilter::CapsFilter(const ConnectionCaps& caps, Stage stage, SourceShare enforced,
                       std::shared_ptr<ConnectionCounts> counts)
    : caps_(caps), bounds_(boundsOf(caps)), stage_(stage), enforced_(std::move(enforced)), counts_(std::move(counts)) {}

std::string_view CapsFilter::take(const filter::ConnectionView& view, const ConnectionCaps& caps,
                                  const SourceBounds& bounds, filter::Holds& holds) const {
  if (!takeOne(counts_->open, caps.total)) return kTotal;
  auto place = std::make_unique<Place>(counts_);
  SourceTable::Place source = 0;
  switch (counts_->sources.take(view.client.ip, bounds, view.at, source)) {
    case SourceTable::Answer::TooMany:
      return kPerSource;
    case SourceTable::Answer::TooFast:
      return kOpens;
    case SourceTable::Answer::NoPlace:
      counts_->others.fetch_add(1);
      break;
    case SourceTable::Answer::Taken:
      place->source = source;
      break;
  }
  holds.push_back(std::move(place));
  return {};
}

std::optional<filter::Denial> CapsFilter::admit(const filter::ConnectionView& view, filter::VerdictSink& verdicts,
                                                filter::Holds& holds) const {
  const std::string_view cap = take(view, caps_, bounds_, holds);
  if (cap.empty()) return std::nullopt;
  const bool denies = stage_ == Stage::Enforce && enforced_.has(view.caller, view.client.ip);
  verdicts.onDenied(view, {.feature = kRateLimitFeature, .rule = cap, .enforced = denies});
  if (!denies) return std::nullopt;
  return filter::Denial{std::string(kRateLimitFeature), std::string(cap)};
}

void CapsFilter::adopt(const filter::ConnectionView& view, filter::Holds& holds) const {
  const bool isCounted =
      std::any_of(holds.begin(), holds.end(), [this](const auto& hold) { return hold->isOf(counts_.get()); });
  if (!isCounted) take(view, {}, {}, holds);
}

}  // namespace loam::filters
