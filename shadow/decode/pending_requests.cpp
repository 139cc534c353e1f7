#include "shadow/decode/pending_requests.h"

namespace loam::decode {

namespace {
constexpr std::size_t kKeptText = 512;
constexpr std::size_t kKeptRequests = 8;
}  // namespace

bool PendingRequests::push(PendingRequest request, std::string_view method, std::string_view path) {
  method = method.substr(0, kLongestMethod);
  path = path.substr(0, kLongestPath);
  if (size() == kMost || text_.size() - textFirst_ + method.size() + path.size() > kMostText) return false;
  // What was answered goes once it is half of the whole, so that a pipeline that never runs dry stays bounded and
  // linear.
  if (first_ > kKeptRequests && first_ * 2 >= requests_.size()) {
    requests_.erase(requests_.begin(), requests_.begin() + first_);
    text_.erase(0, textFirst_);
    first_ = textFirst_ = 0;
  }
  request.methodSize = static_cast<std::uint16_t>(method.size());
  request.textSize = static_cast<std::uint32_t>(method.size() + path.size());
  requests_.push_back(request);
  text_.append(method).append(path);
  return true;
}

std::string_view PendingRequests::frontMethod() const {
  return std::string_view(text_).substr(textFirst_, requests_[first_].methodSize);
}

std::string_view PendingRequests::frontPath() const {
  const PendingRequest& front = requests_[first_];
  return std::string_view(text_).substr(textFirst_ + front.methodSize, front.textSize - front.methodSize);
}

void PendingRequests::pop() {
  textFirst_ += requests_[first_].textSize;
  ++first_;
  if (empty()) clear();
}

void PendingRequests::clear() {
  first_ = textFirst_ = 0;
  requests_.clear();
  text_.clear();
  if (requests_.capacity() > kKeptRequests) requests_.shrink_to_fit();
  if (text_.capacity() > kKeptText) text_.shrink_to_fit();
}

}  // namespace loam::decode
