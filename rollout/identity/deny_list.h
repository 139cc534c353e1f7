#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/base/result.h"

namespace loam::identity {

/// One certificate, or all of one name, that is believed no more although it has not expired (D12).
struct Denial {
  enum class Of : std::uint8_t { Serial, Name };
  Of of = Of::Serial;
  std::string value{};     ///< lower-case hex, or a SPIFFE id
  std::int64_t until = 0;  ///< unix seconds: the end of the last certificate that it is about
  std::int64_t at = 0;     ///< unix seconds: when it was denied
  std::string reason{};    ///< a person's word

  bool operator==(const Denial&) const = default;
  /// "serial/7f01", "name/spiffe://loam/proxy/node-a": the key of its document.
  std::string key() const;
};

/// Who is turned away although an authority vouches for him. It stays small: what it denies expires by itself. One
/// thread; agents get copies.
class DenyList {
 public:
  /// For clocks that are behind: an expired certificate may look good to them for so long.
  static constexpr std::int64_t kSkew = 300;

  /// Of two denials of the same, the one that lasts longer counts.
  void add(Denial denial);
  /// Takes a denial back; false when there was none.
  bool remove(const std::string& key);
  /// Why a peer with that certificate is turned away; nothing when it is not.
  std::optional<std::string> whyDenied(std::string_view serial, std::string_view spiffe, std::int64_t now) const;
  /// Forgets those whose certificates have all expired; returns how many.
  std::size_t prune(std::int64_t now);

  std::size_t size() const { return denials_.size(); }
  const std::map<std::string, Denial, std::less<>>& denials() const { return denials_; }

 private:
  std::map<std::string, Denial, std::less<>> denials_;  // by key
};

constexpr std::string_view kDenialKind = "denial";
Json::Value toJson(const Denial& denial);
Result<Denial> denialFromJson(const Json::Value& body);
/// All of it, as agents get it.
Json::Value toJson(const DenyList& list);
Result<DenyList> denyListFromJson(const Json::Value& body);

}  // namespace loam::identity
