#include "proxy/tls/socket_bio.h"

#include <span>

namespace loam::tls {

namespace {

Link& linkOf(BIO* bio) { return *static_cast<Link*>(BIO_get_data(bio)); }

int readSocket(BIO* bio, char* into, std::size_t size, std::size_t* moved) {
  Link& link = linkOf(bio);
  BIO_clear_retry_flags(bio);
  *moved = 0;
  if (!link.socket.mayRead()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  const auto count = link.socket.read({reinterpret_cast<std::uint8_t*>(into), size});
  if (!count) {
    link.failure = count.error();
    return 0;
  }
  if (*count == io::Socket::kWouldBlock) {
    BIO_set_retry_read(bio);
    return 0;
  }
  link.ended = *count == 0;
  *moved = *count;
  return *count > 0 ? 1 : 0;
}

int writeSocket(BIO* bio, const char* from, std::size_t size, std::size_t* moved) {
  Link& link = linkOf(bio);
  BIO_clear_retry_flags(bio);
  *moved = 0;
  std::size_t sent = 0;
  if (link.waiting.empty()) {
    const auto count = link.socket.write({reinterpret_cast<const std::uint8_t*>(from), size});
    if (!count) {
      link.failure = count.error();
      return 0;
    }
    if (*count != io::Socket::kWouldBlock) sent = *count;
  }
  // A record at most, and what a peer can make us answer without ever reading it.
  if (link.waiting.size() + size - sent > Link::kMostWaiting) {
    link.failure = Error{ErrorCode::Exhausted, "the peer does not read what it asks for", ErrorOrigin::Local, false};
    return 0;
  }
  link.waiting.append(from + sent, size - sent);
  *moved = size;
  return 1;
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return linkOf(bio).ended ? 1 : 0;
  return 0;
}

BIO_METHOD* makeMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loam socket");
  BIO_meth_set_read_ex(method, readSocket);
  BIO_meth_set_write_ex(method, writeSocket);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

BIO* makeSocketBio(Link& link) {
  static const BIO_METHOD* const kMethod = makeMethod();  // a table of functions, the same for all
  BIO* bio = BIO_new(kMethod);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &link);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace loam::tls
