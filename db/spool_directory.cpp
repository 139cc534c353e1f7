#include "db/spool_directory.h"

#include <string>

namespace loam::db {

namespace {

std::filesystem::path spoolPath(const std::filesystem::path& directory, int index) {
  return directory / (index == 0 ? "spool.db" : "spool-" + std::to_string(index) + ".db");
}

/// Moves what an orphaned spool holds to the end of `into`; a report that fails to move stays where it is.
Status adopt(const std::filesystem::path& path, const SpoolLimits& limits, report::Spool& into) {
  auto orphan = openSpool(path, limits);
  if (!orphan) return fail(std::move(orphan).error());
  for (;;) {
    auto report = (*orphan)->front();
    if (!report) return fail(std::move(report).error());
    if (!*report) break;
    LOAM_TRY(into.push(**report));
    LOAM_TRY((*orphan)->pop());
  }
  orphan->reset();
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix, ignored);
  return {};
}

/// The spool of its own at `path`, which takes the others of the directory in.
class DirectorySpool final : public report::Spool {
 public:
  DirectorySpool(std::unique_ptr<report::Spool> own, std::filesystem::path directory, int index, SpoolLimits limits)
      : own_(std::move(own)), directory_(std::move(directory)), index_(index), limits_(limits) {}

  Status push(std::string_view report) override { return own_->push(report); }
  Result<std::optional<std::string>> front() override { return own_->front(); }
  Status pop() override { return own_->pop(); }
  Status adopt() override {
    for (int index = 0; index < kMostSpools; ++index) {
      const std::filesystem::path other = spoolPath(directory_, index);
      std::error_code failed;
      if (index == index_ || !std::filesystem::exists(other, failed)) continue;
      const Status adopted = db::adopt(other, limits_, *own_);
      if (!adopted && adopted.error().code != ErrorCode::Conflict) return adopted;
    }
    return {};
  }
  std::size_t size() const override { return own_->size(); }
  std::uint64_t bytes() const override { return own_->bytes(); }
  std::uint64_t dropped() const override { return own_->dropped(); }

 private:
  const std::unique_ptr<report::Spool> own_;
  const std::filesystem::path directory_;
  const int index_;
  const SpoolLimits limits_;
};

}  // namespace

Result<std::unique_ptr<report::Spool>> openFreeSpool(const std::filesystem::path& directory, const SpoolLimits& limits,
                                                     bool* movedAside) {
  int chosen = 0;
  auto own = openSpool(spoolPath(directory, chosen), limits, movedAside);
  while (!own && own.error().code == ErrorCode::Conflict && ++chosen < kMostSpools) {
    own = openSpool(spoolPath(directory, chosen), limits, movedAside);
  }
  if (!own) return own;
  auto spool = std::make_unique<DirectorySpool>(*std::move(own), directory, chosen, limits);
  LOAM_TRY(spool->adopt());
  return spool;
}

}  // namespace loam::db
