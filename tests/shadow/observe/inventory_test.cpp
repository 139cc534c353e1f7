#include "shadow/observe/inventory.h"

#include <gtest/gtest.h>

#include <map>

namespace loam::observe {
namespace {

guard::SocketFact socketOf(std::string_view local, std::string_view remote, std::string exe = "client") {
  guard::SocketFact socket;
  socket.local = *SocketAddress::parse(local);
  socket.listening = remote.empty();
  if (!remote.empty()) socket.remote = *SocketAddress::parse(remote);
  socket.exe = std::move(exe);
  return socket;
}

AddressPair pairOf(std::string_view client, std::string_view destination) {
  return {*SocketAddress::parse(client), *SocketAddress::parse(destination)};
}

class InventoryTest : public testing::Test {
 protected:
  void update(const std::vector<guard::SocketFact>& sockets, const AddressPairs& captured = {}) {
    inventory_.update(sockets, captured, [this](const AddressPair& pair, std::uint32_t owner, bool opened) {
      const std::string text = pair.client.text() + ">" + pair.destination.text();
      if (opened) ++opened_[text];
      ++shown_[text];
      ownerOf_[text] = owner == 0 ? "" : owners_.owner(owner).exe;
    });
  }

  Owners owners_{
      OwnSockets{.exe = "loam-proxy", .pid = 77, .mark = 5, .transparentMark = 6, .peerPort = 7412, .uid = 900}};
  Inventory inventory_{owners_};
  std::map<std::string, int> opened_;
  std::map<std::string, int> shown_;
  std::map<std::string, std::string> ownerOf_;
};

TEST_F(InventoryTest, CountsAConnectionOnceAndShowsThatItLives) {
  const std::vector<guard::SocketFact> table{socketOf("10.0.0.1:40000", "10.0.0.2:5432")};
  for (int i = 0; i < 5; ++i) update(table);
  EXPECT_EQ(opened_, (std::map<std::string, int>{{"10.0.0.1:40000>10.0.0.2:5432", 1}}));
  EXPECT_EQ(shown_["10.0.0.1:40000>10.0.0.2:5432"], 4) << "at its opening and in each table after";
  EXPECT_EQ(ownerOf_["10.0.0.1:40000>10.0.0.2:5432"], "client");
}

TEST_F(InventoryTest, AConnectionThatEndedBeforeTheNextTableStillCounts) {
  update({socketOf("10.0.0.1:40000", "10.0.0.2:5432")});
  update({});
  update({});
  EXPECT_EQ(opened_.size(), 1u);
}

TEST_F(InventoryTest, CapturedConnectionsAreLeftOutAlsoWhenTheTapIsAStepBehind) {
  const std::vector<guard::SocketFact> table{socketOf("10.0.0.1:40000", "10.0.0.2:5432")};
  update(table);  // accepted, not drained yet
  update(table, {pairOf("10.0.0.1:40000", "10.0.0.2:5432")});
  update(table, {pairOf("10.0.0.1:40000", "10.0.0.2:5432")});
  EXPECT_TRUE(opened_.empty());
}

TEST_F(InventoryTest, WhoListensIsTheServer) {
  const std::vector<guard::SocketFact> table{socketOf("0.0.0.0:80", "", "nginx"),
                                             socketOf("10.0.0.2:80", "10.0.0.9:51000", "nginx")};
  update(table);
  update(table);
  EXPECT_EQ(opened_, (std::map<std::string, int>{{"10.0.0.9:51000>10.0.0.2:80", 1}}));
  EXPECT_EQ(ownerOf_["10.0.0.9:51000>10.0.0.2:80"], "") << "the caller is not on this host";
}

TEST_F(InventoryTest, BothEndsOnOneHostAreOneConnectionOfItsClient) {
  std::vector<guard::SocketFact> table{socketOf("127.0.0.1:6379", "", "redis"),
                                       socketOf("127.0.0.1:6379", "127.0.0.1:50000", "redis"),
                                       socketOf("127.0.0.1:50000", "127.0.0.1:6379", "worker")};
  for (int round = 0; round < 2; ++round) {
    update(table);
    update(table);
    std::reverse(table.begin(), table.end());
  }
  EXPECT_EQ(opened_, (std::map<std::string, int>{{"127.0.0.1:50000>127.0.0.1:6379", 1}}));
  EXPECT_EQ(ownerOf_["127.0.0.1:50000>127.0.0.1:6379"], "worker");
}

TEST_F(InventoryTest, TheProxysOwnSocketsAndTheirOtherEndsAreLeftOut) {
  auto byPid = socketOf("10.0.0.1:1", "10.0.0.2:80", "x");
  byPid.pid = 77;
  auto byMark = socketOf("10.0.0.1:2", "10.0.0.2:80", "x");
  byMark.mark = 5;
  auto byTransparentMark = socketOf("10.0.0.9:3", "10.0.0.2:80", "x");
  byTransparentMark.mark = 6;
  auto byUser = socketOf("10.0.0.1:4", "10.0.0.2:80", "x");
  byUser.uid = 900;
  const auto byExe = socketOf("10.0.0.1:5", "10.0.0.2:80", "loam-proxy");
  const auto ofAProxyThatIsGone = socketOf("10.0.0.1:6", "10.0.0.2:7412", "");
  const auto fromOne = socketOf("10.0.0.1:7412", "10.0.0.9:6", "");
  const auto theServersEnd = socketOf("10.0.0.2:80", "10.0.0.1:1", "nginx");
  const std::vector<guard::SocketFact> table{socketOf("0.0.0.0:80", "", "nginx"),
                                             byPid,
                                             byMark,
                                             byTransparentMark,
                                             byUser,
                                             byExe,
                                             ofAProxyThatIsGone,
                                             fromOne,
                                             theServersEnd};
  update(table);
  update(table);
  EXPECT_TRUE(opened_.empty());
}

TEST(OwnersTest, AnswersByTheSocketThenByTheOnlyKnownCaller) {
  Owners owners(OwnSockets{});
  owners.update({socketOf("10.0.0.1:40000", "10.0.0.2:80", "cart"), socketOf("10.0.0.1:40001", "10.0.0.3:80", "cart")});
  const auto exe = [&](const char* client, const char* destination) {
    const std::uint32_t id = owners.find(*SocketAddress::parse(client), *SocketAddress::parse(destination));
    return id == 0 ? std::string() : owners.owner(id).exe;
  };
  EXPECT_EQ(exe("10.0.0.1:40000", "10.0.0.2:80"), "cart");
  EXPECT_EQ(exe("10.0.0.1:55555", "10.0.0.2:80"), "cart");
  EXPECT_EQ(exe("10.0.0.1:55555", "10.0.0.4:80"), "");
  EXPECT_EQ(exe("10.0.0.7:40000", "10.0.0.2:80"), "");
  owners.update({socketOf("10.0.0.1:40002", "10.0.0.2:80", "cron")});
  EXPECT_EQ(exe("10.0.0.1:55555", "10.0.0.2:80"), "") << "two callers: nobody can say";
  EXPECT_EQ(exe("10.0.0.1:40002", "10.0.0.2:80"), "cron");
  EXPECT_EQ(exe("10.0.0.1:55555", "10.0.0.3:80"), "cart");
}

TEST(OwnersTest, NamesServicesByUnitThenByExecutable) {
  EXPECT_EQ(ownerName({"nginx.service", "nginx", 33}), "nginx");
  EXPECT_EQ(ownerName({"postgresql@15-main.service", "postgres", 33}), "postgresql@15-main");
  EXPECT_EQ(ownerName({"session-3.scope", "curl", 0}), "curl");
  EXPECT_EQ(ownerName({"checkout.service", "python3", 0}), "checkout");
  EXPECT_EQ(ownerName({"", "python3.11", 0}), "");
  EXPECT_EQ(ownerName({"", "noded", 0}), "noded");
  EXPECT_EQ(ownerName({"", "", 0}), "");
}

}  // namespace
}  // namespace loam::observe
