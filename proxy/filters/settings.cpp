#include "proxy/filters/settings.h"

#include <set>

#include "proxy/base/json.h"

namespace loam::filters {

namespace {

/// The names of the members themselves, not of what is in them.
class Naming final : public Form {
 public:
  Fields::Names names;

 private:
  void leaf(const Leaf& leaf) override { names.push_back(leaf.name); }
  void branch(const Branch& branch) override { names.push_back(branch.name); }
};

Fields::Names namesOf(const Describe& describe) {
  Naming naming;
  describe(naming);
  return naming.names;
}

/// "a" of "a/0/b".
std::string_view firstOf(std::string_view path) { return path.substr(0, path.find('/')); }

class Reading final : public Form {
 public:
  Reading(Fields& fields, Purpose purpose) : fields_(&fields), purpose_(purpose) {}

  Json::Value canonical = Json::Value(Json::objectValue);

  void require(Name name) override {
    fields_->require(name);
    if (!fields_->has(name)) broken_.emplace(name);
  }
  void requireInUse(Name name) override {
    if (purpose_ == Purpose::Use) require(name);
  }
  void check(bool holds, const std::vector<std::string>& about, const std::string& detail) override {
    if (holds || isBroken(about)) return;
    const auto given = std::find_if(about.begin(), about.end(),
                                    [this](const std::string& path) { return fields_->has(firstOf(path)); });
    fields_->problemBelow(given == about.end() ? "" : "/" + *given, detail);
  }
  void checkInUse(bool holds, const std::vector<std::string>& about, const std::string& detail) override {
    if (purpose_ == Purpose::Use) check(holds, about, detail);
  }

 private:
  bool isBroken(const std::vector<std::string>& about) const {
    if (!fields_->isObject()) return true;
    if (about.empty()) {
      return std::any_of(broken_.begin(), broken_.end(),
                         [this](const std::string& path) { return fields_->has(firstOf(path)); });
    }
    return std::any_of(about.begin(), about.end(), [this](const std::string& path) { return broken_.contains(path); });
  }

  void leaf(const Leaf& leaf) override {
    if (leaf.read(*fields_)) {
      canonical[std::string(leaf.name)] = leaf.written();
    } else if (fields_->has(leaf.name)) {
      broken_.emplace(leaf.name);
    }
  }

  void branch(const Branch& branch) override {
    const std::size_t before = fields_->problems();
    const Fields::Names names = namesOf(branch.fresh);
    const std::string name(branch.name);
    if (branch.mostItems == 0) {
      if (auto inner = fields_->object(branch.name, names)) canonical[name] = readOne(branch, *inner);
    } else if (fields_->has(branch.name)) {
      Json::Value list(Json::arrayValue);
      for (Fields& inner : fields_->objects(branch.name, names, branch.mostItems)) {
        const std::string item = name + "/" + std::to_string(list.size());
        list.append(readOne(branch, inner));
        if (inner.isBroken()) broken_.insert(item);
      }
      canonical[name] = std::move(list);
    }
    if (fields_->problems() != before) broken_.insert(name);
  }

  Json::Value readOne(const Branch& branch, Fields& fields) {
    Reading reading(fields, purpose_);
    branch.add(reading);
    return reading.canonical;
  }

  Fields* fields_;
  Purpose purpose_;
  std::set<std::string> broken_;  ///< members, and items of lists ("rules/0"), that are missing or wrong by themselves
};

class Writing final : public Form {
 public:
  Json::Value all = Json::Value(Json::objectValue);

 private:
  void leaf(const Leaf& leaf) override {
    Json::Value value = leaf.written();
    if (!value.isNull()) all[std::string(leaf.name)] = std::move(value);
  }

  void branch(const Branch& branch) override {
    Json::Value list(Json::arrayValue);
    for (std::size_t i = 0; i < branch.count; ++i) {
      Writing one;
      branch.describe(i, one);
      list.append(std::move(one.all));
    }
    const std::string name(branch.name);
    if (branch.mostItems > 0) {
      all[name] = std::move(list);
    } else if (branch.count > 0) {
      all[name] = std::move(list[0]);
    }
  }
};

class Listing final : public Form {
 public:
  Listing(std::vector<Setting>& all, std::string prefix) : all_(&all), prefix_(std::move(prefix)) {}

  void require(Name name) override { setStandard(name, "required"); }
  void requireInUse(Name name) override { setStandard(name, "required in use"); }

 private:
  void setStandard(Name name, const char* standard) {
    const std::string path = prefix_ + std::string(name);
    for (Setting& setting : *all_) {
      if (setting.path == path || setting.path == path + "[]") setting.standard = standard;
    }
  }

  void leaf(const Leaf& leaf) override {
    const Json::Value value = leaf.written();
    all_->push_back({prefix_ + std::string(leaf.name), leaf.kind, value.isNull() ? "" : writeJson(value)});
  }

  void branch(const Branch& branch) override {
    const bool list = branch.mostItems > 0;
    const std::string path = prefix_ + std::string(branch.name) + (list ? "[]" : "");
    all_->push_back(
        {path, list ? "a list of at most " + std::to_string(branch.mostItems) + " objects" : "an object", ""});
    Listing inner(*all_, path + ".");
    branch.fresh(inner);
  }

  std::vector<Setting>* all_;
  std::string prefix_;
};

}  // namespace

Json::Value readBy(const Describe& describe, const Json::Value& given, Purpose purpose,
                   std::vector<FieldProblem>& problems) {
  Fields fields(given, "", problems, namesOf(describe));
  Reading reading(fields, purpose);
  describe(reading);
  return std::move(reading.canonical);
}

Json::Value writeBy(const Describe& describe) {
  Writing writing;
  describe(writing);
  return std::move(writing.all);
}

std::vector<Setting> listBy(const Describe& describe) {
  std::vector<Setting> all;
  Listing listing(all, "");
  describe(listing);
  return all;
}

}  // namespace loam::filters
