#include "proxy/guard/nft.h"

#include <nftables/libnftables.h>

#include <cerrno>

namespace loam::guard {

namespace {

/// The first line of nft's complaint: the rest repeats the text with carets under it.
std::string firstLine(const char* text) {
  std::string line(text ? text : "");
  line.resize(std::min(line.find('\n'), line.size()));
  return line.empty() ? "nft failed without a word" : line;
}

ErrorCode codeOf(const std::string& complaint) {
  const auto says = [&](const char* what) { return complaint.find(what) != std::string::npos; };
  if (says("Operation not permitted") || says("must be root")) return ErrorCode::Denied;
  if (says("No such file")) return ErrorCode::NotFound;
  if (says("File exists") || says("Device or resource busy")) return ErrorCode::Conflict;
  if (says("not supported") || says("Protocol not available")) return ErrorCode::Unsupported;
  return ErrorCode::Io;
}

}  // namespace

void Nft::Free::operator()(nft_ctx* context) const { ::nft_ctx_free(context); }

Result<Nft> Nft::open() {
  nft_ctx* context = ::nft_ctx_new(NFT_CTX_DEFAULT);
  if (!context) return fail(ErrorCode::Unsupported, "libnftables cannot open its netlink socket");
  Nft nft(context);
  ::nft_ctx_buffer_output(context);
  ::nft_ctx_buffer_error(context);
  ::nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_STATELESS);
  return nft;
}

Status Nft::run(const std::string& transaction) {
  const auto done = list(transaction);
  if (!done) return fail(done.error());
  return {};
}

Result<std::string> Nft::list(const std::string& command) {
  const int result = ::nft_run_cmd_from_buffer(context_.get(), command.c_str());
  const std::string output = ::nft_ctx_get_output_buffer(context_.get());
  const std::string complaint = firstLine(::nft_ctx_get_error_buffer(context_.get()));
  if (result == 0) return output;
  return fail(codeOf(complaint), "nftables: " + complaint);
}

Status Nft::check(const std::string& transaction) {
  ::nft_ctx_set_dry_run(context_.get(), true);
  Status status = run(transaction);
  ::nft_ctx_set_dry_run(context_.get(), false);
  return status;
}

}  // namespace loam::guard
