#include "rollout/cli/cli.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "proxy/base/kill_file.h"
#include "proxy/http/date.h"
#include "rollout/cli/completion.h"
#include "rollout/cli/man_page.h"
#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

class CliTest : public CliFixture {
 protected:
  /// Without what depends on the moment.
  static std::string body(const std::string& out) { return out.substr(out.find("SOURCE")); }
};

TEST_F(CliTest, GraphShowPrintsAnEdgeTableUnderItsHeader) {
  fill();
  const std::int64_t end = unixSeconds(clock.wall()) / wire::kBucketSeconds * wire::kBucketSeconds;
  const Ran ran = run({"graph", "show", "--from", std::to_string(end - 100), "--to", std::to_string(end)});
  EXPECT_EQ(ran.status, kOk) << ran.err;
  EXPECT_EQ(ran.out.rfind("window    ", 0), 0u) << ran.out;
  EXPECT_NE(ran.out.find("\ncoverage  web-1 "), std::string::npos) << ran.out;
  EXPECT_EQ(body(ran.out),
            "SOURCE    TARGET         PROTOCOL    PORT    RATE  ERRORS      P50      P99  TLS      CAPTURED\n"
            "frontend  10.0.0.3:5432  postgresql  5432  0.10/s   10.0%  4.86 ms  5.12 ms  TLSv1.3  yes\n"
            "frontend  checkout.shop  http1         80  0.10/s   10.0%  4.86 ms  5.12 ms  none     yes\n");
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST_F(CliTest, EveryFormOfOutputHasTheSameEdges) {
  fill();
  const Ran json = run({"graph", "show", "-o", "json"});
  EXPECT_EQ((*parseJson(json.out))["edges"].size(), 2u);
  const Ran lines = run({"edge", "list", "-o", "ndjson"});
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 2);
  EXPECT_TRUE(parseJson(lines.out.substr(0, lines.out.find('\n'))));
  const Ran names = run({"edge", "list", "-o", "name", "--target", "checkout.shop"});
  EXPECT_EQ(names.out, "frontend -> checkout.shop http1/80\n");
  const Ran yaml = run({"edge", "list", "-o", "yaml"});
  EXPECT_NE(yaml.out.find("target: \"checkout.shop\""), std::string::npos) << yaml.out;
  EXPECT_NE(yaml.out.find("port: 5432"), std::string::npos) << yaml.out;
  const Ran wide = run({"edge", "list", "-o", "wide"});
  EXPECT_NE(wide.out.find("SEEN BY"), std::string::npos);
}

TEST_F(CliTest, ServicesAreListedAndDescribed) {
  fill();
  EXPECT_EQ(run({"service", "list", "-o", "name"}).out, "10.0.0.3:5432\ncheckout.shop\nfrontend\n");
  const Ran one = run({"service", "describe", "checkout.shop"});
  EXPECT_EQ(one.status, kOk);
  EXPECT_NE(one.out.find("callers\n"), std::string::npos) << one.out;
  EXPECT_NE(one.out.find("GET /users/{id}"), std::string::npos) << one.out;
}

TEST_F(CliTest, AnUnknownServiceIsNotFoundWithTheNearestName) {
  fill();
  const Ran ran = run({"service", "describe", "chekout.shop"});
  EXPECT_EQ(ran.status, kNotFound);
  EXPECT_NE(ran.err.find("did you mean checkout.shop?"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.out, "");
}

TEST_F(CliTest, ANodeGetsAName) {
  fill();
  const Ran named = run({"node", "name", "10.0.0.3", "orders-db", "--reason", "I set it up"});
  EXPECT_EQ(named.status, kOk) << named.err;
  EXPECT_NE(run({"events"}).out.find("node.name: I set it up"), std::string::npos);
  EXPECT_NE(run({"edge", "list", "-o", "name"}).out.find("frontend -> orders-db postgresql/5432"), std::string::npos);
  EXPECT_EQ(run({"node", "name", "nobody", "x"}).status, kNotFound);
}

TEST_F(CliTest, ExportAndDiffComeFromTheController) {
  fill();
  const Ran dot = run({"graph", "export", "--format", "dot"});
  EXPECT_NE(dot.out.find("digraph"), std::string::npos);
  EXPECT_EQ(run({"graph", "export", "--format", "svg"}).status, kUsage);
  const Ran diff = run({"graph", "diff", "--before", "-2h..-1h", "--after", "-5m"});
  EXPECT_EQ(diff.status, 1) << diff.err;
  EXPECT_NE(diff.out.find("+ frontend -> checkout.shop http1/80  NEW"), std::string::npos) << diff.out;
  EXPECT_EQ(run({"graph", "diff", "--before", "-3h..-2h", "--after", "-2h..-1h"}).status, 0);
}

TEST_F(CliTest, TopAndProxiesShowThePresent) {
  fill();
  const Ran top = run({"top", "--once", "--sort", "errors"});
  EXPECT_EQ(top.status, kOk) << top.err;
  EXPECT_NE(top.out.find("checkout.shop"), std::string::npos);
  EXPECT_EQ(top.out.find("\x1b"), std::string::npos);
  const Ran proxies = run({"proxy", "list"});
  EXPECT_NE(proxies.out.find("web-1"), std::string::npos);
  EXPECT_NE(proxies.out.find("reporting"), std::string::npos);
}

TEST_F(CliTest, AControllerThatIsNotThereIsUnreachable) {
  const Ran ran = run({"graph", "show", "--controller", "/nonexistent/c.sock"});
  EXPECT_EQ(ran.status, kUnreachable);
  EXPECT_NE(ran.err.find("/nonexistent/c.sock"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(run({"capture", "show", "--guard", "/nonexistent/g.sock"}).status, kUnreachable);
}

TEST_F(CliTest, WrongUsageEndsWithTwo) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"grpah"},
                                                {"graph"},
                                                {"graph", "show", "--nope"},
                                                {"graph", "show", "-o", "xml"},
                                                {"node", "name", "x"},
                                                {"graph", "show", "--window", "yesterday"},
                                                {"graph", "show", "--controller", "nowhere"},
                                                {"top", "--interval", "0"},
                                                {"observe", "--listen", "127.0.0.1:1"},
                                                {"capture", "apply"}}) {
    EXPECT_EQ(run(words).status, kUsage) << testing::PrintToString(words);
  }
  EXPECT_EQ(run({"--help"}).status, kOk);
  EXPECT_EQ(run({"--version"}).out, "loam " LOAM_VERSION "\n");
  EXPECT_EQ(run({"version"}).out, "loam " LOAM_VERSION "\n");
}

