#include "rollout/notify/outbox.h"

#include <algorithm>
#include <utility>

#include "proxy/base/json.h"

namespace loam::notify {

namespace {

Status take(const Json::Value& object, const char* key, std::string& into) {
  auto text = readString(object, key);
  if (!text) return fail(std::move(text).error());
  into = *std::move(text);
  return {};
}

Result<Letter> letterFrom(const Json::Value& value) {
  Letter letter;
  LOAM_TRY(take(value, "id", letter.id));
  LOAM_TRY(take(value, "event", letter.event));
  LOAM_TRY(take(value, "body", letter.body));
  const auto born = readInt(value, "born");
  if (!born) return fail(born.error());
  letter.born = *born;
  return letter;
}

}  // namespace

std::optional<Letter> Outbox::add(Letter letter, std::string_view busy) {
  if (find(letter.id) != nullptr) return std::nullopt;
  letters_.push_back(std::move(letter));
  if (letters_.size() <= kMost) return std::nullopt;
  const auto oldest =
      std::find_if(letters_.begin(), letters_.end(), [busy](const Letter& one) { return one.id != busy; });
  std::optional<Letter> gone = std::move(*oldest);
  letters_.erase(oldest);
  return gone;
}

const Letter* Outbox::due(Monotonic now) const {
  const auto found =
      std::find_if(letters_.begin(), letters_.end(), [now](const Letter& letter) { return letter.due <= now; });
  return found == letters_.end() ? nullptr : &*found;
}

std::optional<Monotonic> Outbox::next() const {
  const auto first = std::min_element(letters_.begin(), letters_.end(),
                                      [](const Letter& a, const Letter& b) { return a.due < b.due; });
  if (first == letters_.end()) return std::nullopt;
  return first->due;
}

Letter* Outbox::find(std::string_view id) {
  const auto found =
      std::find_if(letters_.begin(), letters_.end(), [id](const Letter& letter) { return letter.id == id; });
  return found == letters_.end() ? nullptr : &*found;
}

void Outbox::remove(std::string_view id) {
  std::erase_if(letters_, [id](const Letter& letter) { return letter.id == id; });
}

std::uint64_t Outbox::settled() const {
  std::uint64_t settled = read_;
  for (const Letter& letter : letters_) {
    if (letter.sequence != 0) settled = std::min(settled, letter.sequence - 1);
  }
  return settled;
}

Json::Value Outbox::toJson() const {
  Json::Value out(Json::objectValue);
  out["after"] = Json::UInt64(settled());
  out["waiting"] = Json::Value(Json::arrayValue);
  for (const Letter& letter : letters_) {
    if (letter.sequence != 0) continue;
    Json::Value one(Json::objectValue);
    one["id"] = letter.id;
    one["event"] = letter.event;
    one["body"] = letter.body;
    one["born"] = Json::Int64(letter.born);
    out["waiting"].append(std::move(one));
  }
  return out;
}

Result<Outbox> Outbox::fromJson(const Json::Value& value) {
  Outbox box;
  const auto after = readUint(value, "after");
  if (!after) return fail(after.error());
  box.read_ = *after;
  for (const Json::Value& one : value["waiting"]) {
    auto letter = letterFrom(one);
    if (!letter) return fail(std::move(letter).error());
    box.letters_.push_back(*std::move(letter));
  }
  return box;
}

}  // namespace loam::notify
