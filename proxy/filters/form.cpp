#include "proxy/filters/form.h"

namespace loam::filters {

void Form::boolean(Name name, bool& value) {
  take(
      name, "true or false", value, [=](Fields& fields) { return fields.boolean(name); },
      [](bool held) { return Json::Value(held); });
}

void Form::number(Name name, double& value, double least, double most) {
  take(
      name, numberKind(least, most), value, [=](Fields& fields) { return fields.number(name, least, most); },
      [](double held) { return Json::Value(held); });
}

bool Form::isWhole(Fields& fields, Name name, std::size_t before, bool empty) {
  if (!fields.has(name) || fields.problems() != before) return false;
  if (empty) fields.problem(name, "expected at least one, found none; leave it out instead");
  return !empty;
}

std::string listKind(std::size_t mostItems, const std::string& kind) {
  return "a list of at most " + std::to_string(mostItems) + ": " + kind;
}

}  // namespace loam::filters
