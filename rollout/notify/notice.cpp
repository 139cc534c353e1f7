#include "rollout/notify/notice.h"

#include <json/value.h>

#include <algorithm>
#include <array>

#include "proxy/base/json.h"
#include "proxy/base/utc.h"
#include "proxy/base/utf8.h"

namespace loam::notify {

namespace {

constexpr std::size_t kEvents = 14;
constexpr std::array<Kind, kEvents> kKinds = {{
    {"flag.killed", Severity::Warning, "", "", "loam flag list"},
    {"flag.called_off", Severity::Warning, "", "", "loam flag list"},
    {"flag.expired", Severity::Info, "", "", "loam flag list"},
    {"identity.revoked", Severity::Warning, "", "", "loam identity allow {}"},
    {"proxy.silent", Severity::Critical, "proxy.back", "Proxy {} is back.", "loam proxy describe {}"},
    {"proxy.refuses", Severity::Critical, "proxy.accepts", "Proxy {} takes its snapshots again.",
     "loam proxy describe {}"},
    {"proxy.killed", Severity::Warning, "proxy.restored", "Proxy {} is restored.", "loam proxy restore --local"},
    {"proxy.clock_off", Severity::Warning, "proxy.clock_right",
     "The clock of proxy {} agrees with the controller's again.", "loam proxy describe {}"},
    {"identity.expiring", Severity::Warning, "identity.renewed", "The certificate of the {} is renewed.",
     "loam identity list --expiring 90d"},
    {"identity.rotation_waits", Severity::Warning, "identity.rotation_goes_on",
     "The change of the root waits for nobody any more.", "loam identity show"},
    {"controller.ledger_fails", Severity::Critical, "controller.ledger_works", "control.db can be written again.",
     "loam doctor"},
    {"controller.journal_used", Severity::Critical, "controller.journal_settled",
     "What was in the emergency journal is in control.db.", "loam doctor"},
    {"access.wrong_tokens", Severity::Warning, "access.wrong_tokens_over", "No more wrong tokens come.",
     "loam token list"},
    {"test", Severity::Info, "", "", "loam webhook list"},
}};

}  // namespace

std::string_view name(Severity severity) {
  constexpr std::array<std::string_view, 3> kNames = {"info", "warning", "critical"};
  return kNames[static_cast<std::size_t>(severity)];
}

const Kind& kindOf(Event event) { return kKinds[static_cast<std::size_t>(event)]; }

std::vector<std::string> eventNames() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) {
    if (&kind != &kindOf(Event::Test)) names.emplace_back(kind.name);
  }
  return names;
}

std::optional<Event> eventNamed(std::string_view name) {
  for (std::size_t i = 0; i < kEvents; ++i) {
    const auto event = static_cast<Event>(i);
    if (event != Event::Test && kKinds[i].name == name) return event;
  }
  return std::nullopt;
}

std::string_view Notice::name() const { return over ? kindOf(event).over : kindOf(event).name; }

Severity Notice::severity() const { return over ? Severity::Info : kindOf(event).severity; }

std::string bodyOf(const Notice& notice, const std::string& controller) {
  constexpr std::size_t kMostSubject = 256;
  constexpr std::size_t kMostText = 2048;
  Json::Value out(Json::objectValue);
  out["id"] = notice.id;
  out["event"] = std::string(notice.name());
  out["severity"] = std::string(name(notice.severity()));
  out["at"] = utcText(notice.at / 1000);
  out["controller"] = plain(controller, kMostSubject);
  out["subject"] = plain(notice.subject, kMostSubject);
  out["summary"] = plain(notice.summary, kMostText);
  out["detail"] = plain(notice.detail, kMostText);
  const std::string word = shellWord(plain(notice.subject, kMostSubject));
  out["help"] = notice.help.empty() ? filledIn(kindOf(notice.event).help, word) : notice.help;
  return writeJson(out);
}

std::string plain(std::string_view text, std::size_t most) {
  constexpr std::string_view kInstead = "\xef\xbf\xbd";  // U+FFFD
  constexpr std::string_view kMore = "...";
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    const auto character = takeCharacter(text);
    if (!character) text.remove_prefix(1);
    const bool asItIs = character && !movesText(*character);
    const std::string_view next = asItIs ? before.substr(0, before.size() - text.size()) : kInstead;
    if (out.size() + next.size() > most) return out.append(kMore);
    out.append(next);
  }
  return out;
}

std::string shellWord(std::string_view text) {
  const auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/:,@+").find(c) != std::string_view::npos;
  };
  if (!text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), harmless)) return std::string(text);
  std::string word = "'";
  for (const char c : text) word.append(c == '\'' ? "'\\''" : std::string(1, c));
  return word + "'";
}

std::string filledIn(std::string_view pattern, std::string_view subject) {
  const std::size_t place = pattern.find("{}");
  if (place == std::string_view::npos) return std::string(pattern);
  return std::string(pattern.substr(0, place)).append(subject).append(pattern.substr(place + 2));
}

}  // namespace loam::notify
