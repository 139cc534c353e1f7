#pragma once

#include <string>

#include "proxy/http/message.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// The problem of an error of the record: where it is that it knows no such service in the window, with the names that
/// may have been meant. Any thread; it reads the record.
http::Response unknownService(const record::Recorder& recorder, graph::Window window, const std::string& wanted,
                              const Error& error);

}  // namespace loam::api
