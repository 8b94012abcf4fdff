# Language level, warnings, linker and compiler cache. Sanitizers come as flags from CMakePresets.json.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(MILLRACE_BUILD_TESTS "Build the tests" ON)
option(MILLRACE_FUZZ "Build the libFuzzer programs of tests/fuzz; preset fuzz sets the flags that they need" OFF)
option(MILLRACE_TCMALLOC "Link the server to tcmalloc; off where a sanitizer brings an allocator of its own" ON)
option(MILLRACE_WERROR "Treat warnings as errors" ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# Warnings for our own code only; generated code is compiled as it comes.
add_library(millrace_warnings INTERFACE)
# A designated initializer leaves out what keeps its default; -Wextra takes that for a mistake. GCC 12's -Wrestrict
# fires on std::string's own operator+ (GCC bug 105651).
target_compile_options(millrace_warnings INTERFACE -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual
                                                   -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(millrace_warnings INTERFACE -Wno-restrict)
endif()
if(MILLRACE_WERROR)
  target_compile_options(millrace_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(millrace_warnings INTERFACE -Wthread-safety)
endif()
