#include "shadow/graph/text.h"

#include "proxy/base/utf8.h"

namespace loam::graph {

bool isPrintableUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = takeCharacter(text);
    if (!character || movesText(*character)) return false;
  }
  return true;
}

}  // namespace loam::graph
