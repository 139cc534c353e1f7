#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "db/restore_ledger.h"
#include "rollout/cli/cli.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam::cli {

/// One run of `loam` in this process.
struct Ran {
  int status = -1;
  std::string out;
  std::string err;
};

/// `loam` against a controller of the test's own.
class CliFixture : public ControllerFixture {
 protected:
  Ran run(std::vector<std::string> arguments) const {
    std::ostringstream out, err;
    Cli cli({out, err}, {directory, directory}, db::restoreLedger);
    const int status = cli.run(std::move(arguments));
    return {status, out.str(), err.str()};
  }
  void fill() {
    post("/v1/reports", wire::encode(report(1)));
    auto hostile = report(2);
    hostile.edges[0].destination = *SocketAddress::parse("10.0.0.3:5432");
    hostile.edges[0].protocol = "postgresql";
    hostile.edges[0].tlsVersion = "TLSv1.3";
    hostile.edges[0].buckets[0].counts.tlsConnections = hostile.edges[0].buckets[0].counts.connections;
    hostile.names.clear();
    EXPECT_EQ(post("/v1/reports", wire::encode(hostile)).status, 200);
  }
};

}  // namespace loam::cli
