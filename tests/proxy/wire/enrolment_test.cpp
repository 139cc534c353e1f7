#include "proxy/wire/enrolment.h"

#include <gtest/gtest.h>

namespace loam::wire {
namespace {

Trust sample() {
  Trust trust;
  trust.step = 7;
  trust.issuing = std::string(64, 'a');
  trust.roots = {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"};
  trust.denied = {{Denied::Of::Name, "spiffe://loam/proxy/node-b", 1'800'000'000},
                  {Denied::Of::Serial, "7f01", 1'700'000'000}};
  return trust;
}

TEST(EnrolmentTest, ReadsBackWhatItWrote) {
  const Join join{"node-a", "loam-join-x", "-----BEGIN CERTIFICATE REQUEST-----\n"};
  EXPECT_EQ(decodeJoin(encode(join)), join);
  const Renew renew{"-----BEGIN CERTIFICATE REQUEST-----\n"};
  EXPECT_EQ(decodeRenew(encode(renew)), renew);
  const Enrolment enrolment{"-----BEGIN CERTIFICATE-----\n", sample()};
  EXPECT_EQ(decodeEnrolment(encode(enrolment)), enrolment);
}

TEST(EnrolmentTest, NamesEveryProblem) {
  const auto join = decodeJoin(R"({"proxy":1,"tokn":"x"})");
  ASSERT_FALSE(join);
  for (const char* place : {"/proxy", "/tokn", "token", "csr"}) {
    EXPECT_NE(join.error().context.find(place), std::string::npos) << place << " in " << join.error().context;
  }
  const auto enrolment = decodeEnrolment(
      R"({"chain":"c","trust":{"step":-1,"issuing":"a","roots":"r","denied":[{"of":"all","value":"v","until":1}]}})");
  ASSERT_FALSE(enrolment);
  for (const char* place : {"/trust/step", "/trust/roots", "/trust/denied/0/of"}) {
    EXPECT_NE(enrolment.error().context.find(place), std::string::npos) << place << " in " << enrolment.error().context;
  }
}

TEST(EnrolmentTest, NoErrorShowsAToken) {
  const std::string secret = "loam-join-" + std::string(300, 'S');
  for (const std::string& text : {R"({"proxy":"p","csr":"c","token":")" + secret + "\"}",
                                  R"({"proxy":"p","token":")" + secret + "\"}", R"({"token":")" + secret}) {
    const auto join = decodeJoin(text);
    ASSERT_FALSE(join);
    EXPECT_EQ(join.error().context.find("SSS"), std::string::npos) << join.error().context;
  }
}

TEST(EnrolmentTest, BodiesAreBounded) {
  EXPECT_FALSE(decodeJoin(R"({"proxy":"p","token":"t","csr":")" + std::string(40'000, 'c') + "\"}"));
  EXPECT_FALSE(decodeEnrolment(std::string(kMostEnrolmentBytes + 1, ' ')));
}

}  // namespace
}  // namespace loam::wire
