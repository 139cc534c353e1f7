#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/json_view.h"
#include "shadow/graph/security.h"

namespace loam::graph {

namespace {

/// A field by RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front (E11).
std::string field(std::string_view text) {
  std::string out;
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) out += '\'';
  out += text;
  if (out.find_first_of("\",\n\r;'") == std::string::npos) return out;
  return "\"" + replaceEach(out, "\"", {"\"\""}) + "\"";
}

}  // namespace

/// The header as comment lines, then the names of the columns, then one edge a line.
std::string exportCsv(const Graph& graph) {
  std::string out;
  for (const std::string& line : headerLines(graph.header))
    out += field("# " + replaceEach(line, "\n\r", {" ", " "})) + "\r\n";
  out +=
      "source,target,protocol,port,connections,requests,errors,bytes_sent,bytes_received,p50_ms,p99_ms,tls,first_seen,"
      "last_seen,captured,security,mutual_connections,plaintext_connections,local_connections,unasked_connections,"
      "denied_connections,plaintext_reasons,last_plaintext,identities\r\n";
  for (const Edge& edge : graph.edges) {
    const std::string fields[] = {
        field(edge.source),
        field(edge.target),
        field(edge.protocol),
        std::to_string(edge.port),
        std::to_string(edge.counts.connections),
        std::to_string(edge.counts.requests),
        std::to_string(edge.counts.errors),
        std::to_string(edge.counts.bytesSent),
        std::to_string(edge.counts.bytesReceived),
        decimal(edge.p50Ms),
        decimal(edge.p99Ms),
        field(edge.tls),
        rfc3339(edge.firstSeen),
        rfc3339(edge.lastSeen),
        edge.captured ? "true" : "false",
        std::string(stateOf(edge.security)),
        std::to_string(edge.security.mutual),
        std::to_string(edge.security.plaintext),
        std::to_string(edge.security.local),
        std::to_string(edge.security.unasked),
        std::to_string(edge.counts.denied),
        field(reasonsText(edge.security)),
        edge.security.lastPlaintext ? rfc3339(*edge.security.lastPlaintext) : "",
        field(identitiesText(edge.security)),
    };
    std::string line;
    for (const std::string& text : fields) line += (line.empty() ? "" : ",") + text;
    out += line + "\r\n";
  }
  return out;
}

}  // namespace loam::graph
