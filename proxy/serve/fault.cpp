#include "proxy/serve/fault.h"

#include <array>

#include "proxy/http/message.h"

namespace loam::serve {

namespace {

constexpr std::string_view kRequestError = "http_request_error";

constexpr std::array<Refusal, kFaults> kRefusals{{
    {431, kRequestError, "head_too_long", "serve:head_too_long"},
    {408, kRequestError, "head_timeout", "serve:head_timeout"},
    {400, kRequestError, "body_framing", "serve:body_framing"},
    {408, kRequestError, "request_stalled", "serve:request_stalled"},
    {504, "http_response_timeout", "answer_stalled", "serve:answer_stalled"},
    {502, "http_protocol_error", "answer_head", "serve:answer_head"},
    {502, "http_response_header_section_size", "answer_head_too_long", "serve:answer_head_too_long"},
    {502, "http_protocol_error", "answer_framing", "serve:answer_framing"},
    {502, "http_response_incomplete", "server_ended", "serve:server_ended"},
    {504, "http_response_timeout", "timed_out", "timeouts"},
    {504, "http_response_timeout", "try_timed_out", "retries"},
    {503, "destination_unavailable", "no_server", "serve:no_server"},
    {504, "connection_timeout", "connect_timed_out", "serve:connect_timed_out"},
}};

void addStatusLine(std::string& answer, int status) {
  answer.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(http::reasonPhrase(status));
  answer.append("\r\n");
}

}  // namespace

Refusal refusalOf(Fault fault) { return kRefusals[static_cast<std::size_t>(fault)]; }

Refusal refusalOf(http::HeadFault fault) {
  return {http::statusFor(fault), kRequestError, http::name(fault), "serve:head"};
}

std::string answerOf(const Refusal& refusal, bool withBody) {
  std::string body = std::to_string(refusal.status);
  body.append(" ").append(http::reasonPhrase(refusal.status)).append("\nloam: ").append(refusal.detail).append("\n");
  std::string answer;
  addStatusLine(answer, refusal.status);
  answer.append("proxy-status: loam; error=").append(refusal.error).append("; details=\"").append(refusal.detail);
  answer.append("\"\r\nloam-cause: ").append(refusal.cause);
  answer.append("\r\ncontent-type: text/plain\r\ncontent-length: ").append(std::to_string(body.size()));
  answer.append("\r\nconnection: close\r\n\r\n");
  return withBody ? answer + body : answer;
}

std::string answerOf(const filter::OwnAnswer& own, bool withBody, bool keeps) {
  std::string answer;
  addStatusLine(answer, own.status);
  answer.append("loam-cause: ").append(own.cause).append("\r\n");
  bool hasType = own.body.empty();
  for (const auto& [name, value] : own.headers) {
    answer.append(name).append(": ").append(value).append("\r\n");
    hasType = hasType || name == "content-type";
  }
  if (!hasType) answer.append("content-type: text/plain\r\n");
  const bool hasNone = own.status == 204 || own.status == 304;  // RFC 9110 8.6: such an answer says no length
  if (!hasNone) answer.append("content-length: ").append(std::to_string(own.body.size())).append("\r\n");
  if (!keeps) answer.append("connection: close\r\n");
  answer.append("\r\n");
  if (withBody && !hasNone) answer.append(own.body);
  return answer;
}

}  // namespace loam::serve
