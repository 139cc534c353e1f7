#include "proxy/guard/settings_file.h"

#include <gtest/gtest.h>

namespace loam::guard {
namespace {

TEST(SettingsFileTest, ReadsEverything) {
  const auto settings = parseGuardSettings(R"(
socket: /run/loam/guard.sock
state_dir: /var/lib/loam
user: "991"
capture:
  outbound: true
  inbound: [80, 8000-8002]
  exclude_ports: 22
  exclude_addresses: [10.0.0.0/8, "fd00::/8"]
  exclude_users: [root, 33]
  dns_answers: false
footprint:
  outbound_port: 17410
  route_table: 900
)",
                                           "guard.yaml");
  ASSERT_TRUE(settings) << settings.error().context;
  EXPECT_EQ(settings->socket, "/run/loam/guard.sock");
  EXPECT_EQ(settings->state, "/var/lib/loam");
  EXPECT_TRUE(settings->capture.outbound);
  EXPECT_TRUE(settings->capture.inbound);
  EXPECT_EQ(settings->capture.inboundPorts, (std::vector<std::uint16_t>{80, 8000, 8001, 8002}));
  EXPECT_EQ(settings->capture.excludePorts, std::vector<std::uint16_t>{22});
  EXPECT_EQ(settings->capture.excludeAddresses.size(), 2u);
  EXPECT_EQ(settings->capture.excludeUsers, (std::vector<std::uint32_t>{0, 33}));
  EXPECT_FALSE(settings->capture.dnsAnswers);
  EXPECT_EQ(settings->footprint.outboundPort, 17410);
  EXPECT_EQ(settings->footprint.routeTable, 900u);
}

TEST(SettingsFileTest, InboundIsAllOrNoneOrPorts) {
  EXPECT_TRUE(parseGuardSettings("capture: {inbound: all}", "f")->capture.inbound);
  EXPECT_TRUE(parseGuardSettings("capture: {inbound: all}", "f")->capture.inboundPorts.empty());
  EXPECT_FALSE(parseGuardSettings("capture: {inbound: none}", "f")->capture.inbound);
  EXPECT_FALSE(parseGuardSettings("capture: {inbound: some}", "f"));
  EXPECT_FALSE(parseGuardSettings("", "f")->capture.inbound);
}

TEST(SettingsFileTest, G9_EveryMistakeIsNamedWithItsPlace) {
  const auto settings = parseGuardSettings(
      "capture:\n  outbound: maybe\n  exclude_ports: [0, 99999]\n  colour: red\nfootprint:\n  zone: -1\nsocket: "
      "a\nsocket: b\n",
      "g.yaml");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, ErrorCode::InvalidArgument);
  const std::string& text = settings.error().context;
  for (const char* part :
       {"g.yaml:2:13: expected true or false", "g.yaml:3:19: '0' is no list of ports",
        "g.yaml:3:22: '99999' is no list", "g.yaml:4:3: unknown key 'colour'", "g.yaml:6:9: expected a whole number",
        "g.yaml:8:1: key 'socket' stands here a second time"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
}

TEST(SettingsFileTest, BrokenYamlIsAMistakeWithAPlace) {
  const auto settings = parseGuardSettings("capture: [\n", "g.yaml");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().context.rfind("g.yaml:", 0), 0u) << settings.error().context;
  EXPECT_FALSE(parseGuardSettings("- a\n- b\n", "g.yaml"));
}

TEST(SettingsFileTest, ContradictionsAreRefused) {
  EXPECT_FALSE(parseGuardSettings("footprint: {outbound_port: 7411}", "g"));
  EXPECT_FALSE(parseGuardSettings("footprint: {route_table: 254}", "g"));
  EXPECT_FALSE(parseGuardSettings("footprint: {mark: 5, transparent_mark: 5}", "g"));
}

TEST(SettingsFileTest, PortsAreListsAndRanges) {
  EXPECT_EQ(*parsePorts("80,443,8000-8002"), (std::vector<std::uint16_t>{80, 443, 8000, 8001, 8002}));
  for (const char* text : {"", "0", "80,", "80,,443", "90-80", "1-65535", "65536", "http", "80 ", "-1", "80-"}) {
    EXPECT_FALSE(parsePorts(text)) << text;
  }
}

TEST(SettingsFileTest, UsersAreNamesOrNumbers) {
  EXPECT_EQ(*parseUser("root"), 0u);
  EXPECT_EQ(*parseUser("1234"), 1234u);
  EXPECT_EQ(parseUser("no-such-user-here").error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace loam::guard
