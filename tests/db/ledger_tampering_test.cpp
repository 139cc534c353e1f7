#include <random>

#include "tests/db/control_file.h"

namespace loam::db {
namespace {

const char* const kColumns[] = {"sequence",    "at",     "who",         "via",  "from_address", "verb",
                                "reason",      "ticket", "correlation", "kind", "key",          "from_revision",
                                "to_revision", "patch",  "previous",    "hash"};
constexpr int kEvents = 12;

/// A ledger with events in which no column is empty, and what is done to it.
class LedgerTamperingTest : public testing::Test {
 protected:
  LedgerTamperingTest() {
    const audit::Act act{"ada", "token:7", "10.0.0.9", "flag.set", "because \x01 caf\xc3\xa9", "OPS-1", "c-9"};
    for (int i = 1; i <= kEvents; ++i) {
      const std::vector<audit::Edit> edits{{"flag", "a", {}, audit::bodyOf("on", i)}};
      EXPECT_TRUE(ledger_->commit(edits, act));
    }
  }

  std::string verdict() const {
    const auto verified = ledger_->verify();
    return verified ? "whole" : verified.error().describe();
  }

  /// The bytes of a cell, as text. Rows go by the order in which they were written, whatever their sequence says.
  std::string cell(const std::string& column, int row) {
    std::string text;
    const auto take = [](void* to, int, char** columns, char**) {
      *static_cast<std::string*>(to) = columns[0];
      return 0;
    };
    const std::string sql = "SELECT " + column + " FROM events WHERE rowid = " + std::to_string(row);
    EXPECT_EQ(sqlite3_exec(raw_.get(), sql.c_str(), take, &text, nullptr), SQLITE_OK);
    return text;
  }

  bool set(const std::string& column, int row, const std::string& text) {
    sqlite3_stmt* update = nullptr;
    const std::string sql = "UPDATE events SET " + column + " = ? WHERE rowid = " + std::to_string(row);
    EXPECT_EQ(sqlite3_prepare_v2(raw_.get(), sql.c_str(), -1, &update, nullptr), SQLITE_OK);
    sqlite3_bind_text(update, 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    const bool done = sqlite3_step(update) == SQLITE_DONE;
    sqlite3_finalize(update);
    return done;
  }

  const test::FakeClock clock_;
  const TemporaryDirectory directory_;
  std::unique_ptr<audit::Ledger> ledger_ = openControl(directory_ / "control.db", clock_);
  ForeignConnection raw_{directory_ / "control.db"};
};

TEST_F(LedgerTamperingTest, EveryByteOfEveryColumnCounts) {
  std::mt19937 random(8);
  ASSERT_EQ(verdict(), "whole");
  for (int row : {1, 5, kEvents}) {
    for (const char* column : kColumns) {
      const std::string before = cell(column, row);
      ASSERT_FALSE(before.empty()) << column;
      for (std::size_t at = 0; at < before.size(); ++at) {
        std::string after = before;
        while (after[at] == before[at]) after[at] = static_cast<char>(random());
        raw_.run("SAVEPOINT tamper");
        // A primary key that is taken, or an equal number written otherwise, is no change.
        if (set(column, row, after) && cell(column, row) != before) {
          raw_.run("RELEASE tamper");
          ASSERT_NE(verdict(), "whole") << column << " of event " << row << ", byte " << at << ": " << after;
          ASSERT_TRUE(contains(verdict(), "conflict: " + (directory_ / "control.db").string())) << verdict();
          ASSERT_TRUE(set(column, row, before));
        } else {
          raw_.run("ROLLBACK TO tamper; RELEASE tamper");
        }
      }
    }
  }
  EXPECT_EQ(verdict(), "whole");
}

TEST_F(LedgerTamperingTest, JsonThatMeansTheSameCountsToo) {
  const std::string before = cell("patch", 3);
  ASSERT_TRUE(set("patch", 3, " " + before));
  EXPECT_TRUE(contains(verdict(), "audit event 3 is not what was written"));
  EXPECT_TRUE(ledger_->events({.after = 2})->front().patch.isNull());
  ASSERT_TRUE(set("patch", 3, before));
  EXPECT_EQ(verdict(), "whole");
}

TEST_F(LedgerTamperingTest, EventsThatAreTakenAwayAreMissed) {
  raw_.run("DELETE FROM events WHERE sequence = 5");
  EXPECT_TRUE(contains(verdict(), "audit event 6 stands where event 5 should")) << verdict();
}

TEST_F(LedgerTamperingTest, AnEndThatIsCutOffIsMissed) {
  raw_.run("DELETE FROM events WHERE sequence > 9");
  EXPECT_TRUE(contains(verdict(), "the audit log ends at event 9, but 12 were written")) << verdict();
  raw_.run("DELETE FROM events");
  EXPECT_TRUE(contains(verdict(), "the audit log ends at event 0, but 12 were written")) << verdict();
}

TEST_F(LedgerTamperingTest, AnotherEndIsNoticed) {
  raw_.run("UPDATE heads SET hash = previous FROM (SELECT previous FROM events WHERE sequence = 12)");
  EXPECT_TRUE(contains(verdict(), "does not end with the event that was written last")) << verdict();
}

TEST_F(LedgerTamperingTest, ADocumentThatWasChangedIsNotGivenOut) {
  raw_.run("UPDATE documents SET body = replace(body, '\"on\"', '\"of\"')");
  const auto documents = ledger_->documents();
  ASSERT_FALSE(documents);
  EXPECT_TRUE(contains(documents.error().context, "document flag a is not what was written"))
      << documents.error().context;
  EXPECT_TRUE(contains(documents.error().context, (directory_ / "control.db").string()));
}

}  // namespace
}  // namespace loam::db
