#include "proxy/guard/owners.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proxy/base/descriptor.h"

namespace loam::guard {
namespace {

TEST(OwnersTest, UnitIsTheSystemdUnitOrTheLeaf) {
  EXPECT_EQ(unitOf("0::/system.slice/nginx.service\n"), "nginx.service");
  EXPECT_EQ(unitOf("0::/system.slice/nginx.service/worker\n"), "nginx.service");
  EXPECT_EQ(unitOf("0::/user.slice/user-0.slice/session-3.scope\n"), "session-3.scope");
  EXPECT_EQ(unitOf("12:cpu:/x\n1:name=systemd:/system.slice/postgresql@15-main.service\n0::/\n"),
            "postgresql@15-main.service");
  EXPECT_EQ(unitOf("0::/kubepods/pod1/abc\n"), "abc");
  EXPECT_EQ(unitOf("0::/\n"), "");
  EXPECT_EQ(unitOf(""), "");
  EXPECT_EQ(unitOf("garbage without colons"), "");
  EXPECT_EQ(unitOf("0::"), "");
}

TEST(OwnersTest, FindsThisProcessBehindItsListenerAndItsConnection) {
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);

  const std::uint16_t port = ntohs(address.sin_port);
  Owners owners;
  for (int look = 0; look < 2; ++look) {
    const auto facts = readSockets(owners);
    ASSERT_TRUE(facts);
    int listeners = 0;
    int connections = 0;
    for (const SocketFact& fact : *facts) {
      if (fact.local.port != port && fact.remote.port != port) continue;
      if (fact.listening) ++listeners;
      if (fact.remote.port == port) ++connections;
      if (!fact.listening && fact.remote.port != port) continue;  // the accepted side has no owner yet
      EXPECT_EQ(fact.pid, static_cast<std::uint32_t>(::getpid()));
      EXPECT_EQ(fact.exe, "guard_test");
      EXPECT_EQ(fact.uid, ::getuid());
      EXPECT_TRUE(fact.local.ip.isLoopback());
    }
    EXPECT_EQ(listeners, 1);
    EXPECT_EQ(connections, 1);
  }
}

/// A process table of our own: what a process is and holds can be changed under the reader.
class FakeProcesses {
 public:
  FakeProcesses() { std::filesystem::create_directories(root_); }
  ~FakeProcesses() { std::filesystem::remove_all(root_); }
  void add(int pid, int started, const std::string& exe, const std::vector<int>& inodes) {
    const std::filesystem::path directory = root_ / std::to_string(pid);
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory / "fd");
    std::ofstream(directory / "stat") << pid << " (a b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " << started << " 0\n";
    std::ofstream(directory / "cgroup") << "0::/\n";
    std::filesystem::create_symlink("/usr/bin/" + exe, directory / "exe");
    for (const int inode : inodes) {
      std::filesystem::create_symlink("socket:[" + std::to_string(inode) + "]",
                                      directory / "fd" / std::to_string(inode));
    }
  }
  void remove(int pid) { std::filesystem::remove_all(root_ / std::to_string(pid)); }
  std::string path() const { return root_.string(); }

 private:
  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("owners-test-" + std::to_string(::getpid()));
};

std::string ownerOf(Owners& owners, std::uint64_t inode) {
  std::vector<SocketFact> facts(1);
  facts[0].inode = inode;
  owners.fill(facts);
  return facts[0].exe;
}

TEST(OwnersTest, RemembersWhoHeldASocketForAsLongAsThatProcessLives) {
  FakeProcesses processes;
  processes.add(10, 100, "server", {7});
  Owners owners(processes.path());
  EXPECT_EQ(ownerOf(owners, 7), "server");
  processes.add(10, 100, "server", {});
  EXPECT_EQ(ownerOf(owners, 7), "server") << "its descriptors are not walked again";
  processes.add(20, 200, "child", {7});
  processes.remove(10);
  EXPECT_EQ(ownerOf(owners, 7), "child");
}

TEST(OwnersTest, APidThatIsUsedAgainIsAnotherProcess) {
  FakeProcesses processes;
  processes.add(10, 100, "old", {7});
  Owners owners(processes.path());
  EXPECT_EQ(ownerOf(owners, 7), "old");
  processes.add(10, 300, "new", {8});
  EXPECT_EQ(ownerOf(owners, 7), "");
  EXPECT_EQ(ownerOf(owners, 8), "new");
}

TEST(OwnersTest, AProcessTableThatIsNotThereLeavesOwnersUnknown) {
  Owners owners("/nonexistent");
  std::vector<SocketFact> facts(1);
  facts[0].inode = 1;
  owners.fill(facts);
  EXPECT_EQ(facts[0].pid, 0u);
}

}  // namespace
}  // namespace loam::guard
