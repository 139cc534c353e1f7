#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shadow/graph/model.h"

namespace loam::graph {

/// The header as lines for a person, without any comment sign: window, revision, resolution, coverage, what was cut.
std::vector<std::string> headerLines(const Header& header);

/// "http1 12.5/s 0.4% 18ms TLSv1.3 mutual": what stands at an edge in a picture.
std::string edgeLabel(const Edge& edge, const Window& window);

/// At most three decimals, without trailing zeros: "0.3", "12".
std::string decimal(double value);

/// '<' as \u003c, so that no text inside can end a script element of a page that embeds it.
std::string safeInScript(std::string json);

/// Replaces each character of `from` by the text at its place in `to`.
std::string replaceEach(std::string_view text, std::string_view from, const std::vector<std::string_view>& to);

}  // namespace loam::graph
