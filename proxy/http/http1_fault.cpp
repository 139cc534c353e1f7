#include "proxy/http/http1_head.h"

namespace loam::http {

std::string_view name(HeadFault fault) {
  switch (fault) {
    case HeadFault::None:
      return "none";
    case HeadFault::Incomplete:
      return "incomplete";
    case HeadFault::StartLine:
      return "start_line";
    case HeadFault::Method:
      return "method";
    case HeadFault::Target:
      return "target";
    case HeadFault::Version:
      return "version";
    case HeadFault::BareLf:
      return "bare_lf";
    case HeadFault::BareCr:
      return "bare_cr";
    case HeadFault::FieldName:
      return "field_name";
    case HeadFault::ObsFold:
      return "obs_fold";
    case HeadFault::FieldValue:
      return "field_value";
    case HeadFault::ContentLength:
      return "content_length";
    case HeadFault::TransferEncoding:
      return "transfer_encoding";
    case HeadFault::BothLengths:
      return "both_lengths";
    case HeadFault::Host:
      return "host";
    case HeadFault::LineTooLong:
      return "line_too_long";
    case HeadFault::TooManyFields:
      return "too_many_fields";
  }
  return "none";
}

int statusFor(HeadFault fault) {
  switch (fault) {
    case HeadFault::Version:
      return 505;
    case HeadFault::LineTooLong:
      return 414;
    case HeadFault::TooManyFields:
      return 431;
    default:
      return 400;
  }
}

}  // namespace loam::http
