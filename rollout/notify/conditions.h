#pragma once

#include <json/value.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/result.h"
#include "rollout/notify/notice.h"

namespace loam::notify {

/// How it is with one thing at one look. The texts are for a state that holds.
struct Reading {
  Event event = Event::Test;
  std::string subject;
  bool holds = false;
  std::string summary{};
  std::string detail{};
};

/// What was told of states, so that each is told once when it begins and once when it is over. What nobody looks at any
/// more stays as it was told, and is forgotten after a while. One thread.
class Conditions {
 public:
  static constexpr std::int64_t kForgetAfter = 8LL * 86'400'000;  ///< milliseconds without a look at it
  static constexpr std::size_t kMostTold = 50'000;

  /// `newId` gives the ids of notices.
  explicit Conditions(std::function<std::string()> newId) : newId_(std::move(newId)) {}

  /// What is to be told now; `now` in unix milliseconds.
  std::vector<Notice> take(const std::vector<Reading>& readings, std::int64_t now);

  std::size_t told() const { return told_.size(); }
  /// All that was told and is not over: [{event, subject, since}].
  Json::Value toJson() const;
  /// Goes on from there. InvalidArgument for what is none.
  Status load(const Json::Value& told, std::int64_t now);

 private:
  struct Told {
    std::int64_t since = 0;   // unix milliseconds
    std::int64_t looked = 0;  // the same, of the last look
  };

  const std::function<std::string()> newId_;
  std::map<std::pair<Event, std::string>, Told> told_;
};

}  // namespace loam::notify
