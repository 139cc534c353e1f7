#include "rollout/cli/flag_view.h"

#include <algorithm>
#include <chrono>

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
    printNeeds(session, one["needs"]);
    for (const Json::Value& problem : one["problems"])
      out << "  FAILS " << printable(problem["detail"].asString()) << "\n";
  }
  for (const Json::Value& moved : change["moved"]) {
    out << cellText(moved) << "  STALE: seen at revision " << moved["seen_revision"].asUInt64() << ", is "
        << stageText(moved["current"]) << " at revision " << moved["current"]["revision"].asUInt64() << " now\n";
  }
}

void explainRefusal(const Session& session, const Json::Value& problem) {
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
  constexpr std::int64_t kStep = 2;  // seconds between two words on how far it is
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
    err << "in effect at " << now["in_effect"].asUInt64() << " of " << now["concerned"].asUInt64() << " proxies\n";
  }
}

}  // namespace loam::cli
