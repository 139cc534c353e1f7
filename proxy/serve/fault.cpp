#include "proxy/serve/fault.h"

#include <array>

#include "proxy/http/message.h"

namespace loam::serve {

namespace {

constexpr std::string_view kRequestError = "http_request_error";

constexpr std::array<Refusal, kFaults> kRefusals{{{431, kRequestError, "head_too_long"},
                                                  {408, kRequestError, "head_timeout"},
                                                  {400, kRequestError, "body_framing"},
                                                  {408, kRequestError, "request_stalled"},
                                                  {504, "http_response_timeout", "answer_stalled"},
                                                  {502, "http_protocol_error", "answer_head"},
                                                  {502, "http_response_header_section_size", "answer_head_too_long"},
                                                  {502, "http_protocol_error", "answer_framing"},
                                                  {502, "http_response_incomplete", "server_ended"}}};

}  // namespace

Refusal refusalOf(Fault fault) { return kRefusals[static_cast<std::size_t>(fault)]; }

Refusal refusalOf(http::HeadFault fault) { return {http::statusFor(fault), kRequestError, http::name(fault)}; }

std::string answerOf(const Refusal& refusal, bool withBody) {
  const std::string code = std::to_string(refusal.status);
  const std::string_view reason = http::reasonPhrase(refusal.status);
  std::string body = code;
  body.append(" ").append(reason).append("\nloam: ").append(refusal.detail).append("\n");
  std::string answer = "HTTP/1.1 ";
  answer.append(code).append(" ").append(reason);
  answer.append("\r\nproxy-status: loam; error=").append(refusal.error).append("; details=\"").append(refusal.detail);
  answer.append("\"\r\ncontent-type: text/plain\r\ncontent-length: ").append(std::to_string(body.size()));
  answer.append("\r\nconnection: close\r\n\r\n");
  return withBody ? answer + body : answer;
}

}  // namespace loam::serve
