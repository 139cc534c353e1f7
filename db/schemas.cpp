#include "db/schemas.h"

#include "db/embedded_migrations.h"

namespace loam::db {

namespace {
constexpr std::int32_t kGraphApplication = 0x4C6F4772;    // "LoGr"
constexpr std::int32_t kControlApplication = 0x4C6F4374;  // "LoCt"
constexpr std::int32_t kSpoolApplication = 0x4C6F5370;    // "LoSp"
}  // namespace

Schema graphSchema() { return {kGraphApplication, "graph record", kGraphMigrations}; }
Schema controlSchema() { return {kControlApplication, "control ledger", kControlMigrations, true}; }
Schema spoolSchema() { return {kSpoolApplication, "report spool", kSpoolMigrations}; }

}  // namespace loam::db
