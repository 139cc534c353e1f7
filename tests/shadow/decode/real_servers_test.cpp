#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

#include "tests/shadow/decode/real_server.h"
#include "tests/shadow/decode/recording_relay.h"

// The decoders against the real servers and clients of this host: what a client did is what was counted.
namespace loam::decode::testing {
namespace {

const std::string kClients = LOAM_CLIENTS_DIRECTORY;

/// With LOAM_RECORD in the environment the transcript becomes a seed of the fuzz targets (tests/fuzz/scripted_play.h).
void record(const RecordingRelay& relay, const std::string& name) {
  const char* directory = std::getenv("LOAM_RECORD");
  if (directory == nullptr) return;
  constexpr std::size_t kMostSeed = 4000;
  std::string seed(1, '\7');
  for (const Piece& piece : relay.transcript()) {
    if (seed.size() + piece.bytes.size() > kMostSeed) break;
    seed += piece.direction == Direction::Downstream ? '\1' : '\0';
    seed += static_cast<char>(piece.bytes.size() >> 8);
    seed += static_cast<char>(piece.bytes.size());
    seed += piece.bytes;
  }
  std::ofstream(std::string(directory) + "/" + name, std::ios::binary) << seed;
}

/// The end of what a program printed.
std::string shortened(const std::string& output) {
  return output.substr(output.size() - std::min<std::size_t>(output.size(), 400));
}

/// The relay's counts must be those that the client printed last ("ok errors").
void expectAgreement(RecordingRelay& relay, const Finished& client, const std::string& protocol) {
  ASSERT_EQ(client.status, 0) << shortened(client.output);
  std::istringstream last(client.output.substr(client.output.find_last_of('\n', client.output.size() - 2) + 1));
  int ok = -1;
  int errors = -1;
  last >> ok >> errors;
  const Seen seen = relay.finish();
  EXPECT_EQ(seen.ok, ok) << shortened(client.output);
  EXPECT_EQ(seen.errors, errors) << shortened(client.output);
  EXPECT_EQ(seen.incomplete, 0);
  EXPECT_EQ(seen.lost, 0);
  ASSERT_FALSE(seen.log.empty());
  EXPECT_EQ(seen.log[0], "protocol " + protocol);
}

class PostgresServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_.emplace("postgres");
    const std::string programs =
        firstExisting({"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin"});
    const std::string path = directory_->path() + "/data";
    const Finished made =
        runProgram({programs + "/initdb", "-D", path, "-A", "trust", "-U", "loam", "-N", "--no-sync"}, "postgres");
    ASSERT_EQ(made.status, 0) << made.output;
    const Finished key =
        runProgram({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=loam", "-days", "2", "-keyout", path + "/server.key", "-out", path + "/server.crt"},
                   "postgres");
    ASSERT_EQ(key.status, 0) << key.output;
    port_ = freePort();
    server_.emplace(
        std::vector<std::string>{programs + "/postgres", "-D", path, "-p", std::to_string(port_), "-c",
                                 "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + directory_->path(),
                                 "-c", "fsync=off", "-c", "ssl=on"},
        "postgres", directory_->path() + "/log");
    ASSERT_TRUE(server_->listens(port_));
    for (int i = 0; i < 100; ++i) {
      if (runProgram({"psql", "-X", "-h", "127.0.0.1", "-p", std::to_string(port_), "-U", "loam", "-c", "select 1",
                      "postgres"})
              .status == 0)
        return;
    }
    FAIL() << "the server does not answer";
  }
  static void TearDownTestSuite() {
    server_.reset();
    directory_.reset();
  }

