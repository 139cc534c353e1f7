#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "proxy/guard/facts.h"

namespace loam::cli {

/// Who talks to whom by the kernel's socket table alone: looks added one after the other, a connection counted once.
class PassiveLook {
 public:
  void add(const std::vector<guard::SocketFact>& sockets);
  /// Objects with source, target, port, connections (seen), captured=false; sorted by source, target, port.
  Json::Value edges() const;

 private:
  /// A port that something listens on is what the socket serves; any other is the near end of a call.
  using Edge = std::tuple<std::string, std::string, std::uint16_t>;

  std::map<Edge, std::set<std::string>> connections_;
};

}  // namespace loam::cli
