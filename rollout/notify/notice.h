#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::notify {

enum class Severity : std::uint8_t { Info, Warning, Critical };
/// "info", "warning", "critical".
std::string_view name(Severity severity);

/// What may need a person. The first four happen, and are read from the audit log; those up to WrongTokens are states,
/// which begin and are over; Test is sent when somebody asks.
enum class Event : std::uint8_t {
  FlagKilled,
  FlagCalledOff,
  FlagExpired,
  IdentityRevoked,
  ProxySilent,
  ProxyRefuses,
  ProxyKilled,
  ClockOff,
  IdentityExpiring,
  RotationWaits,
  LedgerFails,
  JournalUsed,
  WrongTokens,
  Test
};

/// What receivers and the configuration know an event by. The names stay what they are.
struct Kind {
  std::string_view name;  ///< "proxy.silent"
  Severity severity;
  std::string_view over;      ///< of a state: what its end is called, "proxy.back"
  std::string_view overText;  ///< and said in a sentence; "{}" stands for the subject
  std::string_view help;      ///< the command that helps; "{}" stands for the subject as a word of a shell
};
const Kind& kindOf(Event event);

/// Those that a webhook may be told of, by name.
std::vector<std::string> eventNames();
/// Nothing for a name that is none of these.
std::optional<Event> eventNamed(std::string_view name);

/// One thing that somebody is told.
struct Notice {
  std::string id{};  ///< the same however often it is sent, so that a receiver can drop a second one
  Event event = Event::Test;
  bool over = false;    ///< the end of a state
  std::int64_t at = 0;  ///< unix milliseconds
  std::string subject{};
  std::string summary{};  ///< one sentence
  std::string detail{};
  std::string help{};  ///< empty: the one of its kind

  /// "proxy.silent" or "proxy.back".
  std::string_view name() const;
  Severity severity() const;
};

/// The JSON that is sent: id, event, severity, at (RFC 3339), controller, subject, summary, detail, help. Text of
/// others in it cannot act where it is shown.
std::string bodyOf(const Notice& notice, const std::string& controller);

/// `text` with U+FFFD for what is no UTF-8 and for characters that act where they are shown, cut after `most` bytes.
std::string plain(std::string_view text, std::size_t most);
/// `text` as one word of a shell.
std::string shellWord(std::string_view text);
/// `pattern` with `subject` in the place of "{}".
std::string filledIn(std::string_view pattern, std::string_view subject);

}  // namespace loam::notify
