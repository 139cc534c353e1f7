#pragma once

#include <json/value.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "proxy/base/fields.h"

namespace loam::filters {

/// The members of one object of settings. A struct declares its own once, in `void describe(Form& form)`: name, place
/// and bounds of each, and what has to hold between them. The forms behind settings.h read a struct by that, write it
/// and list it, so that reader, writer and documentation cannot differ. Members that are optional have no default.
class Form {
 public:
  using Name = std::string_view;

  virtual ~Form() = default;

  void boolean(Name name, bool& value);
  void number(Name name, double& value, double least, double most);
  template <class Slot>
  void integer(Name name, Slot& slot, std::int64_t least, std::int64_t most);
  /// A set, like words().
  template <class N>
  void integers(Name name, std::vector<N>& values, std::int64_t least, std::int64_t most, std::size_t mostItems);
  template <class Slot>
  void duration(Name name, Slot& slot, milliseconds least, milliseconds most);
  template <class T, class Slot>
  void word(Name name, Slot& slot, const Word<T>& kind);
  /// A set: none stands twice, and the canonical order is that of the texts. An empty one is a problem unless it may
  /// be: where a list that is left out means "all", an empty one would be read as "none" by some.
  template <class T>
  void words(Name name, std::vector<T>& values, const Word<T>& kind, std::size_t mostItems, bool mayBeEmpty = false);
  /// An object whose names are free; not empty.
  template <class T>
  void map(Name name, std::map<std::string, T>& values, const Word<std::string>& key, const Word<T>& kind,
           std::size_t mostItems);
  /// Settings within settings: `part` is there always, if given, or as often as given.
  template <class S>
  void object(Name name, S& part);
  template <class S>
  void object(Name name, std::optional<S>& part);
  template <class S>
  void objects(Name name, std::vector<S>& parts, std::size_t mostItems);

  /// The member has to be there: always, or as soon as the settings are to do something.
  virtual void require(Name) {}
  virtual void requireInUse(Name) {}
  /// Notes `detail` unless `holds`, at the first of the members `about` that was given, else at the object. Members may
  /// be deeper ("rules/3/name"). Says nothing when one of them is wrong by itself.
  virtual void check(bool /*holds*/, const std::vector<std::string>& /*about*/, const std::string& /*detail*/) {}
  virtual void checkInUse(bool /*holds*/, const std::vector<std::string>& /*about*/, const std::string& /*detail*/) {}
  /// Notes each item of the list whose `member` is that of an earlier one.
  template <class S>
  void distinct(Name list, const std::vector<S>& items, Name member, std::string S::*value);

 protected:
  /// A member that is one value.
  struct Leaf {
    Name name;
    std::string kind;
    std::function<bool(Fields&)> read;     ///< false: absent or wrong
    std::function<Json::Value()> written;  ///< null: not set
  };
  /// A member that is an object, or a list of them.
  struct Branch {
    Name name;
    std::size_t mostItems = 0;                           ///< 0: an object
    std::function<void(Form&)> fresh;                    ///< describes one that nobody has read yet
    std::function<void(Form&)> add;                      ///< makes one and describes it
    std::size_t count = 0;                               ///< those there are
    std::function<void(std::size_t, Form&)> describe{};  ///< one of these
  };
  virtual void leaf(const Leaf& leaf) = 0;
  virtual void branch(const Branch& branch) = 0;

