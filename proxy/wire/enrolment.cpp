#include "proxy/wire/enrolment.h"

#include <functional>

#include "proxy/base/json.h"

namespace loam::wire {

namespace {

constexpr std::size_t kMostQuestionBytes = 32 * 1024;  // a request of 16 KiB, escaped
constexpr std::size_t kMostPem = 64 * 1024;

/// Reads an object with these members, all of them needed.
template <class T>
Result<T> decode(std::string_view json, std::size_t most, const Fields::Names& members,
                 const std::function<T(Fields&)>& take) {
  if (json.size() > most) {
    return fail(ErrorCode::InvalidArgument, "expected at most " + std::to_string(most) + " bytes");
  }
  const auto value = parseJson(json);
  if (!value) return fail(value.error());
  std::vector<FieldProblem> problems;
  Fields fields(*value, "", problems, members);
  for (const std::string_view member : members) fields.require(member);
  T taken = take(fields);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  return taken;
}

}  // namespace

std::string encode(const Join& join) {
  Json::Value out(Json::objectValue);
  out["proxy"] = join.proxy;
  out["token"] = join.token;
  out["csr"] = join.csr;
  return writeJson(out);
}

std::string encode(const Renew& renew) {
  Json::Value out(Json::objectValue);
  out["csr"] = renew.csr;
  return writeJson(out);
}

std::string encode(const Enrolment& enrolment) {
  Json::Value out(Json::objectValue);
  out["chain"] = enrolment.chain;
  out["trust"] = toJson(enrolment.trust);
  return writeJson(out);
}

Result<Join> decodeJoin(std::string_view json) {
  return decode<Join>(json, kMostQuestionBytes, {"proxy", "token", "csr"}, [](Fields& fields) {
    Join join;
    join.proxy = fields.text("proxy", 255).value_or("");
    join.token = fields.text("token", 255).value_or("");
    join.csr = fields.text("csr", kMostQuestionBytes).value_or("");
    return join;
  });
}

Result<Renew> decodeRenew(std::string_view json) {
  return decode<Renew>(json, kMostQuestionBytes, {"csr"},
                       [](Fields& fields) { return Renew{fields.text("csr", kMostQuestionBytes).value_or("")}; });
}

Result<Enrolment> decodeEnrolment(std::string_view json) {
  return decode<Enrolment>(json, kMostEnrolmentBytes, {"chain", "trust"}, [](Fields& fields) {
    Enrolment enrolment;
    enrolment.chain = fields.text("chain", kMostPem).value_or("");
    enrolment.trust = takeTrust(fields, "trust").value_or(Trust{});
    return enrolment;
  });
}

}  // namespace loam::wire