TEST_F(CliTest, DoctorNamesEveryCheckAndEndsByTheWorst) {
  const Ran ran = run({"doctor", "-o", "json"});
  const auto document = parseJson(ran.out);
  ASSERT_TRUE(document) << ran.out;
  int worst = 0;
  bool controller = false;
  for (const Json::Value& check : (*document)["checks"]) {
    const std::string verdict = check["verdict"].asString();
    worst = std::max(worst, verdict == "fail" ? 2 : verdict == "warn" ? 1 : 0);
    if (check["id"].asString() == "LD-0201") controller = verdict == "ok";
  }
  EXPECT_EQ(ran.status, worst);
  EXPECT_TRUE(controller);
}

TEST_F(CliTest, AKillOfThisHostNeedsNoController) {
  const std::string nowhere = directory / "no-controller.sock";
  const auto local = [&](std::vector<std::string> words) {
    std::ostringstream out, err;
    Cli cli({out, err}, {directory, nowhere});
    const int status = cli.run(std::move(words));
    return Ran{status, out.str(), err.str()};
  };
  EXPECT_EQ(local({"proxy", "kill"}).status, kUsage) << "not by a slip of the fingers";
  EXPECT_EQ(readKill(directory), std::nullopt);
  EXPECT_EQ(local({"proxy", "kill", "--local", "--reason", "requests hang"}).status, kOk);
  const auto order = readKill(directory);
  ASSERT_TRUE(order && *order);
  EXPECT_EQ((*order)->why, "requests hang");
  EXPECT_FALSE((*order)->who.empty());
  EXPECT_GT((*order)->when, 1'700'000'000);
  EXPECT_EQ(local({"proxy", "restore", "--local"}).status, kOk);
  EXPECT_EQ(readKill(directory), std::nullopt);
  EXPECT_NE(local({"proxy", "restore", "--local"}).err.find("nothing was killed"), std::string::npos);
  const Ran missing = local({"proxy", "kill", "--local", "--state-dir", directory / "none"});
  EXPECT_EQ(missing.status, kNotFound);
  EXPECT_NE(missing.err.find("--state-dir"), std::string::npos) << missing.err;
}

TEST_F(CliTest, AProxyThatWasKilledOnItsHostIsShown) {
  wire::Watch watch;
  watch.proxy = "web-1";
  watch.killed = true;
  post("/v1/watch", wire::encode(watch));
  EXPECT_NE(run({"proxy", "list"}).out.find("killed"), std::string::npos) << run({"proxy", "list"}).out;
  const Ran one = run({"proxy", "describe", "web-1"});
  EXPECT_NE(one.out.find("killed         on its own host"), std::string::npos) << one.out;
}

TEST_F(CliTest, D8_AProxyWhoseClockIsOffIsShown) {
  wire::Watch watch;
  watch.proxy = "web-1";
  const auto askAt = [&](Wall wall) {
    return send({.method = "POST",
                 .target = "/v1/watch",
                 .headers = {{"Content-Type", "application/json"}, {"Date", http::dateText(wall)}},
                 .body = wire::encode(watch)});
  };
  const auto clocks = [&] {
    const auto document = parseJson(run({"doctor", "-o", "json"}).out);
    for (const Json::Value& check : (*document)["checks"]) {
      if (check["id"] == "LD-0209") return check["verdict"].asString() + ": " + check["measured"].asString();
    }
    return std::string();
  };
  askAt(clock.wall());
  EXPECT_EQ(clocks().substr(0, 3), "ok:");
  EXPECT_NE(run({"proxy", "describe", "web-1"}).out.find("clock          agrees with"), std::string::npos);
  askAt(clock.wall() - std::chrono::hours(4));
  EXPECT_EQ(clocks(), "warn: web-1 is 4h behind the controller's");
  const Ran off = run({"proxy", "describe", "web-1"});
  EXPECT_NE(off.out.find("clock          4h behind the controller's: set one of them right"), std::string::npos)
      << off.out;
  EXPECT_NE(get("/metrics").body.find("loam_controller_proxy_clock_ahead_seconds{proxy=\"web-1\"} -144"),
            std::string::npos);
}

TEST_F(CliTest, HelpAndManPagesSayTheSame) {
  std::ostringstream out, err;
  const Cli cli({out, err}, {directory, directory});
  const auto tree = commandTree(cli.app());
  EXPECT_GT(tree.size(), 20u);
  for (const auto& [name, command] : tree) {
    std::string page = manPage(name, *command);
    std::erase(page, '\\');
    EXPECT_EQ(page.rfind(".TH ", 0), 0u) << name;
    const std::string help = command->help();
    for (const CLI::Option* option : command->get_options()) {
      EXPECT_NE(page.find(option->get_description()), std::string::npos) << name << " " << option->get_name();
      for (const std::string& text : option->get_lnames()) {
        EXPECT_NE(page.find("--" + text), std::string::npos) << name << " " << text;
        EXPECT_NE(help.find("--" + text), std::string::npos) << name << " " << text;
      }
    }
    EXPECT_FALSE(command->get_description().empty()) << name;
  }
}

TEST_F(CliTest, ManPagesAreWritten) {
  EXPECT_EQ(run({"man", directory}).status, kOk);
  for (const char* page : {"loam", "loam-graph-show", "loam-edge-describe", "loam-apply", "loam-flag-history",
                           "loam-restore", "loam-man"}) {
    EXPECT_TRUE(std::filesystem::exists(directory / (std::string(page) + ".1"))) << page;
  }
  EXPECT_EQ(run({"man", "/nonexistent"}).status, kError);
  EXPECT_EQ(run({"man"}).out.rfind(".TH LOAM 1", 0), 0u);
  const std::string page = manPageOfHelp("loam-proxy", "Carries traffic.\n--config FILE\n'quoted\n");
  EXPECT_NE(page.find("loam\\-proxy \\- Carries traffic\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\n\\&'quoted"), std::string::npos) << page;
}

TEST_F(CliTest, CompletionKnowsTheNamesOfTheController) {
  fill();
  EXPECT_EQ(run({"__complete", "--", "service", "describe", "che"}).out, "checkout.shop\n");
  EXPECT_EQ(run({"__complete", "--", "flag", "set", "checkout.shop", "ra"}).out, "rate_limit\n");
  EXPECT_EQ(run({"__complete", "--", "flag", "set", "checkout.shop", "mtls", "per"}).out, "permissive\n");
  EXPECT_EQ(run({"__complete", "--", "flag", "set", "--percent", "5", "checkout.shop", "mtls", "st"}).out, "strict\n");
  EXPECT_EQ(run({"__complete", "--", "flag", "list", "--feature", "obs"}).out, "observe\n");
  EXPECT_EQ(run({"__complete", "--", "flag", "set", "--reason", ""}).out, "");
  EXPECT_NE(run({"__complete", "--", "flag", "set", "checkout.shop", "--re"}).out.find("--reason\n"),
            std::string::npos);
  ASSERT_EQ(run({"freeze", "begin", "--reason", "x"}).status, kOk);
  EXPECT_EQ(run({"__complete", "--", "freeze", "lift", ""}).out.rfind("fr-", 0), 0u);
}

TEST_F(CliTest, CompletionFollowsTheCommandTree) {
  EXPECT_EQ(run({"__complete", "--", "gra"}).out, "graph\n");
  EXPECT_EQ(run({"__complete", "--", "graph", ""}).out, "diff\nexport\nshow\n");
  EXPECT_NE(run({"__complete", "--", "graph", "show", "--fo"}).out.find("--focus\n"), std::string::npos);
  EXPECT_EQ(run({"__complete", "--", "zzz"}).out, "");
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_NE(run({"completion", shell}).out.find("__complete"), std::string::npos) << shell;
  }
  EXPECT_EQ(run({"completion", "csh"}).status, kUsage);
}

}  // namespace
}  // namespace loam::cli
