#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rollout/audit/ledger.h"

namespace loam::audit {

inline Act by(const std::string& who, const std::string& verb = "flag.set") {
  return {who, "socket", "", verb, "because", "", "c-1"};
}

inline Json::Value bodyOf(const std::string& stage, int share = 100) {
  Json::Value body(Json::objectValue);
  body["stage"] = stage;
  body["share"] = share;
  return body;
}

inline std::vector<Document> documentsOf(const Ledger& ledger) {
  auto documents = ledger.documents();
  EXPECT_TRUE(documents) << documents.error().describe();
  return documents ? *std::move(documents) : std::vector<Document>();
}

inline std::vector<Event> eventsOf(const Ledger& ledger, const EventQuery& query = {}) {
  auto events = ledger.events(query);
  EXPECT_TRUE(events) << events.error().describe();
  return events ? *std::move(events) : std::vector<Event>();
}

}  // namespace loam::audit
