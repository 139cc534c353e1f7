#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/transcript.h"

namespace loam::decode::test {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// One call between the two peers.
struct Http2Call {
  Fields request;
  std::string requestBody;
  Fields response;  ///< without a body and trailers: END_STREAM on the head
  std::string responseBody;
  Fields trailers;
};

/// A client and a server of nghttp2's session library in memory; what they say to each other becomes a transcript. This
/// is the oracle of the passive decoder: it never saw our code.
class Http2Peers {
 public:
  explicit Http2Peers(std::uint32_t tableSize = 4096, bool padding = false) : padding_(padding) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame);
    nghttp2_session_callbacks_set_select_padding_callback(callbacks, selectPadding);
    nghttp2_session_client_new(&client_, callbacks, this);
    nghttp2_session_server_new(&server_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, tableSize},
                                               {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
    nghttp2_submit_settings(client_, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_submit_settings(server_, NGHTTP2_FLAG_NONE, settings, 2);
  }
  ~Http2Peers() {
    nghttp2_session_del(client_);
    nghttp2_session_del(server_);
  }
  Http2Peers(const Http2Peers&) = delete;
  Http2Peers& operator=(const Http2Peers&) = delete;

  /// Starts a call and returns its stream; exchange() carries it out.
  std::int32_t submit(Http2Call call) {
    calls_.push_back(std::make_unique<Call>(Call{std::move(call), this, 0, 0, 0}));
    Call* made = calls_.back().get();
    nghttp2_data_provider provider{{.ptr = made}, readRequest};
    const auto list = listOf(made->script.request);
    made->stream = nghttp2_submit_request(client_, nullptr, list.data(), list.size(),
                                          made->script.requestBody.empty() ? nullptr : &provider, nullptr);
    byStream_[made->stream] = made;
    return made->stream;
  }
  void resetByClient(std::int32_t stream) { nghttp2_submit_rst_stream(client_, 0, stream, NGHTTP2_CANCEL); }
  void resetByServer(std::int32_t stream) { nghttp2_submit_rst_stream(server_, 0, stream, NGHTTP2_INTERNAL_ERROR); }
  void holdAnswers(bool hold) { hold_ = hold; }
  nghttp2_session* serverSession() { return server_; }
  nghttp2_session* clientSession() { return client_; }

  /// Lets both talk until they are quiet, writing down what passes.
  void run() {
    while (pass(client_, server_, Direction::Upstream) | pass(server_, client_, Direction::Downstream)) {
    }
  }
  Transcript transcript;

 private:
  struct Call {
    Http2Call script;
    Http2Peers* peers;
    std::int32_t stream;
    std::size_t sent;
    std::size_t answered;
  };

  static std::vector<nghttp2_nv> listOf(const Fields& fields) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE});
    }
    return list;
  }

  static ssize_t copy(const std::string& body, std::size_t& at, std::uint8_t* to, std::size_t room,
                      std::uint32_t* flags) {
    const std::size_t size = std::min(room, body.size() - at);
    std::copy_n(body.data() + at, size, to);
    at += size;
    if (at == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }
  static ssize_t readRequest(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t room, std::uint32_t* flags,
                             nghttp2_data_source* source, void*) {
    auto* call = static_cast<Call*>(source->ptr);
    return copy(call->script.requestBody, call->sent, to, room, flags);
  }
  static ssize_t readResponse(nghttp2_session* session, std::int32_t stream, std::uint8_t* to, std::size_t room,
                              std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto* call = static_cast<Call*>(source->ptr);
    const ssize_t size = copy(call->script.responseBody, call->answered, to, room, flags);
    if ((*flags & NGHTTP2_DATA_FLAG_EOF) != 0 && !call->script.trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto list = listOf(call->script.trailers);
      nghttp2_submit_trailer(session, stream, list.data(), list.size());
    }
    return size;
  }
  static ssize_t selectPadding(nghttp2_session*, const nghttp2_frame* frame, std::size_t most, void* user) {
    const bool padding = static_cast<Http2Peers*>(user)->padding_;
    return static_cast<ssize_t>(padding ? std::min(most, frame->hd.length + 37) : frame->hd.length);
  }
  static int onFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto* self = static_cast<Http2Peers*>(user);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (session != self->server_ || !ended || self->hold_) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) self->answer(frame->hd.stream_id);
    return 0;
  }
  void answer(std::int32_t stream) {
    Call* call = byStream_.at(stream);
    nghttp2_data_provider provider{{.ptr = call}, readResponse};
    const bool body = !call->script.responseBody.empty() || !call->script.trailers.empty();
    const auto list = listOf(call->script.response);
    nghttp2_submit_response(server_, stream, list.data(), list.size(), body ? &provider : nullptr);
  }
  bool pass(nghttp2_session* from, nghttp2_session* to, Direction direction) {
    std::string said;
    const std::uint8_t* piece = nullptr;
    for (ssize_t size; (size = nghttp2_session_mem_send(from, &piece)) > 0;) {
      said.append(reinterpret_cast<const char*>(piece), static_cast<std::size_t>(size));
    }
    if (said.empty()) return false;
    const ssize_t read = nghttp2_session_mem_recv(to, reinterpret_cast<const std::uint8_t*>(said.data()), said.size());
    EXPECT_EQ(read, static_cast<ssize_t>(said.size()));
    transcript.push_back({direction, std::move(said)});
    return true;
  }

  nghttp2_session* client_ = nullptr;
  nghttp2_session* server_ = nullptr;
  bool padding_;
  bool hold_ = false;
  std::vector<std::unique_ptr<Call>> calls_;
  std::map<std::int32_t, Call*> byStream_;
};

}  // namespace loam::decode::test
