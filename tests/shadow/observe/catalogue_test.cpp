#include "shadow/observe/catalogue.h"

#include <gtest/gtest.h>

namespace loam::observe {
namespace {

constexpr const char* kShop = R"(services:
  - name: checkout
    owner: payments
    tags: {tier: gold, pci: "yes"}
    addresses: [10.0.0.0/24:8080, 10.0.1.7, "[2001:db8::/64]:443"]
    hosts: [Checkout.Shop.example, "*.checkout.shop.example"]
  - name: everything
    addresses: 10.0.0.0/8
    hosts: "*.shop.example"
)";

std::string nameOf(const CatalogueService* service) { return service == nullptr ? "none" : service->name; }

TEST(CatalogueTest, ReadsServicesWithTheirTags) {
  const auto catalogue = Catalogue::parse(kShop, "c.yaml");
  ASSERT_TRUE(catalogue) << catalogue.error().describe();
  ASSERT_EQ(catalogue->services().size(), 2u);
  const CatalogueService& checkout = catalogue->services()[0];
  EXPECT_EQ(checkout.owner, "payments");
  EXPECT_EQ(checkout.tags, (std::map<std::string, std::string>{{"tier", "gold"}, {"pci", "yes"}}));
  EXPECT_EQ(checkout.addresses.size(), 3u);
}

TEST(CatalogueTest, TheNarrowestNetworkWinsAndThePortBeforeNone) {
  const auto catalogue = Catalogue::parse(kShop, "c.yaml");
  ASSERT_TRUE(catalogue);
  const auto find = [&](const char* address) {
    const auto at = *SocketAddress::parse(address);
    return nameOf(catalogue->find(at.ip, at.port));
  };
  EXPECT_EQ(find("10.0.0.9:8080"), "checkout");
  EXPECT_EQ(find("10.0.0.9:8081"), "everything");
  EXPECT_EQ(find("10.0.1.7:1"), "checkout");
  EXPECT_EQ(find("10.200.0.1:1"), "everything");
  EXPECT_EQ(find("11.0.0.1:1"), "none");
  EXPECT_EQ(find("[2001:db8::5]:443"), "checkout");
  EXPECT_EQ(find("[2001:db8:0:1::5]:443"), "none");
}

TEST(CatalogueTest, FindsHostsByNameAndPattern) {
  const auto catalogue = Catalogue::parse(kShop, "c.yaml");
  ASSERT_TRUE(catalogue);
  EXPECT_EQ(nameOf(catalogue->findHost("CHECKOUT.shop.example:8443")), "checkout");
  EXPECT_EQ(nameOf(catalogue->findHost("a.b.checkout.shop.example")), "checkout");
  EXPECT_EQ(nameOf(catalogue->findHost("cart.shop.example")), "everything");
  EXPECT_EQ(nameOf(catalogue->findHost("shop.example")), "none");
  EXPECT_EQ(nameOf(catalogue->findHost("notshop.example")), "none");
}

TEST(CatalogueTest, NamesAllProblemsWithTheirPlace) {
  const auto catalogue = Catalogue::parse(R"(services:
  - name: a
    adresses: [10.0.0.1]
    addresses: [10.0.0.300, 10.0.0.1/24, 10.0.0.2:0, "10.0.0.0/33"]
  - owner: x
  - name: a
    name: b
    hosts: ["http://x", "*.*.y"]
  - name: a
    addresses: [10.1.0.1]
  - name: c
    addresses: [10.1.0.1]
servces: []
)",
                                          "c.yaml");
  ASSERT_FALSE(catalogue);
  EXPECT_EQ(catalogue.error().code, ErrorCode::InvalidArgument);
  const std::string& text = catalogue.error().context;
  for (const char* part :
       {"c.yaml:3:5: unknown key \"adresses\" (did you mean addresses?)", "no IP address in \"10.0.0.300\"",
        "bits set beyond the network's 24 in \"10.0.0.1/24\"", "no port from 1 to 65535 in \"10.0.0.2:0\"",
        "no number of bits from 0 to 32 in \"10.0.0.0/33\"", "c.yaml:5:5: the key \"name\" is missing",
        "c.yaml:7:5: the key \"name\" stands here a second time", "\"http://x\" is no host name",
        "\"*.*.y\" is no host name", "\"a\" is the name of another service", "\"10.1.0.1\" belongs to service \"a\"",
        "c.yaml:13:1: unknown key \"servces\""}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
}

TEST(CatalogueTest, AMissingFileIsAnErrorThatNamesIt) {
  const auto catalogue = Catalogue::load("/nonexistent/catalogue.yaml");
  ASSERT_FALSE(catalogue);
  EXPECT_NE(catalogue.error().context.find("/nonexistent/catalogue.yaml"), std::string::npos);
}

TEST(CatalogueTest, AnEmptyFileIsAnEmptyCatalogue) {
  const auto catalogue = Catalogue::parse("", "c.yaml");
  ASSERT_TRUE(catalogue);
  EXPECT_TRUE(catalogue->services().empty());
}

}  // namespace
}  // namespace loam::observe
