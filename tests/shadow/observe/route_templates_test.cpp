#include "shadow/observe/route_templates.h"

#include <gtest/gtest.h>

#include <set>

namespace loam::observe {
namespace {

class RouteTemplatesTest : public testing::Test {
 protected:
  std::string seen(const std::string& text) {
    const std::uint16_t route = templates_.resolve(text);
    templates_.hit(route);
    return templates_.name(route);
  }

  RouteBudget budget_;
  RouteTemplates templates_{budget_};
};

TEST_F(RouteTemplatesTest, ValuesBecomePlaceholdersByTheirShape) {
  const std::pair<const char*, const char*> cases[] = {
      {"GET /users/42", "GET /users/{id}"},
      {"GET /users/-1/", "GET /users/{id}/"},
      {"GET /", "GET /"},
      {"POST /orders/550e8400-e29b-41d4-a716-446655440000/items", "POST /orders/{uuid}/items"},
      {"GET /commits/9fceb02d0ae598e95dc970b74767f19372d61af8", "GET /commits/{hash}"},
      {"GET /blobs/deadbeef00", "GET /blobs/{hash}"},
      {"GET /reports/2026-11-22", "GET /reports/{date}"},
      {"GET /reports/2026-11-22T10:00:00Z/x", "GET /reports/{date}/x"},
      {"GET /mail/bob@example.org", "GET /mail/{email}"},
      {"GET /hosts/10.0.0.1", "GET /hosts/{ip}"},
      {"GET /s/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0", "GET /s/{token}"},
      {"GET /a%20b/c", "GET /{value}/c"},
      {"GET /caf\xc3\xa9/c", "GET /{value}/c"},
      {"GET /api/v1/health", "GET /api/v1/health"},
      {"GET /decade/facade", "GET /decade/facade"},
      {"GET /static/app.min.js", "GET /static/app.min.js"},
      {"GET /find?q=secret", "GET /find"},
      {"GET /find#secret", "GET /find"},
      {"GET http://shop.example/cart/7?x=1", "GET /cart/{id}"},
      {"GET http://shop.example", "GET /"},
      {"OPTIONS *", "OPTIONS *"},
      {"CONNECT shop.example:443", "CONNECT {authority}"},
      {"GET /1/2/3/4/5/6/7/8/9/10/11/12/13/14",
       "GET /{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{rest}"},
  };
  for (const auto& [text, route] : cases) EXPECT_EQ(seen(text), route) << text;
}

TEST_F(RouteTemplatesTest, APositionWithTooManyNamesBecomesAValue) {
  for (std::size_t i = 0; i < RouteTemplates::kMostNames; ++i) {
    const std::string slug = "post-" + std::string(1, static_cast<char>('a' + i));
    EXPECT_EQ(seen("GET /blog/" + slug), "GET /blog/" + slug);
  }
  EXPECT_EQ(seen("GET /blog/one-more"), "GET /blog/{value}");
  EXPECT_EQ(seen("GET /blog/post-a"), "GET /blog/{value}") << "an earlier name follows";
  EXPECT_EQ(seen("GET /blog/two-more/comments"), "GET /blog/{value}/comments");
  EXPECT_EQ(seen("GET /about"), "GET /about") << "other positions stay";
}

TEST_F(RouteTemplatesTest, ABusyNameKeepsItsRouteAmongRareOnes) {
  for (int i = 0; i < 20; ++i) seen("GET /blog/latest");
  for (int i = 0; i < 40; ++i) seen("GET /blog/slug" + std::string(1, static_cast<char>('A' + i)));
  EXPECT_EQ(seen("GET /blog/latest"), "GET /blog/latest");
  EXPECT_EQ(seen("GET /blog/slugA"), "GET /blog/{value}");
}

TEST_F(RouteTemplatesTest, ManyBusyResourcesStayApart) {
  std::vector<std::string> resources;
  for (char c = 'a'; c < 'a' + 26; ++c) resources.push_back(std::string("GET /api/") + c + "-things");
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 18; ++i) seen(resources[static_cast<std::size_t>(i)]);
  }
  for (const std::string& resource : resources) EXPECT_EQ(seen(resource), resource);
}

TEST_F(RouteTemplatesTest, TheSameSequenceGivesTheSameRoutes) {
  RouteBudget otherBudget;
  RouteTemplates other(otherBudget);
  std::uint32_t state = 7;
  for (int i = 0; i < 5000; ++i) {
    state = state * 1664525u + 1013904223u;
    const std::string text = "GET /p" + std::string(1, static_cast<char>('a' + state % 25)) + "/x" +
                             std::to_string((state >> 8) % 9) + "y/z" +
                             std::string(1, static_cast<char>('a' + (state >> 20) % 26)) +
                             std::string(1, static_cast<char>('a' + (state >> 25) % 26));
    const std::uint16_t route = other.resolve(text);
    other.hit(route);
    ASSERT_EQ(seen(text), other.name(route));
  }
}

TEST_F(RouteTemplatesTest, E12_AMillionPathsMakeAHundredRoutesAndOther) {
  std::set<std::string> names;
  std::uint32_t state = 1;
  for (int i = 0; i < 1'000'000; ++i) {
    std::string text = "GET ";
    for (int depth = 0; depth < 4; ++depth) {
      text.push_back('/');
      for (int letter = 0; letter < 6; ++letter) {
        state = state * 1664525u + 1013904223u;
        text.push_back(static_cast<char>('g' + (state >> 24) % 19));
      }
    }
    names.insert(seen(text));
    if (i % 1000 == 0) templates_.recycle();
  }
  EXPECT_LE(names.size(), 2 * RouteTemplates::kMostRoutes);
  EXPECT_GE(budget_.nodes, RouteBudget().nodes - RouteTemplates::kMostNodes);
}

TEST_F(RouteTemplatesTest, ARouteBeyondTheLimitIsOther) {
  for (std::size_t i = 0; i < RouteTemplates::kMostRoutes; ++i) {
    EXPECT_NE(templates_.literal("/pkg.Service/Method" + std::to_string(i)), RouteTemplates::kOther);
  }
  EXPECT_EQ(templates_.literal("/pkg.Service/Next"), RouteTemplates::kOther);
  EXPECT_NE(templates_.literal("/pkg.Service/Method7"), RouteTemplates::kOther);
}

TEST_F(RouteTemplatesTest, RoutesOfFoldedNamesAreUsedAgain) {
  for (int i = 0; i < 21; ++i) seen("GET /a/" + std::string(1, static_cast<char>('a' + i)));
  templates_.recycle();
  for (int i = 0; i < 98; ++i) EXPECT_NE(templates_.literal("/x/" + std::to_string(i)), RouteTemplates::kOther) << i;
}

TEST_F(RouteTemplatesTest, TheBudgetComesBackWithTheEdge) {
  {
    RouteTemplates short_(budget_);
    for (int i = 0; i < 60; ++i)
      short_.hit(short_.resolve("GET /a/" + std::string(1, static_cast<char>('A' + i)) + "/b"));
    EXPECT_LT(budget_.nodes, RouteBudget().nodes);
    EXPECT_LT(budget_.routes, RouteBudget().routes);
  }
  EXPECT_EQ(budget_.nodes, RouteBudget().nodes);
  EXPECT_EQ(budget_.routes, RouteBudget().routes);
}

}  // namespace
}  // namespace loam::observe
