#include "db/cell_functions.h"

#include <Poco/Data/SQLite/Utility.h>
#include <sqlite3.h>

#include <memory>
#include <new>
#include <unordered_map>
#include <vector>

#include "shadow/record/cell.h"

namespace loam::db {

namespace {

using record::Bytes;
using record::ByteView;
using record::RouteCell;

ByteView blobOf(sqlite3_value* value) {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_value_blob(value));
  return {bytes, bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void answer(sqlite3_context* context, const Bytes& bytes) {
  sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

/// The two kinds of cell, seen alike by the functions below.
struct CountsSum {
  wire::Counts counts;
  void add(ByteView cell) { record::addCounts(cell, counts); }
  Bytes bytes() const { return record::encodeCounts(counts); }
};

struct RoutesSum {
  std::vector<RouteCell> routes;
  void add(ByteView cell) { record::addRoutes(cell, routes); }
  Bytes bytes() const { return record::encodeRoutes(routes); }
};

/// The sums of a scan by flow.
class Collection {
 public:
  void add(sqlite3_int64 flow, ByteView counts, ByteView routes) {
    auto& [countsSum, routesSum] = flows_[flow];
    countsSum.add(counts);
    if (!routes.empty()) routesSum.add(routes);
  }
  Bytes bytes() const {
    Bytes out;
    for (const auto& [flow, sums] : flows_) {
      record::putNumber(out, static_cast<std::uint64_t>(flow));
      record::putBytes(out, sums.first.bytes());
      record::putBytes(out, sums.second.bytes());
    }
    return out;
  }

 private:
  std::unordered_map<sqlite3_int64, std::pair<CountsSum, RoutesSum>> flows_;
};

/// SQLite keeps one zeroed pointer an aggregate; the object behind it is ours until its final call.
template <class Sum>
Sum* sumOf(sqlite3_context* context) {
  auto** slot = static_cast<Sum**>(sqlite3_aggregate_context(context, sizeof(Sum*)));
  if (slot == nullptr) return nullptr;
  if (*slot == nullptr) *slot = new (std::nothrow) Sum;
  return *slot;
}

template <class Sum>
void finish(sqlite3_context* context) {
  auto** slot = static_cast<Sum**>(sqlite3_aggregate_context(context, 0));
  if (slot == nullptr || *slot == nullptr) {
    answer(context, Sum().bytes());
    return;
  }
  const std::unique_ptr<Sum> sum(*slot);
  *slot = nullptr;
  answer(context, sum->bytes());
}

template <class Sum>
void addTwo(sqlite3_context* context, int, sqlite3_value** values) {
  Sum sum;
  sum.add(blobOf(values[0]));
  sum.add(blobOf(values[1]));
  answer(context, sum.bytes());
}

template <class Sum>
void addStep(sqlite3_context* context, int, sqlite3_value** values) {
  if (Sum* const sum = sumOf<Sum>(context)) sum->add(blobOf(values[0]));
}

void collectStep(sqlite3_context* context, int count, sqlite3_value** values) {
  Collection* const collection = sumOf<Collection>(context);
  if (collection == nullptr) return;
  collection->add(sqlite3_value_int64(values[0]), blobOf(values[1]), count > 2 ? blobOf(values[2]) : ByteView());
}

}  // namespace

void defineCellFunctions(Poco::Data::Session& session) {
  sqlite3* const handle = Poco::Data::SQLite::Utility::dbHandle(session);
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  const auto scalar = [&](const char* name, auto* function) {
    return sqlite3_create_function_v2(handle, name, 2, kFlags, nullptr, function, nullptr, nullptr, nullptr);
  };
  const auto aggregate = [&](const char* name, int arguments, auto* step, auto* final) {
    return sqlite3_create_function_v2(handle, name, arguments, kFlags, nullptr, nullptr, step, final, nullptr);
  };
  for (const int code : {scalar("add_counts", &addTwo<CountsSum>), scalar("add_routes", &addTwo<RoutesSum>),
                         aggregate("sum_counts", 1, &addStep<CountsSum>, &finish<CountsSum>),
                         aggregate("sum_routes", 1, &addStep<RoutesSum>, &finish<RoutesSum>),
                         aggregate("collect", 2, &collectStep, &finish<Collection>),
                         aggregate("collect", 3, &collectStep, &finish<Collection>)}) {
    if (code != SQLITE_OK) Poco::Data::SQLite::Utility::throwException(handle, code);
  }
}

}  // namespace loam::db
