#include "proxy/filters/observe.h"

namespace loam::filters {

void ObserveSettings::describe(Form& form) { form.integer("routes", routes, 0, 100); }

}  // namespace loam::filters
