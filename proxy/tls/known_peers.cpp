#include "proxy/tls/known_peers.h"

#include <algorithm>
#include <limits>

#include "proxy/tls/openssl.h"

namespace loam::tls {

namespace {

Certificate sharing(X509* certificate) {
  X509_up_ref(certificate);
  return Certificate::own(certificate);
}

/// One DER after the other, signatures included: which says where each of them ends. Empty when there is no memory.
std::string bytesOf(STACK_OF(X509) * sent) {
  std::string bytes;
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    X509* const one = sk_X509_value(sent, i);
    const int size = i2d_X509(one, nullptr);
    if (size <= 0) return {};
    const std::size_t before = bytes.size();
    bytes.resize(before + static_cast<std::size_t>(size));
    auto* into = reinterpret_cast<unsigned char*>(bytes.data() + before);
    if (i2d_X509(one, &into) != size) return {};
  }
  return bytes;
}

}  // namespace

X509* KnownPeers::recall(STACK_OF(X509) * sent, std::int64_t now) {
  if (known_.empty()) return nullptr;
  const auto found = known_.find(bytesOf(sent));
  if (found == known_.end() || now < found->second.from || now > found->second.until) return nullptr;
  X509* const leaf = found->second.leaf.get();
  while (sk_X509_num(sent) != 0) X509_free(sk_X509_pop(sent));
  X509_up_ref(leaf);
  sk_X509_push(sent, leaf);  // it had room for more
  return leaf;
}

void KnownPeers::remember(STACK_OF(X509) * sent, STACK_OF(X509) * verified) {
  std::string bytes = bytesOf(sent);
  if (bytes.empty()) return;
  Known known{sharing(sk_X509_value(sent, 0)), 0, std::numeric_limits<std::int64_t>::max()};
  for (int i = 0; i < sk_X509_num(verified); ++i) {
    const Certificate one = sharing(sk_X509_value(verified, i));
    known.from = std::max(known.from, one.notBefore());
    known.until = std::min(known.until, one.notAfter());
  }
  if (known_.size() >= kMost) known_.clear();
  known_.insert_or_assign(std::move(bytes), std::move(known));
}

}  // namespace loam::tls
