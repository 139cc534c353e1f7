#include "rollout/cli/flag_view.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proxy/base/json.h"
#include "rollout/cli/reach_view.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

std::string cellText(const Json::Value& flag) {
  return printable(flag["service"].asString()) + "/" + printable(flag["feature"].asString());
}

std::string namesText(const Json::Value& names) {
  std::string text;
  for (const Json::Value& name : names) text.append(text.empty() ? "" : ", ").append(printable(name.asString()));
  return text;
}

/// "a, b, c and 12 more".
std::string firstNames(const Json::Value& names) {
  constexpr Json::ArrayIndex kMost = 5;
  Json::Value first(Json::arrayValue);
  for (Json::ArrayIndex i = 0; i < std::min(names.size(), kMost); ++i) first.append(names[i]);
  std::string text = namesText(first);
  if (names.size() > kMost) text.append(" and ").append(std::to_string(names.size() - kMost)).append(" more");
  return text;
}

void printNeeds(const Session& session, const Json::Value& needs) {
  for (const Json::Value& need : needs) {
    session.terminal.out << "  " << (need["met"].asBool() ? "ok    " : "FAILS ") << need["feature"].asString() << " "
                         << need["stage"].asString() << (need["whole"].asBool() ? " at 100 %" : "") << ", is "
                         << printable(need["found"].asString()) << ": " << need["why"].asString() << "\n";
  }
}

}  // namespace

std::string stageText(const Json::Value& flag) {
  std::string text = printable(flag["stage"].asString());
  const std::string percent = flag["percent"].asString();
  if (percent != "100") text += " " + percent + " %";
  if (flag["killed"].asBool()) text += " (killed)";
  return text;
}

void printPreview(const Session& session, const Json::Value& change) {
  std::ostream& out = session.terminal.out;
  for (const Json::Value& one : change["flags"]) {
    const Json::Value& after = one["after"];
    out << cellText(after) << "  " << stageText(one["before"]) << " -> " << stageText(after);
    if (after["percent"].asString() != "100" && after["percent_of"].isString()) {
      out << " of " << after["percent_of"].asString() << "s";
    }
    if (after.isMember("scheduled")) {
      out << ", " << stageText(after["scheduled"]) << " at " << timeText(after["scheduled"]["at"].asString());
    }
    out << "\n";
    printReach(session, one["reach"]);
    printNeeds(session, one["needs"]);
    for (const Json::Value& check : one["checks"]) {
      session.terminal.out << (check["passed"].asBool() ? "  pass  " : "  FAIL  ")
                           << printable(check["name"].asString());
      if (!check["passed"].asBool()) session.terminal.out << ": " << printable(check["found"].asString());
      session.terminal.out << "\n";
    }
    for (const Json::Value& problem : one["problems"])
      out << "  FAILS " << printable(problem["detail"].asString()) << "\n";
  }
  for (const Json::Value& moved : change["moved"]) {
    out << cellText(moved) << "  STALE: seen at revision " << moved["seen_revision"].asUInt64() << ", is "
        << stageText(moved["current"]) << " at revision " << moved["current"]["revision"].asUInt64() << " now\n";
  }
}

std::string patchText(const Json::Value& patch) {
  constexpr double kShares = 1000;  // of a percent
  std::string text;
  Json::Value before;
  const auto shown = [&](const std::string& path, const Json::Value& value) {
    if (path == "share" && value.isNumeric()) return writeJson(value.asDouble() / kShares);
    return value.isNull() ? std::string("-") : value.isString() ? value.asString() : writeJson(value);
  };
  const auto add = [&](const std::string& path, const Json::Value& from, const Json::Value& to) {
    for (const char* silent : {"by", "reason", "at", "salt", "hash"}) {
      if (path == silent) return;
    }
    text.append(text.empty() ? "" : ", ").append(path == "share" ? "percent" : path).append(" ");
    text.append(shown(path, from)).append(" -> ").append(shown(path, to));
  };
  for (const Json::Value& step : patch) {
    const std::string path = step["path"].asString();
    if (step["op"] == "test") {
      before = step["value"];
    } else if (path.empty()) {
      for (const char* member : {"stage", "share"}) add(member, {}, step["value"][member]);
    } else {
      add(path.substr(1), std::exchange(before, Json::Value()), step["value"]);
    }
  }
  return text;
}

void explainRefusal(const Session& session, const Json::Value& problem) {
  for (const Json::Value& step : problem["diff"]) {
    session.terminal.err << "  " << printable(step["path"].asString()) << ": " << printable(writeJson(step["from"]))
                         << " -> " << printable(writeJson(step["value"])) << "\n";
  }
  for (const Json::Value& error : problem["errors"]) {
    session.terminal.err << "  " << printable(error["pointer"].asString()) << ": "
                         << printable(error["detail"].asString()) << "\n";
  }
  for (const Json::Value& moved : problem["change"]["moved"]) {
    const Json::Value& current = moved["current"];
    session.terminal.err << "  " << cellText(moved) << ": revision " << moved["seen_revision"].asUInt64() << " -> "
                         << current["revision"].asUInt64() << ", " << stageText(current) << " now";
    if (current.isMember("changed_by")) {
      session.terminal.err << ", by " << printable(current["changed_by"].asString()) << " at "
                           << timeText(current["changed_at"].asString()) << ": "
                           << printable(current["reason"].asString());
    }
    session.terminal.err << "\n";
  }
}

int awaitEffect(const Session& session, const std::string& service, std::uint64_t revision, std::int64_t timeout) {
  constexpr std::int64_t kStep = 1;  // seconds between two looks at how far it is
  std::string said;
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const auto passed =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin).count();
    const std::int64_t wait = std::clamp<std::int64_t>(timeout - passed, 0, kStep);
    const auto answer = session.get("/v1/progress?service=" + http::percentEncode(service) +
                                    "&revision=" + std::to_string(revision) + "&wait=" + std::to_string(wait) + "s");
    if (!answer) return session.end(answer.error());
    const Json::Value& now = *answer;
    std::ostream& err = session.terminal.err;
    if (!now["refused"].empty()) return session.end({kNotReady, "refused by " + namesText(now["refused"])});
    if (now["done"].asBool()) {
      err << "in effect at " << now["concerned"].asUInt64() << " proxies";
      if (!now["silent"].empty()) err << "; silent, and not waited for: " << namesText(now["silent"]);
      err << "\n";
      return kOk;
    }
    if (passed >= timeout) return session.end({kTimeout, "not yet in effect at " + namesText(now["behind"])});
    const std::string far = std::to_string(now["in_effect"].asUInt64()) + " of " +
                            std::to_string(now["concerned"].asUInt64()) + " proxies, waiting for " +
                            firstNames(now["behind"]);
    if (far != said) err << far << std::endl;
    said = far;
  }
}

}  // namespace loam::cli
