#include "rollout/cli/session.h"

#include "proxy/base/json.h"
#include "proxy/http/http1_client.h"
#include "rollout/cli/flag_view.h"
#include "rollout/cli/text.h"
#include "rollout/cli/yaml_writer.h"

namespace loam::cli {

namespace {

ExitStatus statusOf(int http) {
  switch (http) {
    case 400:
    case 422:
      return kUsage;
    case 401:
    case 403:
      return kDenied;
    case 404:
      return kNotFound;
    case 409:
    case 412:
    case 428:
      return kConflict;
    case 504:
      return kTimeout;
    default:
      return kError;
  }
}

Failure problemOf(const http::Response& response) {
  Failure failure{statusOf(response.status), "the controller answered " + std::to_string(response.status), {}};
  const auto body = parseJson(response.body);
  if (!body || !body->isObject()) return failure;
  failure.problem = *body;
  if ((*body)["code"] == "not_ready") failure.status = kNotReady;
  if ((*body)["code"] == "timeout") failure.status = kTimeout;
  const Json::Value& detail = (*body)["detail"].isString() ? (*body)["detail"] : (*body)["title"];
  if (detail.isString()) failure.text = printable(detail.asString());
  std::string names;
  for (const Json::Value& name : (*body)["suggestions"]) {
    if (name.isString()) names.append(names.empty() ? "" : ", ").append(printable(name.asString()));
  }
  if (!names.empty()) failure.text.append("; did you mean ").append(names).append("?");
  return failure;
}

Failure unreachable(const http::Target& target, const Error& error) {
  if (error.code == ErrorCode::Timeout)
    return {kTimeout, "the controller at " + target.text() + " did not answer in time"};
  if (error.code == ErrorCode::Denied) {
    return {kDenied, "no permission for the controller's socket " + target.text() + ": be root or in its group"};
  }
  return {kUnreachable, "no controller answers at " + target.text() + " (" + error.context +
                            "); start loam-controller, or name another by --controller or LOAM_HOME"};
}

}  // namespace

void Session::addOutput(CLI::App& command) {
  command.add_option("-o,--output", output, "table, wide, json, yaml, ndjson or name")
      ->option_text("FORM")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml", "ndjson", "name"}));
}

void Session::addController(CLI::App& command) {
  command
      .add_option("--controller", controller, "socket or address of the controller ($LOAM_HOME/run/controller.sock)")
      ->option_text("PATH|HOST:PORT")
      ->envname("LOAM_CONTROLLER");
}

void Session::addWindow(CLI::App& command) {
  auto* const length = command.add_option("--window", window, "how far back from now: -15m, -2h, -7d");
  length->option_text("TIME");
  command.add_option("--from", from, "start: -2h, 2026-11-22T20:00:00Z, unix seconds")
      ->option_text("TIME")
      ->excludes(length);
  command.add_option("--to", to, "end, the same forms; now by default")->option_text("TIME")->excludes(length);
}

void Session::runs(CLI::App& command, std::function<int()> act) {
  command.callback([this, act = std::move(act)] { chosen_ = act; });
}

std::string Session::windowQuery() const {
  // "15m" is as clear as "-15m".
  const bool bare = !window.empty() && window.front() != '-' && window.find_first_of("T:") == std::string::npos &&
                    window.find_first_not_of("0123456789") != std::string::npos && !window.starts_with("now");
  const std::string start = !from.empty() ? from : (bare ? "-" : "") + window;
  return "from=" + http::percentEncode(start) + "&to=" + http::percentEncode(to.empty() ? "now" : to);
}

Outcome<http::Response> Session::send(http::Request request) const {
  const auto target = http::Target::parse(controller.empty() ? home.controllerSocket() : controller);
  if (!target) return tl::unexpected(Failure{kUsage, "--controller: " + target.error().context});
  auto response = http::fetchAndWait(*target, std::move(request), patience);
  if (!response) return tl::unexpected(unreachable(*target, response.error()));
  if (response->status >= 400) return tl::unexpected(problemOf(*response));
  return *std::move(response);
}

Outcome<Json::Value> Session::get(const std::string& target) const {
  const auto response = send({.target = target});
  if (!response) return tl::unexpected(response.error());
  auto body = parseJson(response->body);
  if (!body) return tl::unexpected(Failure{kError, "the controller's answer is no JSON: " + body.error().context});
  return *std::move(body);
}

Outcome<Json::Value> Session::getAll(const std::string& target, const char* list) const {
  auto all = get(target);
  if (!all) return all;
  for (std::string next = (*all)["next"].asString(); !next.empty();) {
    std::string page = target;
    addParameter(page, "after", next);
    const auto more = get(page);
    if (!more) return more;
    for (const Json::Value& item : (*more)[list]) (*all)[list].append(item);
    next = (*more)["next"].asString();
  }
  all->removeMember("next");
  return all;
}

Outcome<Json::Value> Session::change(const std::string& method, const std::string& target, const Json::Value& body,
                                     Headers headers) const {
  headers.emplace_back("Content-Type", "application/json");
  const auto response =
      send({.method = method, .target = target, .headers = std::move(headers), .body = writeJson(body)});
  if (!response) return tl::unexpected(response.error());
  if (response->body.empty()) return Json::Value();
  auto answer = parseJson(response->body);
  if (!answer)
    return tl::unexpected(Failure{kError, "the controller's answer is no JSON: " + answer.error().context, {}});
  return *std::move(answer);
}

bool Session::printStructured(const Json::Value& document, const char* list,
                              const std::function<std::string(const Json::Value&)>& nameOf) const {
  const std::string key = list;
  Json::Value one(Json::arrayValue);
  if (key.empty()) one.append(document);
  const Json::Value& items = key.empty() ? one : document[key];
  if (output == "json") {
    terminal.out << writeJsonPretty(document);
  } else if (output == "yaml") {
    terminal.out << writeYaml(document);
  } else if (output == "ndjson") {
    for (const Json::Value& item : items) terminal.out << writeJson(item) << "\n";
  } else if (output == "name") {
    for (const Json::Value& item : items) terminal.out << printable(nameOf(item)) << "\n";
  } else {
    return false;
  }
  return true;
}

int Session::end(const Failure& failure) const {
  terminal.err << "loam: " << failure.text << "\n";
  explainRefusal(*this, failure.problem);
  return failure.status;
}

void addParameter(std::string& target, std::string_view key, const std::string& value) {
  if (value.empty()) return;
  target.append(target.find('?') == std::string::npos ? "?" : "&").append(key).append("=");
  target.append(http::percentEncode(value));
}

}  // namespace loam::cli
