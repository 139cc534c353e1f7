#pragma once

#include <json/value.h>

#include <cstdint>
#include <string>

#include "proxy/base/result.h"
#include "proxy/http/message.h"

namespace loam::api {

/// One page of a list, as every list of the API has them: `most` items after `after`, an opaque cursor; while there are
/// more, the answer's `next` and its Link header say where the next page begins. Items may come and go meanwhile: none
/// that stays is missed or shown twice.
class Pager {
 public:
  static constexpr std::size_t kMost = 10'000;

  /// Reads the two parameters; InvalidArgument for what is no number or no cursor of ours. `request` outlives the
  /// pager.
  static Result<Pager> of(const http::Request& request, std::size_t otherwise = 1000);

  std::size_t most() const { return most_; }
  /// The key that the page begins after; empty: from the start.
  const std::string& after() const { return after_; }
  /// Whether the item with this key is on the page. Ask for each item, in the order of the keys, until isFull().
  bool takes(const std::string& key);
  /// There is an item more than the page holds.
  bool isFull() const { return more_; }
  /// 200 with `body` and where the next page begins.
  http::Response finish(Json::Value body) const;

 private:
  explicit Pager(const http::Request& request) : request_(&request) {}

  const http::Request* request_;
  std::size_t most_ = 0;
  std::string after_;
  std::size_t taken_ = 0;
  std::string last_;
  bool more_ = false;
};

/// A key whose order as text is that of the numbers.
std::string orderedKey(std::uint64_t number);

}  // namespace loam::api