 private:
  /// `read` gives an optional, `write` takes what is in it; the slot may be optional itself.
  template <class Slot, class Read, class Write>
  void take(Name name, std::string kind, Slot& slot, Read read, Write write);
  /// Whether a list was read that is whole: there, without problems since `before`, and not empty where it may not be.
  static bool isWhole(Fields& fields, Name name, std::size_t before, bool empty);
};

/// "a list of at most 20: a method like GET".
std::string listKind(std::size_t mostItems, const std::string& kind);

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class Slot, class Read, class Write>
void Form::take(Name name, std::string kind, Slot& slot, Read read, Write write) {
  leaf({name, std::move(kind),
        [&slot, read](Fields& fields) {
          auto given = read(fields);
          const bool found = given.has_value();
          if (found) slot = std::move(*given);
          return found;
        },
        [&slot, write]() -> Json::Value {
          if constexpr (IsOptional<Slot>::value) {
            return slot ? write(*slot) : Json::Value();
          } else {
            return write(slot);
          }
        }});
}

template <class Slot>
void Form::integer(Name name, Slot& slot, std::int64_t least, std::int64_t most) {
  const auto read = [=](Fields& fields) -> std::optional<Slot> {
    const auto given = fields.integer(name, least, most);
    if (!given) return std::nullopt;
    if constexpr (IsOptional<Slot>::value) {
      return static_cast<typename Slot::value_type>(*given);
    } else {
      return static_cast<Slot>(*given);
    }
  };
  take(name, integerKind(least, most), slot, read,
       [](auto held) { return Json::Value(static_cast<Json::Int64>(held)); });
}

template <class N>
void Form::integers(Name name, std::vector<N>& values, std::int64_t least, std::int64_t most, std::size_t mostItems) {
  const auto read = [=](Fields& fields) -> std::optional<std::vector<N>> {
    const std::size_t before = fields.problems();
    const auto given = fields.integers(name, least, most, mostItems);
    if (!isWhole(fields, name, before, given.empty())) return std::nullopt;
    std::vector<N> all;
    for (const std::int64_t one : given) all.push_back(static_cast<N>(one));
    std::sort(all.begin(), all.end());
    return all;
  };
  take(name, listKind(mostItems, integerKind(least, most)), values, read, [](const std::vector<N>& held) {
    if (held.empty()) return Json::Value();
    Json::Value list(Json::arrayValue);
    for (const N one : held) list.append(static_cast<Json::Int64>(one));
    return list;
  });
}

template <class Slot>
void Form::duration(Name name, Slot& slot, milliseconds least, milliseconds most) {
  take(
      name, durationKind(least, most), slot, [=](Fields& fields) { return fields.duration(name, least, most); },
      [](milliseconds held) { return Json::Value(durationText(held)); });
}

template <class T, class Slot>
void Form::word(Name name, Slot& slot, const Word<T>& kind) {
  take(
      name, kind.kind, slot, [=](Fields& fields) { return fields.word(name, kind); },
      [kind](const T& held) {
        if constexpr (std::is_same_v<T, std::string>) {
          if (held.empty() && !kind.parse(held)) return Json::Value();  // a text that nobody has set
        }
        return Json::Value(kind.write(held));
      });
}

template <class T>
void Form::words(Name name, std::vector<T>& values, const Word<T>& kind, std::size_t mostItems, bool mayBeEmpty) {
  const auto read = [=](Fields& fields) -> std::optional<std::vector<T>> {
    const std::size_t before = fields.problems();
    auto given = fields.words(name, kind, mostItems);
    if (!isWhole(fields, name, before, given.empty() && !mayBeEmpty)) return std::nullopt;
    std::sort(given.begin(), given.end(), [&kind](const T& a, const T& b) { return kind.write(a) < kind.write(b); });
    return given;
  };
  take(name, listKind(mostItems, kind.kind), values, read,
       [mayBeEmpty, write = kind.write](const std::vector<T>& held) {
         if (held.empty() && !mayBeEmpty) return Json::Value();
         Json::Value list(Json::arrayValue);
         for (const T& one : held) list.append(write(one));
         return list;
       });
}

template <class T>
void Form::map(Name name, std::map<std::string, T>& values, const Word<std::string>& key, const Word<T>& kind,
               std::size_t mostItems) {
  const auto read = [=](Fields& fields) -> std::optional<std::map<std::string, T>> {
    const std::size_t before = fields.problems();
    std::map<std::string, T> all;
    for (const auto& [givenKey, text] : fields.labels(name, mostItems)) {
      const std::string where = pointerStep(name) + pointerStep(givenKey);
      const auto readKey = key.parse(givenKey);
      auto readValue = kind.parse(text);
      if (!readKey) {
        fields.problemBelow(where, "expected " + key.kind + " as its name, found " + inQuotes(givenKey));
      } else if (!readValue) {
        fields.problemBelow(where, "expected " + kind.kind + ", found " + inQuotes(text));
      } else if (!all.emplace(*readKey, std::move(*readValue)).second) {
        fields.problemBelow(where, inQuotes(*readKey) + " stands here a second time");
      }
    }
    if (!isWhole(fields, name, before, all.empty())) return std::nullopt;
    return all;
  };
  const std::string what = "an object of at most " + std::to_string(mostItems) + ": " + key.kind + " and " + kind.kind;
  take(name, what, values, read, [write = kind.write](const std::map<std::string, T>& held) {
    if (held.empty()) return Json::Value();
    Json::Value object(Json::objectValue);
    for (const auto& [heldKey, one] : held) object[heldKey] = write(one);
    return object;
  });
}

template <class S>
void Form::object(Name name, S& part) {
  const auto describe = [&part](Form& form) { part.describe(form); };
  branch({name, 0, describe, describe, 1, [describe](std::size_t, Form& form) { describe(form); }});
}

template <class S>
void Form::object(Name name, std::optional<S>& part) {
  branch({name, 0,
          [](Form& form) {
            S fresh;
            fresh.describe(form);
          },
          [&part](Form& form) { part.emplace().describe(form); }, part ? 1u : 0u,
          [&part](std::size_t, Form& form) { part->describe(form); }});
}

template <class S>
void Form::objects(Name name, std::vector<S>& parts, std::size_t mostItems) {
  branch({name, mostItems,
          [](Form& form) {
            S fresh;
            fresh.describe(form);
          },
          [&parts](Form& form) { parts.emplace_back().describe(form); }, parts.size(),
          [&parts](std::size_t i, Form& form) { parts[i].describe(form); }});
}

template <class S>
void Form::distinct(Name list, const std::vector<S>& items, Name member, std::string S::*value) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string& here = items[i].*value;
    if (here.empty()) continue;
    const auto [earlier, fresh] = first.emplace(here, i);
    const std::string place = std::string(list) + "/" + std::to_string(i) + "/" + std::string(member);
    check(
        fresh, {place},
        inQuotes(here) + " is the " + std::string(member) + " of item " + std::to_string(earlier->second) + " already");
  }
}

}  // namespace loam::filters
