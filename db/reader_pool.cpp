#include "db/reader_pool.h"

namespace loam::db {

Result<std::unique_ptr<Database>> ReaderPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  auto reader = Database::openReader(path_);
  if (reader && prepare_) LOAM_TRY((*reader)->attempt("preparing a reader", prepare_));
  return reader;
}

void ReaderPool::giveBack(std::unique_ptr<Database> reader) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(reader));
}

}  // namespace loam::db
