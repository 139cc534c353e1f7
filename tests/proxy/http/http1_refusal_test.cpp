#include <string>
#include <vector>

#include "tests/proxy/http/http_fixture.h"

namespace loam::http {
namespace {

/// Bytes of a request that a strict server has to refuse, and how.
struct Refusal {
  const char* what;
  std::string bytes;
  int status;
};

class Http1RefusalTest : public HttpFixture {
 protected:
  /// A good request behind each bad one shows that nothing after it is read as a request.
  void expectRefused(const std::vector<Refusal>& table) {
    serve();
    for (const Refusal& refusal : table) {
      const auto before = server->counters().requests;
      const auto fd = connect();
      say(fd, refusal.bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
      const auto heard = hearAll(fd);
      const std::string start = "HTTP/1.1 " + std::to_string(refusal.status) + " ";
      EXPECT_EQ(heard.bytes.rfind(start, 0), 0u) << refusal.what << ": " << heard.bytes.substr(0, 60);
      EXPECT_TRUE(heard.closed) << refusal.what;
      EXPECT_EQ(heard.bytes.find("smuggled"), std::string::npos) << refusal.what;
      EXPECT_NE(heard.bytes.find("Connection: close\r\n"), std::string::npos) << refusal.what;
      EXPECT_EQ(server->counters().requests, before) << refusal.what;
    }
  }

  static std::string post(const std::string& fields, const std::string& body = "") {
    return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
  }
};

TEST_F(Http1RefusalTest, A1_LengthBesideTransferEncoding) {
  expectRefused({{"length first", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
                 {"coding first", post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n"), 400}});
}

TEST_F(Http1RefusalTest, A2_SeveralLengths) {
  expectRefused({{"different", post("Content-Length: 5\r\nContent-Length: 6\r\n", "12345"), 400},
                 {"equal", post("Content-Length: 5\r\nContent-Length: 5\r\n", "12345"), 400},
                 {"list", post("Content-Length: 5, 6\r\n", "12345"), 400}});
}

TEST_F(Http1RefusalTest, A3_LengthsThatAreNoNumber) {
  std::vector<Refusal> table;
  for (const char* value : {"+5", "-1", "0x10", "5Z", "5_0", "", "9223372036854775808", "1 2"}) {
    table.push_back({value, post(std::string("Content-Length: ") + value + "\r\n", "12345"), 400});
  }
  expectRefused(table);
}

TEST_F(Http1RefusalTest, A4_CodingsOtherThanOneChunked) {
  std::vector<Refusal> table;
  for (const char* value :
       {",chunked", "xchunked", "chunked, gzip", "gzip, chunked", "identity", "chunked;q=1", "\"chunked\"",
        "\x0b"
        "chunked",
        "\xa0"
        "chunked",
        "chunked, chunked"}) {
    table.push_back({value, post(std::string("Transfer-Encoding: ") + value + "\r\n", "0\r\n\r\n"), 400});
  }
  table.push_back({"twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400});
  table.push_back({"in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400});
  expectRefused(table);
}

TEST_F(Http1RefusalTest, A5_FieldLinesThatAreNone) {
  std::vector<Refusal> table;
  for (const char* line : {"Name : v", "Name\t: v", " folded", "no colon", ": empty", "Na(me: v", "Na\x01me: v"}) {
    table.push_back({line, post(std::string("A: b\r\n") + line + "\r\n"), 400});
  }
  expectRefused(table);
}

TEST_F(Http1RefusalTest, A6_ControlBytesInAValue) {
  std::vector<Refusal> table;
  for (const char byte : {'\0', '\x01', '\x0b', '\x1b', '\x7f'}) {
    table.push_back({"control", post(std::string("A: x") + byte + "y\r\n"), 400});
  }
  expectRefused(table);
}

TEST_F(Http1RefusalTest, A7_BareLineEnds) {
  expectRefused({{"bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400},
                 {"one bare LF", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400},
                 {"bare CR", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400},
                 {"LF before a request", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400}});
}

TEST_F(Http1RefusalTest, A8_ChunksThatAreNone) {
  std::vector<Refusal> table;
  for (const char* body :
       {"0x3\r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n", "3_0\r\nabc\r\n", " 3\r\nabc\r\n0\r\n\r\n", "\r\nabc",
        "00000000000000003\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n", "3\r\nabc0\r\n\r\n", "0\r\nX\r\n",
        "3\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\n"}) {
    table.push_back({body, post("Transfer-Encoding: chunked\r\n", body), 400});
  }
  expectRefused(table);
}

TEST_F(Http1RefusalTest, A9_ChunkExtensionsThatAreTooLongOrBroken) {
  expectRefused(
      {{"long", post("Transfer-Encoding: chunked\r\n", "3;" + std::string(300, 'a') + "\r\nabc\r\n0\r\n\r\n"), 400},
       {"LF", post("Transfer-Encoding: chunked\r\n", "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"), 400}});
}

TEST_F(Http1RefusalTest, A14_StartLinesThatAreNone) {
  expectRefused({{"tab", "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n", 400},
                 {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
                 {"fragment", "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
                 {"not ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
                 {"0.9", "GET /\r\n\r\n", 400},
                 {"version 2", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
                 {"version 1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
                 {"lower case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
                 {"method", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
                 {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
                 {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
                 {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11), 400}});
}

TEST_F(Http1RefusalTest, A15_WhatIsTooLong) {
  std::string many;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  expectRefused({{"line", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
                 {"endless line", "GET /" + std::string(20'000, 'a'), 414},
                 {"head", post("A: " + std::string(70'000, 'a') + "\r\n"), 431},
                 {"endless head", "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(100'000, 'a'), 431},
                 {"fields", post(many), 431}});
}

TEST_F(Http1RefusalTest, A13_GarbageAfterAGoodRequestIsRefusedAlone) {
  serve();
  const auto fd = connect();
  say(fd, "GET /good HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto heard = hearAll(fd);
  EXPECT_EQ(heard.bytes.rfind("HTTP/1.1 200 ", 0), 0u);
  EXPECT_NE(heard.bytes.find("GET /good|HTTP/1.1 400 "), std::string::npos) << heard.bytes;
  EXPECT_EQ(heard.bytes.find("smuggled"), std::string::npos);
  EXPECT_TRUE(heard.closed);
}

}  // namespace
}  // namespace loam::http
