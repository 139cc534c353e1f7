#pragma once

#include "db/database.h"

namespace loam::db {

/// Of graph.db; its migrations are db/migrations/graph/NNNN_*.sql.
Schema graphSchema();

/// Of control.db; its migrations are db/migrations/control/NNNN_*.sql.
Schema controlSchema();

/// Of a proxy's spool; its migrations are db/migrations/spool/NNNN_*.sql.
Schema spoolSchema();

}  // namespace loam::db
