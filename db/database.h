#pragma once

#include <Poco/Data/Session.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"

namespace loam::db {

/// One step of a schema: run once, in one transaction, in the order of its number.
struct Migration {
  int version = 0;
  const char* name = "";
  const char* sql = "";
};

/// What kind of file is expected: whose it is and how it came to its schema.
struct Schema {
  std::int32_t application = 0;  ///< SQLite's application_id: another program's file is refused
  std::string_view what;         ///< "graph record", for people
  std::span<const Migration> migrations;
  /// What is lost with the file is lost for good: a commit is on the disk when it returns (synchronous=FULL), and a
  /// copy of the file, PATH.schema-N, is kept before it is migrated from schema N.
  bool precious = false;
};

/// Keeps a second process off the file: holds PATH.lock until it is closed. Conflict when one has it.
Result<Descriptor> lockFile(const std::filesystem::path& path);

/// One SQLite file through POCO Data, by the rules of DESIGN section 5: one connection writes and checkpoints, readers
/// are query-only and never checkpoint, no mmap. POCO's exceptions end in attempt() and transaction(). One thread at a
/// time.
class Database {
 public:
  /// Locks PATH.lock against a second process, checks whose file it is and whether it is whole, then migrates it.
  static Result<std::unique_ptr<Database>> openWriter(const std::filesystem::path& path, const Schema& schema);
  static Result<std::unique_ptr<Database>> openReader(const std::filesystem::path& path);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Poco::Data::Session& session() { return session_; }
  const std::filesystem::path& path() const { return path_; }

  /// Runs `body`; what it throws becomes an Error with `what` and the file's name in front.
  template <class Body>
  Status attempt(std::string_view what, Body&& body) {
    try {
      body(session_);
      return {};
    } catch (...) {
      return fail(translate(what, std::current_exception()));
    }
  }

  /// The same inside BEGIN IMMEDIATE and COMMIT; rolled back when anything fails, the COMMIT included.
  template <class Body>
  Status transaction(std::string_view what, Body&& body) {
    return transactionOf(what, [&body](Poco::Data::Session& session) { body(session); });
  }

  /// Several statements at once, without parameters.
  Status script(std::string_view what, const std::string& sql);

  /// A consistent copy into `file`, which must not exist (Conflict): as it was at one moment, mode 0600. It has its
  /// name when it is whole and on the disk.
  Status copyTo(const std::filesystem::path& file);

 private:
  Database(std::filesystem::path path, Descriptor lock, Poco::Data::Session session);

  Status checkWriter(const Schema& schema);
  Status prepareWriter(const Schema& schema);
  Status migrate(const Schema& schema);
  Status transactionOf(std::string_view what, const std::function<void(Poco::Data::Session&)>& body);
  Error translate(std::string_view what, std::exception_ptr thrown) const;

  std::filesystem::path path_;
  Descriptor lock_;
  Poco::Data::Session session_;
};

}  // namespace loam::db
