#include "rollout/notify/signature.h"

#include <gtest/gtest.h>

namespace loam::notify {
namespace {

TEST(SignatureTest, TheCodeIsThatOfRfc4231) {
  EXPECT_EQ(hmacSha256Hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmacSha256Hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/// What Python's hmac makes of the same secret, time and body.
TEST(SignatureTest, TimeAndBodyAreSigned) {
  EXPECT_EQ(signatureOf("a secret of sixteen", 1764201600, R"({"event":"test"})"),
            "t=1764201600,v1=a03176b8ad1b78f527e2f901a5d162fc456bf2fd1d864749144d808ccdc20b9c");
  EXPECT_NE(signatureOf("a secret of sixteen", 1764201601, "x").substr(13),
            signatureOf("a secret of sixteen", 1764201600, "x").substr(13));
}

}  // namespace
}  // namespace loam::notify
