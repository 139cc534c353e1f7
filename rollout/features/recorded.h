#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/filter/connection_view.h"
#include "proxy/filters/match.h"
#include "shadow/record/calls.h"

/// How the features' impacts read the record.
namespace loam::features {

/// Whether something fits, as far as the record tells.
enum class Fits : std::uint8_t { No, Maybe, Yes };

/// What a connection filter was shown of the call, or would have been. Views live as long as the call.
filter::ConnectionView viewOf(const record::Call& call);
/// The last address of the network that a call of unknown peers stands for; its client's where it is one.
IpAddress lastOf(const record::Call& call);

/// Exchanges of one route of a usage. Of those of which no route is known method and path are empty.
struct RecordedRoute {
  std::string_view method;
  std::string_view path;  ///< with placeholders: "/users/{id}"
  wire::Counts counts;    ///< requests, errors and latency only
};
/// Views live as long as the usage. The parts add up to its exchanges.
std::vector<RecordedRoute> routesOf(const record::Usage& usage);

/// Whether exchanges of this protocol are such as `serve` terminates; others are relayed whatever is switched on.
bool isServed(std::string_view protocol);

/// What a connection tells of the match: sources and ports.
Fits fitsCall(const filters::Match& match, const record::Call& call);
/// All of the match. Methods are told by the route, paths as far as its placeholders let, what else is in a request not
/// at all.
Fits fitsRoute(const filters::Match& match, const record::Call& call, const RecordedRoute& route);

/// What of the match the record cannot judge in full, in words: "it keeps no headers, and of paths only their form";
/// empty: nothing.
std::string untold(const filters::Match& match);

}  // namespace loam::features
