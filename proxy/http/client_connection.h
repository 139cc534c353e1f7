#pragma once

#include <functional>
#include <memory>

#include "proxy/http/http1_input.h"
#include "proxy/http/message.h"
#include "proxy/http/target.h"

namespace loam::http {

constexpr std::size_t kMostAnswerBytes = 256 * 1024 * 1024;

/// A connection to a control-side server that is kept: many requests, one after the other, each with its own deadline
/// (a long poll's is as far off as it likes). The loop's thread.
class ClientConnection {
 public:
  /// Connects, and secures the connection where `wrap` is given. Errors: Refused, NotFound and Unreachable when nobody
  /// serves there, Timeout at `deadline`, and those of the handshake.
  static io::Task<Result<std::unique_ptr<ClientConnection>>> connect(io::EventLoop& loop, Target target, io::Wrap wrap,
                                                                     Monotonic deadline);
  /// Over a stream that is open.
  static std::unique_ptr<ClientConnection> over(std::unique_ptr<io::ByteStream> stream, Target target);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  /// Sends one request and reads the answer; any status is an answer. Adds Host and Content-Length; a request that says
  /// "Connection: close" ends the connection. Errors: Closed for one that ended before the answer did (retryable: a
  /// server may close an idle connection at any time), Timeout at `deadline`, Protocol for an answer that is none,
  /// Exhausted for one of more than kMostAnswerBytes, Denied when the server refused our certificate.
  io::Task<Result<Response>> ask(Request request, Monotonic deadline);

  /// The same for who needs the status above all: of the body at most `most` bytes are taken, none of one that is
  /// longer, and what goes wrong with it is no error. Nothing may follow on this connection.
  io::Task<Result<Response>> askBriefly(Request request, Monotonic deadline, std::size_t most);

  /// The same as ask() for an answer that comes piece by piece, each handed to `take`, until that says false or the
  /// body ends; Timeout after `silence`. An answer other than 200 comes whole. Nothing may follow on this connection.
  io::Task<Result<Response>> follow(Request request, milliseconds silence, std::function<bool(std::string_view)> take);

  /// Whether another request may follow: not after an error, a dropped ask(), or an answer that ends the connection.
  bool isOpen() const { return open_; }
  /// Who the server has proved to be.
  io::Identity peer() const { return stream_->peerIdentity(); }
  /// Ends it: an ask() that waits fails at once.
  void cut();

 private:
  ClientConnection(std::unique_ptr<io::ByteStream> stream, Target target);

  io::Task<Status> send(const Request& request, Monotonic deadline);
  io::Task<Receipt> readHead(bool toHead, Monotonic deadline, Response& response, BodyPlan& plan);
  Error errorOf(Receipt receipt) const;

  const std::unique_ptr<io::ByteStream> stream_;
  const Target target_;
  Http1Input input_;
  bool open_ = true;
  bool kept_ = true;  // what the last answer said
};

}  // namespace loam::http
