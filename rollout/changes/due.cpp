#include "rollout/changes/due.h"

#include "rollout/changes/cell_edit.h"

namespace loam::changes {

namespace {

/// Why the appointment cannot be kept; empty when it can.
std::string against(const flags::Desired& desired, const CellEdit& edit, const Judgement& judgement) {
  if (!judgement.problems.empty()) return text(judgement.problems);
  flags::Desired later = desired;
  later.flags[edit.cell] = judgement.after;
  for (const NeedState& need : needsOf(judgement.after, later)) {
    if (!need.met && judgement.rises) {
      return std::string(need.need.feature) + " is " + need.found + " and has to be " + std::string(need.need.stage);
    }
  }
  return judgement.risk();
}

}  // namespace

audit::Act controllersAct(std::string verb, std::string reason) {
  audit::Act act;
  act.who = "controller";
  act.via = "itself";
  act.verb = std::move(verb);
  act.reason = std::move(reason);
  return act;
}

std::optional<Due> dueOf(const flags::Desired& desired, const flags::Flag& flag, std::int64_t now, std::int64_t nowMs,
                         const Grounds& grounds) {
  Due due{flag, {}};
  due.flag.at = nowMs;
  if (flag.expires && *flag.expires <= now && !flag.isOff()) {
    due.act = controllersAct("flag.expire", "its time is over");
    due.flag.stage = "off";
    due.flag.share = flags::kWhole;
    due.flag.expires.reset();
  } else if (flag.scheduled && flag.scheduled->at <= now) {
    const flags::Appointment appointment = *flag.scheduled;
    CellEdit edit;
    edit.cell = flag.cell;
    edit.stage = appointment.stage;
    edit.share = appointment.share;
    Judgement judgement = judge(desired, edit, now);
    judgement.checks = checksOf(judgement, grounds);
    const std::string why = against(desired, edit, judgement);
    due.act =
        why.empty() ? controllersAct("flag.scheduled", appointment.reason) : controllersAct("flag.called_off", why);
    if (why.empty()) due.flag = judgement.after;
    due.flag.at = nowMs;
    due.flag.scheduled.reset();
  } else {
    return std::nullopt;
  }
  due.flag.by = due.act.who;
  due.flag.reason = due.act.reason;
  return due;
}

}  // namespace loam::changes
