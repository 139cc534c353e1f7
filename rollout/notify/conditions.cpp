#include "rollout/notify/conditions.h"

#include "proxy/base/json.h"
#include "proxy/base/utc.h"

namespace loam::notify {

std::vector<Notice> Conditions::take(const std::vector<Reading>& readings, std::int64_t now) {
  std::vector<Notice> notices;
  for (const Reading& reading : readings) {
    const auto found = told_.find({reading.event, reading.subject});
    const bool isTold = found != told_.end();
    if (isTold) found->second.looked = now;
    if (isTold == reading.holds || (reading.holds && told_.size() >= kMostTold)) continue;
    Notice notice;
    notice.id = newId_();
    notice.event = reading.event;
    notice.over = !reading.holds;
    notice.at = now;
    notice.subject = reading.subject;
    if (reading.holds) {
      told_[{reading.event, reading.subject}] = {now, now};
      notice.summary = reading.summary;
      notice.detail = reading.detail;
    } else {
      notice.summary = filledIn(kindOf(reading.event).overText, reading.subject);
      notice.detail = "It began at " + utcText(found->second.since / 1000) + ".";
      told_.erase(found);
    }
    notices.push_back(std::move(notice));
  }
  std::erase_if(told_, [now](const auto& entry) { return now - entry.second.looked > kForgetAfter; });
  return notices;
}

Json::Value Conditions::toJson() const {
  Json::Value out(Json::arrayValue);
  for (const auto& [what, told] : told_) {
    Json::Value one(Json::objectValue);
    one["event"] = std::string(kindOf(what.first).name);
    one["subject"] = what.second;
    one["since"] = Json::Int64(told.since);
    out.append(std::move(one));
  }
  return out;
}

Status Conditions::load(const Json::Value& told, std::int64_t now) {
  for (const Json::Value& one : told) {
    const auto name = readString(one, "event");
    if (!name) return fail(name.error());
    auto subject = readString(one, "subject");
    if (!subject) return fail(std::move(subject).error());
    const auto since = readInt(one, "since");
    if (!since) return fail(since.error());
    // One of a newer program's events is nothing that this one looks at.
    if (const auto event = eventNamed(*name)) told_[{*event, *std::move(subject)}] = {*since, now};
  }
  return {};
}

}  // namespace loam::notify