  static inline std::optional<ScratchDirectory> directory_;
  static inline std::optional<RealServer> server_;
  static inline std::uint16_t port_ = 0;
};

TEST_F(PostgresServerTest, AgreesWithPsycopg) {
  RecordingRelay relay(port_);
  const Finished client =
      runProgram({"/usr/bin/python3", kClients + "/postgres_client.py", std::to_string(relay.port())});
  expectAgreement(relay, client, "postgres");
  record(relay, "postgres_client");
}

TEST_F(PostgresServerTest, AgreesWithAPipeline) {
  RecordingRelay relay(port_);
  const Finished client =
      runProgram({"/usr/bin/python3", kClients + "/postgres_pipeline.py", std::to_string(relay.port())});
  expectAgreement(relay, client, "postgres");
  record(relay, "postgres_pipeline");
}

TEST_F(PostgresServerTest, AgreesWithPgbench) {
  for (const std::string mode : {"simple", "extended", "prepared"}) {
    RecordingRelay relay(port_);
    const std::string script = directory_->path() + "/script.sql";
    std::ofstream(script) << "\\set x random(1, 100)\nselect :x;\nbegin;\nselect :x + 1;\nend;\n";
    Finished client = runProgram({"pgbench", "-n", "-M", mode, "-c", "3", "-t", "20", "-f", script,
                                  "host=127.0.0.1 user=loam dbname=postgres sslmode=disable gssencmode=disable port=" +
                                      std::to_string(relay.port())});
    client.output += "\n" + std::to_string(3 * 20 * 4) + " 0\n";
    expectAgreement(relay, client, "postgres");
  }
}

TEST_F(PostgresServerTest, SeesTheHandshakeOfAnEncryptedSession) {
  RecordingRelay relay(port_);
  const Finished client =
      runProgram({"psql", "-X",
                  "sslmode=require gssencmode=disable host=127.0.0.1 user=loam dbname=postgres port=" +
                      std::to_string(relay.port()),
                  "-c", "select 1"});
  EXPECT_EQ(client.status, 0) << shortened(client.output);
  const Seen seen = relay.finish();
  ASSERT_GE(seen.log.size(), 2u);
  EXPECT_EQ(seen.log[0], "protocol postgres");
  EXPECT_EQ(seen.log.back().substr(0, 7), "tls 772");
  EXPECT_EQ(seen.ok + seen.lost, 0);
  record(relay, "postgres_tls");
}

class MariadbServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_.emplace("mysql");
    const std::string path = directory_->path() + "/data";
    const std::string temporary = "--tmpdir=" + directory_->path();  // another's temporary files have the same names
    const Finished made = runProgram({"mariadb-install-db", "--no-defaults", "--datadir=" + path, temporary,
                                      "--auth-root-authentication-method=normal", "--skip-test-db"},
                                     "mysql");
    ASSERT_EQ(made.status, 0) << made.output;
    port_ = freePort();
    server_.emplace(
        std::vector<std::string>{"mariadbd", "--no-defaults", "--datadir=" + path, temporary,
                                 "--port=" + std::to_string(port_), "--bind-address=127.0.0.1",
                                 "--socket=" + directory_->path() + "/socket",
                                 "--pid-file=" + directory_->path() + "/pid", "--local-infile=1", "--skip-log-bin",
                                 "--innodb-flush-log-at-trx-commit=0", "--max-allowed-packet=64M"},
        "mysql", directory_->path() + "/log");
    ASSERT_TRUE(server_->listens(port_));
  }
  static void TearDownTestSuite() {
    server_.reset();
    directory_.reset();
  }

  static inline std::optional<ScratchDirectory> directory_;
  static inline std::optional<RealServer> server_;
  static inline std::uint16_t port_ = 0;
};

TEST_F(MariadbServerTest, AgreesWithPymysql) {
  RecordingRelay relay(port_);
  const Finished client = runProgram({"/usr/bin/python3", kClients + "/mysql_client.py", std::to_string(relay.port())});
  expectAgreement(relay, client, "mysql");
  record(relay, "mysql_client");
}

TEST_F(MariadbServerTest, AgreesWithItsOwnClient) {
  RecordingRelay relay(port_);
  const std::string statements =
      "select 1; select help_topic_id, name from mysql.help_topic; create table mysql.t (a int); alter table mysql.t "
      "force; drop table mysql.t; do 1; selec";
  Finished client = runProgram({"mariadb", "--no-defaults", "-h127.0.0.1", "-P" + std::to_string(relay.port()),
                                "-uroot", "--force", "-e", statements});
  client.status = 0;  // of the statement that fails
  client.output += "\n6 1\n";
  expectAgreement(relay, client, "mysql");
  record(relay, "mysql_mariadb");
}

TEST_F(MariadbServerTest, CompressionIsGivenUpOpenly) {
  RecordingRelay relay(port_);
  const Finished client = runProgram({"mariadb", "--no-defaults", "-h127.0.0.1", "-P" + std::to_string(relay.port()),
                                      "-uroot", "--compress", "-e", "select 1"});
  EXPECT_EQ(client.status, 0) << shortened(client.output);
  EXPECT_EQ(relay.finish().log, (std::vector<std::string>{"protocol mysql", "lost ambiguous"}));
}

class RedisServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_.emplace();
    port_ = freePort();
    server_.emplace(std::vector<std::string>{"redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1",
                                             "--save", "", "--dir", directory_->path()},
                    "", directory_->path() + "/log");
    ASSERT_TRUE(server_->listens(port_));
  }
  static void TearDownTestSuite() {
    server_.reset();
    directory_.reset();
  }

  static inline std::optional<ScratchDirectory> directory_;
  static inline std::optional<RealServer> server_;
  static inline std::uint16_t port_ = 0;
};

TEST_F(RedisServerTest, AgreesWithRedisPy) {
  RecordingRelay relay(port_);
  const Finished client = runProgram({"/usr/bin/python3", kClients + "/redis_client.py", std::to_string(relay.port())});
  expectAgreement(relay, client, "redis");
  record(relay, "redis_client");
}

TEST_F(RedisServerTest, AgreesWithItsOwnClient) {
  for (const std::string version : {"-2", "-3"}) {
    RecordingRelay relay(port_);
    Finished client = runProgram({"redis-cli", version, "-p", std::to_string(relay.port()), "command", "docs"});
    client.output += version == "-2" ? "\n1 0\n" : "\n2 0\n";  // HELLO 3 comes first
    expectAgreement(relay, client, "redis");
  }
}

TEST_F(RedisServerTest, AgreesWithMassInsertion) {
  RecordingRelay relay(port_);
  const std::string path = directory_->path() + "/commands";
  std::ofstream commands(path);
  for (int i = 0; i < 20'000; ++i) commands << "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n";
  commands.close();
  Finished client = runProgram({"sh", "-c", "redis-cli -p " + std::to_string(relay.port()) + " --pipe < " + path});
  client.output += "\n20001 0\n";  // an ECHO tells it the end
  expectAgreement(relay, client, "redis");
}

}  // namespace
}  // namespace loam::decode::testing
