#include "proxy/serve/output.h"

namespace loam::serve {

Status Output::write(std::string_view text) {
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  total_ += text.size();
  std::size_t taken = 0;
  if (waiting_.empty()) {
    const auto written = leg_.write(bytes);
    if (!written) return fail(written.error());
    if (*written != io::Socket::kWouldBlock) taken = *written;
  }
  waiting_.insert(waiting_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
  return {};
}

Result<bool> Output::flush() {
  while (from_ < waiting_.size()) {
    const auto written = leg_.write(std::span(waiting_).subspan(from_));
    if (!written) return fail(written.error());
    if (*written == io::Socket::kWouldBlock) return false;
    from_ += *written;
  }
  waiting_ = {};  // an idle connection holds no buffer
  from_ = 0;
  return leg_.flush();
}

}  // namespace loam::serve
