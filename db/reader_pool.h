#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "db/database.h"

namespace loam::db {

/// Readers at rest, so that a query need not open the file. Any thread.
class ReaderPool {
 public:
  using Preparation = std::function<void(Poco::Data::Session&)>;

  /// `prepare` is run once on each new reader; it may throw POCO's exceptions.
  explicit ReaderPool(std::filesystem::path path, Preparation prepare = {})
      : path_(std::move(path)), prepare_(std::move(prepare)) {}

  Result<std::unique_ptr<Database>> take();
  /// One that failed is dropped instead.
  void giveBack(std::unique_ptr<Database> reader);

 private:
  static constexpr std::size_t kMostIdle = 2;

  const std::filesystem::path path_;
  const Preparation prepare_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;
};

}  // namespace loam::db
