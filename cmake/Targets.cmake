# The three kinds of target that this tree has: a folder's library, a program, a test binary.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(LOAM_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, comma separated")
option(LOAM_HARDEN "Hardening flags of a release" OFF)
option(LOAM_WARNINGS_ARE_ERRORS "For who develops; a release builds with whatever compiler its user has" ON)
option(LOAM_FUZZ "Build the libFuzzer targets (clang)" OFF)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(loam_options INTERFACE)
target_include_directories(loam_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(loam_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion $<$<BOOL:${LOAM_WARNINGS_ARE_ERRORS}>:-Werror>
  -fno-omit-frame-pointer)
if(LOAM_SANITIZE)
  target_compile_options(loam_options INTERFACE -fsanitize=${LOAM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(loam_options INTERFACE -fsanitize=${LOAM_SANITIZE})
endif()
if(LOAM_SANITIZE MATCHES undefined)
  # It looks at memory through a pipe, and so reports sound objects where a test has used up all descriptors.
  target_compile_options(loam_options INTERFACE -fno-sanitize=vptr)
endif()
if(LOAM_FUZZ)
  # clang 14 cannot check the type of a coroutine that is called ("Cannot represent a difference across sections").
  target_compile_options(loam_options INTERFACE -fsanitize=fuzzer-no-link -fno-sanitize=function)
  add_custom_target(fuzzers)
endif()
if(LOAM_HARDEN)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_compile_options(loam_options INTERFACE
    # GCC 12 sees an overlap in every "literal" + string once it inlines them: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
    -Wno-restrict -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fcf-protection -ftrivial-auto-var-init=zero)
  target_link_options(loam_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

set(LOAM_TOGETHER "" CACHE STRING "Whose files compile as a few units, in a third of the time from nothing: tests or all")
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
if(LOAM_TOGETHER STREQUAL "all")
  set(CMAKE_UNITY_BUILD ON)
  # A coroutine that holds an object of its file's unnamed namespace: the file is no main file any more.
  target_compile_options(loam_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# loam_apart(file...): those that do not compile beside others of their folder, or would mean something else there: for a
# name in their unnamed namespaces that both have.
function(loam_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# loam_library(<name> SOURCES ... [LINKS ...] [APART ...]): one folder, one static library.
function(loam_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;APART" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    loam_apart(${ARG_APART})
    target_link_libraries(${name} PUBLIC loam_options ${ARG_LINKS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE loam_options ${ARG_LINKS})
  endif()
endfunction()

# loam_program(<name> SOURCES ... LINKS ... [APART ...]): an executable in bin/.
function(loam_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;APART" ${ARGN})
  loam_apart(${ARG_APART})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE loam_options ${ARG_LINKS})
endfunction()

# loam_test(<name> SOURCES ... LINKS ... [APART ...] [LABEL unit|integration] [TIMEOUT s]): a GoogleTest binary, its cases as Suite.Case.
function(loam_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINKS;APART" ${ARGN})
  loam_apart(${ARG_APART})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(LOAM_SANITIZE)
    math(EXPR ARG_TIMEOUT "5 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(LOAM_TOGETHER)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON)
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()

# loam_fuzzer(<name> SOURCE f.cpp LINKS ...): a libFuzzer binary in the fuzz preset.
function(loam_fuzzer name)
  cmake_parse_arguments(ARG "" "SOURCE" "LINKS" ${ARGN})
  if(LOAM_FUZZ)
    add_executable(${name} ${ARG_SOURCE})
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} loam_options)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    add_dependencies(fuzzers ${name})
  endif()
endfunction()
