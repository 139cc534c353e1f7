#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "db/sqlite_ledger.h"
#include "tests/db/ledger_edits.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temporary_directory.h"

namespace loam::db {

using test::TemporaryDirectory;

/// A connection of another program's, beside the ledger's.
class ForeignConnection {
 public:
  explicit ForeignConnection(const std::filesystem::path& path) { sqlite3_open(path.c_str(), &handle_); }
  ~ForeignConnection() { sqlite3_close(handle_); }
  ForeignConnection(const ForeignConnection&) = delete;
  ForeignConnection& operator=(const ForeignConnection&) = delete;

  void run(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle_);
  }
  sqlite3* get() { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

inline std::unique_ptr<audit::Ledger> openControl(const std::filesystem::path& path, const Clock& clock,
                                                  const LedgerLimits& limits = {}) {
  auto ledger = openLedger(path, clock, limits);
  EXPECT_TRUE(ledger) << ledger.error().describe();
  return ledger ? *std::move(ledger) : nullptr;
}

/// Why it is not opened; "opened" when it is.
inline std::string refusal(const std::filesystem::path& path) {
  const test::FakeClock clock;
  const auto ledger = openLedger(path, clock);
  return ledger ? "opened" : ledger.error().describe();
}

/// Sets flag "a" to a number and expects that to work.
inline std::uint64_t commitNumber(audit::Ledger& ledger, int number, std::size_t padding = 0) {
  Json::Value body = audit::bodyOf("on", number);
  if (padding != 0) body["padding"] = std::string(padding, 'p');
  const std::vector<audit::Edit> edits{{"flag", "a", {}, body}};
  const auto done = ledger.commit(edits, audit::by("ada"));
  EXPECT_TRUE(done) << done.error().describe();
  return done ? done->revision : 0;
}

/// What flag "a" was set to; -1 when there is none.
inline int numberOf(const audit::Ledger& ledger) {
  const auto documents = ledger.documents();
  EXPECT_TRUE(documents) << documents.error().describe();
  return documents && !documents->empty() ? documents->front().body["share"].asInt() : -1;
}

inline std::string bytesOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void writeBytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace loam::db
